"""How long a client may take: for a head, for a body, to take its answer, and for all of an exchange.

One look a second over all connections (`FrontSite.look`) instead of a timer a request. What a look needs is noted where
the time is known already. The base of `net.channel.FrontChannel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.web.http import HTTPChannel

from proxy_daemon.net import eager
from proxy_daemon.net.limits import late, stalled
from proxy_daemon.pipeline.faults import Refusal

if TYPE_CHECKING:
    from proxy_daemon.net.site import FrontSite


class WatchedChannel(HTTPChannel):
    """``held_up``: the transport takes no more for now."""

    transport: Any
    held_up = False
    _site: FrontSite
    _silent_since = 0.0  # the last octet
    _mark = 0.0  # a request was whole, or its answer was written
    _head_since = 0.0  # the first octet of a head that did not come in one read
    _stuck_since: float | None = None  # the client takes nothing of what waits for it
    _unsent = 0  # octets that waited then

    def refuse(self, refusal: Refusal) -> None:
        """Answer the request that is under way, and read no more of it."""
        raise NotImplementedError

    def setTimeout(self, period: float | None) -> float | None:
        """The time without an octet after which the connection is closed; None: never. Gives the one before."""
        before: float | None = self.timeOut
        self.timeOut = period  # type: ignore[assignment]
        self._silent_since = self._mark = self._site.seconds()
        self._stuck_since = None
        return before

    def resetTimeout(self) -> None:
        """An octet has come; `dataReceived` has noted it."""

    def resumeProducing(self) -> None:
        """The client has taken all that waited. It may take its time for the next request only from now on."""
        self.held_up = False
        self._stuck_since = None
        if not self._handlingRequest:
            self.setTimeout(self.timeOut)
        super().resumeProducing()

    def look(self, now: float) -> None:
        """End what has taken too long. Called once a second."""
        if self.held_up or getattr(self.transport, "disconnecting", False):
            self._look_at_stall(now)
        if self._handlingRequest:
            if now - self._mark > self._site.limits.request_timeout and self.requests:
                self.requests[0].overdue()
        elif self.timeOut is None or self.held_up:
            pass  # it is being closed, or nothing is read from it
        elif self._receivedHeaderSize or self._buffer or not self.line_mode:
            refusal = self._late(now)
            if refusal is not None:
                self.refuse(refusal)
        elif now - self._silent_since > self.timeOut:
            self._idle(now)

    def _late(self, now: float) -> Refusal | None:
        """Why the request that has come in part is waited for no longer."""
        limits, began = self._site.limits, max(self._head_since, self._mark)
        part = "head" if self.line_mode else "body"
        if part == "head" and now - began > limits.head_timeout:
            return late(part, "head-timeout", limits.head_timeout)
        silence: Any = self.timeOut
        if now - self._silent_since > silence:
            return late(part, "client-timeout", silence)
        if now - began > limits.request_timeout:
            return late(part, "request-timeout", limits.request_timeout)
        return None

    def _idle(self, now: float) -> None:
        """Nothing is asked. But the end of the last answer may still be on its way to a slow client."""
        if eager.unsent(self.transport):
            self._look_at_stall(now)
            return
        self.timeOut = None
        self._site.met.add("idle_timeout")
        self.timeoutConnection()

    def _look_at_stall(self, now: float) -> None:
        """While a client is held up nothing is added: fewer octets than before are progress."""
        unsent = eager.unsent(self.transport)
        if self._stuck_since is None or unsent < self._unsent:
            self._stuck_since = now
        self._unsent = unsent
        limit = self._site.limits.stall_timeout
        if now - self._stuck_since > limit:
            self._site.met.add("stalled")
            if self.requests:
                self.requests[0].note(stalled(limit))
            self.transport.abortConnection()
