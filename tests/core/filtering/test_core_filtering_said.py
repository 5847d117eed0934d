"""What is new in an exchange, as passages."""

import pytest

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Conversation,
    Declined,
    Media,
    Message,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Vector,
)
from proxy_daemon.core.filtering.said import answer_words, folded, new_messages, said_of, words_of


def message(role, *texts):
    return Message(role, tuple(map(Text, texts)))


SYSTEM, ONE, TWO = message("system", "be short"), message("user", "one"), message("user", "two")
REPLY, BEGUN = message("assistant", "reply"), message("assistant", "{")
RESULT = Message("tool", (ToolResult("1", "21 degrees"),))


@pytest.mark.parametrize(
    ("messages", "new"),
    [
        ((), ()),
        ((SYSTEM, ONE), (SYSTEM, ONE)),
        ((SYSTEM, ONE, REPLY, TWO), (TWO,)),
        ((SYSTEM, ONE, REPLY, TWO, REPLY, RESULT, ONE), (RESULT, ONE)),
        ((REPLY, ONE), (ONE,)),
        ((ONE, BEGUN), (ONE, BEGUN)),  # the beginning of the answer
        ((ONE, REPLY, TWO, BEGUN), (TWO, BEGUN)),
        ((ONE, REPLY, REPLY, TWO), (TWO,)),
        ((REPLY,), (REPLY,)),
        ((REPLY, BEGUN), (REPLY, BEGUN)),
    ],
)
def test_new_messages(messages, new):
    assert new_messages(Conversation(messages)) == new


def test_turns_say_each_message_once():
    """Each turn's new messages, one behind the other, are the conversation without the assistant's."""
    turns = [SYSTEM, ONE, REPLY, TWO, REPLY, RESULT, TWO, REPLY, ONE]
    ends = [at + 1 for at, each in enumerate(turns) if at + 1 == len(turns) or turns[at + 1] is REPLY]
    said = [each for end in ends for each in new_messages(Conversation(tuple(turns[:end])))]
    assert said == [each for each in turns if each is not REPLY]


PARTS = (
    Reasoning("thinking", "c2ln"),
    Text("words"),
    Declined("no"),
    Media("image", "image/png", "https://example.com/a.png"),
    ToolCall("id1", "get_weather", '{"city":"Rome"}'),
    ToolResult("id1", "21 degrees", "get_weather"),
    Vector((0.5,)),
    Other("audio"),
)


def test_words_of_parts():
    assert words_of(PARTS) == 'thinking\nwords\nno\nget_weather {"city":"Rome"}\n21 degrees'
    assert words_of(()) == words_of((Text(""), ToolCall("", "", ""), Reasoning())) == ""


def test_an_answer_is_one_passage():
    answer = Answer((Choice((Text("first"), Text("more"))), Choice(), Choice((ToolCall("", "f", "{}"),))))
    assert answer_words(answer) == "first\nmore\nf {}"
    assert said_of(Conversation((SYSTEM, ONE)), answer) == ("be short", "one", "first\nmore\nf {}")
    assert said_of(Conversation((SYSTEM, message("user"), ONE)), Answer()) == ("be short", "one")
    assert said_of(Conversation(), None) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ÉCOLE", "école"),
        ("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c3"),
    ],
)
def test_folded(one, other):
    assert folded(one) == folded(other)
    assert folded(folded(one)) == folded(one)
