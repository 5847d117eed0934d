"""mitmproxy's flow files: whole flows are read, others are skipped with the reason, cut files up to the cut."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnetstrings import dumps, flow

from proxy_daemon.core.cassettes import MOST, Skipped, Unreadable
from proxy_daemon.core.cassettes.mitmproxy import format as mitmproxy
from proxy_daemon.core.cassettes.mitmproxy.format import NEWEST, OLDEST, Mitmproxy
from proxy_daemon.core.messages import Ending, Recording, Unknown

GOOD = flow(response={})


def read(*flows):
    return list(Mitmproxy().read("flows.dump", b"".join(map(dumps, flows))))


def test_a_flow_is_a_recording():
    (found,) = read(GOOD)
    assert (found.request.method, found.request.target) == (b"POST", b"/v1/chat/completions?x=1")
    assert found.request.headers.get(b"content-type") == b"application/json"
    assert found.request.body.whole() == b'{"model":"m"}'
    assert (found.upstream.url, found.status, found.response.head.reason) == ("https://api.example", 200, b"OK")
    assert found.response.head.headers.all(b"set-cookie") == [b"a=1", b"b=2"]
    assert found.response.body.whole() == b'{"id":1}'
    assert (found.started, found.head_time, found.duration) == (1000.0, 500_000, 1_500_000)
    assert (found.ending, found.cut, found.unknown) == (Ending.COMPLETE, False, {Unknown.PIECES})


def test_recorded_framing_is_left_out_and_coded_bodies_stay_coded():
    data = gzip.compress(b"data: {}\n\n", mtime=0)
    fields = [[b"Transfer-Encoding", b"chunked"], [b"Content-Length", b"7"], [b"Content-Encoding", b"gzip"]]
    (found,) = read(flow(response={"content": data, "headers": fields}))
    assert found.response.head.headers.pairs == ((b"Content-Encoding", b"gzip"),)
    assert found.response.body.whole() == data


def test_trailers_and_a_port_and_an_address_of_six():
    request = {"scheme": b"http", "port": 8080, "host": "::1", "path": b"/x"}
    (found,) = read(flow(request, {"trailers": [[b"x-sum", b"1"]], "reason": b"a\r\nb"}))
    assert found.upstream.url == "http://[::1]:8080"
    assert found.response.trailers.pairs == ((b"x-sum", b"1"),)
    assert found.response.head.reason == b"a b"


def test_an_answer_that_was_broken_off():
    (found,) = read(flow(response={"content": b"abc", "timestamp_end": None}, error={"msg": "gone", "timestamp": 1.0}))
    assert (found.ending, found.detail, found.response.body.whole()) == (Ending.BROKEN_OFF, "gone", b"abc")
    assert Unknown.DURATION in found.unknown


def test_bodies_that_were_streamed_are_unknown():
    (found,) = read(flow({"content": None}, {"content": None}))
    assert found.cut
    assert found.unknown == {Unknown.PIECES, Unknown.REQUEST_BODY, Unknown.RESPONSE_OCTETS}


@pytest.mark.parametrize("time", [None, True, -1.0, 0.0, float("inf"), "now", 1e300])
def test_times_that_are_none_are_unknown(time):
    (found,) = read(flow({"timestamp_start": time}, {"timestamp_end": time}))
    assert {Unknown.TIME, Unknown.DURATION} <= found.unknown
    assert (found.started, found.duration, found.head_time) == (0.0, 0, 0)


def test_an_end_before_the_beginning_is_no_duration():
    (found,) = read(flow(response={"timestamp_end": 999.0}))
    assert Unknown.DURATION in found.unknown


@pytest.mark.parametrize("version", range(OLDEST, NEWEST + 1))
def test_known_versions(version):
    (found,) = read(flow(response={}, version=version))
    assert isinstance(found, Recording)


SKIPPED = [
    (flow(response={}, version=22), "a version that is not known"),
    (flow(response={}, version=3), "a version that is not known"),
    (flow(response={}, version=[3, 0, 0]), "a version that is not known"),
    (flow(response={}, version=True), "a version that is not known"),
    ({"type": "http"}, "a version that is not known"),
    (flow(response={}, type="tcp"), "another protocol"),
    (flow(response={}, type=5), "no text"),
    (flow(response={}, websocket={"messages": []}), "WebSocket"),
    (flow(response={}) | {"request": None}, "without a request"),
    (flow(error={"msg": "refused"}), "no answer came"),
    (flow(response={"content": "text"}), "not octets"),
    (flow(response={"status_code": 7}), "no status"),
    (flow(response={"headers": [[b"a b", b""]]}), "a name that HTTP does not allow"),
    (flow(response={"headers": 5}), "no mapping, list or text"),
    (flow(response={"trailers": [5]}), "no pair"),
    (flow({"method": b"\xff"}, {}), "no method"),
    (flow({"scheme": b"ws"}, {}), "neither http nor https"),
    (flow({"host": None}, {}), "no text"),
]


@pytest.mark.parametrize(("one", "reason"), SKIPPED)
def test_a_flow_that_is_no_exchange_is_skipped_and_the_next_is_read(one, reason):
    before, found, after = read(GOOD, one, GOOD)
    assert isinstance(before, Recording)
    assert isinstance(after, Recording)
    assert (found.entry, reason in found.reason) == (1, True), found


def test_a_flow_with_damage_inside_is_skipped():
    bad = dumps(GOOD).replace(b"3:200#", b"3:2x0#")
    found = list(Mitmproxy().read("f", bad + dumps(GOOD)))
    assert found[0] == Skipped(0, "no integer where one should be")
    assert isinstance(found[1], Recording)


def test_a_file_that_is_cut_off_is_read_up_to_the_cut():
    data = dumps(GOOD) * 3
    *whole, last = Mitmproxy().read("f", data[:-300])
    assert [type(one) for one in whole] == [Recording, Recording]
    assert last == Skipped(2, "cut off: 300 of its octets are missing")


def test_what_is_no_flow_is_told_with_its_place():
    data = dumps(GOOD)
    for rest, reason in ((b"garbage", "no length"), (b"2:ab,", "no flow"), (b"\n", "no length")):
        reading = Mitmproxy().read("f.dump", data + rest)
        assert isinstance(next(reading), Recording)
        with pytest.raises(Unreadable, match=rf"f\.dump#1: octet {len(data)}.*{reason}"):
            next(reading)


def test_too_large(monkeypatch):
    monkeypatch.setattr(mitmproxy, "MOST", 10)
    with pytest.raises(Unreadable, match="larger than 10 octets"):
        read(GOOD)
    assert MOST > 10


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (dumps(GOOD), True),
        (dumps(GOOD)[:40], True),
        (dumps(dict(reversed(GOOD.items()))), True),
        (b"12:7:version,0:~}", True),
        (b"", False),
        (b"{}", False),
        (b"5:hello,", False),
        (b"1:2:3\n", False),
    ],
)
def test_recognised(data, known):
    assert Mitmproxy().recognises("f", data) is known


@given(st.integers(0, 3 * len(dumps(GOOD))))
def test_cut_anywhere(size):
    one = len(dumps(GOOD))
    found = list(Mitmproxy().read("f", (dumps(GOOD) * 3)[:size]))
    assert [type(entry) for entry in found] == [Recording] * (size // one) + [Skipped] * (size % one > 0)


@given(st.integers(0, len(dumps(GOOD)) - 1), st.integers(0, 255))
def test_damaged_anywhere(place, octet):
    data = dumps(GOOD)
    data = data[:place] + bytes([octet]) + data[place + 1 :] + data
    with suppress(Unreadable):
        assert all(isinstance(one, Recording | Skipped) for one in Mitmproxy().read("f", data))
