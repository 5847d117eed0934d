"""A body without what does not count: the tree of rules is walked along with it, and each number gets its one form.

Invariant: the given value is never changed, for it is shared; where nothing is to be done, it is given back itself.
What comes out may hold fragments, which orjson writes as they stand. Called by `rules.py` for each body that is not
known yet, so it is written for speed: each value is looked at once, and texts only where a rule is about them.
"""

from __future__ import annotations

from operator import is_
from typing import Any

import orjson

from proxy_daemon.core.matching.counting.exact import PLAIN, NotExact, settled, settled_integer
from proxy_daemon.core.matching.counting.free import FREE, FREE_AT_TOP
from proxy_daemon.core.matching.counting.ids import holds_a_history, is_referred_to, says_only_its_id
from proxy_daemon.core.matching.counting.tree import Kind, Rule

DEEPEST = 100  # levels: far below what a stack holds, so that it never depends on who calls
# What stands for the ids: no text of JSON has it.
_MARKS = [orjson.Fragment(b"#%d" % number) for number in range(64)]
_TEXTS = ("text", "input_text")
# A member that asks for something by being there: web search (OpenAI's chat completions, and all of their kind).
_MEANT = "web_search_options"
_ALLOWED = "allowed"  # an empty list of what is allowed allows nothing: absent, it allows all
_NO_RULES = Rule()
_TEXT = frozenset((str,))
_GONE = object()
Names = frozenset[str]


class Walk:
    """One body's. ``floats``: all numbers with a fraction or an exponent; ``numbers``: of the ids met so far."""

    __slots__ = ("floats", "numbers")

    def __init__(self) -> None:
        self.floats: list[float] = []
        self.numbers: dict[str, int] = {}

    def body(self, value: Any, rule: Rule) -> Any:
        """All that counts of a body. Raises `NotExact` for what is nested too deep."""
        if type(value) is dict:
            return self._object(value, rule, 1, FREE_AT_TOP)
        return self._any(value, rule, 1, FREE)

    def _any(self, value: Any, rule: Rule, depth: int, free: Names, in_list: bool = False) -> Any:
        """``free``: names of members that are free in form."""
        kind = type(value)
        if kind is dict:
            return self._object(value, rule, depth, free, in_list)
        if kind is list:
            return self._list(value, rule, depth)
        return self._number(value) if kind is float or kind is int else value

    def _number(self, value: Any) -> Any:
        if type(value) is float:
            self.floats.append(value)
            return settled(value)
        return value if -PLAIN < value < PLAIN else settled_integer(value)

    def _list(self, value: list[Any], rule: Rule, depth: int) -> Any:
        _check(depth)
        each = rule.each or _NO_RULES
        shallow = depth < DEEPEST
        elements = [
            element if shallow and _is_texts(element, each) else self._any(element, each, depth + 1, FREE, True)
            for element in value
        ]
        value = value if all(map(is_, elements, value)) else elements
        return _as_text(value) if rule.kind is Kind.TEXT and len(value) == 1 else value

    def _object(self, value: dict[str, Any], rule: Rule, depth: int, free: Names, in_list: bool = False) -> Any:
        """Members with a rule come last and sorted: the order in which they stand must not number the ids."""
        _check(depth)
        rules, changes, ruled = rule.by_name, None, None
        for name, member in value.items():
            kind = type(member)
            if name in rules:
                if kind is not str or rules[name].touches_text:
                    ruled = [name] if ruled is None else [*ruled, name]
            elif kind is not str and kind is not bool:
                if kind is int and -PLAIN < member < PLAIN:
                    continue
                new = self._freely(member, depth + 1) if name in free else self._any(member, _NO_RULES, depth + 1, FREE)
                if new is member and (new or new == 0):
                    continue
                changes = {} if changes is None else changes
                changes[name] = _GONE if new is None or (new == [] and not name.startswith(_ALLOWED)) else new
        for name in sorted(ruled) if ruled is not None else ():
            if (new := self._ruled(value, name, rules[name], depth)) is not value[name] or new == {}:
                changes = {} if changes is None else changes
                changes[name] = new
        return value if changes is None else _changed(value, changes, keeps_blank=in_list, top=depth == 1)

    def _freely(self, value: Any, depth: int) -> Any:
        """Where only numbers get another form."""
        if type(value) is dict:
            _check(depth)
            changes = {}
            for name, member in value.items():
                kind = type(member)
                if kind is not str and kind is not bool and (new := self._freely(member, depth + 1)) is not member:
                    changes[name] = new
            return {**value, **changes} if changes else value
        if type(value) is list:
            _check(depth)
            elements = [each if type(each) is str else self._freely(each, depth + 1) for each in value]
            return value if all(map(is_, elements, value)) else elements
        return self._number(value) if type(value) in (float, int) else value

    def _ruled(self, item: dict[str, Any], name: str, rule: Rule, depth: int) -> Any:
        kind, member = rule.kind, item[name]
        if kind is Kind.DROPPED or (kind is Kind.OWN_ID and not is_referred_to(item) and not says_only_its_id(item)):
            return _GONE
        if kind is Kind.OPAQUE and not holds_a_history(item):
            return _GONE
        if type(member) is str:
            if member and (kind is Kind.RENAMED or (kind is Kind.OWN_ID and is_referred_to(item))):
                number = self.numbers.setdefault(member, len(self.numbers))
                return _MARKS[number] if number < len(_MARKS) else orjson.Fragment(b"#%d" % number)
            return member
        new = self._any(member, rule, depth + 1, FREE)
        return _GONE if new is None or new == [] else new


def _is_texts(element: Any, rule: Rule) -> bool:
    """Whether it is a text, or an object of texts that no rule is about, as most messages are."""
    if type(element) is dict:
        return rule.touched.isdisjoint(element) and _TEXT.issuperset(map(type, element.values()))
    return type(element) is str


def _check(depth: int) -> None:
    if depth > DEEPEST:
        raise NotExact("nested too deep")


def _changed(value: dict[str, Any], changes: dict[str, Any], *, keeps_blank: bool, top: bool) -> dict[str, Any]:
    """``keeps_blank``: `{}` stays. It stays too where nothing else would be left, but at the top."""
    members = {**value, **changes}
    kept = {name: member for name, member in members.items() if member is not _GONE}
    if keeps_blank:
        return kept
    left = {name: member for name, member in kept.items() if member != {} or name == _MEANT}
    return left if left or top else kept


def _as_text(blocks: list[Any]) -> Any:
    """The text of a block that says nothing else."""
    block = blocks[0]
    if type(block) is dict and len(block) == 2 and block.get("type") in _TEXTS and type(block.get("text")) is str:  # noqa: PLR2004  (both)
        return block["text"]
    return blocks
