"""What WireMock's request patterns ask, as a `Pattern`, with a request that it answers.

Invariant: no request is answered that WireMock would not answer, but that a wildcard in a path may stand for nothing;
what cannot be said raises `NotSaid`, with a reason that holds nothing of the file. Called by `wiremock.py`.

Sources: https://wiremock.org/docs/request-matching/ ; `RequestPattern`, `UrlPathTemplatePattern` of WireMock 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes

from attrs import frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.wiremock.asked import ANY, NotSaid
from proxy_daemon.core.cassettes.wiremock.bodies import asked
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.pattern import Pattern

URLS = ("url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate")
_READ = frozenset((*URLS, "method", "queryParameters", "bodyPatterns"))
_METHOD = re.compile(r"[A-Z]{1,20}\Z")
_VISIBLE = re.compile(r"/[\x21-\x7e]*\Z")
_VARIABLE = re.compile(r"\{[A-Za-z_][\w-]{0,99}\}", re.ASCII)
# Of a regular expression that says a path: a sign of itself, one that is escaped, a segment's rest, anything.
_TOKEN = re.compile(r"([A-Za-z0-9/_~:@!&=,;%-])|\\([^A-Za-z0-9\s*])|(\[\^/(?:\?|\\\?)?\][*+])|(\.[*+])")
_LONGEST = 2_000
_PLAIN = "/:@!$&'()+,;=~"
_JSON = Headers([(b"Content-Type", b"application/json")])


@frozen
class _Place:
    """``path`` and ``query`` as `Pattern` has them; ``alone``: nothing besides is in the query."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    alone: bool = False


def pattern_of(found: Mapping[str, Any]) -> Pattern:
    """Raises `NotSaid`."""
    others = sorted(name for name in found.keys() - _READ if found[name])
    if others:
        raise NotSaid(
            f"it asks for {_WORDS.get(others[0], 'something of an unknown kind')}: a pattern has no word for it"
        )
    place, body = _place(found), asked(found.get("bodyPatterns"))
    query = (*place.query, *_parameters(found.get("queryParameters")))
    return Pattern(
        _method(found.get("method")), place.path, query, body.body, (ANY,), body.whole, None, place.alone, body.leading
    )


_WORDS = {
    "headers": "header fields",
    "cookies": "cookies",
    "basicAuthCredentials": "a password",
    "basicAuth": "a password",
    "multipartPatterns": "parts of a form",
    "formParameters": "fields of a form",
    "pathParameters": "certain values in its path",
    "customMatcher": "a matcher of its own",
    "host": "a host",
    "port": "a port",
    "scheme": "a scheme",
    "clientIp": "who asks",
}


def request_of(pattern: Pattern) -> Request:
    """One that it answers, as far as it says one: for people, and for the dialect."""
    path = pattern.path.replace("*", "x") or "/"
    target = quote_from_bytes(path.encode("utf-8", "surrogateescape"), _PLAIN).encode()
    headers = _JSON if pattern.body else Headers()
    return Request((pattern.method or "POST").encode(), target, headers, Bytes(pattern.body))


def _method(given: Any) -> str:
    if given is None or given == "ANY":
        return ""
    if not isinstance(given, str) or not _METHOD.match(given):
        raise NotSaid("its 'method' is not one of HTTP")
    return given


def _place(found: Mapping[str, Any]) -> _Place:
    said = [name for name in URLS if found.get(name) is not None]
    if not said:
        return _Place("")
    name, value = said[0], found[said[0]]
    if len(said) > 1 or not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise NotSaid("its address is not said once, as a text")
    return _PLACES[name](value)


def _url(value: str) -> _Place:
    """Path and query, exactly."""
    path, sign, query = value.partition("?")
    place = _path(path)
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    if "*" in query or len(dict(pairs)) != len(pairs) or (sign and not pairs):
        raise NotSaid("its address has a query with a star, or with a name that stands twice")
    return _Place(place.path, pairs, alone=True)


def _path(value: str) -> _Place:
    if not _VISIBLE.match(value) or "?" in value or "#" in value:
        raise NotSaid("its address is no path")
    if "*" in value or "%2f" in value.lower() or "%2a" in value.lower():
        raise NotSaid("its path has a star, or an encoded slash")
    return _Place(unquote_to_bytes(value).decode("utf-8", "surrogateescape"))


def _template(value: str) -> _Place:
    """`/models/{id}`: each variable is within a segment."""
    path = _path(_VARIABLE.sub("x", value)).path and value
    parts = _VARIABLE.split(path)
    if any(sign in part for part in parts for sign in "{}%"):
        raise NotSaid("a template of a path of an unknown kind")
    return _Place("*".join(parts))


def _expression(value: str) -> _Place:
    """A regular expression that says a path with wildcards, as a path."""
    value = value.removeprefix("^").removesuffix("$")  # all of it must fit anyway
    parts, at = [], 0
    while at < len(value):
        token = _TOKEN.match(value, at)
        if token is None:
            raise NotSaid("a regular expression that is more than a path with wildcards")
        parts.append("*" if token[3] else "**" if token[4] else token[1] or token[2])
        at = token.end()
    path = re.sub(r"\*{2,}", "**", "".join(parts))
    if not path.startswith(("/", "**")) or any(sign in path for sign in "%?#"):
        raise NotSaid("a regular expression that is more than a path with wildcards")
    return _Place(path)


def _whole_expression(value: str) -> _Place:
    """Of path and query: where its end may be anything, a query may be there."""
    place = _expression(value)
    return _Place(place.path, alone=not place.path.endswith("**"))


_PLACES = {
    "url": _url,
    "urlPath": _path,
    "urlPattern": _whole_expression,
    "urlPathPattern": _expression,
    "urlPathTemplate": _template,
}


def _parameters(given: Any) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise NotSaid("its 'queryParameters' are no object")
    return tuple((name, _parameter(value)) for name, value in given.items())


def _parameter(value: Any) -> str:
    kind = next(iter(value), "") if isinstance(value, dict) and len(value) == 1 else ""
    text = value[kind] if kind in ("equalTo", "contains") else None
    if not isinstance(text, str) or "*" in text:
        raise NotSaid("a query's parameter that is compared with more than a text")
    return text if kind == "equalTo" else f"*{text}*"
