"""NO_PROXY: the hosts that are reached without a proxy. Whatever it holds, it is never an error.

Read by `core/proxying.py`.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

from attrs import frozen


@frozen
class Exemption:
    """One entry of NO_PROXY: every host, a host with all below it, or a network; ``port`` 0 is any."""

    host: str
    port: int = 0

    def covers(self, host: str, port: int) -> bool:
        """Whether a host (lower case, without brackets and last dot) is reached without a proxy."""
        if self.port not in (0, port):
            return False
        if self.host == "*":
            return True
        network = _network(self.host)
        if network is not None:
            address = _address(host)
            return address is not None and address in network
        return host == self.host or (host.endswith("." + self.host) and _address(host) is None)


def parse_exempt(text: str) -> tuple[Exemption, ...]:
    """Read NO_PROXY: `*`, hosts (with all hosts below them), addresses, networks, each with a port or none."""
    return tuple(_exemption(entry) for entry in re.split(r"[,\s]+", text) if entry.strip("."))


def _exemption(entry: str) -> Exemption:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d{1,5})", entry)
    host, port = (found[1], int(found[2])) if found else (entry, 0)
    host = re.sub(r"[\[\]]", "", host).lower().removeprefix("*.")
    return Exemption(host.strip(".") if _network(host) is None else host, port)


@lru_cache(maxsize=256)
def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> Any:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
