"""What a dialect knows of one LLM API. Subclasses stand in files beside this; `llmproxy_dialects()` adds more.

A dialect looks at method, path, headers and body, never at the host: the same API is served from anywhere. It never
raises on what a client or an upstream wrote: what it does not understand it leaves out, or names as `Other`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from attrs import frozen

from proxy_daemon.core.conversation import GENERATING, Answer, Conversation, Operation
from proxy_daemon.core.messages import Request

Question = Callable[[Request], bool]

LONGEST_KNOWN = 256  # octets of a path that is remembered
_STREAM_PATH = re.compile(rb"stream", re.IGNORECASE)


class Assembler(Protocol):
    """Puts an answer together from the items of a stream: events, lines, frames or elements of an array."""

    def add(self, name: str, data: Any) -> None:
        """One item. ``name``: of the event or frame, empty where it has none.

        ``data``: its JSON, parsed; or the text itself, where that is no JSON (such as "[DONE]").
        """

    def answer(self) -> Answer:
        """What there is by now. May be called at any time, and more than once."""


@frozen
class Piece:
    """A part of a rendered answer that is sent at once. ``spoken``: a model takes its time for it, as for each word."""

    octets: bytes
    spoken: bool = False


@frozen
class Rendered:
    """An answer in the words of an API: one piece for a document, one for each event of a stream."""

    content_type: bytes
    pieces: tuple[Piece, ...]

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(piece.octets for piece in self.pieces)


class CannotRender(ValueError):
    """The API has no words for this answer; the message says what is missing."""


class Dialect:
    """The generic dialect: knows nothing but what most APIs have in common. Subclass it for a real one."""

    name = "generic"
    # Whose API it is, where several dialects have one maker: the upstream's name where none is configured.
    maker = ""
    # Base URL of the API's own maker: where a request goes when no upstream is configured.
    home = "https://api.openai.com/v1"
    # What is found in every path of this dialect; None: there is no such rule.
    paths: re.Pattern[bytes] | None = None
    # What a path ends in, and so what is asked for: each group is named after an `Operation`.
    operations = re.compile(
        rb"(?:(?P<chat>/(?:chat/completions|responses|messages|chat|converse(?:-stream)?)|:(?:stream)?generateContent)"
        rb"|(?P<completion>/(?:completions|complete|generate(?:_stream)?|invoke(?:-with-response-stream)?))"
        rb"|(?P<embeddings>/(?:embeddings?|embed)|:(?:batch)?embedContents?)|(?P<rerank>/rerank)"
        rb"|(?P<moderation>/moderations)|(?P<image>/images/(?:generations|edits|variations))"
        rb"|(?P<speech>/audio/speech)|(?P<transcription>/audio/(?:transcriptions|translations))"
        rb"|(?P<count_tokens>/(?:count_tokens|input_tokens|tokenize))|(?P<models>/(?:models|tags)(?:/[^/:]+)?)"
        rb"|(?P<files>/(?:files|uploads)(?:/[^/]+){0,2})|(?P<batches>/batches(?:/[^/]+){0,2}))$",
        re.IGNORECASE,
    )
    # Members of the body: paths, names with dots between them, `*` for each element of a list.
    # Those that do not decide the answer. Of an API that is not known, all do.
    volatile: tuple[str, ...] = ()
    # What a server signed or encrypted for itself. It does not decide the answer, and is never altered.
    opaque: tuple[str, ...] = ()
    # Ids that a server minted for this conversation: which is which counts, not how they are spelled. What names
    # something that lies at the server (a response to go on from, a conversation, a container, a file) is not one.
    ids: tuple[str, ...] = ()
    # An item's own id: it does not count where the item says more than its id.
    own_ids: tuple[str, ...] = ()
    # Header fields that decide the answer.
    deciding_fields: tuple[bytes, ...] = ()
    # What the last bytes of a whole event stream hold.
    terminal: tuple[bytes, ...] = (b"data: [DONE]", b"data:[DONE]")

    @property
    def upstream_name(self) -> str:
        """Of the upstream at `home`."""
        return self.maker or self.name

    # --- the request -------------------------------------------------------------------------------------------------

    def recognises(self, request: Request) -> bool:
        """Whether the request speaks this dialect. Dialects are asked in order; the first that says yes has it.

        By its path, unless a subclass knows better. What it says must follow from method, target, headers and body.
        """
        return self.paths is None or self.paths.search(request.path) is not None

    def left_to_ask(self, path: bytes) -> bool | Question:
        """What `recognises` says of every request with that path, or what must still be asked of each.

        It is remembered for a path (`dialects.recognise`): there are many dialects, and most paths settle it. A
        subclass that has its own `recognises` and not this is asked each time.
        """
        return self.paths is None or self.paths.search(path) is not None

    def operation(self, request: Request) -> Operation:
        """What is asked for, by method and path."""
        found = operation_of(self.operations, request.path)
        return found if request.method == b"POST" or found not in GENERATING else Operation.STATE

    def generates(self, request: Request) -> bool:
        """Whether the request asks for a new answer, rather than for the state of something: a cache may answer it."""
        return request.method == b"POST" and self.operation(request) in GENERATING

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

    def conversation(self, request: Request) -> Conversation:
        """What the request says. Empty where it is no conversation."""
        return Conversation()

    # --- the answer --------------------------------------------------------------------------------------------------

    def whole(self, document: Any) -> Answer:
        """The answer that a JSON document tells. ``document``: parsed, of any shape."""
        error = error_text(document)
        return Answer(error=error, complete=not error)

    def assembler(self) -> Assembler:
        """For a stream's items; a new one for each stream."""
        return Unread()

    def ends_with_terminal(self, tail: bytes) -> bool:
        """Whether ``tail``, the last octets of a stream so far, hold its terminal event."""
        return any(mark in tail for mark in self.terminal)

    # --- our own answers ---------------------------------------------------------------------------------------------

    def error(self, status: int, kind: str, message: str) -> bytes:
        """An error body as this API would write it, JSON; SDKs print the message.

        ``kind`` is a short word for programs, such as "llmproxy_miss".
        """
        return as_json({"error": {"message": message, "type": kind, "param": None, "code": kind}})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """The same within a stream that has begun: a whole item of its framing."""
        return b"data: " + self.error(status, kind, message) + b"\n\n"

    def render(self, answer: Answer, request: Request) -> Rendered:
        """An answer as this API writes it: a document, or a stream where ``request`` asks for one.

        Raises `CannotRender`.
        """
        raise CannotRender(f"the dialect {self.name} writes no answers")


