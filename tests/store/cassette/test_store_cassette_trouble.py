"""A file that cannot be written: traffic goes on, it is told, and what was recorded waits in bounded memory."""

import fcntl
import os

import pytest
from cassettes import answers_in, recorded

from proxy_daemon.core.bodies import Bytes


@pytest.fixture
def broken(monkeypatch):
    """`broken(True)`: nothing can be appended; `broken(False)`: it can again."""
    state = {"on": False}
    real = os.pwrite

    def pwrite(*args):
        if state["on"]:
            raise OSError(5, "Input/output error")
        return real(*args)

    monkeypatch.setattr("proxy_daemon.store.cassette.disk.os.pwrite", pwrite)
    return lambda on: state.update(on=on)


def test_traffic_goes_on_and_what_was_recorded_is_written_when_it_works_again(played, path, quick, broken):
    one = played()
    one.put(recorded("a", "one"))
    broken(True)
    assert one.put(recorded("b", "two"), recorded("c", "three")) == [False, False]
    assert one.troubles == [f"recording is off: {path}: [Errno 5] Input/output error"]
    assert one.cassette.stats()["waiting"] == 2
    broken(False)
    one.until(lambda: not one.cassette.trouble)
    assert one.cassette.stats()["waiting"] == 0
    assert [answers_in(path, each) for each in "abc"] == [["one"], ["two"], ["three"]]


def test_what_waits_is_bounded(played, path, quick, broken, monkeypatch):
    monkeypatch.setattr("proxy_daemon.store.cassette.writer.MAX_WAITING", 10_000)
    broken(True)
    one = played()
    results = [one.put(recorded(str(number), "x" * 1000))[0] for number in range(9)]
    stats = one.cassette.stats()
    assert results == [False] * 9
    assert stats["waiting"] + stats["failed"] == 9
    assert 0 < stats["waiting"] < 9
    assert "disk is too slow" in one.cassette.trouble
    broken(False)
    one.until(lambda: not one.cassette.trouble)
    assert one.put(recorded("z")) == [True]
    written = sum(bool(answers_in(path, str(number))) for number in range(9))
    assert written == stats["waiting"]


def test_what_waits_at_the_end_is_tried_once_more_and_told_as_lost(played, path, broken):
    one = played()
    broken(True)
    one.put(recorded("a"), recorded("b"))
    one.cassette.close()
    one.until(lambda: "2 recordings are lost" in one.cassette.trouble)
    assert one.cassette.stats()["failed"] == 2


def test_close_writes_what_waits(played, path, broken):
    one = played()
    broken(True)
    one.put(recorded("a"))
    broken(False)
    one.cassette.close()
    assert answers_in(path, "a") == ["hi"]
    assert one.put(recorded("b")) == [False]


def test_one_that_cannot_be_written_is_lost_alone(played, path):
    class Gone(Bytes):
        def whole(self):
            return None

        def read(self, offset, size):
            raise OSError(2, "the spooled body is gone")

    one = played()
    response = recorded().response
    bad = recorded("b", response=type(response)(response.head, Gone(b"xyz"), response.pieces))
    assert one.put(recorded("a"), bad, recorded("c")) == [True, False, True]
    assert any("spooled body is gone" in each for each in one.troubles)
    assert [answers_in(path, each) for each in "abc"] == [["hi"], [], ["hi"]]


def test_nobody_waits_long_for_a_slow_disk(played, path, monkeypatch):
    """Who waits is let go; the recording is written all the same."""
    one = played()
    one.put(recorded("a"))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fired = []
        one.cassette.put(recorded("b")).addCallback(fired.append)
        one.cassette.sweep()
        assert fired == []
        monkeypatch.setattr("proxy_daemon.store.cassette.cassette.RELEASE_SECONDS", 0)
        one.cassette.sweep()
        assert fired == [False]
    one.until(lambda: one.cassette.stats()["waiting"] == 0)
    assert (one.cassette.stats()["late"], answers_in(path, "b")) == (1, ["hi"])


def test_a_lock_that_somebody_keeps_is_told(played, path, monkeypatch):
    monkeypatch.setattr("proxy_daemon.store.cassette.locking.BUSY_SECONDS", 0.01)
    one = played()
    one.put(recorded("a"))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert one.put(recorded("b")) == [False]
        assert "another process has kept it locked" in one.cassette.trouble


def test_without_locks_nothing_is_recorded(played, path, monkeypatch):
    monkeypatch.setattr("proxy_daemon.store.cassette.locking.fcntl", None)
    one = played()
    assert one.put(recorded("a")) == [False]
    assert "no file locks" in one.cassette.trouble


def test_directories_are_made_and_the_mode_is_what_the_umask_leaves(played, tmp_path):
    path = tmp_path / "deep" / "deeper" / "x.yaml"
    before = os.umask(0o027)
    try:
        played(at=path).put(recorded("a"))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert answers_in(path, "a") == ["hi"]


def test_a_directory_that_cannot_be_made_is_told(played, tmp_path, quick):
    (tmp_path / "deep").mkdir()
    one = played(at=tmp_path / "deep" / "deeper" / "x.yaml")
    (tmp_path / "deep").rmdir()
    (tmp_path / "deep").write_bytes(b"")
    assert one.put(recorded("a")) == [False]
    assert "recording is off" in one.cassette.trouble
    (tmp_path / "deep").unlink()
    one.until(lambda: not one.cassette.trouble)
    assert answers_in(one.path, "a") == ["hi"]


def test_a_file_that_would_be_too_large_to_be_opened_is_not_written(played, path, monkeypatch):
    one = played()
    one.put(recorded("a"))
    before = path.read_bytes()
    monkeypatch.setattr("proxy_daemon.store.cassette.disk.MOST", len(before) + 100)
    assert one.put(recorded("b")) == [False]
    assert "record into another file" in one.cassette.trouble
    assert path.read_bytes() == before


def test_the_thread_ends_when_nothing_is_to_do_and_begins_again(played, path, quick):
    one = played()
    one.put(recorded("a"))
    writer = one.cassette._writer
    if (thread := writer._thread) is not None:
        thread.join(30)
    assert writer._thread is None
    assert one.put(recorded("b")) == [True]
    assert answers_in(path, "b") == ["hi"]
