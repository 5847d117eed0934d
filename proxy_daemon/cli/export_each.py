"""Exchanges one by one from where they are to where they go; and what becomes of each.

Invariant: one recording is held at a time; whatever is wrong with one, the others are exported, and it is told. Called
by `exporting.py`.
"""

from __future__ import annotations

from attrs import frozen

from proxy_daemon.cli.export_outputs import Output
from proxy_daemon.cli.export_report import Report
from proxy_daemon.cli.export_safety import Safety
from proxy_daemon.cli.export_sources import Exchanges, Found, LeftOut, file_name
from proxy_daemon.cli.export_watch import progress
from proxy_daemon.core.cassettes.foreign_text import WrittenEntry
from proxy_daemon.core.cassettes.writers import Writer
from proxy_daemon.core.messages import Recording


@frozen
class Export:
    """One call of the command."""

    writer: Writer
    safety: Safety
    output: Output
    report: Report

    def all(self, exchanges: Exchanges) -> None:
        """Raises `StoreError`, OSError and `WrongOutput`."""
        with progress(exchanges.total) as advance:
            for found in exchanges:
                self._one(found)
                del found  # the next recording comes when this one is gone
                advance()

    def _one(self, found: Found) -> None:
        try:
            recording = _read(found)
            if not found.selected(recording):
                return
            name = file_name(found, recording)
            entry, suspect = self._written(recording)
            del recording
            self.output.put(name, entry)
        except LeftOut as error:
            self.report.left.add(found.place, str(error))
            return
        self.report.written += 1
        for what in entry.losses:
            self.report.lose(what)
        for why in suspect:
            self.report.suspect.add(found.place, why)

    def _written(self, recording: Recording) -> tuple[WrittenEntry, list[str]]:
        """The entry, and what looks like a secret in it. Raises `LeftOut`."""
        try:
            safe, left = self.safety.safe(recording)
            entry = _checked(self.writer.entry(safe))
        except LeftOut:
            raise
        except OSError as error:
            raise LeftOut(f"its bodies cannot be read: {error}") from None
        except (Exception, SystemExit) as error:  # a plugin's writer may raise anything
            raise LeftOut(f"the format failed with {type(error).__name__}") from error
        return entry, [f"{each.where}: {each.what}" for each in left]


def _checked(entry: WrittenEntry) -> WrittenEntry:
    """Raises `LeftOut`: a plugin's format may give anything."""
    if not isinstance(entry, WrittenEntry) or not _is_sound(entry):
        raise LeftOut("the format gave what is no entry")
    if entry.text:
        return entry
    raise LeftOut(entry.left_out if entry.losses else "the format has nothing to say of it")


def _is_sound(entry: WrittenEntry) -> bool:
    octets, words = [entry.text, *entry.files.values()], [*entry.losses, *entry.files]
    return all(isinstance(each, bytes) for each in octets) and all(isinstance(each, str) for each in words)


def _read(found: Found) -> Recording:
    """Raises `LeftOut` and `StoreError`."""
    try:
        return found.load()
    except OSError as error:
        raise LeftOut(f"it cannot be read: {error}") from None
