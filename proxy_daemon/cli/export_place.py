"""A folder that files are written into, all of them or none: they stand in a folder beside until the last is whole.

Invariant: nothing has its final name before `commit`, nothing outside the folder is written whatever a name says or a
link leads to, and a file that is there is replaced by force only. What is new only its owner may read: it may hold
conversations. Called by `export_outputs.py`.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700  # as stores have it
LONGEST_NAME = 255  # octets
STAGE = ".llmproxy-export-"
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES}  # of file systems without them
_AT_ONCE = 1024 * 1024


class InTheWay(Exception):
    """A file cannot have its name. ``name``; the message says why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


def checked(name: str) -> str:
    """A name that somebody else chose, for a file in the folder itself. Raises `InTheWay` for any other path."""
    good = (
        isinstance(name, str)
        and name.isprintable()
        and name not in ("", ".", "..")
        and not name.startswith(STAGE)
        and not set(name) & {"/", "\\"}
        and len(name.encode("utf-8", "replace")) <= LONGEST_NAME
    )
    if not good:
        raise InTheWay("", "it has a file beside it whose name is none, or leads out of the folder")
    return name


class Place:
    """One folder. Use `abandon` at the end, also behind `commit`."""

    def __init__(self, folder: str, *, force: bool = False, make: bool = False) -> None:
        """``force``: replaces files that are there; ``make``: makes the folder. Raises OSError."""
        self._folder, self._force, self._made = folder, force, make
        self._open = self._stage = -1
        self._names: list[str] = []  # of files that are whole
        self._stage_name = f"{STAGE}{os.getpid()}-{secrets.token_hex(4)}"
        if make:
            Path(folder).mkdir(PRIVATE_FOLDER)
        try:
            self._open = os.open(folder, _FOLDER)
            os.mkdir(self._stage_name, PRIVATE_FOLDER, dir_fd=self._open)
            self._stage = os.open(self._stage_name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._open)
        except BaseException:
            self.abandon()
            raise

    # --- writing -----------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> BinaryIO:
        """A file for this name. Raises OSError: FileExistsError for the second of a name."""
        return os.fdopen(os.open(name, _NEW, PRIVATE_FILE, dir_fd=self._stage), "w+b")

    def end(self, name: str, file: BinaryIO) -> None:
        """It is whole, and on the disk. Raises OSError."""
        file.flush()
        os.fsync(file.fileno())  # a name must not lead to octets that are not on the disk
        file.close()
        self._names.append(name)

    def put(self, name: str, *parts: bytes) -> None:
        """A whole file. What is there already with the same octets is the same. Raises OSError and `InTheWay`."""
        try:
            file = self.begin(checked(name))
        except FileExistsError:
            if _holds(self._stage, name, parts):
                return
            raise InTheWay(name, "another file of this export has its name") from None
        with file:
            file.writelines(parts)
            self.end(name, file)

    # --- the end -----------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """All get their names. Raises OSError and `InTheWay`: then none of them has."""
        to_move = [name for name in self._names if self._may_take(name)]
        new: list[str] = []
        try:
            for name in to_move:
                self._move(name, new)
            os.fsync(self._open)
        except BaseException:
            for name in new:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._open)
            raise

    def abandon(self) -> None:
        """Nothing stays that is not in its place. Raises nothing."""
        if self._stage >= 0:
            os.close(self._stage)
        if self._open >= 0:
            shutil.rmtree(self._stage_name, ignore_errors=True, dir_fd=self._open)
            os.close(self._open)
        self._open = self._stage = -1
        if self._made:
            with suppress(OSError):
                Path(self._folder).rmdir()  # it stays where something is in it

    def _may_take(self, name: str) -> bool:
        """Whether the file is to be moved there; not where the same is there. Raises OSError and `InTheWay`."""
        try:
            there = os.stat(name, dir_fd=self._open, follow_symlinks=False)
        except FileNotFoundError:
            return True
        if not stat.S_ISREG(there.st_mode):
            raise InTheWay(name, "it is there, and no regular file")
        if self._force:
            os.chmod(name, stat.S_IMODE(there.st_mode), dir_fd=self._stage)
            return True
        if _holds(self._open, name, _parts(self._stage, name)):
            return False
        raise InTheWay(name, "it is there; --force replaces it")

    def _move(self, name: str, new: list[str]) -> None:
        ends = {"src_dir_fd": self._stage, "dst_dir_fd": self._open}
        if self._force:
            os.rename(name, name, **ends)  # noqa: PTH104  (a Path has no folder's descriptor)
            return
        try:
            os.link(name, name, **ends, follow_symlinks=False)  # it replaces nothing that came meanwhile
        except FileExistsError:
            raise InTheWay(name, "it came meanwhile; --force replaces it") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.rename(name, name, **ends)  # noqa: PTH104  (as above)
        new.append(name)


def _holds(folder: int, name: str, parts: Iterator[bytes] | tuple[bytes, ...]) -> bool:
    """Whether a file has these octets."""
    try:
        with os.fdopen(os.open(name, _OLD, dir_fd=folder), "rb") as file:
            return all(file.read(len(part)) == part for part in parts) and not file.read(1)
    except OSError:
        return False


def _parts(folder: int, name: str) -> Iterator[bytes]:
    """Raises OSError."""
    with os.fdopen(os.open(name, _OLD, dir_fd=folder), "rb") as file:
        while part := file.read(_AT_ONCE):
            yield part
