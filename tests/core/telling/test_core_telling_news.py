"""What of a conversation is new: an agent's history is told once."""

from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Conversation, Message, Text, Tool, ToolCall, ToolResult
from proxy_daemon.core.telling.news import Memory

SYSTEM = Message("system", (Text("Be good."),))


def user(text):
    return Message("user", (Text(text),))


def assistant(text):
    return Message("assistant", (Text(text),))


def news(memory, *messages, tools=()):
    return memory.news(Conversation(tuple(messages), tuple(tools)))


def told(found):
    return found.earlier, found.known, [message.text for message in found.messages]


def test_the_turns_of_an_agent():
    memory = Memory()
    first = news(memory, SYSTEM, user("one"))
    assert told(first) == (0, False, ["one"])
    assert first.system == (SYSTEM,)
    memory.answered(first.place, "two\n")
    second = news(memory, SYSTEM, user("one"), assistant("two"), user("three"))
    assert told(second) == (2, True, ["three"])
    assert second.system == ()


def test_an_answer_that_was_not_told_is_new():
    memory = Memory()
    first = news(memory, user("one"))
    assert told(news(memory, user("one"), assistant("two"), user("three"))) == (1, True, ["two", "three"])
    memory.answered(first.place, "something else")
    assert told(news(memory, user("one"), assistant("four"))) == (1, True, ["four"])


def test_calls_without_words_that_were_told_are_not_new():
    memory = Memory()
    memory.answered(news(memory, user("one")).place, "")
    call, result = Message("assistant", (ToolCall("1", "f", "{}"),)), Message("tool", (ToolResult("1", "done"),))
    found = news(memory, user("one"), call, result)
    assert (found.earlier, found.messages) == (2, (result,))


def test_the_same_request_again_has_nothing_new():
    memory = Memory()
    news(memory, user("one"), user("two"))
    assert told(news(memory, user("one"), user("two"))) == (2, True, [])


def test_two_conversations_that_part():
    memory = Memory()
    news(memory, user("one"), assistant("two"), user("three"))
    assert told(news(memory, user("one"), assistant("two"), user("four"))) == (2, True, ["four"])
    assert told(news(memory, user("zero"), assistant("two"))) == (0, False, ["zero", "two"])


def test_of_a_long_history_that_nobody_saw_the_last_few():
    history = [user(str(number)) for number in range(20)]
    assert told(news(Memory(), *history)) == (16, False, ["16", "17", "18", "19"])
    assert told(news(Memory(), *history[:5])) == (0, False, ["0", "1", "2", "3", "4"])


def test_a_system_prompt_and_tools_are_told_once_and_when_they_change():
    memory, tools = Memory(), [Tool("f"), Tool("g", schema={"not": ["hashable"]})]
    assert news(memory, SYSTEM, user("a"), tools=tools).tools == tuple(tools)
    again = news(memory, SYSTEM, user("b"), tools=tools)
    assert (again.system, again.tools) == ((), ())
    other = Message("system", (Text("Be bad."),))
    changed = news(memory, other, user("b"), tools=tools[:1])
    assert (changed.system, changed.tools, changed.messages) == ((other,), tuple(tools[:1]), ())


def test_an_empty_conversation():
    assert told(news(Memory())) == (0, False, [])


def test_what_is_remembered_is_bounded_and_the_oldest_goes():
    memory = Memory(most=10)
    for number in range(100):
        news(memory, user(str(number)))
        assert len(memory._places) <= 10
    assert told(news(memory, user("0"))) == (0, False, ["0"])
    assert told(news(memory, user("99"))) == (1, True, [])


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=6))
def test_what_is_told_is_always_the_end_of_the_conversation(conversations):
    memory, seen = Memory(), set()
    for words in conversations:
        found = news(memory, *map(user, words))
        assert [message.text for message in found.messages] == words[found.earlier :]
        if found.known:
            assert tuple(words[: found.earlier]) in seen
        seen |= {tuple(words[:at]) for at in range(1, len(words) + 1)}
