"""Plays an answer from a value: a recording, or a script of the built-in model. Looks like an upstream's answer.

Pieces keep their boundaries. Without delays many are played in one turn of the reactor, but never so many that others
wait for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.pipeline.ports import Receiver, Timer

PIECES_A_TURN = 100

Delayed = tuple[float, bytes]  # seconds since the previous piece, octets


class Player:
    """An `Answer` whose body is ``source``. An exception in it ends the answer as broken off."""

    def __init__(
        self, head: ResponseHead, source: Iterator[Delayed], timer: Timer, trailers: Headers = Headers()
    ) -> None:
        self.head = head
        self.trailers = trailers
        self.why_broken = ""
        self.at_hand = None  # nothing is there before its time
        self._source = source
        self._timer = timer
        self._receive: Callable[[bytes, Ending | None], None] | None = None
        self._paused = False
        self._call: Any = None
        self._next: Delayed | None = None

    def start(self, receiver: Receiver) -> None:
        """Let the body flow."""
        self._receive = receiver.received
        self._next = self._take()
        self._schedule()

    def pause(self) -> None:
        """Nothing more for now."""
        self._paused = True
        if self._call is not None and self._call.active():
            self._call.cancel()

    def resume(self) -> None:
        """Go on, at once."""
        self._paused = False
        if self._receive is not None:
            self._call = self._timer.callLater(0, self._play)

    def abort(self) -> None:
        """Stop for good."""
        self.pause()
        self._receive = None

    def _schedule(self) -> None:
        delay = self._next[0] if self._next is not None else 0
        if delay > 0:
            self._call = self._timer.callLater(delay, self._play)
        else:
            self._play()

    def _play(self) -> None:
        """The piece that is due, and those that follow it without delay."""
        for _ in range(PIECES_A_TURN):
            if self._receive is None or self._paused:
                return
            if not self._play_one():
                return
            if self._next is not None and self._next[0] > 0:
                self._schedule()
                return
        self._call = self._timer.callLater(0, self._play)

    def _play_one(self) -> bool:
        """Hand one piece over; whether there is more."""
        assert self._receive is not None
        data = self._next[1] if self._next is not None else b""
        self._next = self._take() if self._next is not None else None
        if self._next is not None:
            self._receive(data, None)
            return True
        receive, self._receive = self._receive, None
        receive(data, Ending.BROKEN_OFF if self.why_broken else Ending.COMPLETE)
        return False

    def _take(self) -> Delayed | None:
        try:
            return next(self._source, None)
        except Exception as error:  # noqa: BLE001  (a damaged recording: the client must see a broken answer)
            self.why_broken = f"the recording cannot be read: {error}"
            return None
