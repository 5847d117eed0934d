"""An upstream's answer whose head is there (`pipeline.ports.Answer`): the body waits until somebody starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy_daemon.core.headers import NO_FIELDS, Headers
from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.pipeline.ports import Receiver

if TYPE_CHECKING:
    from proxy_daemon.net.upstream.connection import Connection

_COMPLETE = Ending.COMPLETE  # a look-up in the enum takes ten times as long as this name


class LiveAnswer:
    """One answer on one connection. What comes before `start` is kept, and the connection held up meanwhile."""

    def __init__(self, connection: Connection, head: ResponseHead) -> None:
        self.head = head
        self.trailers: Headers = NO_FIELDS
        self.why_broken = ""
        self.started = False
        self._connection: Connection | None = connection
        self._receiver: Receiver | None = None
        self._early = b""
        self._ending: Ending | None = None
        self._aborted = False

    def start(self, receiver: Receiver) -> None:
        """Let the body flow."""
        self.started = True
        early, self._early = self._early, b""
        if self._ending is None:
            self._receiver = receiver
        self.resume()  # before anything is received: whoever receives may hold it up again
        if early or self._ending is not None:
            receiver.received(early, self._ending)

    @property
    def at_hand(self) -> bytes | None:
        """The body, where all of it came before anybody started it."""
        return None if self.started or self._ending is not _COMPLETE else self._early

    def deliver(self, data: bytes, ending: Ending | None, why: str = "") -> None:
        """Called by the connection, once a read; ``ending`` comes with the last and lets the connection go."""
        self.why_broken = why
        if ending is not None:
            self._connection = None
        if self._aborted:
            return
        receiver = self._receiver
        if ending is not None:
            self._receiver = None  # it holds this answer: a cycle would wait for the garbage collector
        if receiver is not None:
            receiver.received(data, ending)
        else:
            self._early += data
            self._ending = ending

    def pause(self) -> None:
        """Nothing more for now."""
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Go on."""
        if self._connection is not None:
            self._connection.resume()

    def abort(self) -> None:
        """Nobody wants it any more: upstream learns at once."""
        self._aborted, self._receiver = True, None  # a cycle, as in `deliver`
        if self._connection is not None:
            self._connection.abort()
