"""Which upstream a request is meant for: by the name in its path, by the settings, else by its dialect.

And which cassette, where its path names one.

Nothing else of a request has a say: neither the rest of its target nor its `Host`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from urllib.parse import unquote_to_bytes

from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.upstreams import NAME, Upstream, parse_upstream

RESERVED = b"/_llmproxy"
NAMED = b"/_llmproxy/to/"
CASSETTE = b"/_llmproxy/cassette/"
CASSETTE_NAME = re.compile(rb"(?!\.)[A-Za-z0-9._-]{1,200}\Z")


class UnknownUpstream(ValueError):
    """No upstream has that name; the message lists those that there are."""


def is_reserved(target: bytes) -> bool:
    """Whether a path is the daemon's own, and so never forwarded, however its first segment is written."""
    if not target.startswith((b"/_", b"/%")):
        return False
    first = target.partition(b"?")[0][1:].partition(b"/")[0]
    return b"/" + unquote_to_bytes(first) == RESERVED


def split_named(target: bytes) -> tuple[str, bytes] | None:
    """`/_llmproxy/to/NAME/rest?query` as (NAME, `/rest?query`); None for any other target."""
    if not target.startswith(NAMED):
        return None
    path, separator, query = target[len(NAMED) :].partition(b"?")
    name, _, rest = path.partition(b"/")
    text = name.decode("latin-1")
    if not NAME.match(text):
        return None
    return text, b"/" + rest + separator + query


def split_cassette(target: bytes) -> tuple[str, bytes] | None:
    """`/_llmproxy/cassette/NAME/rest?query` as (NAME, `/rest?query`); None for any other target.

    The rest may name an upstream in its turn: `/_llmproxy/cassette/NAME/_llmproxy/to/NAME/...`.
    """
    if not target.startswith(CASSETTE):
        return None
    path, separator, query = target[len(CASSETTE) :].partition(b"?")
    name, slash, rest = path.partition(b"/")
    if not slash or not CASSETTE_NAME.match(name):
        return None
    return name.decode("ascii"), b"/" + rest + separator + query


def choose(upstreams: Sequence[Upstream], name: str, dialect: Dialect) -> Upstream:
    """The upstream of that name; without one the default: the first configured, or the API's own. `UnknownUpstream`."""
    if name:
        return _named(upstreams, name)
    for upstream in upstreams:
        if upstream.name == "default":
            return upstream
    return upstreams[0] if upstreams else _home(dialect.upstream_name, dialect.home)


def _named(upstreams: Sequence[Upstream], name: str) -> Upstream:
    homes = [_home(each.upstream_name, each.home) for each in BUILT_IN]
    known = {upstream.name: upstream for upstream in upstreams or homes}
    if name not in known:
        raise UnknownUpstream(f"No upstream is called {name!r}; there are: {', '.join(known)} (--upstream NAME=URL).")
    return known[name]


@cache
def _home(name: str, url: str) -> Upstream:
    return parse_upstream(f"{name}={url}")
