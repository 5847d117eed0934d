"""Bodies that grow: the same octets in memory and in a file."""

import gc
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import chunks
from proxy_daemon.net.bodies import Spool


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
