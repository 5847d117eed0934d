"""A recording as a filter sees it.

Invariant: nothing raises and nothing secret is seen, whatever the bodies hold; bodies are read where a term asks for
them, at most `MOST_DECODED` octets of each. Called by who has a recording at hand, and for what an index does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, field, frozen

from proxy_daemon.core.bodies import EMPTY, Body, chunks
from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.filtering.said import said_of
from proxy_daemon.core.filtering.tree import FARTHEST
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.answered import answered_by
from proxy_daemon.core.inspecting.opened import Opened, opened, shown
from proxy_daemon.core.inspecting.summary import url_of
from proxy_daemon.core.inspecting.told import called, tokens
from proxy_daemon.core.lazy import lazy
from proxy_daemon.core.messages import Ending, Recording, Response, Unknown
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

MOST_DECODED = FARTHEST
_PART = 4096  # octets: where a body's limit is met, what the last of these would have given is not seen
_CODING, _TYPE = b"content-encoding", b"content-type"
_BAD = 400


def error_of(recording: Recording, answer: Answer | None) -> str:
    """What went wrong: as the API says, else by how it ended, else by its status; empty for nothing."""
    if answer is not None and answer.error:
        return answer.error
    if recording.ending is not Ending.COMPLETE:
        return recording.detail or recording.ending.value
    return f"status {recording.status}" if recording.status >= _BAD else ""


def decoded(headers: Headers, body: Body) -> bytes:
    """The body without its content coding: as much of its beginning as can be decoded and is wanted."""
    uncoder = Uncoder(b",".join(headers.all(_CODING)), MOST_DECODED)
    out = bytearray()
    try:
        for data in chunks(body, _PART):
            out += uncoder.piece(data)
        out += uncoder.end()
    except (CodingError, OSError):
        pass  # what stands before it is looked through
    return bytes(out)


@frozen(slots=False, eq=False)
class Recorded:
    """A `Subject`. ``recording``: with its bodies; ``answering``: the recording that answered it, if one did.

    ``mark``, ``comment``: what the store knows beside it. ``rules``: for secrets, beside the built-in.
    """

    recording: Recording
    dialects: Sequence[Dialect] = BUILT_IN
    answering: Recording | None = None
    mark: str = ""
    comment: str = ""
    rules: Rules = field(default=NO_RULES)

    @property
    def method(self) -> str:
        """See `Subject`."""
        return self.recording.request.method.decode("latin-1")

    @property
    def status(self) -> int:
        """See `Subject`."""
        return self.recording.status

    @property
    def outcome(self) -> str:
        """See `Subject`."""
        return self.recording.outcome.value

    @property
    def session(self) -> str:
        """See `Subject`."""
        return self.recording.session

    @property
    def cassette(self) -> str:
        """See `Subject`."""
        return self.recording.cassette

    @property
    def pinned(self) -> bool:
        """See `Subject`."""
        return self.recording.pinned

    @property
    def edited(self) -> bool:
        """See `Subject`."""
        return self.recording.written

    @property
    def seconds(self) -> float | None:
        """See `Subject`. Another tool's recording may not tell."""
        return None if Unknown.DURATION in self.recording.unknown else self.recording.duration / 1_000_000

    @property
    def host(self) -> str:
        """See `Subject`."""
        return "" if Unknown.HOST in self.recording.unknown else self.recording.upstream.host

    @property
    def has_response(self) -> bool:
        """See `Subject`."""
        return self._whole.response is not None or self.recording.status != 0

    @lazy
    def url(self) -> str:
        """See `Subject`."""
        return url_of(self.recording, self._safe.request.target)

    @lazy
    def request_lines(self) -> Sequence[bytes]:
        """See `Subject`."""
        return _lines(self._safe.request.headers)

    @lazy
    def response_lines(self) -> Sequence[bytes]:
        """See `Subject`."""
        return _lines(self._answer_headers)

    @property
    def request_types(self) -> Sequence[bytes]:
        """See `Subject`."""
        return self._safe.request.headers.all(_TYPE)

    @property
    def response_types(self) -> Sequence[bytes]:
        """See `Subject`."""
        return self._answer_headers.all(_TYPE)

    @lazy
    def request_body(self) -> bytes:
        """See `Subject`."""
        return decoded(self._safe.request.headers, self._safe.request.body)

    @lazy
    def response_body(self) -> bytes:
        """See `Subject`."""
        response = self._safe.response
        return b"" if response is None else decoded(response.head.headers, response.body)

    @property
    def model(self) -> str:
        """See `Subject`."""
        return self.recording.model or (self.opened.model if self.opened else "")

    @property
    def dialect(self) -> str:
        """See `Subject`."""
        return self.opened.dialect.name if self.opened else ""

    @property
    def error(self) -> str:
        """See `Subject`."""
        return error_of(self.recording, self._answer)

    @property
    def tools(self) -> Sequence[str]:
        """See `Subject`."""
        return called(self._answer)

    @property
    def tokens(self) -> int | None:
        """See `Subject`."""
        return tokens(self._answer.usage if self._answer else None)["total"]

    @lazy
    def said(self) -> Sequence[str]:
        """See `Subject`."""
        return said_of(self.opened.conversation, self.opened.answer) if self.opened else ()

    @property
    def _answer(self) -> Answer | None:
        return self.opened.answer if self.opened else None

    @property
    def _answer_headers(self) -> Headers:
        response = self._safe.response
        return Headers() if response is None else response.head.headers

    @lazy
    def _whole(self) -> Recording:
        """With what the store does not hold twice, and the answer that the client got where upstream gave none."""
        recording, answering, delivered = self.recording, self.answering, self.recording.delivered
        if answering is not None:
            recording = answered_by(recording, answering)
        if recording.response is None and delivered is not None:
            recording = evolve(recording, response=Response(delivered.head, delivered.body or EMPTY))
        return recording

    @lazy
    def _safe(self) -> Recording:
        read = self.__dict__.get("opened")  # where the bodies were read, what is secret was found too
        if read is not None:
            return read.recording  # type: ignore[no-any-return]
        try:
            return shown(self._whole, self.rules)
        except OSError:  # the store has lost a body
            return shown(_bodiless(self._whole), self.rules)

    @lazy
    def opened(self) -> Opened | None:
        """Its bodies, read once; None where the store has lost one."""
        try:
            return opened(self._whole, self.dialects, self.rules)
        except OSError:
            return None


def _lines(headers: Headers) -> list[bytes]:
    return [b"%b: %b" % pair for pair in headers.pairs]


def _bodiless(recording: Recording) -> Recording:
    response = recording.response
    if response is not None:
        response = evolve(response, body=EMPTY)
    return evolve(recording, request=evolve(recording.request, body=EMPTY), response=response)
