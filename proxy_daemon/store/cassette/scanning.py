"""The documents of a cassette's octets: each read alone, and those that are known not read again.

Invariant: a document that is damaged costs itself only; where the last one has no end it was cut off by a crash. Raises
`Unreadable` where the file is none of ours, or of a newer version. Called under the file's lock (`file.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from itertools import pairwise

from attrs import define, evolve, field, frozen

from proxy_daemon.core.cassettes.llmproxy import HEADER, Damaged, Entry, read
from proxy_daemon.core.ids import Ids
from proxy_daemon.store.cassette.beside import Beside
from proxy_daemon.store.cassette.recognised import Recognised
from proxy_daemon.store.cassette.values import Held

_BEHIND = (b" ", b"\t", b"\r", b"\n", b"")  # a line's first `---`: YAML 1.2.2 section 9.1.2


@frozen(eq=False)
class Slot:
    """A place in the file: octets from ``start`` to ``end``, with a recording, or damaged.

    ``was``: it stood here before this run and was replaced; ``text`` is its document, and the place is empty. Else
    ``text`` is what is about to be written here.
    """

    start: int
    end: int
    digest: bytes = b""
    held: Held | None = None
    damaged: Damaged | None = None
    cut: bool = False
    was: Held | None = None
    text: bytes | None = None


def digest_of(text: bytes) -> bytes:
    """By which a document is known again, whatever comments stand behind it."""
    last = text.rfind(b"\n...") + 1
    end = text.find(b"\n", last) if last else -1
    return blake2b(memoryview(text)[: end if end >= 0 else len(text)], digest_size=16).digest()


def starts(data: bytes) -> list[int]:
    """Where documents begin; also one of which a crash has left less than its first line."""
    last = data.rfind(b"\n") + 1
    return [*_starts(data), *([last] if data[last:] in (b"-", b"--") else [])]


def beginning(data: bytes) -> int:
    """Where the first document begins, or the end."""
    last = data.rfind(b"\n") + 1
    return next(_starts(data), last if data[last:] in (b"-", b"--") else len(data))


def _behind(text: bytes) -> int:
    """Where something stands behind the end of a document; comments and blank lines are its own."""
    end = text.find(b"\n", text.find(b"\n...") + 1)
    rest = text[end + 1 :] if end >= 0 and b"\n..." in text else b""
    blank = all(not line.strip() or line.lstrip().startswith(b"#") for line in rest.split(b"\n"))
    return len(text) if blank else end + 1


def _starts(data: bytes) -> Iterator[int]:
    place = 0 if data.startswith(b"---") else data.find(b"\n---") + 1
    while place or data.startswith(b"---"):
        if data[place + 3 : place + 4] in _BEHIND:
            yield place
        place = data.find(b"\n---", place) + 1
        if not place:
            return


@define
class Numbers:
    """Ids for what was read from files: the later in the file, the larger."""

    ids: Ids
    _last: int = field(default=0, init=False)

    def next(self) -> int:
        """Larger than the last one."""
        self._last = max(self.ids.next(), self._last + 1)
        return self._last


@define
class Scanner:
    """Of one file. ``path``: for messages."""

    path: str
    recognised: Recognised
    numbers: Callable[[], int]
    beside: Beside

    def check(self, preamble: bytes) -> list[Damaged]:
        """What is wrong before the first document. Raises `Unreadable`."""
        found = read(self.path, preamble, self.beside, self.recognised.dialects)
        return [one for one in found if isinstance(one, Damaged)]

    def slots(self, data: bytes, at: int, line: int, known: Mapping[bytes, deque[Held]], run: int) -> Iterator[Slot]:
        """All documents of ``data``, which begins with one, or is empty; it stands at this octet and line of the file.

        ``known``: recordings by their digests; each that is found again is taken out.
        """
        for start, end in pairwise([*starts(data), len(data)]):
            text = data[start:end]
            behind = start + _behind(text)
            yield self._slot(data[start:behind], at + start, line, known, run, last=end == len(data))
            if behind < end:
                yield self._stray(data[behind:end], at + behind, line + data.count(b"\n", start, behind))
            line += text.count(b"\n")

    def _slot(
        self, text: bytes, at: int, line: int, known: Mapping[bytes, deque[Held]], run: int, *, last: bool
    ) -> Slot:
        digest = digest_of(text)
        if known.get(digest):
            return Slot(at, at + len(text), digest, known[digest].popleft())
        cut = last and b"\n..." not in text
        return self._read(text, Slot(at, at + len(text), digest, cut=cut), line, run)

    def _stray(self, text: bytes, at: int, line: int) -> Slot:
        """What stands behind the end of a document, and is none."""
        found = self.check(HEADER + text)
        reason = found[0].reason if found else "text behind a document"
        damaged = Damaged(at, at + len(text), line + (found[0].line - 2 if found else 0), reason)
        return Slot(at, at + len(text), digest_of(text), damaged=damaged)

    def _read(self, text: bytes, slot: Slot, line: int, run: int) -> Slot:
        found = list(read(self.path, HEADER + text, self.beside, self.recognised.dialects))
        if len(found) != 1:  # it is a document of ours alone: the reader splits as this does
            return evolve(slot, damaged=Damaged(slot.start, slot.end, line, "it is no single document"))
        one = found[0]
        by_line = line - 2  # the reader saw the header before it
        if isinstance(one, Damaged):
            return evolve(slot, damaged=Damaged(slot.start, slot.end, one.line + by_line, one.reason))
        try:
            recording = self.beside.swapped(self.recognised(one.recording, self.numbers()))
        except Exception as error:  # noqa: BLE001  (a plugin's dialect raises anything: it costs this recording)
            reason = f"it cannot be recognised: {error!r}"
            return evolve(slot, damaged=Damaged(slot.start, slot.end, line, reason))
        entry = Entry(recording, one.edited, slot.start, slot.end, one.line + by_line, one.sealed)
        return evolve(slot, held=Held(entry, slot.digest, run))
