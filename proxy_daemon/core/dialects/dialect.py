"""What a dialect knows of one LLM API. Subclasses stand in files beside this; `llmproxy_dialects()` adds more.

A dialect looks at method, path, headers and body, never at the host: the same API is served from anywhere.
"""

from __future__ import annotations

import json
import re

from proxy_daemon.core.messages import Request

_STREAM_PATH = re.compile(rb"stream", re.IGNORECASE)


class Dialect:
    """The generic dialect: knows nothing but what most APIs have in common. Subclass it for a real one."""

    name = "generic"
    # Base URL of the API's own maker: where a request goes when no upstream is configured.
    home = "https://api.openai.com/v1"
    # Paths whose POSTs make an answer (and so may be served from the store).
    generating = re.compile(
        rb"/(chat/completions|completions|responses|messages|embeddings?|embed|rerank|generate(_stream)?"
        rb"|moderations|images/generations|audio/speech|chat)$"
        rb"|:(stream)?generateContent$|:(batch)?embedContents?$|/(converse|invoke)(-stream|-with-response-stream)?$",
        re.IGNORECASE,
    )
    # What the last bytes of a whole event stream hold.
    terminal: tuple[bytes, ...] = (b"data: [DONE]", b"data:[DONE]")

    def recognises(self, request: Request) -> bool:
        """Whether the request speaks this dialect. Dialects are asked in order; the first that says yes has it."""
        return True

    def generates(self, request: Request) -> bool:
        """Whether the request asks for a new answer, rather than for the state of something."""
        return request.method == b"POST" and self.generating.search(request.path.rstrip(b"/")) is not None

    def model(self, request: Request) -> str:
        """The model asked for; empty where the request names none."""
        model = request.body_field("model")
        return model if isinstance(model, str) else ""

    def streams(self, request: Request) -> bool:
        """Whether a stream of events is asked for: by the body, else by the path, else by `Accept`."""
        asked = request.body_field("stream")
        if isinstance(asked, bool):
            return asked
        return _STREAM_PATH.search(request.path) is not None or b"text/event-stream" in request.headers.tokens(
            b"accept"
        )

    def ends_with_terminal(self, tail: bytes) -> bool:
        """Whether ``tail``, the last octets of a stream so far, hold its terminal event."""
        return any(mark in tail for mark in self.terminal)

    def error(self, status: int, kind: str, message: str) -> bytes:
        """An error body as this API would write it, JSON; SDKs print the message.

        ``kind`` is a short word for programs, such as "llmproxy_miss".
        """
        return as_json({"error": {"message": message, "type": kind, "param": None, "code": kind}})


def as_json(value: object) -> bytes:
    """JSON in UTF-8; lone surrogates become question marks."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
