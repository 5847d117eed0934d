"""Sockets that systemd, or whoever does as it does, has opened for us: which there are, where, and listening on them.

They stay theirs: a stop here closes our copy and nothing else, so that connections wait for the next start. Twisted has
read the environment (`twisted.python.systemd`). Called by `tap.py`, `exposure.py` and `net/listening.py`.
"""

from __future__ import annotations

import os
import re
import socket
from functools import lru_cache
from typing import Any

from attrs import frozen
from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, execute
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from zope.interface import implementer

_DOMAINS = {socket.AF_INET: "INET", socket.AF_INET6: "INET6", socket.AF_UNIX: "UNIX"}


class HandedOverError(Exception):
    """What was handed over is nothing that we can listen on; one line."""


def handed_over(reactor: Any) -> tuple[str, ...]:
    """Endpoint descriptions of the sockets that were handed over (sd_listen_fds(3)); none outside of systemd.

    Raises `HandedOverError` where one of them is none that we can listen on.
    """
    found: list[str] = []
    while (descriptor := _descriptor(reactor, f"index={len(found)}")) is not None:
        found.append(f"systemd:domain={_domain(descriptor)}:index={len(found)}")
    return tuple(found)


def endpoint(reactor: Any, description: str) -> Any:
    """What listens on the socket of a `systemd:` description. Raises `HandedOverError`, or ValueError of Twisted."""
    try:
        adopted: Any = serverFromString(reactor, description)
    except (IndexError, KeyError) as error:
        raise HandedOverError("systemd has handed over no such socket") from error
    domain = _domain(adopted.fileno)
    if _DOMAINS[adopted.addressFamily] != domain:
        raise HandedOverError(f"the socket that systemd has handed over is of domain={domain}")
    return UnixEndpoint(reactor, adopted.fileno) if domain == "UNIX" else adopted


def host(description: str) -> str:
    """The address that the socket of a `systemd:` endpoint is bound to; empty where it has none that can be told."""
    return _bound(description)[1]


def is_unix(description: str) -> bool:
    """Whether only programs of this machine can reach the socket of a `systemd:` endpoint."""
    return _bound(description)[0] == "UNIX"


@lru_cache(maxsize=64)
def _bound(description: str) -> tuple[str, str]:
    """(domain, address). Remembered from the start on: once the daemon listens, the descriptor there is closed."""
    found = re.search(r"(?:^|:)((?:index|name)=[^:]*)", description)
    descriptor = _descriptor(None, found[1]) if found else None
    if descriptor is None:
        return "", ""
    with socket.socket(fileno=os.dup(descriptor)) as opened:
        domain = _DOMAINS.get(socket.AddressFamily(opened.family), "")
        return domain, str(opened.getsockname()[0]) if domain.startswith("INET") else ""


def _descriptor(reactor: Any, which: str) -> int | None:
    try:
        adopted: Any = serverFromString(reactor, f"systemd:domain=INET:{which}")
    except (IndexError, KeyError, ValueError):
        return None
    return int(adopted.fileno)


def _domain(descriptor: int) -> str:
    """The domain of a socket that listens for streams."""
    place = f"descriptor {descriptor} of LISTEN_FDS"
    try:
        with socket.socket(fileno=os.dup(descriptor)) as opened:
            listens = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            family, kind = socket.AddressFamily(opened.family), opened.type
    except OSError as error:
        raise HandedOverError(f"{place} is no socket: {error.strerror}") from error
    if family not in _DOMAINS or kind != socket.SOCK_STREAM:
        raise HandedOverError(f"{place} is no socket for streams: use ListenStream=")
    if not listens:
        raise HandedOverError(f"{place} does not listen: use Accept=no")
    return _DOMAINS[family]


@implementer(IStreamServerEndpoint)
@frozen
class UnixEndpoint:
    """Listens on a Unix socket that was handed over."""

    reactor: Any
    descriptor: int

    def listen(self, factory: Any) -> Deferred[Any]:
        """A Deferred of the port, as that of `twisted.internet.endpoints.AdoptedStreamServerEndpoint`."""
        return execute(self._port, factory)

    def _port(self, factory: Any) -> UnixPort:
        os.set_blocking(self.descriptor, False)
        port: UnixPort = UnixPort._fromListeningDescriptor(self.reactor, self.descriptor, factory)  # noqa: SLF001  (as the reactor does)
        port.startListening()
        os.close(self.descriptor)
        return port


class UnixPort(unix.Port):
    """Twisted's would open the socket to everybody, and at the stop shut it down for all and remove its path."""

    factory: Any
    fileno: Any

    def startListening(self) -> None:
        """It listens already: accept from now on, as `tcp.Port` does with a socket that it was given."""
        tcp._reservedFD.reserve()  # noqa: SLF001  (so that connections can be refused where no descriptor is left)
        given: Any = self._preexistingSocket
        self.socket, self.fileno, self._preexistingSocket = given, given.fileno, None
        self._shouldShutdown = False
        self.factory.doStart()
        self.connected = True
        self.numberAccepts = 100
        self.startReading()

    def connectionLost(self, reason: Any) -> None:
        """Close our copy."""
        tcp.Port.connectionLost(self, reason)
