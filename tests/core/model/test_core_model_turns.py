import pytest

from proxy_daemon.core.conversation import Conversation, Media, Message, Reasoning, Text, Tool, ToolCall, ToolResult
from proxy_daemon.core.model import calls
from proxy_daemon.core.model.mind import Turn
from proxy_daemon.core.model.turns import results_last, tools_of, turns_of


@pytest.mark.parametrize(
    ("message", "turns"),
    [
        (Message("user", (Text("a"), Media("image"), Text(""), Text("b"))), [Turn("user", "a\nb")]),
        (Message("user"), [Turn("user", "")]),
        (Message("assistant", (Reasoning("hm"), ToolCall("1", "f", "{}"))), [Turn("assistant", "")]),
        (Message("tool", (ToolResult("1", "x"), ToolResult("2", "y"))), [Turn("tool", "x"), Turn("tool", "y")]),
        (Message("tool", (Text("x"),)), [Turn("tool", "x")]),
    ],
)
def test_messages_as_turns(message, turns):
    assert turns_of(Conversation((message,))) == tuple(turns)


@pytest.mark.parametrize(
    ("roles", "sorted_roles"),
    [
        (["tool", "user"], ["user", "tool"]),
        (["user", "assistant", "tool0", "user0"], ["user", "assistant", "user0", "tool0"]),
        (["user", "assistant", "tool0", "assistant0", "user0"], ["user", "assistant", "tool0", "assistant0", "user0"]),
        (["user0", "tool0", "user1", "tool1"], ["user0", "user1", "tool0", "tool1"]),
    ],
)
def test_results_go_behind_the_text_beside_them(roles, sorted_roles):
    def turns(names):
        return tuple(Turn(name.rstrip("01"), name) for name in names)

    assert results_last(turns(roles)) == turns(sorted_roles)


OFFERED = Conversation(tools=(Tool("a", schema={"type": "string"}), Tool("b"), Tool("")))


def test_tools_without_a_schema_take_an_empty_object():
    assert tools_of(OFFERED) == (calls.Tool("a", {"type": "string"}), calls.Tool("b", {"type": "object"}))


def test_only_named_tools():
    assert [tool.name for tool in tools_of(OFFERED, {"b", "c"})] == ["b"]
