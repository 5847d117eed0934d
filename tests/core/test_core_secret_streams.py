"""A key that a model says piece by piece is in no recording of the stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import SHAPES, pem

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Pieces, Response, ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import redacted_response

REDACTOR = Redactor()
KEY = SHAPES["openai project"]
SSE, NDJSON = b"text/event-stream", b"application/x-ndjson"


def chat(text, index=0):
    return {"id": "c", "choices": [{"index": index, "delta": {"content": text}, "finish_reason": None}]}


def call(text, index=0):
    delta = {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
    return {"choices": [{"index": 0, "delta": delta}]}


def anthropic(text, index=0):
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def partial(text, index=0):
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def responses(text, index=0):
    return {"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text}


def gemini(text, index=0):
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": index}]}


def ollama(text, index=0):
    return {"message": {"role": "assistant", "content": text}, "done": False, "index": index}


FORMS = {
    "chat": (SSE, chat),
    "call": (SSE, call),
    "anthropic": (SSE, anthropic),
    "partial json": (SSE, partial),
    "responses": (SSE, responses),
    "gemini": (SSE, gemini),
    "ollama": (NDJSON, ollama),
}


def written(kind, items, **how):
    texts = [json.dumps(item, **how) for item in items]
    return "".join(f"data: {text}\n\n" if kind == SSE else f"{text}\n" for text in texts).encode()


def texts_of(kind, data, form):
    """What a client puts together of each index."""
    said = {}
    probe = json.dumps(form("\x00", 0))
    for line in data.decode().splitlines():
        if line:
            item = json.loads(line.removeprefix("data: "))
            for index in range(3):
                shape = json.dumps(form("\x00", index))
                before, after = shape.split(json.dumps("\x00"))
                text = json.dumps(item)
                if text.startswith(before) and text.endswith(after) and len(shape) == len(probe):
                    said[index] = said.get(index, "") + json.loads(text[len(before) : len(text) - len(after)])
    return said


def cut(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 30, 100])
@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_key_in_pieces(name, size, separators):
    kind, form = FORMS[name]
    pieces = ["the key ", "is ", *cut(KEY, size), " so ", "there"]
    data = written(kind, [form(each) for each in pieces], separators=separators)
    safe = REDACTOR.body(kind, data)
    assert texts_of(kind, safe, form) == {0: "the key is REDACTED so there"}
    assert len(safe.splitlines()) == len(data.splitlines())


@pytest.mark.parametrize("name", sorted(FORMS))
def test_two_texts_at_once(name):
    kind, form = FORMS[name]
    other = SHAPES["groq"]
    items = [
        form(part, index)
        for pair in zip(cut(KEY + "!" * 60, 6), cut(f"key {other} end" + "." * 200, 6), strict=False)
        for index, part in enumerate(pair)
    ]
    said = texts_of(kind, REDACTOR.body(kind, written(kind, items)), form)
    assert said[0].rstrip("!") == "REDACTED"
    assert said[1].rstrip(".") == "key REDACTED end"


def test_a_private_key_in_pieces():
    items = [chat(each) for each in cut("take this:\n" + pem() + "\nbye", 5)]
    said = texts_of(SSE, REDACTOR.body(SSE, written(SSE, items)), chat)
    assert said == {0: "take this:\nREDACTED\nbye"}


def test_a_list_that_came_as_one():
    data = json.dumps([gemini(each) for each in cut(KEY, 9)], indent=1).encode()
    safe = json.loads(REDACTOR.body(b"application/json", data))
    assert "".join(each["candidates"][0]["content"]["parts"][0]["text"] for each in safe) == "REDACTED"


@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_stream_without_one_is_the_same_object(name):
    kind, form = FORMS[name]
    data = written(kind, [form(each, at % 2) for at, each in enumerate(cut("many words, and task-1234567890", 2))])
    assert REDACTOR.body(kind, data) is data


def test_the_pieces_of_the_response_still_fit():
    data = written(SSE, [chat(each) for each in cut(f"a {KEY} b", 10)])
    sizes = [len(each) + 2 for each in data.split(b"\n\n")[:-1]]
    pieces = Pieces(type(Pieces().sizes)("Q", sizes), type(Pieces().times)("Q", range(len(sizes))))
    response = Response(ResponseHead(200, b"", Headers([(b"content-type", SSE)])), Bytes(data), pieces)
    safe = redacted_response(REDACTOR, response)
    assert sum(safe.pieces.sizes) == safe.body.size
    at = 0
    for size in safe.pieces.sizes:  # each is a whole event, as before
        json.loads(safe.body.whole()[at : at + size].removeprefix(b"data: "))
        at += size


def test_frames_with_a_checksum_are_not_rewritten():
    kind = b"application/vnd.amazon.eventstream"
    response = Response(ResponseHead(200, b"", Headers([(b"content-type", kind)])), Bytes(b"frame " + KEY.encode()))
    assert redacted_response(REDACTOR, response).body.size == 0


@pytest.mark.parametrize(
    "unit", [b'"text":"a"', b'"text":"', b'index":1', b'{"index":1,"text":"sk-"}\n', b'"text":"\\']
)
def test_hostile_repetition_ends(unit):
    REDACTOR.body(SSE, b"data: " + unit * (300_000 // len(unit)))


@given(st.sampled_from(sorted(SHAPES)), st.lists(st.integers(1, 20), min_size=1), st.sampled_from(sorted(FORMS)))
def test_however_it_is_cut(shape, sizes, name):
    kind, form = FORMS[name]
    secret, parts, at = f"x {SHAPES[shape]} y", [], 0
    while at < len(secret):
        size = sizes[len(parts) % len(sizes)]
        parts.append(secret[at : at + size])
        at += size
    safe = REDACTOR.body(kind, written(kind, [form(part) for part in parts]))
    assert texts_of(kind, safe, form) == {0: "x REDACTED y"}


@given(st.binary(max_size=200))
def test_any_octets(data):
    for kind in (SSE, NDJSON):
        once = REDACTOR.body(kind, data)
        assert REDACTOR.body(kind, once) == once
