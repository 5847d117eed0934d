"""The screen: what grows is replaced, what is final stays, and it looks the same however it came."""

import re

import pytest
from console_rig import Seen, screen_on
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_daemon.core.telling.floor import Mark, Told
from proxy_daemon.plugins.console.screen import DECLINED, THOUGHTS, WORDS, Grows, Labelled

ANSWER = """# A title

Some *words* in a paragraph that is longer than a narrow terminal is wide, with `code` in it.

- one
- two, which is so long that it has to go on in the next row of a narrow terminal
  1. inner

```python
def function(argument):
    return "a line of code that is longer than forty columns are"
```
| a | b |
|---|---|
| 1 | 2 |

> quoted
"""
ENDS = Told(1, Mark.ENDS)


def words(text, kind=WORDS):
    return Told(1, Grows(kind, text))


def show(screen, *told):
    screen.show(told, lambda key: f"exchange {key}")


def shown(pieces, size=(80, 24), depth="full", kind=WORDS):
    seen = Seen(*size)
    screen = screen_on(seen, depth)
    for piece in pieces:
        show(screen, words(piece, kind))
    show(screen, ENDS)
    return seen.text


def cut(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("rows", [4, 10, 60])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_an_answer_looks_the_same_however_it_comes(width, rows, size):
    at_once = shown([ANSWER], (width, 60))
    streamed = shown(cut(ANSWER, size), (width, rows))
    if rows > 10:
        assert streamed == at_once
    assert re.sub(r"\W", "", streamed) == re.sub(r"\W", "", at_once) == re.sub(r"\W", "", ANSWER)


MARKDOWN = st.text(st.sampled_from("ab語 \n\n-#`>|*_[](!\t"), max_size=150)


@settings(max_examples=60)
@given(MARKDOWN, st.integers(1, 12), st.sampled_from([(12, 40), (40, 40), (120, 40)]))
def test_any_text_looks_the_same_however_it_comes(text, pieces, size):
    assert shown(cut(text, pieces), size) == shown([text], size)


@settings(max_examples=60)
@given(MARKDOWN, st.integers(1, 12), st.integers(1, 12))
def test_on_a_low_terminal_nothing_is_left_over_and_nothing_missing(text, pieces, rows):
    assert letters(shown(cut(text, pieces), (20, rows))) == letters(text)


def letters(text):
    return re.sub("[^ab語]", "", text)


@pytest.mark.parametrize("kind", [THOUGHTS, DECLINED])
def test_thoughts_are_no_markdown(kind):
    assert shown(cut("# one\n\ntwo *three*\nfour", 3), kind=kind) == "# one\n\ntwo *three*\nfour"


def test_words_appear_as_they_come():
    seen = Seen()
    screen = screen_on(seen)
    show(screen, words("One "))
    assert seen.text == "One"
    show(screen, words("two **th"))
    assert seen.text == "One two **th"
    show(screen, words("ree**\n\nnext"))
    assert seen.text == "One two three\n\nnext"


def test_what_grows_in_its_last_row_is_not_drawn_anew():
    seen = Seen()
    screen = screen_on(seen)
    for number in range(100):
        show(screen, words(f"{number:02} "))
    assert len(seen.octets) < 100 * 40
    assert seen.octets.count(b"\x1b[J") <= 4


def test_nothing_new_writes_nothing():
    seen = Seen()
    screen = screen_on(seen)
    show(screen, words("One"))
    before = seen.writes
    show(screen)
    show(screen)
    assert seen.writes == before == 1


def test_a_line_ends_what_grew():
    seen = Seen()
    screen = screen_on(seen)
    show(screen, words("One *two*"))
    show(screen, Told(1, (("bold", "three"),)), words("four"))
    assert seen.text == "One two\nthree\nfour"


def test_one_that_pauses_is_drawn_and_named_when_it_goes_on():
    seen = Seen()
    screen = screen_on(seen)
    show(screen, words("```\none\nt"), Told(1, Mark.PAUSES), Told(2, (("", "between"),)), Told(2, Mark.ENDS))
    show(screen, Told(1, Mark.CONTINUES), words("wo\n```\n*three*"), ENDS)
    assert seen.text.split("\n") == ["  one", "  t", "between", "… continues (exchange 1)", "  wo", "three"]


@pytest.mark.parametrize(("mark", "unit"), [(Mark.LEFT_OUT, "characters"), (Mark.UNHEARD, "exchanges")])
def test_what_is_left_out_is_said(mark, unit):
    seen = Seen()
    show(screen_on(seen), Told(1, mark, 12345))
    assert seen.text == f"… 12,345 {unit} left out: more came than can be shown"


@pytest.mark.parametrize("size", [(30, 24), (200, 24), (80, 10)])
def test_after_a_change_of_size_all_words_are_there_once(size):
    seen = Seen()
    screen = screen_on(seen)
    show(screen, words("Some words that *grow* and grow " * 4))
    seen.resize(*size)
    show(screen, words("and go on. "))
    show(screen, words("More.\n\nThe *next* one."), ENDS)
    said = seen.text
    assert (said.count("and go on."), said.count("More."), said.count("The next one.")) == (1, 1, 1)


def test_after_a_change_of_size_what_stands_there_is_not_touched():
    seen = Seen()
    screen = screen_on(seen)
    show(screen, words("Some words that grow " * 8))
    seen.resize(40, 24)
    before = len(seen.octets)
    show(screen, words("on\n\n"))
    assert seen.octets[before:] == b"\non\n"


def test_a_change_of_size_while_nothing_grows():
    seen = Seen()
    screen = screen_on(seen)
    show(screen, Told(1, (("", "one"),)))
    seen.resize(40, 24)
    show(screen, Told(1, (("", "two"),)))
    assert seen.text == "one\ntwo"


def test_a_long_line_of_a_message_goes_on_below_itself():
    seen = Seen(40, 24)
    show(screen_on(seen), Told(1, Labelled("user", "green", "word " * 12)))
    first, *others = seen.text.split("\n")
    assert first.startswith("user      word")
    assert others
    assert all(line.startswith(" " * 10 + "word") for line in others)


def test_a_dumb_terminal_gets_no_escapes_and_whole_blocks():
    seen = Seen()
    screen = screen_on(seen, "bare")
    show(screen, words("One *two*"))
    assert seen.octets == b""
    show(screen, words("\n\n```\ncode\n"), Told(1, (("red", "line"),)))
    assert seen.octets == b"One two\n\n  code\nline\n"


def test_without_colours_there_are_none():
    seen = Seen()
    screen = screen_on(seen, "plain")
    show(screen, words(ANSWER), Told(1, (("red", "line"), ("bold", "x"))), words("a `b` [c](d)"), ENDS)
    codes = {int(code or 0) for found in re.findall(rb"\x1b\[([0-9;]*)m", seen.octets) for code in found.split(b";")}
    assert codes <= {0, 1, 2, 3, 4, 9}


HOSTILE = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x1b]8;;http://x\x1b\\y", "\r", "\x07"]
HOSTILE += ["\N{RIGHT-TO-LEFT OVERRIDE}", "&#x202e;", "&#27;[2J", "\0", "[a](http://x\x1b[2J)", "`\x1b[2J`"]
OURS = re.compile("\x1b\\[(?:[0-9;]*m|[0-9]*A|J|\\?7[lh])|\r(?=\x1b\\[[0-9]*[AJ])")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", [WORDS, THOUGHTS])
def test_nothing_from_outside_steers_the_terminal(text, kind):
    assert_harmless(text, kind)


