"""`Cache-Control` of a request: the three directives that llmproxy follows and strips (RFC 9111 section 5.2.1)."""

from __future__ import annotations

from attrs import frozen

from proxy_daemon.core.headers import Headers

KNOWN = (b"no-cache", b"no-store", b"only-if-cached")


@frozen
class Directives:
    """What the client asked of a cache."""

    no_cache: bool = False  # do not look up
    no_store: bool = False  # keep metadata only
    only_if_cached: bool = False  # a miss is refused


def read_directives(headers: Headers) -> tuple[Directives, Headers]:
    """The directives, and the fields without them; directives that llmproxy does not follow stay."""
    if b"cache-control" not in headers:
        return Directives(), headers
    tokens = headers.tokens(b"cache-control")
    directives = Directives(*(name in tokens for name in KNOWN))
    rest = b", ".join(token for token in tokens if token not in KNOWN)
    if len(rest) == len(b", ".join(tokens)):
        return directives, headers
    pairs = [pair for pair in headers.pairs if pair[0].lower() != b"cache-control"]
    return directives, Headers([*pairs, (b"Cache-Control", rest)] if rest else pairs)
