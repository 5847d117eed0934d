"""One readable line per exchange for the person at the terminal; `--quiet` leaves it off, `--verbose` says more.

How a miss differs from the nearest recording stands below it, what was recorded in red, what came in in green.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

from proxy_daemon.core.messages import PROBLEMS, Exchange, Outcome, id_text
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


RECORDED, INCOMING, CHOSEN, AGAIN = "31", "32", "36", "0"
EXPLAINED = "console.explained"  # the note with an explanation that came before the end
_DIFFERENCE = re.compile("(.*?: )?recorded (.*) / incoming (.*)", re.DOTALL)


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
    @events("explained", "ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """Lines at the end of an exchange, and for an explanation that comes later."""
        if self._write is None or event.kind not in ("explained", "ended", "failed"):
            return
        if event.kind == "explained" and (exchange.ending is None or exchange.directives.no_store):
            exchange.notes[EXPLAINED] = "" if exchange.directives.no_store else event.text
            return
        target = self._redactor.target(exchange.request.target)
        if event.kind == "explained":
            lines = [late_line(exchange, target), *explained_lines(event.text)]
        else:
            explained = exchange.notes.pop(EXPLAINED, "")
            more = more_lines(exchange, told=bool(explained)) if self._verbose else []
            lines = [console_line(exchange, target), *more, *problem_lines(exchange), *explained_lines(explained)]
        self._write("\n".join([*lines, ""]).encode("utf-8", "replace"))


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


def late_line(exchange: Exchange, target: bytes) -> str:
    """Which exchange is explained: others may have ended since."""
    method, path = exchange.request.method.decode("latin-1"), target.decode("latin-1")
    return f"{_coloured(CHOSEN, 'explained')} {printable(method)} {printable(path)}  exchange {id_text(exchange.id)}"


def explained_lines(text: str) -> list[str]:
    """An explanation, a line each, what differs in colours."""
    return [f"{'':10}{_explained(printable(line))}" for line in text.split("\n") if line]


def _explained(line: str) -> str:
    found = _DIFFERENCE.fullmatch(line)
    if found is None:
        return line
    path, recorded, incoming = found.groups()
    return f"{path or ''}recorded {_coloured(RECORDED, recorded)} / incoming {_coloured(INCOMING, incoming)}"


def _coloured(colour: str, text: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[{AGAIN}m"


def more_lines(exchange: Exchange, *, told: bool = False) -> list[str]:
    """What `--verbose` adds: the exchange's id, whose recording answered, and the whole of what went wrong.

    ``told``: the explanation stands below, which is all but the first line of it.
    """
    source = f", answered by {id_text(exchange.served_from)}" if exchange.served_from else ""
    size = f", {exchange.request_size} B from {exchange.client}" if exchange.client else ""
    first = f"exchange {id_text(exchange.id)}{size}{source}"
    return [f"{'':10}{printable(line)}" for line in (first, *([] if told else exchange.detail.split("\n")[1:]))]


def problem_lines(exchange: Exchange) -> list[str]:
    """What rules for rewriting could not do."""
    return [f"{'':10}{printable(problem)}" for problem in exchange.notes.get(PROBLEMS, ())]


def printable(text: str) -> str:
    """Text from outside, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
