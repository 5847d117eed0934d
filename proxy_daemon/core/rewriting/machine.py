"""All channels of one answer: takes items, gives each back as an entry that is settled now or later.

Invariant: joined, the texts of each channel are what its scanner makes of them; an entry in which no text changes is
written as it came. Called by `stream.py` and `document.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from proxy_daemon.core.rewriting.carriers import Carrier
from proxy_daemon.core.rewriting.channels.spot import CONTENT, Channels, Key, Spot
from proxy_daemon.core.rewriting.edits import Change, differs, written
from proxy_daemon.core.rewriting.looking import Looks, is_json, looks_of, matters, parsed
from proxy_daemon.core.rewriting.mould import Place, recast
from proxy_daemon.core.rewriting.rules import Pair, TextRule
from proxy_daemon.core.rewriting.said import Said
from proxy_daemon.core.rewriting.scanner import Scanner, scanner
from proxy_daemon.core.rewriting.settling import Channel

MOST_CHANNELS = 1000  # under way at once
MOST_TEXTS = 20_000  # of one item
MOST_PROBLEMS = 20


class TooMany(ValueError):
    """More texts stand in an item, or grow at once, than any answer has."""


class Entry:
    """An item on its way. ``waits``: texts of it that are not settled.

    ``place``: where its one text stands in the octets, if that is known; then ``item`` is None.
    """

    __slots__ = ("carrier", "changes", "cuts_in_two", "item", "place", "raw", "waits")

    def __init__(self, raw: bytes, item: Any, carrier: Callable[[], Carrier], *, cuts_in_two: bool) -> None:
        self.raw, self.item, self.carrier, self.cuts_in_two = raw, item, carrier, cuts_in_two
        self.changes: list[Change] = []
        self.place: Place | None = None
        self.waits = 0

    def take(self, spot: Spot, said: list[Said]) -> None:
        """What became of a text."""
        self.waits -= 1
        if differs(spot, said):
            self.changes.append(Change(spot, said))


class Machine:
    """The channels of an answer. ``problems``: why something was left as it came, in words."""

    def __init__(self, rules: Sequence[TextRule], channels: Channels) -> None:
        self.problems: list[str] = []
        self.fired: dict[str, int] = {}
        self._rules, self.channels = rules, channels
        self._fields = frozenset(field for rule in rules for field in rule.fields)
        self._open: dict[Any, dict[Key, Channel]] = {}  # by the first step of their keys
        self._count = 0
        self._told = False  # that text stays that was to move
        self._still = [rule for rule in rules if not (isinstance(rule, Pair) and rule.moves)]
        self._moves = len(self._still) < len(rules)
        self._looks = looks_of(rules)  # None: all octets matter

    @property
    def looks(self) -> Looks | None:
        """How to look for what a rule changes, as long as nothing waits; None: all octets matter."""
        return self._looks

    def matters(self, octets: bytes) -> bool:
        """Whether these octets may hold what a rule changes, as long as nothing waits."""
        return matters(self._looks, octets)

    def say(self, problem: str) -> None:
        """Keep a problem; of very many the first."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    # --- items ----------------------------------------------------------------------------------------------------

    def add(self, name: str, entry: Entry) -> Spot | None:
        """An item of a stream: its texts go to their channels, and what ends with it ends. Raises `TooMany`.

        Gives its text, if it has one and nothing ends.
        """
        spots = self.channels.spots(name, entry.item)
        ends = [*self.channels.ends(name, entry.item)]
        self.take(entry, spots)
        for key in ends:
            self._end(key)
        return spots[0] if len(spots) == 1 and not ends else None

    def add_document(self, entry: Entry) -> None:
        """A document, which is all there is. Raises `TooMany`."""
        self.take(entry, self.channels.document(entry.item))
        self.end()

    def take(self, entry: Entry, spots: Sequence[Spot]) -> None:
        """The texts of an item. Raises `TooMany`."""
        if len(spots) > MOST_TEXTS:
            raise TooMany(f"{len(spots)} texts stand in one item")
        for spot in spots:
            if spot.field not in self._fields:
                continue
            entry.waits += 1
            if spot.raw:
                self._raw(entry, spot)
            elif spot.whole or (spot.so_far and not self._grows(entry, spot)):
                entry.take(spot, self._scanned(spot, spot.text))
            elif not spot.so_far:
                channel = self._channel(spot)
                channel.feed(spot.text, partial(entry.take, spot))
                if self._moves and self._looks is not None and channel.scanner.fired:
                    self._looks = None  # a pair may be open: all text in it moves

    def _grows(self, entry: Entry, spot: Spot) -> bool:
        """A text so far; false for one that does not go on as the last did."""
        return self._channel(spot).grow(spot.text, partial(entry.take, spot))

    def _raw(self, entry: Entry, spot: Spot) -> None:
        """Arguments that are an object: a rule sees their JSON, which must stay JSON."""
        text = entry.carrier().value_at(spot.path)
        said = self._scanned(spot, text)
        spot = spot._replace(text=text)
        if differs(spot, said) and not is_json("".join(each.text for each in said).encode("utf-8", "replace")):
            self.say("arguments would be no JSON with what the rules make of them: they stay as they came")
            said = [Said(text)]
        entry.take(spot, said)

    def _rules_for(self, spot: Spot) -> Sequence[TextRule]:
        """A rule that moves leaves a text alone that has no place for thoughts beside it."""
        if not self._moves or spot.thought is not None or spot.field != CONTENT:
            return self._rules
        if not self._told:
            self._told = True
            place = ".".join(map(str, spot.path))
            self.say(f"what was to move stays in {place}, which has no place for reasoning beside it")
        return self._still

    def _scanned(self, spot: Spot, text: str) -> list[Said]:
        """What becomes of a text that is whole."""
        fresh = scanner(self._rules_for(spot), spot.field)
        given = Channel(fresh)
        out: list[Said] = []
        given.feed(text, out.extend)
        given.end()
        self._note(fresh)
        return out

    def _channel(self, spot: Spot) -> Channel:
        group = self._open.setdefault(spot.channel[0] if spot.channel else None, {})
        key = (*spot.channel, spot.field)
        channel = group.get(key)
        if channel is None:
            self._count += 1
            if self._count > MOST_CHANNELS:
                raise TooMany(f"more than {MOST_CHANNELS} texts grow at once")
            channel = group[key] = Channel(scanner(self._rules_for(spot), spot.field))
        return channel

    def _end(self, key: Key) -> None:
        if not key:
            self.end()
            return
        group = self._open.get(key[0], {})
        for each in [known for known in group if known[: len(key)] == key]:
            self._close(group.pop(each))

    def end(self) -> None:
        """All channels end."""
        groups = list(self._open.values())
        self._open.clear()
        for group in groups:
            for channel in group.values():
                self._close(channel)

    def _close(self, channel: Channel) -> None:
        self._count -= 1
        channel.end()
        self._note(channel.scanner)

    def _note(self, scanned: Scanner) -> None:
        for name, count in scanned.fired.items():
            self.fired[name] = self.fired.get(name, 0) + count

    def write(self, entry: Entry) -> bytes:
        """An entry that is settled, in octets."""
        if not entry.changes:
            return entry.raw
        try:
            if entry.place and (quick := recast(entry.raw, entry.place, *entry.changes[0])) is not None:
                return quick
            carrier = entry.carrier()
            item = parsed(carrier.data) if entry.item is None else entry.item
            return written(carrier, item, entry.changes, cuts_in_two=entry.cuts_in_two)
        except (ValueError, TypeError) as error:
            self.say(f"an item stays as it came: {error}")
            return entry.raw
