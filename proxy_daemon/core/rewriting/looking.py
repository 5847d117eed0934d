"""A look at octets before anything is done with them: whether a rule can matter, and what JSON they are.

Called by `machine.py`, `stream.py` and `document.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from proxy_daemon.core.rewriting.rules import Expression, Pair, TextRule
from proxy_daemon.core.wire import json_text

_SHORT = '"\\/\b\f\n\r\t'  # what JSON may escape in two octets
_BEFORE = b" \t\r\n" + json_text.BOM


def marks_of(rules: Sequence[TextRule]) -> tuple[bytes, ...] | None:
    r"""Octets of which one stands in all JSON that a rule changes: what it finds begins so, or an escape does.

    None where that cannot be told.
    """
    marks: set[bytes] = set()
    for rule in rules:
        if isinstance(rule, Expression):
            return None
        starts = (rule.open, rule.close) if isinstance(rule, Pair) else (rule.find,)
        marks.update(start[0].encode("utf-8", "surrogatepass") for start in starts)
        marks.add(b"\\" if any(start[0] in _SHORT for start in starts) else b"\\u")
    return tuple(marks)


def parsed(data: bytes) -> Any:
    """JSON, or the text itself where it is no object and no list. Raises `json_text.NotJSON`."""
    if data[:1] != b"{":
        data = data.lstrip(_BEFORE)
        if data[:1] not in (b"{", b"[") or data == b"[DONE]":
            return data.decode("utf-8", "replace")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json_text.parse(data)


def is_json(data: bytes) -> bool:
    """Whether it is a whole value."""
    try:
        json_text.parse(data)
    except json_text.NotJSON:
        return False
    return True
