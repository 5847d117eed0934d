"""A stream as it came: events with the times of the pieces that complete them, their words, and a timeline."""

import base64
import zlib
from array import array
from itertools import pairwise

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from inspected import EVENTS, GEMINI, JSON, MESSAGES, USER, chat, delta, event, pieces_of, read, streamed

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.stream import LONGEST_DATA, MOST, MOST_MARKS, stream_view
from proxy_daemon.core.messages import Pieces
from proxy_daemon.core.wire import event_stream

ASKED = {"model": "m", "stream": True, "messages": [USER]}
DONE = b"data: [DONE]\n\n"


def viewed(body, pieces=None, *, asked=ASKED, got=(EVENTS,), offset=0, limit=None, **more):
    return stream_view(read(asked, body, got=got, pieces=pieces, **more), offset, limit)


def test_it_has_the_members_of_the_contract():
    body, pieces = streamed(delta(role="assistant", content=""), delta(content="He"), delta(content="llo"), DONE)
    found = viewed(body, pieces)
    events = found.pop("events")
    assert found == {
        "framing": "sse",
        "total": 4,
        "next": None,
        "first_word_us": 2000,
        "first_byte_us": 1000,
        "end_us": 5000,
        "longest_gap": {"at_us": 1000, "us": 1000} | {"at_us": found["longest_gap"]["at_us"]},
        "marks": found["marks"],
        "problem": "",
    }
    assert [each["words"] for each in events] == ["", "He", "llo", ""]
    assert [each["at_us"] for each in events] == [1000, 2000, 3000, 4000]
    assert [each["n"] for each in events] == [0, 1, 2, 3]
    assert orjson.loads(events[1]["data"])["choices"][0]["delta"] == {"content": "He"}
    assert events[3]["data"] == "[DONE]"
    assert sum(each["size"] for each in events) == len(body)


