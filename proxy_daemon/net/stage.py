"""Makes relays (`pipeline.ports.Stage`): one for an upstream's answer, one for a recording that answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

from attrs import define, evolve
from twisted.internet.defer import Deferred

from proxy_daemon.core.bodies import CHUNK
from proxy_daemon.core.messages import Ending, Exchange, Recording, Response
from proxy_daemon.core.services import Clock
from proxy_daemon.core.speed import AS_RECORDED, Speed
from proxy_daemon.core.timing import schedule
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.core.wire.coding import CodingError, Decoder, accepts, decoder_for
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.player import Delayed, Player
from proxy_daemon.net.relay import Drain, Relay
from proxy_daemon.net.short_relay import ShortRelay
from proxy_daemon.pipeline.keeping import Keeper
from proxy_daemon.pipeline.ports import Answer, Timer
from proxy_daemon.pipeline.tape import OnePiece, Tape
from proxy_daemon.settings import Settings

# What one answer's record may take in memory: many streams are under way at once.
TAPE_MEMORY = 256 * 1024
# A body up to this size is written without asking how fast the client reads.
AT_ONCE = 64 * 1024
CANCEL = Drain()


@define(slots=False)
class Stage:
    """Makes relays. One for the daemon. A reload puts new ``settings`` there; relays that were made keep theirs."""

    settings: Settings
    keeper: Keeper
    clock: Clock
    timer: Timer

    def since(self, exchange: Exchange) -> int:
        """Microseconds since the exchange began."""
        return int((self.clock.seconds() - exchange.began) * 1_000_000)

    def tape(self, exchange: Exchange) -> Tape:
        """Takes as much of a body as may be recorded; where nothing may, nothing."""
        return Tape(Spool(TAPE_MEMORY), 0 if exchange.directives.no_store else self.settings.record_max_body)

    def record(self, answer: Answer, exchange: Exchange, upstream: Upstream) -> Relay | ShortRelay:
        """Relay an answer and keep it when it has ended."""
        tape = self._whole(answer, exchange) or self.tape(exchange)

        def keep(response: Response, ending: Ending) -> Deferred[bool]:
            exchange.duration = self.since(exchange)
            exchange.detail = exchange.detail or answer.why_broken
            return self.keeper.keep(exchange, response, tape, upstream, ending)

        if isinstance(tape, OnePiece):
            return ShortRelay(Response(answer.head, tape.body, tape.pieces, answer.trailers), tape.body.data, keep)
        return Relay(
            answer,
            self.timer,
            tape=tape,
            micros=lambda: self.since(exchange),
            keep=keep,
            dialect=exchange.dialect,
            drain=self._drain(),
        )

    def _whole(self, answer: Answer, exchange: Exchange) -> OnePiece | None:
        """The answer, where all of it is there and may be recorded; None for all others."""
        octets = answer.at_hand
        if octets is None or exchange.directives.no_store or len(octets) > min(AT_ONCE, self.settings.record_max_body):
            return None
        return OnePiece(octets, self.since(exchange))

    def age(self, recording: Recording) -> int:
        """Seconds since it was recorded; where that is not known, since it was imported, or none."""
        began = recording.started or recording.imported
        return max(0, int(self.clock.wall() - began)) if began else 0

    def at_once(self, recording: Recording, exchange: Exchange) -> Sequence[bytes] | None:
        """The pieces of a small recording that can be sent as they are and without waiting; None for all others."""
        response = recording.response
        if response is None or response.body.size > AT_ONCE or not self._speed(recording).at_once:
            return None
        if b"content-encoding" in response.head.headers and not _accepted(exchange, recording, _coding(response)):
            return None
        data = response.body.whole()
        if data is None or sum(response.pieces.sizes) != len(data):
            return None
        return [data] if len(response.pieces.sizes) == 1 else _cut(data, response.pieces.sizes)

    def replay(self, recording: Recording, exchange: Exchange) -> Relay:
        """Relay a recording, at the speed of the settings, in a coding that the client accepts."""
        response = recording.response
        assert response is not None
        source, head = _pieces(recording, self._delays(recording)), recording.replay_head
        coding = _coding(response)
        if coding and not _accepted(exchange, recording, coding) and (decoder := _decoder(coding)) is not None:
            source = _decoded(source, decoder)
            head = evolve(head, headers=head.headers.without((b"content-encoding", b"content-length")))
        return Relay(Player(head, source, self.timer, response.trailers), self.timer, age=self.age(recording))

    def _delays(self, recording: Recording) -> list[float]:
        assert recording.response is not None
        pieces = recording.response.pieces
        return schedule(pieces.sizes, pieces.times, self._speed(recording))

    def _speed(self, recording: Recording) -> Speed:
        """What a person wrote with a pace has that pace."""
        return AS_RECORDED if recording.pace else self.settings.replay_speed

    def _drain(self) -> Drain:
        if self.settings.on_client_abort == "cancel":
            return CANCEL
        return _bounds(self.settings.drain_max_seconds, self.settings.drain_max_bytes)


_bounds = lru_cache(maxsize=2)(Drain)  # all relays have the same


def _pieces(recording: Recording, delays: list[float]) -> Iterator[Delayed]:
    """The recorded body, piece by piece; a large piece is read in parts. Raises where octets are missing."""
    assert recording.response is not None
    body, offset = recording.response.body, 0
    for size, wait in zip(recording.response.pieces.sizes, delays, strict=True):
        end, delay = offset + size, wait
        while offset < end:
            data = body.read(offset, min(CHUNK, end - offset))
            if not data:
                raise EOFError(f"{end - offset} octets are missing at {offset}")
            yield delay, data
            offset, delay = offset + len(data), 0
    if offset < body.size:
        raise EOFError(f"{body.size - offset} octets stand behind the last piece")


def _decoded(source: Iterator[Delayed], decoder: Decoder) -> Iterator[Delayed]:
    """Decoded while it is played; pieces that decode to nothing are joined to the next one."""
    waited = 0.0
    for delay, data in source:
        waited += delay
        for plain in decoder.parts(data):
            if plain:
                yield waited, plain
                waited = 0.0
    decoder.end()


def _decoder(coding: bytes) -> Decoder | None:
    """None for a coding that we do not know: the answer is served as it is."""
    try:
        return decoder_for(coding)
    except CodingError:
        return None


def _coding(response: Response) -> bytes:
    return b",".join(response.head.headers.all(b"content-encoding"))


def _cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    ends = list(accumulate(sizes))
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _accepted(exchange: Exchange, recording: Recording, coding: bytes) -> bool:
    wanted = b",".join(exchange.request.headers.all(b"accept-encoding"))
    if wanted == b",".join(recording.request.headers.all(b"accept-encoding")):
        return True  # upstream gave it to one who asked in the same way
    # Who names none is sent none by servers, and mostly cannot decode any (RFC 9110 section 12.5.3 admits all).
    return all(accepts(wanted, name.strip()) for name in coding.split(b","))
