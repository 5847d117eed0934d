"""The lines under a heading as parts of a message: words, thoughts, calls, results, media.

Invariant: what `parts_writing.py` wrote comes back as it was; each line belongs to one part. Called by `format.py`.

Between two signs stand words. Of them one blank line at each end belongs to the signs; outside of a `<blockquote>`
all blank lines do.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote_to_bytes

from proxy_daemon.core.conversation import (
    Declined,
    Media,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects.openai.parts import parts_of
from proxy_daemon.core.talk import quoting
from proxy_daemon.core.talk.documents import Section
from proxy_daemon.core.talk.front_matter import python_value
from proxy_daemon.core.talk.wrong import Wrong

FAILED = "failed"
PART = "<!-- part -->"
_PART = re.compile(re.escape(PART) + r"[ \t]*\Z")
_HEADING = re.compile(r"#### (call|result|other)((?:[ \t]+\S+)*)[ \t]*\Z")
_DETAILS = re.compile(r"<details(?: open)?>[ \t]*<summary>(reasoning|declined)</summary>[ \t]*\Z")
_DETAILS_END = re.compile(r"</details>[ \t]*\Z")
_MEDIA = re.compile(rf'!\[({"|".join(quoting.MEDIA)})\]\((?:<([^<>]*)>|([^\s<>"]*))(?:[ \t]+"([^"]*)")?\)[ \t]*\Z')
_TITLE = re.compile(r"(.*?)(?:(?:, |\A)([0-9]{1,18}) octets)?\Z", re.ASCII | re.DOTALL)
_DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,]*)?),(.*)\Z", re.DOTALL)
_FENCE = re.compile(r"(`{3,}|~{3,})")
_REPR = re.compile(r"\[\{['\"]")  # how a list of blocks begins that Python's `str()` wrote


def parts(section: Section, *, dumped: bool = False) -> tuple[Part, ...]:
    """What stands under a heading. ``dumped``: rechat wrote it. Raises `Wrong`."""
    body = section.body
    if section.quoted and section.role != "tool" and (written := _of_python(body, dumped=dumped)) is not None:
        return written
    return tuple(_Reader(section).read())


def begins_apart(section: Section) -> bool:
    """Whether the body begins with the sign that parts words: then its words are no result of a tool."""
    first = next((line for line in section.body if line.strip(" \t")), "")
    return _PART.match(first) is not None


def _of_python(body: Sequence[str], *, dumped: bool) -> tuple[Part, ...] | None:
    """Rechat writes a content that is a list, or null, as Python does."""
    words = [line for line in body if line]
    if len(words) != 1 or not (_REPR.match(words[0]) or (dumped and words[0] == "None")):
        return None
    try:
        return tuple(parts_of(python_value(words[0])))
    except ValueError:
        return None


def looks_like_python(text: str) -> bool:
    """Whether words would be read as what rechat writes."""
    return _REPR.match(text) is not None


class _Reader:
    """Goes down the lines of one message once."""

    def __init__(self, section: Section) -> None:
        self._lines, self._begins, self._quoted = section.body, section.begins, section.quoted
        self._at = 0

    def read(self) -> Iterator[Part]:
        while True:
            text = self._words()
            if text is not None:
                yield Text(text)
            if self._at >= len(self._lines):
                return
            yield from self._sign()

    def _words(self, *, until_end: bool = False) -> str | None:
        """Those up to the next sign, or the next `</details>`; None where there are none."""
        begin = self._at
        stop = _DETAILS_END.match if until_end else _is_sign
        fence = ""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not fence and stop(line):
                break
            fence = fence if self._quoted else _fenced(fence, line)
            self._at += 1
        return _joined(self._lines[begin : self._at], quoted=self._quoted)

    def _sign(self) -> Iterable[Part]:
        line, number = self._lines[self._at], self._begins + self._at
        self._at += 1
        if _PART.match(line):
            return ()
        if heading := _HEADING.match(line):
            return (self._named(heading[1], heading[2].split(), number),)
        if details := _DETAILS.match(line):
            return (self._details(details[1], number),)
        if found := _MEDIA.match(line):
            return (_medium(found),)
        raise Wrong(number, "a sign that is not known; a backslash before it makes it text")

    def _named(self, kind: str, words: list[str], line: int) -> Part:
        names = [quoting.of_word(each) for each in words]
        if kind == "call":
            if not words or len(words) > 2:  # noqa: PLR2004  (a name, and an id)
                raise Wrong(line, "a call has a name and may have an id: '#### call NAME ID'")
            return ToolCall(names[1] if len(names) > 1 else "", names[0], self._fenced(line))
        if kind == "other":
            return Other(" ".join(names))
        return result(names, self._words() or "", line)

    def _fenced(self, line: int) -> str:
        """The fenced code that stands next; an empty object where there is none. Raises `Wrong`."""
        at = self._at
        while at < len(self._lines) and not self._lines[at].strip(" \t"):
            at += 1
        fence = _FENCE.match(self._lines[at]) if at < len(self._lines) else None
        if fence is None:
            return "{}"
        for end in range(at + 1, len(self._lines)):
            if self._lines[end].rstrip(" \t") == fence[1]:
                self._at = end + 1
                return quoting.read("\n".join(self._lines[at + 1 : end]))
        raise Wrong(line + at - self._at + 1, f"fenced code that does not end: its last line is {fence[1]}")

    def _details(self, kind: str, line: int) -> Part:
        text = self._words(until_end=True) or ""
        if self._at >= len(self._lines):
            raise Wrong(line, "a <details> that does not end: its last line is </details>")
        self._at += 1
        return Reasoning(text) if kind == "reasoning" else Declined(text)


def result(words: Sequence[str], text: str, line: int) -> ToolResult:
    """What a tool gave: `NAME ID failed`, of which each may be missing. Raises `Wrong`."""
    failed = len(words) == 3 and words[2] == FAILED  # noqa: PLR2004  (behind a name and an id)
    named = words[:2] if failed else words
    if len(named) > 2:  # noqa: PLR2004
        raise Wrong(line, "a result has the tool's name, the call's id, and may have the word 'failed'")
    name, call = (*named, "", "")[:2]
    return ToolResult(call, text, name, failed)


def _is_sign(line: str) -> bool:
    if line[:1] not in "#<!":
        return False
    return bool(_HEADING.match(line) or _DETAILS.match(line) or _PART.match(line) or _MEDIA.match(line))


def _fenced(fence: str, line: str) -> str:
    """What code is open behind a line."""
    found = _FENCE.match(line)
    if not fence:
        return found[1] if found and not (found[1][0] == "`" and "`" in line[found.end() :]) else ""
    return "" if found and found[1].startswith(fence) and not line[found.end() :].strip(" \t") else fence


def _joined(lines: Sequence[str], *, quoted: bool) -> str | None:
    """The words of these lines, without the blank ones that belong to the signs around them."""
    begin, end = 0, len(lines)
    while begin < end and not (lines[begin] if quoted else lines[begin].strip(" \t")):
        begin += 1
        if quoted:
            break
    while begin < end and not (lines[end - 1] if quoted else lines[end - 1].strip(" \t")):
        end -= 1
        if quoted:
            break
    return quoting.read("\n".join(lines[begin:end])) if begin < end else None


def _medium(found: re.Match[str]) -> Media:
    kind, source = found[1], quoting.odd_read(found[2] if found[2] is not None else found[3])
    title = _TITLE.match(quoting.odd_read(found[4] or ""))
    media_type, size = (title[1], title[2]) if title else ("", None)
    url = _DATA_URL.match(source)
    if url is None:
        return Media(kind, media_type, source, int(size) if size else None)
    return Media(kind, media_type or url[1], "", int(size) if size else len(url[3]), _octets(url[2], url[3]))


def _octets(coding: str, text: str) -> bytes:
    if "base64" not in coding:
        return unquote_to_bytes(text)
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        return b""
