"""A Markdown file as its documents: front matter, and messages under their headings, as lines.

Invariant: each line is looked at a bounded number of times, and each belongs to one message, to a sign, or is named as
wrong. Knows nothing of what the lines mean. Called by `format.py`.

A message ends where the next heading of a role stands, outside of fenced code, `<blockquote>` and `<details>`; or,
where it begins with a line `<blockquote>`, with the line `</blockquote>` that belongs to it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from attrs import define, field, frozen

from proxy_daemon.core.talk.headings import ROLES, Heading, heading, misspelt
from proxy_daemon.core.talk.wrong import Wrong

DEPTH = 100  # of <blockquote> and <details> within each other

INTERACTION = re.compile(r"## interaction:")  # of rechat's dumps
_BLANK = re.compile(r"[ \t]*\Z")
_RULE = re.compile(r"---[ \t]*\Z")
_KEY = re.compile(r"[A-Za-z_][\w .-]*:(?:[ \t]|\Z)|#")
_TITLE = re.compile(r"#{1,2} ")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)\Z")
_TAG = re.compile(r"<(/?)(blockquote|details)\b")
_OPEN, _CLOSE = re.compile(r"<blockquote>[ \t]*\Z"), re.compile(r"</blockquote>[ \t]*\Z")

_MISSPELT = "a heading that is no role: '{}' is meant; in a <blockquote> it is text"
_UNDERLINE = "--- right behind text is a title's underline: a blank line before it parts documents, a backslash is text"


@frozen
class Section:
    """One heading and what stands under it. ``line``: of the heading; ``begins``: of the first of ``body``.

    ``quoted``: it stands in a `<blockquote>`, in which blank lines are text.
    """

    role: str
    words: tuple[str, ...]
    line: int
    body: Sequence[str]
    begins: int
    quoted: bool


@define
class Document:
    """Front matter and messages. ``line``: where its front matter begins. ``dumped``: rechat wrote it."""

    line: int
    front: Sequence[str] = ()
    dumped: bool = False
    sections: list[Section] = field(factory=list)


def documents(lines: Sequence[str]) -> list[Document]:
    """All that have a message. Raises `Wrong`."""
    found = list(_Splitter(lines).run())
    for each in found:
        if not each.sections and not each.dumped and any(line.strip() for line in each.front):
            raise Wrong(each.line, "front matter behind which no message stands")
    return [each for each in found if each.sections]


class _Splitter:
    """Goes down the lines once; `_next` and `_rules` make each look ahead one step."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines, self._at = lines, 0
        self._next = _next_filled(lines)
        self._rules = [at for at, line in enumerate(lines) if _RULE.match(line)]
        self._headings = [at for at, line in enumerate(lines) if heading(line)]
        self._wrapped = 0  # the line of rechat's outer <blockquote>, while one is open

    def run(self) -> Iterator[Document]:
        document = Document(1)
        while (at := self._next[self._at]) < len(self._lines):
            self._at, line = at, self._lines[at]
            if found := heading(line):
                document.sections.append(self._section(found))
                continue
            if begun := self._begun():
                yield document
                document = begun
                continue
            self._outside(line, document)
        if self._wrapped:
            raise Wrong(self._wrapped, "a <blockquote> that does not end")
        yield document

    def _begun(self) -> Document | None:
        """The document that begins here. Raises `Wrong`."""
        at, line = self._at, self._lines[self._at]
        if INTERACTION.match(line):
            self._at = self._next[at + 1]
            if self._at < len(self._lines) and _OPEN.match(self._lines[self._at]):
                self._at, self._wrapped = self._at + 1, self._at + 1
            front = self._front(self._next[self._at])
            return Document(at + 1, front, dumped=True)
        if not _RULE.match(line):
            return None
        if not self._is_bare(at) and self._closing(at) is None:
            raise Wrong(at + 1, "front matter that does not end: its last line is ---")
        return Document(at + 1, self._front(at))

    def _front(self, at: int) -> Sequence[str]:
        """The front matter that begins at a line, if one does; what follows is read next."""
        self._at = min(at, len(self._lines))
        if at >= len(self._lines) or not _RULE.match(self._lines[at]):
            return ()
        self._at = at + 1
        end = None if self._is_bare(at) else self._closing(at)
        if end is None:
            return ()
        self._at = end + 1
        return self._lines[at + 1 : end]

    def _is_bare(self, at: int) -> bool:
        """Whether a line of `---` stands right before a heading, or is the last: no front matter follows."""
        behind = self._next[at + 1]
        return behind >= len(self._lines) or heading(self._lines[behind]) is not None

    def _closing(self, at: int) -> int | None:
        """The next line of `---`."""
        place = bisect_right(self._rules, at)
        return self._rules[place] if place < len(self._rules) else None

    def _outside(self, line: str, document: Document) -> None:
        """What may stand outside of messages. Raises `Wrong`."""
        at = self._at
        if line.startswith("<!--"):
            self._comment()
        elif _CLOSE.match(line) and self._wrapped:
            self._wrapped, self._at = 0, at + 1
        elif meant := misspelt(line):
            raise Wrong(at + 1, _MISSPELT.format(meant))
        elif _TITLE.match(line):
            self._at = at + 1
        elif line.startswith("### "):
            raise Wrong(at + 1, f"a heading that is no role; the roles are {', '.join(ROLES)}")
        else:
            where = "behind the </blockquote> of a message" if document.sections else "before the first heading"
            raise Wrong(at + 1, f"text {where}: a message begins with a line such as '### user'")

    def _comment(self) -> None:
        for at in range(self._at, len(self._lines)):
            if "-->" in self._lines[at]:
                self._at = at + 1
                return
        raise Wrong(self._at + 1, "a comment that does not end: its last line has -->")

    def _section(self, found: Heading) -> Section:
        line = self._at + 1
        first = self._next[line]
        quoted = first < len(self._lines) and _OPEN.match(self._lines[first]) is not None
        begins = first + 1 if quoted else line
        end = self._end_of_quote(begins) if quoted else self._end_of_text(begins)
        self._at = end + 1 if quoted else end
        return Section(found.role, tuple(found.words.split()), line, self._lines[begins:end], begins + 1, quoted)

    def _end_of_quote(self, begins: int) -> int:
        depth = 1
        for at in range(begins, len(self._lines)):
            if _OPEN.match(self._lines[at]):
                depth += 1
            elif _CLOSE.match(self._lines[at]):
                depth -= 1
                if not depth:
                    return at
            if depth > DEPTH:
                raise Wrong(at + 1, f"more than {DEPTH} <blockquote> within each other")
        raise Wrong(begins, "a <blockquote> that does not end: its last line is </blockquote>")

    def _end_of_text(self, begins: int) -> int:
        inside = _Inside()
        for at in range(begins, len(self._lines)):
            line = self._lines[at]
            if inside.free:
                if self._ends_text(at, line):
                    inside.check_comment(at + 1)
                    return at
                self._check_words(at, line)
            inside.take(at + 1, line)
        inside.check()
        return len(self._lines)

    def _ends_text(self, at: int, line: str) -> bool:
        if heading(line) or INTERACTION.match(line) or (self._wrapped and _CLOSE.match(line)):
            return True
        if not _RULE.match(line) or not (self._is_bare(at) or self._is_front(at)):
            return False
        if not _BLANK.match(self._lines[at - 1]):
            raise Wrong(at + 1, _UNDERLINE)
        return True

    def _check_words(self, at: int, line: str) -> None:
        """Raises `Wrong` where a heading is misspelt: its message would be words of the one before."""
        if meant := misspelt(line):
            raise Wrong(at + 1, _MISSPELT.format(meant))

    def _is_front(self, at: int) -> bool:
        """Whether front matter begins here, and no rule between two paragraphs: keys or none, `---`, a heading."""
        end = self._closing(at)
        if end is None or not (self._next[at + 1] == end or _KEY.match(self._lines[at + 1])):
            return False
        behind, heading = self._next[end + 1], bisect_right(self._headings, at)
        is_last = heading == len(self._headings) and behind >= len(self._lines)
        return is_last or (heading < len(self._headings) and self._headings[heading] == behind)


