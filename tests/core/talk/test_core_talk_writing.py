"""Exchanges of each API as talks: what is written says the same when it is read, or tells what it does not say."""

import base64
import re

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from markdown_talks import (
    again,
    answer,
    asked,
    chat,
    one,
    parts,
    plain,
    post,
    read,
    recorded,
    said,
)
from test_core_talk_quoting import hostile

from proxy_daemon.core.cassettes.foreign_text import WRITTEN
from proxy_daemon.core.cassettes.writers import writer_named
from proxy_daemon.core.conversation import (
    Declined,
    Finish,
    Media,
    Message,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.messages import Ending
from proxy_daemon.core.talk import writing
from proxy_daemon.core.talk.parts_writing import LARGE_MEDIA, Messages
from proxy_daemon.core.talk.writing import entry

USER = {"role": "user", "content": "Hi"}
WRITTEN_OUT = """---
model: gpt-4o
api: openai-chat
answers: last
usage: in 14, out 2
temperature: 0.5
tools:
- type: function
  function:
    name: f
---

### system
<blockquote>

Be brief.

</blockquote>

### user
<blockquote>

Weather?

</blockquote>

### assistant
<blockquote>

#### call f call_1

```json
{"city":"Paris"}
```

</blockquote>

### tool - call_1
<blockquote>

Sunny

</blockquote>

### assistant
<blockquote>

It is **sunny**.

</blockquote>
"""


def weather():
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Paris"}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    found = chat(messages, "It is **sunny**.", temperature=0.5, tools=tools, stream=False)
    document = {**orjson.loads(found.response.body.whole()), "usage": {"prompt_tokens": 14, "completion_tokens": 2}}
    return recorded(found.request, document)


def test_how_it_looks():
    found = entry(weather())
    assert found.text.decode() == WRITTEN_OUT
    assert writing.STREAMED in found.losses
    assert entry(weather()) == found


def test_it_is_read_as_the_same_talk():
    found = again(weather())
    assert asked(found) == asked(weather())
    assert answer(found).usage == answer(weather()).usage
    assert dict(said(found).parameters) == {
        "model": '"gpt-4o"',
        "temperature": "0.5",
        "tools": '[{"type":"function","function":{"name":"f"}}]',
    }


def test_it_is_found_by_its_name():
    writer = writer_named("markdown")
    entries = [writer.entry(weather()).text, writer.entry(chat([USER])).text]
    text = writer.head + writer.between.join(entries) + writer.tail
    assert [answer(each).text for each in read(text)] == ["It is **sunny**.", "Hello"]


@given(hostile, hostile, hostile)
def test_words_of_any_content(prompt, system, words):
    """As APIs have them: there half surrogates are none."""
    given_words = [each.encode("utf-8", "replace").decode() for each in (prompt, system, words)]
    prompt, system, words = given_words
    recording = chat([{"role": "system", "content": system}, {"role": "user", "content": prompt}], words)
    found = again(recording)
    assert asked(found) == asked(recording)
    assert answer(found).choices[0].parts == answer(recording).choices[0].parts


names = st.text(max_size=6) | st.sampled_from(["-", "f", "a b", "{{*}}"])
json_values = st.dictionaries(st.text(max_size=3), hostile, max_size=2).map(
    lambda value: (
        orjson.dumps(value, default=str).decode()
        if all("\ud800" not in each for pair in value.items() for each in pair)
        else "{}"
    )
)
media = st.builds(Media, st.sampled_from(["image", "audio", "video", "file"]), hostile, hostile.filter(bool), st.none())
any_part = (
    st.builds(Text, hostile)
    | st.builds(Reasoning, hostile)
    | st.builds(Declined, hostile)
    | st.builds(ToolCall, names, names, hostile | json_values)
    | st.builds(ToolResult, names, hostile, names, st.booleans())
    | st.builds(Other, names)
    | media
)
messages = st.builds(
    Message,
    st.sampled_from(["user", "system", "assistant", "tool", "critic", ""]),
    st.lists(any_part, max_size=4).map(tuple),
)


@given(st.lists(messages, min_size=1, max_size=3))
def test_parts_of_any_content_in_any_order(given_messages):
    writer = Messages()
    text = "---\nanswers: last\n---\n" + "\n".join([*map(writer.message, given_messages), writer.answer((), 1, 1)])
    found = said(one(text)).messages
    assert [(each.role, _literal(each.parts)) for each in found] == [(each.role, each.parts) for each in given_messages]


def _literal(given_parts):
    from proxy_daemon.core.talk.quoting import literal_part  # noqa: PLC0415  (only here)

    found = tuple(map(literal_part, given_parts))
    return tuple(evolve(each, id=each.id) for each in found) if all(hasattr(each, "id") for each in found) else found


@pytest.mark.parametrize("text", ["[{'type': 'text'}]", '[{"a": 1}]', "None", "### user", "", " ", "\n\nx\n\n"])
@pytest.mark.parametrize("role", ["user", "assistant", "tool"])
def test_words_that_look_like_something_else(text, role):
    part = ToolResult("1", text, "f") if role == "tool" else Text(text)
    document = "---\nanswers: last\n---\n" + Messages().message(Message(role, (part,)))
    found = said(one(document + "\n### user\nx\n### assistant\ny")).messages[0]
    assert found.parts == (part,)


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({"ending": Ending.BROKEN_OFF}, "its answer is not whole"),
        ({"response": None}, "it has no answer"),
        ({"request": post("/v1/embeddings", {"model": "e", "input": "x"})}, "it is no conversation"),
        ({"request": post("/v1/chat/completions", {"model": "e"})}, "it is no conversation"),
        ({"request": post("/v1/models", {})}, "it is no conversation"),
    ],
)
def test_what_is_no_conversation_is_left_out(changes, left_out):
    assert entry(evolve(chat([USER]), **changes)).left_out == left_out


