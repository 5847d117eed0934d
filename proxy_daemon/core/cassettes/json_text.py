"""JSON of recordings, read to plain values, whatever its size and shape.

Invariant: a file that would take far more memory than it has octets is refused before anything is built of it. Called
by the formats of this folder that are JSON.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from proxy_daemon.core.cassettes import MOST
from proxy_daemon.core.wire.json_text import NotJSON, has_long_integer, parse

MOST_VALUES = 5_000_000  # each takes up to about 100 octets
_BOM = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


class NotJson(ValueError):
    """Why a text is not read. The sentence holds nothing of the text."""


class TooLarge(NotJson):
    """It may be JSON, but it is over a limit."""


def load(data: bytes) -> Any:
    """The one value of ``data`` (RFC 8259, in UTF-8). A member that stands twice has its last value.

    Raises `NotJson`, of which `TooLarge` is one.
    """
    if len(data) > MOST:
        raise TooLarge(f"larger than {MOST} octets")
    if _separators(data) > MOST_VALUES and _separators(_STRING.sub(b"", data)) > MOST_VALUES:
        raise TooLarge(f"more than {MOST_VALUES} values")
    try:
        return parse(data) if _has_long_integer(data) else orjson.loads(data.removeprefix(_BOM))
    except (orjson.JSONDecodeError, NotJSON) as error:
        raise NotJson(f"not JSON: {error}") from None


def _has_long_integer(data: bytes) -> bool:
    """Whether orjson would round one in silence: those inside of strings, such as ids, do not count."""
    return has_long_integer(data) and has_long_integer(_STRING.sub(b"", data))


def _separators(data: bytes) -> int:
    """As many as there are values, or a few less; those inside of strings are counted too."""
    return data.count(b",") + data.count(b"[") + data.count(b"{")
