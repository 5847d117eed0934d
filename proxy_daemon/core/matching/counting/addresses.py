"""The canonical form of a target: path and query, whatever percent-encoding wrote them.

Invariant: `%2F` within a segment is never the slash between two; of a query the order of names does not count, that of
equal names does. Called by `fingerprint.py` and `forms.py`.

Sources: RFC 3986 sections 2.4 and 6.2.2, WHATWG URL section 5.1 (in a query, `+` is a blank).
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from proxy_daemon.core.headers import Pair


def path_form(path: bytes) -> bytes:
    """Its segments, decoded; slashes and percent signs within them stay written."""
    if b"%" not in path:
        return path
    return b"/".join(
        unquote_to_bytes(segment).replace(b"%", b"%25").replace(b"/", b"%2F") for segment in path.split(b"/")
    )


def pairs_of(query: bytes) -> list[Pair]:
    """Names and values in their order, decoded. A name without `=` has no value: it is told from an empty one."""
    return [_pair(each) for each in query.split(b"&") if each]


def query_form(query: bytes) -> list[Pair]:
    """The same sorted by name."""
    return sorted(pairs_of(query), key=_name) if query else []


def _pair(text: bytes) -> Pair:
    name, separator, value = text.partition(b"=")
    return _decoded(name), separator + _decoded(value)


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _name(pair: Pair) -> bytes:
    return pair[0]
