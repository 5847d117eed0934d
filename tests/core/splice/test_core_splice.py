"""Values in octets: what is edited is edited, every other octet stays, and what cannot be edited stays whole."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import splice
from proxy_daemon.core.splice import Add, Meeting, NotJSON, Remove, Replace

BOM = b"\xef\xbb\xbf"
# (text, path, the value that is found, None: none)
FOUND = [
    (b'{"a":1}', ("a",), b"1"),
    (b'{"a":1}', (), b'{"a":1}'),
    (b' \r\n\t"x" ', (), b'"x"'),
    (BOM + b' {"a" : 1e400 }', ("a",), b"1e400"),
    (b'{"a":1,"a":2}', ("a",), b"2"),
    (b'{"\\u006dodel":"x"}', ("model",), b'"x"'),
    (b'{"m\\"\\\\":"x"}', ('m"\\',), b'"x"'),
    (b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80":2}', ("\U0001f600",), b"2"),
    (b'{"\\ud800":3}', ("\ud800",), b"3"),
    (b'{"a":{"b":1},"a":{"c":2}}', ("a", "b"), None),
    (b'{"a":{"b":1},"\\u0061":3}', ("a", "b"), None),
    (b'{"a":{"b":1},"a":{"b":[2]}}', ("a", "b", 0), b"2"),
    (b'[1, [2, {"x" : [3]}]]', (1, 1, "x", 0), b"3"),
    (b"[1,2]", (2,), None),
    (b"[]", (0,), None),
    (b"[[]]", (0,), b"[]"),
    (b"{}", ("a",), None),
    (b'{"0":5}', (0,), None),
    (b'{"0":5}', ("0",), b"5"),
    (b"[5]", ("0",), None),
    (b'{"*":5}', ("*",), b"5"),
    (b'{"-":5}', ("-",), b"5"),
    (b'"abc"', (0,), None),
    (b"[NaN,-Infinity, Infinity]", (1,), b"-Infinity"),
    (b"-0.0e-07", (), b"-0.0e-07"),
    (b"123456789012345678901234567890", (), b"123456789012345678901234567890"),
    (b'{"":{"":null}}', ("", ""), b"null"),
    (b'["\\\\","\\"]",true]', (2,), b"true"),
    (b'["a\\\\\\"b",false]', (1,), b"false"),
]


@pytest.mark.parametrize(("text", "path", "value"), FOUND)
def test_a_value_is_found_where_it_stands(text, path, value):
    span = splice.find(text, path)
    assert (span and span.of(text)) == value
    assert (splice.replace(text, path, b"[7]") is None) == (value is None)


def test_a_star_means_each_element():
    text = b'{"m":[{"c":1},{"d":2},{"c":[3]},4]}'
    assert [span.of(text) for span in splice.find_all(text, ("m", "*", "c"))] == [b"1", b"[3]"]
    assert splice.replace(text, ("m", "*", "c"), 0) == b'{"m":[{"c":0},{"d":2},{"c":0},4]}'
    assert splice.removed(text, ("m", "*", "c")) == b'{"m":[{},{"d":2},{},4]}'
    assert splice.find(text, ("m", "*", "x")) is None


# (text, edits, what comes of it)
EDITED = [
    (b'{ "a" : 1 , "b":2}', [Replace(("a",), "x")], b'{ "a" : "x" , "b":2}'),
    (b'{"a":1,"a":2}', [Replace(("a",), 3)], b'{"a":1,"a":3}'),
    (b"[1]", [Replace((), b" {} ")], b"{}"),
    (BOM + b"1 ", [Replace((), None)], BOM + b"null "),
    (b'{"a":1, "b":2, "c":3}', [Remove(("a",))], b'{"b":2, "c":3}'),
    (b'{"a":1, "b":2, "c":3}', [Remove(("b",))], b'{"a":1, "c":3}'),
    (b'{"a":1, "b":2, "c":3 }', [Remove(("c",))], b'{"a":1, "b":2 }'),
    (b'{ "a":1 }', [Remove(("a",))], b"{  }"),
    (b'{"a":1,"b":0,"\\u0061":2}', [Remove(("a",))], b'{"b":0}'),
    (b"[1, 2, 3]", [Remove((0,)), Remove((1,))], b"[3]"),
    (b"[1, 2, 3]", [Remove((1,)), Remove((2,))], b"[1]"),
    (b"[1, 2, 3, 4, 5]", [Remove((1,)), Remove((3,))], b"[1, 3, 5]"),
    (b"[1, 2, 3, 4]", [Remove((0,)), Remove((3,))], b"[2, 3]"),
    (b"[1, 2]", [Remove(("*",))], b"[]"),
    (b"[1, 2]", [Remove(("*",)), Add(("-",), 3)], b"[3]"),
    (b"[1, 2]", [Remove((1,)), Add(("-",), 3)], b"[1,3]"),
    (b'{"a":1}', [Remove(("a",)), Add(("b",), 2)], b'{"b":2}'),
    (b"{}", [Add(("b",), 2), Add(("c",), 3)], b'{"b":2,"c":3}'),
    (b'{"a":1 }', [Add(("b",), 2)], b'{"a":1,"b":2 }'),
    (b'{"b":1 }', [Add(("b",), 2)], b'{"b":2 }'),
    (b"{}", [Add(('"\u00e9\ud800',), 2)], b'{"\\"\\u00e9\\ud800":2}'),
    (b"[]", [Add((0,), 1)], b"[1]"),
    (b"[ 5 ]", [Add((0,), 1)], b"[ 1,5 ]"),
    (b"[ 5 ]", [Add((1,), 1), Add(("-",), 2)], b"[ 5,1,2 ]"),
    (b"[5, 6]", [Add((1,), 1), Replace((1,), 7), Add((0,), 0)], b"[0,5, 1,7]"),
    (b"[5, 6]", [Remove((0,)), Add((1,), 1)], b"[1,6]"),
    (b"[[1],[2]]", [Replace(("*", 0), 0), Add((1, "-"), 9)], b"[[0],[0,9]]"),
    (b'{"a":{"b":1}}', [Add(("a", "c"), [1]), Replace(("a", "b"), {"x": "\u00e9"})], None),
    (b'{"a":1}', [Add((), 2)], b"2"),
    (b'{"a":1}', [], b'{"a":1}'),
]


@pytest.mark.parametrize(("text", "edits", "result"), EDITED)
def test_edits_change_their_place_only(text, edits, result):
    given_result = '{"a":{"b":{"x":"\u00e9"},"c":[1]}}'.encode() if result is None else result
    assert splice.edited(text, edits) == given_result
    json.loads(given_result)


# (text, edits): one of them leads nowhere, so nothing is made
NOWHERE = [
    (b'{"a":1}', [Replace(("a",), 2), Replace(("b",), 2)]),
    (b'{"a":1}', [Remove(("b",))]),
    (b"[1]", [Remove((1,))]),
    (b"[1]", [Add((2,), 0)]),
    (b"[1]", [Add(("x",), 0)]),
    (b"[1]", [Add(("*",), 0)]),
    (b'{"a":1}', [Add((0,), 0)]),
    (b'{"a":1}', [Add(("a", "b"), 0)]),
    (b'{"a":{"x":1},"a":{}}', [Remove(("a", "x"))]),
    (b"7", [Add(("a",), 0)]),
]


@pytest.mark.parametrize(("text", "edits"), NOWHERE)
def test_all_edits_are_made_or_none(text, edits):
    assert splice.edited(text, edits) is None


MEETING = [
    [Replace(("a",), 1), Replace(("a",), 2)],
    [Replace(("a",), 1), Replace(("a", "b"), 2)],
    [Remove((0, "x")), Replace((0,), 2)],
    [Replace(("*",), 1), Replace((3,), 2)],
    [Replace((3, "a"), 1), Remove(("*",))],
    [Add(("a",), 1), Remove(("a",))],
    [Add((1,), 1), Add((1,), 2)],
    [Add((1,), 1), Remove((1,))],
    [Remove(("*",)), Add((4,), 1)],
    [Replace((), 1), Replace(("a",), 2)],
]


@pytest.mark.parametrize("edits", MEETING)
def test_edits_that_meet_are_refused(edits):
    with pytest.raises(Meeting):
        splice.edited(b"{}", edits)


NOT_VALUES = [math.nan, math.inf, b"", b"{", b"1 2", b"[1,]", b"\xff", BOM + b"1", b'"\n"']


@pytest.mark.parametrize("value", NOT_VALUES)
def test_a_value_that_is_no_json_is_refused(value):
    with pytest.raises(ValueError, match=r"JSON|mark"):
        splice.replace(b"{}", (), value)


@pytest.mark.parametrize(
    ("path", "error"), [("model", TypeError), (b"model", TypeError), ((-1,), ValueError), (("a",) * 257, ValueError)]
)
def test_what_is_no_path_is_refused(path, error):
    with pytest.raises(error):
        splice.find(b"{}", path)


def test_the_whole_cannot_be_removed():
    with pytest.raises(ValueError, match="whole"):
        splice.removed(b"{}", ())


def test_python_values_are_written_shortly_and_keep_half_pairs():
    assert splice.replace(b"0", (), {"a": [1, "\u00e9"]}) == '{"a":[1,"\u00e9"]}'.encode()
    assert splice.replace(b"0", (), "\ud83d") == b'"\\ud83d"'


# --- any JSON that a writer may write -------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "model", "*", "-", "0", 'q"', "back\\", "\u00e9", "\U0001f600", ""])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)
SPACES = st.sampled_from(["", " ", "\n", "\t \r\n"])


@st.composite
def texts(draw):
    """(a value, octets that say it)."""
    value = draw(VALUES)
    text = json.dumps(
        value,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.none() | st.integers(0, 3)),
        separators=(draw(SPACES) + "," + draw(SPACES), draw(SPACES) + ":" + draw(SPACES)),
    )
    return value, (draw(SPACES) + text + draw(SPACES)).encode("utf-8", "replace")


def paths_in(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from paths_in(each, (*path, step))


def at(value, path):
    for step in path:
        value = value[step]
    return value


@given(texts(), st.data())
def test_whatever_is_written_is_found_and_replaced(given_text, data):
    _, text = given_text
    value = json.loads(text)
    path = data.draw(st.sampled_from(list(paths_in(value))))
    span = splice.find(text, path)
    assert json.loads(span.of(text)) == at(value, path)
    assert span.of(text).strip() == span.of(text)
    new = data.draw(VALUES.map(splice.edits.octets_of))
    result = splice.replace(text, path, new)
    assert result == text[: span.start] + new + text[span.end :]
    assert json.loads(result) == with_at(value, path, json.loads(new))


def with_at(value, path, new):
    if not path:
        return new
    value = value.copy()
    value[path[0]] = with_at(value[path[0]], path[1:], new)
    return value


@given(texts(), st.data())
def test_whatever_is_written_can_be_removed_and_added_to(given_text, data):
    _, text = given_text
    value = json.loads(text)
    homes = [path for path in paths_in(value) if isinstance(at(value, path), list | dict)]
    if not homes:
        return
    home = data.draw(st.sampled_from(homes))
    inside = at(value, home)
    steps = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
    gone = data.draw(st.sets(st.sampled_from(steps))) if steps else set()
    new = "new" if isinstance(inside, dict) else "-"
    result = splice.edited(text, [*[Remove((*home, step)) for step in gone], Add((*home, new), 7)])
    if isinstance(inside, dict):
        expected = {name: each for name, each in inside.items() if name not in gone} | {"new": 7}
    else:
        expected = [each for index, each in enumerate(inside) if index not in gone] + [7]
    assert json.loads(result) == with_at(value, home, expected)


@given(st.binary(max_size=40) | st.text(alphabet='[]{},:"\\u01e-.tfn \n\x00', max_size=30).map(str.encode))
def test_octets_are_json_for_us_where_they_are_for_others(text):
    try:
        json.loads(text.removeprefix(BOM).decode())
    except ValueError:
        with pytest.raises(NotJSON):
            splice.find(text, ())
    else:
        assert splice.find(text, ())
