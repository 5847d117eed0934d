"""What changes the texts of one answer, made from its head. First octets tell its framing, as its type may be wrong.

`editor_for` says before the first octet whether rules could touch the body at all; where they cannot, nothing is
decoded and nothing held. Called by the rewriting plugin, which takes `Content-Encoding` out of the head where `uncodes`
says so, and `Content-Length` in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from proxy_daemon.core.conversation import Operation
from proxy_daemon.core.dialects import framing
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.framing import Framing, framing_of, is_media, media_type
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting.blocks import Regrouped, stage_for
from proxy_daemon.core.rewriting.channels import channels_for
from proxy_daemon.core.rewriting.channels.cohere import CohereV1
from proxy_daemon.core.rewriting.channels.ollama import Ollama
from proxy_daemon.core.rewriting.channels.replicate import Replicate
from proxy_daemon.core.rewriting.coded import Coded
from proxy_daemon.core.rewriting.document import DocumentEditor
from proxy_daemon.core.rewriting.machine import Machine
from proxy_daemon.core.rewriting.rules import Pair, TextRule
from proxy_daemon.core.rewriting.stream import StreamEditor
from proxy_daemon.core.wire.coding import CodingError, decoder_for

_BODILESS = (204, 304)
_NO_WORDS = (b"text/html", b"text/css", b"text/csv", b"text/javascript", b"application/javascript")
# What may answer in words of a model.
_SPOKEN = frozenset(
    (Operation.CHAT, Operation.COMPLETION, Operation.STATE, Operation.BATCHES, Operation.FILES, Operation.OTHER)
)


def can_move(dialect: Dialect, request: Request) -> bool:
    """Whether the API has a field for reasoning into which text can be moved."""
    channels = channels_for(dialect, request)
    return channels is not None and channels.moves


class AnswerEditor:
    """One answer. A `Transform`. Made by `editor_for`."""

    def __init__(self, machine: Machine, way: _Way, codings: bytes) -> None:
        self._machine = machine
        self._framed = _Framed(machine, way)
        self._body: Coded | _Framed = self._framed
        self.uncodes = bool(codings)
        if codings:
            self._body = Coded(self._framed, codings, machine.say)

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        return self._body.piece(data)

    @property
    def straight(self) -> Callable[[bytes], bytes] | None:
        """What does the same as `piece` from here on, by fewer calls; None: not known yet."""
        return self._framed.straight if self._body is self._framed else self._body.piece

    def end(self) -> bytes:
        """See `Transform`."""
        return self._body.end()

    @property
    def problems(self) -> Sequence[str]:
        """What could not be edited and why, for the log."""
        return tuple(self._machine.problems)

    @property
    def fired(self) -> dict[str, int]:
        """How often each rule changed something; whole when the answer has ended."""
        return dict(self._machine.fired)


def editor_for(
    rules: Sequence[TextRule], dialect: Dialect, request: Request, head: ResponseHead
) -> AnswerEditor | None:
    """For an answer with that head; None where no rule could touch its body.

    A rule that moves text is left out where the API has no place for it, and `problems` says so: see `can_move`.
    """
    channels = channels_for(dialect, request)
    if channels is None or not rules or not _may_hold_words(dialect, request, head):
        return None
    moving = [rule for rule in rules if isinstance(rule, Pair) and rule.moves and not channels.moves]
    left = [rule for rule in rules if rule not in moving]
    codings = b",".join(head.headers.all(b"content-encoding"))
    machine = Machine(left, channels)
    for rule in moving:
        machine.say(f"rule {rule.name!r} does nothing: {dialect.name} has no field that text can be moved to")
    if isinstance(channels, Replicate) and dialect.streams(request):
        machine.say("the answer passes as it came: what Replicate streams is bare text, no JSON")
    if problem := _unknown(codings):
        machine.say(f"the answer passes as it came: {problem}")
    streams = dialect.streams(request)
    way = _Way(
        head.headers.get(b"content-type"),
        head.status,
        streams,
        passes=not left or bool(problem),
        moves=any(isinstance(rule, Pair) and rule.moves for rule in left),
        lines=streams and isinstance(channels, Ollama | CohereV1),
    )
    return AnswerEditor(machine, way, b"" if way.passes else _applied(codings))


def _may_hold_words(dialect: Dialect, request: Request, head: ResponseHead) -> bool:
    stated = head.headers.get(b"content-type")
    if request.method == b"HEAD" or head.status in _BODILESS or is_media(stated):
        return False
    return media_type(stated) not in _NO_WORDS and dialect.operation(request) in _SPOKEN


def _applied(codings: bytes) -> bytes:
    """Without "identity", which is none."""
    return b",".join(name.strip() for name in codings.split(b",") if name.strip().lower() not in (b"", b"identity"))


def _unknown(codings: bytes) -> str:
    try:
        decoder_for(codings)
    except CodingError as error:
        return str(error)
    return ""


@frozen
class _Way:
    """What a head and its request say of a body. ``passes``: it is not edited; ``moves``: text of it may move.

    ``lines``: it is a stream of an API whose streams are lines of JSON, whatever its type says: it is not held.
    """

    content_type: bytes
    status: int
    streams: bool
    passes: bool
    moves: bool
    lines: bool

    def framing(self, first: bytes) -> Framing:
        """By the first octets."""
        found = framing_of(self.content_type, first, status=self.status, streams=self.streams)
        return Framing.LINES if found is Framing.DOCUMENT and self.lines else found


class _Framed:
    """A decoded body, whose framing its first octets tell."""

    def __init__(self, machine: Machine, way: _Way) -> None:
        self._machine, self._way = machine, way
        self._first = b""
        self._chosen: StreamEditor | DocumentEditor | Regrouped | None = None
        self._passes = way.passes

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        if self._chosen is not None:
            return self._chosen.piece(data)
        if self._passes:
            return data
        self._first += data
        return self._begun() if framing.tells(self._first) else b""

    @property
    def straight(self) -> Callable[[bytes], bytes] | None:
        """See `AnswerEditor`."""
        return self._chosen.piece if self._chosen is not None else self.piece if self._passes else None

    def end(self) -> bytes:
        """See `Transform`."""
        out = self._begun() if self._chosen is None and self._first else b""
        return out + (self._chosen.end() if self._chosen else b"")

    def _begun(self) -> bytes:
        first, self._first = self._first, b""
        form = self._way.framing(first)
        if form is Framing.OPAQUE:
            self._passes = True
            return first
        if form is Framing.DOCUMENT:
            self._chosen = DocumentEditor(self._machine)
        else:
            self._chosen = self._of_stream(form)
        return self._chosen.piece(first)

    def _of_stream(self, form: Framing) -> StreamEditor | Regrouped:
        stream = StreamEditor(self._machine, form)
        stage = stage_for(self._machine.channels, form, self._machine.say) if self._way.moves else None
        return stream if stage is None else Regrouped(stream, stage)
