"""What does not count of each API's bodies, and what does though it looks like it."""

import pytest
from bodies_of_requests import BY_NAME, CHAT, asked, chat, taken
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.matching.counting.ids import ids_in
from proxy_daemon.core.matching.counting.tree import Kind, compiled
from proxy_daemon.core.matching.fingerprint import Matcher


def spoken(*messages, **more):
    return {"model": "m", "messages": list(messages), **more}


def called(*ids):
    return {"role": "assistant", "tool_calls": [{"id": each, "function": {"name": "f"}} for each in ids]}


def result(call):
    return {"role": "tool", "tool_call_id": call, "content": "1"}


def blocks(*content, **more):
    return spoken({"role": "assistant", "content": list(content)}, **more)


def items(*given, **more):
    return {"model": "m", "input": list(given), **more}


def parts(*given):
    return {"contents": [{"role": "model", "parts": list(given)}]}


CALL = {"type": "function_call", "name": "f", "call_id": "c1"}
TEXT = {"type": "text", "text": "hi"}
# dialect, one body, another, and whether they are the same
PAIRS = [
    ("openai-chat", spoken(called("a", "b"), result("a")), spoken(called("x", "y"), result("x")), True),
    ("openai-chat", spoken(called("a", "b"), result("a")), spoken(called("a", "b"), result("b")), False),
    ("openai-chat", spoken(called("a", "b"), result("a")), spoken(called("a", "a"), result("a")), False),
    ("openai-chat", spoken(called("a"), result("a")), spoken(called("a"), result("z")), False),
    ("openai-chat", spoken(called("a")), spoken(called("")), False),
    ("openai-chat", chat(user="u", metadata={"a": "b"}, prompt_cache_key="k"), chat(), True),
    ("openai-chat", chat(stream_options={"include_obfuscation": True}), chat(), True),
    ("openai-chat", chat(stream_options={"include_usage": True}), chat(), False),
    ("openai-chat", chat(store=True), chat(), False),
    ("openai-chat", chat(temperature=1.0), chat(temperature=1), True),
    ("openai-chat", chat(tools=[{"a": 1}, {"b": 1}]), chat(tools=[{"b": 1}, {"a": 1}]), False),
    ("openai-chat", chat(audio=None, modalities=[]), chat(), True),
    ("openai-chat", spoken({"audio": {"id": "audio_1"}}), spoken({"audio": {"id": "audio_2"}}), False),
    ("openai-chat", spoken({"role": "user", "content": [TEXT]}), spoken({"role": "user", "content": "hi"}), True),
    ("openai-chat", spoken({"content": [TEXT, TEXT]}), spoken({"content": "hihi"}), False),
    ("openai-chat", spoken({"content": [TEXT | {"x": 1}]}), spoken({"content": "hi"}), False),
    ("openai-chat", spoken({"content": [TEXT | {"x": None}]}), spoken({"content": "hi"}), True),
    ("openai-chat", spoken({"cache_control": {"type": "e"}}), spoken({}), False),
    ("openrouter", spoken({"cache_control": {"type": "e"}}), spoken({}), True),
    ("openrouter", spoken({"content": [TEXT | {"cache_control": {}}]}), spoken({"content": "hi"}), True),
    (
        "openrouter",
        spoken({"reasoning_details": [{"data": "x"}]}),
        spoken({"reasoning_details": [{"data": "y"}]}),
        True,
    ),
    (
        "openrouter",
        spoken({"reasoning_details": [{"text": "x"}]}),
        spoken({"reasoning_details": [{"text": "y"}]}),
        False,
    ),
    ("mistral", spoken({"role": "assistant", "prefix": True}), spoken({"role": "assistant", "prefix": False}), False),
    ("mistral", {"inputs": [{"id": "a", "content": "x"}]}, {"inputs": [{"content": "x"}]}, True),
    ("anthropic", blocks({"type": "thinking", "signature": "s"}), blocks({"type": "thinking"}), True),
    (
        "anthropic",
        blocks({"type": "redacted_thinking", "data": "s"}),
        blocks({"type": "redacted_thinking", "data": "t"}),
        True,
    ),
    ("anthropic", blocks({"type": "thinking", "thinking": "s"}), blocks({"type": "thinking", "thinking": "t"}), False),
    ("anthropic", blocks({"id": "a", "input": {"x": None}}), blocks({"id": "b", "input": {}}), False),
    ("anthropic", blocks({"id": "a", "input": {"x": 1.0}}), blocks({"id": "b", "input": {"x": 1}}), True),
    (
        "anthropic",
        blocks(TEXT | {"cache_control": {"type": "e"}}),
        spoken({"role": "assistant", "content": "hi"}),
        True,
    ),
    ("anthropic", spoken(system=[TEXT], metadata={"user_id": "u"}), spoken(system="hi"), True),
    ("anthropic", spoken(system=[TEXT, TEXT]), spoken(system=[TEXT]), False),
    ("anthropic", spoken(container="c1"), spoken(container="c2"), False),
    ("anthropic", spoken(container={"id": "c1"}), spoken(container={"id": "c2"}), False),
    ("anthropic", blocks({"source": {"file_id": "f1"}}), blocks({"source": {"file_id": "f2"}}), False),
    ("openai-responses", items(CALL | {"id": "fc_1", "status": "completed"}), items(CALL), True),
    ("openai-responses", items(CALL), items(CALL | {"call_id": "c2"}), True),
    ("openai-responses", items(CALL), items(CALL | {"name": "g"}), False),
    (
        "openai-responses",
        items({"type": "reasoning", "id": "r", "encrypted_content": "x", "summary": []}),
        items({"type": "reasoning", "id": "s", "encrypted_content": "y"}),
        True,
    ),
    (
        "openai-responses",
        items({"type": "item_reference", "id": "a"}),
        items({"type": "item_reference", "id": "b"}),
        False,
    ),
    ("openai-responses", items({"id": "a"}), items({"id": "b"}), False),
    ("openai-responses", items({"id": "a", "type": None}), items({"id": "b", "type": None}), False),
    (
        "openai-responses",
        items({"type": "image_generation_call", "id": "a"}),
        items({"type": "image_generation_call", "id": "b"}),
        False,
    ),
    (
        "openai-responses",
        items({"role": "user", "content": [{"type": "input_text", "text": "hi"}]}),
        items({"role": "user", "content": "hi"}),
        True,
    ),
    ("openai-responses", items(previous_response_id="a"), items(previous_response_id="b"), False),
    ("openai-responses", items(conversation="a"), items(conversation="b"), False),
    ("openai-responses", items(conversation={"id": "a"}), items(conversation={"id": "b"}), False),
    ("openai-responses", items(instructions="a"), items(instructions="b"), False),
    ("openai-responses", {"input": "a"}, {"input": "b"}, False),
    (
        "google",
        parts({"functionCall": {"id": "a", "args": {"x": 1}}, "thoughtSignature": "s"}),
        parts({"functionCall": {"id": "b", "args": {"x": 1}}}),
        True,
    ),
    (
        "google",
        parts({"functionCall": {"id": "a", "args": {"x": 1}}}),
        parts({"functionCall": {"id": "a", "args": {"x": 2}}}),
        False,
    ),
    ("google", {"cachedContent": "a"}, {"cachedContent": "b"}, False),
    ("google", {"tools": [{"googleSearch": {}}]}, {"tools": [{"codeExecution": {}}]}, False),
    ("google", {"tools": [{"googleSearch": {}}]}, {"tools": [{}]}, False),
    ("google", {"labels": {"a": "b"}}, {}, True),
    (
        "bedrock",
        blocks({"toolUse": {"toolUseId": "a"}}, {"toolResult": {"toolUseId": "a"}}),
        blocks({"toolUse": {"toolUseId": "b"}}, {"toolResult": {"toolUseId": "b"}}),
        True,
    ),
    ("bedrock", {"toolConfig": {"toolChoice": {"auto": {}}}}, {"toolConfig": {"toolChoice": {"any": {}}}}, False),
    (
        "bedrock",
        blocks({"reasoningContent": {"reasoningText": {"text": "x", "signature": "a"}}}),
        blocks({"reasoningContent": {"reasoningText": {"text": "x"}}}),
        True,
    ),
    ("cohere", spoken(called("a"), result("a")), spoken(called("b"), result("b")), True),
    ("ollama", {"keep_alive": 0}, {"keep_alive": 5}, False),
    ("ollama", {"format": {"default": None}}, {"format": {}}, False),
    ("openai-state", {"metadata": {"a": "1"}}, {"metadata": {"a": "2"}}, False),
    ("openai-embeddings", {"input": "a", "user": "u"}, {"input": "a"}, True),
    ("openai-embeddings", {"input": ["a", "b"]}, {"input": ["b", "a"]}, False),
    ("openai-embeddings", {"input": [1, 2]}, {"input": [1.0, 2.0]}, True),
]


