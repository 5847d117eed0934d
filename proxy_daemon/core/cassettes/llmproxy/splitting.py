"""A file into its documents, whatever stands in them: a damaged one costs itself only.

Invariant: the spans are octets of the file as it is, and in order. Called by `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from attrs import frozen

from proxy_daemon.core.cassettes import MOST, Unreadable
from proxy_daemon.core.cassettes.llmproxy.values import HEADER, VERSION

_BOM = b"\xef\xbb\xbf"
_FIRST = re.compile(rb"# llmproxy cassette ([0-9]{1,9})[ \t]*(?:\r?\n|\Z)")
_START = re.compile(rb"---(?=[ \t\r\n]|\Z)")
_END = re.compile(rb"\.\.\.(?:[ \t]+#[^\n]*|[ \t\r]*)(?:\n|\Z)")
_BETWEEN = re.compile(rb"(?:[ \t]*+(?:#[^\n]*+)?\r?(?:\n|\Z))*+\Z")  # blank lines and comments
_CONFLICTS = [(mark, re.compile(re.escape(mark) + rb"(?=[ \r\n]|\Z)")) for mark in (b"<<<<<<<", b"=======", b">>>>>>>")]
_UNMERGED = "a mark of a merge that is not done: choose one side"


@frozen
class Part:
    """A document, or what stands where one should. ``fault``: why it is none, and ``at`` which octet of it."""

    start: int
    end: int
    line: int
    fault: str = ""
    at: int = 0


def is_ours(data: bytes) -> bool:
    """Whether the first line is that of a cassette of ours, of any version."""
    return _FIRST.match(data.removeprefix(_BOM)) is not None


def parts(file: str, data: bytes) -> Iterator[Part]:
    """All documents of a file, in order. Raises `Unreadable` where its first line is not ours, or newer."""
    if len(data) > MOST:
        raise Unreadable(file, f"larger than {MOST} octets")
    begin = _header(file, data)
    if not begin:
        yield from [Part(0, len(data), 1, "cut off: its first line is not whole")] if data else []
        return
    starts = [found.start() for found in _lines(data, b"---", _START, begin)]
    first, line = min([*starts, len(data)]), 2
    if not _BETWEEN.match(data[begin:first]):
        yield Part(begin, first, line, *_stray(data[begin:first], "text before the first `---`"))
    line += data.count(b"\n", begin, first)
    for start, end in pairwise([*starts, len(data)]):
        yield from document(data, start, end, line)
        line += data.count(b"\n", start, end)


def _header(file: str, data: bytes) -> int:
    """Where the first line ends."""
    begin = len(_BOM) if data.startswith(_BOM) else 0
    found = _FIRST.match(data, begin)
    if found is None and HEADER.startswith(data[begin:]):
        return 0  # it was cut off while it was made, or is empty
    if found is None:
        conflict = f", but {_UNMERGED}" if _conflict(data[:100]) == 0 else ""
        raise Unreadable(file, f"its line 1 is not `{HEADER.decode().strip()}`{conflict}")
    if int(found[1]) > VERSION:
        raise Unreadable(
            file, f"written by a newer llmproxy: cassettes of version {int(found[1])}, this reads {VERSION}"
        )
    if int(found[1]) != VERSION:
        raise Unreadable(file, f"cassettes have no version {int(found[1])}; this is {VERSION}")
    return found.end()


def document(data: bytes, start: int, end: int, line: int) -> Iterator[Part]:
    """Up to its `...`, and what stands behind that where nothing should."""
    text = data[start:end]
    conflict = _conflict(text)
    found = next(_lines(text, b"...", _END), None)
    if conflict is not None and (found is None or conflict < found.start()):
        yield Part(start, end, line, _UNMERGED, conflict)
    elif found is None:
        last = max(0, text.rstrip().rfind(b"\n") + 1)
        yield Part(start, end, line, "cut off: a document ends in a line `...`", last)
    else:
        behind = start + found.end()
        yield Part(start, behind, line)
        if not _BETWEEN.match(data[behind:end]):
            line += data.count(b"\n", start, behind)
            yield Part(behind, end, line, *_stray(data[behind:end], "text behind a `...`: the next begins with `---`"))


def _stray(text: bytes, reason: str) -> tuple[str, int]:
    conflict = _conflict(text)
    return (reason, 0) if conflict is None else (_UNMERGED, conflict)


def _conflict(text: bytes) -> int | None:
    """Where the first mark that git leaves of a merge stands."""
    found = (next(_lines(text, *mark), None) for mark in _CONFLICTS)
    return min((each.start() for each in found if each is not None), default=None)


def _lines(data: bytes, word: bytes, pattern: re.Pattern[bytes], begin: int = 0) -> Iterator[re.Match[bytes]]:
    """What of the lines that begin with ``word`` is like the pattern. A search for plain octets is far faster."""
    at = begin if data.startswith(word, begin) else _next(data, word, begin)
    while at >= 0:
        if found := pattern.match(data, at):
            yield found
        at = _next(data, word, at)


def _next(data: bytes, word: bytes, begin: int) -> int:
    return (data.find(b"\n" + word, begin) + 1) or -1
