"""Which requests, of whatever API, say what a talk says; and which of several talks is asked first."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from talk_rig import (
    CHAT,
    COMPLETIONS,
    GEMINI,
    MESSAGES,
    RESPONSES,
    answering,
    chat,
    dialect_of,
    in_all,
    post,
    said,
    user,
)

from proxy_daemon.core.conversation import Media, Message, Other, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.matching.patterns.heard import heard, plain
from proxy_daemon.core.matching.patterns.patterns import PatternIndex
from proxy_daemon.core.matching.patterns.said import Rank, talk
from proxy_daemon.core.pattern import Pattern, Said


def fits(asked, request, dialect=None):
    """By the index, which must find what `Talk.fits` holds for good."""
    index = PatternIndex([answering(asked)])
    found = bool(list(index.answering(request, dialect or dialect_of(request))))
    told = heard(request, dialect or dialect_of(request))
    assert found == (told is not None and talk(asked).fits(told))
    return found


@pytest.mark.parametrize("api", in_all("x"))
@pytest.mark.parametrize(
    ("asked", "text", "good"),
    [
        ("Who are you?", "Who are you?", True),
        ("Who are you?", "Who are you", False),
        ("Who are you?", "who are you?", False),
        ("a\nb", "a\r\nb", True),
        ("a\nb", "a  \nb\t\n\n", True),
        ("a\nb", "a\n b", False),
        ("  a", "a", False),
        ("{{*}}", "whatever", True),
        ("Say {{*}} to {{*}}.", "Say hello,\nhello to Ann.", True),
        ("Say {{*}} to {{*}}.", "Say hello to Ann", False),
        ("ab{{*}}bc", "abc", False),
        ("{{*}}{{*}}a", "a", True),
        (r"Say \{{*}}", "Say {{*}}", True),
        (r"Say \{{*}}", "Say hello", False),
        (r"\{{*}} {{*}}", "{{*}} x", True),
        ("*", "x", False),
    ],
)
def test_texts(api, asked, text, good):
    assert fits(said(asked), in_all(text)[api]) is good


@pytest.mark.parametrize("api", in_all("x"))
def test_the_system_counts_only_where_it_is_written(api):
    ruled = Said((Message("system", (Text("Be {{*}}."),)), user("hi")))
    assert fits(said("hi"), in_all("hi", "Be brief.")[api])
    assert fits(ruled, in_all("hi", "Be brief.")[api])
    assert not fits(ruled, in_all("hi", "Be")[api])
    assert not fits(ruled, in_all("hi")[api])


CALL = {"id": "call_1", "type": "function", "function": {"name": "sum", "arguments": '{"a": 1, "b": [2.0, "x"]}'}}
WITH_TOOLS = [
    post(CHAT, {"messages": [
        {"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [CALL, CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "3"},
        {"role": "tool", "tool_call_id": "c", "content": "4"}]}),
    post(RESPONSES, {"input": [
        {"role": "user", "content": "go"},
        {"type": "reasoning", "summary": [{"text": "hm"}]},
        *[{"type": "function_call", "call_id": "z", "name": "sum", "arguments": '{"b":[2,"x"],"a":1}'}] * 2,
        {"type": "function_call_output", "call_id": "z", "output": "3"},
        {"type": "function_call_output", "call_id": "z", "output": "4"}]}),
    post(MESSAGES, {"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"},
            *[{"type": "tool_use", "id": "t", "name": "sum", "input": {"a": 1, "b": [2, "x"]}}] * 2]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "3"},
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "4"}]}]}]}),
    post("/v1beta/models/m:generateContent", {"contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "sum", "args": {"a": 1, "b": [2, "x"]}}}] * 2},
        {"role": "user", "parts": [{"functionResponse": {"name": "sum", "response": {"result": "3"}}},
            {"functionResponse": {"name": "sum", "response": {"output": "4"}}}]}]}),
]  # fmt: skip


def calling(arguments='{"b": [2, "x"], "a": 1}', result="3", name="sum"):
    call = ToolCall("other", name, arguments)
    results = (Message("tool", (ToolResult("other", result),)), Message("tool", (ToolResult("q", "4"),)))
    return Said((user("go"), Message("assistant", (Reasoning("thought"), call, call)), *results))


@pytest.mark.parametrize("request_", WITH_TOOLS, ids=["openai", "responses", "anthropic", "gemini"])
@pytest.mark.parametrize(
    ("asked", "good"),
    [
        (calling(), True),
        (calling('{"a": 1, "b": [2, "{{*}}"]}'), True),
        (calling("{{*}}"), True),
        (calling('"{{*}}"'), True),
        (calling(name="{{*}}"), True),
        (calling(result="{{*}}"), True),
        (calling('{"a": 1}'), False),
        (calling('{"a": 1, "b": ["x", 2]}'), False),
        (calling("no JSON"), False),
        (calling(result="5"), False),
        (calling(result='{"result": "3"}'), True),
        (calling(result='{"result": "{{*}}"}'), True),
        (calling(result='{"result": "5"}'), False),
        (calling(result='{"result": 3}'), False),
        (calling(result='{"result": "3", "more": 1}'), False),
        (calling(result='{"result": "3"'), False),
        (calling(name="add"), False),
    ],
)
def test_calls_and_results(request_, asked, good):
    assert fits(asked, request_) is good


IMAGE, PNG = "https://host/a.png", "data:image/png;base64,aGVsbG8="


def seen(url):
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": url}}]
    return post(CHAT, {"messages": [{"role": "user", "content": parts}]})


@pytest.mark.parametrize(
    ("medium", "url", "good"),
    [
        (Media("image", source=IMAGE), IMAGE, True),
        (Media("image", source=IMAGE), IMAGE + "?", False),
        (Media("file", source=IMAGE), IMAGE, False),
        (Media("image", size=8), PNG, True),
        (Media("image", size=9), PNG, False),
        (Media("image"), PNG, True),
        (Media("image"), IMAGE, False),
        (Media("image", source="sha256:ab"), PNG, True),
        (Media("image", source="sha256:ab"), IMAGE, False),
        (Other("image_url"), IMAGE, False),
    ],
)
def test_media_by_kind_and_source(medium, url, good):
    assert fits(Said((Message("user", (Text("see"), medium)),)), seen(url)) is good


def test_what_stands_beside_counts():
    assert not fits(said("see"), seen(IMAGE))
    assert not fits(Said((Message("user", (Text("see"), Media("image", source=IMAGE)) * 2),)), seen(IMAGE))
    assert not fits(Said((user("see"), user("see"))), seen(IMAGE))


def test_a_message_that_is_a_wildcard_alone_is_any():
    assert fits(said("{{*}}"), seen(IMAGE))
    assert not fits(said("{{*}}"), chat("a", ("assistant", "b"), "c"))
    assert not fits(Said((Message("assistant", (Text("{{*}}"),)),)), chat("a"))


@pytest.mark.parametrize("wild", ["c", "{{*}}c"])
def test_a_tail_is_the_end_of_what_is_said(wild):
    tail = Said((Message("assistant", (Text("b"),)), user(wild)), tail=True)
    long = chat("a", ("assistant", "b"), "c")
    assert fits(tail, long)
    assert fits(tail, chat(("assistant", "b"), "c"))
    assert not fits(Said(tail.messages), long)
    assert not fits(tail, chat("c"))
    assert not fits(tail, chat("a", ("assistant", "b"), "d"))


OTHERS = {
    "embeddings": post("/v1/embeddings", {"model": "m", "input": "hi"}),
    "a GET": evolve(chat("hi"), method=b"GET"),
    "tokens": post("/v1/messages/count_tokens", {"messages": [{"role": "user", "content": "hi"}]}),
    "no JSON": post(CHAT, b'{"messages": [{"role": "user", "content": "hi"}'),
    "a list": post(CHAT, [{"role": "user", "content": "hi"}]),
    "nothing said": post(CHAT, {"messages": []}),
    "a path that is not known": post("/v1/other", {"messages": [{"role": "user", "content": "hi"}]}),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("asked", [said("hi"), said("{{*}}"), Said(anything=True)], ids=["exact", "wild", "any"])
def test_only_what_asks_for_an_answer_fits(asked, name):
    assert fits(asked, chat("hi"))
    assert not fits(asked, OTHERS[name])


def test_a_completions_prompt_is_the_users():
    assert fits(said("Once upon"), post(COMPLETIONS, {"model": "m", "prompt": "Once upon"}))


class Broken(OpenAIChat):
    def conversation(self, request):
        raise RuntimeError("a plugin's fault")


def test_a_dialect_that_fails_fits_nothing():
    assert not fits(Said(anything=True), chat("hi"), Broken())


class TestParameters:
    @pytest.mark.parametrize("api", in_all("x"))
    def test_the_model_in_each_api(self, api):
        request = in_all("hi", model="gpt-5")[api]
        for value, good in (('"gpt-5"', True), ('"gpt-{{*}}"', True), ('"{{*}}"', True), ('"gpt-4"', False)):
            assert fits(said("hi", parameters=(("model", value),)), request) is good

    @pytest.mark.parametrize(
        ("value", "sent", "good"),
        [
            ("0", {"temperature": 0.0}, True),
            ("0", {"temperature": 1}, False),
            ("0", {}, False),
            ('{"a": "{{*}}"}', {"temperature": {"a": "x"}}, True),
            ('{"a": "{{*}}"}', {"temperature": {"a": "x", "b": 1}}, False),
            ("no JSON", {"temperature": 0}, False),
        ],
    )
    def test_the_rest_by_their_values(self, value, sent, good):
        assert fits(said("hi", parameters=(("temperature", value),)), chat("hi", **sent)) is good

    def test_they_count_in_their_own_api_only(self):
        asked = said("hi", api="openai-chat", parameters=(("seed", "7"),))
        assert not fits(asked, chat("hi"))
        assert fits(asked, chat("hi", seed=7))
        assert fits(asked, in_all("hi")["gemini"])
        assert fits(said("hi", api="openai", parameters=(("seed", "7"),)), in_all("hi")["anthropic"])
        assert not fits(said("hi", api="openai", parameters=(("seed", "7"),)), in_all("hi")["responses"])

    @pytest.mark.parametrize("name", ["stream", "stream_options", "user", "metadata"])
    def test_what_does_not_decide_the_answer_is_not_compared(self, name):
        assert fits(said("hi", parameters=((name, "true"),)), chat("hi"))


class TestOrder:
    def first(self, asked, request, **more):
        listed = [answering(each, number=at + 1) for at, each in enumerate(asked)]
        return [each.id for each in PatternIndex(listed).answering(request, dialect_of(request))]

    def test_the_exact_before_wildcards_before_anything(self):
        asked = [Said(anything=True), said("h{{*}}"), said("{{*}}"), said("hi"), said("hi", tail=True)]
        assert self.first(asked, chat("hi")) == [4, 5, 2, 3, 1]
        assert self.first(asked, chat("ho")) == [2, 3, 1]
        assert self.first(asked, chat("a", ("assistant", "b"), "hi")) == [5, 1]

    def test_anything_asks_for_its_parameters_all_the_same(self):
        asked = [Said(anything=True, parameters=(("model", '"other"'),)), Said(anything=True)]
        assert self.first(asked, chat("x")) == [2]

    @pytest.mark.parametrize(
        ("asked", "rank"),
        [
            (said("a"), Rank.EXACT),
            (said(r"a\{{*}}"), Rank.EXACT),
            (said("a{{*}}"), Rank.WILD),
            (calling('{"a": {"b": ["{{*}}"]}}'), Rank.WILD),
            (calling(), Rank.EXACT),
            (Said(anything=True), Rank.ANYTHING),
        ],
    )
    def test_ranks(self, asked, rank):
        assert talk(asked).rank is rank

    def test_other_patterns_and_what_is_asked_for_besides(self):
        other, both = Pattern(path=CHAT), Pattern(path=GEMINI, said=said("hi"))
        listed = [evolve(answering(said("hi"), number=at), pattern=each) for at, each in ((1, both), (2, other))]
        index = PatternIndex(listed)
        assert [each.id for each in index.answering(chat("hi"), dialect_of(chat("hi")))] == [2]
        gemini = in_all("hi")["gemini"]
        assert [each.id for each in index.answering(gemini, dialect_of(gemini))] == [1]


@pytest.mark.parametrize("asked", [Said(), Said(tail=True), Said((Message("user", (Reasoning("x"),)),))])
def test_a_talk_that_says_nothing_fits_nothing(asked):
    assert not fits(asked, chat("hi"))
    assert talk(asked).never


WORDS = st.lists(st.sampled_from(["a", " ", "\n", "{{*}}", "\\", "*", "é"]), max_size=12).map("".join)


@given(WORDS, WORDS)
def test_what_is_written_exactly_is_found_and_a_wildcard_takes_more(text, other):
    escaped = text.replace("{{*}}", r"\{{*}}")
    if plain(text) and not text.endswith("\\") and "\\{{*}}" not in text:
        assert fits(said(escaped), chat(text))
        assert fits(said(escaped), chat(other)) is (plain(text) == plain(other))
        assert fits(said(f"{{{{*}}}}{escaped}"), chat(f"x{text}"))


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS, lambda one: st.lists(one) | st.dictionaries(WORDS, one)
)


@given(JSONS)
def test_whatever_is_sent_nothing_is_raised(value):
    for path in (CHAT, RESPONSES, MESSAGES, GEMINI):
        for name in ("messages", "input", "contents"):
            request = post(path, {name: value})
            fits(said("{{*}}"), request)
            fits(Said(anything=True), request)


@given(JSONS)
def test_arguments_are_equal_as_values(value):
    assert talk(calling(json.dumps(value).replace("{{*}}", r"\\{{*}}"))).rank in (Rank.EXACT, Rank.WILD)


def test_many_wildcards_in_a_long_text_take_no_time():
    asked = "{{*}}".join(["ab"] * 2000)
    assert not fits(said(asked), chat("ab" * 1999 + "c" * 100_000))
    assert fits(said(asked), chat("xab" * 1999 + "ab")) is False
    assert fits(said(asked), chat("ab" + "xab" * 1999))
