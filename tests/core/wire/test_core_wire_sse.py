"""Server-sent events: against a second reading of the specification, in any cut, written, hostile; and the corpus."""

import csv
import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire import Malformed, json_text, sse
from proxy_daemon.core.wire.sse import BOM, Event, SSEReader
from tests import corpus
from tests.cut_streams import joined, random_cuts, read, same_for_any_cut, with_cuts

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=10)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
STREAMS = joined(
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"data", b"data:", b"data: ", b"data:  x", b"da", b"a", b": ", b":"),
    *(
        b"event: e\n",
        b"event:",
        b"event\n",
        b"id: 7\n",
        b"id:",
        b"id: \0\n",
        b"retry: 10\n",
        b"retry: 1x\n",
        b"retry\n",
    ),
    *(b": note\n", b"data: {}\n\n", BOM, b"\xc3", b"\xa9", b"\xff", "é€😀".encode(), b"\0", b"\x85", b"\x0b", b"\x1c"),
    *(b"event: e\r\ndata: x\r\n\r\n", b"event: e\ndata: x\n\n", b"data:\n\n", b"DATA: x\n", b" data: x\n"),
)


def lines_of(text):
    """Those that have an end; what stands behind the last line end is discarded."""
    line, position = "", 0
    while position < len(text):
        if text[position] in "\r\n":
            yield line
            line = ""
            position += text[position : position + 2] == "\r\n"
        else:
            line += text[position]
        position += 1


def by_the_specification(octets):
    """What a client dispatches, in the words of 9.2.6: [(type, data, last event id)], and the reconnection time."""
    data, kind, last_id, dispatched, time = "", "", "", [], None
    for line in lines_of(octets.decode("utf-8", "replace").removeprefix("\ufeff")):
        if line == "":
            if data != "":
                dispatched.append((kind or "message", data[:-1], last_id))
            data, kind = "", ""
            continue
        colon = line.find(":")
        field, value = (line, "") if colon < 0 else (line[:colon], line[colon + 1 :])  # a comment: an unknown field
        value = value[1:] if value[:1] == " " else value
        if field == "event":
            kind = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value and set(value) <= set("0123456789"):
            time = int(value)
    return dispatched, time


def by_the_reader(items):
    dispatched, last_id, time = [], "", None
    for event in items:
        last_id = last_id if event.id is None else event.id
        time = time if event.retry is None else event.retry
        if event.dispatched:
            dispatched.append((event.name or "message", event.text, last_id))
    return dispatched, time


@given(with_cuts(STREAMS))
def test_any_stream_in_any_cut_is_what_the_specification_says(stream_and_cuts):
    data, cuts = stream_and_cuts
    items, rest, fault = same_for_any_cut(SSEReader, data, cuts)
    dispatched, time = by_the_reader(items)
    expected, expected_time = by_the_specification(data)
    assert dispatched == expected
    if fault is None:
        assert (time, rest) == (expected_time, b"")


@given(with_cuts(joined(b"\n", b"\r", b"\r\n", b"a")))
def test_line_ends_alone(stream_and_cuts):
    data, cuts = stream_and_cuts
    items, *_ = same_for_any_cut(SSEReader, data, cuts)
    assert not any(event.dispatched or event.data or event.name for event in items)


EVENTS = [  # octets, name, data, id, retry
    (b"data: x\n\n", "", b"x", None, None),
    (b"data:x\n\n", "", b"x", None, None),
    (b"data:  x \n\n", "", b" x ", None, None),
    (b"data\n\n", "", b"", None, None),
    (b"data: a\ndata: b\n\n", "", b"a\nb", None, None),
    (b"data: a\r\ndata\r\ndata:\r\n\r\n", "", b"a\n\n", None, None),
    (b"data: a\rdata: b\r\n\n", "", b"a\nb", None, None),
    (b"event: n\ndata: x\n\n", "n", b"x", None, None),
    (b"event:n\r\ndata:x\r\n\r\n", "n", b"x", None, None),
    (b"data: x\nevent: n\n\n", "n", b"x", None, None),
    (b"event: n\nevent: m\ndata: x\n\n", "m", b"x", None, None),
    (b"event: n: m\ndata: x: y\n\n", "n: m", b"x: y", None, None),
    (b"event: \xff\ndata: \xff\n\n", "\ufffd", b"\xff", None, None),
    (b": hello\n\n", "", b"", None, None),
    (b": hello\ndata: x\n\n", "", b"x", None, None),
    (b"id: 7\ndata: x\n\n", "", b"x", "7", None),
    (b"id\ndata: x\n\n", "", b"x", "", None),
    (b"id: 7\nid: 8\0\ndata: x\n\n", "", b"x", "7", None),
    (b"retry: 0010\n\n", "", b"", None, 10),
    (b"retry: 10\nretry: -1\nretry: \xd9\xa1\nretry: 1.5\n\n", "", b"", None, 10),
    (b"retry: " + b"9" * 5000 + b"\n\n", "", b"", None, None),
    (b"\n\n\ndata: x\n\n", "", b"x", None, None),
    (b"Data: x\n data: x\ndata : x\n\n", "", b"", None, None),
    (BOM + b"data: x\n\n", "", b"x", None, None),
    (BOM + BOM + b"data: x\n\n", "", b"", None, None),
    (b"data: " + BOM + b"x\n\n", "", BOM + b"x", None, None),
]


