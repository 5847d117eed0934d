"""AWS event streams: payloads are renamed, packed ones too, and lengths and checksums are right again."""

import json
from base64 import b64decode, b64encode
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from renaming_shapes import CHAT, NEW, OLD, asking, body_of, pieces_of, recorded

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.renaming.new_names import MOST_PLACES
from proxy_daemon.core.matching.renaming.renaming import renamed
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.event_stream import EventStreamReader, Header, Kind, event, write_frame

FRAMES = b"application/vnd.amazon.eventstream"
START = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": OLD, "name": "weather"}}}
SAID = b'{"delta": {"text": "sunny"}}'
ODD = [Header(":event-type", Kind.TEXT, "x"), Header("yes", Kind.TRUE, True), Header("n", Kind.LONG, -1)]


def bedrock_asking(name):
    block = {"toolResult": {"toolUseId": name, "content": [{"text": "sunny"}]}}
    body = json.dumps({"messages": [{"role": "user", "content": [block]}]}).encode()
    return Request(b"POST", b"/model/m/converse-stream", Headers(), Bytes(body))


def live(*frames, **more):
    recording = recorded(b"".join(frames), kind=FRAMES, request=bedrock_asking(OLD), **more)
    return recording, renamed(recording, bedrock_asking(NEW), Bedrock())


def read(recording):
    reader = EventStreamReader()
    frames = list(reader.feed(body_of(recording)))
    reader.end()
    return frames


def test_a_payload():
    first, second = event("contentBlockStart", json.dumps(START).encode()), event("contentBlockDelta", SAID)
    recording, found = live(first, second)
    frames = read(found)
    assert frames[0].data == json.dumps(START).replace(OLD, NEW).encode()
    assert [frame.headers for frame in frames] == [frame.headers for frame in read(recording)]
    assert frames[1].raw == second


def test_other_header_fields_stay():
    _, found = live(write_frame(ODD, b'{"id":"%b"}' % OLD.encode()))
    (frame,) = read(found)
    assert list(frame.headers) == ODD
    assert frame.data == b'{"id":"%b"}' % NEW.encode()


def test_a_packed_payload():
    inner = b'{"type":"content_block_start","content_block":{"id":"%b"}}'
    packed = b'{"bytes": "%b", "p": "abcdef"}' % b64encode(inner % OLD.encode())
    _, found = live(event("chunk", packed), event("chunk", SAID))
    document = json.loads(read(found)[0].data)
    assert b64decode(document["bytes"]) == inner % NEW.encode()
    assert document["p"] == "abcdef"


def test_what_is_packed_and_no_json():
    packed = [b64encode(b"noise").decode(), "!", b64encode(b"{}").decode(), b64encode(b'["nothing"]').decode(), OLD]
    recording, found = live(*[event("chunk", json.dumps({"bytes": one}).encode()) for one in packed])
    assert found is recording


def test_payloads_that_are_no_json_stay_beside_those_that_are():
    _, found = live(event("x", OLD.encode()), event("y", b'["%b"]' % OLD.encode()), event("z", b""))
    assert [frame.data for frame in read(found)] == [OLD.encode(), b'["%b"]' % NEW.encode(), b""]


def test_broken_frames_are_served_as_they_are():
    good = event("x", b'["%b"]' % OLD.encode())
    for broken in (good + good[:-1], good + good[:-1] + b"\0"):
        recording, found = live(broken)
        assert found is recording


def test_pieces_keep_their_times():
    first, second = event("a", b'["%b"]' % OLD.encode()), event("b", SAID)
    _, found = live(first, second, sizes=[len(first), len(second)], times=[3, 8])
    assert [time for time, _ in pieces_of(found)] == [3, 8]
    assert pieces_of(found)[1][1] == second


@given(st.integers(0, 200), st.lists(st.integers(0, 400), max_size=6))
def test_any_cut(damage, cuts):
    octets = event("a", b'["%b"]' % OLD.encode()) + event("b", SAID)
    marks = sorted({0, len(octets), *[cut for cut in cuts if cut < len(octets)]})
    sizes = [end - start for start, end in pairwise(marks)]
    _, found = live(octets, sizes=sizes)
    assert body_of(found) == body_of(live(octets)[1])
    at = damage % len(octets)
    harmed = octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]
    recording, found = live(harmed)
    assert found is recording


def test_ids_in_too_many_places_of_all_a_stream_are_left():
    """Each place takes its time: a body with ids all over must not hold up the others."""
    for many, renames in ((MOST_PLACES, True), (MOST_PLACES + 1, False)):
        stream = b'data: {"id":"%b"}\n\n' % OLD.encode() * many
        recording = recorded(stream, kind=b"text/event-stream")
        found = renamed(recording, asking(NEW), CHAT)
        assert (found is not recording) is renames
