"""Cuts a growing Markdown text into blocks that are whole: what is drawn once need not be drawn again.

A block is whole where the next one begins: at a blank line, a heading, a fence, or the next item of a list. Code is cut
into its lines. Each word of the text is in one block, in order; blank lines (`Block.gap` tells of them) and the fences
around code are not. Called by `plugins/console/`, with pieces of any size; linear in the text.

See https://spec.commonmark.org/0.31.2/ (sections 4 and 5). It is a cut for the eye, not a parser: one at a wrong place
costs looks, never words.
"""

from __future__ import annotations

import re

from attrs import frozen

LONGEST = 4 * 1024  # characters of a block; what is longer is plain from there on
_FENCE = re.compile(
    r"(?P<before>[ ]*(?:(?:[-*+]|\d{1,9}[.)])[ ]+)?)(?P<mark>`{3,}(?=[^`]*\Z)|~{3,})(?P<said>[^\n]*)", re.DOTALL
)
_ITEM = re.compile(r"[ ]{0,3}(?:[-*+]|\d{1,9}[.)])(?:[ ]|$)")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}(?:[ ]|$)")
_CODE_INDENT = 4  # spaces; within a list they are the list's

MARKDOWN, CODE, LANGUAGE, PLAIN = "markdown", "code", "language", "plain"


@frozen
class Block:
    """``kind``: "markdown", "code" (lines of it), "language" (of the code behind it), "plain" (of what is too long).

    ``gap``: a blank line stands before it.
    """

    kind: str
    text: str
    gap: bool = False


class Blocks:
    """Of one text. What is in no block yet is `rest`."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._lines: list[str] = []  # of the block that grows, whole ones
        self._size = 0
        self._line: list[str] = []  # the last line, as far as it came
        self._line_size = 0
        self._fence = ""  # the mark that ends the code that we are in
        self._indent = 0  # of the code
        self._in_list = False
        self._is_plain = False  # the block was too long: what comes is plain until it ends
        self._mid_line = False  # a part of the line was in a block already
        self._gap = False

    @property
    def rest(self) -> str:
        """The block that grows, to be shown as plain text until it is whole."""
        return "\n".join([*self._lines, "".join(self._line)])

    @property
    def kind(self) -> str:
        """Of what grows."""
        return CODE if self._fence else PLAIN if self._is_plain else MARKDOWN

    @property
    def in_code(self) -> bool:
        """Whether what comes next is code."""
        return bool(self._fence)

    @property
    def gap(self) -> bool:
        """Whether a blank line stands before what grows."""
        return self._gap

    def add(self, text: str) -> list[Block]:
        """The blocks that are whole now."""
        done: list[Block] = []
        *lines, last = text.split("\n")
        for line in lines:
            self._line.append(line)
            done += self._whole_line(self._line_taken())
            self._mid_line = False
            if self._size > self._longest:
                done += self.cut()
        if last:
            self._line.append(last)
            self._line_size += len(last)
        if self._line_size > self._longest:
            done += self.cut(in_line=True)
        return done

    def end(self) -> list[Block]:
        """What is left, as far as it came. The text may go on: within code it stays code."""
        done = self._whole_line(self._line_taken()) if self._line else []
        self._is_plain = self._mid_line = False
        return done + self._taken()

    def cut(self, *, in_line: bool = False) -> list[Block]:
        """The block that grows, as plain text from here on: its whole lines, and with ``in_line`` the last one too."""
        kind = self.kind if self._fence else PLAIN
        lines, self._lines, self._size = self._lines, [], 0
        if in_line and self._line:
            lines.append(self._line_taken())
            self._mid_line = True
        if not lines:
            return []
        self._is_plain = not self._fence
        return [Block(kind, "\n".join(lines), self._gap_taken())]

    def _line_taken(self) -> str:
        text = "".join(self._line)
        self._line, self._line_size = [], 0
        return text

    def _whole_line(self, line: str) -> list[Block]:
        if self._fence or self._mid_line:
            return self._code(line) if self._fence else self._plain(line)
        if not line.strip():
            return self._blank()
        if self._is_plain:
            return self._plain(line)
        if (fence := _FENCE.fullmatch(line)) is not None:
            return [*self._taken(), *self._opened(fence)]
        if _HEADING.match(line):
            done = self._taken()
            self._lines.append(line)
            return done + self._taken()
        return self._grown(line)

    def _plain(self, line: str) -> list[Block]:
        return [Block(PLAIN, line, self._gap_taken())] if line else []

    def _blank(self) -> list[Block]:
        done, self._is_plain, self._gap = self._taken(), False, True
        return done

    def _grown(self, line: str) -> list[Block]:
        """The block with one more line; an item of a list begins another one, but within a quotation or a table."""
        within = bool(self._lines) and self._lines[0].lstrip().startswith((">", "|"))
        done = self._taken() if not within and _ITEM.match(line) else []
        self._lines.append(line)
        self._size += len(line) + 1
        return done

    def _opened(self, fence: re.Match[str]) -> list[Block]:
        """Code begins. What stands before the fence is an item of a list; behind it, the name of the language."""
        before, said = fence["before"], fence["said"].strip()
        self._fence, self._indent = fence["mark"], len(before)
        self._in_list = self._in_list or bool(before.strip())
        item = [Block(PLAIN, before.rstrip(), self._gap_taken())] if before.strip() else []
        return [*item, *([Block(LANGUAGE, said, self._gap_taken())] if said else [])]

    def _code(self, line: str) -> list[Block]:
        bare = line.strip()
        if bare.startswith(self._fence) and not bare.strip(self._fence[0]) and not self._mid_line:
            self._fence = ""
            return []
        if self._mid_line and not line:
            return []
        cut = min(self._indent, len(line) - len(line.lstrip(" ")))
        return [Block(CODE, line[cut:], self._gap_taken())]

    def _taken(self) -> list[Block]:
        if not self._lines:
            return []
        lines, self._lines, self._size = self._lines, [], 0
        indent = len(lines[0]) - len(lines[0].lstrip(" "))
        if indent == 0 or _ITEM.match(lines[0]):
            self._in_list = _ITEM.match(lines[0]) is not None
        kind = CODE if indent >= _CODE_INDENT and not self._in_list else MARKDOWN
        return [Block(kind, "\n".join(lines), self._gap_taken())]

    def _gap_taken(self) -> bool:
        gap, self._gap = self._gap, False
        return gap


class Rows:
    """The same for a text that is no Markdown: each line is a block."""

    kind, in_code, gap = PLAIN, False, False

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._line: list[str] = []
        self._size = 0

    @property
    def rest(self) -> str:
        """The line that grows."""
        return "".join(self._line)

    def add(self, text: str) -> list[Block]:
        """The lines that are whole now."""
        *lines, last = text.split("\n")
        done = []
        for line in lines:
            done.append(Block(PLAIN, self.rest + line))
            self._line, self._size = [], 0
        self._line.append(last)
        self._size += len(last)
        return done + (self.cut(in_line=True) if self._size > self._longest else [])

    def end(self) -> list[Block]:
        """What is left."""
        return self.cut(in_line=True)

    def cut(self, *, in_line: bool = False) -> list[Block]:
        """With ``in_line``, the line as far as it came."""
        text = self.rest if in_line else ""
        if in_line:
            self._line, self._size = [], 0
        return [Block(PLAIN, text)] if text else []
