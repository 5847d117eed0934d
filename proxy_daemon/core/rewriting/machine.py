"""All channels of one answer: takes items, gives each back as an entry that is settled now or later.

Invariant: joined, the texts of each channel are what its scanner makes of them; an entry in which no text changes is
written as it came. Called by `stream.py` and `document.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from proxy_daemon.core.rewriting.carriers import Carrier
from proxy_daemon.core.rewriting.channels.spot import Channels, Key, Spot
from proxy_daemon.core.rewriting.edits import Change, differs, written
from proxy_daemon.core.rewriting.looking import is_json, marks_of
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
    """An item on its way. ``waits``: texts of it that are not settled."""

    __slots__ = ("carrier", "changes", "cuts_in_two", "item", "raw", "waits")

    def __init__(self, raw: bytes, item: Any, carrier: Callable[[], Carrier], *, cuts_in_two: bool) -> None:
        self.raw, self.item, self.carrier, self.cuts_in_two = raw, item, carrier, cuts_in_two
        self.changes: list[Change] = []
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
        self._rules, self._channels = rules, channels
        self._fields = frozenset(field for rule in rules for field in rule.fields)
        self._open: dict[Any, dict[Key, Channel]] = {}  # by the first step of their keys
        self._count = 0
        self._moves = any(isinstance(rule, Pair) and rule.moves for rule in rules)
        self._marks = marks_of(rules)

    def matters(self, octets: bytes) -> bool:
        """Whether these octets may hold what a rule changes, as long as nothing waits."""
        if self._marks is None:
            return True
        return any(mark in octets for mark in self._marks)

    def say(self, problem: str) -> None:
        """Keep a problem; of very many the first."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    # --- items ----------------------------------------------------------------------------------------------------

    def add(self, name: str, entry: Entry) -> None:
        """An item of a stream: its texts go to their channels, and what ends with it ends. Raises `TooMany`."""
        self._spots(entry, self._channels.spots(name, entry.item))
        for key in self._channels.ends(name, entry.item):
            self._end(key)

    def add_document(self, entry: Entry) -> None:
        """A document, which is all there is. Raises `TooMany`."""
        self._spots(entry, self._channels.document(entry.item))
        self.end()

    def _spots(self, entry: Entry, spots: Sequence[Spot]) -> None:
        if len(spots) > MOST_TEXTS:
            raise TooMany(f"{len(spots)} texts stand in one item")
        for spot in spots:
            if spot.field not in self._fields:
                continue
            entry.waits += 1
            if spot.raw:
                self._raw(entry, spot)
            elif spot.whole or (spot.so_far and not self._grows(entry, spot)):
                entry.take(spot, self._scanned(spot.field, spot.text))
            elif not spot.so_far:
                channel = self._channel(spot)
                channel.feed(spot.text, partial(entry.take, spot))
                if self._moves and channel.scanner.fired:
                    self._marks = None  # a pair may be open: all text in it moves

    def _grows(self, entry: Entry, spot: Spot) -> bool:
        """A text so far; false for one that does not go on as the last did."""
        return self._channel(spot).grow(spot.text, partial(entry.take, spot))

    def _raw(self, entry: Entry, spot: Spot) -> None:
        """Arguments that are an object: a rule sees their JSON, which must stay JSON."""
        text = entry.carrier().value_at(spot.path)
        said = self._scanned(spot.field, text)
        spot = spot._replace(text=text)
        if differs(spot, said) and not is_json("".join(each.text for each in said).encode("utf-8", "replace")):
            self.say("arguments would be no JSON with what the rules make of them: they stay as they came")
            said = [Said(text)]
        entry.take(spot, said)

    def _scanned(self, field: str, text: str) -> list[Said]:
        """What becomes of a text that is whole."""
        fresh = scanner(self._rules, field)
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
            channel = group[key] = Channel(scanner(self._rules, spot.field))
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
            return written(entry.carrier(), entry.item, entry.changes, cuts_in_two=entry.cuts_in_two)
        except (ValueError, TypeError) as error:
            self.say(f"an item stays as it came: {error}")
            return entry.raw
