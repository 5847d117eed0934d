"""How many connections there may be, in all and of one client, and the short answer to one for which there is no room.

It must cost little: whoever opens connections without end meets it each time. Called by `net.site.FrontSite`.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.logger import Logger

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.heads import error_answer
from proxy_daemon.net import eager
from proxy_daemon.net.limits import Limits

log = Logger()

MAX_LEAVING = 256  # that are given the time to read their answer; those beyond are reset
LOOKS = 3  # after so many, a second each, one that leaves is reset
RETRY_AFTER = 5  # seconds
LOOKS_A_LINE = 60  # so many looks, a second each, are between two lines about refused connections
NETWORK_6 = 64  # bits: a household or a machine has a whole network of IPv6 addresses


class Crowd:
    """The connections that were let in, by client, and those that leave again."""

    def __init__(self, limits: Limits) -> None:
        self.leaving: set[NoRoom] = set()
        self._limits = limits
        self._by_client: Counter[str] = Counter()
        self._texts = _texts(limits)
        self._answers = {kind: _answer(text) for kind, text in self._texts.items()}
        self._refused: Counter[str] = Counter()  # since the last line about them
        self._looks = LOOKS_A_LINE

    def full(self, host: str, total: int) -> str:
        """Which limit one more connection would break, as a kind of `net.limits.KINDS`; empty where there is room."""
        if total >= self._limits.max_connections:
            return "too_many_connections"
        if self._by_client and self._by_client[client_of(host)] >= self._limits.max_connections_per_client:
            return "too_many_connections_of_client"
        return ""

    def enter(self, host: str) -> None:
        """One connection more of a client that is not on this machine."""
        self._by_client[client_of(host)] += 1

    def leave(self, host: str) -> None:
        """One less."""
        client = client_of(host)
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def turn_away(self, kind: str) -> NoRoom:
        """What speaks to a connection for which there is no room."""
        self._refused[kind] += 1
        return NoRoom(self, self._answers[kind])

    def look(self) -> None:
        """Once a second."""
        self._looks += 1
        if self._refused and self._looks > LOOKS_A_LINE:
            self._tell()
        for each in tuple(self.leaving):
            each.look()

    def _tell(self) -> None:
        """In the daemon's own log: nothing was asked, so there is no exchange and no line in the request log."""
        for kind, count in self._refused.items():
            log.warn("connections refused with 503: {count}. {text}", count=count, text=self._texts[kind])  # noqa: G010  (a Twisted logger)
        self._refused.clear()
        self._looks = 0


class NoRoom(Protocol):
    """Says 503 before anything was asked, reads nothing, and goes."""

    transport: Any

    def __init__(self, crowd: Crowd, answer: bytes) -> None:
        self._crowd = crowd
        self._answer = answer
        self._looks = 0

    def connectionMade(self) -> None:
        """A close would take the answer away from one who sends (RFC 9112 section 9.6): so end our side only."""
        if len(self._crowd.leaving) >= MAX_LEAVING:
            self.transport.abortConnection()
            return
        self._crowd.leaving.add(self)
        eager.send(self.transport, self._answer)
        eager.end(self.transport)

    def look(self) -> None:
        """It has had its time."""
        self._looks += 1
        if self._looks >= LOOKS:
            self.transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        """It has gone."""
        self._crowd.leaving.discard(self)


def client_of(host: str) -> str:
    """What counts as one client: an IPv4 address, or a network of IPv6 addresses."""
    if ":" not in host:
        return host
    address = ip_address(host.partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is None:  # noqa: PLR2004  (the version of the protocol)
        return f"{int(address) >> (128 - NETWORK_6):x}"
    return str(getattr(address, "ipv4_mapped", None) or address)


def _texts(limits: Limits) -> dict[str, str]:
    most, each = limits.max_connections, limits.max_connections_per_client
    return {
        "too_many_connections": f"llmproxy takes {most} connections and no more (--max-connections).",
        "too_many_connections_of_client": (
            f"llmproxy takes {each} connections of one client and no more (--max-connections-per-client)."
        ),
    }


def _answer(text: str) -> bytes:
    head, body = error_answer(GENERIC, 503, "llmproxy_busy", text)
    more = ((b"Retry-After", b"%d" % RETRY_AFTER), (b"Content-Length", b"%d" % len(body)))
    fields = b"".join(b"%b: %b\r\n" % pair for pair in (*head.headers.pairs, *more))
    return b"HTTP/1.1 503 %b\r\n%bConnection: close\r\n\r\n%b" % (head.reason, fields, body)
