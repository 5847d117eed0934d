"""HTTP header fields in the order, case and repetition in which they came; what may pass a proxy and what may not.

Names are compared without case (RFC 9110 section 5.1). Callers give names in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field, frozen

from proxy_daemon.core.lazy import lazy

Pair = tuple[bytes, bytes]

# RFC 9110 section 7.6.1, and the older fields that mean the same to old software.
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)


def _as_tuple(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(pairs)


@frozen(slots=False, cache_hash=True)
class Headers:
    """Header fields: ``pairs`` of (name, value), both bytes as on the wire, without line ends."""

    # Values are kept out of the repr: it ends up in tracebacks and logs, and one of them may be a key.
    pairs: tuple[Pair, ...] = field(default=(), converter=_as_tuple, repr=lambda pairs: f"<{len(pairs)} fields>")

    @lazy
    def _values(self) -> dict[bytes, list[bytes]]:
        values: dict[bytes, list[bytes]] = {}
        for name, value in self.pairs:
            values.setdefault(name.lower(), []).append(value)
        return values

    @lazy
    def lines(self) -> bytes:
        """All of them, each with its line end."""
        return b"".join([b"%b: %b\r\n" % pair for pair in self.pairs])

    @property
    def by_name(self) -> Mapping[bytes, list[bytes]]:
        """The values of each field, by its name in lower case."""
        return self._values

    def get(self, name: bytes, default: bytes = b"") -> bytes:
        """The first value of the field, or ``default``."""
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: bytes) -> list[bytes]:
        """Each value of the field, in order."""
        return self._values.get(name, [])

    def __contains__(self, name: bytes) -> bool:
        return name in self._values

    @lazy
    def _tokens(self) -> dict[bytes, tuple[bytes, ...]]:
        """Those that were asked for: a client's fields are the same object from request to request."""
        return {}

    def tokens(self, name: bytes) -> tuple[bytes, ...]:
        """The comma-separated members of the field over all its lines, stripped, lower case."""
        found = self._tokens.get(name)
        if found is None:
            members = [member.strip().lower() for value in self.all(name) for member in value.split(b",")]
            found = self._tokens[name] = tuple(filter(None, members))
        return found

    def without(self, names: Iterable[bytes]) -> Headers:
        """The same fields, less those named."""
        dropped = names if type(names) is frozenset else frozenset(names)
        if dropped.isdisjoint(self._values):
            return self
        return Headers([pair for pair in self.pairs if pair[0].lower() not in dropped])

    def plus(self, *pairs: Pair) -> Headers:
        """The same fields, with these behind them."""
        return Headers(self.pairs + pairs)

    def end_to_end(self) -> Headers:
        """What a proxy passes on: all but the hop-by-hop fields and those that ``Connection`` names."""
        if HOP_BY_HOP.isdisjoint(self._values):
            return self
        named = [name for name in self.tokens(b"connection") if name not in (b"close", b"keep-alive")]
        return self.without(HOP_BY_HOP.union(named))


NO_FIELDS = Headers()
