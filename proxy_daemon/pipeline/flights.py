"""Requests on their way upstream, and who waits for each: the place where equal requests in flight become one.

A flight goes on while anybody waits for it: the first one's leaving does not end the others. When the last one leaves,
it is cancelled before its head is there, and deserted (ended or drained, as the settings say) afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from proxy_daemon.core.messages import Ending
from proxy_daemon.pipeline.faults import Fault, without_frames
from proxy_daemon.pipeline.ports import Relay
from proxy_daemon.waiting import Promise, tell


class Flight:
    """One forwarded request. ``launched`` fires with its relay once the head of the answer is there."""

    def __init__(self, launched: Deferred[Relay], forget: Callable[[Flight], None]) -> None:
        self._members = 0
        self._waiting: list[Promise[Relay]] = []
        self._relay: Relay | None = None
        self._failure: Failure | None = None
        self._forget = forget
        self._launched = launched
        tell(launched, self._landed)

    @property
    def joinable(self) -> bool:
        """Whether one who joins now can get all of it."""
        return self._failure is None and (self._relay is None or self._relay.joinable)

    def join(self) -> Deferred[Relay]:
        """Wait for the head. Fails as the flight fails. Each `join` is followed by one `leave`."""
        self._members += 1
        waiter: Promise[Relay] = Promise()
        if self._failure is not None:
            waiter.errback(self._failure)
        elif self._relay is not None:
            self._expect(self._relay)
            waiter.callback(self._relay)
        else:
            self._waiting.append(waiter)
        return waiter

    def leave(self, ending: Ending) -> None:
        """One who joined has what it came for, or goes without it; ``ending`` says which."""
        self._members -= 1
        if self._members:
            if self._relay is not None:
                self._expect(self._relay)
                self._relay.balance()
            return
        self._forget(self)
        if self._relay is not None:
            self._relay.desert(ending)
        elif self._failure is None:
            self._launched.cancel()

    def _landed(self, result: Relay | Failure) -> None:
        if isinstance(result, Failure):
            self._failed(result)
            return
        self._relay = result
        self._expect(result)
        self._fire(result)

    def _expect(self, relay: Relay) -> None:
        relay.expected = self._members

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError, Fault):  # of a defect, the log needs to know where it was
            failure.cleanFailure()
            without_frames(failure.value)
        self._failure = failure
        self._forget(self)
        self._fire(failure)

    def _fire(self, result: Relay | Failure) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.called:
                waiter.callback(result)


class Flights:
    """The shared flights, by fingerprint and credential."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}

    def find(self, key: Hashable) -> Flight | None:
        """A flight under way that can be joined."""
        flight = self._flights.get(key)
        return flight if flight is not None and flight.joinable else None

    def start(self, key: Hashable, launch: Callable[[], Deferred[Relay]]) -> Flight:
        """A new flight. An empty key: nobody else may join it."""
        if not key:
            return Flight(launch(), lambda flight: None)

        def forget(flight: Flight) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]

        flight = Flight(launch(), forget)
        if flight.joinable:
            self._flights[key] = flight
        return flight