class _Inside:
    """Fenced code, `<blockquote>` and `<details>` that are open in a text."""

    def __init__(self) -> None:
        self._fence, self._fence_line = "", 0
        self._tags: list[tuple[str, int]] = []
        self._comment_line = 0  # where one begins that has not ended

    @property
    def free(self) -> bool:
        """Whether none is."""
        return not self._fence and not self._tags

    def take(self, number: int, line: str) -> None:
        """The next line. Raises `Wrong`."""
        fence = _FENCE.match(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and _BLANK.match(fence[2]):
                self._fence = ""
        elif fence and not (fence[1][0] == "`" and "`" in fence[2]):
            self._fence, self._fence_line = fence[1], number
        elif tag := _TAG.match(line):
            self._tag(number, line, tag)
        elif "-->" in line:
            self._comment_line = 0
        elif line.startswith("<!--"):
            self._comment_line = self._comment_line or number

    def _tag(self, number: int, line: str, tag: re.Match[str]) -> None:
        if tag[1]:
            if self._tags and self._tags[-1][0] == tag[2]:
                self._tags.pop()
        elif f"</{tag[2]}>" not in line:
            self._tags.append((tag[2], number))
        if len(self._tags) > DEPTH:
            raise Wrong(number, f"more than {DEPTH} tags within each other")

    def check_comment(self, number: int) -> None:
        """Where the message ends. Raises `Wrong`."""
        if self._comment_line:
            raise Wrong(number, f"a message ends here, within the comment of line {self._comment_line}: take it away")

    def check(self) -> None:
        """At the end of the file. Raises `Wrong`."""
        if self._fence:
            raise Wrong(self._fence_line, f"fenced code that does not end: its last line is {self._fence}")
        if self._tags:
            name, line = self._tags[-1]
            raise Wrong(line, f"a <{name}> that does not end: its last line is </{name}>")


def _next_filled(lines: Sequence[str]) -> list[int]:
    """For each place, and the two behind the last: the next line that is not blank."""
    found = [len(lines)] * (len(lines) + 2)
    for at in range(len(lines) - 1, -1, -1):
        found[at] = found[at + 1] if _BLANK.match(lines[at]) else at
    return found
