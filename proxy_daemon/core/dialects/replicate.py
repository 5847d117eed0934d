"""Replicate: predictions of any model, polled for, or followed at a stream of their own.

Making one is state: what it answers is found elsewhere, later. Which model is asked, the path says, or a version.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Media, Message, Part, Text, Usage
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, as_json, error_text
from proxy_daemon.core.dialects.json_shapes import count_at, object_at, text_at, written
from proxy_daemon.core.dialects.said import Said
from proxy_daemon.core.messages import Request

_MODEL = re.compile(rb"/(?:models|deployments)/([^/]+/[^/]+)(?:/|\Z)")
_ENDS = {"succeeded": Finish.STOP, "failed": Finish.ERROR, "canceled": Finish.OTHER, "aborted": Finish.OTHER}


class Replicate(Dialect):
    """See https://replicate.com/docs/reference/http ."""

    name = "replicate"
    home = "https://api.replicate.com"
    paths = re.compile(
        rb"/v1/(?:predictions|trainings|streams|collections|hardware)(?:/|\Z)"
        rb"|/v1/(?:models|deployments)/[^/]+/[^/:]+/(?:predictions|versions|examples|readme)(?:/|\Z)"
    )
    operations = re.compile(rb"/(?P<state>v1/(?:predictions|trainings|streams|models/.*|deployments/.*)(?:/.*)?)$")
    volatile = ("webhook", "webhook_events_filter")
    deciding_fields = (b"prefer",)  # whether the answer waits for the prediction
    terminal = (b"event: done\n",)

    def generates(self, request: Request) -> bool:
        """Never: see above."""
        return False

    def model(self, request: Request) -> str:
        """In the path, or as a version in the body."""
        found = _MODEL.search(request.path)
        version = request.body_field("version")
        return found[1].decode("latin-1") if found else version if isinstance(version, str) else ""

    def streams(self, request: Request) -> bool:
        """Only what is followed; `stream` in a request asks for a place where that can be done."""
        return request.method == b"GET" and b"/streams/" in request.path

    def conversation(self, request: Request) -> Conversation:
        """The prompts of the models that have them."""
        given = object_at(request.json, "input")
        system, asked = text_at(given, "system_prompt"), text_at(given, "prompt", "text")
        said = [Message(role, (Text(text),)) for role, text in (("system", system), ("user", asked)) if text]
        return Conversation(tuple(said))

    def whole(self, document: Any) -> Answer:
        """A prediction."""
        status = text_at(document, "status")
        parts = _parts(document.get("output")) if isinstance(document, dict) else ()
        error = error_text(document) or (text_at(document, "detail") if text_at(document, "title") else "")
        return Answer(
            choices=(Choice(parts, _ENDS.get(status, Finish.UNKNOWN), status),) if parts or status in _ENDS else (),
            id=text_at(document, "id"),
            model=text_at(document, "model"),
            usage=_usage(object_at(document, "metrics")),
            error=error,
            complete=not error and status not in ("starting", "processing"),
        )

    def assembler(self) -> Assembler:
        """For events: `output`, `error`, `done`."""
        return OutputAssembler()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://replicate.com/docs/reference/http#errors ."""
        return as_json({"title": kind, "detail": message, "status": status})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """See https://replicate.com/docs/topics/predictions/streaming ."""
        return b"event: error\ndata: " + as_json({"detail": message}) + b"\n\n"


class OutputAssembler:
    """See `Assembler`. What was said stands as text in the events, and may look like JSON."""

    def __init__(self) -> None:
        self._said = Said()
        self._done = False
        self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if name == "output":
            self._said.texts.append(data if isinstance(data, str) else written(data))
        elif name == "error":
            self._error = text_at(data, "detail") or (data if isinstance(data, str) else name)
        elif name == "done":
            self._done = True

    def answer(self) -> Answer:
        """See `Assembler`."""
        choice = self._said.choice()
        finish = Finish.STOP if self._done else Finish.UNKNOWN
        choices = (Choice(choice.parts, finish),) if choice.parts or self._done else ()
        return Answer(choices, error=self._error, complete=self._done and not self._error)


def _parts(output: Any) -> tuple[Part, ...]:
    """Words, in a list of pieces where the model streams, or the places of files."""
    each = output if isinstance(output, list) else [output]
    texts = [one for one in each if isinstance(one, str)]
    if texts and all(one.startswith(("https://", "data:")) for one in texts):
        return tuple(Media("file", source=one[:2048]) for one in texts)
    text = "".join(texts)
    return (Text(text),) if text else ()


def _usage(metrics: dict[str, Any]) -> Usage | None:
    found = Usage(input=count_at(metrics, "input_token_count"), output=count_at(metrics, "output_token_count"))
    return None if found == Usage() else found
