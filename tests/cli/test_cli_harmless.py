"""Text of others on a terminal: what steers it, hides in it or is not seen is an escape; the rest is as it was."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.cli.harmless import harmless, one_line

ESCAPED = [
    ("\x1b", "\\x1b"),
    ("\x9b", "\\x9b"),
    ("\r", "\\x0d"),
    ("\xad", "\\xad"),  # soft hyphen
    ("\u034f", "\\u034f"),  # combining grapheme joiner
    ("\u061c", "\\u061c"),
    ("\u115f", "\\u115f"),  # Hangul fillers
    ("\u1160", "\\u1160"),
    ("\u3164", "\\u3164"),
    ("\uffa0", "\\uffa0"),
    ("\u180b", "\\u180b"),  # Mongolian variation selectors and separator
    ("\u180e", "\\u180e"),
    ("\u180f", "\\u180f"),
    ("\u200b", "\\u200b"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
    ("\u202e", "\\u202e"),
    ("\u2066", "\\u2066"),
    ("\u206f", "\\u206f"),
    ("\u2800", "\\u2800"),  # braille blank
    ("\ufe00", "\\ufe00"),
    ("\ufeff", "\\ufeff"),
    ("\uffff", "\\uffff"),
    ("\ud800", "\\ud800"),
    ("\ue000", "\\ue000"),  # private
    ("\U000e0001", "\\U000e0001"),  # tags
    ("\U000e0041", "\\U000e0041"),
    ("\U000e0100", "\\U000e0100"),  # variation selectors
    ("\U0001d173", "\\U0001d173"),  # formats of musical notation
    ("\U00010fff", "\\U00010fff"),  # unassigned
    ("\U0010fffd", "\\U0010fffd"),
]
KEPT = ["a\tb\nc", "é漢字", "😀", "❤\ufe0f", "e\u0301", "שלום", "مرحبا", "한국어", "हिन्दी", "\u00a0", "\u3000", "~ !"]


@pytest.mark.parametrize(("text", "shown"), ESCAPED, ids=[shown for _, shown in ESCAPED])
def test_escaped(text, shown):
    assert harmless(f"a{text}b") == one_line(f"a{text}b") == f"a{shown}b"


@pytest.mark.parametrize("text", KEPT, ids=ascii)
def test_kept(text):
    assert harmless(text) == text
    assert one_line(text) == text.replace("\n", "\\n").replace("\t", "\\t")


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_steers_and_nothing_is_lost(text):
    shown = harmless(text)
    assert {unicodedata.category(each) for each in shown} & {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert all(each in "\n\t" for each in shown if unicodedata.category(each) == "Cc")
    assert one_line(text).count("\n") == 0
    assert len(shown) >= len(text)
    assert harmless(shown) == shown


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)))
def test_plain_text_is_as_it_was(text):
    assert harmless(text) == text
