"""JSON from hostile hands: a value, or the reason why there is none. Nothing else is ever raised.

orjson reads what it can; the standard library reads what is valid beyond that: NaN and infinities, integers beyond
64 bits, lone surrogates. Called by the dialects, by `core/splice.py` and by whoever shows a body.

Source: RFC 8259. Of duplicate keys the last one rules, as in most servers.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

BOM = b"\xef\xbb\xbf"
LARGEST_ODD = 64 * 1024 * 1024  # octets that the standard library is given: it needs ten times that for them
# Digits become 0: so many in a row may be an integer that orjson would round. And what such an integer looks like.
_ZEROS = bytes(ord("0") if chr(octet).isdigit() and octet < 128 else octet for octet in range(256))  # noqa: PLR2004
_RUN = b"0" * 19
_LONG_INTEGER = re.compile(rb"(?<![0-9.])[0-9]{19}")
# Up to a surrogate without its other half, or as far as escapes are whole. It fits anywhere: it never starts anew.
# No assertions: before Python 3.11.5 a round of a possessive group that fails behind one is half taken (gh-106052).
_LONE = re.compile(
    (
        r"((?:[^\\]++|\\u[dD][89abAB]HH\\u[dD][c-fC-F]HH|\\[^u]|\\u[^dD]|\\u[dD][^89a-fA-F])*+)"
        r"(\\u[dD][89a-fA-F]HH|\\?+)"
    ).replace("H", "[0-9a-fA-F]"),
    re.DOTALL,
)


class NotJSON(ValueError):
    """It is no JSON, or none that can be held. The reason is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(octets: bytes) -> Any:
    """The value that a JSON text in UTF-8 says. A byte order mark is ignored, a lone surrogate becomes U+FFFD.

    Raises `NotJSON`.
    """
    try:
        if not has_long_integer(octets):
            return orjson.loads(octets)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    else:
        reason = "an integer beyond 64 bits"
    if len(octets) > LARGEST_ODD:
        raise NotJSON(f"{reason}, in a text of {len(octets)} octets")
    return _parse_odd(octets)


def has_long_integer(octets: bytes) -> bool:
    """Whether there may be an integer that orjson would round in silence. Most texts need one quick look."""
    return _RUN in octets.translate(_ZEROS) and _LONG_INTEGER.search(octets) is not None


def _parse_odd(octets: bytes) -> Any:
    """What orjson refuses, by the standard library. Raises `NotJSON`."""
    try:
        text = octets.removeprefix(BOM).decode()
        return json.loads(_LONE.sub(_no_lone_surrogate, text))
    except UnicodeDecodeError as error:
        raise NotJSON(f"not UTF-8: {error.reason} at octet {error.start}") from None
    except json.JSONDecodeError as error:
        raise NotJSON(f"{error.msg.removesuffix(' at')} at character {error.pos}") from None
    except RecursionError:
        raise NotJSON("nested too deep") from None
    except ValueError:  # int() refuses more than `sys.get_int_max_str_digits()`
        raise NotJSON("an integer with too many digits") from None


def _no_lone_surrogate(found: re.Match[str]) -> str:
    return found[1] + (r"\ufffd" if len(found[2]) > 1 else found[2])


def write(value: object) -> bytes:
    """A value as JSON in UTF-8 without blanks; lone surrogates become question marks. NaN stands as `parse` reads it.

    Raises `NotJSON` where it is nested too deep, or no value of JSON.
    """
    try:
        return _written(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJSON(f"cannot be written as JSON: {error}") from None


def _written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
