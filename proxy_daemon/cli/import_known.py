"""What a cassette holds already of what is imported: nothing comes in twice.

Invariant: a recording that is there is met once by each file, so one that holds it twice brings the second; the cost is
linear, however many answers one request has. Called by `import_into_cassette.py`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterator

from attrs import define, field

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.cassette.cassette import Cassette

_PAGE = 10_000


@define
class Known:
    """``cassette``: open, and what it held then counts. Recordings are alike by what `_told` says of them."""

    cassette: Cassette
    _unread: dict[bytes, list[int]] = field(init=False)  # ids by fingerprint, until one of it is asked for
    _there: Counter[Hashable] = field(factory=Counter, init=False)
    _met: Counter[Hashable] = field(factory=Counter, init=False)  # by this file
    _new: Counter[Hashable] = field(factory=Counter, init=False)  # of this file

    def __attrs_post_init__(self) -> None:
        self._unread = {}
        for fingerprint, number, _ in _rows(self.cassette):
            self._unread.setdefault(fingerprint, []).append(number)

    def knows(self, recording: Recording) -> bool:
        """Whether another file, or an earlier import of this one, has brought it."""
        self._read(recording.fingerprint)
        told = _told(recording)
        if told is None or self._met[told] >= self._there[told]:
            return False
        self._met[told] += 1
        return True

    def brought(self, recording: Recording) -> None:
        """It came in with this file."""
        self._new[_told(recording)] += 1

    def end_file(self) -> None:
        """What comes now is of another file: it may hold what this one has brought."""
        self._there.update(self._new)
        self._met.clear()
        self._new.clear()

    def _read(self, fingerprint: bytes) -> None:
        for number in self._unread.pop(fingerprint, ()):
            recording = self.cassette.get(number)
            if recording is not None:
                self._there[_told(recording)] += 1


def _rows(cassette: Cassette) -> Iterator[tuple[bytes, int, str]]:
    """All that it serves."""
    rows = cassette.replayable(_PAGE)
    while rows:
        yield from rows
        rows = cassette.replayable(_PAGE, rows[-1][:2])


def _told(recording: Recording) -> Hashable:
    """What makes it another one; None where its answer cannot be read."""
    response, request = recording.response, recording.request
    if response is None:
        return None
    digest = hashlib.sha256()
    try:
        for chunk in chunks(response.body):
            digest.update(chunk)
    except OSError:
        return None
    asked = recording.fingerprint, request.method, request.target
    return asked, recording.status, recording.written, recording.pattern, digest.digest()
