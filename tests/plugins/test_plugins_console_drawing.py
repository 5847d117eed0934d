"""Markdown as it is drawn: no letter is lost, nothing is obeyed, and no text takes long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from proxy_daemon.core.harmless import harmless
from proxy_daemon.plugins.console.drawing import Pen

ESCAPES = re.compile("\x1b\\[[0-9;]*m")
DRAWN = [
    ("# A title", "A title"),
    ("one *two* **three** `four`", "one two three four"),
    ("[words](http://host/path)", "words (http://host/path)"),
    ("![words](http://host/a.png)", "!words (http://host/a.png)"),
    ("<b>tag</b> <!-- note -->", "<b>tag</b> <!-- note -->"),
    ("<script>x</script>", "<script>x</script>"),
    ("a &amp; &#x202e; b", "a &amp; &#x202e; b"),
    ("**bold** &amp; [name]", "bold &amp; [name]"),
    ("[name]: http://host", "[name]: http://host"),
    ("7. seven", " 7 seven"),
    ("> quoted", "▌ quoted"),
    (r"\* star", "* star"),
    ("[bold red]no markup[/]", "[bold red]no markup[/]"),
    (":smile:", ":smile:"),
]


@pytest.fixture(scope="module")
def pen():
    return Pen("full")


def drawn(pen, text, width=60):
    return ESCAPES.sub("", pen.markdown(text, width))


@pytest.mark.parametrize(("text", "expected"), DRAWN)
def test_what_is_drawn(pen, text, expected):
    assert drawn(pen, text).rstrip() == expected


@pytest.mark.parametrize(
    "text",
    [
        "|" + "cell|" * 30 + "\n|" + "-|" * 30 + "\n|" + "word|" * 30,  # wider than any terminal
        ">" * 500 + "deep",
        "[title](http://host 'which would be lost')",
        "[" * 500 + "a",
    ],
)
def test_what_would_lose_letters_is_shown_as_it_came(pen, text):
    assert drawn(pen, text, 40).replace("\n", "").replace(" ", "") == text.replace("\n", "").replace(" ", "")


@settings(max_examples=100)
@given(st.text(st.sampled_from("ab12 \n#*_`|-[](){}<>!&;:\\~"), max_size=80), st.sampled_from([10, 40, 120]))
def test_no_letter_is_lost(text, width):
    assert not set(filter(str.isalnum, text)) - set(drawn(Pen("full"), text, width))


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_nothing_is_obeyed(text):
    said = drawn(Pen("full"), harmless(text))
    assert said == harmless(said)


def test_what_is_drawn_is_looked_at_once_more(pen):
    assert drawn(pen, "a\x1b[2Jb\N{RIGHT-TO-LEFT OVERRIDE}").strip() == r"a\x1b[2Jb\u202e"


@pytest.mark.parametrize(("depth", "codes"), [("bare", False), ("plain", True), ("full", True)])
def test_a_terminal_gets_what_it_wants(depth, codes):
    said = Pen(depth).markdown("**a** `b`", 40)
    assert ("\x1b" in said) is codes
    assert ("36m" in said) is (depth == "full")


@pytest.mark.parametrize("width", [1, 2, 10, 79])
def test_rows_are_not_wider_than_asked(pen, width):
    rows = pen.rows("some words 語語語 and a-very-long-word-that-has-to-be-broken", width)
    assert all(len(row.rstrip()) <= max(2, width) for row in rows)
    assert "".join("".join(rows).split()) == "somewords語語語anda-very-long-word-that-has-to-be-broken"


def test_no_text_has_no_rows_but_one(pen):
    assert pen.rows("", 10) == [""]


WORDS = st.text(st.sampled_from("ab語 "), max_size=40)
LINES = st.lists(st.tuples(st.sampled_from(["", "dim", "red"]), WORDS), max_size=5).map(tuple)


@given(LINES, st.integers(4, 60))
def test_a_line_is_broken_between_words_and_keeps_its_styles(line, width):
    pen = Pen("full")
    rows = pen.line(line, width, 2)
    assert all(cell_len("".join(text for _, text in row)) <= width for row in rows)
    assert all(row[0] == ("", "  ") for row in rows[1:])
    assert _styled(*rows) == _styled(line)


def _styled(*lines):
    """Each letter with its style."""
    return [(style, letter) for line in lines for style, text in line for letter in text if letter != " "]


def test_a_word_that_has_room_in_a_row_is_in_one_row():
    line = (("dim", "exchange "), ("bold", "0123456789abcdef"), ("", "  differs"))
    assert Pen("full").line(line, 20, 4) == [
        (("dim", "exchange"),),
        (("", "    "), ("bold", "0123456789abcdef")),
        (("", "    "), ("", "differs")),
    ]