@pytest.mark.parametrize(("octets", "name", "data", "last_id", "retry"), EVENTS)
def test_what_an_event_says(octets, name, data, last_id, retry):
    *_, event = read(SSEReader(), octets)[0]
    assert (event.name, event.data, event.id, event.retry) == (name, data, last_id, retry)
    assert type(event.name) is str
    assert type(event.data) is bytes


def test_a_byte_order_mark_counts_at_the_beginning_of_the_stream_only():
    first, second = read(SSEReader(), (BOM + b"data: x\n\n") * 2)[0]
    assert (first.data, second.data, second.dispatched) == (b"x", b"", False)


def test_an_empty_line_of_data_is_dispatched_and_a_comment_is_not():
    empty, comment = read(SSEReader(), b"data:\n\n: x\n\n")[0]
    assert (empty.data, comment.data) == (b"", b"")
    assert (empty.dispatched, comment.dispatched) == (True, False)


def test_an_event_comes_as_soon_as_it_is_whole():
    reader = SSEReader()
    assert [event.raw for event in reader.feed(b"data: a\n\ndata: b\n")] == [b"data: a\n\n"]
    assert reader.rest == b"data: b\n"
    assert [(event.raw, event.start) for event in reader.feed(b"\n")] == [(b"data: b\n\n", 9)]
    assert list(reader.feed(b"data: c\r\n\r")) == []
    assert [event.raw for event in reader.feed(b"\n")] == [b"data: c\r\n\r\n"]
    assert list(reader.feed(b"data: d\r\r")) == []
    assert [event.raw for event in reader.feed(b"d")] == [b"data: d\r\r"]


@pytest.mark.parametrize(
    ("octets", "items"),
    [
        (b"", []),
        (b"\n", [b"\n"]),
        (b"data: x\n\r", [b"data: x\n\r"]),
        (b"data: x\r\r", [b"data: x\r\r"]),
        (b"data: x\n\n: bye", [b"data: x\n\n", b": bye"]),
        (b"data: x\n\n: bye\r\n:\n", [b"data: x\n\n", b": bye\r\n:\n"]),
        (BOM, [BOM]),
        (BOM + b": x\n", [BOM + b": x\n"]),
    ],
)
def test_good_ends(octets, items):
    found, rest, fault = same_for_any_cut(SSEReader, octets, ())
    assert ([event.raw for event in found], rest, fault) == (items, b"", None)


@pytest.mark.parametrize(
    "left", [b"data: x", b"data: x\n", b"event: x\r\n", b": x\ndata", b'{"error": 1}\n', b"\nx", b"\xef\xbb"]
)
def test_a_stream_that_ends_within_an_event(left):
    items, rest, fault = same_for_any_cut(SSEReader, b"data: a\n\n" + left, ())
    assert ([event.data for event in items], rest) == ([b"a"], left)
    assert (fault.reason, fault.at) == ("the stream ends within an event", 9 + len(left))


def test_a_line_that_never_ends_is_refused_and_what_stood_before_it_is_given():
    reader = SSEReader(limit=100)
    assert [event.data for event in reader.feed(b"data: x\n\n" + b"y" * 101)] == [b"x"]
    with pytest.raises(Malformed, match="over the limit of 100 octets, at octet 109"):
        reader.feed(b"z")
    with pytest.raises(Malformed):
        reader.end()
    assert reader.rest == b"y" * 101 + b"z"


@given(with_cuts(STREAMS), st.integers(1, 30))
def test_the_limit_holds_in_any_cut(stream_and_cuts, limit):
    data, cuts = stream_and_cuts
    items, _, fault = same_for_any_cut(lambda: SSEReader(limit), data, cuts)
    unlimited = read(SSEReader(), data)[0]
    assert items == unlimited[: len(items)]
    assert all(len(event.raw) <= limit for event in items)
    assert fault is not None or items == unlimited


def test_a_long_line_in_small_pieces_and_a_million_tiny_events():
    reader = SSEReader()
    pieces = [b"data: ", *[b"x" * 16384] * 1024, b"\n", b"\n"]
    (event,) = [event for piece in pieces for event in reader.feed(piece)]
    assert event.data == b"x" * 16384 * 1024
    assert len(SSEReader().feed(b":\n\n" * 1_000_000)) == 1_000_000
    (block,) = SSEReader().feed(b"data\n" * 300_000 + b"\n")
    assert block.data == b"\n" * 299_999


