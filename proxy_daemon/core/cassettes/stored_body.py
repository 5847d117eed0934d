"""Bodies in all the shapes in which recordings hold them.

Invariant: what is not the sender's own octets says so, and what is not there is told from what is empty.
Called by the formats of this folder and by `message.py`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import orjson
from attrs import frozen

from proxy_daemon.core.cassettes.fields import Broken, base64_octets, text_octets

_BOX = frozenset(("string", "base64_string", "encoding"))  # vcrpy's, Ruby VCR's


@frozen
class Stored:
    """A body. ``own``: its octets are those of the recording's sender, not written anew. ``there``: it is told."""

    data: bytes = b""
    own: bool = True
    there: bool = True


ABSENT = Stored(there=False)


def stored(given: Any) -> Stored:
    """Of text, octets, a box {string}, {encoding, string} or {base64_string}, or parsed JSON. Raises `Broken`.

    None is absent: formats that write null for an empty body say so themselves.
    """
    if isinstance(given, dict) and given and given.keys() <= _BOX:
        return from_base64(given["base64_string"]) if given.get("base64_string") else stored(given.get("string"))
    if given is None:
        return ABSENT
    if isinstance(given, str | bytes):
        return Stored(text_octets(given))
    return from_json(given)


def from_base64(text: Any) -> Stored:
    """Of octets in base64. Raises `Broken`."""
    try:
        return Stored(base64_octets(text))
    except (ValueError, TypeError):
        raise Broken("a body that is not base64") from None


def from_json(value: Any) -> Stored:
    """Of JSON that the file holds parsed: written anew, without spaces. Raises `Broken`."""
    try:
        return Stored(orjson.dumps(value), own=False)
    except orjson.JSONEncodeError:  # integers of more than 64 bits
        return Stored(_longhand(value), own=False)


def _longhand(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise Broken("a parsed body that cannot be written as JSON") from None


def from_form(value: Any) -> Stored:
    """Of a form that the file holds as {name: [values]} (`urllib.parse.parse_qs`). Raises `Broken`."""
    if not isinstance(value, dict):
        return from_json(value)
    pairs = [(name, text_octets(one)) for name, given in value.items() for one in _list(given)]
    return Stored(urlencode(pairs).encode(), own=False)


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
