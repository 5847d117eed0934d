"""`core/rewriting/field_edits.py`: fields set, removed, renamed and given a default; all other octets stay."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting.field_edits import MOST_PLACES, FieldEdits, TooMany, dotted, places, steps_of
from proxy_daemon.core.wire.json_text import NotJSON

PATHS = [
    ("a", ("a",)),
    ("a.b", ("a", "b")),
    ("messages.*.name", ("messages", "*", "name")),
    ("messages.0.name", ("messages", 0, "name")),
    (r"a\.b.c", ("a.b", "c")),
    (r"a\\.b", ("a\\", "b")),
    ("12345678901", ("12345678901",)),
    ("ä b", ("ä b",)),
]


@pytest.mark.parametrize(("text", "steps"), PATHS)
def test_a_path(text, steps):
    assert steps_of(text) == steps
    assert steps_of(dotted(steps)) == steps


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a\\", ".".join("a" * 33)])
def test_no_path(text):
    with pytest.raises(ValueError, match="path"):
        steps_of(text)


def edits(**given):
    made = {}
    for kind, value in given.items():
        if kind == "remove":
            made[kind] = tuple(map(steps_of, value))
        elif kind == "rename":
            made[kind] = tuple((steps_of(path), name) for path, name in value.items())
        else:
            made[kind] = tuple((steps_of(path), json.dumps(each).encode()) for path, each in value.items())
    return FieldEdits(**made)


DOCUMENTS = [
    # remove
    ({"remove": ["a"]}, b'{ "a": 1, "b" : 1.10 }', b'{ "b" : 1.10 }'),
    ({"remove": ["a"]}, b'{"a":1}', b"{}"),
    ({"remove": ["x", "b.c"]}, b'{"a":1,"b":{"c":2, "d":3}}', b'{"a":1,"b":{"d":3}}'),
    ({"remove": ["l.*.n"]}, b'{"l":[{"n":1},{"m":2},{"n":3,"m":4}]}', b'{"l":[{},{"m":2},{"m":4}]}'),
    ({"remove": ["l.0"]}, b'{"l":[1,2]}', b'{"l":[2]}'),
    ({"remove": ["a"]}, b'{"b":1}', b'{"b":1}'),
    # set
    ({"set": {"a": 2}}, b'{"a": 1}', b'{"a": 2}'),
    ({"set": {"a": 2}}, b'{"b":"\\u003c"}', b'{"b":"\\u003c","a":2}'),
    ({"set": {"a": 2}}, b"{}", b'{"a":2}'),
    ({"set": {"a.b.c": 2}}, b'{"x":1}', b'{"x":1,"a":{"b":{"c":2}}}'),
    ({"set": {"a.b.c": 2}}, b'{"a":{}}', b'{"a":{"b":{"c":2}}}'),
    ({"set": {"a.b": 2}}, b'{"a":"text"}', b'{"a":"text"}'),
    ({"set": {"a.b": 2}}, b'{"a":[]}', b'{"a":[]}'),
    ({"set": {"l.1": 2}}, b'{"l":[0,1]}', b'{"l":[0,2]}'),
    ({"set": {"l.5": 2}}, b'{"l":[0,1]}', b'{"l":[0,1]}'),
    ({"set": {"l.*": 2}}, b'{"l":[0,1]}', b'{"l":[2,2]}'),
    ({"set": {"l.*.n": 2}}, b'{"l":[{},{"n":1},5]}', b'{"l":[{"n":2},{"n":2},5]}'),
    ({"set": {"a": 1}}, b'{"a":1 }', b'{"a":1 }'),
    ({"set": {"a": {"b": [1, None]}}}, b'{"a":1}', b'{"a":{"b": [1, null]}}'),
    ({"set": {"a": 1}}, b"[1]", b"[1]"),
    ({"set": {"a": 1}}, b"7", b"7"),
    # default
    ({"default": {"a": 2}}, b'{"a": 1}', b'{"a": 1}'),
    ({"default": {"a": 2}}, b'{"a": null}', b'{"a": null}'),
    ({"default": {"a": 2}}, b'{"b": 1}', b'{"b": 1,"a":2}'),
    ({"default": {"l.*.n": 2}}, b'{"l":[{},{"n":1},{}]}', b'{"l":[{"n":2},{"n":1},{"n":2}]}'),
    ({"default": {"o.n": 2, "o.m": 3}}, b"{}", b'{"o":{"n":2,"m":3}}'),
    # rename
    ({"rename": {"a": "b"}}, b'{"a":1.10,"c":2}', b'{"c":2,"b":1.10}'),
    ({"rename": {"a": "b"}}, b'{"a":1}', b'{"b":1}'),
    ({"rename": {"a": "b"}}, b'{"a":1,"b":2}', b'{"b":1}'),
    ({"rename": {"a": "b"}}, b'{"b":2}', b'{"b":2}'),
    ({"rename": {"l.*.a": "b"}}, b'{"l":[{"a":1},{"a":2},{}]}', b'{"l":[{"b":1},{"b":2},{}]}'),
    ({"rename": {"a": "b"}}, b'{"a":12345678901234567890123}', b'{"b":12345678901234567890123}'),
    # all, in this order
    ({"remove": ["a"], "rename": {"b": "a"}, "set": {"c": 1}, "default": {"a": 9}}, b'{"a":1,"b":2}', b'{"a":2,"c":1}'),
]


@pytest.mark.parametrize(("given", "before", "after"), DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_document(given, before, after):
    found = edits(**given).edited(before)
    assert found == after
    if before == after:
        assert found is before


ITEMS = [
    ({"remove": ["a"]}, b'{"a":1,"b":2}', b'{"b":2}'),
    ({"set": {"a": 2}}, b'{"a":1}', b'{"a":2}'),
    ({"set": {"a": 2}}, b'{"b":1}', b'{"b":1}'),
    ({"set": {"a": 2}}, b'{"a":2}', b'{"a":2}'),
    ({"default": {"a": 2}}, b'{"b":1}', b'{"b":1}'),
    ({"set": {"a": 2}}, b'{"\\u0061":1}', b'{"\\u0061":2}'),
    ({"set": {"l.*.a": 2}}, b'{"l":[{"a":1},{"b":1}]}', b'{"l":[{"a":2},{"b":1}]}'),
    ({"set": {"l.0": 2}}, b'{"l":[1]}', b'{"l":[2]}'),
    ({"remove": ["a.b"]}, b'{"a":{"b":1}}', b'{"a":{}}'),
    ({"rename": {"a": "c"}}, b'{"a":1,"b":2}', b'{"b":2,"c":1}'),
]


@pytest.mark.parametrize(("given", "before", "after"), ITEMS, ids=range(len(ITEMS)))
def test_an_item_of_a_stream_gets_nothing_new(given, before, after):
    assert edits(**given).edited_item(before) == after


@pytest.mark.parametrize(("given", "touches"), [({"default": {"a": 1}}, False), ({"set": {"a": 1}}, True), ({}, False)])
def test_whether_items_are_touched_at_all(given, touches):
    assert edits(**given).touches_items is touches


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":}', b"\xff", b'{"a":1}x'])
@pytest.mark.parametrize("given", [{"remove": ["a"]}, {"set": {"a": 1}}, {"default": {"a": 1}}, {"rename": {"a": "b"}}])
def test_what_is_no_json_is_said(body, given):
    with pytest.raises(NotJSON):
        edits(**given).edited(body)


def test_too_many_places_are_said():
    body = json.dumps({"l": [{}] * (MOST_PLACES + 1)}).encode()
    with pytest.raises(TooMany, match=r"l\.\*\.n leads to more than 10000 places"):
        edits(default={"l.*.n": 1}).edited(body)


def test_many_places_are_one_pass():
    body = json.dumps({"l": [{}] * (MOST_PLACES - 1)}).encode()
    assert edits(default={"l.*.n": 1}).edited(body).count(b'{"n":1}') == MOST_PLACES - 1


def test_what_they_change():
    made = edits(remove=["a"], rename={"b": "c"}, set={"d.e": 1}, default={"f": 1})
    assert made.paths == {("a",), ("b",), ("d", "e"), ("f",)}


def test_where_something_is_missing():
    assert places(b'{"a":{"b":1},"l":[]}', ("a", "c")) == ([], [(("a",), ("c",))])
    assert places(b'{"a":{"b":1}}', ("a", "b")) == ([("a", "b")], [])
    assert places(b'{"a":{}}', ("a", "l", "*")) == ([], [])


NAMES = st.sampled_from("abc")
VALUES = st.recursive(st.integers(0, 9) | st.text("x<", max_size=2), lambda v: st.dictionaries(NAMES, v, max_size=3))


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.lists(NAMES, min_size=1, max_size=3), VALUES)
def test_set_is_what_python_does(document, path, value):
    expected = copy.deepcopy(document)
    node = expected
    for name in path[:-1]:
        node = node.setdefault(name, {}) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node[path[-1]] = value
    else:
        expected = document
    found = edits(set={".".join(path): value}).edited(json.dumps(document).encode())
    assert json.loads(found) == expected


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.lists(NAMES, min_size=1, max_size=3))
def test_remove_is_what_python_does(document, path):
    expected = copy.deepcopy(document)
    node = expected
    for name in path[:-1]:
        node = node.get(name) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(path[-1], None)
    found = edits(remove=[".".join(path)]).edited(json.dumps(document).encode())
    assert json.loads(found) == expected
