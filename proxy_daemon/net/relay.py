"""Carries one answer to the clients that wait for it, while it is recorded.

Its rules:
- A piece goes to each client when it arrives. The last one waits until the exchange is committed, so that a client
  that has read to the end finds it recorded.
- Upstream is held up while every client reads too slowly. One that is slower than the others reads on from the tape
  later; it costs no memory. Where the tape was cut, there is nothing to read back, and the slowest sets the pace.
- With nobody left, the answer is ended or drained, as the settings say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, frozen
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Ending, Response, ResponseHead
from proxy_daemon.pipeline.outlet import Outlet
from proxy_daemon.pipeline.ports import Answer, Timer
from proxy_daemon.pipeline.tape import Tape
from proxy_daemon.pipeline.terminal import seen_terminal
from proxy_daemon.waiting import tell

log = Logger()

READ = 65536
# A client that leaves at the terminal event has all it wants; upstream closes the body a moment later.
AFTER_TERMINAL_SECONDS = 2.0


@frozen
class Drain:
    """What happens to an answer that nobody waits for: read on within these bounds. Zero seconds: end it."""

    seconds: float = 0
    octets: int = 0


@define(eq=False)
class Hold:
    """One client's hold on the relay: the `Flow` that its transport pauses and resumes."""

    relay: Relay
    outlet: Outlet

    def pause(self) -> None:
        """The client reads too slowly."""
        self.outlet.paused = True
        self.relay.balance()

    def resume(self) -> None:
        """The client takes more."""
        self.outlet.paused = False
        self.relay.catch_up(self.outlet)
        self.relay.balance()