@pytest.mark.parametrize(("name", "one", "other", "same"), PAIRS, ids=range(len(PAIRS)))
def test_the_rules_of_an_api(name, one, other, same):
    dialect = BY_NAME[name]
    assert (taken(one, dialect) == taken(other, dialect)) is same


@pytest.mark.parametrize("more", [{}, {"content": None}, {"reasoning_details": [{"id": "r", "data": "d"}]}])
def test_a_request_itself_is_left_as_it_was(more):
    request = asked(spoken(called("a") | more, result("a"), user="u", top_p=1.0, n=None))
    before = repr(request.json)
    Matcher().fingerprint(request, CHAT, None, b"")
    assert repr(request.json) == before


IDS = [
    ("openai-chat", spoken(called("a", "b"), result("b"), result("a")), ("a", "b")),
    ("openai-chat", spoken(result("b"), called("a", "b")), ("b", "a")),
    ("openai-chat", spoken(called("a", "", 5), result(None)), ("a",)),
    ("openai-responses", items(CALL | {"id": "fc_1"}), ("c1",)),
    (
        "openai-responses",
        items(
            {"type": "mcp_approval_request", "id": "m1"}, {"approval_request_id": "m1"}, {"approval_request_id": "m2"}
        ),
        ("m1", "m2"),
    ),
    ("openai-responses", items(previous_response_id="r", conversation="c"), ()),
    ("anthropic", blocks({"id": "a"}, {"tool_use_id": "b"}, container="c"), ("a", "b")),
    ("google", parts({"functionCall": {"id": "a"}}, {"functionResponse": {"id": "b"}}), ("a", "b")),
    ("bedrock", blocks({"toolUse": {"toolUseId": "a"}}), ("a",)),
    ("tgi", {"inputs": "x", "id": "a"}, ()),
    ("openai-chat", None, ()),
    ("openai-chat", [1, {"messages": 5}], ()),
]


