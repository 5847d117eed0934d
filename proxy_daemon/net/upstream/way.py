"""How upstreams are reached: through which proxy, with whose trust, with which key of our own.

Put together once, at the start, from settings and environment; what is wrong with them ends the start with one line.
Made by `tap.py`, used by `net/upstream/client.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import field, frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.injection import with_key
from proxy_daemon.core.messages import Request
from proxy_daemon.core.modes import may_forward
from proxy_daemon.core.proxying import Proxies, Proxy, proxies
from proxy_daemon.core.upstreams import Place, Upstream, parse_upstream
from proxy_daemon.net.upstream.keys import KeyFile
from proxy_daemon.net.upstream.trust import Authorities, Identity, Trust, read_authorities, read_identity
from proxy_daemon.pipeline.faults import StartError, UpstreamFault
from proxy_daemon.settings import Settings


@frozen(slots=False)
class Way:
    """All of it. The default: straight, with the system's trust, without a key. ``known``: upstreams with a name."""

    proxies: Proxies = field(factory=Proxies)
    trust: Trust = field(factory=Trust)
    keys: Mapping[Place, KeyFile] = field(factory=dict, repr=False)
    known: tuple[Upstream, ...] = ()
    _found: dict[Place, Proxy | None] = field(factory=dict, init=False, repr=False)

    def proxy(self, upstream: Upstream) -> Proxy | None:
        """The proxy on the way to the upstream; None: there is none. `UpstreamFault`: one that cannot be used."""
        if not self.proxies.by_scheme:
            return None
        if upstream.place not in self._found:
            try:
                self._found[upstream.place] = self.proxies.of(upstream)
            except ValueError as error:
                raise UpstreamFault(502, f"no way to upstream {upstream.name}: {error}") from error
        return self._found[upstream.place]

    def with_key(self, upstream: Upstream, request: Request) -> Request:
        """The request as it goes up. Raises `UpstreamFault` where our key cannot be read."""
        if not self.keys or (key := self.keys.get(upstream.place)) is None:
            return request
        return with_key(upstream, request, key.current())

    def lines(self, settings: Settings) -> list[str]:
        """What the person who started the daemon should know of it."""
        said = [f"upstreams are reached through the proxy {proxy}" for proxy in self._used(settings)]
        said += [
            f"WARNING: the key for upstream {upstream.name} goes over http://: "
            "whoever stands between can read it, a proxy too"
            for upstream in self.known
            if upstream.scheme == "http" and upstream.place in self.keys and not upstream.is_here
        ]
        return said + [
            f"WARNING: the certificate of upstream {name} is not checked (--insecure-upstream): "
            "whoever stands between can read and change everything, keys included"
            for name in settings.insecure_upstream
        ]

    def _used(self, settings: Settings) -> list[str]:
        """The proxies on the ways to all upstreams, as they may be shown."""
        if not may_forward(settings.mode):
            return []
        return sorted({str(proxy) for upstream in self.known if (proxy := self.proxy(upstream)) is not None})


def find_way(
    settings: Settings, dialects: Iterable[Dialect], environ: Mapping[str, str], seconds: Callable[[], float]
) -> Way:
    """The way of a daemon. ``dialects``: whose makers are the upstreams where none is configured. `StartError`."""
    known = {upstream.name: upstream for upstream in settings.upstream}
    known = known or {each.upstream_name: parse_upstream(f"{each.upstream_name}={each.home}") for each in dialects}
    found = _proxies(settings, known.values(), environ)
    authorities = read_authorities(settings.upstream_ca) if settings.upstream_ca else Authorities()
    insecure = frozenset(_tls_place(known, name, "--insecure-upstream") for name in settings.insecure_upstream)
    identities = _identities(settings, known)
    files = _credentials(known, environ) | _once(settings.upstream_key, "--upstream-key")
    keys = {_place(known, name, "--upstream-key"): KeyFile(name, path, seconds) for name, path in files.items()}
    return Way(found, Trust(authorities, identities, insecure), keys, tuple(known.values()))


def _proxies(settings: Settings, known: Iterable[Upstream], environ: Mapping[str, str]) -> Proxies:
    """Raises `StartError` where one of the upstreams would need a proxy that cannot be used."""
    found = proxies(settings.upstream_proxy, environ)
    try:
        for upstream in known if may_forward(settings.mode) else ():
            found.of(upstream)
    except ValueError as error:
        raise StartError(str(error)) from error
    return found


def _identities(settings: Settings, known: Mapping[str, Upstream]) -> dict[Place, Identity]:
    files = _once(settings.upstream_cert, "--upstream-cert")
    return {_tls_place(known, name, "--upstream-cert"): read_identity(name, path) for name, path in files.items()}


def _credentials(known: Mapping[str, Upstream], environ: Mapping[str, str]) -> dict[str, str]:
    """Keys that systemd hands over (LoadCredential=NAME-key:FILE)."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    paths = {name: Path(folder) / f"{name}-key" for name in known} if folder else {}
    return {name: str(path) for name, path in paths.items() if _may_be_there(path)}


def _may_be_there(path: Path) -> bool:
    """What cannot be looked at ends the start when it is read: the client's key must not go up in its place."""
    try:
        return path.exists()
    except OSError:
        return True


def _once(pairs: Iterable[tuple[str, str]], option: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, path in pairs:
        if name in files:
            raise StartError(f"{option}: {name!r} is given twice")
        files[name] = path
    return files


def _place(known: Mapping[str, Upstream], name: str, option: str) -> Place:
    if name not in known:
        raise StartError(f"{option}: no upstream is called {name!r}; there are: {', '.join(known)}")
    return known[name].place


def _tls_place(known: Mapping[str, Upstream], name: str, option: str) -> Place:
    found = _place(known, name, option)
    if known[name].scheme != "https":
        raise StartError(f"{option}: upstream {name} is not reached by https, but by {known[name].url}")
    return found
