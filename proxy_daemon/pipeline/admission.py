"""From a request as the front read it to an exchange: who asked, which upstream, in which dialect, with which wishes.

Called by `net/front.py`. Raises `Refusal` where the request may not go on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from attrs import evolve, field, frozen

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.cache_control import Directives, read_directives
from proxy_daemon.core.credentials import credential
from proxy_daemon.core.dialects import GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.kept import Kept
from proxy_daemon.core.messages import KNOWN, Exchange, Request
from proxy_daemon.core.routing import (
    CASSETTE_NAME,
    UnknownUpstream,
    choose,
    is_reserved,
    split_cassette,
    split_named,
)
from proxy_daemon.core.services import Clock
from proxy_daemon.core.tokens import passed_on, target_passed_on
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.pipeline.faults import Refusal

# Fields that speak to the daemon, not to the upstream.
OWN = frozenset((b"expect", b"x-llmproxy-session", b"x-llmproxy-cassette", b"x-llmproxy-token"))
NOWHERE = Upstream("", "", "", "", 0)
KEPT = 64  # clients' fields
LONGEST_KNOWN = 64 * 1024  # octets of a body that is remembered
LONGEST_SESSION = 400  # octets: the path of a file, or of a test
_SESSION = re.compile(rb"[\x20-\x7e]*")


@frozen(slots=False)
class Admission:
    """Makes exchanges. One for the daemon."""

    upstreams: Sequence[Upstream]
    dialects: Sequence[Dialect]
    clock: Clock
    key: bytes  # for the keyed hash of credentials
    ids: Ids
    _known: Kept = field(factory=lambda: Kept(second=True), init=False)

    def turned_away(self, request: Request, client: str) -> Exchange:
        """The exchange of a request that may not come in: it has an id and a line in the log."""
        return Exchange(
            id=self.ids.next(),
            request=request,
            upstream=NOWHERE,
            dialect=_recognised_at_all(request, self.dialects),
            started=self.clock.wall(),
            began=self.clock.seconds(),
            client=client,
            request_size=request.body.size,
        )

    def _recognised(self, request: Request) -> tuple[Dialect, dict[Any, Any]]:
        """Its dialect, and what else was worked out for it: replayed requests come again octet for octet."""
        data = request.body.whole()
        if data is None or len(data) > LONGEST_KNOWN:
            return recognise(request, self.dialects), {}
        said = (request.method, request.target, request.headers)
        found: tuple[Dialect, dict[Any, Any]]
        found = self._known.of(data, (said, b""), lambda: (recognise(request, self.dialects), {}))
        return found

    def admit(
        self, method: bytes, target: bytes, headers: Headers, body: Body, client: str, client_name: str = ""
    ) -> Exchange:
        """The exchange of one request. Raises `Refusal` for an upstream that does not exist."""
        cassette, name, target = _addressed(target)
        directives, session, own_cassette, whole, passed = _wishes(headers)
        named = _one_cassette(cassette, own_cassette)  # a run of its own, where the client has no other name for it
        request = Request(method, target_passed_on(target), passed, body)
        # by all of it: where the key stands tells whose API it is, also where the key is a token of ours
        as_sent = request if whole is passed else evolve(request, target=target, headers=whole)
        dialect, known = self._recognised(as_sent)
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
            client_name=client_name,
            directives=directives,
            credential=_credential(headers, target, self.key),
            session=session or named,
            cassette=named,
            request_size=body.size,
            notes={KNOWN: known},
        )


def _recognised_at_all(request: Request, dialects: Sequence[Dialect]) -> Dialect:
    """For an answer that must be given, whatever a plugin's dialect does."""
    try:
        return recognise(request, dialects)
    except BaseException:  # noqa: BLE001  (whatever a plugin raises)
        return GENERIC


def _addressed(target: bytes) -> tuple[str, str, bytes]:
    """The names of the cassette and of the upstream, empty where there are none, and the target there."""
    if not is_reserved(target):
        return "", "", target
    cassette, target = split_cassette(target) or ("", target)
    named = split_named(target)
    if named is None and is_reserved(target):
        raise Refusal(404, "No upstream is named: the path is /_llmproxy/to/NAME/ and what follows.")
    return cassette, *(named or ("", target))


def _one_cassette(in_path: str, in_field: str) -> str:
    """The name that the path or the field has. Raises `Refusal` where they name two."""
    if in_path and in_field and in_path != in_field:
        raise Refusal(400, f"The path names the cassette {in_path}, and X-LLMProxy-Cassette {in_field}: give one.")
    return in_path or in_field


def _cassette(headers: Headers) -> str:
    """The cassette that the client asks for; empty where it names none. Raises `Refusal` for a name that is none."""
    name = headers.get(b"x-llmproxy-cassette")
    if name and CASSETTE_NAME.match(name) is None:
        raise Refusal(400, "X-LLMProxy-Cassette must be one name of letters, digits, `.`, `-` and `_`, without a path.")
    return name.decode("ascii")


def _session(headers: Headers) -> str:
    """The client's own name for its run. Raises `Refusal` for one that is none."""
    name = headers.get(b"x-llmproxy-session")
    if len(name) > LONGEST_SESSION or _SESSION.fullmatch(name) is None:
        raise Refusal(400, f"X-LLMProxy-Session must be up to {LONGEST_SESSION} printable ASCII characters.")
    return name.decode("ascii")


# A client's fields are the same object from request to request (`net/channel.py`): so is what comes of them.


@lru_cache(maxsize=KEPT)
def _wishes(headers: Headers) -> tuple[Directives, str, str, Headers, Headers]:
    """What the client asks of the daemon, session, cassette, the fields meant for upstreams, and those that go there.

    Raises `Refusal`.
    """
    directives, rest = read_directives(headers.end_to_end())
    whole = rest.without(OWN)
    return directives, _session(headers), _cassette(headers), whole, passed_on(whole)


_credential = lru_cache(maxsize=KEPT)(credential)
