"""Whether a recorded answer may stand for that of a request that differs a little (`--fuzzy serve`).

All but natural text must be equal; of texts, see `small_edits`. In doubt it says no. Called for the nearest recording,
after redaction.
"""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import evolve, frozen

from proxy_daemon.core.conversation import Operation
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.difference import LONGEST_PATH, printable
from proxy_daemon.core.matching.nearness.paths import element, member
from proxy_daemon.core.matching.nearness.small_edits import SmallEdits
from proxy_daemon.core.messages import Request

LARGEST = 1024 * 1024  # octets of a body that is looked into
_WORDS = frozenset((Operation.CHAT, Operation.COMPLETION))
# Where people write. A place is the names on the way to a value, without positions.
_WRITTEN = re.compile(
    r"(?:(?:input|request)\.)?"
    r"(?:(?:messages|contents|input|inputs|chat_history)(?:\.(?:content|message|text|parts))*"
    r"|(?:system|systemInstruction|system_instruction|instructions|preamble)(?:\.(?:content|parts|text))*"
    r"|prompt|message|query|text)"
)
_SYSTEM = re.compile(r"(?:(?:input|request)\.)?(?:system|instructions|preamble)")
_SYSTEM_ROLES = frozenset(("system", "developer", "SYSTEM"))
_DATA_ROLES = frozenset(("tool", "function", "TOOL"))  # their texts are what a tool gave
_PROSE_TYPES = frozenset(("text", "input_text", "output_text", "message"))


class _Number(str):
    """The text of a number: 1.0 is not 1, and long ones stay exact."""

    __slots__ = ()


class _Refused(Exception):
    """The requests may not stand for each other; says why."""


@frozen
class _Spot:
    """Where in a body: the path with positions, the names alone, and whose words stand there."""

    path: str = ""
    place: str = ""
    role: str = ""

    def member(self, name: str) -> _Spot:
        """One of an object's."""
        return _Spot(member(self.path, name), member(self.place, name), self.role)


_Pair = tuple[_Spot, Any, Any]


def servable(recorded: Request, incoming: Request, dialect: Dialect) -> str:
    """Empty where the recorded answer may be served for the incoming request, else the reason why not."""
    try:
        _compare_heads(recorded, incoming, dialect)
        _compare_bodies(recorded, incoming, dialect)
    except _Refused as reason:
        return _harmless(str(reason))
    return ""


def _harmless(reason: str) -> str:
    """Paths hold names that are the client's."""
    if len(reason) > 2 * LONGEST_PATH:
        reason = f"{reason[:LONGEST_PATH]}…{reason[-LONGEST_PATH:]}"
    return printable(reason)


def _compare_heads(recorded: Request, incoming: Request, dialect: Dialect) -> None:
    if recorded.method != incoming.method:
        raise _Refused("the method differs")
    if recorded.target != incoming.target:
        raise _Refused("the path or the query differs")
    if dialect.model(recorded) != dialect.model(incoming):
        raise _Refused("the model differs")
    if dialect.streams(recorded) != dialect.streams(incoming):
        raise _Refused("only one of them asks for a stream")
    for name in dialect.deciding_fields:
        if recorded.headers.all(name) != incoming.headers.all(name):
            raise _Refused(f"the header field {name.decode('latin-1')} differs")


def _compare_bodies(recorded: Request, incoming: Request, dialect: Dialect) -> None:
    old, new = recorded.body.whole(), incoming.body.whole()
    if old is None or new is None or max(len(old), len(new)) > LARGEST:
        raise _Refused("body: too large to be compared")
    if old == new:
        return
    one, other = _parsed(old), _parsed(new)
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise _Refused("body: differs, and is no JSON object that can be compared exactly")
    _compare(one, other, frozenset(dialect.volatile), words=dialect.operation(incoming) in _WORDS)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("equal keys")
    return members


_DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_refuse, object_pairs_hook=_object)


def _parsed(data: bytes) -> Any:
    """None for what is no JSON, or what can be read in two ways: equal keys, NaN, very deep."""
    try:
        return _DECODER.decode(data.decode())
    except (ValueError, RecursionError):
        return None


def _compare(one: Any, other: Any, volatile: frozenset[str], *, words: bool) -> None:
    """Go through both bodies at once, in the order of their paths; raises `_Refused` at the first large difference."""
    edits = SmallEdits()
    waiting: list[_Pair] = [(_Spot(), one, other)]
    while waiting:
        spot, old, new = waiting.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            waiting.extend(_members(spot, old, new, volatile))
        elif isinstance(old, list) and isinstance(new, list):
            waiting.extend(_elements(spot, old, new))
        elif type(old) is not type(new) or old != new:
            _compare_texts(spot, old, new, edits, words=words)


def _members(spot: _Spot, old: dict[str, Any], new: dict[str, Any], volatile: frozenset[str]) -> list[_Pair]:
    spot = evolve(spot, role=_role(old, spot.role))
    found: list[_Pair] = []
    for name in sorted(old.keys() | new.keys(), reverse=True):
        at, one, other = spot.member(name), old.get(name), new.get(name)
        if at.place in volatile or (_is_empty(one) and _is_empty(other)):
            continue
        if name not in old or name not in new:
            raise _Refused(f"{at.path}: only one of them has it")
        found.append((at, one, other))
    return found


def _elements(spot: _Spot, old: list[Any], new: list[Any]) -> list[_Pair]:
    if len(old) != len(new):
        raise _Refused(f"{spot.path}: {len(old)} recorded / {len(new)} incoming")
    pairs = zip(old, new, strict=True)
    return [(evolve(spot, path=element(spot.path, str(n))), one, other) for n, (one, other) in enumerate(pairs)][::-1]


def _role(value: dict[str, Any], role: str) -> str:
    """Whose words stand in an object: what is data stays data within."""
    said, kind = value.get("role"), value.get("type")
    if role == "data" or _is_one_of(said, _DATA_ROLES) or (kind is not None and not _is_one_of(kind, _PROSE_TYPES)):
        return "data"
    return "system" if _is_one_of(said, _SYSTEM_ROLES) else role


def _is_one_of(value: Any, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, list | dict) and not value)


def _compare_texts(spot: _Spot, old: Any, new: Any, edits: SmallEdits, *, words: bool) -> None:
    if type(old) is not str or type(new) is not str:
        raise _Refused(f"{spot.path}: differs, and is no text")
    if not words or spot.role == "data" or _WRITTEN.fullmatch(spot.place) is None:
        raise _Refused(f"{spot.path}: differs, and is not what a person wrote")
    reason = edits.refused(old, new, system=spot.role == "system" or _SYSTEM.match(spot.place) is not None)
    if reason:
        raise _Refused(f"{spot.path}: {reason}")
