"""Cookies as HAR tells them beside the header fields that hold them.

Invariant: a field that is no cookie is passed over: it stands among the header fields. Source: RFC 6265 sections 4.1.1
and 5.2. Called by `har/writing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from proxy_daemon.core.cassettes.moments import moment
from proxy_daemon.core.headers import Pair

_TEXTS = {"path": "path", "domain": "domain"}
_FLAGS = {"httponly": "httpOnly", "secure": "secure"}
_LATEST = 253402300799.0  # the end of year 9999, in seconds since 1970


def sent(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """Those of a request: of `Cookie`."""
    parts = [part for value in _values(pairs, b"cookie") for part in value.split(";")]
    return [{"name": name.strip(), "value": value.strip()} for name, is_one, value in _halves(parts) if is_one]


def received(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """Those of an answer: of `Set-Cookie`."""
    found = []
    for value in _values(pairs, b"set-cookie"):
        (name, is_one, text), *attributes = _halves(value.split(";"))
        if is_one:
            found.append({"name": name.strip(), "value": text.strip()} | _attributes(attributes))
    return found


def _values(pairs: Iterable[Pair], wanted: bytes) -> list[str]:
    return [value.decode("utf-8", "replace") for name, value in pairs if name.lower() == wanted]


def _halves(parts: list[str]) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in parts]


def _attributes(given: list[tuple[str, str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, _, value in given:
        what = name.strip().lower()
        if what in _TEXTS:
            found[_TEXTS[what]] = value.strip()
        elif what in _FLAGS:
            found[_FLAGS[what]] = True
        elif what == "expires" and (at := moment(value.strip())) is not None and 0 <= at <= _LATEST:
            found["expires"] = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return found
