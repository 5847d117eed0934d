"""Files that are made anew where they cannot be used (store/made_anew.py)."""

import sqlite3
import stat

import pytest

from proxy_daemon.store.made_anew import TEMPORARY, code_of, opened_or_made, remove


class Damaged(Exception):
    """What the opener says of a file that it cannot use."""


def busy():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY | 1 << 8
    return error


@pytest.mark.parametrize(
    ("faults", "last", "tries"),
    [
        ([], "file", 1),
        ([Damaged()], "file", 2),
        ([sqlite3.DatabaseError()], "file", 2),
        ([Damaged(), Damaged()], "temporary", 3),
        ([busy()], "temporary", 2),  # another process has it: it is left alone
    ],
)
def test_what_is_opened(tmp_path, faults, last, tries):
    path, opened, left = tmp_path / "a.text", [], list(faults)
    path.write_bytes(b"what was there")

    def opener(place):
        opened.append((place, path.read_bytes()))
        if left:
            raise left.pop(0)
        return place

    found = opened_or_made(str(path), opener, Damaged)
    assert (found == TEMPORARY, len(opened)) == (last == "temporary", tries)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    is_locked = bool(faults) and code_of(faults[0]) == sqlite3.SQLITE_BUSY
    assert path.read_bytes() == (b"" if tries > 1 and not is_locked else b"what was there")


def test_no_file_can_be_made_and_links_are_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert opened_or_made(str(tmp_path / "no" / "folder"), lambda place: place, Damaged) == TEMPORARY
    assert opened_or_made(str(tmp_path / "link"), lambda place: place, Damaged) == str(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "link").is_symlink()


def test_what_stands_beside_it_goes_too(tmp_path):
    for end in ("", "-wal", "-shm"):
        (tmp_path / f"a{end}").touch()
    remove(str(tmp_path / "a"))
    assert not list(tmp_path.iterdir())
