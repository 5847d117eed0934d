"""Where the daemon listens: endpoints from `--listen`, and how a port is written for people.

Twisted's endpoint descriptions, but for `ssl:`, which is ours: its certificates are read again, and a mistake in it is
named by file and reason. Called by `tap.py`, to check, and by `net/service.py`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.protocols.tls import TLSMemoryBIOFactory

from proxy_daemon.net import handed_over
from proxy_daemon.net.certificates import Files
from proxy_daemon.net.serving_tls import Certificates, TLSEndpoint

PART = re.compile(r"(?:[^:\\]|\\.)+")
POSITIONS = ("port", "privateKey", "certKey")
BACKLOG = 4096  # connections that wait in the kernel; where Twisted's 50 are full, who comes is lost for a second
OWN_QUEUE = ("tcp:", "tcp6:", "unix:")
QUEUE = re.compile(r"(?<!\\):backlog=")
KNOWN = frozenset((*POSITIONS, "extraCertChain", "interface", "backlog"))


def endpoint(reactor: Any, description: str) -> Any:
    """What listens as ``description`` says. Raises `CertificateError`, `HandedOverError`, or what Twisted does."""
    if description.startswith("ssl:"):
        return _ssl(reactor, _parts(description.removeprefix("ssl:")))
    if description.startswith("systemd:"):
        return handed_over.endpoint(reactor, description)
    if description.startswith(OWN_QUEUE) and not QUEUE.search(description):
        description = f"{description}:backlog={BACKLOG}"
    return serverFromString(reactor, description)


def address(port: Any) -> str:
    """A listening port as a URL; a socket of this machine as its path."""
    host = port.getHost()
    if not hasattr(host, "port"):
        path = os.fsdecode(getattr(host, "name", None) or str(host))  # it is in bytes
        return path.replace("\0", "@", 1)  # as people write an abstract name
    name = f"[{host.host}]" if ":" in host.host else host.host
    scheme = "https" if isinstance(getattr(port, "factory", None), TLSMemoryBIOFactory) else "http"
    return f"{scheme}://{name}:{host.port}"


def _ssl(reactor: Any, parts: dict[str, str]) -> TLSEndpoint:
    port, backlog = int(parts["port"]), int(parts.get("backlog", BACKLOG))
    key = Path(parts["privateKey"])
    chain = Path(parts["extraCertChain"]) if "extraCertChain" in parts else None
    files = Files(key, Path(parts.get("certKey", key)), chain)
    plain = TCP4ServerEndpoint(reactor, port, backlog, parts.get("interface", ""))  # takes addresses of IPv6 as well
    return TLSEndpoint(plain, Certificates(files, reactor), reactor)


def _parts(text: str) -> dict[str, str]:
    """The names and values of `ssl:`, as Twisted's own parser reads them: a backslash takes the sense from a colon."""
    positions = iter(POSITIONS)
    parts = {}
    for part in PART.findall(text):
        name, named, value = part.partition("=")
        if not named:
            name, value = next(positions, "a fourth part without a name"), part
        parts[name] = re.sub(r"\\(.)", r"\1", value)
    _check(parts)
    return parts


def _check(parts: dict[str, str]) -> None:
    if unknown := parts.keys() - KNOWN:
        raise ValueError(f"ssl: does not know {', '.join(sorted(unknown))}")
    if missing := {"port", "privateKey"} - parts.keys():
        raise ValueError(f"ssl: lacks {', '.join(sorted(missing))}")
    if not parts["port"].isdecimal():
        raise ValueError(f"{parts['port']!r} is not a port")
