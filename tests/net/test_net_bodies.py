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
    fd = spool._fd
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
