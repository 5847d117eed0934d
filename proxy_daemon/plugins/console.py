"""One readable line per exchange for the person at the terminal; `--quiet` leaves it off, `--verbose` says more."""

from __future__ import annotations

import sys
from typing import TextIO

from proxy_daemon.core.messages import Exchange, Outcome, id_text
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import Event, events, hookimpl
from proxy_daemon.settings import Settings

COLOURS = {
    Outcome.HIT: "32",
    Outcome.COLLAPSED: "32",
    Outcome.MISS: "36",
    Outcome.LIVE: "36",
    Outcome.REFUSED: "33",
    Outcome.FAILED: "31",
}


class Console:
    """Writes to the standard output where that is a terminal."""

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Only a terminal gets lines."""
        output: TextIO | None = sys.__stdout__  # Twisted puts its own log in the place of sys.stdout
        quiet = settings.quiet or output is None or not output.isatty()
        self._write = None if quiet or output is None else services.lines(output.buffer)
        self._verbose = settings.verbose
        self._redactor = services.redactor

    @hookimpl
    @events("ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """A line at the end of an exchange."""
        if self._write is not None and event.kind in ("ended", "failed"):
            line = console_line(exchange, self._redactor.target(exchange.request.target))
            more = more_lines(exchange) if self._verbose else []
            self._write("\n".join([line, *more, ""]).encode("utf-8", "replace"))


def console_line(exchange: Exchange, target: bytes) -> str:
    """Outcome, request, model, status, sizes, times and what went wrong, on one line, safe for a terminal."""
    outcome = f"\x1b[{COLOURS[exchange.outcome]}m{exchange.outcome.value:9}\x1b[0m"
    times = f"{exchange.head_time / 1000:.0f}/{exchange.duration / 1000:.0f} ms"
    request = f"{printable(exchange.request.method.decode('latin-1'))} {printable(target.decode('latin-1'))}"
    parts = [request, printable(exchange.model), str(exchange.status), f"{exchange.response_size} B", times]
    if exchange.detail:
        parts.append(printable(exchange.detail.partition("\n")[0]))
    elif exchange.ending is not None and exchange.ending.value != "complete":
        parts.append(exchange.ending.value)
    return f"{outcome} " + "  ".join(part for part in parts if part)


def more_lines(exchange: Exchange) -> list[str]:
    """What `--verbose` adds: the exchange's id, whose recording answered, and the whole of what went wrong."""
    source = f", answered by {id_text(exchange.served_from)}" if exchange.served_from else ""
    size = f", {exchange.request_size} B from {exchange.client}" if exchange.client else ""
    first = f"exchange {id_text(exchange.id)}{size}{source}"
    return [f"{'':10}{printable(line)}" for line in (first, *exchange.detail.split("\n")[1:])]


def printable(text: str) -> str:
    """Text from outside, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
