"""What is said of a conversation besides its growing answer: the head, the new messages, calls of tools, the foot.

Invariant: what comes out was looked through for secrets, is one line each and bounded. Called by `talk.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import orjson

from proxy_daemon.core.conversation import (
    Answer,
    Declined,
    Media,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)
from proxy_daemon.core.harmless import harmless, one_line
from proxy_daemon.core.messages import Exchange, id_text
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.telling.holding import Holding
from proxy_daemon.core.telling.news import News
from proxy_daemon.core.telling.styled import Line
from proxy_daemon.plugins.console.lines import COLOURS, joined, requested, times, wrong
from proxy_daemon.plugins.console.screen import LABEL, Item, Labelled

MOST_WORDS, MOST_RESULT, MOST_SYSTEM, MOST_ARGUMENTS = 2000, 600, 110, 1000  # characters
MOST_TOOLS, MOST_PARTS, MOST_MESSAGES, MOST_ROWS = 12, 40, 40, 40
_LARGEST_JSON = 64 * 1024
_KILO = 1024
_WORD = 20  # characters of a media type
_STYLES = {"user": "green", "tool": "magenta", "assistant": "cyan"}


class Teller:
    """Finds words for one terminal. ``redactor``: see `core/telling/holding.for_screens`."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def head(self, exchange: Exchange, who: str) -> Line:
        """The line above a conversation. ``who``: the client, where there is more than one."""
        clock = time.strftime("%H:%M:%S", time.localtime(exchange.started))
        model = self.short(exchange.model, 120) or "no model named"
        upstream = exchange.upstream
        named = upstream.name if upstream.name != "default" else upstream.host or upstream.scheme
        way = f"{exchange.dialect.name} → {named}"
        path = requested(exchange, self._redactor.target(exchange.request.path))
        said = joined([self.short(each, 200) for each in (way, path, who)])
        return ("dim", f"── {clock} "), ("bold", model), ("dim", f"  {said}  {id_text(exchange.id)}")

    def news(self, news: News) -> Iterator[Item]:
        """What is new of the conversation."""
        words = "\n".join(each.text for each in news.system)
        if news.system:
            yield Labelled("system", "dim", self.short(words, MOST_SYSTEM, counted=True) if words else "…", "dim")
        if news.tools:
            yield Labelled("tools", "dim", self._tools(news.tools), "dim")
        left_out = max(0, len(news.messages) - MOST_MESSAGES)
        if earlier := news.earlier + left_out:
            known = "" if news.known and not left_out else ", not shown"
            yield (("dim", f"{'':{LABEL}}… {earlier} earlier message{'s' * (earlier > 1)}{known}"),)
        for message in news.messages[left_out:]:
            for part in message.parts[:MOST_PARTS]:
                yield from self.part(part, message.role)
            if len(message.parts) > MOST_PARTS:
                yield (("dim", f"{'':{LABEL}}… {len(message.parts) - MOST_PARTS} more parts"),)

    def _tools(self, tools: Sequence[Tool]) -> str:
        names = ", ".join(self.short(tool.name, 60) for tool in tools[:MOST_TOOLS])
        return names + (f", … {len(tools) - MOST_TOOLS} more" if len(tools) > MOST_TOOLS else "")

    def part(self, part: Part, role: str) -> Iterator[Item]:
        """One part of a message."""
        style = _STYLES.get(role, "")
        if isinstance(part, Text):
            yield from self._block(role, style, part.text, MOST_WORDS)
        elif isinstance(part, Reasoning | Declined):
            kind = "thought" if isinstance(part, Reasoning) else "declined"
            yield from self._block(kind, "dim", part.text or "(not in words)", MOST_RESULT, "dim")
        elif isinstance(part, ToolCall):
            yield from self._block("call", "cyan", f"{part.name} {self._arguments(part.arguments)}", MOST_ARGUMENTS)
        elif isinstance(part, ToolResult):
            label = "failed" if part.failed else "result"
            yield from self._block(label, "red" if part.failed else "magenta", part.text or "(nothing)", MOST_RESULT)
        else:
            yield Labelled(role, style, self.short(_named(part), MOST_SYSTEM), "dim")

    def _block(self, label: str, style: str, text: str, most: int, text_style: str = "") -> Iterator[Item]:
        """A text with its lines, the first one behind its label."""
        said = self.safe(text, most).strip("\n")
        rows = said.split("\n")[:MOST_ROWS]
        for number, row in enumerate(rows):
            yield Labelled("" if number else label, style, row, text_style)
        left = max(0, len(text) - most) + len(said) - len("\n".join(rows))
        if left:
            yield (("dim", f"{'':{LABEL}}… {left:,} characters more"),)

    def _arguments(self, arguments: str) -> str:
        """JSON as one reads it: on one line where it is short."""
        if len(arguments) > _LARGEST_JSON:
            return arguments
        try:
            value = orjson.loads(self._redactor.body(b"application/json", arguments.encode("utf-8", "replace")))
            short = orjson.dumps(value)
            return (short if len(short) <= 80 else orjson.dumps(value, option=orjson.OPT_INDENT_2)).decode()  # noqa: PLR2004  (a row)
        except (ValueError, orjson.JSONEncodeError, RecursionError):
            return arguments

    def safe(self, text: str, most: int) -> str:
        """The first characters of a text, without secrets and harmless."""
        holding = Holding(self._redactor)
        before = text[: 2 * most + 4096]  # a secret that is cut there is not shown
        return harmless((holding.add(before) + holding.end())[:most])

    def short(self, text: str, most: int, *, counted: bool = False) -> str:
        """The same on one line. ``counted``: with the length of what is cut."""
        said = one_line(" ".join(self.safe(text, most).split()))
        if len(text) <= most:
            return said
        return f"{said}… ({len(text):,} characters)" if counted else f"{said}…"

    def foot(self, exchange: Exchange, answer: Answer, problem: str, detail: str) -> Line:
        """The line below a conversation. ``detail``: without secrets."""
        finish = next((choice.said for choice in answer.choices if choice.said), "")
        odd = joined([wrong(exchange, detail), self.short(answer.error, 200), self.short(problem, 200)])
        source = f"from {id_text(exchange.served_from)}" if exchange.served_from else ""
        rules = f"rules: {', '.join(self.short(rule, 60) for rule in exchange.rules)}" if exchange.rules else ""
        said = [str(exchange.status), tokens(answer.usage), times(exchange), self.short(finish, 40), source, rules]
        rest = ("red", f"  {one_line(odd[:400])}") if odd else ("", "")
        return ("dim", "── "), (COLOURS[exchange.outcome], exchange.outcome.value), ("dim", f"  {joined(said)}"), rest


