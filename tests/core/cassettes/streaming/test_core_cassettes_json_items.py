"""Elements of JSON arrays one by one: what comes is what the whole document says, or nothing is read so."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.streaming import json_items
from proxy_daemon.core.cassettes.streaming.source import NotStreamed, opened


def elements(data, *path):
    return list(json_items.items("f", opened(io.BytesIO(data)), path))


JSONS = st.recursive(
    st.text(max_size=9)
    | st.integers(-99, 1 << 70)
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(JSONS, max_size=5), JSONS, JSONS, st.sampled_from([None, 1]), st.sampled_from([1, 3, 50, 9999]))
def test_arrays_are_read_in_parts(values, before, behind, indent, step):
    text = json.dumps({"a": before, "log": {"b": before, "entries": values, "c": behind}, "d": behind}, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "_STEP", step)
        assert elements(text.encode(), "log", "entries") == values
        assert elements(b"\xef\xbb\xbf " + text.encode() + b"\n", "log", "entries") == values


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"e": 1}',
        b'{"e": [1',
        b'{"e": [1}',
        b'{"e": [1]',
        b'{"e": [1,]}',
        b'{"e": [1 2]}',
        b'{"e": [nope]}',
        b'{"e": [1]} x',
        b'{"x": nope, "e": [1]}',
        b'{"x": "a, "e": [1]}',
        b'{"x": [, "e": [1]}',
        b'{"x" "e": [1]}',
        b'{"\\ud800": 1 "e": [1]}',
        b'{"e": {"e": [1]}}',
        b'{"e": ["\xff"]}',
    ],
)
def test_what_is_no_array_there_is_not_read_in_parts(data):
    with pytest.raises(NotStreamed):
        elements(data, "e")


def test_an_array_that_stands_there_twice_is_refused():
    with pytest.raises(Unreadable, match="stands there twice"):
        elements(b'{"e": [1], "e": []}', "e")


def test_too_much_behind_an_array_is_not_read(monkeypatch):
    monkeypatch.setattr(json_items, "_HEAD", 50)
    monkeypatch.setattr(json_items, "_STEP", 10)
    assert elements(b'{"e": [1]%b}' % (b" " * 400), "e") == [1]
    with pytest.raises(NotStreamed, match="behind 'e'"):
        elements(b'{"e": [%b], "x": %b}' % (b"1," * 60 + b"1", b"1" * 70), "e")
