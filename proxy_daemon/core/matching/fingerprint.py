"""Under which key a recording is found: equal for equal requests, different for all others.

Invariant: the key follows from the redacted request, its dialect, its upstream and the settings, and from nothing else:
not from the versions of libraries, the time or the process. What counts: docs/matching.md. Called by
`pipeline/keeping.py` for live traffic and `core/adopting.py` for imports; built from the settings in `tap.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from attrs import define, evolve, field

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.counting import promptecho
from proxy_daemon.core.matching.counting.addresses import path_form, query_form
from proxy_daemon.core.matching.counting.canonical import canonical_json
from proxy_daemon.core.matching.counting.forms import form_of, without_boundary
from proxy_daemon.core.matching.counting.match_on import MatchOn, PathMatch, together
from proxy_daemon.core.matching.counting.rules import Rules
from proxy_daemon.core.matching.counting.stamps import Stamp
from proxy_daemon.core.matching.counting.unstreamed import MEMBERS, unstreamed
from proxy_daemon.core.matching.kept import Kept
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import Upstream

VERSION = b"llmproxy-fp-2"
LOOKED_AT = 1024 * 1024  # octets: what the daemon holds in memory of a body; a larger one is compared by its octets
SMALL = 64 * 1024  # octets of a body with which all that follows from it is kept (`pipeline/recognising.py`)
OURS, PROMPTECHO = "llmproxy", "promptecho-2"  # kinds of keys
_SPACE = b" \t\r\n"
_ALL = MatchOn()
Fields = tuple[tuple[bytes, ...], ...]


@define(eq=False)
class Matcher:
    """Takes fingerprints. ``on``, ``paths``, ``stamps``, ``keys``: what the settings say; as it is, the defaults.

    The first of ``paths`` that covers a request rules in place of ``on``.
    """

    on: MatchOn = _ALL
    paths: tuple[PathMatch, ...] = ()
    stamps: tuple[Stamp, ...] = ()
    keys: str = OURS
    _rules: dict[tuple[Dialect, MatchOn, bool], Rules] = field(factory=dict, init=False)
    _kept: Kept = field(factory=Kept, init=False)
    _prefix: Any = field(init=False)
    digest: bytes = field(init=False)  # which rules the fingerprints follow: version and settings

    @classmethod
    def of(cls, settings: Any) -> Matcher:
        """That of the settings."""
        stamps = (*(stamp for named in settings.volatile for stamp in named), *settings.stamps)
        return cls(together(settings.match_on), tuple(settings.match_paths), stamps, settings.match_keys)

    def __attrs_post_init__(self) -> None:
        said = [VERSION.decode(), self.keys, _told(self.on), *(f"{each.path} {_told(each.on)}" for each in self.paths)]
        said += [repr((stamp.name, stamp.path, stamp.pattern)) for stamp in self.stamps]
        self.digest = sha256("\n".join(said).encode()).digest()
        self._prefix = lru_cache(maxsize=256)(self._hashed)

    def fingerprint(
        self,
        request: Request,
        dialect: Dialect,
        upstream: Upstream | None,
        scope: bytes,
        *,
        either_form: bool = False,
    ) -> bytes:
        """32 octets. ``request``: redacted. ``upstream``: None where the host does not count, as for cassettes.

        ``scope``: whose recordings count (a credential's hash); empty: everybody's.
        ``either_form``: whether a stream is asked for does not count; bodies over `LOOKED_AT` and forms say it still.
        """
        rules = self._rules_for(request, dialect, either_form)
        streams = None if either_form else dialect.streams(request)
        if self.keys == PROMPTECHO:
            return self._promptecho(request, upstream, rules, streams, scope)
        fields = _fields(request, rules.fields) if rules.fields else ()
        digest = self._prefix(upstream, request.method, request.target, streams, scope, fields).copy()
        data = request.body.whole() if request.body.size <= LOOKED_AT else None
        digest.update(_large(request) if data is None else self._body(data, request, rules))
        return digest.digest()  # type: ignore[no-any-return]

    def _promptecho(
        self, request: Request, upstream: Upstream | None, rules: Rules, streams: bool | None, scope: bytes
    ) -> bytes:
        names = rules.only
        if streams is None:
            request = evolve(request, target=unstreamed(request.target))
            names = None if names is None else names.difference(MEMBERS)
        return promptecho.fingerprint(request, upstream, names, streams=streams is True, scope=scope)

    def _rules_for(self, request: Request, dialect: Dialect, either_form: bool) -> Rules:
        on = self.on
        if self.paths:
            on = next((each.on for each in self.paths if each.covers(request.path)), on)
        found = self._rules.get((dialect, on, either_form))
        if found is None:
            found = Rules.of(dialect, on, self.stamps, either_form=either_form)
            self._rules[dialect, on, either_form] = found
        return found

    def _hashed(
        self,
        upstream: Upstream | None,
        method: bytes,
        target: bytes,
        streams: bool | None,
        scope: bytes,
        fields: Fields,
    ) -> Any:
        """The hash of all but the body. ``streams``: None in either form."""
        place = (b"", b"") if upstream is None else (upstream.name.encode(), upstream.url.encode())
        target = target if upstream is None else upstream.target(target)
        path, _, query = (unstreamed(target) if streams is None else target).partition(b"?")
        pairs = query_form(query)
        parts = [
            VERSION,
            self.digest,
            *place,
            method,
            path_form(path),
            b"e" if streams is None else b"s" if streams else b"-",
            scope,
        ]
        return sha256(_joined([*parts, _joined(map(_joined, pairs)), _joined(map(_joined, fields))]))

    def _body(self, data: bytes, request: Request, rules: Rules) -> bytes:
        """Of a body in memory. A kind before its hash: a canonical form can never equal a raw one."""
        content_type = request.headers.get(b"content-type")
        is_json = data.lstrip(_SPACE)[:1] in (b"{", b"[")
        if len(data) <= SMALL:
            return _form(data, request, rules, content_type, is_json)
        key = (rules, b"" if is_json else content_type)
        found: bytes = self._kept.of(data, key, lambda: _form(data, request, rules, content_type, is_json))
        return found


def _form(data: bytes, request: Request, rules: Rules, content_type: bytes, is_json: bool) -> bytes:
    form = canonical_json(data, request.json, rules.apply) if is_json else form_of(data, content_type)
    kind = b"octets:" if form is None else b"json:" if is_json else b"form:"
    return kind + sha256(data if form is None else form).digest()


def _fields(request: Request, names: Sequence[bytes]) -> Fields:
    """Those that are there: name and members, in any order of these."""
    present = request.headers.by_name
    return tuple((name, *sorted(_members(present[name]))) for name in names if name in present)


def _members(values: Iterable[bytes]) -> list[bytes]:
    return [member.strip() for value in values for member in value.split(b",")]


def _joined(parts: Iterable[bytes]) -> bytes:
    """Each with its length, so that none runs into the next."""
    return b"".join([b"%d:%b" % (len(part), part) for part in parts])


def _told(on: MatchOn) -> str:
    return repr((None if on.only is None else sorted(on.only), on.dropped, on.fields))


def _large(request: Request) -> bytes:
    """Of a body that is not looked at: it may lie on the disk."""
    digest = sha256()
    for part in without_boundary(request.body, request.headers.get(b"content-type")):
        digest.update(part)
    return b"octets:" + digest.digest()
