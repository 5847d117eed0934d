"""What OpenAI's API keeps: files, batches, models, assistants, threads and their runs, vector stores and the like.

Nothing here is generated from the request alone: a run reads its thread and adds to it, so no recording may answer in
its place. Runs tell of themselves by polling, or in named events.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.json_shapes import text_at
from proxy_daemon.core.dialects.openai.runs import RunAssembler, state_of, written_in
from proxy_daemon.core.messages import Request

_KEPT = (
    rb"(?:(?P<models>models|available-models)|(?P<files>files|uploads)|(?P<batches>batches|batch/jobs)"
    rb"|(?P<state>assistants|audio/voices|chatkit|containers|conversations|evals|fine_tuning|organization|realtime"
    rb"|threads|vector_stores|videos))(?:/|$)"
)
_MODEL = re.compile(rb"/models/([^/]+(?:/[^/]+)?)$")


class OpenAIState(Dialect):
    """See https://platform.openai.com/docs/api-reference , from "Batch" on, and "Assistants" there."""

    name = "openai-state"
    maker = "openai"
    # by the first segment that names a kind: /vector_stores/ID/files is the state of a vector store
    paths = operations = re.compile(rb"/" + _KEPT)
    volatile = ()  # what is kept is given back as it was said
    terminal = (*Dialect.terminal, b"event: done\n")

    def generates(self, request: Request) -> bool:
        """Never: POST /threads/ID/messages adds a message, and a run what it says, which no recording would do."""
        return False

    def model(self, request: Request) -> str:
        """In the body; of a realtime session below its settings; in the path of a model."""
        session = request.body_field("session")
        in_path = _MODEL.search(request.path)
        return super().model(request) or text_at(session, "model") or (in_path[1].decode("latin-1") if in_path else "")

    def streams(self, request: Request) -> bool:
        """Runs do where the request says so; content and state never."""
        return request.body_field("stream") is True

    def conversation(self, request: Request) -> Conversation:
        """What a message, a thread, a run or an assistant is told."""
        return written_in(request.json)

    def whole(self, document: Any) -> Answer:
        """The state of one thing; a list says no more than its error."""
        return state_of(document)

    def assembler(self) -> RunAssembler:
        """For the events of a run."""
        return RunAssembler()
