"""A file of another tool that is only read, and read again when it has changed: the last version that could be read.

Invariant: what is served is a whole version of the file. Editors write in steps, so a file that changes is looked at
once it has rested for as long as between two looks, and what changes under our hands is not taken; what cannot be
understood, is empty or gone changes nothing but `trouble`. `is_other` is called on the reactor thread, once a second;
all else in the thread of `read_again.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import takewhile

from attrs import define, evolve, field

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.store.cassette.disk import Stat, read_from, stat_of
from proxy_daemon.store.cassette.file import CassetteFile, Reached
from proxy_daemon.store.cassette.foreign import Foreign, LeftOut
from proxy_daemon.store.cassette.values import Held

GONE: Stat = (0, 0, 0, 0)
_UNTRIED: Stat = (-1, -1, -1, -1)


class StillWritten(Exception):
    """The file changes: it is looked at again."""


@define(kw_only=True)
class ReadFile(CassetteFile):
    """``reader``: how it is read. ``left_out``: entries that are not served."""

    reader: Foreign
    left_out: Sequence[LeftOut] = field(default=(), init=False)
    _held: Sequence[Held] = field(default=(), init=False)
    _looked_at: Stat = field(default=GONE, init=False)  # on the reactor thread
    _tried: Stat = field(default=_UNTRIED, init=False)  # the last version that was read, or could not be

    def begin(self, descriptor: int, data: bytes) -> None:
        """With what is there at the start. Raises `Unreadable`."""
        self._tried = self._looked_at = stat_of(descriptor)
        self._take(descriptor, data)

    def is_other(self) -> bool:
        """Whether there is a version that was not tried yet, and has rested."""
        found = _stat(self.path)
        rested, self._looked_at = found == self._looked_at, found
        if not rested or found == self._tried:
            return False
        self._tried = found
        return True

    def refresh(self, descriptor: int, *, repair: bool) -> None:
        """Read it again. Raises OSError, `Unreadable` and `StillWritten`: what was read before stays."""
        before = stat_of(descriptor)
        if before == self.stat:
            return
        data = self._read(descriptor, before)
        self._take(descriptor, data, needs_one=True)
        self.notice = f"{self.path} has changed: of its answers {len(self._held)} are served now"

    def _read(self, descriptor: int, rested: Stat) -> bytes:
        """All of it, if nobody writes. Raises OSError, and `StillWritten`."""
        if rested == self._tried:
            data = read_from(descriptor, self.path)
            if stat_of(descriptor) == rested:
                return data
        self._tried = _UNTRIED
        raise StillWritten

    def _take(self, descriptor: int, data: bytes, *, needs_one: bool = False) -> None:
        found = list(self.reader.entries(self.path, data))
        left_out = [one for one in found if isinstance(one, LeftOut)]
        new = [one for one in found if not isinstance(one, LeftOut)]
        if needs_one and not new:
            reason = f"none of its answers can be served: {left_out[0].reason}" if left_out else "no answer is in it"
            raise Unreadable(self.path, reason)
        new, self.left_out = self._known_again(new), left_out
        self._anew_of = {one.recording.fingerprint for one in (*self._held, *new)}
        self._held, self.by_fingerprint = new, {}
        for one in new:
            self.by_fingerprint.setdefault(one.recording.fingerprint, []).append(one)
        self._reached = Reached()
        self._reach(descriptor, b"", len(data), data.count(b"\n"))

    def _known_again(self, new: list[Held]) -> list[Held]:
        """Up to the first that is another, all stay what they were, so that sequences go on where they are.

        Behind it the ids are new: the file's order is that of the ids.
        """
        same = [_with_id(one, old) for old, one in takewhile(_is_same, zip(self._held, new, strict=False))]
        return same + new[len(same) :]


def _with_id(one: Held, old: Held) -> Held:
    """What may be another is the line in which it stands."""
    recording = evolve(one.recording, id=old.recording.id)
    return Held(evolve(one.entry, recording=recording), one.digest, one.run)


def _is_same(pair: tuple[Held, Held]) -> bool:
    old, new = (one.recording for one in pair)
    return old == evolve(new, id=old.id, detail=old.detail)


def _stat(path: str) -> Stat:
    try:
        found = os.stat(path)
    except OSError:
        return GONE
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
