"""One conversation while it is told: reads its answer as it comes, and says on the floor what is new of it.

Octets are only kept when they come, and read at a tick, some at a time: neither a large replay nor a quick model holds
up the relay. Invariant: what is kept is bounded; what is said has been looked through for secrets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field

from proxy_daemon.core.conversation import Answer, Declined, Reasoning, Text
from proxy_daemon.core.dialects.reading import AnswerReader
from proxy_daemon.core.messages import Ending, Exchange, ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.telling.floor import Floor
from proxy_daemon.core.telling.growth import Growth, Key, New
from proxy_daemon.core.telling.holding import Holding
from proxy_daemon.core.telling.news import Memory
from proxy_daemon.core.telling.styled import Line
from proxy_daemon.plugins.console.screen import DECLINED, THOUGHTS, WORDS, Grows, Item, size_of
from proxy_daemon.plugins.console.seen import Room
from proxy_daemon.plugins.console.told import Teller

MOST_WAITING = 4 * 1024 * 1024  # octets of an answer that are not read yet
MOST_READ = 8 * 1024 * 1024  # octets of an answer, decoded
LARGEST_ITEM = 4096  # characters that are said at once
SHARE = 20  # an answer is put together anew at each look: the longer that takes, so many times longer is the pause
MOST_HOLDINGS = 16  # texts of an answer that may go on
_KINDS: dict[object, str] = {Text: WORDS, Reasoning: THOUGHTS, Declined: DECLINED}


@define(eq=False)
class Talk:
    """One exchange. ``place``: of the conversation in ``memory``."""

    exchange: Exchange
    floor: Floor[Item]
    teller: Teller
    memory: Memory
    redactor: Redactor
    clock: Callable[[], float]
    room: Room
    place: int = 0
    head: ResponseHead | None = None
    detail: str = ""
    last_lines: list[Line] = field(factory=list)
    has_ended: bool = False
    _reader: AnswerReader | None = None
    _pieces: deque[bytes] = field(factory=deque)
    _waiting: int = 0
    _missing: int = 0  # octets that are not read at all
    _growth: Growth = field(factory=Growth)
    _holdings: dict[Key, Holding] = field(factory=dict)
    _key: Key | None = None  # of the text that grows
    _choice: int = 0
    _has_answered: bool = False
    _fed: int = 0  # octets since the last look
    _next: float = 0.0  # when to look again

    def say(self, item: Item, *, important: bool = True) -> None:
        """A whole line. ``important``: of ours, and so few."""
        self.floor.say(self, item, size_of(item), important=important)

    # --- an observer of the pieces: hookspecs.Observer -------------------------------------------------------------

    def piece(self, data: bytes) -> None:
        """Some octets of the answer."""
        if self._missing or self._waiting + len(data) > MOST_WAITING or not self.room.take(len(data)):
            self._missing += len(data)
            return
        self._pieces.append(data)
        self._waiting += len(data)

    def end(self) -> None:
        """The event that ends the exchange comes later, with all that is known then."""

    # --- at a tick -------------------------------------------------------------------------------------------------

    def step(self, budget: int, now: float) -> int:
        """Read at most so many octets and say what is new. Returns how many were read."""
        fed = self._feed(budget)
        if self._reader is not None and self._fed and now >= self._next:
            self._fed = 0
            self._tell(self._growth.news(self._reader.answer()))
            self._next = now + SHARE * (self.clock() - now)
        return fed

    @property
    def is_done(self) -> bool:
        """Whether all of it was read."""
        return self.has_ended and not self._pieces

    def finish(self) -> None:
        """Say what is left, and what there is to say of all of it."""
        self._begin()
        answer, problem = Answer(complete=False), ""
        if self._reader is not None:
            if not self._missing:
                self._reader.end()
            answer, problem = self._reader.answer(), self._reader.problem
            self._tell(self._growth.news(answer, whole=True))
            self._pass_on_rest()
            if answer.complete and self.exchange.ending is Ending.COMPLETE:
                self.memory.answered(self.place, answer.text)
        if self._missing:
            problem = f"{self._missing:,} octets of it came faster than they can be shown"
        for line in (self.teller.foot(self.exchange, answer, problem, self.detail), *self.last_lines, ()):
            self.say(line)
        self.floor.end(self)

    def stop(self) -> None:
        """Say nothing more."""
        self._missing += 1
        self._pieces.clear()
        self._read(self._waiting)
        self.floor.end(self)

    def _begin(self) -> None:
        if self._reader is None and self.head is not None:
            self._reader = AnswerReader(self.exchange.dialect, self.exchange.request, self.head, limit=MOST_READ)

    def _feed(self, budget: int) -> int:
        self._begin()
        fed = 0
        while self._pieces and fed < budget and self._reader is not None:
            data = self._pieces.popleft()
            if len(data) > budget:
                self._pieces.appendleft(data[budget:])
                data = data[:budget]
            fed += len(data)
            self._reader.feed(data)
        self._read(fed)
        self._fed += fed
        return fed

    def _read(self, octets: int) -> None:
        self._waiting -= octets
        self.room.size -= octets

    # --- what is new -----------------------------------------------------------------------------------------------

    def _tell(self, news: list[New]) -> None:
        for new in news:
            if not self._has_answered:
                self._has_answered = True
                self.say(())
            if new.choice != self._choice:
                self._choice = new.choice
                self._pass_on_rest()
                self.say((("dim", f"choice {new.choice + 1}"),), important=False)
            if new.part is not None:
                self._pass_on_rest()
                for line in self.teller.part(new.part, "assistant"):
                    self.say(line, important=False)
            else:
                self._grow(new)

    def _grow(self, new: New) -> None:
        if new.key != self._key:
            self._pass_on_rest()
            self._key = new.key
        holding = self._holdings.get(new.key)
        if holding is None:
            if len(self._holdings) >= MOST_HOLDINGS:
                self._holdings.clear()
            holding = self._holdings[new.key] = Holding(self.redactor)
        self._words(new.key, holding.add(new.text))

    def _pass_on_rest(self) -> None:
        """Another text begins. This one may go on later: what it said is still known."""
        key, self._key = self._key, None
        holding = self._holdings.get(key) if key is not None else None
        if key is not None and holding is not None:
            self._words(key, holding.end())

    def _words(self, key: Key, text: str) -> None:
        kind = _KINDS[key[1]]
        for at in range(0, len(text), LARGEST_ITEM):
            words = text[at : at + LARGEST_ITEM]
            self.floor.say(self, Grows(kind, words), len(words))
