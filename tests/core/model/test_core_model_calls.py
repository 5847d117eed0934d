import pytest

from proxy_daemon.core.model.calls import Tool, ToolUse, calls_for, name_words
from proxy_daemon.core.model.refusal import Refused

SCHEMA = {"type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]}
WEATHER = Tool("get_weather", SCHEMA)
TRAINS = Tool("findTrains", SCHEMA)
BOTH = (WEATHER, TRAINS)


def names(use, text):
    return [call.name for call in calls_for(use, text)]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("How is the weather in Rome?", ["get_weather"]),
        ("WEATHER!", ["get_weather"]),
        ("Are there trains to Rome?", ["findTrains"]),
        ("weather and trains", ["get_weather", "findTrains"]),
        ("call get_weather, not the trains", ["get_weather"]),
        ("get me a coffee", []),
        ("weathering", []),
        ("", []),
    ],
)
def test_the_text_suggests_calls(text, called):
    assert names(ToolUse(BOTH), text) == called


def test_arguments_are_made_of_the_text():
    (call,) = calls_for(ToolUse(BOTH), "How is the weather in Rome?")
    assert call.arguments == '{"where":"Rome"}'


def test_must_calls_the_first_where_the_text_suggests_none():
    assert names(ToolUse(BOTH, must=True), "hello") == ["get_weather"]
    assert names(ToolUse(BOTH, must=True), "trains") == ["findTrains"]
    assert names(ToolUse((), must=True), "hello") == []


def test_single_calls_one():
    assert names(ToolUse(BOTH, single=True), "weather and trains") == ["get_weather"]


def test_never_more_than_four():
    tools = tuple(Tool(f"weather{number}", SCHEMA) for number in range(9))
    assert len(names(ToolUse(tools), "weather")) == 4


def test_only_the_one_that_is_named():
    assert names(ToolUse(BOTH).only("findTrains"), "weather") == ["findTrains"]
    with pytest.raises(Refused, match="'nothing'"):
        ToolUse(BOTH).only("nothing")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("get_weather", {"weather"}),
        ("getUserHTTPReport", {"user", "http", "report"}),
        ("add", {"add"}),
        ("a-b", set()),
        ("überweisung_prüfen", {"überweisung", "prüfen"}),
        ("", set()),
    ],
)
def test_words_of_a_name(name, found):
    assert name_words(name) == found