def test_an_answer_that_cannot_be_read_is_left_out():
    assert "answer" in entry(recorded(post("/v1/chat/completions", {"messages": [USER]}), b"<html>")).left_out


def test_an_error():
    body = {"error": {"message": "Slow down", "type": "rate_limit_error"}}
    recording = recorded(chat([USER]).request, body, 429, [(b"Retry-After", b"2"), (b"X-Other", b"3")])
    text = entry(recording).text.decode()
    assert "status: 429\nheaders:\n  retry-after: 2\n" in text
    found = again(recording)
    assert found.status == 429
    assert found.response.head.headers.get(b"retry-after") == b"2"
    assert answer(found).error == "Slow down"
    assert writing.ERROR_SHAPE in entry(recording).losses


def test_several_choices():
    recording = chat([USER], n=2)
    document = orjson.loads(recording.response.body.whole())
    second = {"index": 1, "message": {"role": "assistant", "content": "Ho"}, "finish_reason": "length"}
    document["choices"].append(second)
    found = again(recorded(recording.request, document))
    assert [(each.text, each.finish) for each in answer(found).choices] == [
        ("Hello", Finish.STOP),
        ("Ho", Finish.LENGTH),
    ]


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({"temperature": 1.0, "seed": 2**53}, {"temperature": "1.0", "seed": str(2**53)}),
        ({"usage": {"include": True}}, {"usage": '{"include":true}'}),
        ({"status": "x", "a b": 1}, {"status": '"x"', "a b": "1"}),
        ({"stop": ["{{*}}", "\\{{*}}"]}, {"stop": '["\\\\{{*}}","\\\\\\\\{{*}}"]'}),
        ({"stop": "\u2028\r\n---\n"}, {"stop": '"\u2028\\r\\n---\\n"'}),
        (
            {"stop": "yes", "x": "1e5", "y": "null", "z": "2024-01-01"},
            {"stop": '"yes"', "x": '"1e5"', "y": '"null"', "z": '"2024-01-01"'},
        ),
        ({"logit_bias": {"50256": -100}}, {"logit_bias": '{"50256":-100}'}),
    ],
)
def test_parameters_of_any_kind(parameters, kept):
    recording = chat([USER], **parameters)
    found = again(recording)
    assert dict(said(found).parameters) == {"model": '"gpt-4o"', **kept}
    assert {name: found.request.json[name] for name in parameters} == parameters


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), json_like, max_size=3))
def test_parameters_of_any_shape(parameters):
    known = {"model", "messages", "stream", "stream_options", "tools", "functions"}
    parameters = {name: value for name, value in parameters.items() if name not in known}
    found = entry(chat([USER], **parameters))
    if found.text:
        body = one(found.text).request.json
        assert {name: body.get(name) for name in parameters} == parameters


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/v1/chat/completions", None),
        ("/openai/v1/chat/completions?api-version=1", "path: /openai/v1/chat/completions?api-version=1\n"),
    ],
)
def test_the_path_is_written_where_it_is_another(path, written):
    recording = chat([USER])
    recording = recorded(post(path, recording.request.json), recording.response.body.whole())
    text = entry(recording).text.decode()
    assert (written in text) if written else ("path:" not in text)
    assert again(recording).request.target == path.encode()


