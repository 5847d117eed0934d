"""The one-line form of an exchange, and the lines below it: what one sees of a request that is no conversation.

How a miss differs from the nearest recording stands below it, what was recorded in red, what came in in green.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy_daemon.core.harmless import one_line
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import PROBLEMS, Ending, Exchange, Outcome, id_text
from proxy_daemon.core.telling.styled import Line

COLOURS = {
    Outcome.HIT: "green",
    Outcome.COLLAPSED: "green",
    Outcome.MISS: "cyan",
    Outcome.LIVE: "cyan",
    Outcome.REFUSED: "yellow",
    Outcome.FAILED: "red",
}
RECORDED, INCOMING, CHOSEN = "red", "green", "cyan"
LONGEST = 2000  # characters of a line
_INDENT = f"{'':10}"
_DIFFERENCE = re.compile("(.*?: )?recorded (.*) / incoming (.*)", re.DOTALL)


def line_of(exchange: Exchange, target: bytes, detail: str) -> Line:
    """Outcome, request, model, status, sizes, times and what went wrong. ``target`` and ``detail``: without secrets."""
    parts = [requested(exchange, target), exchange.model, str(exchange.status), f"{exchange.response_size} B"]
    parts += [times(exchange), wrong(exchange, detail)]
    said = "  ".join(cut(part) for part in parts if part)
    return (COLOURS[exchange.outcome], f"{exchange.outcome.value:9}"), ("", f" {said}")


def requested(exchange: Exchange, target: bytes) -> str:
    """Method and target."""
    return f"{exchange.request.method.decode('latin-1')} {target.decode('latin-1')}"


def times(exchange: Exchange) -> str:
    """To the head of the answer, and to its end."""
    return f"{exchange.head_time / 1000:.0f}/{exchange.duration / 1000:.0f} ms"


def wrong(exchange: Exchange, detail: str) -> str:
    """What went wrong; empty where nothing did."""
    if detail:
        return detail.partition("\n")[0]
    return exchange.ending.value if exchange.ending not in (None, Ending.COMPLETE) else ""


def late_line(exchange: Exchange, target: bytes) -> Line:
    """Which exchange is explained: others may have ended since."""
    return (CHOSEN, "explained"), ("", f" {cut(requested(exchange, target))}  exchange {id_text(exchange.id)}")


def explained_lines(text: str) -> list[Line]:
    """An explanation, a line each, what differs in colours."""
    return [_explained(cut(line)) for line in text.split("\n") if line]


def _explained(line: str) -> Line:
    found = _DIFFERENCE.fullmatch(line)
    if found is None:
        return (("", _INDENT + line),)
    before = ("", f"{_INDENT}{found[1] or ''}recorded ")
    return before, (RECORDED, found[2]), ("", " / incoming "), (INCOMING, found[3])


def more_lines(exchange: Exchange, detail: str = "") -> list[Line]:
    """What `--verbose` adds: the exchange's id, whose recording answered, rules, and the rest of what went wrong."""
    source = f", answered by {id_text(exchange.served_from)}" if exchange.served_from else ""
    size = f", {exchange.request_size} B from {exchange.client}" if exchange.client else ""
    said = [f"exchange {id_text(exchange.id)}{size}{source}", *detail.split("\n")[1:], *rule_lines(exchange)]
    return [below(line) for line in said]


def rule_lines(exchange: Exchange) -> list[str]:
    """The rules that changed something."""
    return [f"rules: {', '.join(exchange.rules)}"] if exchange.rules else []


def problem_lines(exchange: Exchange) -> list[Line]:
    """What rules could not change, and why."""
    return [below(line) for line in exchange.notes.get(PROBLEMS, ())]


def head_lines(first: str, headers: Headers) -> list[Line]:
    """A head, without its secrets, as `--verbose` shows it."""
    pairs = [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in headers.pairs]
    return [(("dim", f"  {cut(line)}"),) for line in (first, *pairs)]


def below(text: str) -> Line:
    """A line that belongs to the one before."""
    return (("", _INDENT + cut(text)),)


def cut(text: str) -> str:
    """On one line, and not longer than people read."""
    return one_line(text[:LONGEST]) + ("…" if len(text) > LONGEST else "")


def joined(parts: Sequence[str]) -> str:
    """Those that say something, with some space between."""
    return "  ".join(part for part in parts if part)