def tokens(usage: Usage | None) -> str:
    """As the answer states them; empty where it does not."""
    if usage is None:
        return ""
    cached = f" ({usage.cached:,} cached)" if usage.cached else ""
    thought = f" ({usage.reasoning:,} reasoning)" if usage.reasoning else ""
    sides = [f"{usage.input:,} in{cached}" if usage.input is not None else ""]
    sides += [f"{usage.output:,} out{thought}" if usage.output is not None else ""]
    return ", ".join(side for side in sides if side)


def _named(part: Part) -> str:
    """In brackets: an image, a vector, something that nobody knows."""
    if isinstance(part, Media):
        kind = part.media_type.rpartition("/")[2][:_WORD]
        source = part.source if not part.source.startswith("data:") else ""
        return f"[{joined([part.kind, kind, size_text(part.size), source]).replace('  ', ' ')}]"
    if isinstance(part, Vector):
        return f"[vector of {len(part.values)}]"
    return f"[{getattr(part, 'kind', type(part).__name__)}]"


def size_text(size: int | None) -> str:
    """Of what stands in base64 (RFC 4648: four characters for three octets)."""
    if size is None:
        return ""
    size = size * 3 // 4
    if size < _KILO:
        return f"{size} B"
    return f"{size / _KILO:.0f} KB" if size < _KILO * _KILO else f"{size / _KILO / _KILO:.1f} MB"
