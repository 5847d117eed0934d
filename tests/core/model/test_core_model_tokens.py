import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.model import tokens


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("Paris.", ["Paris", "."]),
        ("two words", ["two", " words"]),
        ("incomprehensible", ["incompre", "hensible"]),
        ("a  b\n", ["a", "  b", "\n"]),
        ("café ☕", ["café", " ☕"]),
    ],
)
def test_split(text, parts):
    assert tokens.split(text) == parts
    assert tokens.count(text) == len(parts)


@given(st.text())
def test_tokens_joined_are_the_text(text):
    assert "".join(tokens.split(text)) == text
    assert "".join(tokens.pieces(text)) == text
    assert all(tokens.pieces(text))


@pytest.mark.parametrize("text", ["a " * 1000, "x" * 100_000, "." * 399 + "..", "é" * (tokens.COUNTED + 1)])
def test_long_texts_come_in_a_bounded_number_of_pieces(text):
    pieces = tokens.pieces(text)
    assert "".join(pieces) == text
    assert len(pieces) <= tokens.PIECES


def test_beyond_a_limit_four_characters_are_a_token():
    text = "." * tokens.COUNTED
    assert tokens.count(text + "." * 8) == tokens.COUNTED + 2
