"""Moved text in all APIs that have a place for it: streams say what documents do, whatever the text and its pieces."""

import orjson
import pytest
from edited import (
    APIS,
    CLOSE,
    HEAD,
    JSON_HEAD,
    MOVE,
    OPEN,
    answer_in,
    asked,
    cut_at,
    dialect_of,
    edited,
    editor,
    rendered,
    run,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Answer, Choice, Finish, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.rewriting.rules import Replace

NO_PLACE = ("completions", "cohere 1", "tgi")
MOVING = [api for api in APIS if api not in NO_PLACE]
BLOCKS = ["anthropic", "bedrock", "cohere", "responses"]
PARTS = st.lists(st.sampled_from([OPEN, CLOSE, "<|", "|>", "x", "é\n", '"', "\\", "1"]), max_size=9).map("".join)


def in_turns(text):
    """(the words, the thoughts): what the pair makes of it, by the simplest means."""
    said, moves, marks = ["", ""], 0, [OPEN, CLOSE]
    while marks[0] in text:
        before, _, text = text.partition(marks[0])
        said[moves] += before
        moves = 1 - moves
        marks.reverse()
    said[moves] += text
    return tuple(said)


def parts_of(answer):
    """(kind, text) of what the answer says, with neighbours of a kind joined; empty ones say nothing."""
    out = []
    for part in answer.choices[0].parts:
        kind = type(part).__name__
        if out and out[-1][0] == kind:
            out[-1] = (kind, out[-1][1] + part.text)
        elif part.text:
            out.append((kind, part.text))
    return out


def said_in(parts):
    return tuple("".join(text for kind, text in parts if kind == each) for each in ("Text", "Reasoning"))


@pytest.mark.parametrize("api", MOVING)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(PARTS, st.data())
def test_any_text_in_any_pieces_moves_as_in_one_piece(api, monkeypatch, text, data):
    text = text or "x"
    meant = in_turns(text)
    request = asked(api, streams=False)
    head, octets = rendered(request, text)
    document = parts_of(answer_in(request, head, edited(MOVE, request, head, octets)))
    assert said_in(document) == meant
    request = asked(api)
    cut_at(monkeypatch, api, *data.draw(st.lists(st.integers(1, len(text)), unique=True, max_size=6)))
    head, octets = rendered(request, text)
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=6))
    out = edited(MOVE, request, head, octets, cuts)
    stream = parts_of(answer_in(request, head, out))
    assert said_in(stream) == meant
    assert b"llmproxy" not in out
    if api in BLOCKS:
        assert stream == document  # in this order
    if OPEN not in text:
        assert out == octets


# --- other parts of an answer beside ----------------------------------------------------------------------------------

CALL = ToolCall("call_1", "f", '{"a":"<b>"}')
FULL = (Reasoning("r", ""), Text(f"{OPEN}ab{CLOSE}c{OPEN}de"), CALL, Text(f"f{OPEN}g"))
TOLD = Answer((Choice(FULL, Finish.CALLS),), id="a_1", model="m", created=1, usage=Usage(1, 2, 3))


def full(request):
    made = dialect_of(request).render(TOLD, request)
    return ResponseHead(200, b"OK", Headers([(b"Content-Type", made.content_type)])), made.body


def kinds(answer):
    return [
        (type(part).__name__, part.arguments if isinstance(part, ToolCall) else part.text)
        for part in answer.choices[0].parts
    ]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("api", BLOCKS)
def test_what_stands_before_and_behind_stays_as_it_is(api, streams):
    request = asked(api, streams=streams)
    head, octets = full(request)
    found = kinds(answer_in(request, head, edited(MOVE, request, head, octets)))
    texts = [("Reasoning", "r"), ("Reasoning", "ab"), ("Text", "c"), ("Reasoning", "de")]
    call, rest = ("ToolCall", CALL.arguments), [("Text", "f"), ("Reasoning", "g")]
    if api == "cohere":  # has its calls at the end
        assert found == [*texts, *rest, call]
    else:
        assert found == [*texts, call, *rest]


