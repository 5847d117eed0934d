"""The lock on a file: one at a time, whatever becomes of the file meanwhile."""

import fcntl
import os

import pytest

from proxy_daemon.store.cassette import locking
from proxy_daemon.store.cassette.locking import is_still_at, locked, shared


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(locking, "BUSY_SECONDS", 0.01)


def test_a_second_one_waits_and_gives_up(path, short):
    with (
        locked(str(path)),
        pytest.raises(BlockingIOError, match="another process has kept it locked"),
        locked(str(path)),
    ):
        pytest.fail("two have it")
    with locked(str(path)):
        pass  # it is free again


def test_who_reads_waits_too_and_reads_all_the_same(path, short):
    path.write_bytes(b"x")
    with locked(str(path)), shared(str(path)) as descriptor:
        assert os.pread(descriptor, 9, 0) == b"x"
    with shared(str(path)), shared(str(path)), pytest.raises(BlockingIOError), locked(str(path)):
        pytest.fail("somebody reads")


def test_a_file_that_is_replaced_while_one_waits_is_not_the_one_that_is_locked(path, monkeypatch):
    path.write_bytes(b"old")
    real, calls = fcntl.flock, []

    def flock(descriptor, how):
        if not calls:
            path.with_name("new").write_bytes(b"new")
            path.with_name("new").replace(path)
        calls.append(how)
        return real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(str(path)) as descriptor:
        assert os.pread(descriptor, 9, 0) == b"new"
        assert is_still_at(descriptor, str(path))
    assert len(calls) == 2


def test_a_file_that_is_taken_away_while_one_waits_is_made_again(path, monkeypatch):
    path.write_bytes(b"old")
    real, calls = fcntl.flock, []

    def flock(descriptor, how):
        if not calls:
            path.unlink()
        calls.append(how)
        return real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(str(path)) as descriptor:
        assert os.pread(descriptor, 9, 0) == b""
    assert path.exists()


def test_nothing_is_made_where_it_is_not_wanted(path):
    with pytest.raises(FileNotFoundError), locked(str(path), make=False):
        pytest.fail("there is none")
    assert not path.exists()
    with pytest.raises(FileNotFoundError), shared(str(path)):
        pytest.fail("there is none")


@pytest.mark.parametrize("how", [locked, shared])
def test_what_is_no_regular_file_is_refused(tmp_path, how):
    os.mkfifo(tmp_path / "pipe")
    for place in ("pipe", "."):
        with pytest.raises(OSError, match=r"no regular file|directory"), how(str(tmp_path / place)):
            pytest.fail("it was opened")


def test_no_descriptor_stays_open(path, short):
    path.write_bytes(b"")
    before = os.dup(0)
    os.close(before)
    for _ in range(20):
        with locked(str(path)), pytest.raises(BlockingIOError), locked(str(path)):
            pass
        with shared(str(path)):
            pass
    after = os.dup(0)  # the lowest that is free
    os.close(after)
    assert after == before
