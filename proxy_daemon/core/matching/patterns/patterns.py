"""Whether a request is one of those that a recording answers by its `Pattern` (`core/pattern.py`).

Invariant: linear in the request and in the pattern, whatever either holds. A pattern that cannot be
read (a body that is no JSON) fits nothing. Called where no fingerprint fits, through `PatternIndex`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from heapq import merge
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_to_bytes

import orjson
from attrs import define, field, frozen

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.counting.exact import exact
from proxy_daemon.core.matching.patterns.json_subset import JSONPattern, json_pattern
from proxy_daemon.core.matching.patterns.wildcards import (
    WILD,
    PathPattern,
    TextPattern,
    is_literal,
    path_pattern,
    text_pattern,
)
from proxy_daemon.core.messages import JSON_LIMIT, Recording, Request
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.wire.json_text import NotJSON, has_long_integer, parse

if TYPE_CHECKING:
    from proxy_daemon.core.matching.patterns.talks import TalkIndex

_NOTHING: Any = object()  # of a body that is no JSON: null is some


@frozen
class _Read:
    """A request as patterns look at it."""

    method: str
    path: bytes  # as sent
    plain_path: bytes  # percent-decoded
    query: Mapping[str, list[str]]
    body: Any


@frozen
class Matcher:
    """A pattern, read. Each member is None where the pattern asks for nothing."""

    method: str
    plain_path: bytes | None
    wild_path: PathPattern | None
    query: tuple[tuple[str, TextPattern], ...]
    body: JSONPattern | None
    never: bool = False  # the pattern cannot be read
    names: frozenset[str] | None = None  # the only ones that the query may have; None: it may have any

    def fits(self, read: _Read) -> bool:
        """The cheap questions first."""
        if self.never or (self.method and self.method != read.method):
            return False
        if self.plain_path is not None and self.plain_path != read.plain_path:
            return False
        if self.wild_path is not None and not self.wild_path.fits(read.path):
            return False
        if self.names is not None and not self.names.issuperset(read.query):
            return False
        if not all(any(map(value.fits, read.query.get(name, ()))) for name, value in self.query):
            return False
        return self.body is None or (read.body is not _NOTHING and self.body.fits(read.body))


def answers(pattern: Pattern, request: Request) -> bool:
    """Whether ``request`` is like ``pattern`` asks, but for what is said (`talks.py`). Raises nothing."""
    return _matcher(pattern).fits(_read(request))


class PatternIndex:
    """Recordings with a pattern, in the order in which they are to be asked, by method and path without wildcards."""

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._by_head: dict[tuple[str, bytes | None], list[_Entry]] = {}
        talks: list[tuple[int, Recording]] = []
        for number, recording in enumerate(recordings):
            if recording.pattern is not None and recording.pattern.said is not None:
                talks.append((number, recording))
            elif recording.pattern is not None:
                matcher = _matcher(recording.pattern)
                entry = _Entry(number, matcher, recording)
                self._by_head.setdefault((matcher.method, matcher.plain_path), []).append(entry)
        self._talks = _talks(talks) if talks else None

    def __bool__(self) -> bool:
        return bool(self._by_head) or self._talks is not None

    def answering(self, request: Request, dialect: Dialect = GENERIC) -> Iterator[Recording]:
        """Those whose pattern fits, in their order, talks last. Lazy: who takes the first one asks no more."""
        yield from self._fitting(request)
        if self._talks is not None:
            yield from self._talks.answering(request, dialect)

    def _fitting(self, request: Request) -> Iterator[Recording]:
        if not self._by_head:
            return
        read = _read(request)
        heads = {(method, path) for method in ("", read.method) for path in (None, read.plain_path)}
        for entry in merge(*[self._by_head.get(head, ()) for head in heads], key=_number):
            if entry.matcher.fits(read):
                yield entry.recording


def _talks(numbered: list[tuple[int, Recording]]) -> TalkIndex:
    from proxy_daemon.core.matching.patterns.talks import TalkIndex  # noqa: PLC0415  (few need it: a quick start)

    return TalkIndex(numbered, answers)


@define
class _Entry:
    number: int
    matcher: Matcher
    recording: Recording = field(repr=False)


def _number(entry: _Entry) -> int:
    return entry.number


def _read(request: Request) -> _Read:
    path = request.path
    query = parse_qs(request.query.decode("latin-1"), keep_blank_values=True) if request.query else {}
    return _Read(request.method.decode("latin-1"), path, unquote_to_bytes(path), query, _json(request))


def _json(request: Request) -> Any:
    """Integers beyond 64 bits stay what they are: digits are meaning."""
    data = request.body.whole()
    if not data or len(data) > JSON_LIMIT:
        return _NOTHING
    if not has_long_integer(data):
        found = request.json
        if found is None:
            return None if data.strip() == b"null" else _NOTHING
        return found if _is_plain(data, found) else _NOTHING
    try:
        return parse(data) if _is_exact(data) else _NOTHING
    except NotJSON:
        return _NOTHING


def _is_plain(data: bytes, found: Any) -> bool:
    """Whether no object has a key twice: servers differ in which of the two they take."""
    try:
        if data.count(b":") == orjson.dumps(found).count(b":"):  # a key that is read once takes a colon with it
            return b"\\u003" not in data or _is_exact(data)
    except TypeError:  # nested too deep for it
        pass
    return _is_exact(data)


def _is_exact(data: bytes) -> bool:
    try:
        exact(data)
    except (ValueError, RecursionError):
        return False
    return True


@lru_cache(maxsize=256)
def _matcher(pattern: Pattern) -> Matcher:
    path, plain = pattern.path, bool(pattern.path) and is_literal(pattern.path)
    try:
        body = _body_pattern(pattern) if pattern.body else None
        octets = path.encode("utf-8", "surrogateescape")
    except (NotJSON, UnicodeEncodeError):
        return _NEVER
    return Matcher(
        pattern.method,
        octets if plain else None,
        path_pattern(path) if path and not plain else None,
        tuple((name, text_pattern(value)) for name, value in pattern.query),
        body,
        names=frozenset(name for name, _ in pattern.query) if pattern.alone else None,
    )


def _body_pattern(pattern: Pattern) -> JSONPattern:
    """Raises `NotJSON`."""
    value = parse(pattern.body)
    return json_pattern(value, pattern.wild or (WILD,), whole=pattern.whole, leading=pattern.leading)


_NEVER = Matcher("", None, None, (), None, never=True)
