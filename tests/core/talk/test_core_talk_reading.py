"""Talks as people write them, and as rechat wrote them, as recordings."""

import pytest
from markdown_talks import answer, asked, one, parts, prompt, read, said

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
    Usage,
)

SMALLEST = "### user\nHi\n### assistant\nHello\n"


def test_the_smallest_file():
    found = one(SMALLEST)
    assert prompt(found) == [("user", "Hi")]
    assert answer(found).text == "Hello"
    assert answer(found).choices[0].finish is Finish.STOP
    assert found.written
    assert found.detail == "line 3"
    assert found.request.target == b"/v1/chat/completions"
    assert not said(found).parameters
    assert not said(found).tail
    assert found.fingerprint == b""


@pytest.mark.parametrize(
    "text", [SMALLEST.replace("\n", "\r\n"), "\ufeff" + SMALLEST, SMALLEST.strip(), SMALLEST.replace("\n", "\r")]
)
def test_whatever_ends_its_lines(text):
    assert (prompt(one(text)), answer(one(text)).text) == ([("user", "Hi")], "Hello")


def test_each_answer_is_one_recording():
    first, second = read("### system\nS\n### user\nA\n### assistant\nB\n### user\nC\n### assistant\nD\n")
    assert prompt(first) == [("system", "S"), ("user", "A")]
    assert prompt(second) == [("system", "S"), ("user", "A"), ("assistant", "B"), ("user", "C")]
    assert (answer(first).text, answer(second).text) == ("B", "D")
    assert asked(second)[2] == Message("assistant", (Text("B"),))


def test_one_answer_where_that_is_said():
    found = one(
        "---\nanswers: last\n---\n### user\nA\n### assistant\nB\n### assistant\nC\n### user\nD\n### assistant\nE"
    )
    assert prompt(found) == [("user", "A"), ("assistant", "B"), ("assistant", "C"), ("user", "D")]
    assert answer(found).text == "E"


def test_a_prefilled_answer_goes_on():
    found = one("---\nanswers: last\n---\n### user\nA\n### assistant\nB\n### assistant\nC")
    assert prompt(found) == [("user", "A"), ("assistant", "B")]


def test_several_answers_to_one_prompt():
    first, second, third = read("### user\nA\n### assistant\nB\n### assistant\nC\n### user\nD\n### assistant\nE")
    assert said(first) == said(second)
    assert [answer(each).text for each in (first, second)] == ["B", "C"]
    assert prompt(third) == [("user", "A"), ("assistant", "{{*}}"), ("user", "D")]


def test_choices_of_one_answer():
    found = one("---\nfinish: [stop, length]\n---\n### user\nA\n### assistant choice 1\nB\n### assistant choice 2\nC")
    assert [(each.text, each.finish) for each in answer(found).choices] == [("B", Finish.STOP), ("C", Finish.LENGTH)]


def test_any_other_question():
    first, other = read(SMALLEST + "### any other question\n### assistant\nI do not know.")
    assert not said(first).anything
    assert said(other).anything
    assert not said(other).messages
    assert answer(other).text == "I do not know."


def test_only_the_last_messages():
    first, second = read(
        "---\nmatch: last\n---\n### system\nS\n### user\nA\n### assistant\nB\n### user\nC\n### assistant\nD"
    )
    assert prompt(first) == [("system", "S"), ("user", "A")]
    assert prompt(second) == [("system", "S"), ("user", "C")]
    assert said(first).tail
    assert said(second).tail


def test_wildcards_stay_in_what_is_compared_and_are_plain_in_the_request():
    found = one("### user\n{{*}} and \\{{*}}\n### assistant\nBare {{*}} and \\{{*}}")
    assert prompt(found) == [("user", "{{*}} and \\{{*}}")]
    assert asked(found)[0].text == "{{*}} and {{*}}"
    assert answer(found).text == "Bare {{*}} and {{*}}"


