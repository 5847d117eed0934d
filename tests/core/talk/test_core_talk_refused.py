"""Files of rechat, files that cannot be understood, and files of any content."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_talks import answer, one, prompt, read, said

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import chosen
from proxy_daemon.core.conversation import Media, Text
from proxy_daemon.core.pattern import ANY_TEXT
from proxy_daemon.core.talk.format import Markdown

SMALLEST = "### user\nHi\n### assistant\nHello\n"


# --- what rechat wrote ------------------------------------------------------------------------------------------------

RECHAT = """## interaction: 0f1e

<blockquote>

---
model: fake: one
temperature: 0
stream: True
tools: [{'type': 'function', 'function': {'name': 'f', 'strict': None}}]
---

### user
<blockquote>

[{'type': 'text', 'text': "What's this?"}, {'type': 'image_url', 'image_url': {'url': 'https://x.example/a.png'}}]

</blockquote>

### assistant
<blockquote>

None

</blockquote>

### user
<blockquote>

capital of France?

</blockquote>

### assistant
<blockquote>

### assistant
<blockquote>
Paris.
</blockquote>

</blockquote>

</blockquote>
"""


def test_a_dump_of_rechat():
    """Only the last answer is one: what was said before has an interaction of its own."""
    (found,) = read(RECHAT)
    assert said(found).messages[0].parts == (
        Text("What's this?"),
        Media("image", "", "https://x.example/a.png"),
    )
    assert prompt(found)[1:] == [("assistant", ANY_TEXT), ("user", "capital of France?")]
    assert [name for name, _ in said(found).parameters] == ["model", "temperature", "tools"]
    assert found.model == "fake: one"
    assert answer(found).text == "### assistant\n<blockquote>\nParis.\n</blockquote>"


def test_an_answer_that_rechat_left_out_is_not_served():
    """It writes None for what has calls of tools only; a person may write what it was."""
    text = RECHAT.partition("### user\n<blockquote>\n\ncapital")[0] + "</blockquote>\n"
    (found,) = read(text)
    assert isinstance(found, Skipped)
    assert (found.entry, found.reason.partition(":")[0]) == (0, f"line {text.splitlines().index('### assistant') + 1}")
    assert answer(one(text.replace("\nNone\n", "\nA cat.\n"))).text == "A cat."


def test_choices_of_rechat_are_answers_in_turn():
    quoted = "### {}\n<blockquote>\n\n{}\n\n</blockquote>\n\n".format
    talk = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "Paris."), ("assistant", "Rome.")]
    found = read(f"## interaction: 1\n<blockquote>\n\n{''.join(quoted(*each) for each in talk)}\n</blockquote>\n")
    assert [answer(each).text for each in found] == ["Paris.", "Rome."]
    assert [prompt(each) for each in found] == [[("user", "a"), ("assistant", "b"), ("user", "c")]] * 2


def test_a_session_of_rechat():
    found = one(
        "---\nmodel: fake\ntemperature: 0\n---\n\n### user\n<blockquote>\n\ncapital of France?\n\n</blockquote>\n\n"
        "### assistant\n<blockquote>\n\nParis.\n\n</blockquote>\n"
    )
    assert (prompt(found), answer(found).text) == ([("user", "capital of France?")], "Paris.")


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("### user\nHi", 1, "no answer: write '### assistant'"),
        ("### user\nHi\n---\nmodel: m\n---\n### user\nx", 3, "--- right behind text is a title's underline"),
        ("### assistant\nHi", 1, "an answer to nothing"),
        (SMALLEST + "### user\nmore", 5, "a message without an answer"),
        (f"---\napi: none\n---\n{SMALLEST}", 1, "api: no dialect of that name; there are anthropic"),
        (f"---\nstatus: 1\n---\n{SMALLEST}", 2, "status: a number"),
        ("### user loud\nHi\n### assistant\nx", 1, "words behind '### user' that mean nothing"),
        ("### user\nHi\n### assistant second\nx", 3, "words behind '### assistant'"),
        ("### any other question\nHi\n### assistant\nx", 2, "text under 'any other question'"),
        ("### user\nA\n### any other question\n### assistant\nx", 1, "a message without an answer"),
        ("### any other question\n### assistant\nx\n### user\ny", 4, "behind 'any other question' stand its answers"),
        ("### user\nA\n### assistant\n#### call\n", 4, "a call has a name"),
        ("### user\nA\n### assistant\n#### call a b c\n", 4, "a call has a name"),
        ("### user\nA\n### tool a b c\nx\n### assistant\nx", 3, "a result has the tool's name"),
        (
            "### user\nA\n### assistant\n<blockquote>\n#### call f\n```\n{}\n</blockquote>",
            6,
            "fenced code that does not end",
        ),
        (
            "### user\n<blockquote>\n<details><summary>reasoning</summary>\n</blockquote>\n### assistant\nx",
            3,
            "a <details>",
        ),
        ("### user\nA\n### assistant\n#### other search\n", 3, "no API has words for such an answer"),
        ("---\nstatus: 500\n---\n### user\nA\n### assistant\n#### call f\n", 6, "an error has words only"),
    ],
)
def test_what_cannot_be_understood_is_named_with_file_line_and_reason(text, line, reason):
    with pytest.raises(Unreadable) as caught:
        read(text)
    assert str(caught.value).startswith(f"talk.md:{line}: {reason}")


def test_octets_that_are_no_text():
    with pytest.raises(Unreadable, match=r"talk.md:2: not UTF-8"):
        read(b"### user\n\xff\n### assistant\nx")


def test_too_many_answers_in_one_conversation():
    turn = f"### user\n{'x' * 100_000}\n### assistant\ny\n"
    with pytest.raises(Unreadable, match="too many answers in one conversation"):
        read(turn * 60)


def test_a_long_system_message_for_many_answers():
    front = f"---\nmatch: last\n---\n### system\n{'x' * 1_000_000}\n"
    with pytest.raises(Unreadable, match="too many answers in one conversation"):
        read(front + SMALLEST * 200)


def test_many_documents_are_no_matter():
    assert len(read(f"{SMALLEST}\n---\n" * 2000)) == 2000


@pytest.mark.parametrize(
    ("text", "format_name"),
    [
        (SMALLEST, "markdown"),
        (RECHAT, "markdown"),
        ("\ufeff\n<!-- x -->\n# T\n\n" + SMALLEST, "markdown"),
        ("---\ntools:\n" + "- a: 1\n" * 30_000 + "---\n" + SMALLEST, "markdown"),
        (
            "---\nversion: 1\ninteractions:\n- request: {method: GET, uri: 'http://x/'}\n  response: {status: 200}\n",
            "vcrpy",
        ),
    ],
)
def test_it_is_known_by_its_content(text, format_name):
    assert chosen("x", text.encode()).name == format_name


@pytest.mark.parametrize(
    "text", ["", "Hi", "# A page\n\nwith words", "---\na: 1\n---\n", '{"fixtures": []}', "Read\n### user\nx"]
)
def test_other_texts_are_none(text):
    assert not Markdown().recognises("x.txt", text.encode())


SNIPPETS = (
    *("### user", "### assistant", "### tool f", "### any other question", "---", "model: m", "status: 429", "Hi"),
    *("<blockquote>", "</blockquote>", "#### call f", "```", "<details><summary>reasoning</summary>", "</details>", ""),
    *("![image](data:image/png;base64,x)", "[{'type': 'text', 'text': 'x'}]", "### assistant choice 1", "match: last"),
    *("answers: last", "#### result", "#### other", "<!-- part -->", "## interaction: 1", "{{*}}", "api: anthropic"),
)


@given(st.lists(st.sampled_from(SNIPPETS), max_size=16))
def test_any_text_is_read_or_refused(lines):
    found = []
    with suppress(Unreadable):
        found = read("\n".join(lines))
    for each in found:
        assert each.response is not None
        assert said(each) is not None
