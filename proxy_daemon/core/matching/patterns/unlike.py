"""How a request differs from the nearest talk, for people: of a miss, which message says something else.

Invariant: few talks are compared word by word, whatever there is. Called by `plugins/nearest.py`, in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import zip_longest
from typing import Any

from attrs import frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.difference import json_differences
from proxy_daemon.core.matching.nearness.text_likeness import text_likeness
from proxy_daemon.core.matching.patterns.heard import Call, Heard, Item, Turn, Words, heard, value_of
from proxy_daemon.core.matching.patterns.said import MODEL, Talk, TurnPattern, talk
from proxy_daemon.core.messages import Recording, Request

COMPARED = 20


@frozen(eq=False)
class Unlike:
    """``score``: 0 to 1. ``lines``: one for each difference."""

    recording: Recording
    score: float
    lines: tuple[str, ...]


@frozen(eq=False)
class _Near:
    recording: Recording
    talk: Talk
    pairs: Sequence[tuple[TurnPattern | None, Turn | None]]
    share: float  # of turns that fit


def nearest_talk(recordings: Iterable[Recording], request: Request, dialect: Dialect, shown: int) -> Unlike | None:
    """The most alike; None where there is no talk, or the request says nothing that could be compared.

    ``shown``: differences that are told; the rest is counted.
    """
    found = heard(request, dialect)
    if found is None:
        return None
    said = ((each, each.pattern.said) for each in recordings if each.pattern is not None)
    near = nlargest(COMPARED, (_near(each, talk(one), found) for each, one in said if one is not None), key=_share)
    scored = [(_score(one), one) for one in near]
    score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return None if best is None else Unlike(best.recording, score, tuple(_lines(best, found, shown)))


def _near(recording: Recording, read: Talk, found: Heard) -> _Near:
    pairs = list(zip_longest(read.turns, read.compared(found)))
    if read.said.anything:
        pairs = []
    elif read.system:
        pairs = [*zip_longest(read.system, found.system), *pairs]
    share = sum(map(_pair_fits, pairs)) / len(pairs) if pairs else 0.0
    return _Near(recording, read, pairs, share)


def _share(one: _Near) -> float:
    return one.share


def _pair_fits(pair: tuple[TurnPattern | None, Turn | None]) -> bool:
    pattern, turn = pair
    return pattern is not None and turn is not None and pattern.fits(turn)


def _score(one: _Near) -> float:
    """As many turns as fit, and as far as the first other one is alike. All of them is not a whole: it is a miss."""
    first = next((pair for pair in one.pairs if not _pair_fits(pair)), None)
    alike = 0.0 if first is None or None in first else text_likeness(_text(_turn_of(first[0])), _text(first[1]))
    return min(one.share + alike / len(one.pairs), 0.99) if one.pairs else 0.0


def _turn_of(pattern: TurnPattern | None) -> Turn | None:
    return None if pattern is None else pattern.turn


def _text(turn: Turn | None) -> str:
    return "" if turn is None else "\n".join(turn.words)


def _lines(best: _Near, found: Heard, shown: int) -> list[str]:
    """Messages by their places, from 1; what fits, by a wildcard too, is no difference."""
    recorded: dict[str, Any] = {}
    incoming: dict[str, Any] = {}
    if not best.talk.fits_model(found):
        recorded[MODEL], incoming[MODEL] = _model(best.talk), found.dialect.model(found.request)
    for name in best.talk.differing(found):
        recorded[name] = next(value_of(text) for each, text in best.talk.said.parameters if each == name)
        _tell(incoming, name, found.request.body_field(name))
    for at, (pattern, turn) in enumerate(best.pairs):
        if not _pair_fits((pattern, turn)):
            _tell(recorded, f"message {at + 1}", _shown(_turn_of(pattern)))
            _tell(incoming, f"message {at + 1}", _shown(turn))
    return json_differences(recorded, incoming, shown)


def _tell(side: dict[str, Any], name: str, value: Any) -> None:
    """What is not there is told as absent."""
    if value is not None:
        side[name] = value


def _model(read: Talk) -> str:
    return next((text.strip('"') for name, text in read.said.parameters if name == MODEL), "")


def _shown(turn: Turn | None) -> Any:
    if turn is None:
        return None
    items = [_item(item) for item in turn.items]
    return {"role": turn.role, "says": items[0] if len(items) == 1 else items}


def _item(item: Item) -> Any:
    if isinstance(item, Words):
        return item.text
    if isinstance(item, Call):
        return {"call": item.name, "arguments": item.arguments}
    return {item.kind: item.source}