# --- written ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(TEXTS, NAMES, st.none() | NAMES, st.none() | st.integers(0, 10**9)), max_size=5))
def test_what_is_written_is_read_again(events):
    octets = b"".join(sse.write(text, name, id=last_id, retry=retry) for text, name, last_id, retry in events)
    items, rest, fault = read(SSEReader(), octets)
    assert (rest, fault) == (b"", None)
    found = [(event.text, event.name, event.id, event.retry) for event in items]
    assert found == [(text.replace("\r\n", "\n").replace("\r", "\n"), *others) for text, *others in events]
    assert all(event.dispatched for event in items)


@pytest.mark.parametrize(
    ("data", "options", "octets"),
    [
        ({"a": "é\n"}, {}, 'data: {"a":"é\\n"}\n\n'.encode()),
        ([1, None], {"name": "n"}, b"event: n\ndata: [1,null]\n\n"),
        ("[DONE]", {}, b"data: [DONE]\n\n"),
        (b"\xff", {}, b"data: \xff\n\n"),
        ("a\nb\r\nc\rd\n", {}, b"data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"),
        ("", {}, b"data: \n\n"),
        (" x", {"id": "", "retry": 5}, b"id: \nretry: 5\ndata:  x\n\n"),
        ("\ud800", {}, b"data: ?\n\n"),
        (None, {}, b"data: null\n\n"),
    ],
)
def test_how_it_is_written(data, options, octets):
    assert sse.write(data, **options) == octets


def test_what_cannot_be_written():
    for options in ({"name": "a\ndata: b"}, {"name": "a\r"}, {"id": "\n"}, {"id": "a\0"}):
        with pytest.raises(ValueError, match="line end"):
            sse.write("x", **options)
    with pytest.raises(json_text.NotJSON):
        sse.write({"a": object()})


@given(TEXTS)
def test_comments_say_nothing(text):
    (event,) = read(SSEReader(), sse.comment(text))[0]
    assert (event.dispatched, event.name, event.data) == (False, "", b"")


def test_events_are_values():
    assert Event(b"data: x\n\n") == Event(b"data: x\n\n", 0) != Event(b"data: x\n\n", 9)
    assert len({Event(b"a"), Event(b"a"), Event(b"b")}) == 2
    assert Event(b"a") != b"a"
    assert "data" not in repr(Event(b"data: secret\n\n"))


# --- the corpus ------------------------------------------------------------------------------------------------------


def recorded_streams():
    for one in corpus.interactions():
        body = one.response.body.whole()
        if body and b"event-stream" in (one.response.head.headers.get(b"content-type") or b"").lower():
            yield one.file, gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    with (corpus.HOME / "INDEX.csv").open() as index:
        bare = [row["file"] for row in csv.DictReader(index) if row["format"] == "raw-sse"]
    for name in bare:
        yield name, (corpus.HOME / name).read_bytes()


@pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing())
def test_the_streams_of_the_corpus():
    streams = events = size = 0
    unended = []
    for file, body in recorded_streams():
        items, _, fault = read(SSEReader(), body)
        again, rest, _ = read(SSEReader(), body, random_cuts(body, streams))
        assert again == items, file
        assert b"".join(event.raw for event in again) + rest == body
        assert by_the_reader(items)[0] == by_the_specification(body)[0], file
        streams, events, size = streams + 1, events + len(items), size + len(body)
        unended += [file] if fault else []
    assert all(file.startswith("prism-php-prism/") for file in unended)  # trimmed by hand
    print(f"{streams} streams, {events} events, {size} octets; {len(unended)} lack their last blank line")
    assert (streams > 390, len(unended)) == (True, 4)


# --- pieces that are one event of one line ---------------------------------------------------------------------------

ONE_BY_ONE = [
    b"data: a\n\n",
    b"\n\n",
    b"data: b\n\n",
    b": hi\n\n",
    b"data: c\r\n\r\n",
    b"data",
    b": d\n\n",
    b"e\n\n",
    b"\n",
]


@given(st.lists(st.sampled_from(ONE_BY_ONE), max_size=9))
def test_pieces_that_are_an_event_are_found_where_they_are_in_the_whole(pieces):
    whole, apart = SSEReader(), SSEReader()
    expected = [(item.raw, item.start) for item in whole.feed(b"".join(pieces))]
    found = [(item.raw, item.start) for piece in pieces for item in apart.feed(piece)]
    assert found == expected
    assert apart.rest == whole.rest


def test_one_that_is_too_long_is_no_event_either():
    reader = SSEReader(20)
    assert [item.raw for item in reader.feed(b"data: 0123456789ab\n\n")] == [b"data: 0123456789ab\n\n"]
    for _ in range(2):
        with pytest.raises(Malformed, match="over the limit of 20 octets"):
            reader.feed(b"data: 0123456789abc\n\n")
