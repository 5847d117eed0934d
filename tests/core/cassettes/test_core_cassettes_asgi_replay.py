"""asgi-replay's logs: answers without a request, with their pieces; broken off ones say so."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, asgi_replay, formats
from proxy_daemon.core.cassettes.asgi_replay import AsgiReplay
from proxy_daemon.core.messages import Ending, Recording, Unknown


def octets(data):
    return {"$base64": base64.b64encode(data).decode()}


def start(status=200, *pairs, **others):
    fields = [[octets(name), octets(value)] for name, value in pairs]
    return {"type": "http.response.start", "status": status, "headers": fields} | others


def piece(data):
    return {"type": "http.response.body", "body": octets(data), "more_body": True}


END = {"type": "http.response.body", "more_body": False}
STREAM = [start(200, (b"content-type", b"text/event-stream")), piece(b"data: 1\n\n"), piece(b"data: [DONE]\n\n"), END]


def log(*messages):
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def read(*messages):
    return list(AsgiReplay().read("log.json", log(*messages)))


def test_an_answer_with_its_pieces():
    (found,) = read(*STREAM)
    assert found.response.body.whole() == b"data: 1\n\ndata: [DONE]\n\n"
    assert list(found.response.pieces.sizes) == [9, 14]
    assert (found.request.method, found.request.target) == (b"", b"")
    assert found.response.head.headers.pairs == ((b"content-type", b"text/event-stream"),)
    assert (found.status, found.ending) == (200, Ending.COMPLETE)
    assert {Unknown.REQUEST, Unknown.HOST, Unknown.TIME, Unknown.PIECE_TIMES} <= found.unknown
    assert not {Unknown.PIECES, Unknown.STATUS, Unknown.RESPONSE_OCTETS} & found.unknown


def test_a_last_piece_with_octets():
    (found,) = read(start(204), {"type": "http.response.body", "body": octets(b"ab")})
    assert (found.response.body.whole(), list(found.response.pieces.sizes)) == (b"ab", [2])


def test_a_failed_request_has_no_fields():
    (found,) = read({"type": "http.response.start", "status": 502}, piece(b"x"), END)
    assert (found.status, Unknown.RESPONSE_HEADERS in found.unknown) == (502, True)


def test_several_answers_and_the_servers_own_life():
    found = read({"type": "lifespan.startup.complete"}, *STREAM, *STREAM, {"type": "lifespan.shutdown.complete"})
    assert [type(one) for one in found] == [Recording, Recording]


@pytest.mark.parametrize("messages", [STREAM[:1], STREAM[:-1], [*STREAM[:2], *STREAM]])
def test_an_answer_without_its_end_was_broken_off(messages):
    found = read(*messages)[0]
    assert (found.ending, found.detail) == (Ending.BROKEN_OFF, "the file ends before the answer does")


SKIPPED = [
    ([start("x"), END], "no status"),
    ([start(headers=5), END], "no pairs"),
    ([start(headers=[[1]]), END], "no pairs"),
    ([start(headers=[["a", "b"]]), END], "not in base64"),
    ([start(200, (b"a b", b"")), END], "does not allow"),
    ([start(), {"type": "http.response.body", "body": "text", "more_body": True}, END], "not in base64"),
    ([start(), {"type": "http.response.body", "body": {"$base64": "\xe9"}}], "not base64"),
]


@pytest.mark.parametrize(("messages", "reason"), SKIPPED)
def test_a_bad_answer_is_skipped_and_the_next_is_read(messages, reason):
    found, after = read(*messages, *STREAM)
    assert (found.entry, reason in found.reason) == (0, True), found
    assert isinstance(after, Recording)


UNREADABLE = [
    (log(*STREAM) + b"{", "line 5 is not a JSON object"),
    (log(*STREAM) + b"[1]\n", "line 5 is not a JSON object"),
    (log(*STREAM, piece(b"x")), "line 5: a piece of no answer"),
    (log(*STREAM, {"type": "http.response.trailers"}), "line 5: no message"),
    (log(*STREAM, {}), "line 5: no message"),
    (log(*STREAM, {"type": 5}), "line 5: no message"),
    (log(*STREAM, {"type": "websocket.accept"}), "line 5: a WebSocket session"),
]


@pytest.mark.parametrize(("data", "reason"), UNREADABLE)
def test_what_is_whole_is_given_before_the_fault_is_told(data, reason):
    reading = AsgiReplay().read("log.json", data)
    assert next(reading).ending is Ending.COMPLETE
    with pytest.raises(Unreadable, match=rf"log\.json: {reason}"):
        next(reading)


def test_a_session_of_websocket_is_refused():
    with pytest.raises(Unreadable, match="WebSocket"):
        list(formats.read("log.json", log({"type": "websocket.accept"})))


def test_too_large(monkeypatch):
    monkeypatch.setattr(asgi_replay, "MOST", 10)
    with pytest.raises(Unreadable, match="larger"):
        read(*STREAM)


def test_empty_lines_and_many_tiny_pieces():
    data = log(start()) + b"\n" * 100_000 + log(piece(b"x")) * 50_000 + log(END)
    (found,) = AsgiReplay().read("log.json", data)
    assert found.response.body.size == len(found.response.pieces.sizes) == 50_000


@pytest.mark.parametrize(
    ("data", "known"),
    [(log(*STREAM), True), (b' {"type" : "lifespan.x"', True), (b'{"type": "message"}', False), (b"", False)],
)
def test_recognised(data, known):
    assert AsgiReplay().recognises("log.json", data) is known


@given(st.integers(0, len(log(*STREAM)) - 1), st.integers(0, 255))
def test_cut_or_damaged_anywhere(place, octet):
    whole = log(*STREAM)
    for bad in (whole[:place], whole[:place] + bytes([octet]) + whole[place + 1 :] + whole):
        with suppress(Unreadable):
            assert all(isinstance(one, Recording | Skipped) for one in formats.read("log.json", bad))