def test_front_matter():
    found = one(
        "---\nmodel: gpt-4o\ntemperature: 0.5\nstream: true\nuser: me\nstop: null\npace: 10 words/s\n"
        f"usage: in 3, out 4\nfinish: length\nanswered by: gpt-4o-x\n---\n{SMALLEST}"
    )
    assert said(found).parameters == (("model", '"gpt-4o"'), ("temperature", "0.5"))
    assert found.request.json["temperature"] == 0.5
    assert "stream" not in found.request.json
    assert found.pace == pytest.approx(0.1)
    assert found.model == "gpt-4o"
    assert (answer(found).model, answer(found).usage) == ("gpt-4o-x", Usage(3, 4))
    assert answer(found).choices[0].said == "length"


def test_documents_have_front_matter_of_their_own():
    first, second = read(f"---\nmodel: a\n---\n{SMALLEST}\n---\nmodel: b\n---\n{SMALLEST}")
    assert (first.model, second.model) == ("a", "b")
    assert second.detail == "line 14"


@pytest.mark.parametrize("model", ["{{*}}", "'{{*}}'"])
def test_any_model(model):
    found = one(f"---\nmodel: {model}\n---\n{SMALLEST}")
    assert not said(found).parameters
    assert "model" not in found.request.json


def test_a_part_of_a_models_name():
    found = one(f"---\nmodel: gpt-4{{{{*}}}}\n---\n{SMALLEST}")
    assert said(found).parameters == (("model", '"gpt-4{{*}}"'),)


@pytest.mark.parametrize(
    ("api", "path", "shape"),
    [
        ("openai", b"/v1/chat/completions", b'"error": {"message": "Slow down"'),
        ("anthropic", b"/v1/messages", b'"type": "rate_limit_error", "message": "Slow down"'),
        ("google", b"/v1beta/models/any:generateContent", b'"message": "Slow down"'),
        ("responses", b"/v1/responses", b'"message": "Slow down"'),
    ],
)
def test_an_error(api, path, shape):
    found = one(
        f"---\napi: {api}\nstatus: 429\nheaders: {{retry-after: 2}}\n---\n### user\n{{{{*}}}}\n### assistant\nSlow down"
    )
    assert found.request.target == path
    assert found.status == found.response.head.status == 429
    assert found.response.head.headers.get(b"retry-after") == b"2"
    assert shape in found.response.body.whole()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("Hi", [Text("Hi")]),
        ("\n\n  Hi\n\nthere  \n\n", [Text("  Hi\n\nthere  ")]),
        ("\\### user", [Text("### user")]),
        ("\\---\n\\```", [Text("---\n```")]),
        ("a&#13;b &amp;#13; &amp;", [Text("a\rb &#13; &amp;")]),
        ('#### call f call_1\n```json\n{"a": 1}\n```', [ToolCall("call_1", "f", '{"a": 1}')]),
        (
            "Look\n\n#### call f call_1\n\n~~~\n{}\n~~~\n\nafter",
            [Text("Look"), ToolCall("call_1", "f", "{}"), Text("after")],
        ),
        ("#### call f call_1", [ToolCall("call_1", "f", "{}")]),
        ("#### call a%20b -\n#### call c", [ToolCall("", "a b", "{}"), ToolCall("", "c", "{}")]),
        ("<details><summary>reasoning</summary>\n\nHm\n\n</details>\nHi", [Reasoning("Hm"), Text("Hi")]),
        ("<details open><summary>declined</summary>\nNo\n</details>", [Declined("No")]),
        (
            "<details><summary>other</summary>\nx\n</details>",
            [Text("<details><summary>other</summary>\nx\n</details>")],
        ),
        ("a\n<!-- part -->\nb", [Text("a"), Text("b")]),
        ("a\n<!-- a comment -->\nb", [Text("a\n<!-- a comment -->\nb")]),
        ("```\n\\#### call f\n```", [Text("```\n#### call f\n```")]),
        ("![image](https://x.example/a.png)", [Media("image", "", "https://x.example/a.png")]),
        ('![file](<a b> "application/pdf, 12 octets")', [Media("file", "application/pdf", "a b", 12)]),
        ("![audio](data:audio/mpeg;base64,SUQz)", [Media("audio", "audio/mpeg", size=4)]),
        ("![a cat](https://x.example/a.png)", [Text("![a cat](https://x.example/a.png)")]),
        ("#### other web_search", [Other("web_search")]),
        ("#### result f call_1 failed\nNo\n<!-- part -->\nx", [ToolResult("call_1", "No", "f", True), Text("x")]),
    ],
)
def test_parts(body, found):
    """Of a message, outside of a blockquote and within."""
    for form in (body, f"<blockquote>\n\n{body.strip(chr(10))}\n\n</blockquote>"):
        (message,) = said(one(f"### user\n{form}\n### assistant\nx")).messages
        assert list(message.parts) == found


