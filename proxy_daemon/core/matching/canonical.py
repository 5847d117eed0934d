"""The canonical form of JSON: the same octets for texts that mean the same, and for no others.

Key order, spacing and string escapes do not count. Numbers count by their text (1.0 is not 1), array order counts.
What cannot be treated exactly has no canonical form, and its octets are compared. The form is pinned by test vectors:
fingerprints in people's stores depend on it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import orjson

KEPT, KEPT_SIZE = 256, 16 * 1024  # texts, octets of one


class _NotExact(ValueError):
    """It has no canonical form."""


def _refuse(text: str) -> Any:
    raise _NotExact(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Servers differ in which of two equal keys they take: then the octets must be equal."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotExact("duplicate keys")
    return members


# Numbers stay the text that they are: a Fragment is written as it stands.
_DECODER = json.JSONDecoder(
    parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=_refuse, object_pairs_hook=_object
)


def canonical_json(data: bytes) -> bytes | None:
    """The canonical form of a JSON text; None where it is none, or cannot be treated exactly.

    None for: NaN and infinities, duplicate keys, lone surrogates, invalid UTF-8, a byte order mark, and what is nested
    deeper than the libraries go.
    """
    return _kept(data) if len(data) <= KEPT_SIZE else _canonical(data)


def _canonical(data: bytes) -> bytes | None:
    try:
        value = _DECODER.decode(data.decode())
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError, RecursionError):
        return None


_kept = lru_cache(maxsize=KEPT)(_canonical)  # what is replayed is asked again and again
