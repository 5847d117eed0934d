"""What a recorder of other tools had left out of a request, as a pattern: anything may stand there.

    /v1/projects/<PROJECT>/models?key=**REDACTED**   ->   /v1/projects/*/models, key: anything

Invariant: only what stands for something by itself is taken so. A sign within a text that a person wrote is that text,
and where a body cannot be compared but for such signs there is no pattern. Called by `core/adopting.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_names import PLACEHOLDER

# What cassettes hold in the place of secrets, names of projects and accounts (vcrpy's and Ruby VCR's filters). Our own
# placeholders are none: a live request has the same ones, numbered in the same way.
_SIGN = re.compile(
    rf"\*{{2,}}[A-Z_]+\*{{2,}}|(?!{PLACEHOLDER.pattern.decode()})<[A-Z][A-Z0-9_ -]+>|"
    r"\[(?:REDACTED|FILTERED)\]|(?<![A-Za-z])(?:REDACTED|FILTERED)(?![A-Za-z])"
)
_MARKS = ("**", "<", "REDACTED", "FILTERED")  # each sign has one of them; most texts have none, and are long
OURS = "REDACTED"  # what llmproxy itself writes: what it leaves out of recordings it leaves out of requests
_NOTHING = "**REDACTED**"  # stands for anything in a body where nothing does: `*` is what people write
_BLANK = re.compile(r"\s")
DEEPEST = 200
_PLAIN = "/*:@!$&'()+,;="  # of a pattern's path: as a request writes it, and its wildcards
_JSON = Headers(((b"Content-Type", b"application/json"),))


def redacted_pattern(pattern: Pattern, redactor: Redactor) -> Pattern:
    """The pattern without its secrets, as the requests that it answers come without them."""
    query = urlencode(pattern.query, safe="*", errors="surrogateescape").encode()
    path = quote(pattern.path, _PLAIN, errors="surrogateescape").encode()
    asked = Request(b"POST", (path or b"/") + b"?" + query, _JSON, Bytes(pattern.body))
    safe = redactor.request(asked)
    if safe is asked:
        return pattern
    pairs = parse_qsl(safe.query.decode(), keep_blank_values=True, errors="surrogateescape")
    changed = evolve(pattern, query=tuple(pairs), body=safe.body.whole() or b"")
    if safe.path == asked.path:
        return changed
    return evolve(changed, path=unquote_to_bytes(safe.path).decode("utf-8", "surrogateescape"))


def redacted_parts(request: Request, recorded: Request) -> Pattern | None:
    """The pattern of ``request``, a redacted one; None where nothing of it was left out before.

    ``recorded``: before our own redaction.
    """
    data = request.body.whole()
    try:
        in_target = _signs(_plain(request.target), request.target == recorded.target)
    except UnicodeDecodeError:  # a pattern is text
        return None
    if data is None:
        return None
    text = data.decode("utf-8", "replace")
    in_body = _signs(text, data == recorded.body.whole())
    if not in_target and not in_body:
        return None
    if data and request.json is None:
        return None
    wild = _wild(request.json, in_body) if in_body else []
    if wild is None or not (in_target or wild):
        return None
    return _pattern(request, data, tuple(wild))


def _plain(target: bytes) -> str:
    """Percent-decoded. Raises UnicodeDecodeError."""
    return unquote_to_bytes(target).decode()


def _signs(text: str, untouched: bool) -> set[str]:
    if not any(mark in text for mark in _MARKS):
        return set()
    found = set(_SIGN.findall(text))
    return found if untouched else found - {OURS}


def _wild(body: Any, signs: set[str]) -> list[str] | None:
    """The signs that stand for something in a body; None where one of them is part of a text."""
    found: set[str] = set()
    for text in _texts(body):
        here = signs.intersection(_SIGN.findall(text))
        if here and _BLANK.search(text) and text not in here:
            return None
        found |= here
    return sorted(found)


def _texts(value: Any) -> Iterator[str]:
    """All strings but names of members; what is nested deeper than `DEEPEST` is left out."""
    waiting = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list) and depth < DEEPEST:
            waiting.extend((each, depth + 1) for each in (value.values() if isinstance(value, dict) else value))


def _pattern(request: Request, data: bytes, wild: tuple[str, ...]) -> Pattern | None:
    """None where a star of the request itself would stand for anything."""
    path = _starred(_plain(request.path))
    pairs = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
    query = tuple((name, _starred(value)) for name, value in pairs)
    if path is None or any(value is None for _, value in query):
        return None
    return Pattern(
        request.method.decode("latin-1"),
        "" if path.strip("/") == "*" else path,  # the whole address was left out
        tuple((name, value) for name, value in query if value is not None),
        data,
        wild or (_NOTHING,),
        whole=True,
    )


def _starred(text: str) -> str | None:
    parts = _SIGN.split(text)
    return None if any("*" in part for part in parts) else "*".join(parts)
