"""Draws Markdown by `rich`: the one file that imports it, and only when the first conversation is drawn.

Invariant: what comes out holds no control character that `rich` or we did not write ourselves, whatever went in; and no
letter of it is lost: tags of HTML, entities and addresses of links stand there as they were written, and what would
lose one all the same, as a table that is wider than the terminal, is shown as it came.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from proxy_daemon.core.harmless import harmless
from proxy_daemon.core.telling.styled import Line

# Entities, definitions of links and images would hide what was said; a code block is ours (`core/telling/blocks.py`).
_PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    .disable(["entity", "reference", "code", "image"])
)


_ESCAPES = re.compile("\x1b\\[[0-9;]*m")
_SPACES = re.compile(" +$", re.MULTILINE)
_MOST_BRACKETS, _MOST_COLUMNS = 400, 40  # of a block: what holds more costs too much time, and is shown as it is
_THEME = Theme({"markdown.code": "cyan", "markdown.block_quote": "dim"})


class _LeftHeading(Heading):
    """A heading that stands where text stands, in bold."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold" if self.tag != "h1" else "bold underline")
        yield self.text


class _Told(Markdown):
    elements = {**Markdown.elements, "heading_open": _LeftHeading}

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False)
        self.markup, self.parsed = text, _PARSER.parse(text)


class _Harmless:
    """What another draws, each text of it looked at once more."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self._inner, options):
            if not segment.control:
                yield Segment(harmless(segment.text), segment.style)


class Pen:
    """For one terminal. ``depth``: "bare", "plain" or "full", as in `core/telling/styled.py`."""

    def __init__(self, depth: str) -> None:
        self._file = io.StringIO()
        colours = None if depth == "bare" else "standard"  # without them there is no bold either
        self._console = Console(
            file=self._file,
            force_terminal=depth != "bare",
            color_system=colours,  # type: ignore[arg-type]
            no_color=depth != "full",
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            theme=_THEME,
            _environ={},
        )

    def markdown(self, text: str, width: int) -> str:
        """Lines, each with its end. ``text`` is harmless."""
        if text.count("[") > _MOST_BRACKETS or any(line.count("|") > _MOST_COLUMNS for line in text.split("\n")):
            return self._plainly(text, width)
        try:
            drawn = _SPACES.sub("", self._drawn(_Told(text), width)).strip("\n")
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return self._plainly(text, width)  # a nesting that rich cannot draw
        return drawn + "\n" if _letters(text) <= _letters(_ESCAPES.sub("", drawn)) else self._plainly(text, width)

    def _plainly(self, text: str, width: int) -> str:
        return "\n".join(self.rows(text, width)) + "\n"

    def rows(self, text: str, width: int) -> list[str]:
        """The text in rows of at most so many cells, broken between words."""
        rows = Text(text).wrap(self._console, max(2, width), tab_size=8)
        return [row.plain for row in rows] or [""]

    def line(self, line: Line, width: int, indent: int) -> list[Line]:
        """The line in rows of at most so many cells, those behind the first one indented. ``line`` is harmless."""
        text = Text.assemble(*[(said, style) for style, said in line])
        first = text.wrap(self._console, max(2, width), tab_size=8)[0]
        rest = text[len(first) :]
        begins = len(rest) - len(rest.plain.lstrip(" "))
        first.rstrip()
        if begins == len(rest):
            return [_said(first)]
        rows = rest[begins:].wrap(self._console, max(2, width - indent), tab_size=8)
        return [_said(first), *[(("", " " * indent), *_said(row)) for row in rows]]

    def _drawn(self, renderable: Any, width: int) -> str:
        self._file.seek(0)
        self._file.truncate()
        self._console.width = max(8, width)
        self._console.print(_Harmless(renderable), end="")
        return self._file.getvalue()


def _said(row: Text) -> Line:
    """What rich has cut, in our styles: each text has one of them, or none."""
    said, at = [], 0
    for span in sorted(row.spans):
        said += [("", row.plain[at : span.start]), (str(span.style), row.plain[span.start : span.end])]
        at = span.end
    return tuple(each for each in [*said, ("", row.plain[at:])] if each[1])


def _letters(text: str) -> Counter[str]:
    """How often each letter and digit stands in it."""
    return Counter(filter(str.isalnum, text))
