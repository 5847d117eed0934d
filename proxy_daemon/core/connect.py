"""CONNECT to a proxy, without sockets: the request, and the reading of its answer (RFC 9110 section 9.3.6).

    state      octets                          next       what it means
    reading    part of a head                  reading    wait for more
    reading    head of 1xx                     reading    passed over; at most MAX_INTERIM of them
    reading    head of 2xx                     open       what stands behind the head is the upstream's
    reading    head of 407, 403, another       refused    `fault` says why; a body is not read
    reading    no head of HTTP, or too long    refused    the same
    open       any                             -          not asked any more: octets go past this machine
    refused    any                             refused    nothing is read any more

Driven by `net/upstream/tunnel.py`.
"""

from __future__ import annotations

import re
from enum import Enum, auto

MAX_HEAD = 64 * 1024  # octets of all heads together
MAX_INTERIM = 8
PROXY_WANTS_PASSWORD = 407  # RFC 9110 section 15.5.8
NOT_HTTP = "it does not answer in HTTP"
TOO_LONG = f"its answer has a head of more than {MAX_HEAD} octets"
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?")
_END = re.compile(rb"\r?\n\r?\n")


class State(Enum):
    """Where the tunnel is."""

    READING = auto()
    OPEN = auto()
    REFUSED = auto()


def connect_request(authority: str, authorization: bytes) -> bytes:
    """The octets of a CONNECT. ``authority``: host and port, always with the port."""
    host = authority.encode()
    own = b"Proxy-Authorization: %b\r\n" % authorization if authorization else b""
    return b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (host, host, own)


def refusal_in_words(status: int) -> str:
    """What a proxy's refusal means for the person who reads the 502."""
    if status == PROXY_WANTS_PASSWORD:
        return (
            "it wants a user and a password (407), and those of --upstream-proxy http://USER:PASSWORD@HOST:PORT are "
            "missing or wrong"
        )
    if status == 403:  # noqa: PLR2004  (RFC 9110 section 15.5.4)
        return "it does not let this machine connect there (403)"
    return f"it answered {status}"


class ConnectAnswer:
    """The answer to one CONNECT. ``fault``: why it is refused, in words that follow "through the proxy ...: "."""

    def __init__(self) -> None:
        self.state: State = State.READING
        self.fault = ""
        self._data = b""
        self._left = MAX_HEAD
        self._interim = 0

    def feed(self, data: bytes) -> bytes:
        """Take what was read. Gives the octets behind the answer: they are the upstream's first ones."""
        if self.state is not State.READING:
            return b""
        looked = max(0, len(self._data) - 3)  # an end may have begun in the octets before
        self._data += data
        while self.state is State.READING and (end := _END.search(self._data, looked)) is not None:
            looked = 0
            head, self._data = self._data[: end.start()], self._data[end.end() :]
            self._left -= end.end()
            self._judge(head.partition(b"\n")[0].rstrip(b"\r"))
        if self.state is State.READING:
            self._judge_part()
        return self._rest()

    def _judge_part(self) -> None:
        """What has come of a head that is not whole yet."""
        if not b"HTTP/1.".startswith(self._data[:7]):
            self._refuse(NOT_HTTP)
        elif len(self._data) > self._left:
            self._refuse(TOO_LONG)

    def _rest(self) -> bytes:
        if self.state is State.READING:
            return b""
        rest, self._data = self._data, b""
        return rest if self.state is State.OPEN else b""

    def _judge(self, line: bytes) -> None:
        found = _STATUS.fullmatch(line)
        status = int(found[1]) if found else 0
        if not found:
            self._refuse(NOT_HTTP)
        elif self._left < 0:
            self._refuse(TOO_LONG)
        elif status < 200:  # noqa: PLR2004  (RFC 9110 section 15.2)
            self._interim += 1
            if self._interim > MAX_INTERIM:
                self._refuse(f"it sent more than {MAX_INTERIM} interim responses")
        elif status < 300:  # noqa: PLR2004  (RFC 9110 section 15.3)
            self.state = State.OPEN
        else:
            self._refuse(refusal_in_words(status))

    def _refuse(self, why: str) -> None:
        self.state, self.fault = State.REFUSED, why
