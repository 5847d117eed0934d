"""A miss in the words of the nearest talk: which message says something else."""

import pytest
from talk_rig import answering, chat, dialect_of, in_all, post, said, user

from proxy_daemon.core.conversation import Message, Text, ToolCall
from proxy_daemon.core.matching.patterns.unlike import COMPARED, nearest_talk
from proxy_daemon.core.pattern import Said


def near(request, *asked, shown=5):
    listed = [answering(each, number=at) for at, each in enumerate(asked, 1)]
    return nearest_talk(listed, request, dialect_of(request), shown)


@pytest.mark.parametrize("api", in_all("x"))
def test_the_message_that_differs(api):
    found = near(in_all("What is the capital of Spain?")[api], said("Hello"), said("What is the capital of France?"))
    assert found.recording.id == 2
    assert 0 < found.score < 1
    (line,) = found.lines
    assert line.startswith("message 1.says: recorded ")
    assert "France?" in line.partition(" / incoming ")[0]
    assert "Spain?" in line.partition(" / incoming ")[2]


@pytest.mark.parametrize(
    ("asked", "request_", "lines"),
    [
        (said("a", "b", "c"), chat("a", ("assistant", "b"), "d"), ['message 3.says: recorded "c" / incoming "d"']),
        (said("{{*}}", "b", "c"), chat("x", ("assistant", "b"), "d"), ['message 3.says: recorded "c" / incoming "d"']),
        (said("a"), chat("a", ("assistant", "b")), [
            'message 2: recorded <absent> / incoming {"role":"assistant","says":"b"}']),
        (said("a", "b"), chat("a"), ['message 2: recorded {"role":"assistant","says":"b"} / incoming <absent>']),
        (said("a", parameters=(("model", '"x"'), ("seed", "1"))), chat("a", seed=2), [
            'model: recorded "x" / incoming "m"', "seed: recorded 1 / incoming 2"]),
        (said("a", parameters=(("seed", "1"),)), chat("a"), ["seed: recorded 1 / incoming <absent>"]),
        (Said(anything=True, parameters=(("model", '"x"'),)), chat("a"), ['model: recorded "x" / incoming "m"']),
        (Said((Message("system", (Text("s"),)), user("a"))), chat(("system", "t"), "a"), [
            'message 1.says: recorded "s" / incoming "t"']),
        (Said((Message("assistant", (ToolCall("", "f", '{"a":1}'),)),)), chat(("assistant", "b")), [
            'message 1.says: recorded {"call":"f","arguments":{"a":1}} / incoming "b"']),
    ],
)  # fmt: skip
def test_lines(asked, request_, lines):
    assert list(near(request_, asked).lines) == lines


def test_of_many_lines_some_are_told():
    found = near(chat(*"abcdefg"), said(*"tuvwxyz"), shown=2)
    assert len(found.lines) == 3
    assert "more" in found.lines[-1]


def test_a_tail_is_compared_with_the_end():
    tail = Said((user("z"),), tail=True)
    assert list(near(chat("a", "b", "c"), tail).lines) == ['message 1.says: recorded "z" / incoming "c"']


def test_of_many_talks_those_with_most_equal_messages_are_compared():
    asked = [said(f"none {at}") for at in range(2 * COMPARED)] + [said("a", "b", "c")]
    assert near(chat("a", ("assistant", "b"), "d"), *asked).recording.id == len(asked)


@pytest.mark.parametrize("request_", [post("/v1/embeddings", {"input": "x"}), post("/v1/chat/completions", b"{")])
def test_nothing_is_near_what_asks_for_no_answer(request_):
    assert near(request_, said("a")) is None


def test_nothing_is_near_where_no_talk_is():
    assert near(chat("a")) is None
    plain = answering(said("a"))
    object.__setattr__(plain, "pattern", None)
    assert nearest_talk([plain], chat("a"), dialect_of(chat("a")), 5) is None
