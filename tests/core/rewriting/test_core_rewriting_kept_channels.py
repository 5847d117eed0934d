"""Mistral's chats and conversations, the runs of OpenAI's assistants, Replicate's predictions: what changes."""

import orjson
import pytest
from edited import CLOSE, HEAD, JSON_HEAD, MOVE, OPEN, answer_in, ask, edited, editor, event, run
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Reasoning
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.rewriting.rules import Replace

CAT = tuple(Replace(f"in {field}", "cat", "dog", (field,)) for field in ("content", "reasoning", "arguments"))
CHAT = ask("/v1/chat/completions", safe_prompt=True)
KEPT = ask("/v1/conversations", inputs="hi")
RUNS = ask("/v1/threads/t/runs", assistant_id="a")
FOLLOWED = Request(b"GET", b"/v1/streams/s", Headers([(b"Accept", b"text/event-stream")]))


def named(name, value):
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(value))


def dogs(value):
    return orjson.loads(orjson.dumps(value).replace(b"cat", b"dog"))


# --- documents --------------------------------------------------------------------------------------------------------

TEXT = {"type": "text", "text": {"value": "a cat", "annotations": []}}
CALLS = {"tool_calls": [{"id": "i", "function": {"name": "f", "arguments": '{"a":"cat"}'}}]}
MESSAGE = {"id": "m", "object": "thread.message", "role": "assistant", "content": [TEXT, TEXT]}
CHUNKS = [{"type": "text", "text": "a cat"}, {"type": "thinking", "thinking": [{"type": "text", "text": "cat"}]}]
# (request, what changes)
DOCUMENTS = [
    (KEPT, {"object": "conversation.response", "outputs": [{"type": "message.output", "content": "a cat"}]}),
    (KEPT, {"outputs": [{"type": "message.output", "content": CHUNKS}, {"type": "function.call", "arguments": "cat"}]}),
    (KEPT, {"outputs": [{"type": "function.call", "arguments": {"a": "cat"}}]}),
    (ask("/v1/conversations/c/history"), {"entries": [{"type": "message.output", "content": "cat"}]}),
    (CHAT, {"choices": [{"message": {"content": CHUNKS}}]}),
    (RUNS, MESSAGE),
    (RUNS, {"object": "list", "data": [MESSAGE]}),
    (RUNS, {"object": "thread.run", "required_action": {"submit_tool_outputs": CALLS}}),
    (RUNS, {"object": "thread.run.step", "step_details": CALLS}),
    (ask("/v1/predictions"), {"status": "succeeded", "output": "a cat"}),
    (ask("/v1/predictions"), {"results": [{"output": ["a", " cat", "."]}, {"output": ["cat"]}]}),
]
# (request, what stays)
LEFT = [
    (ask("/v1/conversations/c/history"), {"entries": [{"type": "message.input", "content": "cat"}]}),
    (KEPT, {"outputs": [{"type": "tool.execution", "name": "cat"}, 7]}),
    (RUNS, MESSAGE | {"role": "user"}),
    (RUNS, {"object": "thread.run", "instructions": "cat"}),
    (RUNS, {"object": "list", "data": [{"object": "assistant", "name": "cat"}]}),
    (ask("/v1/predictions"), {"output": "https://files/cat.png", "input": {"prompt": "cat"}, "logs": "cat"}),
    (ask("/v1/predictions"), {"output": ["https://files/cat.png"]}),
    (ask("/v1/predictions"), {"output": {"cat": "cat"}}),
]


@pytest.mark.parametrize(("request_", "document"), DOCUMENTS)
def test_documents_that_change(request_, document):
    assert orjson.loads(edited(CAT, request_, JSON_HEAD, orjson.dumps(document))) == dogs(document)


@pytest.mark.parametrize(("request_", "document"), LEFT)
def test_documents_that_stay(request_, document):
    octets = orjson.dumps(document)
    assert edited(CAT, request_, JSON_HEAD, octets) == octets


def test_pieces_of_a_prediction_go_on_from_each_other():
    out = edited(CAT, ask("/v1/predictions"), JSON_HEAD, b'{"output":["a c","at"," ca"]}')
    assert orjson.loads(out) == {"output": ["a dog", "", " ca"]}


def test_state_elsewhere_is_never_touched():
    assert editor(CAT, ask("/v1/files/f"), JSON_HEAD) is None
    assert editor(CAT, ask("/v1/vector_stores"), JSON_HEAD) is None


# --- streams ----------------------------------------------------------------------------------------------------------


def output(content, index=0, place=0):
    told = {"type": "message.output.delta", "id": "m", "output_index": index, "content_index": place}
    return named("message.output.delta", told | {"content": content})


def called(arguments):
    return named("function.call.delta", {"type": "function.call.delta", "output_index": 1, "arguments": arguments})


def delta(text, message="m", index=0):
    block = {"index": index, "type": "text", "text": {"value": text}}
    told = {"id": message, "object": "thread.message.delta", "delta": {"content": [block]}}
    return named("thread.message.delta", told)


def asks(text):
    call = {"index": 0, "type": "function", "function": {"arguments": text}}
    details = {"type": "tool_calls", "tool_calls": [call]}
    return named(
        "thread.run.step.delta", {"id": "s", "object": "thread.run.step.delta", "delta": {"step_details": details}}
    )


