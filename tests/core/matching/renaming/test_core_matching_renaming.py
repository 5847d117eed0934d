"""A recorded answer gets the ids of the live conversation; all other octets stay."""

import json
from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from renaming_shapes import CHAT, EVENTS, LINES, NEW, OLD, asking, body_of, pieces_of, recorded

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.matching.renaming.renaming import renamed
from proxy_daemon.core.messages import JSON_LIMIT
from proxy_daemon.core.wire.coding import encode

LIVE = asking(NEW)


def answer(body, kind=b"application/json"):
    return body_of(renamed(recorded(body, kind=kind), LIVE, CHAT))


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"%s"}',
        ' [ "%s" , {"a" : [["%s"]]} ]\r\n',
        '"%s"',  # the whole text
        '{"n": 1.0e+2, "z": 12345678901234567890123, "id" :\t"%s", "nan": NaN}',
        '\ufeff{"id":"%s","text":"zürich \\u00fc \\ud800"}',
        '{"a":"%s","text":"%s"}',
    ],
    ids=range(6),
)
def test_whole_strings_are_renamed_and_nothing_else(text):
    old, new = (text.replace("%s", name).encode() for name in (OLD, NEW))
    assert answer(old) == new


@pytest.mark.parametrize(
    "value",
    [
        {"text": f"see {OLD}"},
        {"arguments": json.dumps({"id": OLD})},
        {OLD: "a name of a member"},
        {"signature": OLD},
        {"thoughtSignature": [OLD]},
        {"a": {"encrypted_content": OLD}},
        {"type": "redacted_thinking", "data": OLD},
        {"id": OLD.upper()},
        "nothing",
    ],
    ids="-".join,
)
def test_what_stays(value):
    recording = recorded(value)
    assert renamed(recording, LIVE, CHAT) is recording


def test_what_is_called_data_elsewhere_is_renamed():
    assert json.loads(answer({"type": "x", "data": OLD})) == {"type": "x", "data": NEW}


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("id", True),
        ("tool_call_id", True),
        ("toolUseId", True),
        ("ids", True),
        ("text", False),
        ("paid", False),
        ("delta", False),
    ],
)
def test_a_short_id_is_no_word(name, is_id):
    found = renamed(recorded({name: "1"}, "1"), asking("7"), CHAT)
    assert json.loads(body_of(found)) == {name: "7" if is_id else "1"}


def test_ids_swap_at_once():
    recording = recorded(["call_aaaa", "call_bbbb", "call_aaaa"], "call_aaaa", "call_bbbb")
    found = renamed(recording, asking("call_bbbb", "call_aaaa"), CHAT)
    assert json.loads(body_of(found)) == ["call_bbbb", "call_aaaa", "call_bbbb"]


def test_an_id_of_the_answer_makes_room_for_a_live_one():
    """A counter gave the live conversation what the recorded answer mints only now."""
    recording = recorded([{"id": "call_0002"}, {"id": "call_0001"}], "call_0001")
    found = renamed(recording, asking("call_0002"), CHAT)
    assert json.loads(body_of(found)) == [{"id": "call_0001"}, {"id": "call_0002"}]


@pytest.mark.parametrize("live", [asking(OLD), asking(OLD, temperature=1), asking(NEW, NEW + "2"), asking()])
def test_equal_ids_and_ids_without_partners(live):
    recording = recorded({"id": OLD})
    assert renamed(recording, live, CHAT) is recording


def test_requests_that_are_no_json_and_recordings_without_answer():
    recording = recorded({"id": OLD})
    assert renamed(recording, evolve(LIVE, body=Bytes(b"{")), CHAT) is recording
    silent = evolve(recording, response=None)
    assert renamed(silent, LIVE, CHAT) is silent


@pytest.mark.parametrize("old", ['call/"\\é☃', "call=<x>", "call_👋_x"], ids=["slash", "equals", "emoji"])
@pytest.mark.parametrize("ascii_only", [True, False], ids=["ascii", "utf-8"])
def test_ids_with_escapes(old, ascii_only):
    text = json.dumps({"id": old}, ensure_ascii=ascii_only).replace("/", "\\/").replace("=", "\\u003d").encode()
    found = renamed(recorded(text, old), asking('new/"é'), CHAT)
    assert json.loads(body_of(found)) == {"id": 'new/"é'}


