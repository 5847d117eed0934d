"""From a request as the front read it to an exchange: who asked, which upstream, in which dialect, with which wishes.

Called by `net/site.py`. Raises `Refusal` where the request may not go on.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from functools import lru_cache

from attrs import field, frozen

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.cache_control import Directives, read_directives
from proxy_daemon.core.credentials import credential
from proxy_daemon.core.dialects import recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Exchange, Request
from proxy_daemon.core.routing import UnknownUpstream, choose, split_named
from proxy_daemon.core.services import Clock
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.pipeline.faults import Refusal

# Fields that speak to the daemon, not to the upstream.
OWN = frozenset((b"expect", b"x-llmproxy-session", b"x-llmproxy-cassette", b"x-llmproxy-token"))
COUNTER_BITS = 22
KEPT = 256  # clients' fields


@frozen(slots=False)
class Ids:
    """Exchange ids: milliseconds since 1970 above 22 bits that start at random: two daemons may share a store."""

    clock: Clock
    _counter: itertools.count[int] = field(init=False, factory=lambda: itertools.count(secrets.randbits(COUNTER_BITS)))

    def next(self) -> int:
        """A new id; later ones are larger, within the clock's grain."""
        low = next(self._counter) & ((1 << COUNTER_BITS) - 1)
        return (int(self.clock.wall() * 1000) << COUNTER_BITS) | low


@frozen(slots=False)
class Admission:
    """Makes exchanges. One for the daemon."""

    upstreams: Sequence[Upstream]
    dialects: Sequence[Dialect]
    clock: Clock
    key: bytes  # for the keyed hash of credentials
    ids: Ids

    def admit(self, method: bytes, target: bytes, headers: Headers, body: Body, client: str) -> Exchange:
        """The exchange of one request. Raises `Refusal` for an upstream that does not exist."""
        name, target = split_named(target) or ("", target)
        directives, passed = _wishes(headers)
        request = Request(method, target, passed, body)
        dialect = recognise(request, self.dialects)
        try:
            upstream = choose(self.upstreams, name, dialect)
        except UnknownUpstream as error:
            raise Refusal(404, str(error)) from error
        return Exchange(
            id=self.ids.next(),
            request=request,
            upstream=upstream,
            dialect=dialect,
            started=self.clock.wall(),
            began=self.clock.seconds(),
            client=client,
            directives=directives,
            credential=_credential(headers, target, self.key),
            request_size=body.size,
        )


# A client's fields are the same object from request to request (`net/channel.py`): so is what comes of them.


@lru_cache(maxsize=KEPT)
def _wishes(headers: Headers) -> tuple[Directives, Headers]:
    """What the client asks of the daemon, and the fields that go upstream."""
    directives, passed = read_directives(headers.end_to_end())
    return directives, passed.without(OWN)


_credential = lru_cache(maxsize=KEPT)(credential)
