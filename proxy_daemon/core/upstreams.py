"""Where a request may be forwarded to, and under which URL.

An upstream is chosen by settings, by `/_llmproxy/to/NAME/` or by the dialect: never by a target or a `Host`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from attrs import evolve, frozen

from proxy_daemon.core.access import is_loopback

DEFAULT_PORTS = {"http": 80, "https": 443}
VERSION = re.compile(r"v\d+[a-z0-9]*\Z")
NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
DEMO = "demo:"
Place = tuple[str, str, str, int]  # name, scheme, host, port


@frozen(slots=False, cache_hash=True)
class Upstream:
    """One place to forward to. ``base_path`` has no slash at its end; the built-in model's scheme is "demo".

    ``url`` is the same however it was written: recordings are found by it.
    """

    name: str
    url: str
    scheme: str
    host: str
    port: int
    base_path: str = ""

    @property
    def authority(self) -> str:
        """Host and port as they belong into `Host`: without the scheme's own port."""
        return self._host if DEFAULT_PORTS.get(self.scheme) == self.port else self.host_and_port

    @property
    def host_and_port(self) -> str:
        """The same, always with the port."""
        return f"{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def place(self) -> Place:
        """What keys and trust are known by: another host that a plugin gives the same name has neither."""
        return self.name, self.scheme, self.host, self.port

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        host = self.host.lower().removesuffix(".")
        return host == "localhost" or host.endswith(".localhost") or is_loopback(host)

    def target(self, target: bytes) -> bytes:
        """The request target under this base URL (the design's rule "Base path", by whole segments).

        >>> parse_upstream("https://host/api/v1").target(b"/v1/chat/completions?x=1")
        b'/api/v1/chat/completions?x=1'
        """
        base = self.base_path.encode()
        if not base or target == base or target.startswith((base + b"/", base + b"?")):
            return target
        last = base.rpartition(b"/")[2]
        if VERSION.match(last.decode()) and _begins_with_segment(target, last):
            return base + target[len(last) + 1 :]
        return base + target


def _begins_with_segment(target: bytes, segment: bytes) -> bool:
    start = b"/" + segment
    return target == start or target.startswith((start + b"/", start + b"?"))


def parse_upstream(text: str) -> Upstream:
    """Read `URL` or `NAME=URL`; an upstream without a name is called "default".

    Raises ValueError with a sentence that says what is wrong.
    """
    name, separator, url = text.partition("=")
    if not separator or not NAME.match(name):
        name, url = "default", text
    if url == DEMO:
        return Upstream(name, DEMO, "demo", "demo", 0)
    return _from_url(name, url)


def parse_named_file(text: str) -> tuple[str, str]:
    """Read `NAME=FILE`: something that belongs to an upstream. Raises ValueError."""
    name, _, path = text.partition("=")
    if not NAME.match(name) or not path or not path.isprintable():
        raise ValueError(f"{text!r} is not NAME=FILE, with the name of an upstream")
    return name, path


def without_password(url: str) -> str:
    """A URL as it may stand in a log, however wrong it is: what precedes the last `@` is left out."""
    return re.sub(r"\A([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1...@", url, flags=re.DOTALL)


def _from_url(name: str, url: str) -> Upstream:
    example = "for example https://api.openai.com/v1"
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        reason = f" ({error})" if shown == url else ""
        raise ValueError(f"upstream {shown!r} is not a URL{reason}; {example}") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"upstream {shown!r} must be an http or https URL with a host; {example}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"upstream {shown!r} must not hold credentials, a query or a fragment; {example}")
    if not re.fullmatch(r"[\x21-\x7e]*", url):
        raise ValueError(f"upstream {shown!r} must be plain ASCII without spaces; {example}")
    if port == 0:
        raise ValueError(f"upstream {shown!r} must name a port from 1 to 65535; {example}")
    path = parts.path.rstrip("/")
    place = Upstream(name, "", parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], path)
    return evolve(place, url=f"{place.scheme}://{place.authority}{path}")
