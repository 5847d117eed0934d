"""Keys as promptecho 0.1.3 makes them, and the wrong replays that it allows: each is a miss under keys of our own."""

import pytest
from attrs import evolve
from bodies_of_requests import BY_NAME, CHAT, MESSAGES, PATH, RESPONSES, asked, chat, taken
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching.counting.match_on import parse_match_on
from proxy_daemon.core.matching.counting.promptecho import DEFAULT, match_digest
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.upstreams import parse_upstream

OPENAI, ANTHROPIC = (parse_upstream(f"https://api.{name}.com") for name in ("openai", "anthropic"))
OTHER = parse_upstream("http://localhost:8080")
USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}, "strict": True}}
SAID = {
    "model": "m",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "S"}],
    "tools": [{"name": "t", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "t"},
    "messages": [USER],
}
BLOCKS = {
    "model": "m",
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}],
}
# As computed with promptecho 0.1.3: upstream, request, and the members that count.
VECTORS = [
    (OTHER, asked(chat()), DEFAULT, "09fd77d21c4e0aa9"),
    (OPENAI, asked(chat()), DEFAULT, "09fd77d21c4e0aa9"),
    (OPENAI, asked(BLOCKS), DEFAULT, "ce577039214759df"),
    (ANTHROPIC, asked(SAID, b"/v1/messages"), DEFAULT, "8c069a440fc9af8a"),
    (OPENAI, asked(b"not json"), DEFAULT, "6779d832b73e3abf"),
    (OPENAI, asked(b"", b"/v1/models", b"GET"), DEFAULT, "49ff80e46a34a09a"),
    (OTHER, asked({"model": "e", "input": "x"}, b"/v1/embeddings"), ("model", "input"), "33f7dd3c59d71201"),
]
# What is one under its rules: two bodies and the upstream's host.
SAME = [
    (OPENAI, chat(), chat(temperature=1, n=2)),
    (OPENAI, chat(max_completion_tokens=5), chat(max_tokens=5)),
    (OPENAI, BLOCKS, {**BLOCKS, "messages": BLOCKS["messages"][::-1]}),
    (OPENAI, chat(tools=[TOOL]), chat(tools=[TOOL["function"]])),
    (OTHER, chat(tool_choice="auto"), chat(tool_choice={"mode": "auto"})),
    (
        OTHER,
        chat(tool_choice={"type": "function", "function": {"name": "f"}}),
        chat(tool_choice={"type": "tool", "name": "f"}),
    ),
    (ANTHROPIC, SAID, {**SAID, "system": "S"}),
    (ANTHROPIC, SAID, {**SAID, "tools": [{"name": "t", "parameters": {"type": "object"}, "description": None}]}),
]
values = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "role", "content", "function", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def promptecho(names=""):
    on = parse_match_on(names) if names else Matcher().on
    return Matcher(on=on, keys="promptecho-2")


@pytest.mark.parametrize(
    ("upstream", "request_", "names", "key"), VECTORS, ids=[key[:4] + str(n) for n, (*_, key) in enumerate(VECTORS)]
)
def test_its_keys_are_ours(upstream, request_, names, key):
    assert match_digest(request_, upstream, names).hex()[:16] == key


def test_a_matcher_gives_its_keys():
    body = {"model": "e", "input": "x"}
    found = taken(body, BY_NAME["openai-embeddings"], promptecho("model,input"), target=b"/v1/embeddings")
    assert found.hex()[:16] == "33f7dd3c59d71201"
    assert taken(chat(), matcher=promptecho()).hex()[:16] == "09fd77d21c4e0aa9"
    assert len(found) == 32


def test_the_host_of_a_cassette_stands_in_its_head():
    by_head = evolve(asked(BLOCKS, fields=[(b"Host", b"API.openai.com:443")]))
    assert match_digest(by_head, None, DEFAULT).hex()[:16] == "ce577039214759df"


