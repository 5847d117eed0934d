"""The difference of two requests in words: the first paths, bounded in number and width, whatever the bodies are."""

import orjson
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.matching.nearness.difference import (
    COMPARED_SIZE,
    MOST_LEAVES,
    WIDTH,
    json_differences,
    request_differences,
)
from proxy_daemon.core.messages import Request


@frozen
class Spooled:
    """A body that does not lie in memory."""

    data: bytes

    @property
    def size(self):
        return len(self.data)

    def whole(self):
        return None


def ask(body=b"", target=b"/v1/chat/completions", method=b"POST"):
    return Request(method, target, body=Bytes(body if isinstance(body, bytes) else orjson.dumps(body)))


LINES = [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    ({"a": 1}, {"a": 2}, ["a: recorded 1 / incoming 2"]),
    ({"a": 1}, {}, ["a: recorded 1 / incoming <absent>"]),
    ({}, {"a": 1}, ["a: recorded <absent> / incoming 1"]),
    ({"a": None}, {}, ["a: recorded null / incoming <absent>"]),
    ({"a": 1}, {"a": 1.0}, ["a: recorded 1 / incoming 1.0"]),
    ({"a": 1}, {"a": True}, ["a: recorded 1 / incoming true"]),
    ({"a": 0}, {"a": False}, ["a: recorded 0 / incoming false"]),
    ({"a": "1"}, {"a": 1}, ['a: recorded "1" / incoming 1']),
    ({"a": []}, {"a": {}}, ["a: recorded [] / incoming {}"]),
    ({"a": [1]}, {"a": []}, ["a[0]: recorded 1 / incoming <absent>"]),
    ({"a": {"b": 1}}, {"a": [1]}, ['a: recorded {"b":1} / incoming [1]']),
    ([1, 2, 3], [1, 3], ["[1]: recorded 2 / incoming <absent>"]),
    ({"m": [{"c": "x"}]}, {"m": [{"c": "y"}]}, ['m[0].c: recorded "x" / incoming "y"']),
    (1, 2, ["body: recorded 1 / incoming 2"]),
    ({"a": {"x": 1}}, {"a": 5}, ['a: recorded {"x":1} / incoming 5']),
    ([1, 2, 3], [1, 5, 2, 3], ["[1]: recorded <absent> / incoming 5"]),
    ([1, 2, 3], [2, 3, 4], ["[0]: recorded 1 / incoming <absent>", "[2]: recorded <absent> / incoming 4"]),
    (
        [{"c": "one two"}, {"c": "x"}],
        [{"c": "new"}, {"c": "one too"}, {"c": "x"}],
        ['[0]: recorded <absent> / incoming {"c":"new"}', '[0→1].c: recorded "one two" / incoming "one too"'],
    ),
    ({"a": "\x1b[31m\n"}, {"a": 0}, ['a: recorded "\\u001b[31m\\n" / incoming 0']),
]
REQUESTS = [
    (ask(), ask(), []),
    (ask(), ask(method=b"PUT"), ['method: recorded "POST" / incoming "PUT"']),
    (
        ask(target=b"/a?x"),
        ask(target=b"/b?y"),
        ['path: recorded "/a" / incoming "/b"', 'query: recorded "x" / incoming "y"'],
    ),
    (ask(target=b"/\xff"), ask(target=b"/"), ['path: recorded "/ÿ" / incoming "/"']),
    (
        ask({"a": 1}, b"/y"),
        ask({"a": 2}, b"/x"),
        ['path: recorded "/y" / incoming "/x"', "a: recorded 1 / incoming 2"],
    ),
    (ask(b"abc"), ask(b"abd"), ["body: 3 octets recorded / 3 incoming, the first difference at octet 2"]),
    (ask(b"abc"), ask(b"ab"), ["body: 3 octets recorded / 2 incoming, the first difference at octet 2"]),
    (ask(b""), ask(b'{"a":1}'), ["body: 0 octets recorded / 7 incoming, the first difference at octet 0"]),
    (ask(b'{"a":1}'), ask(b'{"a":NaN}'), ["body: 7 octets recorded / 9 incoming, the first difference at octet 5"]),
    (ask(b"\xff\xfe"), ask(b"\xff\xff"), ["body: 2 octets recorded / 2 incoming, the first difference at octet 1"]),
    (ask(b'{"a":1.0}'), ask(b'{"a":1.00}'), ["body: the same values, but numbers or keys are written differently"]),
    (ask(b'{"a":1,"a":2}'), ask(b'{"a":2}'), ["body: the same values, but numbers or keys are written differently"]),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@pytest.mark.parametrize(("recorded", "incoming", "lines"), LINES)
def test_json_differences(recorded, incoming, lines):
    assert json_differences(recorded, incoming) == lines


@pytest.mark.parametrize(("recorded", "incoming", "lines"), REQUESTS)
def test_request_differences(recorded, incoming, lines):
    assert request_differences(recorded, incoming) == lines


def test_the_first_come_in_document_order_and_the_rest_are_counted():
    lines = json_differences({"z": 1, "a": [2, 3, 4], "y": 5}, {"a": [0, 0, 0], "z": 0}, limit=2)
    assert lines == ["z: recorded 1 / incoming 0", "a[0]: recorded 2 / incoming 0", "... and 3 more"]
    assert json_differences([1, 2], [3, 4], limit=0) == ["... and 2 more"]


@pytest.mark.parametrize("at", [0, 30, 5000, 9999])
def test_a_long_text_is_cut_to_where_it_differs(at):
    old = "a" * at + "X" + "a" * (9999 - at)
    new = "a" * at + "Y" + "a" * (9999 - at)
    (line,) = json_differences({"t": old}, {"t": new})
    recorded, incoming = line.removeprefix("t: recorded ").split(" / incoming ")
    assert "X" in recorded
    assert "Y" in incoming
    assert max(len(recorded), len(incoming)) <= WIDTH + 2


def test_long_texts_are_shown_by_their_words():
    text = "Please tell me about the town of Paris in the spring, and how many people live there now, with sources."
    (line,) = json_differences({"t": text}, {"t": text.replace("Paris", "\x1b[31mRome\u202e")})
    assert line == (
        't: recorded "…ll me about the town of [-Paris-] in the spring, and how …"'
        ' / incoming "…ll me about the town of {+\\u001b[31mRome\\u202e+} in the spring, and how …"'
    )
    (line,) = json_differences({"t": text}, {"t": text + " Now."})
    assert line == 't: recorded "…there now, with sources." / incoming "…here now, with sources. {+Now.+}"'


def test_long_texts_of_which_all_differs_are_shown_from_their_beginning():
    (line,) = json_differences({"t": "ab " * 100}, {"t": "cd " * 100})
    assert line.startswith('t: recorded "ab ab ')
    assert ' / incoming "cd cd ' in line


@pytest.mark.parametrize("size", [10, 3_000, 100_000])
def test_lists_of_any_length(size):
    messages = [{"content": str(n)} for n in range(size)]
    lines = json_differences({"m": messages}, {"m": [*messages[:5], {"content": "new"}, *messages[5:]]}, limit=3)
    assert lines == ['m[5]: recorded <absent> / incoming {"content":"new"}'] or size > 9_000
    assert len(lines) <= 4


def test_a_long_text_beside_nothing():
    (line,) = json_differences({"t": "a" * 500}, {})
    assert line == 't: recorded "' + "a" * (WIDTH - 1) + "… / incoming <absent>"


def test_a_key_is_shown_safely_and_cut():
    """Keys are the client's: no line of ours may be broken, coloured or filled by one."""
    (line,) = json_differences({"a\n\x1b[31m\x85\u202e": 1}, {})
    assert line.isprintable()
    (line,) = json_differences({"k" * 100_000: 1}, {})
    assert len(line) < 5 * WIDTH
    assert line.endswith(": recorded 1 / incoming <absent>")


@pytest.mark.parametrize("depth", [100, 253, 254, 255, 500, 1000])
def test_any_depth_that_is_parsed(depth):
    old = ask(b'{"a":' * depth + b"1" + b"}" * depth)
    new = ask(b'{"a":' * depth + b"2" + b"}" * depth)
    (line,) = request_differences(old, new)
    assert line.endswith(": recorded 1 / incoming 2")
    (line,) = request_differences(old, ask({"a": 1}))
    assert line.endswith(" / incoming 1")


def test_deeper_is_compared_by_octets():
    old, new = ask(b"[" * 100_000 + b"]" * 100_000), ask(b"[" * 100_000 + b"1" + b"]" * 100_000)
    assert request_differences(old, new) == [
        "body: 200000 octets recorded / 200001 incoming, the first difference at octet 100000"
    ]


def test_a_large_body_is_said_to_be_too_large():
    old, new = ask(b'"' + b"a" * COMPARED_SIZE + b'"'), ask(b"{}")
    assert request_differences(old, new) == [
        f"body: {COMPARED_SIZE + 2} octets recorded / 2 incoming, too large to compare"
    ]


def test_a_difference_behind_the_last_leaf_is_not_called_none():
    old, new = [0] * (MOST_LEAVES + 10), [0] * (MOST_LEAVES + 9) + [1]
    size = 2 * len(old) + 1
    assert request_differences(ask(old), ask(new)) == [
        f"body: {size} octets recorded / {size} incoming, the first difference at octet {size - 2}"
    ]


@pytest.mark.parametrize("other", [[], {}, 0, ["x"] * 50_000, {str(n): n for n in range(50_000)}])
def test_wide_bodies_end(other):
    lines = json_differences({str(n): [n] for n in range(100_000)}, other, limit=3)
    assert 0 < len(lines) <= 4


@given(values, values)
def test_no_lines_only_where_equal(old, new):
    lines = json_differences(old, new, limit=3)
    assert (lines == []) is (repr(_sorted(old)) == repr(_sorted(new)))
    assert len(lines) <= 4
    assert all(line.isprintable() for line in lines)


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_any_octets(old, new):
    assert (request_differences(ask(old), ask(new)) == []) is (old == new)


def _sorted(value):
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if isinstance(value, list) else value
