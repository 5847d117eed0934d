"""Carries a small answer that came in one read: it waits until it is committed, and leaves in one write.

It stands for `relay.py` where nobody can be behind and nothing has to be held up: most documents come so. What holds
for that holds here: a client that has read to the end finds the exchange recorded. Made by `stage.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.messages import Ending, Response
from proxy_daemon.pipeline.outlet import Outlet
from proxy_daemon.waiting import Promise, tell

_COMPLETE = Ending.COMPLETE  # a look-up in the enum takes ten times as long as this name
log = Logger()


class ShortRelay:
    """One whole answer on its way (`pipeline.ports.Relay`). ``keep`` writes it and fires when that is committed."""

    age = -1
    joinable = True

    def __init__(self, response: Response, octets: bytes, keep: Callable[[Response, Ending], Deferred[Any]]) -> None:
        self.head = response.head
        self.octets = octets
        self.expected = 0
        self._response = response
        self._keep = keep
        self._waiting: list[Promise[None]] = []
        self._kept = self._released = False

    @property
    def whole(self) -> ShortRelay:
        """All of it is there."""
        return self

    @property
    def at_hand(self) -> Response | None:
        """The answer, where nobody has joined yet."""
        return None if self._kept else self._response

    def balance(self) -> None:
        """There is nothing to hold up."""

    def kept(self) -> Deferred[None]:
        """Fires once it is committed, or cannot be."""
        waiter: Promise[None] = Promise()
        if self._released:
            waiter.callback(None)
            return waiter
        self._waiting.append(waiter)
        if not self._kept:
            self._write(self._response, _COMPLETE)
        return waiter

    def join(self, outlet: Outlet) -> Deferred[Ending]:
        """Send it to this client too; fires with how that ended."""
        tell(self.kept(), partial(self._hand_over, outlet))
        return outlet.done

    def desert(self, ending: Ending) -> None:
        """Nobody waits for it any more. Where nobody ever did, it is not known whether it would do."""
        if not self._kept:
            self._write(Response(self.head, EMPTY, trailers=self._response.trailers), ending)

    def _write(self, response: Response, ending: Ending) -> None:
        self._kept = True
        try:
            kept = self._keep(response, ending)
        except BaseException:  # noqa: BLE001  (a store of a plugin's; the client gets its answer all the same)
            kept = fail()
        tell(kept, self._release)

    def _release(self, result: object) -> None:
        """It is committed, or cannot be: hand it over."""
        if isinstance(result, Failure):
            log.failure("an exchange was not recorded: a defect in llmproxy, please report it", result)
        self._released = True
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.called:  # else its client has left
                waiter.callback(None)

    def _hand_over(self, outlet: Outlet, _: object) -> None:
        if not outlet.done.called:
            outlet.write(self.octets, last=True)
            outlet.end(_COMPLETE)
