"""A key in a file: who may read it, when it is read again, and what holds while it is gone."""

import os

import pytest
from twisted.internet.task import Clock

from proxy_daemon.net.upstream.keys import LONGEST, KeyFile
from proxy_daemon.pipeline.faults import StartError, UpstreamFault


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "the.key", b"one\n")


def write(path, data, mode=0o600):
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.chmod(mode)
    return new.rename(path)


def test_it_is_read_at_the_start(path):
    assert KeyFile("lab", str(path), Clock().seconds).current() == b"one"


BAD = [b"", b"\n", b"one\ntwo", b"a\x00b", "schl\u00fcssel".encode(), b"x" * (LONGEST + 1)]


@pytest.mark.parametrize("data", BAD)
def test_what_is_no_key(path, data):
    write(path, data)
    with pytest.raises(StartError, match="the key for upstream lab holds no key") as caught:
        KeyFile("lab", str(path), Clock().seconds)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666])
def test_others_may_not_read_it(path, mode):
    write(path, b"one", mode)
    with pytest.raises(StartError, match="may be read by everybody"):
        KeyFile("lab", str(path), Clock().seconds)


def test_the_home_of_nobody():
    with pytest.raises(StartError, match="is in the home of somebody unknown"):
        KeyFile("lab", "~nobody-of-this-name/key", Clock().seconds)


def test_a_pipe_does_not_hold_up_the_daemon(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(StartError, match="is not a plain file"):
        KeyFile("lab", str(tmp_path / "pipe"), Clock().seconds)


def test_a_new_one_is_seen_within_a_second_and_not_looked_for_before(path):
    clock = Clock()
    key = KeyFile("lab", str(path), clock.seconds)
    write(path, b"two")
    clock.advance(0.9)
    assert key.current() == b"one"
    clock.advance(0.1)
    assert key.current() == b"two"


def test_the_same_file_is_not_read_again(path):
    clock = Clock()
    key = KeyFile("lab", str(path), clock.seconds)
    before = path.stat()
    with path.open("r+b") as file:  # the same size, and the time put back: nothing shows that it has changed
        file.write(b"two\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.advance(1)
    assert key.current() == b"one"


GONE = [
    (lambda path: path.unlink(), "cannot be read: No such file"),
    (lambda path: path.chmod(0o644), "may be read by everybody"),
    (lambda path: write(path, b""), "holds no key"),
]


@pytest.mark.parametrize(("spoil", "words"), GONE)
def test_while_it_is_gone_nothing_goes_up(path, spoil, words):
    clock = Clock()
    key = KeyFile("lab", str(path), clock.seconds)
    spoil(path)
    clock.advance(1)
    for _ in range(2):
        with pytest.raises(UpstreamFault, match=words) as caught:
            key.current()
        assert caught.value.status == 502
    write(path, b"two")
    clock.advance(1)
    assert key.current() == b"two"
