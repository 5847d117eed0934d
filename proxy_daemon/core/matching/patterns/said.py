"""Whether a request of any API says what a talk says (`core/pattern.py`, `Said`), turn by turn.

Invariant: linear in the request and in the talk, whatever either holds: in a text `{{*}}` stands for any, and its parts
are found from left to right. What cannot be read fits nothing. Called by `talks.py`, and `unlike.py` to explain a miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Any

from attrs import frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.patterns.heard import Call, Heard, Item, Thing, Turn, Words, turns_of
from proxy_daemon.core.matching.patterns.json_subset import JSONPattern, json_pattern_of
from proxy_daemon.core.matching.patterns.wildcards import TextPattern
from proxy_daemon.core.pattern import ANY_TEXT, Said
from proxy_daemon.core.wire.json_text import NotJSON, parse

HASHED = "sha256:"  # of a medium that stands inline: which octets
MODEL = "model"
_SIGN = re.compile(r"(?<!\\)" + re.escape(ANY_TEXT))
_ESCAPED = "\\" + ANY_TEXT
_NEVER_COMPARED = ("stream", "stream_options")  # an answer comes in either form


Key = tuple[object, ...]


class Rank(IntEnum):
    """Which talks are asked first."""

    EXACT = 0
    WILD = 1
    ANYTHING = 2


Fits = Callable[[Item], bool]


@frozen(eq=False)
class TurnPattern:
    """One turn of a talk. ``items``: None: any."""

    turn: Turn
    items: tuple[Fits, ...] | None

    def fits(self, turn: Turn) -> bool:
        """All that is said in it, in its order, and nothing besides."""
        if self.turn.role != turn.role:
            return False
        if self.items is None:
            return True
        return len(self.items) == len(turn.items) and all(map(_holds, self.items, turn.items))


def _holds(fits: Fits, item: Item) -> bool:
    return fits(item)


@frozen(eq=False)
class Talk:
    """A `Said`, read. ``key``: what is equal in requests that it fits. ``never``: a parameter in it is no JSON."""

    said: Said
    system: tuple[TurnPattern, ...]
    turns: tuple[TurnPattern, ...]
    model: TextPattern | None
    parameters: tuple[tuple[str, JSONPattern], ...]
    rank: Rank
    key: Key
    never: bool = False

    def fits(self, heard: Heard) -> bool:
        """The cheap questions first."""
        if self.never or not self.fits_parameters(heard):
            return False
        if self.said.anything:
            return True
        turns = self.compared(heard)
        return _all_fit(self.turns, turns) and (not self.system or _all_fit(self.system, heard.system))

    def compared(self, heard: Heard) -> Sequence[Turn]:
        """The turns of the request that this talk is compared with."""
        return heard.turns[-len(self.turns) :] if self.said.tail and self.turns else heard.turns

    def fits_model(self, heard: Heard) -> bool:
        """Whether the request asks for the model of this talk."""
        return self.model is None or self.model.fits(heard.dialect.model(heard.request))

    def fits_parameters(self, heard: Heard) -> bool:
        """The model; and the rest where the request speaks the API in whose words that is."""
        return self.fits_model(heard) and not any(self.differing(heard))

    def differing(self, heard: Heard) -> Iterator[str]:
        """The names of parameters that the request has not, or with another value."""
        if not self.parameters or not _speaks(heard.dialect, self.said.api):
            return
        for name, pattern in self.parameters:
            value = heard.request.body_field(name)
            if name not in heard.dialect.volatile and (value is None or not pattern.fits(value)):
                yield name


def _speaks(dialect: Dialect, api: str) -> bool:
    return not api or api in (dialect.name, dialect.maker)


def _all_fit(patterns: Sequence[TurnPattern], turns: Sequence[Turn]) -> bool:
    return len(patterns) == len(turns) and all(map(TurnPattern.fits, patterns, turns))


# --- reading a talk --------------------------------------------------------------------------------------------------


def talk(said: Said) -> Talk:
    """Kept with ``said``, so that the thread that reads a file spares the reactor this. Raises nothing."""
    if said.read is None:
        object.__setattr__(said, "read", _talk(said))
    found: Talk = said.read
    return found


def _talk(said: Said) -> Talk:
    system, turns = turns_of(said.messages)
    patterns = tuple(map(_turn, turns))
    model, parameters, never = None, [], not said.anything and not turns
    for name, text in said.parameters:
        try:
            value = parse(text.encode("utf-8", "replace"))
            pattern = json_pattern_of(value, said_text, whole=True)
        except NotJSON:
            never = True
            continue
        if name == MODEL:
            model = pattern.value if isinstance(pattern.value, TextPattern) else said_text(text)
        elif name not in _NEVER_COMPARED:
            parameters.append((name, pattern))
    rank = _rank(said, (*system, *turns))
    key = _key(rank, turns, tail=said.tail)
    return Talk(said, tuple(map(_turn, system)), patterns, model, tuple(parameters), rank, key, never)


def _key(rank: Rank, turns: Sequence[Turn], *, tail: bool) -> Key:
    """As `TalkIndex` asks for it: who speaks, and where no wildcard is, what is said last."""
    if rank is Rank.ANYTHING:
        return (rank,)
    key = (rank, tail, roles_of(turns))
    return key if rank is Rank.WILD else (*key, _unescaped(turns))


def _unescaped(turns: Sequence[Turn]) -> tuple[str, ...]:
    """A text without wildcards is one part."""
    return tuple(said_text(text).parts[0] for text in turns[-1].words) if turns else ()


def roles_of(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Who speaks, in order."""
    return tuple(turn.role for turn in turns)