@pytest.mark.parametrize(
    ("asked_for", "read_as"),
    [
        ("/v1beta/models/gemini-2:streamGenerateContent?alt=sse", b"/v1beta/models/gemini-2:generateContent"),
        ("/v1beta/models/gemini-2:generateContent", b"/v1beta/models/gemini-2:generateContent"),
    ],
)
def test_a_path_that_asks_for_a_stream_asks_for_a_document(asked_for, read_as):
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    document = {
        "candidates": [{"content": {"parts": [{"text": "Ho"}], "role": "model"}, "finishReason": "STOP", "index": 0}]
    }
    found = b"data: " + orjson.dumps(document) + b"\n\n" if "alt" in asked_for else orjson.dumps(document)
    kind = b"text/event-stream" if "alt" in asked_for else b"application/json"
    recording = recorded(post(asked_for, body), found)
    headers = recording.response.head.headers.without([b"content-type"]).plus((b"Content-Type", kind))
    recording = evolve(
        recording, response=evolve(recording.response, head=evolve(recording.response.head, headers=headers))
    )
    text = entry(recording).text.decode()
    assert text.startswith("---\nmodel: gemini-2\napi: google\n---\n")
    assert again(recording).request.target == read_as
    assert answer(again(recording)).text == "Ho"


@pytest.mark.parametrize(("size", "source"), [(300, "data:image/png;base64,"), (90_000, "sha256:")])
def test_images(size, source):
    data = base64.b64encode(bytes(size)).decode()
    block = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    recording = chat([{"role": "user", "content": [{"type": "text", "text": "What?"}, block]}])
    found = entry(recording)
    assert f"![image]({source}" in found.text.decode()
    (message,) = said(one(found.text)).messages
    assert message.parts[1].size == len(data)
    assert (LARGE_MEDIA in found.losses) == (size > 300)
    if size == 300:
        assert asked(again(recording)) == asked(recording)


def test_thoughts_are_written_without_their_signatures():
    content = [{"type": "thinking", "thinking": "Hm", "signature": "S"}, {"type": "redacted_thinking", "data": "D"}]
    content += [{"type": "text", "text": "Ho"}]
    body = {"model": "claude", "max_tokens": 5, "messages": [USER, {"role": "assistant", "content": content}, USER]}
    document = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": content}
    recording = recorded(post("/v1/messages", body), {**document, "stop_reason": "end_turn"})
    assert writing.OPAQUE in entry(recording).losses
    found = again(recording)
    assert plain(asked(found)) == plain(asked(recording))
    assert parts(found) == (Reasoning("Hm"), Text("Ho"))


def test_tools_that_the_api_runs_itself_are_not_written():
    content = [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]
    content += [{"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, {"type": "text", "text": "Ho"}]
    document = {"id": "m", "type": "message", "role": "assistant", "content": content, "stop_reason": "end_turn"}
    recording = recorded(post("/v1/messages", {"model": "claude", "messages": [USER]}), document)
    assert writing.OWN_TOOLS in entry(recording).losses
    assert parts(again(recording)) == (Text("Ho"),)


def test_a_talk_that_a_person_wrote_is_written_as_it_was():
    text = (
        "---\nmodel: m\nmatch: last\nanswers: last\npace: 20 words/s\ntemperature: 0.5\n---\n### system\nS {{*}}\n"
        '### user\n\\{{*}}\n### assistant\n{{*}}\n#### call f\n```\n{"a": "{{*}}"}\n```\n### user\nx\n### assistant\nB'
    )
    found = one(text)
    written = entry(found)
    assert WRITTEN not in written.losses
    assert said(one(written.text)) == said(found)
    assert one(written.text).pace == found.pace
    assert entry(one(written.text)).text == written.text


def test_any_other_question_is_written_as_it_was():
    found = one("### any other question\n### assistant\nNo idea")
    assert entry(found).text.decode().startswith("---\n\n### any other question\n")
    assert said(again(found)) == said(found)


class Spoken(OpenAIChat):
    """An API of a plugin's."""

    name = "spoken"
    paths = re.compile(rb"/spoken$")
    operations = re.compile(rb"/(?P<chat>spoken)$")


def test_an_api_of_a_plugin_is_written_in_the_words_of_another():
    recording = chat([USER], temperature=0.5)
    recording = recorded(post("/spoken", recording.request.json), recording.response.body.whole())
    found = entry(recording, [Spoken(), *BUILT_IN])
    assert writing.CARRIED in found.losses
    assert "api:" not in found.text.decode()
    assert answer(one(found.text)).text == "Hello"
    assert dict(said(one(found.text)).parameters) == {"model": '"gpt-4o"', "temperature": "0.5"}
