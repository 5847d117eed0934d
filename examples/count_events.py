"""Example plugin: prints how many events each stream had, and after how long it began.

    llmproxy serve --plugin examples/count_events.py

One idea: `llmproxy_observe` gives an object that sees the pieces as the client gets them, while they stream.
"""

from __future__ import annotations

from attrs import define

from proxy_daemon.core.messages import Exchange
from proxy_daemon.hookspecs import hookimpl


@define
class EventCounter:
    """Counts blank lines: each ends a server-sent event. One that is cut in two pieces is counted too."""

    exchange: Exchange
    events: int = 0
    last: bytes = b""

    def piece(self, data: bytes) -> None:
        """These octets go to the client."""
        joined = self.last + data
        self.events += joined.count(b"\n\n")
        self.last = b"" if joined.endswith(b"\n\n") else joined[-1:]

    def end(self) -> None:
        """Print the count."""
        waited = self.exchange.head_time / 1000
        print(f"{self.exchange.model}: {self.events} events, begun after {waited:.0f} ms")


@hookimpl
def llmproxy_observe(exchange: Exchange) -> EventCounter | None:
    """A counter for each stream that was asked for."""
    return EventCounter(exchange) if exchange.dialect.streams(exchange.request) else None