def test_signs_in_fenced_code_are_words():
    """Not within a blockquote: there a message may hold half of a fence."""
    (message,) = said(one("### user\n```\n#### call f\n```\n### assistant\nx")).messages
    assert message.parts == (Text("```\n#### call f\n```"),)


def test_the_octets_of_a_medium():
    (message,) = said(one("### user\n![image](data:image/png;base64,SUQz)\n### assistant\nx")).messages
    assert message.parts[0].data == b"ID3"


@pytest.mark.parametrize(
    ("heading", "result"),
    [
        ("tool", ToolResult("", "Sunny")),
        ("tool f", ToolResult("", "Sunny", "f")),
        ("tool f call_1", ToolResult("call_1", "Sunny", "f")),
        ("tool - call_1 failed", ToolResult("call_1", "Sunny", "", True)),
        ("function f", ToolResult("", "Sunny", "f")),
    ],
)
def test_results_of_tools(heading, result):
    (_, message) = said(one(f"### user\nA\n### {heading}\nSunny\n### assistant\nx")).messages
    assert message == Message("tool", (result,))


def test_other_roles():
    found = one("### developer\nA\n### message critic\nB\n### user\nC\n### model\nD")
    assert prompt(found) == [("system", "A"), ("critic", "B"), ("user", "C")]
    assert answer(found).text == "D"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("Hello <b>", (Text("Hello <b>"),)),
        ('#### call f call_1\n```json\n{"a":1}\n```', (ToolCall("call_1", "f", '{"a":1}'),)),
        (
            "<details><summary>reasoning</summary>\nHm\n</details>\nA\n#### call f call_1\n```\n{}\n```",
            (Reasoning("Hm"), Text("A"), ToolCall("call_1", "f", "{}")),
        ),
        ("#### call f call_1\n```\n{}\n```\nbehind", (ToolCall("call_1", "f", "{}"), Text("behind"))),
        ("<details open><summary>declined</summary>\nNo\n</details>", (Declined("No"),)),
        ("", ()),
    ],
)
def test_parts_of_answers_are_read_as_they_were_written(body, found):
    """In the words of an API that has some for them."""
    assert parts(one(f"### user\nA\n### assistant\n{body}")) == found


def test_calls_without_an_id_get_one_that_is_the_same_each_time():
    text = "### user\nA\n### assistant\n#### call f\n#### call f\n"
    first, second = parts(one(text))
    assert first.id != second.id
    assert parts(one(text)) == (first, second)


def test_an_image_in_an_answer():
    (image,) = parts(one("### user\nA\n### assistant\n![image](https://x.example/a.png)"))
    assert image == Media("image", "image/png", "https://x.example/a.png")


@pytest.mark.parametrize(
    "api", ["openai-chat", "anthropic", "google", "openai-responses", "ollama", "cohere", "openrouter"]
)
def test_the_request_speaks_the_api_that_is_named(api):
    turns = (
        '### system\nS\n### user\nA\n### assistant\n#### call f call_1\n### tool f call_1\n{"x":1}\n### assistant\nB'
    )
    found = one(f"---\napi: {api}\nmodel: m\nanswers: last\ntemperature: 0.5\n---\n{turns}")
    messages = asked(found)
    assert [each.role for each in messages] == ["system", "user", "assistant", "tool"]
    assert [each.text for each in messages[:2]] == ["S", "A"]
    assert messages[2].parts[0].name == "f"
    assert messages[3].parts[0].text == '{"x":1}'
    assert answer(found).text == "B"
    assert said(found).api == api