def _rank(said: Said, turns: Iterable[Turn]) -> Rank:
    if said.anything:
        return Rank.ANYTHING
    wild = any(_SIGN.search(text) for turn in turns for text in _texts(turn) if ANY_TEXT in text)
    return Rank.WILD if wild else Rank.EXACT


def _texts(turn: Turn) -> Iterator[str]:
    """Where a wildcard may stand."""
    for item in turn.items:
        if isinstance(item, Words):
            yield item.text
        elif isinstance(item, Call):
            yield item.name
            yield from _strings(item.arguments)


def _strings(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one


def _turn(turn: Turn) -> TurnPattern:
    if [item for item in turn.items if not (isinstance(item, Words) and item.text == ANY_TEXT and not item.result)]:
        return TurnPattern(turn, tuple(map(_item, turn.items)))
    return TurnPattern(turn, None)


def _item(item: Item) -> Fits:
    match item:
        case Words(text):
            pattern = said_text(text)
            return lambda found: isinstance(found, Words) and pattern.fits(found.text)
        case Call(name, arguments):
            return _call(said_text(name), arguments)
        case Thing():
            return lambda found: isinstance(found, Thing) and _same_thing(item, found)


def _call(name: TextPattern, arguments: Any) -> Fits:
    if arguments == ANY_TEXT:
        return lambda found: isinstance(found, Call) and name.fits(found.name)
    try:
        pattern = json_pattern_of(arguments, said_text, whole=True)
    except NotJSON:
        return lambda found: False
    return lambda found: isinstance(found, Call) and name.fits(found.name) and pattern.fits(found.arguments)


def _same_thing(one: Thing, other: Thing) -> bool:
    """Which octets stand inline is known by their number only."""
    if one.kind != other.kind:
        return False
    if one.source.startswith(HASHED):
        return not other.source
    known = one.size is not None and other.size is not None
    return one.source == other.source and (not known or one.size == other.size)


def said_text(text: str) -> TextPattern:
    """A text in which `{{*}}` stands for any; behind a backslash it stands for itself."""
    if ANY_TEXT not in text:
        return TextPattern((text,))
    parts = [part.replace(_ESCAPED, ANY_TEXT) for part in _SIGN.split(text)]
    if len(parts) == 1:
        return TextPattern((parts[0],))
    return TextPattern((parts[0], *filter(None, parts[1:-1]), parts[-1]))