KEPT_DONE = named("conversation.response.done", {"type": "conversation.response.done", "usage": {}})
RUN_DONE = named("thread.run.completed", {"object": "thread.run"}) + b"event: done\ndata: [DONE]\n\n"


@pytest.mark.parametrize(
    ("request_", "came", "meant"),
    [
        (KEPT, [output("a c"), output("at"), KEPT_DONE], [output("a dog"), output(""), KEPT_DONE]),
        (KEPT, [output("c"), output("at", 1)], [output("c"), output("at", 1)]),
        (KEPT, [output("c"), output("at", 0, 1)], [output("c"), output("at", 0, 1)]),
        (KEPT, [output("a c"), KEPT_DONE], [output("a c"), KEPT_DONE]),
        (KEPT, [output({"type": "text", "text": "cat"})], [output({"type": "text", "text": "dog"})]),
        (KEPT, [called("c"), called("at")], [called("dog"), called("")]),
        (RUNS, [delta("a c"), delta("at"), RUN_DONE], [delta("a dog"), delta(""), RUN_DONE]),
        (
            RUNS,
            [delta("c"), delta("at", "n"), delta("at", index=1)],
            [delta("c"), delta("at", "n"), delta("at", index=1)],
        ),
        (RUNS, [asks("c"), asks("at")], [asks("dog"), asks("")]),
        (RUNS, [named("thread.message.completed", MESSAGE)], [named("thread.message.completed", dogs(MESSAGE))]),
        (RUNS, [delta("a c"), RUN_DONE], [delta("a c"), RUN_DONE]),
    ],
)
def test_streams(request_, came, meant):
    octets = b"".join(came)
    assert edited(CAT, request_, HEAD, octets) == b"".join(meant)
    assert edited(CAT, request_, HEAD, octets, range(len(octets))) == b"".join(meant)


def test_what_replicate_streams_passes_and_the_log_says_why():
    octets = b'event: output\ndata: a cat\n\nevent: output\ndata: {"a": "cat"}\n\nevent: done\ndata: {}\n\n'
    edits = editor(CAT, FOLLOWED, HEAD)
    assert run(edits, octets) == octets
    assert edits.problems == ("the answer passes as it came: what Replicate streams is bare text, no JSON",)


NAMES = ["type", "object", "content", "outputs", "data", "output", "delta", "text", "id", "tool_calls", "role", "value"]
LEAF = st.none() | st.text(max_size=4) | st.integers(0, 9)
SHAPE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=9,
)


@pytest.mark.parametrize("request_", [KEPT, RUNS, FOLLOWED, ask("/v1/predictions")])
@given(SHAPE)
@settings(max_examples=60, deadline=None)
def test_json_of_any_shape_raises_nothing(request_, shape):
    for kind in ("message.output.delta", "thread.message.delta", "thread.run.step.delta", "thread.message"):
        value = {"type": kind, "object": kind, **shape} if isinstance(shape, dict) else shape
        octets = named(kind, value)
        assert run(editor(CAT, request_, HEAD), octets) == octets
    octets = orjson.dumps(shape)
    assert run(editor(CAT, request_, JSON_HEAD), octets) == octets


# --- what moves -------------------------------------------------------------------------------------------------------


def parts_of(answer):
    (choice,) = answer.choices
    return choice.text, "".join(part.text for part in choice.parts if isinstance(part, Reasoning))


def chunk(content, **choice):
    return event(choices=[{"index": 0, "delta": {"content": content}, **choice}])


def test_mistral_has_chunks_for_thoughts_in_documents():
    octets = orjson.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": f"a{OPEN}b{CLOSE}c"}}]})
    out = edited(MOVE, CHAT, JSON_HEAD, octets)
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]}
    content = [{"type": "text", "text": "a"}, thought, {"type": "text", "text": "c"}]
    assert orjson.loads(out)["choices"][0]["message"]["content"] == content
    assert parts_of(answer_in(CHAT, JSON_HEAD, out)) == ("ac", "b")


def test_mistral_splits_a_chunk_of_text_too():
    content = [{"type": "text", "text": f"a{OPEN}b"}, {"type": "reference", "reference_ids": [1]}]
    out = edited(MOVE, CHAT, JSON_HEAD, orjson.dumps({"choices": [{"message": {"content": content}}]}))
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]}
    assert orjson.loads(out)["choices"][0]["message"]["content"] == [{"type": "text", "text": "a"}, thought, content[1]]


@pytest.mark.parametrize("size", [1, 2, 5, 20, 200])
def test_mistral_has_chunks_for_thoughts_in_streams(size):
    text = f"a{OPEN}bcd{CLOSE}e"
    deltas = b"".join(chunk(text[at : at + size]) for at in range(0, len(text), size))
    out = edited(MOVE, CHAT, HEAD, deltas + chunk("", finish_reason="stop") + b"data: [DONE]\n\n")
    assert parts_of(answer_in(CHAT, HEAD, out)) == ("ae", "bcd")


@pytest.mark.parametrize(
    ("head", "octets", "place"),
    [
        (HEAD, output(f"{OPEN}a"), "content"),
        (JSON_HEAD, orjson.dumps({"outputs": [{"type": "message.output", "content": OPEN}]}), "outputs.0.content"),
    ],
)
def test_in_conversations_nothing_moves_and_the_log_says_why(head, octets, place):
    edits = editor(MOVE, KEPT, head)
    assert run(edits, octets) == octets
    assert edits.problems == (f"what was to move stays in {place}, which has no place for reasoning beside it",)
