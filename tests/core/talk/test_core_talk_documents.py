"""Which lines are headings, front matter, or the words of a message; and what is wrong, with its line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.talk.documents import DEPTH, documents
from proxy_daemon.core.talk.wrong import Wrong

DUMP = (
    "## interaction: 1\n<blockquote>\n\n---\nmodel: m\n---\n\n### user\n<blockquote>\n\nHi\n\n</blockquote>\n\n"
    "</blockquote>\n\n## interaction: 2\n\n### user\nx\n"
)


def split(text):
    """[(front matter, [(role, words of the heading, body)])]"""
    return [
        (
            [line for line in each.front if line],
            [(one.role, " ".join(one.words), "\n".join(one.body).strip()) for one in each.sections],
        )
        for each in documents(text.split("\n"))
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("### user\nHi\n### assistant\nHo", [([], [("user", "", "Hi"), ("assistant", "", "Ho")])]),
        ("### user  \nHi", [([], [("user", "", "Hi")])]),
        ("### tool f call_1\nx", [([], [("tool", "f call_1", "x")])]),
        ("### any other question\n### assistant\nx", [([], [("any other question", "", ""), ("assistant", "", "x")])]),
        ("---\nmodel: m\n---\n### user\nHi", [(["model: m"], [("user", "", "Hi")])]),
        ("---\n---\n### user\nHi", [([], [("user", "", "Hi")])]),
        ("---\n\n### user\nHi", [([], [("user", "", "Hi")])]),
        ("# Title\n\n<!-- a\n### user\n-->\n### user\nHi", [([], [("user", "", "Hi")])]),
        # headings that are none
        ("### user\n### Summary\nx", [([], [("user", "", "### Summary\nx")])]),
        ("### user\n#### users\n### user guide", [([], [("user", "", "#### users"), ("user", "guide", "")])]),
        ("### user\n### Tools\n### Systems", [([], [("user", "", "### Tools\n### Systems")])]),
        ("### User\na\n### ASSISTANT:\nb", [([], [("user", "", "a"), ("assistant", "", "b")])]),
        ("### user ###\na\n###  assistant\nb", [([], [("user", "", "a"), ("assistant", "", "b")])]),
        ("### user\na\n\n---\n", [([], [("user", "", "a")])]),
        (
            "### user\n<!-- a -->\n<!--\nb -->\n### tool\nc",
            [([], [("user", "", "<!-- a -->\n<!--\nb -->"), ("tool", "", "c")])],
        ),
        ("### user\n```\n### assistant\n```\nx", [([], [("user", "", "```\n### assistant\n```\nx")])]),
        ("### user\n~~~~\n### user\n~~~\n~~~~", [([], [("user", "", "~~~~\n### user\n~~~\n~~~~")])]),
        ("### user\n``` `a`\n### assistant\nx", [([], [("user", "", "``` `a`"), ("assistant", "", "x")])]),
        ("### user\nx\n<details>\n### user\n</details>", [([], [("user", "", "x\n<details>\n### user\n</details>")])]),
        (
            "### user\nx\n<blockquote>\n### user\n</blockquote>",
            [([], [("user", "", "x\n<blockquote>\n### user\n</blockquote>")])],
        ),
        (
            "### user\n<details>a</details>\n### user\nx",
            [([], [("user", "", "<details>a</details>"), ("user", "", "x")])],
        ),
        (
            "### user\n\n<blockquote>\n\n### user\n```\n---\n\n</blockquote>",
            [([], [("user", "", "### user\n```\n---")])],
        ),
        (
            "### user\n<blockquote>\n<blockquote>\nx\n</blockquote>\n</blockquote>",
            [([], [("user", "", "<blockquote>\nx\n</blockquote>")])],
        ),
        # a rule between paragraphs, a second document, and what looks like one
        ("### user\na\n\n---\n\nb", [([], [("user", "", "a\n\n---\n\nb")])]),
        ("### user\na\n\\---\n### assistant\nb", [([], [("user", "", "a\n\\---"), ("assistant", "", "b")])]),
        ("### user\na\n---\nb", [([], [("user", "", "a\n---\nb")])]),
        ("### user\na\n\n---\n\n### user\nb", [([], [("user", "", "a")]), ([], [("user", "", "b")])]),
        ("### user\na\n\n---\nk: v\n---\n\n### user\nb", [([], [("user", "", "a")]), (["k: v"], [("user", "", "b")])]),
        ("### user\na\n\n---\n---\n\n### user\nb", [([], [("user", "", "a")]), ([], [("user", "", "b")])]),
        ("### user\na\n\n---\n\n---\n### user\nb", [([], [("user", "", "a")]), ([], [("user", "", "b")])]),
        ("### user\na\n\n---\n---\nb", [([], [("user", "", "a\n\n---\n---\nb")])]),
        ("### user\na\n\n---\nNote: b\n\n### user\nc", [([], [("user", "", "a\n\n---\nNote: b"), ("user", "", "c")])]),
        (
            "### user\na\n\n---\nNote: b\n### user\nc\n\n---\n### user\nd",
            [([], [("user", "", "a\n\n---\nNote: b"), ("user", "", "c")]), ([], [("user", "", "d")])],
        ),
        # rechat's dumps
        (
            DUMP,
            [(["model: m"], [("user", "", "Hi")]), ([], [("user", "", "x")])],
        ),
        ("## interaction: 1\n<blockquote>\n### user\nHi\n</blockquote>", [([], [("user", "", "Hi")])]),
        ("", []),
        ("\n\n", []),
        ("---\n---\n", []),
    ],
)
def test_documents(text, found):
    assert split(text) == found


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("Hi\n### user", 1, "text before the first heading"),
        ("### user\n<blockquote>\nx\n</blockquote>\n\nmore", 6, "text behind the </blockquote>"),
        ("\n### critic\nx", 2, "a heading that is no role"),
        ("---\nmodel: m\n---\n", 1, "front matter behind which no message stands"),
        ("---\nmodel: m", 1, "front matter that does not end"),
        ("### user\n\n<blockquote>\nx", 3, "a <blockquote> that does not end"),
        ("### user\nx\n```\n### user", 3, "fenced code that does not end"),
        ("### user\nx\n<details>\n### user", 3, "a <details> that does not end"),
        ("<!-- x\n### user", 1, "a comment that does not end"),
        ("### user\na\n---\n### assistant\nb", 3, "--- right behind text is a title's underline"),
        ("### user\na\n---\nk: v\n---\n### user\nb", 3, "--- right behind text is a title's underline"),
        ("### user\na\n\n<!--\n### assistant\nb\n-->", 5, "within the comment of line 4"),
        ("## user\na", 1, "'### user' is meant"),
        ("### user\na\n ### assistant\nb", 3, "'### assistant' is meant; in a <blockquote> it is text"),
        ("### user\na\n###assistant\nb", 3, "'### assistant' is meant"),
        ("### user\na\n#### Assistant:\nb", 3, "'### assistant' is meant"),
        ("### user\na\n### Asisstant\nb", 3, "'### assistant' is meant"),
        ("### user\na\n### bot:\nb", 3, "'### assistant' is meant"),
        ("### Human\na", 1, "'### user' is meant"),
        ("### user\na\n### Any other questions\n", 3, "'### any other question' is meant"),
        (
            "## interaction: 1\n<blockquote>\n### user\n<blockquote>\nx\n</blockquote>",
            2,
            "a <blockquote> that does not",
        ),
        ("### user\n" + "<blockquote>\n" * (DEPTH + 2), DEPTH + 2, "within each other"),
        ("### user\nx\n" + "<details>\n" * (DEPTH + 2), DEPTH + 3, "within each other"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, line, reason):
    with pytest.raises(Wrong, match=reason) as caught:
        documents(text.split("\n"))
    assert caught.value.line == line


SIGNS = (
    *("---", "### user", "### assistant", "<blockquote>", "</blockquote>", "<details>", "</details>", "```", "~~~"),
    *("model: m", "", "x", "## interaction: 1", "<!--", "-->", "# t", "### any other question", " "),
)


@given(st.lists(st.sampled_from(SIGNS), max_size=30))
def test_any_lines_are_documents_or_wrong(lines):
    try:
        documents(lines)
    except Wrong as error:
        wrong = error.line
    else:
        wrong = 1
    assert 1 <= wrong <= max(1, len(lines))


@given(st.lists(st.sampled_from(SIGNS), max_size=30))
def test_each_line_belongs_to_its_message(lines):
    found = []
    with suppress(Wrong):
        found = documents(lines)
    for document in found:
        for each in document.sections:
            assert lines[each.line - 1].startswith("### ")
            assert list(each.body) == lines[each.begins - 1 : each.begins - 1 + len(each.body)]


@pytest.mark.parametrize(
    "line", ["---", "### user", "<blockquote>", "</blockquote>", "x\n\n---\nk: v", "\n", "# t", "```"]
)
def test_many_lines_are_no_matter(line):
    with suppress(Wrong):
        documents(("### user\n" + f"{line}\n" * 100_000).split("\n"))
