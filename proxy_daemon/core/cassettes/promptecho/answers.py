"""An answer as promptecho writes it: streams by their events, JSON parsed, other text as it is, the rest in base64.

Invariant: what promptecho replays of it is the decoded body exactly, or JSON of the same value. Source: promptecho
0.1.3, `patch.py`. Called by `promptecho/writing.py`.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from proxy_daemon.core.cassettes import MOST
from proxy_daemon.core.cassettes.foreign_text import plain_body
from proxy_daemon.core.cassettes.promptecho.normal import Members, is_flat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Response

CODING = "the content coding of the answer: its body is there decoded"
FIELD_LINES = "header fields of the answer that stand several times, or are not in UTF-8"
REDACTED = "cookies and credentials in the answer's header fields"
JSON_OCTETS = "the octets of the answer's JSON: its value is there"
PIECES = "the sizes of the answer's pieces"
LOSSES = (CODING, FIELD_LINES, REDACTED, JSON_OCTETS, PIECES)

_LONGEST_INTEGER = 1000  # digits
_DROPPED = ("content-encoding", "content-length", "transfer-encoding")
_REDACTED = ("authorization", "x-api-key", "openai-organization", "set-cookie")
_BINARY = re.compile(r"(?:image|audio|video)/|application/(?:octet-stream|pdf|zip)\Z")
_EVENT = re.compile(r"(?:\r?\n){2,}")


def written_answer(response: Response, method: bytes) -> tuple[Members, list[str]]:
    """The answer as promptecho writes it, and what that does not tell. Raises `CodingError`, OSError."""
    headers, same = _fields(response.head.headers)
    data = b"" if method == b"HEAD" else plain_body(response, MOST)
    said = {"status": response.head.status, "headers": headers, **_body(data, headers.get("content-type", ""))}
    facts = {
        CODING: bool(response.head.headers.tokens(b"content-encoding")),
        FIELD_LINES: not same,
        REDACTED: "REDACTED" in headers.values(),
        PIECES: len(response.pieces.sizes) > 1,
        JSON_OCTETS: isinstance(said.get("body"), dict | list) and json.dumps(said["body"]).encode() != data,
    }
    return said, [what for what, holds in facts.items() if holds]


def _fields(headers: Headers) -> tuple[dict[str, str], bool]:
    """As httpx has them: lower case, several of one name joined. And whether nothing is lost by that."""
    found: dict[str, str] = {}
    same = True
    for octets, value in headers.pairs:
        name, text = octets.lower().decode("latin-1"), _text(value)
        if name in _DROPPED:
            continue
        same = same and name not in found and text.encode() == value
        joined = f"{found[name]}, {text}" if name in found else text
        found[name] = "REDACTED" if name in _REDACTED else joined
    return found, same


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _body(data: bytes, content_type: str) -> Members:
    """Streams by their events, JSON parsed, other text as it is, and what is no text in base64."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or _BINARY.match(kind):
        return {"streaming": False, "binary": True, "body": b64encode(data).decode()}
    if "text/event-stream" in content_type:
        return {"streaming": True, "events": _events(text)}
    return {"streaming": False, "body": _parsed(text) if text else None}


def _events(text: str) -> list[str]:
    """The text in parts that end with an event's empty line: joined, they are the text."""
    ends = [found.end() for found in _EVENT.finditer(text)]
    return [text[start:end] for start, end in pairwise([0, *ends, len(text)]) if start < end]


def _parsed(text: str) -> Any:
    """An object or a list, where its text says nothing but that; else the text.

    Of other values promptecho would replay nothing, or a text without its quotes.
    """
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_int=_int, parse_float=_float, parse_constant=_refuse)
        is_said = isinstance(found, dict | list) and is_flat(found) and bool(_octets(found))
    except (ValueError, RecursionError):
        return text
    return found if is_said else text


def _octets(value: Any) -> bytes:
    """Raises ValueError where a half of a surrogate pair is in it."""
    return json.dumps(value, ensure_ascii=False).encode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("equal members")
    return found


def _int(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError("it would be read as a text")
    return int(digits)


def _float(digits: str) -> float:
    found = float(digits)
    try:
        same = math.isfinite(found) and Decimal(repr(found)) == Decimal(digits)
    except InvalidOperation:
        same = False
    if not same:
        raise ValueError("it would be rounded")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(word)
