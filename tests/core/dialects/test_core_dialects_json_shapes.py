"""JSON within JSON: read as it stands, never rounded, never raised upon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import ToolCall
from proxy_daemon.core.dialects.json_shapes import parsed, written
from proxy_daemon.core.dialects.said import arguments_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (b"[1.5]", [1.5]),
        ("18446744073709551616", 2**64),
        (b'{"id": -123456789012345678901234567890}', {"id": -123456789012345678901234567890}),
        ('"12345678901234567890 \u00e9"', "12345678901234567890 \u00e9"),
        ("NaN", None),
        ("", None),
        ("{", None),
        ('"\ud800"', None),
        ("[" * 100_000, None),
        ("[12345678901234567890123," + "[" * 100_000, None),
        ("9" * 10_000, None),
    ],
)
def test_what_json_says(text, value):
    assert parsed(text) == value


def test_arguments_of_a_tool_keep_their_integers():
    assert arguments_of(ToolCall("id", "name", '{"order":12345678901234567890123}')) == {
        "order": 12345678901234567890123
    }


@given(
    st.recursive(st.none() | st.integers() | st.text('a9\\"', max_size=30), lambda inner: st.lists(inner, max_size=3))
)
def test_what_is_written_is_read_again(value):
    assert parsed(written(value)) == value
    assert parsed(written(value).encode()) == value


@given(st.text() | st.binary())
def test_anything_at_all(text):
    parsed(text)
