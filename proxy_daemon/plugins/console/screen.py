"""What stands on the terminal: text that is final scrolls by; the last rows, a block that still grows, are replaced.

Only the rows that grow are ever touched again, and only those that changed, while the terminal has the size at which
they were drawn; after a change of size they stay as they are, and what follows goes below. They are drawn with the
terminal's wrapping off, so that their number is known whatever it thinks of the width of a character. A dumb terminal
gets no such rows: it gets each block when it is whole.

Invariant: one `show` is one write, and each line that it ends is whole. Called by the console at each tick.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from proxy_daemon.core.harmless import harmless
from proxy_daemon.core.telling.blocks import CODE, LANGUAGE, MARKDOWN, Block, Blocks, Rows
from proxy_daemon.core.telling.floor import Mark, Told
from proxy_daemon.core.telling.styled import BARE, Line, painted, written

if TYPE_CHECKING:
    from proxy_daemon.plugins.console.drawing import Pen

WORDS, THOUGHTS, DECLINED = "words", "thoughts", "declined"
_STYLES = {THOUGHTS: "dim", DECLINED: "yellow"}
LABEL = 10  # columns
NO_WRAP, WRAP, ERASE = "\x1b[?7l", "\x1b[?7h", "\x1b[J"


@frozen
class Grows:
    """Words of an answer, as they come. ``kind``: words, thoughts or declined."""

    kind: str
    text: str


@frozen
class Labelled:
    """A line of a message: where it is longer than the terminal is wide, it goes on below itself."""

    label: str
    label_style: str
    text: str
    style: str = ""


Item = Line | Labelled | Grows


def size_of(item: Item) -> int:
    """Its characters."""
    return sum(len(text) for _, text in item) if isinstance(item, tuple) else len(item.text)


@define(eq=False)
class _Growing:
    """A text that may go on. ``shown``: how much of its `rest` stands in the rows on the screen."""

    kind: str
    text: Blocks | Rows
    shown: int = 0


def _growing(kind: str) -> _Growing:
    return _Growing(kind, Blocks() if kind == WORDS else Rows())


@define(eq=False)
class Screen:
    """``size`` gives (columns, rows) of the terminal, ``pen`` draws; ``depth``: see `core/telling/styled.py`."""

    write: Callable[[bytes], None]
    size: Callable[[], tuple[int, int]]
    pen: Callable[[], Pen]
    depth: str
    _out: list[str] = field(factory=list)
    _rows: list[str] = field(factory=list)  # that can be replaced; the cursor is behind the last one
    _style: str = ""  # of these
    _at: tuple[int, int] = (80, 24)  # the size when they were drawn
    _grows: _Growing | None = None
    _resting: dict[Hashable, _Growing] = field(factory=dict)  # of exchanges that another one has interrupted

    def show(self, told: Iterable[Told[Item]], named: Callable[[Hashable], str], notes: Iterable[Line] = ()) -> None:
        """All of this, at once. ``named``: an exchange's name, where it goes on.

        ``notes`` are no part of what is told: they stand above what grows, which goes on below them.
        """
        size = self.size()
        if size != self._at:
            self._leave_rows()
            self._at = size
        for note in notes:
            self._final(written(note, self.depth))
        for each in told:
            self._tell(each, named)
        self._draw_rows()
        if self._out:
            self.write("".join(self._out).encode("utf-8", "replace"))
            self._out.clear()

    def _tell(self, told: Told[Item], named: Callable[[Hashable], str]) -> None:
        what = told.what
        if isinstance(what, Grows):
            self._grow(what)
        elif isinstance(what, Mark):
            self._mark(what, told, named)
        elif isinstance(what, Labelled):
            self._close()
            for row in self._labelled(what):
                self._final(row)
        else:
            self._close()
            self._whole_line(what)

    def _whole_line(self, line: Line) -> None:
        """Broken between words, so that an id, or a number, is in one row."""
        width = self._at[0] - 1
        safe = tuple((style, harmless(text)) for style, text in line)
        rows = [safe]
        if sum(len(text) for _, text in safe) > width or not all(text.isascii() for _, text in safe):
            rows = self.pen().line(safe, width, min(LABEL, width // 4))
        for row in rows:
            self._final(written(row, self.depth))

    def _labelled(self, what: Labelled) -> list[str]:
        label = painted(what.label_style, f"{harmless(what.label):{LABEL}}", self.depth)
        rows = self.pen().rows(harmless(what.text), max(self._at[0] - 1 - LABEL, 10))
        return [
            (" " * LABEL if number else label) + painted(what.style, row.rstrip(" "), self.depth)
            for number, row in enumerate(rows)
        ]

    def _mark(self, mark: Mark, told: Told[Item], named: Callable[[Hashable], str]) -> None:
        if mark is Mark.PAUSES:
            resting = self._close()
            if resting is not None and resting.text.in_code:
                self._resting[told.key] = resting
            return
        self._close()
        if mark is Mark.CONTINUES:
            self._final(written((("dim", f"… continues ({named(told.key)})"),), self.depth))
            self._grows = self._resting.pop(told.key, None)
        elif mark is Mark.ENDS:
            self._resting.pop(told.key, None)
        else:
            unit = "characters" if mark is Mark.LEFT_OUT else "exchanges"
            words = f"… {told.size:,} {unit} left out: more came than can be shown"
            self._final(written((("yellow", words),), self.depth))

    # --- text that grows ---------------------------------------------------------------------------------------------

    def _grow(self, what: Grows) -> None:
        if self._grows is None or self._grows.kind != what.kind:
            self._close()
            self._grows = _growing(what.kind)
        self._blocks(self._grows.text.add(harmless(what.text)))

    def _close(self) -> _Growing | None:
        """It is drawn as far as it came."""
        grows, self._grows = self._grows, None
        if grows is not None:
            self._blocks(grows.text.end(), grows.kind)
        return grows

    def _blocks(self, blocks: Iterable[Block], kind: str = "") -> None:
        style = _STYLES.get(kind or (self._grows.kind if self._grows else ""), "")
        for block in blocks:
            if block.gap:
                self._final("")
            for row in self._drawn(block, style):
                self._final(row)

    def _drawn(self, block: Block, style: str) -> list[str]:
        """Its rows. Code is left to the terminal to wrap: so it can be copied."""
        width = self._at[0] - 1
        if block.kind == MARKDOWN:
            indent = min(len(block.text) - len(block.text.lstrip(" ")), width // 2)
            rows = self.pen().markdown(_dedented(block.text, indent), width - indent)
            return [" " * indent + row for row in rows.removesuffix("\n").split("\n")]
        if block.kind in (CODE, LANGUAGE):
            style = "cyan" if block.kind == CODE else "dim"
            return [painted(style, f"  {line}", self.depth) for line in block.text.split("\n")]
        return [painted(style, row, self.depth) for row in self.pen().rows(block.text, width)]

    # --- rows --------------------------------------------------------------------------------------------------------

    def _final(self, text: str) -> None:
        """A whole line, above the rows that grow."""
        self._erase(0)
        self._out.append(text + "\n")

    def _draw_rows(self) -> None:
        """The block that grows. What is too tall to be replaced becomes final."""
        grows = self._grows
        if grows is None or self.depth == BARE:
            return
        most = max(1, self._at[1] // 2)
        rows = self._rows_of(grows)
        for in_line in (False, True):
            if len(rows) > most:
                self._blocks(grows.text.cut(in_line=in_line))
                rows = self._rows_of(grows)
        grows.shown = len(grows.text.rest)
        self._replace(rows, "cyan" if grows.text.kind == CODE else _STYLES.get(grows.kind, ""))

    def _rows_of(self, grows: _Growing) -> list[str]:
        rest = grows.text.rest
        if not rest.strip():
            return []
        is_code = grows.text.kind == CODE
        rows = self.pen().rows(rest.removesuffix("\n"), self._at[0] - 1 - 2 * is_code)
        rows = ["  " * is_code + row.rstrip(" ") for row in rows]
        return ["", *rows] if grows.text.gap else rows

    def _replace(self, rows: list[str], style: str) -> None:
        if style != self._style:
            self._erase(0)
            self._style = style
        same = 0
        while same < min(len(rows), len(self._rows)) and rows[same] == self._rows[same]:
            same += 1
        if same == len(rows) == len(self._rows):
            return
        if same == len(self._rows) - 1 and same < len(rows) and rows[same].startswith(self._rows[same]):
            more = rows[same][len(self._rows[same]) :]  # the last row has grown
            self._out.append(f"{NO_WRAP}{self._painted(more)}{WRAP}")
            same += 1
        elif same < len(self._rows):
            self._erase(same)
        new = rows[same:]
        if new:
            before = "\n" if self._rows else ""
            self._out.append(f"{before}{NO_WRAP}" + "\n".join(map(self._painted, new)) + WRAP)
        self._rows = rows

    def _painted(self, row: str) -> str:
        return painted(self._style, row, self.depth)

    def _erase(self, keep: int) -> None:
        """All rows but the first ``keep``; the cursor stands behind the last one that is left."""
        gone = len(self._rows) - keep
        if not self._rows or gone <= 0:
            return
        if keep:
            gone += 1  # the last one that stays is drawn again: so the cursor comes to stand behind it
        up = f"\x1b[{gone - 1}A" if gone > 1 else ""
        last = f"{NO_WRAP}{self._painted(self._rows[keep - 1])}{WRAP}" if keep else ""
        self._out.append(f"\r{up}{ERASE}{last}")
        self._rows = self._rows[:keep]

    def _leave_rows(self) -> None:
        """They stay where they are, as plain text: what a terminal made of them at another size is not known."""
        grows = self._grows
        if not self._rows:
            return
        self._rows = []
        self._out.append("\n")
        if grows is not None:
            seen = grows.shown
            for block in grows.text.cut(in_line=True):
                left = block.text[seen:]
                if left:
                    self._blocks([Block(block.kind, left)])


def _dedented(text: str, indent: int) -> str:
    lines = text.split("\n")
    return "\n".join(line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in lines)
