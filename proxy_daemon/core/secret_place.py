"""Where an octet of a body stands, for people: the path of JSON that leads there, or the line.

Called by `core/secret_report.py`.
"""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_DEEPEST = 100  # steps of a path
_LONGEST = 200  # characters of one that is shown


def path_at(data: bytes, place: int) -> str:
    """`messages.0.content`; of what is no JSON, or has several lines of it, the line too. Never raises."""
    start = max(data.rfind(b"\n", 0, place), data.rfind(b"\r", 0, place)) + 1
    one = data.lstrip()[:1] in (b"{", b"[") and b"\ndata:" not in data and b"}\n{" not in data
    path = _path(data, 0 if one else start, place)
    if one and path:
        return path
    line = f"line {data.count(bytes([10]), 0, place) + 1}"
    return f"{line}, {path}" if path else line


def _path(data: bytes, start: int, place: int) -> str:
    """The names and indices of what is open at ``place``."""
    steps: list[str | int] = []
    name = b""
    for token in _TOKEN.finditer(data, start):
        if token.start() >= place:
            break
        first = data[token.start() : token.start() + 1]
        if first in b"{[" and len(steps) < _DEEPEST:
            steps.append("" if first == b"{" else 0)
        elif first in b"}]" and steps:
            steps.pop()
        elif first == b"," and steps and isinstance(last := steps[-1], int):
            steps[-1] = last + 1
        elif first == b'"':
            name = token[0]
        elif first == b":" and steps and isinstance(steps[-1], str):
            steps[-1] = _name(name)
    return ".".join(str(step) for step in steps if step != "")[:_LONGEST]


def _name(text: bytes) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return "?"