@settings(max_examples=60)
@given(st.text(st.one_of(st.sampled_from("\x1b[]\x9b\r\x07;m&#x27;\\*`|\n"), st.characters()), max_size=60))
def test_no_text_from_outside_steers_the_terminal(text):
    assert_harmless(text, WORDS)


def assert_harmless(text, kind):
    seen = Seen()
    screen = screen_on(seen)
    for piece in (f"a {text}", f" b\n\n```\n{text}\n", f"```\n- {text}"):
        show(screen, words(piece, kind))
    show(screen, Told(1, (("", text.replace("\n", "")),)), Told(1, Labelled(text, "red", text)), ENDS)
    said = OURS.sub("", seen.octets.decode("utf-8", "replace"))
    assert [
        each for each in said if not each.isprintable() and each not in "\n\t\N{NO-BREAK SPACE}" and not each.isspace()
    ] == []
    assert "\x1b" not in said
    assert "\r" not in said


def test_a_line_that_is_too_long_goes_on_in_the_next_row():
    seen = Seen(40, 10)
    show(
        screen_on(seen),
        Told(1, (("dim", "── 14:02 "), ("bold", "gpt-4o-mini"), ("dim", "  POST /v1/chat/completions  03be"))),
    )
    assert seen.text == "── 14:02 gpt-4o-mini  POST\n         /v1/chat/completions  03be"
