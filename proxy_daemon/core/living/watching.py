"""An answer that grows under the eyes of those who have opened its page.

It is read once for all of them, a part at each look, so that a long answer holds nobody up; each viewer gets what is
new since what it has. Invariant: reading and comparing take a tenth of the time at most. Made by `living/live.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy_daemon.core.dialects.reading import AnswerReader
from proxy_daemon.core.living.following import Listener, Pulse
from proxy_daemon.core.living.growing import State, changes
from proxy_daemon.core.living.kept import TOO_MUCH, TOO_SLOW, Kept
from proxy_daemon.core.living.sse import event, opening
from proxy_daemon.core.living.veiling import veiled
from proxy_daemon.core.redact import Redactor

AT_A_LOOK = 64 * 1024  # octets that are read
MOST_READ = 2 * 1024 * 1024  # of one answer, decoded
MOST_TOLD = 2 * 1024 * 1024  # octets of one event
MOST_BEHIND = 1024 * 1024  # octets that are read behind the end; with more, the page loads what was recorded
MOST_SECONDS = 0.5  # of a look: an answer that takes longer is shown when it has ended
SPARED = 9  # times the time of a look, until the next one


class Viewer:
    """One who watches. ``shown``: the state that it has; None: none yet."""

    def __init__(self, listener: Listener, now: float) -> None:
        self.listener = listener
        self._pulse = Pulse(listener, now)
        self._shown: State | None = None
        self._problem: str | None = None  # None: nothing was told yet
        self._pulse.write(opening(), now)

    def show(self, state: State | None, problem: str, now: float) -> bool:
        """Tell it what is new, if it takes more; else it gets all of it later. False: that is too much to be told."""
        if self.listener.is_full or (state == self._shown and problem == self._problem):
            return True
        found = changes(self._shown, state) if self._shown and state and problem == self._problem else None
        whole = {"answer": state, "problem": problem}
        octets = event("answer", whole) if found is None else event("delta", {"changes": found})
        if len(octets) > MOST_TOLD:
            return False
        self._pulse.write(octets, now)
        self._shown, self._problem = state, problem
        return True

    def beat(self, now: float) -> None:
        """See `Pulse`."""
        self._pulse.beat(now)

    def end(self, now: float) -> None:
        """The exchange is over."""
        self._pulse.write(event("ended", {}), now)
        self.listener.close()


class Watched:
    """One answer. ``kept``: None until its head has come; ``problem``: why nothing of it will be shown."""

    def __init__(self, kept: Kept | None, redactor: Redactor, problem: str = "") -> None:
        self.kept = kept
        self.viewers: list[Viewer] = []
        self.ended = False
        self._redactor, self._problem = redactor, problem
        self._reader: AnswerReader | None = None
        self._state: State | None = None
        self._due = 0.0
        self._told = problem  # with what the reader says
        self._over = False  # all of it is read, or will never be

    def look(self, seconds: Callable[[], float]) -> bool:
        """Read on and tell. Returns whether that was the last look: then the streams have ended.

        While nobody watches nothing is read.
        """
        if not self.viewers:
            if self.ended and self.kept is not None:
                self.kept.close()
            return self.ended
        now = seconds()
        if now >= self._due and not self._over:
            self._read_on()
            took = seconds() - now
            self._due = now + (1 + SPARED) * took
            if took > MOST_SECONDS and not self._over:
                self._lose(TOO_SLOW)
        for viewer in tuple(self.viewers):
            if not viewer.show(self._state, self._told, now):
                self._lose(TOO_MUCH)
                viewer.show(None, TOO_MUCH, now)
            viewer.beat(now)
            if self._over:
                viewer.end(now)
        return self._over

    def _read_on(self) -> None:
        try:
            self._read()
        except Exception as error:  # noqa: BLE001  (a plugin's dialect may put anything into an answer)
            self._lose(f"not decodable: the answer could not be shown ({type(error).__name__})")

    def _read(self) -> None:
        """The next octets, if there are any."""
        kept = self.kept
        if kept is None or self._problem:
            self._over = self.ended
        elif kept.problem or (self.ended and kept.size > MOST_BEHIND):
            self._lose(kept.problem)
        else:
            self._feed(kept)

    def _feed(self, kept: Kept) -> None:
        reader = self._reader
        if reader is None:
            exchange = kept.exchange
            reader = AnswerReader(exchange.dialect, exchange.request, kept.head, limit=MOST_READ)
            self._reader = reader
        data = kept.take(AT_A_LOOK)
        if data:
            reader.feed(data)
        if self.ended and not kept.pieces:
            self._over = True
            reader.end()
        if data or self._over:
            self._state = veiled(reader.answer(), self._redactor, whole=self._over)
            self._told = self._redactor.text(reader.problem)

    def _lose(self, problem: str) -> None:
        """Nothing of it can be shown, or not in time."""
        self._state, self._reader = None, None
        self._problem = self._told = problem
        self._over = self.ended
        if self.kept is not None:
            self.kept.close(problem)
