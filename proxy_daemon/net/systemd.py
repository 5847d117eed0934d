"""What the daemon says to systemd, or to whoever else started it and wants to know.

A message is one datagram of NAME=VALUE lines (sd_notify(3)). Outside systemd nothing is set and nothing is sent.
Whether anybody hears it never matters to the daemon. Used by `net.service`; made by `tap.py`.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping

from attrs import frozen
from twisted.logger import Logger

log = Logger()

NUMBER = re.compile(r"[0-9]{1,18}")


@frozen
class Notifier:
    """Sends to the service manager. ``address``: $NOTIFY_SOCKET, a path or `@` and an abstract name; empty: nobody."""

    address: str = ""
    watchdog: float = 0.0  # seconds within which the manager wants a sign of life; 0: it wants none

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        """By the environment that systemd sets (sd_notify(3), sd_watchdog_enabled(3))."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        return cls(address, _watchdog(environ, pid))

    def ready(self, status: str) -> None:
        """The start, or a reload, is done."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """A reload begins. The time is that of CLOCK_MONOTONIC, as `Type=notify-reload` wants it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str, seconds: float) -> None:
        """The stop begins, and may take so long: the manager does not kill us before."""
        self._send("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}", _status(status))

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self.address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)  # a manager that hangs must not hang the daemon
                sender.sendto("\n".join(lines).encode(), _kernel_address(self.address))
        except (OSError, ValueError) as error:  # nobody hears it, or no address at all
            log.warn("the service manager was not told {lines}: {error}", lines=lines, error=error)  # noqa: G010  (Twisted)


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())  # one line: another one would be another message


def _kernel_address(address: str) -> str:
    """An abstract name begins with NUL where people write `@`."""
    return "\0" + address[1:] if address.startswith("@") else address


def _watchdog(environ: Mapping[str, str], pid: int) -> float:
    """Seconds; meant for us where $WATCHDOG_PID is ours or not set (sd_watchdog_enabled(3))."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return 0.0
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 1_000_000 if NUMBER.fullmatch(text) else 0.0
