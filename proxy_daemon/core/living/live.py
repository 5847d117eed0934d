"""What happens now: the one place where events come in, and from where those who follow get them.

Invariant: while nobody follows nothing is kept, and no exchange pays more than a look at `active`. It stays so for a
minute after the last one has left: a page that comes back has missed nothing. Fed and ticked by `plugins/live.py`,
read by `ui/events.py`; handed over as `Services.live`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy_daemon.core.living.coalescing import Changes
from proxy_daemon.core.living.following import Follower, Listener
from proxy_daemon.core.living.kept import Kept, Room
from proxy_daemon.core.living.ring import Ring
from proxy_daemon.core.living.rows import row
from proxy_daemon.core.living.sse import event
from proxy_daemon.core.living.watching import Viewer, Watched
from proxy_daemon.core.messages import Exchange, ResponseHead, id_text
from proxy_daemon.core.redact import Redactor

MOST_LISTENERS = 64
STAYS = 60.0  # seconds that it stays awake without anybody
NOT_KEPT = "the client asked that nothing of it is kept (Cache-Control: no-store)"
ENDS = ("ended", "failed")


class Live:
    """All of it. ``active``: somebody follows, or did so a moment ago; ``runs``: it is ticked."""

    def __init__(self) -> None:
        self.active = self.runs = False
        self._ring = Ring()
        self._redactor = Redactor()
        self._seconds: Callable[[], float] = float
        self._changes = Changes()
        self._under_way: dict[int, Exchange] = {}
        self._kept: dict[int, Kept] = {}
        self._room = Room()
        self._followers: dict[Listener, Follower] = {}
        self._watched: dict[int, Watched] = {}
        self._viewers: dict[Listener, tuple[int, Viewer]] = {}
        self._left = 0.0  # when the last one did

    def begin(self, start: str, redactor: Redactor, seconds: Callable[[], float]) -> None:
        """The daemon starts. ``start``: in hexadecimal, another one at each start."""
        self._redactor = Redactor(redactor.rules.for_showing)
        self._ring, self._seconds, self.runs = Ring(start), seconds, True

    # --- what happens ------------------------------------------------------------------------------------------------

    def note(self, exchange: Exchange, kind: str) -> None:
        """An event of this kind: "begun", "first_byte", "ended" or "failed". Call it only while `active`."""
        self._changes.note(exchange, kind)
        if kind not in ENDS:
            self._under_way[exchange.id] = exchange
            return
        self._under_way.pop(exchange.id, None)
        kept, watched = self._kept.pop(exchange.id, None), self._watched.get(exchange.id)
        if watched is not None:
            watched.ended = True
        elif kept is not None:
            kept.close()

    def explain(self, exchange: Exchange, text: str) -> None:
        """How a miss differs from the nearest recording. Call it only while `active`."""
        if not exchange.directives.no_store:  # it quotes the prompt
            self._changes.explain(exchange.id, text)

    def keep(self, exchange: Exchange, head: ResponseHead) -> None:
        """An answer begins: its octets are kept in `kept` from now on."""
        kept = self._kept[exchange.id] = Kept(exchange, head, self._room)
        if exchange.id in self._watched:
            self._watched[exchange.id].kept = kept

    def kept(self, exchange: Exchange) -> Kept | None:
        """What takes the octets of its answer."""
        return self._kept.get(exchange.id)

    def publish(self, kind: str, value: dict[str, Any]) -> None:
        """Tell all who follow, at once: "changed" or "mode". Whoever is away for a moment gets it too."""
        if self.active:
            self._add(kind, value)
            self._pump()

    def tick(self) -> None:
        """Ten times a second: tell what has changed."""
        if not self.active:
            return
        changed, left_out = self._changes.taken()
        if changed:
            rows = [row(exchange, state, self._redactor) for exchange, state in changed]
            self._add("exchanges", {"rows": rows, "left_out": left_out})
        for exchange_id, text in self._changes.explanations():
            self._add("explained", {"id": id_text(exchange_id), "text": text})
        self._pump()
        self._look()
        if not self._followers and not self._viewers and self._seconds() - self._left >= STAYS:
            self._sleep()

    def _add(self, kind: str, value: dict[str, Any]) -> None:
        self._ring.add(event(kind, value, self._ring.next_place()))

    def _pump(self) -> None:
        now = self._seconds()
        for follower in tuple(self._followers.values()):
            follower.pump(now)
            follower.beat(now)

    def _look(self) -> None:
        for exchange_id, watched in tuple(self._watched.items()):
            if watched.look(self._seconds):
                del self._watched[exchange_id]

    def _sleep(self) -> None:
        self.active = False
        self._ring.forget()
        self._changes.forget()
        self._under_way.clear()
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()
        self._watched.clear()

    # --- who follows -------------------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether nobody more is let in."""
        return len(self._followers) + len(self._viewers) >= MOST_LISTENERS

    def follow(self, listener: Listener, place: str = "") -> Follower:
        """All events behind this place (`Last-Event-ID`); empty: from now on. It lasts until `leave`.

        One who begins is told at the next tick what is under way, as far as that is known: so are all others, again.
        """
        self.active = True
        for exchange in () if place else self._under_way.values():
            self._changes.note(exchange, "first_byte" if exchange.status else "begun")
        follower = self._followers[listener] = Follower(listener, self._ring, place, self._seconds())
        return follower

    def is_under_way(self, exchange_id: int) -> bool:
        """Whether `watch` has something to show."""
        return exchange_id in self._under_way

    def watch(self, listener: Listener, exchange_id: int) -> None:
        """The answer of an exchange under way. It lasts until the exchange has ended, or until `leave`."""
        watched = self._watched.get(exchange_id)
        if watched is None:
            problem = NOT_KEPT if self._under_way[exchange_id].directives.no_store else ""
            watched = Watched(self._kept.get(exchange_id), self._redactor, problem)
            self._watched[exchange_id] = watched
        viewer = Viewer(listener, self._seconds())
        watched.viewers.append(viewer)
        self._viewers[listener] = exchange_id, viewer

    def resume(self, listener: Listener) -> None:
        """It takes more."""
        if listener in self._followers:
            self._followers[listener].pump(self._seconds())

    def leave(self, listener: Listener) -> None:
        """Its stream has ended, from whichever side."""
        self._followers.pop(listener, None)
        exchange_id, viewer = self._viewers.pop(listener, (0, None))
        if viewer is not None and exchange_id in self._watched:
            self._watched[exchange_id].viewers.remove(viewer)
        self._left = self._seconds()

    def close(self) -> None:
        """The daemon drains: all streams end at once."""
        for listener in (*self._followers, *self._viewers):
            listener.close()
