"""Blocks of a growing text: the same however it comes, and all of its words."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy_daemon.core.telling.blocks import Block, Blocks, Rows

CASES = [
    ("a paragraph", "one\ntwo\n\nthree", [("markdown", "one\ntwo", 0), ("markdown", "three", 1)]),
    ("a heading", "# one\ntwo", [("markdown", "# one", 0), ("markdown", "two", 0)]),
    ("a heading behind text", "one\n## two", [("markdown", "one", 0), ("markdown", "## two", 0)]),
    ("no heading", "#one\ntwo", [("markdown", "#one\ntwo", 0)]),
    ("a list", "- a\n  b\n- c\n\n- d", [("markdown", "- a\n  b", 0), ("markdown", "- c", 0), ("markdown", "- d", 1)]),
    ("numbers", "1. a\n2) b", [("markdown", "1. a", 0), ("markdown", "2) b", 0)]),
    ("a table", "|a|b|\n|-|-|\n|1|2|", [("markdown", "|a|b|\n|-|-|\n|1|2|", 0)]),
    ("a quoted list", "> - a\n> - b", [("markdown", "> - a\n> - b", 0)]),
    ("a quote with an item", "> a\n- b", [("markdown", "> a\n- b", 0)]),
    ("code", "```py\na\n\n  b\n```", [("language", "py", 0), ("code", "a", 0), ("code", "", 0), ("code", "  b", 0)]),
    ("behind code", "```\na\n```\nb", [("code", "a", 0), ("markdown", "b", 0)]),
    ("code by tildes", "~~~\n```\n~~~", [("code", "```", 0)]),
    ("a longer fence", "````\n```\n````", [("code", "```", 0)]),
    ("code that does not end", "a\n\n```\nb", [("markdown", "a", 0), ("code", "b", 1)]),
    ("code in a list", "- ```\n  ls\n  ```\n- b", [("plain", "-", 0), ("code", "ls", 0), ("markdown", "- b", 0)]),
    ("code below it", "1. a\n   ```\n   b\n     x", [("markdown", "1. a", 0), ("code", "b", 0), ("code", "  x", 0)]),
    ("indented code", "a\n\n    b\n    c", [("markdown", "a", 0), ("code", "    b\n    c", 1)]),
    ("a paragraph of an item", "- a\n\n    b", [("markdown", "- a", 0), ("markdown", "    b", 1)]),
    ("marks within a line", "a ``` b", [("markdown", "a ``` b", 0)]),
    ("a span that is no fence", "```a``` b", [("markdown", "```a``` b", 0)]),
    ("nothing", "", []),
    ("only blank lines", "\n\n\n", []),
]  # fmt: skip


def cut(pieces, longest=10_000):
    blocks = Blocks(longest)
    return [block for piece in pieces for block in blocks.add(piece)] + blocks.end()


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_blocks(text, expected):
    assert cut([text]) == cut(text) == [Block(kind, said, bool(gap)) for kind, said, gap in expected]


MARKDOWN = st.text(st.sampled_from("ab1 \n\n-#`~>|.*"), max_size=120)


@given(MARKDOWN, st.integers(1, 30))
def test_the_pieces_do_not_count_while_nothing_is_too_long(text, size):
    assert cut([text[at : at + size] for at in range(0, len(text), size)]) == cut([text])


@given(MARKDOWN, st.integers(1, 9), st.integers(1, 40))
@example("```a\n```b\n", 1, 4)
@example("-~~~`\n`", 1, 1)
def test_every_letter_is_in_one_block_in_order(text, size, longest):
    blocks = cut([text[at : at + size] for at in range(0, len(text), size)], longest)
    assert letters("".join(block.text for block in blocks)) == letters(text)


def letters(text):
    return re.sub("[^ab1]", "", text)


@given(MARKDOWN, st.integers(1, 9))
def test_what_is_in_no_block_is_the_rest(text, size):
    blocks, told = Blocks(), ""
    for at in range(0, len(text), size):
        told += "".join(block.text for block in blocks.add(text[at : at + size]))
        assert letters(told + blocks.rest) == letters(text[: at + size])


def test_an_end_is_no_end_of_code():
    blocks = Blocks()
    assert blocks.add("```\none\ntw") == [Block("code", "one")]
    assert blocks.end() == [Block("code", "tw")]
    assert blocks.in_code
    assert blocks.add("three\n```\nfour\n\n") == [Block("code", "three"), Block("markdown", "four")]
    assert not blocks.in_code


@pytest.mark.parametrize("text", ["word " * 40, "x" * 200, "a\n" * 100, "- a\n  b\n" + "  c\n" * 60])
def test_a_block_that_is_too_long_is_plain_until_it_ends(text):
    *plain, last = cut([text + "\n\n**b**"], 20)
    assert {block.kind for block in plain} <= {"plain", "markdown"}
    assert plain[-1].kind == "plain"
    assert last == Block("markdown", "**b**", gap=True)


def test_a_line_of_code_that_is_too_long_stays_code():
    blocks = cut(["```\n", "x" * 50, "y\n```\n", "z"], 20)
    assert [block.kind for block in blocks] == ["code", "code", "markdown"]


def test_what_is_cut_on_request_goes_on_as_plain_text():
    blocks = Blocks()
    assert blocks.add("one\ntwo") == []
    assert blocks.cut() == [Block("plain", "one")]
    assert blocks.rest == "two"
    assert blocks.cut(in_line=True) == [Block("plain", "two")]
    assert blocks.cut(in_line=True) == []
    assert blocks.add("\nthree\n\nfour\n\n") == [Block("plain", "three"), Block("markdown", "four", gap=True)]


def test_the_kind_of_what_grows():
    blocks = Blocks()
    assert blocks.kind == "markdown"
    blocks.add("a\n```\nb")
    assert blocks.kind == "code"
    blocks.add("\n```\n\nc\nd")
    assert blocks.gap
    blocks.cut()
    assert blocks.kind == "plain"


@given(st.text(max_size=60), st.integers(1, 9))
def test_rows_are_the_lines(text, size):
    rows = Rows()
    done = [block.text for at in range(0, len(text), size) for block in rows.add(text[at : at + size])]
    assert "\n".join([*done, rows.rest]) == text
    assert [block.text for block in rows.end()] == (
        [text.rpartition("\n")[2]] if not text.endswith("\n") and text else []
    )
    assert rows.rest == ""


def test_a_row_that_is_too_long_is_cut():
    rows = Rows(longest=10)
    assert rows.add("x" * 11) == [Block("plain", "x" * 11)]
    assert rows.rest == ""
    assert rows.cut() == []
