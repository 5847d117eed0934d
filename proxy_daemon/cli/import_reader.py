"""Brings the entries of files into a store or a cassette, batch by batch.

Invariant: what a `Result` counts is committed; entries are counted in the file's order; what cannot come in is told
with its reason, and the others come in. Called by `importing.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, evolve, field, frozen

from proxy_daemon.cli.import_files import entries, progress
from proxy_daemon.cli.import_into import Into
from proxy_daemon.cli.import_result import Result
from proxy_daemon.core.adopting import NotOurs
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.imports import NotWritten

ANYTHING = "its request is not in the file, so it answers whatever nothing else answers"
MOST, LARGEST = 64, 2 * 1024 * 1024  # entries and octets of bodies that are written in one go


@frozen
class _Entry:
    """One that is read. ``recording``: None where it cannot come in; ``why`` says why, or why it is not served."""

    place: str
    recording: Recording | None
    why: str


@define
class Importer:
    """``session``: of all files; None: each file is its own."""

    formats: Sequence[Format]
    into: Into
    session: str | None = None
    dry: bool = False
    _waiting: list[_Entry] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)

    def file(self, name: str) -> Result:
        """All of one file, up to where nothing more can be written."""
        result = Result(self.dry)
        self.into.end_file()
        self._waiting, self._size = [], 0
        try:
            self._read(result, name)
        except StoreError as error:
            result.read += 1  # the one that it stopped at
            result.stopped = error
        except KeyboardInterrupt:
            result.interrupted = True
        return result

    def _read(self, result: Result, name: str) -> None:
        """Raises `StoreError`."""
        try:
            with progress(name) as tell:
                for number, entry in enumerate(entries(name, self.formats, tell)):
                    self._take(result, name, number, entry)
        except StoreError:
            raise
        except Unreadable as error:
            result.refused = error.reason if error.entry is None else f"#{error.entry}: {error.reason}"
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's format may raise anything)
            result.refused = f"{type(error).__name__}: {error}"
        self._commit(result)

    def _take(self, result: Result, name: str, number: int, entry: Recording | Skipped) -> None:
        self._waiting.append(self._entry(name, number, entry))
        self._size += 0 if isinstance(entry, Skipped) else _size(entry)
        if len(self._waiting) >= MOST or self._size >= LARGEST:
            self._commit(result)

    def _entry(self, name: str, number: int, entry: Recording | Skipped) -> _Entry:
        if isinstance(entry, Skipped):
            return _Entry(f"{name}#{entry.entry}", None, entry.reason)
        place = f"{name}#{number}"
        try:
            recording, why = self._adopted(entry)
        except NotOurs as error:
            return _Entry(place, None, str(error))
        return _Entry(place, evolve(recording, session=_text(name) if self.session is None else self.session), why)

    def _adopted(self, entry: Recording) -> tuple[Recording, str]:
        try:
            return self.into.adopted(entry)
        except NotOurs:
            raise
        except (Exception, SystemExit) as error:
            raise NotOurs(f"a dialect failed: {type(error).__name__}: {error}") from error

    def _commit(self, result: Result) -> None:
        """Write what waits. Raises `StoreError`."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        outcomes = self.into.add_all([each.recording for each in waiting if each.recording is not None])
        for each in waiting:
            outcome = NotWritten(each.why) if each.recording is None else next(outcomes)
            result.read += 1
            _count(result, each, outcome)


def _count(result: Result, entry: _Entry, outcome: bool | NotWritten) -> None:
    if entry.recording is None or isinstance(outcome, NotWritten):
        result.skip(entry.place, str(outcome))
        return
    result.add(entry.recording, outcome)
    if outcome and entry.why:
        result.note(entry.place, f"imported, but not to be served: {entry.why}")
    elif outcome and entry.recording.pattern == Pattern():
        result.note(entry.place, f"imported; {ANYTHING}")


def _size(recording: Recording) -> int:
    response = recording.response
    return recording.request.body.size + (response.body.size if response is not None else 0)


def _text(name: str) -> str:
    """A file's name as text: names that are no UTF-8 cannot be written."""
    return name.encode("utf-8", "replace").decode()
