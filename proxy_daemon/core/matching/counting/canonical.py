"""The canonical form of JSON: the same octets for texts that mean the same, and for no others.

Key order, spacing, string escapes and the spelling of numbers do not count, nor what the rules say; array order counts.
What cannot be treated exactly has no canonical form, and its octets are compared. The form is pinned by test vectors:
fingerprints in people's stores depend on it. Called by `fingerprint.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from proxy_daemon.core.matching.counting.exact import exact

# Digits become 0: where these stand then, orjson may have rounded a number. Fifteen digits are always kept.
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG = (b"0" * 16, b"0" * 8 + b".0", b"0." + b"0" * 8)
_UNDERFLOW = re.compile(rb"[eE]-0*(?:[3-9][0-9][0-9]|[0-9]{4})")  # what overflows is refused by orjson
_VERY_SMALL = 1e-299
_COLON_ESCAPED = b"\\u003"
Applied = tuple[Any, Sequence[float]]


def canonical_json(data: bytes, value: Any, apply: Callable[[Any], Applied]) -> bytes | None:
    """The canonical form of a JSON text; None where it is none, or cannot be treated exactly.

    ``value``: what orjson reads in it, None where it refuses; it stays unchanged. ``apply``: the rules (`rules.py`).
    None for: NaN and infinities, duplicate keys, lone surrogates, invalid UTF-8, a byte order mark, and what is nested
    deeper than 100 levels.
    """
    try:
        form = None if value is None else _quickly(data, value, apply)
        return orjson.dumps(apply(exact(data))[0], option=orjson.OPT_SORT_KEYS) if form is None else form
    except (ValueError, TypeError, RecursionError):
        return None


def _quickly(data: bytes, value: Any, apply: Callable[[Any], Applied]) -> bytes | None:
    """The form; None where ``value`` may not be all that the text says."""
    applied, floats = apply(value)
    read = orjson.dumps(value)
    if read != data:  # most clients write as orjson does: then it has lost nothing
        if (b"\\" in data and _COLON_ESCAPED in data) or (floats and _may_be_rounded(data, floats)):
            return None
        # A key that stands there twice was read once: the text has more colons than what was read.
        if data.count(b":") != read.count(b":"):
            return None
    return orjson.dumps(applied, option=orjson.OPT_SORT_KEYS)


def _may_be_rounded(data: bytes, floats: Sequence[float]) -> bool:
    """What orjson rounds, too large integers among it, is a float afterwards."""
    zeros = data.translate(_ZEROS)
    if _LONG[0] in zeros or _LONG[1] in zeros or _LONG[2] in zeros:
        return True
    return any(-_VERY_SMALL < each < _VERY_SMALL for each in floats) and _UNDERFLOW.search(data) is not None
