"""Claude on Google's Vertex: model and operation in the path as Google has them, bodies as Anthropic has them."""

from __future__ import annotations

import re
from urllib.parse import unquote

from proxy_daemon.core.conversation import Operation
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.messages import Request

_PATH = re.compile(rb"/publishers/anthropic/models/([^/:]+)(?::|%3[aA])((?:stream)?rawPredict)$", re.IGNORECASE)
_COUNTING = b"count-tokens"  # stands where a model's name does


class VertexClaude(Anthropic):
    """See https://docs.anthropic.com/en/api/claude-on-vertex-ai ."""

    name = "vertex-claude"
    home = "https://aiplatform.googleapis.com"

    def recognises(self, request: Request) -> bool:
        """By the path."""
        return self.left_to_ask(request.path)

    def left_to_ask(self, path: bytes) -> bool:
        """See `Dialect`."""
        return _PATH.search(path) is not None

    def operation(self, request: Request) -> Operation:
        """The path says whether tokens are counted; all else is a message."""
        found = _PATH.search(request.path)
        if found is None:
            return Operation.OTHER
        if request.method != b"POST":
            return Operation.STATE
        return Operation.COUNT_TOKENS if found[1] == _COUNTING else Operation.CHAT

    def model(self, request: Request) -> str:
        """From the path; of a count from the body."""
        found = _PATH.search(request.path)
        if found is None or found[1] == _COUNTING:
            return super().model(request)
        return unquote(found[1].decode("latin-1"))

    def streams(self, request: Request) -> bool:
        """By the path, or as Anthropic's own."""
        found = _PATH.search(request.path)
        return (found is not None and found[2].lower().startswith(b"stream")) or super().streams(request)
