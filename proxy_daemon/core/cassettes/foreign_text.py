"""Recordings as text in the formats of other tools: what their writers share.

Invariant: nothing is left out in silence: what a format cannot say of a recording is told beside its text. Called by
`promptecho/writing.py`, `asgi_replay_writing.py` and `store/cassette`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.messages import Ending, Recording, Response, Unknown
from proxy_daemon.core.wire.uncoding import Uncoder

LEFT_OUT = "left out: "
REQUEST_FIELDS = "the request's header fields"
TRAILERS = "the trailers"
TIMES = "when its pieces came"
PATTERN = "that it answers other requests than the recorded one"
DELIVERED = "what the client got where rules changed the answer"
WRITTEN = "that a person wrote its answer, and its pace"
RECORDED = "when it was recorded"
DURATION = "how long it took"
REASON = "the words beside the status"
FIELD_NAMES = "the case of the names of the answer's header fields"
LOST = (REQUEST_FIELDS, TRAILERS, TIMES, PATTERN, DELIVERED, WRITTEN)
LOST_BY_BOTH = (RECORDED, DURATION, REASON, FIELD_NAMES)
_FINAL, _LAST = 200, 599  # RFC 9110 section 15


@frozen
class WrittenEntry:
    """One recording. ``text``: empty where it cannot be written; then the only loss says why. ``losses``: in words."""

    text: bytes
    losses: Sequence[str] = ()
    files: Mapping[str, bytes] = field(factory=dict)  # beside it, by their names

    @property
    def left_out(self) -> str:
        """Why it is not in the file; empty where it is."""
        return "" if self.text else self.losses[0].removeprefix(LEFT_OUT)


@frozen
class Loss:
    """What of a recording is not in the file. ``entry``: its number among those that were to be written, from 0."""

    entry: int
    what: str


@frozen
class WrittenFile:
    """A whole file, and what it does not tell."""

    text: bytes
    losses: Sequence[Loss] = ()


class ForeignText(Protocol):
    """A format of another tool that is written."""

    @property
    def name(self) -> str:
        """As `Format.name` has it."""

    def entry(self, recording: Recording) -> WrittenEntry:
        """One recording as its part of a file. Raises OSError where a body cannot be read."""

    def like(self, file: str, data: bytes) -> ForeignText:
        """The format as this file has it. Raises `Unreadable`."""

    def whole(self, entries: Iterable[bytes]) -> bytes:
        """A file of these parts, in this order."""

    def entries(self, file: str, data: bytes) -> list[bytes]:
        """The parts of a file, one for each entry that the format's reader gives. Raises `Unreadable`."""


class CannotSay(ValueError):
    """Why a recording cannot be in the file. The sentence holds nothing of the recording."""


def text(form: ForeignText, recordings: Iterable[Recording]) -> WrittenFile:
    """A whole file. Raises OSError where a body cannot be read."""
    made = [form.entry(recording) for recording in recordings]
    losses = [Loss(number, what) for number, one in enumerate(made) for what in one.losses]
    return WrittenFile(form.whole(one.text for one in made if one.text), losses)


def left_out(why: object) -> WrittenEntry:
    """Of a recording that cannot be written."""
    return WrittenEntry(b"", (f"{LEFT_OUT}{why}",))


def answer_of(recording: Recording) -> Response:
    """The answer, whole and known. Raises `CannotSay`."""
    response = recording.response
    if response is None:
        raise CannotSay("it has no answer")
    if recording.cut or recording.ending is not Ending.COMPLETE:
        raise CannotSay("its answer is not whole")
    if Unknown.STATUS in recording.unknown or not _FINAL <= response.head.status <= _LAST:
        raise CannotSay("its status is none of an answer")
    return response


def sent_body(recording: Recording) -> bytes:
    """The request's body as it was sent, in memory."""
    return b"".join(chunks(recording.request.body))


def plain_body(response: Response, limit: int) -> bytes:
    """The answer's body without its content coding. Raises `CodingError`, also where it is larger than ``limit``."""
    uncoder = Uncoder(b",".join(response.head.headers.all(b"content-encoding")), limit)
    return b"".join([*map(uncoder.piece, chunks(response.body)), uncoder.end()])


def lost(recording: Recording, response: Response) -> list[str]:
    """What no format of these tools tells, as far as this recording has it."""
    facts = {
        REQUEST_FIELDS: bool(recording.request.headers.pairs),
        TRAILERS: bool(response.trailers.pairs),
        TIMES: len(response.pieces.sizes) > 1 and any(response.pieces.times),
        PATTERN: recording.pattern is not None,
        DELIVERED: recording.delivered is not None,
        WRITTEN: recording.written,
    }
    return [what for what, holds in facts.items() if holds]


def lost_by_both(recording: Recording, response: Response) -> list[str]:
    """What neither promptecho nor asgi-replay tells: fields stand there in lower case, and no time does."""
    names = [name for name, _ in response.head.headers.end_to_end().pairs]
    facts = {
        RECORDED: Unknown.TIME not in recording.unknown,
        DURATION: Unknown.DURATION not in recording.unknown,
        REASON: bool(response.head.reason),
        FIELD_NAMES: any(name != name.lower() for name in names),
    }
    return [what for what, holds in facts.items() if holds]
