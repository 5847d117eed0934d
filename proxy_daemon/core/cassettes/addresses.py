"""From a recording's URL to the target of the request and the host that was asked.

Invariant: a host that was scrubbed is unknown, and the target is what a request line can hold. Called by `message.py`.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.upstreams import DEFAULT_PORTS, Upstream, parse_upstream

NAME = "recorded"  # of the upstream that a file's recordings were asked of
NOWHERE = Upstream(NAME, "", "", "", 0)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)")
_HOST = re.compile(r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
_SCRUBBED = re.compile(r"(?:<[^<>/]{0,99}>|\*{2}[^*/]{0,99}\*{2})(?=/)")  # in the place of scheme and host
_UNSAFE = re.compile(rb"[^\x21-\x7e]")


@frozen
class Address:
    """Where a request went. ``upstream`` is `NOWHERE` where the host is not told."""

    upstream: Upstream
    target: bytes


def address(url: Any) -> Address:
    """Of an absolute URL, or a path. Name and password before the host are left out. Raises `Broken`."""
    if isinstance(url, bytes):
        url = url.decode("utf-8", "replace")
    if not isinstance(url, str) or not url:
        raise Broken("no URL")
    match = _URL.match(url)
    if match is None:
        return Address(NOWHERE, _target(_without_base(url).partition("#")[0]))
    scheme, authority, rest = match[1].lower(), match[2].rpartition("@")[2], match[3]
    if scheme not in DEFAULT_PORTS:
        raise Broken("its URL is neither http nor https")
    return Address(_upstream(scheme, authority), _target(rest))


def _without_base(path: str) -> str:
    scrubbed = _SCRUBBED.match(path)
    return path[scrubbed.end() :] if scrubbed else path


def _target(rest: str) -> bytes:
    """Path and query as a request line has them: what may not stand there is percent-encoded (RFC 3986 section 2.1)."""
    octets = (rest if rest.startswith("/") else "/" + rest).encode(errors="replace")
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], octets)


def _upstream(scheme: str, authority: str) -> Upstream:
    if not _HOST.match(authority):
        return NOWHERE
    try:
        return parse_upstream(f"{NAME}={scheme}://{authority}")
    except ValueError:
        return NOWHERE
