"""The keys that promptecho gives requests: vectors that promptecho 0.1.3 itself has computed."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes.promptecho.normal import DEPTH, NotNormal, is_flat, match_key, normal
from proxy_daemon.core.matching.counting.promptecho import DEFAULT, RAW

CHAT, OPENAI, ANTHROPIC = "/v1/chat/completions", "api.openai.com", "api.anthropic.com"
HI = {"role": "user", "content": "hi"}
VECTORS = [
    ("POST", CHAT, "", {"model": "m", "messages": [HI]}, DEFAULT, "09fd77d21c4e0aa9"),
    (
        "POST",
        CHAT,
        OPENAI,
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "S"},
                {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            ],
        },
        DEFAULT,
        "ce577039214759df",
    ),
    (
        "POST",
        "/v1/messages",
        ANTHROPIC,
        {
            "model": "m",
            "max_tokens": 5,
            "system": [{"type": "text", "text": "S"}],
            "tools": [{"name": "t", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "tool", "name": "t"},
            "messages": [HI],
        },
        DEFAULT,
        "8c069a440fc9af8a",
    ),
    ("POST", CHAT, OPENAI, b"not json", DEFAULT, "6779d832b73e3abf"),
    ("GET", "/v1/models", OPENAI, b"", DEFAULT, "49ff80e46a34a09a"),
    ("POST", "/v1/embeddings", "", {"model": "e", "input": "x"}, ("model", "input"), "33f7dd3c59d71201"),
]


def body_of(host, sent):
    return normal(host, sent if isinstance(sent, bytes) else json.dumps(sent).encode())


@pytest.mark.parametrize(("method", "path", "host", "sent", "match_on", "key"), VECTORS)
def test_keys(method, path, host, sent, match_on, key):
    assert match_key(method, path, body_of(host, sent), match_on) == key


def test_what_counts_in_a_key():
    body = {"model": "m"}
    same = match_key("post", "/v1/a%3Ab", body)
    assert same == match_key("POST", "/v1/a:b", body | {"temperature": 1})
    others = [match_key("PUT", "/v1/a:b", body), match_key("POST", "/v1/a", body), match_key("POST", "/v1/a:b", {})]
    assert len({same, *others}) == 4


TEXT = {"type": "text", "text": "x"}
CACHED = TEXT | {"cache_control": {"type": "ephemeral"}}
PICTURE = {"type": "image", "source": {}}
FUNCTION = {"type": "function", "function": {"name": "f", "description": None, "parameters": {"a": 1}, "strict": True}}
TOOL = {"name": "f", "input_schema": {"a": 1}}
NORMAL = [
    ("", {}, {}),
    ("", {"messages": [{"role": "user", "content": [CACHED]}]}, {"messages": [{"role": "user", "content": "x"}]}),
    ("", {"messages": [{"content": [CACHED, PICTURE]}, "odd"]}, {"messages": [{"content": [TEXT, PICTURE]}, "odd"]}),
    ("", {"messages": [{"content": None}, {"role": "user"}]}, {"messages": [{"content": None}, {"role": "user"}]}),
    ("", {"tools": [FUNCTION]}, {"tools": [{"name": "f", "parameters": {"a": 1}}], "messages": []}),
    ("", {"tools": [TOOL, 5]}, {"tools": [{"name": "f", "parameters": {"a": 1}}, 5]}),
    ("", {"tools": [{"name": "f", "parameters": 1}]}, {"tools": [{"name": "f", "parameters": 1}]}),
    ("", {"tool_choice": "auto"}, {"tool_choice": {"mode": "auto"}}),
    ("", {"tool_choice": {"function": {"name": "f"}}}, {"tool_choice": {"mode": "tool", "name": "f"}}),
    ("", {"tool_choice": {"type": "any", "name": ""}}, {"tool_choice": {"mode": "any"}}),
    ("", {"tool_choice": {"odd": 1}}, {"tool_choice": {"odd": 1}}),
    ("", {"tool_choice": 5}, {"tool_choice": 5}),
    ("", {"system": [TEXT, TEXT, PICTURE]}, {"system": "x\nx"}),
    ("", {"system": [{"type": "text", "text": ""}, PICTURE]}, {"system": ""}),
    ("", {"system": [PICTURE]}, {"system": [PICTURE]}),
    (OPENAI, {"system": [TEXT]}, {"system": [TEXT], "messages": []}),
    (OPENAI, {"max_completion_tokens": 1}, {"max_tokens": 1, "messages": []}),
    (
        OPENAI,
        {"max_completion_tokens": 1, "max_tokens": 2},
        {"max_completion_tokens": 1, "max_tokens": 2, "messages": []},
    ),
    ("MY.Azure.com", {"messages": [{"role": "developer", "content": [TEXT]}, HI]}, {"system": "x", "messages": [HI]}),
    ("", {"messages": [{"role": "system"}, {"role": "developer", "content": "d"}]}, {"system": "\nd", "messages": []}),
    # What promptecho loses: a system message of several blocks.
    (OPENAI, {"messages": [{"role": "system", "content": [TEXT, TEXT]}]}, {"system": "", "messages": []}),
]


@pytest.mark.parametrize(("host", "sent", "found"), NORMAL)
def test_bodies(host, sent, found):
    assert body_of(host, sent) == found


@pytest.mark.parametrize("sent", [b"x", b"[1]", b"5", b"null", b'"x"', b"\xff", b"1" * 5000])
def test_what_is_no_object_is_hashed(sent):
    found = normal("", sent)
    assert list(found) == [RAW]
    assert normal("", sent + b" ") != found


@pytest.mark.parametrize("deep", [b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), b"[" * 200_000])
def test_what_is_nested_too_deep_has_none(deep):
    with pytest.raises(NotNormal, match="nested deeper"):
        normal("", b'{"a":' + deep + b"}")


@pytest.mark.parametrize(("depth", "flat"), [(1, True), (DEPTH, True), (DEPTH + 1, False), (100_000, False)])
def test_depth(depth, flat):
    value = 5
    for _ in range(depth):
        value = [value]
    assert is_flat(value) is flat


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["text", "system"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "name", "function"]), inner, max_size=3)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(["model", "messages", "system", "tools", "tool_choice", "max_completion_tokens", "input"])
HOSTS = st.sampled_from(["", OPENAI, ANTHROPIC])


@given(HOSTS, st.dictionaries(NAMES, VALUES))
def test_any_body_has_a_shape_and_a_key_or_a_reason(host, sent):
    with suppress(NotNormal):
        assert len(match_key("POST", CHAT, body_of(host, sent))) == 16


@given(HOSTS, st.binary(max_size=40))
def test_any_octets(host, sent):
    with suppress(NotNormal):
        assert isinstance(normal(host, sent), dict)