@pytest.mark.parametrize(
    ("cuts", "times"),
    [
        ((), [10, 10, 10]),
        ((1,), [20, 20, 20]),
        ((20,), [20, 20, 20]),
        ((24, 48), [10, 20, 30]),
        ((23, 24), [20, 30, 30]),
    ],
)
def test_an_event_has_the_time_of_the_piece_that_completes_it(cuts, times):
    body = b"".join(event({"a": at}, "named") for at in range(3))
    assert len(body) == 3 * 28
    cuts = [0, *(at * 28 // 24 for at in cuts), len(body)]
    sizes = [end - start for start, end in pairwise(cuts)]
    found = viewed(body, Pieces(array("Q", sizes), array("Q", [10 * (at + 1) for at in range(len(sizes))])))
    assert [each["at_us"] for each in found["events"]] == times


def test_blank_lines_are_no_events():
    body, _ = streamed(b"\n\n\n\n", delta(content="a"), b"\n\n", DONE, b"\n\n")
    assert viewed(body)["total"] == 2


@given(st.lists(st.integers(1, 60), max_size=30))
def test_times_in_any_cut_are_those_of_octet_by_octet(sizes):
    body, _ = streamed(*(delta(content=f"w{at}") for at in range(6)), DONE)
    cut, left = [], len(body)
    for each in sizes:
        size = min(each, left)
        left -= size
        cut += [size] if size else []
    cut += [left] if left else []
    found = viewed(body, Pieces(array("Q", cut), array("Q", range(len(cut)))))
    end = 0
    for each in found["events"]:
        end += each["size"]
        reached, piece = 0, 0
        while reached + cut[piece] < end:
            reached += cut[piece]
            piece += 1
        assert each["at_us"] == piece


def coded(parts):
    made = zlib.compressobj(6, zlib.DEFLATED, 31)
    out = [made.compress(part) + made.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    out[-1] += made.flush()
    return b"".join(out), pieces_of(out)


def test_a_coded_stream_has_the_times_of_its_pieces_on_the_wire():
    parts = [event(delta(content=f"word {at} ")) for at in range(20)] + [DONE]
    body, pieces = coded(parts)
    found = viewed(body, pieces, got=(EVENTS, (b"Content-Encoding", b"gzip")))
    assert [each["at_us"] for each in found["events"]] == list(pieces.times)
    assert "".join(each["words"] for each in found["events"]) == "".join(f"word {at} " for at in range(20))


def test_times_that_are_not_known_are_null():
    body, pieces = streamed(delta(content="a"))
    for unknown in (Pieces(), evolve(pieces, times=array("Q"))):
        found = viewed(body, unknown)
        assert found["events"][0]["at_us"] is None
        assert (found["first_byte_us"], found["longest_gap"], found["marks"]) == (None, None, [])
        assert found["events"][0]["words"] == "a"


def test_pages():
    body, pieces = streamed(*(delta(content=f"{at},") for at in range(25)))
    words, offset, totals = "", 0, set()
    while offset is not None:
        page = viewed(body, pieces, offset=offset, limit=10)
        assert page["events"][0]["n"] == offset
        totals.add((page["total"], page["first_word_us"]))
        words, offset = words + "".join(each["words"] for each in page["events"]), page["next"]
    assert words == "".join(f"{at}," for at in range(25))
    assert totals == {(25, 1000)}


def test_a_page_behind_the_end_and_so_many_events_at_most():
    body, pieces = streamed(*(delta(content="x") for _ in range(MOST + 5)))
    assert viewed(body, pieces, offset=10**9)["events"] == []
    assert len(viewed(body, pieces, limit=10**6)["events"]) == MOST


def test_long_data_is_cut():
    body, pieces = streamed(delta(content="x" * 50_000))
    one = viewed(body, pieces)["events"][0]
    assert len(one["data"]) == LONGEST_DATA
    assert one["cut"] > 50_000


def test_comments_are_events_without_words():
    body, pieces = streamed(b": ping\n\n", delta(content="a"))
    first, second = viewed(body, pieces)["events"]
    assert (first["data"], first["words"]) == (": ping", "")
    assert second["words"] == "a"


def test_thoughts_and_arguments_are_words_where_there_are_no_others():
    call = {"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"a"'}}
    body, pieces = streamed(delta(reasoning_content="hm"), delta(tool_calls=[call]), delta(content="yes"))
    assert [each["words"] for each in viewed(body, pieces)["events"]] == ["hm", '{"a"', "yes"]


def anthropic():
    return [
        event({"type": "message_start", "message": {"id": "1", "role": "assistant", "content": []}}, "message_start"),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
    ]


def gemini(text):
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}


def bedrock():
    for text in ("Hi", "!"):
        value = {"contentBlockIndex": 0, "delta": {"text": text}}
        yield event_stream.event("contentBlockDelta", orjson.dumps(value))


def invoked():
    value = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
    packed = {"bytes": base64.b64encode(orjson.dumps(value)).decode()}
    yield event_stream.event("chunk", orjson.dumps(packed))


LINES = [
    b'{"message":{"role":"assistant","content":"Hi"},"done":false}\n',
    b'{"message":{"content":"!"},"done":true}\n',
]
STREAMS = {
    "anthropic": (MESSAGES, "text/event-stream", anthropic(), "sse", ["", "", "Hi"]),
    "google": (
        GEMINI.replace(b"generate", b"streamGenerate"),
        "application/json",
        [b"[" + orjson.dumps(gemini("Hi")), b",\n" + orjson.dumps(gemini("!")), b"]"],
        "array",
        ["Hi", "!"],
    ),
    "ollama": (b"/api/chat", "application/x-ndjson", LINES, "lines", ["Hi", "!"]),
    "bedrock": (
        b"/model/m/converse-stream",
        "application/vnd.amazon.eventstream",
        list(bedrock()),
        "frames",
        ["Hi", "!"],
    ),
    "invoke": (
        b"/model/anthropic.claude/invoke-with-response-stream",
        "application/vnd.amazon.eventstream",
        list(invoked()),
        "frames",
        ["Hi"],
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_of_other_apis(name):
    path, content_type, parts, framing, words = STREAMS[name]
    asked = {"contents": []} if name == "google" else ASKED
    got = ((b"Content-Type", content_type.encode()),)
    found = viewed(b"".join(parts), pieces_of(parts), asked=asked, got=got, path=path)
    assert found["framing"] == framing
    assert [each["words"] for each in found["events"]][: len(words)] == words
    assert found["problem"] == ""


def test_texts_that_are_repeated_as_they_grow_give_what_is_new():
    def so_far(text):
        message = {"role": "assistant", "content": text}
        return event({"output": {"choices": [{"message": message, "finish_reason": "null"}]}})

    parts = [so_far("word " * at) for at in range(1, 120)]
    asked = {"model": "q", "input": {"messages": [USER]}, "parameters": {"result_format": "message"}}
    path = b"/api/v1/services/aigc/text-generation/generation"
    for offset in (0, 60, 118):
        found = viewed(b"".join(parts), pieces_of(parts), asked=asked, path=path, offset=offset)
        assert {each["words"] for each in found["events"]} == {"word "}


def test_an_api_that_is_not_known_has_no_words():
    body, pieces = streamed({"anything": "words"})
    found = viewed(body, pieces, path=b"/nobodys")
    assert found["total"] == 1
    assert (found["events"][0]["words"], found["first_word_us"]) == ("", None)


def test_a_document_is_no_stream():
    found = viewed(orjson.dumps(chat()), pieces_of([b"x" * 10]), got=(JSON,), asked=None)
    assert (found["framing"], found["total"], found["events"]) == ("", 0, [])
    assert found["marks"] == [[1000, 10]]


def test_without_an_answer_there_is_none():
    assert stream_view(read(ASKED)) is None


@pytest.mark.parametrize("body", [b"", b"data", b"data: {", b"\xff\xfe\n\n", b"data: {}\n\nrubbish", b"\0" * 50])
def test_broken_streams(body):
    found = viewed(body, pieces_of([body]))
    orjson.dumps(found)
    assert found["total"] <= 2


def test_what_is_left_without_its_end_is_an_event_or_a_problem():
    assert viewed(event({"a": 1}).rstrip())["total"] == 1
    assert "framing" in viewed(event({"a": 1}) + b"rubbish without an end")["problem"]


def test_a_stream_of_which_the_coding_is_damaged_is_told_as_far_as_it_goes():
    parts = [event(delta(content=f"word {at} " * 20)) for at in range(50)]
    body, pieces = coded(parts)
    found = viewed(body[:-300], pieces, got=(EVENTS, (b"Content-Encoding", b"gzip")))
    assert 0 < found["total"] < 50
    assert "not decodable" in found["problem"]


def test_the_longest_gap_and_the_marks():
    body, _ = streamed(*(delta(content="x") for _ in range(5000)))
    size = len(body) // 5000
    times = array("Q", range(5000))
    times[3000:] = array("Q", [at + 700 for at in times[3000:]])
    found = viewed(body, Pieces(array("Q", [size] * 5000), times))
    assert found["longest_gap"] == {"at_us": 2999, "us": 701}
    assert len(found["marks"]) <= MOST_MARKS
    assert found["marks"][-1] == [5699, size * 5000]
    assert [octets for _, octets in found["marks"]] == sorted(octets for _, octets in found["marks"])


@pytest.mark.parametrize(("offset", "limit"), [("1", 2), (-1, 2), (0, -2), (0, "x")])
def test_what_is_asked_wrongly(offset, limit):
    with pytest.raises(ValueError, match="whole number"):
        viewed(b"", None, offset=offset, limit=limit)


@given(
    st.binary(max_size=200), st.lists(st.integers(0, 100), max_size=5), st.sampled_from([b"text/event-stream", b"x"])
)
def test_any_octets(body, sizes, content_type):
    pieces = Pieces(array("Q", sizes), array("Q", range(len(sizes))))
    orjson.dumps(viewed(body, pieces, got=((b"Content-Type", content_type),)))


def test_a_dialect_that_breaks_ours_has_no_words():
    body, pieces = streamed(delta(content="a"))
    found = read(ASKED, body, got=(EVENTS,), pieces=pieces)

    class Broken(type(found.dialect)):
        def __getattribute__(self, name):
            if name == "thoughts":
                raise RuntimeError
            return super().__getattribute__(name)

    told = stream_view(evolve(found, dialect=Broken()))
    assert told["events"][0]["words"] == ""


def test_a_body_that_is_replaced_is_what_is_shown():
    found = read(ASKED, b"", got=(EVENTS,))
    response = evolve(found.recording.response, body=Bytes(event(delta(content="a"))))
    again = evolve(found, recording=evolve(found.recording, response=response))
    assert stream_view(again)["events"][0]["words"] == "a"
    head = evolve(response.head, headers=Headers([]))
    untyped = evolve(again, recording=evolve(again.recording, response=evolve(response, head=head)))
    assert stream_view(untyped)["total"] == 1


def test_a_message_that_is_repeated_beside_its_pieces_counts_once():
    def both(piece, so_far):
        return delta(content=piece) | {
            "choices": [{"index": 0, "delta": {"content": piece}, "message": {"role": "assistant", "content": so_far}}]
        }

    body, pieces = streamed(both("a", "a"), both(" b", "a b"), both("", "a b"))
    assert [each["words"] for each in viewed(body, pieces)["events"]] == ["a", " b", ""]


def test_events_that_are_words_themselves():
    body = b"event: output\ndata: Hello\n\nevent: output\ndata:  you\n\nevent: done\ndata: {}\n\n"
    found = viewed(body, path=b"/v1/predictions/1", asked={"input": {"prompt": "hi"}})
    assert [each["words"] for each in found["events"]] == ["Hello", " you", ""]
