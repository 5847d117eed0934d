"""A text of any content comes back from Markdown, and none of it is taken for a sign."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.talk import quoting

SNIPPETS = (
    *("\\", "<blockquote>", "</blockquote>", "\n", "&", "amp;", "#13;", "{{*}}", "#### call x", "### user", "---"),
    *("```", "~~~", " ", "\t", "\r", "\ud800", "a", "<!-- part -->", "![image](", "\u2028", "\x00", "\ufeff"),
    *("<details>", "</details>", "#### result", "#### other", "<!--", "## interaction: 1", "[{'type'", '"', "é"),
)
hostile = st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=3), max_size=12).map("".join)
SIGN = re.compile(r"^(?:</?(?:blockquote|details)\b|#### (?:call|result|other)(?:[ \t]|$)|<!-- part -->)", re.MULTILINE)


@given(hostile)
def test_any_text_comes_back(text):
    found = quoting.quoted(text)
    assert quoting.literal(quoting.read(found)) == text


@given(hostile)
def test_what_is_quoted_is_kept_by_files_and_holds_no_sign(text):
    found = quoting.quoted(text)
    assert found.encode().decode() == found
    assert not set(found) & set("\r\x00\ufeff\u2028")
    assert SIGN.search(found) is None


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Hi *there*, `x` & <b>", "Hi *there*, `x` & <b>"),
        ("### user", "### user"),
        ("---", "---"),
        ("\\---", "\\\\---"),
        ("# A\n\n## B\n### C", "# A\n\n## B\n### C"),
        ("a\n</blockquote>", "a\n\\</blockquote>"),
        ("\\</blockquote>", "\\\\</blockquote>"),
        (" </blockquote>", " </blockquote>"),
        ("#### call", "\\#### call"),
        ("#### calling", "#### calling"),
        ("![image](x)", "\\![image](x)"),
        ("![a picture](x)", "![a picture](x)"),
        ("{{*}}", "\\{{*}}"),
        ("\\{{*}}", "\\\\{{*}}"),
        ("a\r\nb", "a&#13;\nb"),
        ("&#13;", "&amp;#13;"),
        ("&amp;#13;", "&amp;amp;#13;"),
        ("&amp; &lt;", "&amp; &lt;"),
    ],
)
def test_a_text_is_changed_only_where_it_must_be(text, quoted):
    assert quoting.quoted(text) == quoted


@given(hostile | st.sampled_from(["-", "%", "a b", "%zz", "%ff"]))
def test_a_name_is_one_word(name):
    found = quoting.word(name)
    assert len(found.split()) == 1
    assert found.isascii()
    assert quoting.of_word(found) == name


@pytest.mark.parametrize(
    ("word", "name"), [("get_weather", "get_weather"), ("é", "é"), ("%zz", "%zz"), ("%ff", "\ufffd")]
)
def test_words_of_people_are_read(word, name):
    assert quoting.of_word(word) == name


@pytest.mark.parametrize(
    "part",
    [
        Text("{{*}} \\{{*}}"),
        Reasoning("{{*}}"),
        ToolResult("1", "{{*}}"),
        ToolCall("1", "f", '{"a": "{{*}}"}'),
        ToolCall("1", "f", '{"a": "\\\\{{*}}"}'),
        ToolCall("1", "f{{*}}", "no JSON {{*}}"),
    ],
)
def test_a_part_is_meant_as_it_stands(part):
    meant = quoting.pattern_of(part)
    assert meant != part
    assert quoting.literal_part(meant) == part


def test_the_signs_in_json_are_quoted_so_that_it_stays_json():
    assert quoting.quoted_json('{"a": "{{*}}"}') == '{"a": "\\\\{{*}}"}'
    assert quoting.literal_json('{"a": "\\\\{{*}}"}') == '{"a": "{{*}}"}'


@pytest.mark.parametrize("one", ["\\", "&amp;", "<details>\n", "\\</blockquote>\n", "&#1", "{{*}}", "\r"])
def test_a_long_text_is_no_matter(one):
    text = one * 200_000
    assert quoting.literal(quoting.read(quoting.quoted(text))) == text
