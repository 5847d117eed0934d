"""A body that lies in a file goes up whole, once, and no faster than the transport asks."""

from math import ceil

import pytest
from wires import Wire

from proxy_daemon.core.bodies import CHUNK, Bytes
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.upstream.upload import Upload

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7]


def filed(data):
    spool = Spool(0)
    spool.write(data)
    return spool


def uploading(body):
    wire, done = Wire(), []
    return Upload(wire, body, lambda: done.append("moved"), lambda: done.append(len(wire.value()))), wire, done


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [Bytes, filed])
def test_all_of_it_and_then_done_once(kind, size):
    data = bytes(number % 251 for number in range(size))
    _, wire, done = uploading(kind(data))
    wire.pump()
    assert (wire.value(), done, wire.producer) == (data, ["moved"] * ceil(size / CHUNK) + [size], None)


def test_nothing_goes_before_it_is_asked_for_and_a_chunk_at_a_time():
    _, wire, done = uploading(Bytes(b"x" * (2 * CHUNK)))
    assert (wire.value(), wire.streaming) == (b"", False)
    wire.producer.resumeProducing()
    assert (len(wire.value()), done) == (CHUNK, ["moved"])


def test_what_is_stopped_sends_no_more():
    upload, wire, done = uploading(Bytes(b"x" * (2 * CHUNK)))
    wire.producer.resumeProducing()
    upload.stop()
    assert (len(wire.value()), wire.producer, done) == (CHUNK, None, ["moved"])


class Cut(Bytes):
    """A body that is shorter than it says."""

    def __init__(self, data):
        super().__init__(data)
        self.__dict__["size"] += 1


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_one_that_is_cut_ends_the_connection(size):
    """Else upstream would take the next request on it for the rest of the body."""
    _, wire, done = uploading(Cut(b"x" * size))
    wire.pump()
    assert (wire.value(), wire.disconnected, wire.producer) == (b"x" * size, True, None)
    assert set(done) <= {"moved"}


def test_a_transport_that_is_gone_is_left_alone():
    upload, wire, done = uploading(Bytes(b"x"))
    upload.stopProducing()
    assert (wire.value(), done) == (b"", [])
