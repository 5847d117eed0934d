"""Whether a recording made again says the same: what servers make anew does not count, all else does."""

import json

import pytest
from attrs import evolve

from proxy_daemon.core.cassettes.llmproxy import same_answer
from proxy_daemon.core.messages import Ending
from tests.core.cassettes.llmproxy.cassette_files import ANSWER, entry, file_of, recording

CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"q":1}'}}


def old(answer=ANSWER, **more):
    return entry(file_of(recording(answer=answer, **more)))


def changed(**members):
    """OpenAI's answer with other top-level members."""
    return json.dumps(json.loads(ANSWER) | members).encode()


def saying(**message):
    return changed(choices=[{"index": 0, "message": {"role": "assistant"} | message, "finish_reason": "stop"}])


def stream(text, created, pieces=1):
    """A stream of OpenAI's, its words in so many events."""
    step = -(-len(text) // pieces)
    parts = [text[at : at + step] for at in range(0, len(text), step)]
    chunk = {"id": f"chatcmpl-{created}", "object": "chat.completion.chunk", "created": created, "model": "m"}
    choices = [{"index": 0, "delta": {"content": part}, "finish_reason": None} for part in parts]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n" for choice in choices]
    return "".join([*events, "data: [DONE]\n\n"]).encode()


SAME = [
    (ANSWER, ANSWER),
    (ANSWER, changed(id="chatcmpl-2", created=1, system_fingerprint="fp_2")),
    (ANSWER, changed(usage={"prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 18})),
    (saying(content=None, tool_calls=[CALL]), saying(content=None, tool_calls=[CALL | {"id": "call_2"}])),
    (stream("Paris is it", 1), stream("Paris is it", 2, pieces=4)),
]
OTHER = [
    (ANSWER, changed(model="gpt-5")),
    (ANSWER, saying(content="Paris")),
    (ANSWER, saying(content="Paris.", refusal="no")),
    (
        saying(content=None, tool_calls=[CALL]),
        saying(content=None, tool_calls=[CALL | {"function": {"name": "find", "arguments": '{"q":2}'}}]),
    ),
    (stream("Paris is it", 1), stream("Paris is not it", 1)),
    (stream("Paris is it", 1), stream("Paris is it", 1)[:-40]),
    (ANSWER, b'{"error":{"message":"no"}}'),
    (ANSWER, b"damaged"),
]


@pytest.mark.parametrize(("before", "after"), SAME, ids=range(len(SAME)))
def test_what_is_made_anew_does_not_count(before, after):
    assert same_answer(old(before), recording(answer=after))


@pytest.mark.parametrize(("before", "after"), OTHER, ids=range(len(OTHER)))
def test_what_is_said_counts(before, after):
    assert not same_answer(old(before), recording(answer=after))


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (b'{"a":1}', b'{ "a": 1 }', True),
        (b'{"a":1,"id":"x","created":5}', b'{"id":"y","a":1}', True),
        (b'{"a":1}', b'{"a":2}', False),
        (b'{"a":{"id":1}}', b'{"a":{"id":2}}', False),
        (b"[1]", b"[1]", True),
        (b"[1]", b"[ 1]", False),
        (b"text", b"text", True),
        (b"text", b"texts", False),
        (b"{text", b"{text", True),
        (b"", b"", True),
        (b"\xff", b"\xfe", False),
    ],
    ids=range(11),
)
def test_of_an_api_that_nobody_reads_the_bodies_count(before, after, is_same):
    assert same_answer(old(before, path=b"/x"), recording(answer=after, path=b"/x")) is is_same


@pytest.mark.parametrize(
    "after",
    [
        recording(status=201),
        evolve(recording(), status=500),
        evolve(recording(), response=None),
        evolve(recording(), cut=True),
        evolve(recording(), ending=Ending.BROKEN_OFF),
    ],
    ids=range(5),
)
def test_what_ended_otherwise_is_another_answer(after):
    assert not same_answer(old(), after)


def test_an_edited_answer_is_compared_as_it_was_edited():
    data = (
        file_of(recording())
        .replace(b"    Paris.\n", b"    Rome.\n")
        .replace(b"request:\n", b"edited: true\nrequest:\n")
    )
    assert not same_answer(entry(data), recording())
    assert same_answer(entry(data), recording(answer=saying(content="Rome.")))
