"""The ids in a request body that a server minted: in the order of their first appearance, as fingerprints number them.

Invariant: the order follows the rules, not the order of an object's members: bodies that differ in key order, and in
ids that are renamed consistently, give the same numbers to the same places. Called by `canonical.py` beside this, which
puts the numbers in their place, and by `renaming.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.counting.tree import Kind, Rule, compiled

# An item of these types is answered by its own id elsewhere.
REFERRED_TO = frozenset({"mcp_approval_request"})
_OWN = frozenset({"type", "id", "status"})


def ids_in(body: Any, dialect: Dialect) -> tuple[str, ...]:
    """Each id once. ``body``: parsed JSON of any shape."""
    found: dict[str, int] = {}
    _collect(body, _rules(tuple(dialect.ids), tuple(dialect.own_ids)), found)
    return tuple(found)


@lru_cache(maxsize=64)
def _rules(ids: tuple[str, ...], own: tuple[str, ...]) -> Rule:
    return compiled([*((path, Kind.RENAMED) for path in ids), *((path, Kind.OWN_ID) for path in own)])


def _collect(value: Any, rule: Rule, found: dict[str, int]) -> None:
    if isinstance(value, list):
        if rule.each is not None:
            for element in value:
                _collect(element, rule.each, found)
    elif isinstance(value, dict):
        for name, below in rule.members:
            if name in value:
                _member(value, name, below, found)


def _member(value: dict[str, Any], name: str, rule: Rule, found: dict[str, int]) -> None:
    member = value.get(name)
    if not isinstance(member, str):
        _collect(member, rule, found)
    elif member and (rule.kind is Kind.RENAMED or (rule.kind is Kind.OWN_ID and is_referred_to(value))):
        found.setdefault(member, len(found))


def is_referred_to(item: dict[str, Any]) -> bool:
    """Whether other items name this one by its own id."""
    kind = item.get("type")
    return isinstance(kind, str) and kind in REFERRED_TO


def holds_a_history(item: dict[str, Any]) -> bool:
    """Whether what is encrypted in it is all that is left of a conversation (`/responses/compact`)."""
    kind = item.get("type")
    return isinstance(kind, str) and "compaction" in kind


def says_only_its_id(item: dict[str, Any]) -> bool:
    """Whether the id is all there is: it stands for what lies at the server, as an `item_reference` does."""
    if item.get("type") == "item_reference":
        return True
    return all(name in _OWN or value is None for name, value in item.items())
