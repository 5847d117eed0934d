"""Where an export goes: a file, a folder with a file for each exchange, standard output, or nowhere.

Invariant: a file has its name when it is whole; on a terminal nothing is shown that would steer it. Called by
`exporting.py`.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Protocol

from proxy_daemon.cli.export_place import InTheWay, Place, checked
from proxy_daemon.cli.export_sources import LeftOut
from proxy_daemon.cli.export_watch import too_late
from proxy_daemon.core.cassettes.foreign_text import WrittenEntry
from proxy_daemon.core.cassettes.writers import Writer

ONE = "{} holds one exchange in a file: --output FOLDER/ writes a file for each"
BESIDE = "a part of it would stand in a file beside: name a file or a folder with --output"
OCTETS = "it is no text that a terminal can show: name a file with --output"


class WrongOutput(ValueError):
    """It cannot be written there. One line."""


class Output(Protocol):
    """One export. Use `abandon` at the end, also behind `finish`."""

    def put(self, name: str, entry: WrittenEntry) -> None:
        """One exchange. ``name``: of its file, without a suffix. Raises OSError, `LeftOut` and `WrongOutput`."""

    def finish(self) -> None:
        """That was the last. Raises OSError and `WrongOutput`."""

    def abandon(self) -> None:
        """What is not finished is gone."""


def output_of(path: str | None, writer: Writer, *, force: bool, dry: bool) -> Output:
    """``path``: None for standard output. Raises OSError and `WrongOutput`."""
    if path is None:
        return Nowhere(writer, single=writer.single) if dry else Standard(writer)
    if not path or "\0" in path:
        raise WrongOutput("--output is no name of a file")
    folder = path.endswith("/") or Path(path).is_dir()
    _check(path, folder=folder, force=force)
    if dry:
        return Nowhere(writer, single=writer.single and not folder)
    if folder:
        return InFolder(Place(path, force=force, make=not Path(path).is_dir()), writer)
    above, name = os.path.split(path)
    return InFile(Place(above or ".", force=force), name, writer)


def _check(path: str, *, folder: bool, force: bool) -> None:
    """What is known before anything is read. Raises `WrongOutput`."""
    plain = path.rstrip("/") or path
    above = Path(plain).parent
    if Path(plain).is_symlink():
        raise WrongOutput(f"{path} is a link: name what it leads to, {os.path.realpath(plain)}")
    if not above.is_dir():
        raise WrongOutput(f"there is no folder {above}")
    try:
        there = Path(plain).lstat().st_mode
    except FileNotFoundError:
        return
    if folder and not stat.S_ISDIR(there):
        raise WrongOutput(f"{plain} is no folder")
    if not folder and not stat.S_ISREG(there):
        raise WrongOutput(f"{path} is no regular file; without --output the export goes to standard output")
    if not folder and not force:
        raise WrongOutput(f"{path} is there; --force replaces it")


class InFile:
    """All in one file, with what stands beside it."""

    def __init__(self, place: Place, name: str, writer: Writer) -> None:
        """Raises OSError."""
        self._place, self._name, self._writer = place, name, writer
        self._written = False
        try:
            self._file: BinaryIO = place.begin(name)
        except BaseException:
            place.abandon()
            raise

    def put(self, name: str, entry: WrittenEntry) -> None:
        """See `Output`."""
        if self._written and self._writer.single:
            raise WrongOutput(ONE.format(self._writer.name))
        for beside, octets in entry.files.items():
            _put(self._place, beside, octets)
        self._file.write(self._writer.between if self._written else self._writer.head)
        self._file.write(entry.text)
        self._written = True

    def finish(self) -> None:
        """See `Output`."""
        self._file.write(self._writer.tail if self._written else self._writer.empty)
        self._place.end(self._name, self._file)
        _commit(self._place)

    def abandon(self) -> None:
        """See `Output`."""
        self._place.abandon()
        _close(self._file)


class InFolder:
    """A file for each."""

    def __init__(self, place: Place, writer: Writer) -> None:
        self._place, self._writer = place, writer

    def put(self, name: str, entry: WrittenEntry) -> None:
        """See `Output`."""
        for beside, octets in entry.files.items():
            _put(self._place, beside, octets)
        _put(self._place, f"{name}{self._writer.suffix}", self._writer.head, entry.text, self._writer.tail)

    def finish(self) -> None:
        """See `Output`."""
        _commit(self._place)

    def abandon(self) -> None:
        """See `Output`."""
        self._place.abandon()


class Standard:
    """Standard output: what is written is written; of formats with one exchange, when it is the only one."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._written, self._held = writer, False, b""
        self._shown = sys.stdout.isatty()

    def put(self, name: str, entry: WrittenEntry) -> None:
        """See `Output`."""
        if entry.files:
            raise LeftOut(BESIDE)
        if self._written and self._writer.single:
            raise WrongOutput(ONE.format(self._writer.name))
        text = (self._writer.between if self._written else self._writer.head) + entry.text
        if self._shown and not _can_be_shown(text):
            raise WrongOutput(OCTETS)
        self._written = True
        if self._writer.single:
            self._held = text
        else:
            sys.stdout.buffer.write(text)

    def finish(self) -> None:
        """See `Output`."""
        sys.stdout.buffer.write(self._held + (self._writer.tail if self._written else self._writer.empty))
        sys.stdout.buffer.flush()

    def abandon(self) -> None:
        """See `Output`."""


class Nowhere:
    """What `--dry-run` writes: the same is refused as elsewhere."""

    def __init__(self, writer: Writer, *, single: bool) -> None:
        self._writer, self._single, self._written = writer, single, False

    def put(self, name: str, entry: WrittenEntry) -> None:
        """See `Output`."""
        if self._written and self._single:
            raise WrongOutput(ONE.format(self._writer.name))
        try:
            for beside in entry.files:
                checked(beside)
        except InTheWay as error:
            raise LeftOut(str(error)) from None
        self._written = True

    def finish(self) -> None:
        """See `Output`."""

    def abandon(self) -> None:
        """See `Output`."""


def _put(place: Place, name: str, *parts: bytes) -> None:
    try:
        place.put(name, *parts)
    except InTheWay as error:
        raise LeftOut(str(error)) from None


def _commit(place: Place) -> None:
    too_late()
    try:
        place.commit()
    except InTheWay as error:
        raise WrongOutput(f"{error.name}: {error}; nothing was written") from None


def _close(file: BinaryIO) -> None:
    """What is left in its buffer goes nowhere: the disk may be full."""
    try:
        file.close()
    except OSError:
        return


def _can_be_shown(data: bytes) -> bool:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable()
