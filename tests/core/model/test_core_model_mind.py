import orjson
import pytest

from proxy_daemon.core.model.calls import Tool, ToolUse
from proxy_daemon.core.model.mind import CALLS, LENGTH, STOP, STOP_SEQUENCE, AnyJSON, Ask, Said, Shape, Turn, say
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.words import reply

WEATHER = ToolUse((Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}}),))


def ask(text="count to 4", *more, **fields):
    return Ask((Turn("user", text), *more), **fields)


@pytest.mark.parametrize(
    ("fields", "text", "ending", "stopped_by"),
    [
        ({}, "1, 2, 3, 4.", STOP, None),
        ({"limit": 8}, "1, 2, 3, 4.", STOP, None),
        ({"limit": 7}, "1, 2, 3, 4", LENGTH, None),
        ({"limit": 1}, "1", LENGTH, None),
        ({"stops": (" 2",)}, "1,", STOP_SEQUENCE, " 2"),
        ({"stops": (" 4", " 2", "9")}, "1,", STOP_SEQUENCE, " 2"),
        ({"stops": ("1", "1,")}, "", STOP_SEQUENCE, "1"),
        ({"stops": (" 4",), "limit": 2}, "1,", LENGTH, None),
        ({"stops": (" 2",), "limit": 2}, "1,", STOP_SEQUENCE, " 2"),
    ],
)
def test_endings(fields, text, ending, stopped_by):
    assert say(ask(**fields)) == Said(text, (), "", ending, stopped_by)


def test_the_last_user_text_is_answered():
    turns = (Turn("user", "hello"), Turn("assistant", "Yes?"), Turn("system", "Count to 2"))
    assert say(Ask(turns)).text.startswith("Hello!")
    assert say(ask("hello", Turn("assistant", "Yes?"), Turn("user", "count to 2"))).text == "1, 2."


def test_without_a_user_it_says_so():
    assert say(Ask(())).text == reply([])
    assert say(Ask((Turn("system", "weather"),), WEATHER)).calls == ()


def test_it_calls_when_asked_again_behind_a_result():
    turns = (Turn("assistant", ""), Turn("tool", "18 °C"))
    assert say(ask("weather in Rome", *turns, use=WEATHER)).ending == STOP
    said = say(ask("weather in Rome", *turns, Turn("user", "and the weather in Bonn?"), use=WEATHER))
    assert (said.ending, said.calls[0].arguments) == (CALLS, '{"city":"Bonn"}')


def test_all_the_last_results_are_quoted_and_no_older_ones():
    turns = (Turn("tool", "old"), Turn("assistant", ""), Turn("tool", "one"), Turn("tool", "two"))
    assert say(ask("weather", *turns)).text == "Here is what came back: one; two"


def test_a_limit_does_not_cut_calls():
    assert say(ask("weather in Rome", use=WEATHER, limit=1)).calls[0].arguments == '{"city":"Rome"}'


def test_shapes():
    assert orjson.loads(say(ask(shape=AnyJSON())).text) == {"answer": "1, 2, 3, 4."}
    assert say(ask(shape=Shape({"type": "integer"}))).text == "4"
    with pytest.raises(Refused):
        say(ask(shape=Shape({"$ref": "#"})))


def test_thinking_counts_as_output():
    plain, thinking = say(ask()), say(ask(thinks=True))
    assert plain.thought_tokens == 0
    assert thinking.text == plain.text
    assert "count to 4" in thinking.reasoning
    assert thinking.tokens == plain.tokens + thinking.thought_tokens > plain.tokens


def test_input_counts_texts_messages_and_tools():
    assert ask("one two").tokens == 2 + 4
    assert ask("one two", Turn("assistant", "three.")).tokens == 2 + 4 + 2 + 4
    assert ask("one two", offered=[{"a": 1}]).tokens == 6 + 9


def test_calls_count_as_output():
    said = say(ask("weather in Rome", use=WEATHER))
    assert said.tokens == 2 + 9  # get_weat|her and { " city " : " Rome " }