def test_the_length_and_the_other_fields():
    recording = recorded({"id": OLD}, fields=[(b"Content-Length", b"99"), (b"X-Id", OLD.encode())])
    head = renamed(recording, LIVE, CHAT).response.head
    assert head.headers.pairs[1:] == (
        (b"Content-Length", b"%d" % len(json.dumps({"id": NEW}))),
        (b"X-Id", OLD.encode()),
    )
    assert head.reason == b"OK"


# --- streams ---------------------------------------------------------------------------------------------------------

SSE = (
    'event: a\r\ndata: {{"id": "{0}"}}\r\n\r\n: {0}\n\nid: {0}\ndata: {{"x":\ndata: "{0}"}}\n\n'
    'data: "{0}\n\ndata: [DONE]\n\n'
)
NDJSON = '{{"id": "{0}"}}\r\n\n["{0}"]\n{0}\n{{"a":"{0}"}}'
ARRAY = '[{{"id": "{0}"}}\n,\r\n"{0}" , ["{0}"]\n]\n'


def test_events():
    """A comment, an event's own id and what is no JSON stay."""
    want = SSE.format(NEW).replace(f": {NEW}\n\n", f": {OLD}\n\n").replace(f"id: {NEW}", f"id: {OLD}")
    want = want.replace(f'data: "{NEW}\n', f'data: "{OLD}\n')
    assert answer(SSE.format(OLD).encode(), EVENTS) == want.encode()


@pytest.mark.parametrize("stripped", ["\n\n", "\n", ""], ids=["whole", "one line end", "none"])
def test_a_last_event_whose_end_is_missing(stripped):
    text = f'data: {{"id":"{OLD}"}}{stripped}'
    assert answer(text.encode(), EVENTS) == text.replace(OLD, NEW).encode()


def test_lines():
    want = NDJSON.format(NEW).replace(f"\n{NEW}\n", f"\n{OLD}\n")
    assert answer(NDJSON.format(OLD).encode(), LINES) == want.encode()
    assert answer(NDJSON.format(OLD).encode()) == want.encode()  # under a wrong type


def test_elements_of_an_array():
    recording = recorded(ARRAY.format(OLD).encode(), request=asking(OLD, stream=True))
    assert body_of(renamed(recording, asking(NEW, stream=True), CHAT)) == ARRAY.format(NEW).encode()
    marked = recorded(b"\xef\xbb\xbf" + ARRAY.format(OLD).encode(), request=asking(OLD, stream=True))
    assert body_of(renamed(marked, asking(NEW, stream=True), CHAT))[3:] == ARRAY.format(NEW).encode()


def test_other_bodies():
    recording = recorded(f"the words {OLD}".encode(), kind=b"text/plain")
    assert renamed(recording, LIVE, CHAT) is recording


# --- pieces and codings ----------------------------------------------------------------------------------------------


def test_pieces_keep_their_times():
    text = b'data: {"id":"%b"}\n\ndata: {"t":"w"}\n\n' % OLD.encode()
    cut = text.index(b"data", 1)
    recording = recorded(text, kind=EVENTS, sizes=[8, cut - 8, len(text) - cut], times=[5, 6, 9])
    assert pieces_of(renamed(recording, LIVE, CHAT)) == [
        (5, b'data: {"'),
        (6, b'id":"call_live"}\n\n'),
        (9, b'data: {"t":"w"}\n\n'),
    ]


@pytest.mark.parametrize("times", [[], [4]])
def test_pieces_that_do_not_fit_are_one(times):
    found = renamed(recorded({"id": OLD}, sizes=[3], times=times), LIVE, CHAT)
    assert list(found.response.pieces.sizes) == [len(body_of(found))]
    assert list(found.response.pieces.times) == times


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", "gzip, br"])
def test_coded_bodies_come_uncoded(coding):
    octets = encode(coding.encode(), b'{"id":"%b"}' % OLD.encode())
    fields = [(b"Content-Encoding", coding.encode()), (b"Content-Length", b"%d" % len(octets))]
    recording = recorded(octets, fields=fields, sizes=[5, len(octets) - 5], times=[1, 2])
    found = renamed(recording, LIVE, CHAT)
    assert body_of(found) == b'{"id":"%b"}' % NEW.encode()
    assert b"content-encoding" not in found.response.head.headers
    assert found.response.head.length == b"%d" % len(body_of(found))
    assert b"".join(part for _, part in pieces_of(found)) == body_of(found)
    other = recorded(encode(coding.encode(), b"{}"), fields=fields[:1])
    assert renamed(other, LIVE, CHAT) is other