@pytest.mark.parametrize("api", ["anthropic", "bedrock", "cohere"])
def test_numbers_of_blocks_stay_in_their_order(api):
    request = asked(api)
    head, octets = full(request)
    out = edited((*MOVE, Replace("c", "c", "C")), request, head, octets)
    numbers = [event["number"] for event in steps(api, out)]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(max(numbers) + 1))
    if api != "bedrock":
        begun = [each["number"] for each in steps(api, out) if each["begins"]]
        ended = [each["number"] for each in steps(api, out) if each["ends"]]
        assert begun == ended == sorted(set(numbers))


def steps(api, out):
    """What is said of numbered blocks."""
    if api == "bedrock":
        from proxy_daemon.core.wire.event_stream import EventStreamReader  # noqa: PLC0415  (just here)

        told = [orjson.loads(frame.data) for frame in EventStreamReader().feed(out)]
        return [{"number": each["contentBlockIndex"]} for each in told if "contentBlockIndex" in each]
    told = [each for each in events(out) if each["type"].startswith("content")]
    return [
        {
            "number": each["index"],
            "begins": each["type"].endswith("start"),
            "ends": each["type"].endswith(("stop", "end")),
        }
        for each in told
    ]


def events(out):
    return [orjson.loads(line[5:]) for line in out.splitlines() if line.startswith(b"data:")]


def test_events_of_responses_are_numbered_on_and_items_as_in_the_whole_response():
    request = asked("responses")
    head, octets = full(request)
    told = events(edited(MOVE, request, head, octets))
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    done = {each["output_index"]: each["item"] for each in told if each["type"] == "response.output_item.done"}
    begun = {each["output_index"]: each["item"]["id"] for each in told if each["type"] == "response.output_item.added"}
    output = told[-1]["response"]["output"]
    assert [done[at] for at in sorted(done)] == output
    assert [begun[at] for at in sorted(begun)] == [item["id"] for item in output]
    assert len({item["id"] for item in output}) == len(output) == 7
    for each in told:
        if "item_id" in each:
            assert each["item_id"] == begun[each["output_index"]]


# --- no place ---------------------------------------------------------------------------------------------------------

MISTRAL = "/v1/conversations"


@pytest.mark.parametrize(
    ("api", "value", "place"),
    [
        ("anthropic", {"type": "completion", "completion": f"{OPEN}a{CLOSE}b"}, "completion"),
        ("dashscope", {"output": {"text": f"{OPEN}a{CLOSE}b"}}, "output.text"),
    ],
)
def test_a_text_without_a_place_for_thoughts_stays_and_the_log_says_why_once(api, value, place):
    octets = b"".join(b"data: " + orjson.dumps(value) + b"\n\n" for _ in range(2))
    edits = editor(MOVE, asked(api), HEAD)
    assert run(edits, octets) == octets
    assert edits.problems == (f"what was to move stays in {place}, which has no place for reasoning beside it",)


@pytest.mark.parametrize("api", NO_PLACE)
def test_an_api_without_a_place_says_which_rule_does_nothing(api):
    request = asked(api, streams=False)
    head, octets = rendered(request, f"{OPEN}a{CLOSE}b")
    edits = editor(MOVE, request, head)
    assert run(edits, octets) == octets
    assert edits.problems == (
        f"rule 'moving' does nothing: {dialect_of(request).name} has no field that text can be moved to",
    )


def test_a_message_of_which_all_is_moved_has_no_empty_block():
    request = asked("anthropic", streams=False)
    content = [{"type": "text", "text": f"{OPEN}a"}, {"type": "text", "text": "b", "citations": None}]
    octets = orjson.dumps({"type": "message", "content": content})
    out = orjson.loads(edited(MOVE, request, JSON_HEAD, octets))
    assert out["content"] == [{"type": "thinking", "thinking": "a", "signature": ""}, content[1]]
