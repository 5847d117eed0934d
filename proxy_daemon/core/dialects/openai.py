"""OpenAI's API and all that speak like it: chat completions, legacy completions, Responses, embeddings and the rest."""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Request

_PATHS = re.compile(
    rb"/(chat/completions|completions|responses|embeddings|models|moderations|images|audio|files|batches|uploads"
    rb"|threads|assistants|vector_stores|fine_tuning|conversations|videos|containers|realtime)(/|$)"
)


class OpenAI(Dialect):
    """See https://platform.openai.com/docs/api-reference ."""

    name = "openai"
    terminal = (
        *Dialect.terminal,
        b"event: response.completed\n",
        b"event: response.incomplete\n",
        b"event: response.failed\n",
    )

    def recognises(self, request: Request) -> bool:
        """By path."""
        return _PATHS.search(request.path) is not None

    def generates(self, request: Request) -> bool:
        """As most APIs; but POST /threads/ID/messages adds a message, which a recorded answer would not do."""
        return super().generates(request) and b"/threads/" not in request.path