def test_what_is_stated_and_not_applied():
    found = renamed(recorded({"id": OLD}, fields=[(b"Content-Encoding", b"gzip")]), LIVE, CHAT)
    assert json.loads(body_of(found)) == {"id": NEW}
    assert b"content-encoding" not in found.response.head.headers


@pytest.mark.parametrize(
    ("octets", "fields"),
    [
        (encode(b"gzip", b'{"id":"%b"}' % OLD.encode())[:-3], [(b"Content-Encoding", b"gzip")]),
        (encode(b"gzip", b" " * JSON_LIMIT + b'"%b"' % OLD.encode()), [(b"Content-Encoding", b"gzip")]),
        (b'"%b"' % OLD.encode(), [(b"Content-Encoding", b"strange")]),
        (b" " * JSON_LIMIT + b'"%b"' % OLD.encode(), []),
        (b'{"id":"%b"' % OLD.encode(), []),
        (b'{"id":"%b","deep":' % OLD.encode() + b"[" * 300 + b'"%b"' % OLD.encode() + b"]" * 300 + b"}", []),
        (b'{"id":"%b","\\ud800":"%b"}' % (OLD.encode(), OLD.encode()), []),
        (b"[" + b",".join([b'"%b"' % OLD.encode()] * 10_001) + b"]", []),
    ],
    ids=["cut", "too large decoded", "unknown coding", "too large", "no JSON", "too deep", "odd name", "too many"],
)
def test_all_or_nothing(octets, fields):
    recording = recorded(octets, fields=fields)
    assert renamed(recording, LIVE, CHAT) is recording


# --- whatever comes --------------------------------------------------------------------------------------------------

IDS = st.sampled_from(["call_aaaaaaa1", "call_aaaaaaa2", "x", "call.cc:c", "call_bbbbbbbbbbbb"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "data", "b"]), inner),
    max_leaves=8,
)
TWO = st.tuples(
    st.permutations(["call_aaaaaaa1", "x", "call.cc:c"]), st.lists(IDS, min_size=3, max_size=3, unique=True)
)


def streamed(values):
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)


@given(VALUES, TWO)
def test_there_and_back(value, names):
    recording = recorded(value, *names[0])
    there = renamed(recording, asking(*names[1]), CHAT)
    back = renamed(evolve(there, request=asking(*names[1])), asking(*names[0]), CHAT)
    assert body_of(back) == body_of(recording)
    assert pieces_of(back) == pieces_of(recording)


@given(st.lists(VALUES, min_size=1, max_size=4), TWO, st.data())
def test_the_same_however_it_is_cut(values, names, data):
    octets = streamed(values)
    cuts = sorted({0, len(octets), *data.draw(st.lists(st.integers(0, len(octets)), max_size=9))})
    sizes = [end - start for start, end in pairwise(cuts)]
    found = renamed(recorded(octets, *names[0], kind=EVENTS, sizes=sizes), asking(*names[1]), CHAT)
    assert body_of(found) == body_of(renamed(recorded(octets, *names[0], kind=EVENTS), asking(*names[1]), CHAT))
    assert b"".join(part for _, part in pieces_of(found)) == body_of(found)


@given(
    st.binary(max_size=80), st.sampled_from([EVENTS, LINES, b"application/json", b"application/vnd.amazon.eventstream"])
)
def test_hostile_bodies_raise_nothing(noise, kind):
    octets = noise + b'data: {"id":"%b"}\n\n' % OLD.encode() + noise
    found = renamed(recorded(octets, kind=kind), LIVE, CHAT)
    assert sum(found.response.pieces.sizes) == found.response.body.size