@pytest.mark.parametrize(("name", "body", "expected"), IDS, ids=range(len(IDS)))
def test_ids_come_in_the_order_of_their_first_appearance(name, body, expected):
    assert ids_in(body, BY_NAME[name]) == expected


def test_an_approval_names_its_request():
    """Two requests for approval wait: which one is answered must count."""
    asking = [{"type": "mcp_approval_request", "id": each, "name": "f"} for each in ("m1", "m2")]
    dialect = BY_NAME["openai-responses"]
    one, other = (taken(items(*asking, {"approval_request_id": each}), dialect) for each in ("m1", "m2"))
    renamed = [{"type": "mcp_approval_request", "id": each, "name": "f"} for each in ("x1", "x2")]
    assert one != other
    assert one == taken(items(*renamed, {"approval_request_id": "x1"}), dialect)


def test_the_order_of_members_does_not_number_ids():
    one = {"messages": [{"tool_call_id": "a", "tool_calls": [{"id": "b"}]}]}
    other = {"messages": [{"tool_calls": [{"id": "b"}], "tool_call_id": "a"}]}
    assert ids_in(one, BY_NAME["openai-chat"]) == ids_in(other, BY_NAME["openai-chat"]) == ("a", "b")
    assert taken(one) == taken(other)


PATHS = sorted({path for dialect in BUILT_IN for path in (*dialect.volatile, *dialect.opaque, *dialect.ids)})
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted({name for path in PATHS for name in path.split(".")})), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(BUILT_IN), values)
def test_ids_renamed_throughout_change_nothing(dialect, body):
    """In a body of any shape, made of the names that the rules know."""
    ids = ids_in(body, dialect)
    assert len(set(ids)) == len(ids)
    fresh = {each: f"new-{number}" for number, each in enumerate(ids)}
    assert ids_in(body, dialect) == tuple(fresh)
    other = _renamed(body, dialect, fresh)
    assert ids_in(other, dialect) == tuple(fresh.values())
    if isinstance(body, dict | list):
        assert taken(body, dialect) == taken(other, dialect)


def _renamed(body, dialect, fresh):
    def walk(value, rule):
        if isinstance(value, list):
            return [walk(each, rule.each) if rule and rule.each else each for each in value]
        if isinstance(value, dict):
            rules = dict(rule.members) if rule else {}
            return {name: member(value, name, rules[name]) if name in rules else value[name] for name in value}
        return value

    def member(item, name, rule):
        value = item[name]
        if isinstance(value, str):
            return fresh.get(value, value) if rule.kind is Kind.RENAMED else value
        return walk(value, rule)

    return walk(body, compiled((path, Kind.RENAMED) for path in dialect.ids))


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)
def test_what_lies_at_the_server_is_no_id_that_is_renamed(dialect):
    """Two conversations must never be taken for one."""
    names = {
        "previous_response_id",
        "conversation",
        "container",
        "cachedContent",
        "file_id",
        "thread_id",
        "assistant_id",
    }
    for path in (*dialect.ids, *dialect.own_ids, *dialect.volatile, *dialect.opaque):
        assert names.isdisjoint(path.split(".")), path


def test_the_first_of_two_rules_for_one_path_rules():
    tree = compiled([("a.*.b", Kind.DROPPED), ("a.*.b", Kind.RENAMED), ("a", Kind.TEXT)])
    (name, rule) = tree.members[0]
    assert (name, rule.kind, rule.each.members[0][1].kind) == ("a", Kind.TEXT, Kind.DROPPED)