class Unread:
    """Of a stream whose items mean nothing to us: all there is to say is whether one of them tells of an error."""

    def __init__(self) -> None:
        self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._error = self._error or error_text(data)

    def answer(self) -> Answer:
        """See `Assembler`."""
        return Answer(error=self._error, complete=not self._error)


def operation_of(operations: re.Pattern[bytes], path: bytes) -> Operation:
    """By the pattern's group that fits."""
    return _known(operations, path) if len(path) <= LONGEST_KNOWN else _searched(operations, path)


def _searched(operations: re.Pattern[bytes], path: bytes) -> Operation:
    found = operations.search(path.rstrip(b"/"))
    return Operation[(found.lastgroup or "other").upper()] if found else Operation.OTHER


_known = lru_cache(maxsize=1024)(_searched)


def error_text(document: Any) -> str:
    """The message of an error, in the shapes that most APIs use; empty where there is none."""
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        message = error.get("message")
        return message if isinstance(message, str) and message else _as_text(error)
    return error if isinstance(error, str) else ""


def _as_text(error: dict[str, Any]) -> str:
    try:
        return as_json(error).decode()
    except RecursionError:
        return "an error that is nested too deep to be shown"


def as_json(value: object) -> bytes:
    """JSON in UTF-8; lone surrogates become question marks."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
