"""When a rule is for a request: its `when`, as values.

Invariant: conditions look at the request as the client sent it, never at what an earlier rule made of it; so no rule
decides over the next one's. Matching takes time that grows with the text alone. Made by `reading.py`, asked by
`ruleset.py` for each request.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.lazy import lazy
from proxy_daemon.core.messages import Request

ANY = "*"


@frozen(slots=False)
class Glob:
    """A text in which `*` stands for any run of characters, a slash too; all else stands for itself."""

    text: str

    @lazy
    def _parts(self) -> list[str]:
        return self.text.split(ANY)

    def matches(self, text: str) -> bool:
        """Whether all of ``text`` is covered: the ends, and between them each part behind the one before."""
        first, *inner = self._parts
        if not inner:
            return text == first
        last = inner.pop()
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for part in inner:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True


@frozen
class Conditions:
    """All that are given must hold; of several values of one, any. Empty: no condition.

    ``path``: without the query; ``model``: what the dialect reads in the body or the path; ``header``: (name in lower
    case, values), of which any line of the field may hold; ``upstream``: the name of the one that is asked of.
    """

    path: tuple[Glob, ...] = ()
    method: tuple[str, ...] = ()
    model: tuple[Glob, ...] = ()
    header: tuple[tuple[bytes, tuple[Glob, ...]], ...] = ()
    dialect: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()

    def hold(self, request: Request, dialect: Dialect, upstream: str) -> bool:
        """Whether they do. The cheap ones are asked first: a model is read in the body."""
        return self.hold_at(request, dialect, upstream) and self.hold_within(request, dialect)

    def hold_at(self, request: Request, dialect: Dialect, upstream: str) -> bool:
        """Whether those on dialect, upstream, method and path do."""
        if self.dialect and dialect.name not in self.dialect:
            return False
        if self.upstream and upstream not in self.upstream:
            return False
        if self.method and request.method.decode("latin-1") not in self.method:
            return False
        return not self.path or _any(self.path, request.path.decode("latin-1"))

    def hold_within(self, request: Request, dialect: Dialect) -> bool:
        """Whether those on header fields and model do."""
        if self.header and not all(_has(request, name, values) for name, values in self.header):
            return False
        return not self.model or _any(self.model, dialect.model(request))


def may_meet(one: Conditions, other: Conditions) -> bool:
    """Whether a request may fulfil both, as far as can be told: no where they ask for different plain values."""
    pairs = [
        (one.dialect, other.dialect),
        (one.upstream, other.upstream),
        (one.method, other.method),
        (_plain(one.path), _plain(other.path)),
        (_plain(one.model), _plain(other.model)),
    ]
    return not any(mine and theirs and set(mine).isdisjoint(theirs) for mine, theirs in pairs)


def _plain(globs: tuple[Glob, ...]) -> tuple[str, ...]:
    """The texts, where none of them has a star."""
    return () if any(ANY in glob.text for glob in globs) else tuple(glob.text for glob in globs)


def _has(request: Request, name: bytes, values: tuple[Glob, ...]) -> bool:
    return any(_any(values, value.decode("latin-1")) for value in request.headers.all(name))


def _any(globs: Iterable[Glob], text: str) -> bool:
    return any(glob.matches(text) for glob in globs)
