"""Bodies that grow: the same octets in memory and in a file."""

import gc
import os
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import chunks
from proxy_daemon.net.bodies import Space, Spool, SpoolFull, Unnamed, space_limit


@given(st.lists(st.binary(max_size=20), max_size=20), st.integers(0, 60), st.integers(0, 100), st.integers(0, 100))
def test_reads_are_those_of_the_joined_octets(parts, limit, offset, size):
    spool, joined = Spool(limit), b"".join(parts)
    for part in parts:
        spool.write(part)
        spool.whole()
    assert spool.size == len(joined)
    assert spool.read(offset, size) == joined[offset : offset + size]
    assert b"".join(chunks(spool, 7)) == joined
    assert spool.whole() == (joined if len(joined) <= limit else None)


def test_the_file_has_no_name_and_goes_with_the_last_reference(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool(0)
    spool.write(b"secret")
    fd = spool._file.fd
    assert list(tmp_path.iterdir()) == []
    assert os.fstat(fd).st_nlink == 0
    del spool
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_it_can_be_read_while_it_grows():
    spool = Spool(4)
    spool.write(b"abc")
    assert spool.read(1, 10) == b"bc"
    spool.write(b"def")
    assert spool.read(1, 10) == b"bcdef"
    spool.write(b"g")
    assert spool.read(6, 10) == b"g"


def test_a_full_disk_leaves_what_there_is(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    spool = Spool(4)
    spool.write(b"123")
    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        with pytest.raises(OSError, match="No space"):
            spool.write(b"456")
    assert (spool.size, spool.whole()) == (3, b"123")
    spool.write(b"456")
    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        with pytest.raises(OSError, match="No space"):
            spool.write(b"789")
    assert (spool.size, spool.read(0, 100)) == (6, b"123456")


class TestSpace:
    """What all files together may take."""

    @pytest.fixture
    def space(self, monkeypatch):
        space = Space(10)
        monkeypatch.setattr(Unnamed.__init__, "__defaults__", (space,))
        return space

    def test_memory_is_not_counted(self, space):
        Spool(100).write(b"x" * 50)
        assert space.stats() == {"octets": 0, "limit": 10, "refused": 0}

    def test_all_files_together(self, space):
        first, second = Spool(0), Spool(4)
        first.write(b"12345")
        second.write(b"123")
        second.write(b"45")
        assert space.used == 10
        with pytest.raises(SpoolFull, match=r"may take no more of the disk than 10 \(--max-spool\)"):
            second.write(b"6")
        assert (second.size, second.read(0, 9), space.used, space.refused) == (5, b"12345", 10, 1)

    def test_a_spill_that_has_no_room_leaves_what_is_in_memory(self, space):
        other, spool = Spool(0), Spool(8)
        other.write(b"1")
        spool.write(b"12345678")
        with pytest.raises(SpoolFull):
            spool.write(b"901")
        assert (spool.whole() or spool.read(0, 99), spool.size) == (b"12345678", 8)
        del spool
        gc.collect()
        assert space.used == 1

    def test_it_is_given_back_with_the_last_reference(self, space):
        spool = Spool(0)
        spool.write(b"1234567890")
        del spool
        gc.collect()
        Spool(0).write(b"1234567890")
        gc.collect()
        assert space.used == 0

    def test_what_a_full_disk_refused_is_counted_once(self, space, monkeypatch):
        spool = Spool(0)
        with monkeypatch.context() as patched:
            patched.setattr("os.pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            for _ in range(3):
                with pytest.raises(OSError, match="No space"):
                    spool.write(b"123456")
        gc.collect()
        spool.write(b"123456")
        spool.write(b"7890")
        assert space.used == 10

    def test_files_that_go_in_other_threads_are_counted(self, space):
        """The store's threads let go of bodies too."""
        for _ in range(20):
            spools = [Spool(0) for _ in range(10)]
            for spool in spools:
                spool.write(b"1")
            parts = [spools[:5], spools[5:]]
            del spool, spools
            threads = [threading.Thread(target=part.clear) for part in parts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert space.used == 0

    @pytest.mark.parametrize(
        ("free", "wanted", "limit"),
        [(9 * 2**20, 0, 4 * 2**20), (9 * 2**20, 7, 7), (10**12, 0, 4 * 2**30), (10**12, 2**40, 2**40), (0, 0, 0)],
    )
    def test_the_limit(self, monkeypatch, free, wanted, limit):
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
        assert space_limit(wanted) == limit
