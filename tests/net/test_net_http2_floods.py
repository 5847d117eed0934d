"""Clients of HTTP/2 that make us work or remember for nothing, played by their frames."""

import pytest

pytest.importorskip("h2")

from h2.errors import ErrorCodes
from h2_wires import FIELDS
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from wires import Front

from proxy_daemon.core.http2_frames import IDLE, RESETS
from proxy_daemon.net.http2 import MAX_UNSENT, STREAMS, Gateway

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize()


class Wire(StringTransport):
    """``waiting``: for `eager.unsent`."""

    waiting = 0


def raw(front=None):
    """(gateway, wire) without TLS."""
    front, wire = front or Front(), Wire()
    gate = Gateway(front.site)
    gate.makeConnection(wire)
    return gate, wire


def encoded(fields):
    return Encoder().encode(fields, huffman=False)


def request(number):
    fields = [(name.encode(), value.encode()) for name, value in FIELDS]
    return HeadersFrame(number, data=encoded(fields), flags=["END_HEADERS", "END_STREAM"])


def rapid(count):
    frames = [(request(at), RstStreamFrame(at, error_code=8)) for at in range(1, 2 * count, 2)]
    return b"".join(frame.serialize() for pair in frames for frame in pair)


def bomb():
    """A field of 4 KB, and 12,000 times a reference to it of one octet."""
    field = b"\x40\x01a\x7f\xa1\x1e" + b"v" * 4000
    return HeadersFrame(1, data=encoded(FIELDS) + field + b"\xbe" * 12_000, flags=["END_HEADERS"]).serialize()


ENDLESS = HeadersFrame(1).serialize() + ContinuationFrame(1, data=b"x" * 16_000).serialize() * 30
EMPTY = request(1).serialize()[:4] + b"\4" + request(1).serialize()[5:]  # its body is to follow
CALM, SIZE, PROTOCOL = ErrorCodes.ENHANCE_YOUR_CALM, ErrorCodes.FRAME_SIZE_ERROR, ErrorCodes.PROTOCOL_ERROR
FLOODS = [
    ("rapid reset", rapid(RESETS + 1), CALM),
    ("endless CONTINUATION", ENDLESS, CALM),
    ("empty CONTINUATION", HeadersFrame(1).serialize() + ContinuationFrame(1).serialize() * 100, PROTOCOL),
    ("PING", PingFrame(0, opaque_data=b"12345678").serialize() * (IDLE + 1), CALM),
    ("SETTINGS", SettingsFrame(0, settings={4: 70_000}).serialize() * (IDLE + 1), CALM),
    ("PRIORITY", PriorityFrame(1).serialize() * (IDLE + 1), CALM),
    ("WINDOW_UPDATE", WindowUpdateFrame(0, window_increment=1).serialize() * (IDLE + 1), CALM),
    ("empty DATA", EMPTY + DataFrame(1).serialize() * (IDLE + 1), CALM),
    ("a frame of 16 MiB", b"\xff\xff\xff\0\0\0\0\0\1", SIZE),
    ("an HPACK bomb", bomb(), CALM),
    (
        "a window beyond all",
        WindowUpdateFrame(0, window_increment=2**31 - 1).serialize(),
        ErrorCodes.FLOW_CONTROL_ERROR,
    ),
    ("a window of nothing", WindowUpdateFrame(0, window_increment=1).serialize()[:-1] + b"\0", PROTOCOL),
]


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in FLOODS], ids=[row[0] for row in FLOODS])
def test_floods(data, code):
    gate, wire = raw()
    gate.dataReceived(PREFACE + data)
    assert wire.value()[-4:] == code.to_bytes(4, "big")
    assert wire.disconnecting
    assert gate._site.root.requests == []
    gate.dataReceived(rapid(3))  # what still comes is not even looked at
    assert gate._site.root.requests == []
    assert gate._streams == {}


def test_who_says_h2_and_does_not_speak_it():
    gate, wire = raw()
    gate.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
    assert wire.disconnecting


def test_what_a_client_does_not_take_is_bounded():
    """Answers to control frames, and heads, know no window."""
    gate, wire = raw(Front(at_once=False))
    gate.dataReceived(PREFACE)
    wire.waiting = MAX_UNSENT + 1
    gate.dataReceived(PingFrame(0, opaque_data=b"12345678").serialize())
    assert wire.disconnected


def test_what_is_remembered_of_streams_that_have_ended_is_bounded():
    gate, _ = raw()
    gate.dataReceived(PREFACE)
    for at in range(1, 5000, 2):
        gate.dataReceived(request(at).serialize())
        gate._site.reactor.advance(0)
    assert len(gate._h2._closed_streams) <= 10 * STREAMS
    assert len(gate._h2.streams) <= STREAMS
    assert gate._streams == {}


def test_windows_are_looked_at_once_a_read(monkeypatch):
    """A hundred streams that wait, a thousand times: that would hold up everybody else."""
    gate, _ = raw(Front())
    gate.dataReceived(PREFACE + SettingsFrame(0, settings={4: 0}).serialize())
    gate.dataReceived(b"".join(request(at).serialize() for at in range(1, 2 * STREAMS, 2)))
    asked = []
    original = gate._h2.local_flow_control_window
    monkeypatch.setattr(gate._h2, "local_flow_control_window", lambda at: asked.append(at) or original(at))
    gate.dataReceived(WindowUpdateFrame(0, window_increment=1).serialize() * 500)
    assert len(asked) <= STREAMS


PART = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda kind, flags, at, data: len(data).to_bytes(3, "big") + bytes((kind, flags, 0, 0, 0, at)) + data,
        st.integers(0, 12),
        st.integers(0, 255),
        st.integers(0, 9),
        st.binary(max_size=40),
    ),
    st.integers(0, 4).map(lambda at: request(2 * at + 1).serialize()),
    st.integers(0, 4).map(lambda at: EMPTY[:8] + bytes((2 * at + 1,)) + EMPTY[9:]),
)


@given(st.lists(PART, max_size=12))
def test_no_octets_make_it_stumble(parts):
    """Whatever comes is answered, passed over, or ends the connection."""
    gate, _ = raw(Front())
    gate.dataReceived(PREFACE)
    for data in parts:
        gate.dataReceived(data)
        gate._site.reactor.advance(0)
    gate.connectionLost()
    assert gate._site.channels == set()


def test_the_limit_of_heads_holds_before_the_client_has_agreed_to_it():
    """The settings are not acknowledged yet when its first head comes."""
    gate, _ = raw(Front(max_head=256 * 1024))
    head = HeadersFrame(1, data=encoded([*FIELDS, *[(f"x{number}", "v" * 4000) for number in range(30)]]))
    rest = [ContinuationFrame(1, data=head.data[at : at + 16_000]) for at in range(16_000, len(head.data), 16_000)]
    head.data, head.flags = head.data[:16_000], {"END_STREAM"}
    rest[-1].flags.add("END_HEADERS")
    gate.dataReceived(PREFACE + b"".join(frame.serialize() for frame in (head, *rest)))
    assert len(gate._site.root.requests) == 1


def test_one_stream_too_many():
    """h2 says so by the end of the connection: the client has been told how many there may be."""
    gate, wire = raw(Front(at_once=False))
    heads = [request(number).serialize() for number in range(1, 2 * STREAMS + 2, 2)]
    gate.dataReceived(PREFACE + b"".join(heads[:STREAMS]))
    assert len(gate._site.root.requests) == STREAMS
    gate.dataReceived(heads[STREAMS])
    assert all(request.gone for request in gate._site.root.requests)
    assert wire.disconnecting