@pytest.mark.parametrize(("upstream", "one", "other"), SAME, ids=range(len(SAME)))
def test_what_it_takes_for_one_is_one(upstream, one, other):
    assert match_digest(asked(one), upstream, DEFAULT) == match_digest(asked(other), upstream, DEFAULT)


def test_a_document_never_answers_a_stream_and_scopes_are_kept_apart():
    matcher = promptecho()
    found = [taken(chat(), matcher=matcher), taken(chat(stream=True), matcher=matcher)]
    found += [taken(chat(**more), matcher=matcher, scope=b"k") for more in ({}, {"stream": True})]
    assert len(set(found)) == 4


@given(st.dictionaries(st.sampled_from([*DEFAULT, "max_completion_tokens", "max_tokens"]), values, max_size=5) | values)
def test_any_body_has_a_key(body):
    for upstream in (OPENAI, ANTHROPIC, OTHER):
        assert match_digest(asked(body), upstream, DEFAULT) == match_digest(asked(body), upstream, DEFAULT)


@pytest.mark.parametrize("depth", [500, 1000, 10_000])
def test_what_is_nested_deep_has_a_key_of_its_own(depth):
    one, other = (b'{"messages":' + b"[" * depth + text + b"]" * depth + b"}" for text in (b"1", b"2"))
    assert match_digest(asked(one), OTHER, DEFAULT) != match_digest(asked(other), OTHER, DEFAULT)


# (c) 13 to 19 of what its users met: two requests that it answers with one recording.
WRONG = [
    ("a stream", CHAT, chat(), chat(stream=True), {}),
    ("embeddings of another input", BY_NAME["openai-embeddings"], {"input": "a"}, {"input": "b"}, {}),
    ("a response to another input", RESPONSES, {"input": "a"}, {"input": "b"}, {}),
    ("other instructions", RESPONSES, {"instructions": "a"}, {"instructions": "b"}, {}),
    *(
        (name, CHAT, chat(**{name: one}), chat(**{name: other}), {})
        for name, one, other in [
            ("temperature", 0, 1),
            ("max_tokens", 5, 6),
            ("n", 1, 2),
            ("seed", 1, 2),
            ("response_format", {"type": "text"}, {"type": "json_object"}),
        ]
    ),
    (
        "a prompt of two blocks",
        MESSAGES,
        {"system": [{"type": "text", "text": "You are"}, {"type": "text", "text": "a pirate"}]},
        {"system": [{"type": "text", "text": "You are"}, {"type": "text", "text": "a lawyer"}]},
        {},
    ),
    ("where the system prompt stands", CHAT, BLOCKS, {**BLOCKS, "messages": BLOCKS["messages"][::-1]}, {}),
    ("a query", CHAT, b"", b"", {"target": b"/v1/models?after=a", "method": b"GET"}),
    (
        "another order of tools",
        CHAT,
        chat(tools=[{"name": "a"}, {"name": "b"}]),
        chat(tools=[{"name": "b"}, {"name": "a"}]),
        {},
    ),
]


@pytest.mark.parametrize(
    ("dialect", "one", "other", "more"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG]
)
def test_its_wrong_replays_are_misses(dialect, one, other, more):
    second = {**more, "target": b"/v1/models?after=b"} if more else more
    assert taken(one, dialect, **more) != taken(other, dialect, **second)


def test_two_apis_never_answer_for_each_other():
    """(c) 18: the same body, sent to another operation."""
    assert taken(chat(), CHAT, target=PATH) != taken(chat(), MESSAGES, target=b"/v1/messages")


def test_what_the_settings_say_rules_and_nothing_else():
    """(c) 19: a recording holds no list of its own that beats it."""
    narrow = Matcher(on=parse_match_on("model,messages"))
    assert taken(chat(temperature=0)) != taken(chat(temperature=1))
    assert taken(chat(temperature=0), matcher=narrow) == taken(chat(temperature=1), matcher=narrow)
    assert narrow.digest != Matcher().digest
