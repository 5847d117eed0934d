"""Changed items: the quick way and the long way say the same, moved text has its place, faults leave all as it was."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting import edits
from proxy_daemon.core.rewriting.carriers import carrier_of, document
from proxy_daemon.core.rewriting.channels.chat import Chat
from proxy_daemon.core.rewriting.channels.google import Google
from proxy_daemon.core.rewriting.channels.ollama import Ollama
from proxy_daemon.core.rewriting.channels.spot import Spot
from proxy_daemon.core.rewriting.clones import clone_of
from proxy_daemon.core.rewriting.edits import CannotEdit, Change, differs, written
from proxy_daemon.core.rewriting.packed import payload_of
from proxy_daemon.core.rewriting.quick import replaced
from proxy_daemon.core.rewriting.said import Said
from proxy_daemon.core.wire.event_stream import EventStreamReader
from proxy_daemon.core.wire.event_stream import event as frame
from proxy_daemon.core.wire.json_array import JSONArrayReader
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import Event

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
SPOT = Spot((0,), ("a", 0, "b"), "content", "cat")
TO_DOG = Change(SPOT, [Said("dog")])


def changed(octets, said, channels=None, *, cuts_in_two=False, carrier=None):
    """The octets with the first text that there is in them changed."""
    item = orjson.loads(octets)
    spot = (channels or Chat()).spots("", item)[0]
    return written(carrier or document(octets), item, [Change(spot, said)], cuts_in_two=cuts_in_two)


def chat(content, **more):
    return {"choices": [{"index": 0, "delta": {"content": content, **more}, "finish_reason": None}]}


# --- the quick way ---------------------------------------------------------------------------------------------------


@given(TEXTS, TEXTS, st.booleans(), st.sampled_from([None, orjson.OPT_INDENT_2]))
def test_both_ways_say_the_same(old, new, twice, option):
    item = chat(old)
    if twice:  # the same text stands elsewhere first
        item = {"x": {"content": old}, **item}
    octets = orjson.dumps(item, option=option)
    spot = Spot((0,), ("choices", 0, "delta", "content"), "content", old)
    change = Change(spot, [Said(new)])
    quick = replaced(document(octets), spot.path, old, {spot.path: new})
    slow = edits._everywhere(document(octets), item, [change])
    assert orjson.loads(slow) == {**item, **chat(new)}
    assert quick in (None, slow)
    assert quick is not None or twice or option


@pytest.mark.parametrize(
    "octets",
    [
        b'{"b":"cat","a":[{"b":"cat"}]}',
        b'{"a":[{"b":"cat","b":"cow"}]}',
        b'{"a":[{"b" :"cat"}]}',
        b'{"a":[{"b":"catx"}]}',
        b'{"a":"cat"}',
        b"[]",
        b"",
    ],
)
def test_the_quick_way_does_nothing_where_it_is_not_sure(octets):
    assert replaced(document(octets), SPOT.path, "cat", {SPOT.path: "dog"}) is None


def test_the_quick_way_writes_as_it_was_written():
    octets = b'{"a":[{"b":"c\\u0061t"}],"b":"cat"}'
    assert replaced(document(octets), SPOT.path, "cat", {SPOT.path: "a dog"}) == (
        b'{"a":[{"b":"\\u0061 dog"}],"b":"cat"}'
    )


@pytest.mark.parametrize("names", [("content", "reasoning_content"), ("reasoning_content", "content")])
def test_the_quick_way_leaves_a_member_that_is_there_to_the_long_one(names):
    whole = chat("cat", reasoning_content=None)
    delta = whole["choices"][0]["delta"]
    whole["choices"][0]["delta"] = {name: delta[name] for name in names}
    octets = orjson.dumps(whole)
    out = changed(octets, [Said("cat", moved=True)])
    assert orjson.loads(out) == chat(None, reasoning_content="cat")
    assert out.count(b"reasoning_content") == 1


# --- carriers --------------------------------------------------------------------------------------------------------

JSON = b'{"a": [{"b":"cat"} ] , "n":1.10}'
DOG = JSON.replace(b"cat", b"dog")


@pytest.mark.parametrize(
    "before_and_after",
    [
        (b"data: ", b"\n\n"),
        (b"event: cat\r\ndata:", b"\r\n\r\n"),
        (b": cat\nid: 1\ndata: ", b"\nretry: 5\n\n"),
        (b"\xef\xbb\xbfdata: ", b"\r\r"),
    ],
)
def test_events_keep_all_around_the_text(before_and_after):
    before, after = before_and_after
    out = written(carrier_of(Event(before + JSON + after)), orjson.loads(JSON), [TO_DOG], cuts_in_two=False)
    assert out == before + DOG + after


@pytest.mark.parametrize(
    ("reader", "stream"),
    [
        (LineReader(), b" %b \r\n"),
        (LineReader(), b"%b\n"),
        (JSONArrayReader(), b" [ %b"),
        (JSONArrayReader(), b"[\n%b"),
    ],
)
def test_lines_and_elements_do_too(reader, stream):
    (item,) = reader.feed(stream % JSON)
    assert written(carrier_of(item), orjson.loads(JSON), [TO_DOG], cuts_in_two=False) == stream % DOG


@pytest.mark.parametrize("name", ["contentBlockDelta", "chunk"])
def test_frames_have_new_lengths_and_sums(name):
    (item,) = EventStreamReader().feed(frame(name, JSON.replace(b"cat", b"a cat")))
    assert payload_of(item) == item.data
    change = Change(SPOT._replace(text="a cat"), [Said("something longer")])
    (out,) = EventStreamReader().feed(written(carrier_of(item), orjson.loads(item.data), [change], cuts_in_two=False))
    assert (out.name, out.data) == (name, JSON.replace(b"cat", b"something longer"))


def test_chunks_hold_their_json_in_base64():
    (item,) = EventStreamReader().feed(frame("chunk", b'{"bytes":"eyJhIjpbeyJiIjoiY2F0In1dfQ==","p":"abc"}'))
    assert payload_of(item) == b'{"a":[{"b":"cat"}]}'
    (out,) = EventStreamReader().feed(
        written(carrier_of(item), orjson.loads(payload_of(item)), [TO_DOG], cuts_in_two=False)
    )
    assert payload_of(out) == b'{"a":[{"b":"dog"}]}'
    assert out.data.endswith(b'","p":"abc"}')
    assert out.headers == item.headers


def test_other_frames_are_no_chunks():
    data = b'{"bytes":"eyJhIjpbeyJiIjoiY2F0In1dfQ==","a":[{"b":"cat"}]}'
    (item,) = EventStreamReader().feed(frame("contentBlockDelta", data))
    (out,) = EventStreamReader().feed(written(carrier_of(item), orjson.loads(data), [TO_DOG], cuts_in_two=False))
    assert out.data == data.replace(b"cat", b"dog")


# --- moved text ------------------------------------------------------------------------------------------------------

BOTH = [Said("a"), Said("b", moved=True), Said("c")]


def test_in_a_document_words_and_thoughts_stand_side_by_side():
    message = {"choices": [{"message": {"content": "x", "reasoning_content": "t"}}]}
    out = changed(orjson.dumps(message), BOTH)
    assert orjson.loads(out)["choices"][0]["message"] == {"content": "ac", "reasoning_content": "tb"}
    out = changed(orjson.dumps(message), BOTH[1:2])
    assert orjson.loads(out)["choices"][0]["message"] == {"content": "", "reasoning_content": "tb"}


def test_in_a_stream_each_has_its_event():
    octets = b"id: 1\ndata: " + orjson.dumps(chat("x")) + b"\n\n"
    event = Event(octets)
    out = changed(event.data, BOTH, cuts_in_two=True, carrier=carrier_of(event))
    told = [orjson.loads(part.partition(b"data: ")[2]) for part in out.split(b"\n\n")[:-1]]
    assert [each["choices"][0]["delta"] for each in told] == [
        {"content": "a"},
        {"reasoning_content": "b"},
        {"content": "c"},
    ]
    assert out.count(b"id: 1\n") == 3


def test_an_event_does_not_become_very_many():
    event = Event(b"data: " + orjson.dumps(chat("x")) + b"\n\n")
    out = changed(event.data, BOTH[:2] * 100, cuts_in_two=True, carrier=carrier_of(event))
    told = [orjson.loads(part[6:])["choices"][0]["delta"] for part in out.split(b"\n\n")[:-1]]
    assert told == [{"reasoning_content": "b" * 100}, {"content": "a" * 100}]


def test_gemini_has_parts_for_thoughts():
    parts = [{"text": "z"}, {"text": "x", "thoughtSignature": "s"}]
    item = {"candidates": [{"content": {"parts": parts}}]}
    octets = orjson.dumps(item)
    spot = Google().spots("", item)[1]
    for said, meant in [
        (BOTH, [{"text": "a"}, {"text": "b", "thought": True}, {"text": "c", "thoughtSignature": "s"}]),
        (BOTH[:2], [{"text": "a", "thoughtSignature": "s"}, {"text": "b", "thought": True}]),
        (BOTH[1:2], [{"text": "b", "thought": True}, {"text": "", "thoughtSignature": "s"}]),
    ]:
        out = orjson.loads(written(document(octets), item, [Change(spot, said)], cuts_in_two=True))
        assert out["candidates"][0]["content"]["parts"] == [{"text": "z"}, *meant]


def test_clones_leave_the_end_to_the_last():
    line = {"model": "m", "message": {"role": "assistant", "content": "x"}, "done": True, "done_reason": "stop"}
    line |= {"eval_count": 7, "context": [1, 2]}
    spot = Ollama().spots("", line)[0]
    assert clone_of(line, spot, Said("t", moved=True)) == {
        "model": "m",
        "message": {"role": "assistant", "content": "", "thinking": "t"},
        "done": False,
    }
    other = {"index": 1, "delta": {"content": "y"}}
    chunk = {"id": "c", "usage": {}, "choices": [other, {"index": 0, "finish_reason": "stop", "delta": {
        "role": "assistant", "content": "x", "tool_calls": [{}]}}]}  # fmt: skip
    spot = Chat().spots("", chunk)[1]
    told = {"index": 0, "finish_reason": None, "delta": {"content": "w"}}
    assert clone_of(chunk, spot, Said("w")) == {"id": "c", "choices": [told]}


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_text_that_is_not_there_changes_nothing():
    with pytest.raises(CannotEdit):
        written(
            document(b'{"a":[]}'),
            {"a": []},
            [TO_DOG, TO_DOG._replace(spot=SPOT._replace(path=("x",)))],
            cuts_in_two=False,
        )


def test_more_changes_than_any_answer_has(monkeypatch):
    monkeypatch.setattr(edits, "MOST_CHANGES", 3)
    with pytest.raises(CannotEdit, match="3 are the most"):
        written(document(JSON), orjson.loads(JSON), [TO_DOG] * 4, cuts_in_two=False)


@pytest.mark.parametrize(
    ("said", "meant"),
    [([Said("cat")], False), ([], True), ([Said("cow")], True), ([Said("cat", moved=True)], True), (BOTH, True)],
)
def test_what_differs(said, meant):
    assert differs(SPOT, said) is meant