class Relay:
    """One answer on its way. ``keep`` writes it and fires when committed; None: it is a recording already."""

    whole = None

    def __init__(
        self,
        answer: Answer,
        timer: Timer,
        *,
        tape: Tape | None = None,
        micros: Callable[[], int] = lambda: 0,
        keep: Callable[[Response, Ending], Deferred[Any]] | None = None,
        dialect: Dialect | None = None,
        drain: Drain = Drain(),
        age: int = -1,
    ) -> None:
        self.head: ResponseHead = answer.head
        self.expected = 0  # clients that will have joined: what they need is kept (`pipeline/flights.py` counts them)
        self.age = age
        self._answer = answer
        self._timer = timer
        self._tape = tape
        self._micros = micros
        self._keep = keep
        self._dialect = dialect
        self._drain = drain
        self._outlets: list[Outlet] = []
        self._started = False
        self._held_up = False
        self._size = 0  # octets that clients may have
        self._overflow = b""  # what no longer fitted the tape and some client has not taken yet
        self._last = b""
        self._ending: Ending | None = None
        self._released = False
        self._drained = -1  # octets read since nobody waits; -1: somebody does
        self._giving_up: Any = None

    # --- clients -----------------------------------------------------------------------------------------------------

    @property
    def joinable(self) -> bool:
        """Whether one who comes now can still get the body from its first octet on, and may become whole."""
        good = self._ending in (None, Ending.COMPLETE)
        return good and self._tape is not None and not self._tape.cut

    @property
    def at_hand(self) -> Response | None:
        """The answer, where all of it has come and nobody has joined yet."""
        octets = self._answer.at_hand
        return None if octets is None else Response(self.head, Bytes(octets))

    def join(self, outlet: Outlet) -> Deferred[Ending]:
        """Send it to this client too, from the beginning; fires with how that ended."""
        self._outlets.append(outlet)
        outlet.left = self._left
        outlet.feed_from(Hold(self, outlet))
        if not self._started:
            self._start()
        else:
            self.catch_up(outlet)
            self.balance()  # upstream may have waited for this one
        if self._ending is None:
            outlet.flush()
        return outlet.done

    def desert(self, ending: Ending) -> None:
        """Nobody waits for it any more."""
        if self._ending is not None:
            return
        self.expected, self._overflow = 0, b""
        bounds = self._bounds_of_drain(ending)
        if not bounds.seconds:
            self._abandon(ending)
            return
        self._drained, self._drain = 0, bounds
        self._giving_up = self._timer.callLater(bounds.seconds, self._abandon, ending)
        if self._started:
            self.balance()
        else:
            self._start()

    def _bounds_of_drain(self, ending: Ending) -> Drain:
        if ending is not Ending.CLIENT_GONE:
            return Drain()
        if not self._drain.seconds and self._seen_terminal():
            return Drain(AFTER_TERMINAL_SECONDS, READ)
        return self._drain

    def _seen_terminal(self) -> bool:
        if self._tape is None or self._dialect is None:
            return False
        return seen_terminal(self._dialect, self.head.headers, self._tape)

    def _left(self, outlet: Outlet) -> None:
        self._outlets.remove(outlet)
        if self._outlets:
            self.balance()

    # --- the answer --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._started = True
        self._answer.start(self)
        if self._held_up and self._ending is None:
            self._answer.pause()  # a client was too slow before it began

    def received(self, data: bytes, ending: Ending | None) -> None:
        """One read from upstream (`ports.Receiver`)."""
        if self._ending is not None:
            return
        if self._tape is not None and data:
            self._tape.add(data, self._micros())
        if ending is None:
            self._hand_over(data)
            self._count_drained(data)
        else:
            self._end(data, ending)

    def _hand_over(self, data: bytes, *, last: bool = False) -> None:
        before, self._size = self._size, self._size + len(data)
        cut = self._tape is None or self._tape.cut
        kept = not cut or self._behind(before)
        if cut and kept:
            self._overflow += data
        for outlet in tuple(self._outlets):
            if outlet.position == before and not (kept and outlet.paused):
                outlet.write(data, last=last)
        if cut:
            self.balance()

    def _behind(self, position: int) -> bool:
        """Whether any client has not had all up to there."""
        return self.expected > len(self._outlets) or any(outlet.position < position for outlet in self._outlets)

    def _end(self, data: bytes, ending: Ending) -> None:
        self._ending, self._last = ending, data
        if self._giving_up is not None and self._giving_up.active():
            self._giving_up.cancel()
        if self._keep is None or self._tape is None:
            self._release()
            return
        response = Response(self.head, self._tape.body, self._tape.pieces, self._answer.trailers)
        try:
            kept = self._keep(response, ending)
        except BaseException:  # noqa: BLE001  (a store of a plugin's; the client gets its last piece all the same)
            kept = fail()
        tell(kept, self._kept)

    def _kept(self, result: object) -> None:
        if isinstance(result, Failure):
            log.failure("an exchange was not recorded: a defect in llmproxy, please report it", result)
        self._release()

    def _release(self) -> None:
        """It is committed, or cannot be: hand over the last piece."""
        self._hand_over(self._last, last=True)
        self._released = True
        for outlet in tuple(self._outlets):
            self.catch_up(outlet)

    def _count_drained(self, data: bytes) -> None:
        if self._drained < 0:
            return
        self._drained += len(data)
        if self._drained > self._drain.octets:
            self._abandon(Ending.CLIENT_GONE)

    def _abandon(self, ending: Ending) -> None:
        self._answer.abort()
        self.received(b"", ending)

    # --- pace --------------------------------------------------------------------------------------------------------

    def catch_up(self, outlet: Outlet) -> None:
        """Give a client what it has missed, as far as it takes it; end it where that was all."""
        while not outlet.paused and not outlet.done.called and outlet.position < self._size:
            data = self._reread(outlet.position)
            if not data:
                outlet.end(Ending.BROKEN_OFF, "what this client had not read yet is not there any more")
                return
            outlet.write(data)
        if self._released and outlet.position >= self._size:
            outlet.end(self._ending or Ending.BROKEN_OFF, self._answer.why_broken)

    def _reread(self, position: int) -> bytes:
        """Octets from ``position`` on: from the tape, then from what no longer fitted it."""
        taped = self._tape.body.size if self._tape is not None else 0
        if self._tape is not None and position < taped:
            return self._tape.body.read(position, min(READ, self._size - position))
        start = self._size - len(self._overflow)
        return self._overflow[position - start :] if position >= start else b""

    def balance(self) -> None:
        """Hold up the answer, or let it go on, by how the clients read."""
        if self._ending is not None:
            return
        hold = self._must_hold()
        if hold and not self._held_up:
            self._answer.pause()
        elif self._held_up and not hold:
            self._answer.resume()
        self._held_up = hold

    def _must_hold(self) -> bool:
        if self._tape is not None and not self._tape.cut:
            return bool(self._outlets) and all(outlet.paused for outlet in self._outlets)
        behind = self._behind(self._size)
        if not behind:
            self._overflow = b""
        return behind or any(outlet.paused for outlet in self._outlets)
