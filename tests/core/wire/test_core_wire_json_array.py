"""Streamed JSON arrays: in any cut, written, broken in every way; and the arrays of the corpus."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire import Malformed, json_array, json_text
from proxy_daemon.core.wire.json_array import Element, JSONArrayReader
from tests import corpus
from tests.cut_streams import joined, random_cuts, read, same_for_any_cut, with_cuts

STREAMS = joined(
    *(
        b"[",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b",",
        b":",
        b'"',
        b'"',
        b"\\",
        b"\\\\",
        b'\\"',
        b" ",
        b"\r\n",
        b"1",
        b"-2.5e3",
    ),
    *(b"true", b"null", b'{"a":[1,{"b":"]}\\""}]}', b'"x"', b"[]", b"{}", b"\xff", b"\xc3\xa9", b"\n,\r\n", b"\0"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('"\\[]{},:a', max_size=4), inner, max_size=4),
    max_leaves=12,
)
ARRAYS = st.lists(VALUES, max_size=6)


def said(items):
    return [json_text.parse(element.data) for element in items if element.data]


@given(with_cuts(STREAMS | STREAMS.map(lambda data: b"[" + data)))
def test_any_octets_in_any_cut_and_whatever_is_an_array_is_read(stream_and_cuts):
    data, cuts = stream_and_cuts
    items, _, fault = same_for_any_cut(JSONArrayReader, data, cuts)
    try:
        value = json.loads(data)
    except ValueError:
        return
    if isinstance(value, list):
        assert (said(items), fault) == (value, None)
    else:
        assert (items, fault.reason) == ([], "this is no JSON array")


@given(ARRAYS, st.sampled_from([None, 0, 1, 3]), st.booleans(), st.data())
def test_arrays_of_any_layout_in_any_cut(values, indent, ascii_only, data):
    octets = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
    places = data.draw(st.lists(st.integers(0, len(octets)), max_size=9))
    items, rest, fault = same_for_any_cut(JSONArrayReader, octets, places)
    assert (said(items), rest, fault) == (json.loads(octets), b"", None)
    assert len(items) == len(values) + 1
    assert (items[-1].data, items[-1].name) == (b"", "")


def test_elements_have_what_stands_before_them():
    octets = b' [{"a":"]"}\n,\r\n[1, 2] , 3,"x\\\\",null\n]\n'
    items, *_ = read(JSONArrayReader(), octets)
    assert [(element.raw, element.data) for element in items] == [
        (b' [{"a":"]"}', b'{"a":"]"}'),
        (b"\n,\r\n[1, 2]", b"[1, 2]"),
        (b" , 3", b"3"),
        (b',"x\\\\"', b'"x\\\\"'),
        (b",null", b"null"),
        (b"\n]\n", b""),
    ]


@pytest.mark.parametrize(
    ("octets", "data"),
    [
        (b"[]", [b""]),
        (b" [ ] ", [b""]),
        (b"[[]]", [b"[]", b""]),
        (b"[[[1]],[]]", [b"[[1]]", b"[]", b""]),
        (b'["]"]', [b'"]"', b""]),
        (b'["\\"]"]', [b'"\\"]"', b""]),
        (b"[{]]", [b"{]", b""]),  # not paired: its text is no JSON
        (b"[1x]", [b"1x", b""]),
    ],
)
def test_what_the_elements_say(octets, data):
    assert [element.data for element in same_for_any_cut(JSONArrayReader, octets, ())[0]] == data


MANY = [0, 1, 63, 64, 65, 255, 256, 257, 600]  # around what one match takes


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("part", [b'"a]"', b"[]", b'{"a":"}"}', b"[[1]]", b'{"a":[{"b":[]}]}', b"1", b'"\\""'])
def test_elements_of_many_parts(part, count):
    octets = b"[1,[%b],2,%b]" % (b",".join([part] * count), b",".join([part] * (count + 1)))
    cuts = {1, 4, len(octets) // 3, len(octets) // 2, len(octets) - 2}
    items, rest, fault = same_for_any_cut(JSONArrayReader, octets, sorted(cuts))
    assert (said(items), rest, fault) == (json.loads(octets), b"", None)


def test_an_element_comes_with_its_last_octet_and_a_number_with_the_next():
    reader = JSONArrayReader()
    assert reader.feed(b'[{"a":1') == ()
    assert reader.feed(b"}") == [Element(b'[{"a":1}', 0)]
    assert reader.feed(b',"x') == ()
    assert reader.feed(b'"') == [Element(b',"x"', 8)]
    assert reader.feed(b",12") == ()
    assert reader.feed(b"3") == ()
    assert reader.feed(b",") == [Element(b",123", 12)]
    assert reader.feed(b"[]") == [Element(b",[]", 16)]
    assert (reader.feed(b"]"), reader.rest) == ((), b"]")
    assert reader.end() == [Element(b"]", 19)]
    assert (reader.end(), reader.rest) == ((), b"")


@pytest.mark.parametrize(
    ("octets", "data", "reason", "at"),
    [
        (b"{}", [], "no JSON array", 0),
        (b" x", [], "no JSON array", 1),
        (b'{"error": [1]}', [], "no JSON array", 0),
        (b"[,", [], "an element is missing", 1),
        (b"[1,]", [b"1"], "an element is missing", 3),
        (b"[1,,2]", [b"1"], "an element is missing", 3),
        (b"[}", [], "an element is missing", 1),
        (b"[1 2]", [b"1"], "neither a comma nor the end", 3),
        (b"[{}{}]", [b"{}"], "neither a comma nor the end", 3),
        (b"[1}", [b"1"], "neither a comma nor the end", 2),
        (b'[1"a"]', [b"1"], "neither a comma nor the end", 2),
        (b"[\x00]", [b""], "neither a comma nor the end", 1),
        (b"[1] x", [b"1"], "something stands behind the array", 4),
        (b"[1]]", [b"1"], "something stands behind the array", 3),
        (b"", [], "ends within an array", 0),
        (b" ", [], "ends within an array", 1),
        (b"[", [], "ends within an array", 1),
        (b"[1", [], "ends within an array", 2),
        (b"[1,", [b"1"], "ends within an array", 3),
        (b'["a\\"]', [], "ends within an array", 6),
        (b"[{}", [b"{}"], "ends within an array", 3),
    ],
)
def test_what_is_no_array_is_refused_behind_what_was_good(octets, data, reason, at):
    items, _, fault = same_for_any_cut(JSONArrayReader, octets, ())
    assert [element.data for element in items] == data
    assert (reason in fault.reason, fault.at) == (True, at)


@given(with_cuts(STREAMS.map(lambda data: b"[" + data)), st.integers(1, 20))
def test_the_limit_holds_in_any_cut(stream_and_cuts, limit):
    data, cuts = stream_and_cuts
    items, _, fault = same_for_any_cut(lambda: JSONArrayReader(limit), data, cuts)
    unlimited, _, other = read(JSONArrayReader(), data)
    assert items == unlimited[: len(items)]
    assert all(len(element.raw) <= limit for element in items)
    assert str(fault) == str(other) or "limit" in fault.reason


@pytest.mark.parametrize("filler", [b"[", b"{", b"x", b"\\", b'"', b'"",', b"1,", b"[]", b"[],", b" ", b'{"":', b"]["])
@pytest.mark.parametrize("begin", [b"[", b"[[", b'["', b'[["'])
def test_hostile_text_in_small_pieces_is_no_trouble(filler, begin):
    reader = JSONArrayReader()
    piece = (filler * 16384)[:16384]
    fed = [begin, *[piece] * 20]
    items = []
    try:
        for data in fed:
            items += reader.feed(data)
    except Malformed:
        return
    assert b"".join(element.raw for element in items) + reader.rest == b"".join(fed)


def test_depth_and_length_are_no_trouble():
    deep = b"[" * 2_000_000 + b"]" * 2_000_000
    element, end = read(JSONArrayReader(), deep, range(0, len(deep), 16384))[0]
    assert (len(element.data), end.data) == (len(deep) - 2, b"")
    with pytest.raises(json_text.NotJSON, match="nested too deep"):
        json_text.parse(element.data)
    long = b'["' + b"x" * (64 * 1_048_576)
    _, rest, fault = read(JSONArrayReader(), long, range(0, len(long), 1_048_576))
    assert ("over the limit" in fault.reason, len(rest)) == (True, len(long))


@given(ARRAYS)
def test_what_is_written_is_read_again(values):
    octets = json_array.write(values)
    assert json.loads(octets) == values
    assert said(read(JSONArrayReader(), octets)[0]) == values


def test_how_it_is_written():
    assert json_array.write([]) == b"[\n]\n"
    assert json_array.write([{"a": 1}, b"[ ]"]) == b'[{"a":1}\n,\r\n[ ]\n]\n'
    assert json_array.write_element("é", first=True) + json_array.END == '["é"\n]\n'.encode()
    with pytest.raises(json_text.NotJSON):
        json_array.write([object()])


@pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing())
def test_the_arrays_of_the_corpus():
    arrays = elements = 0
    for one in corpus.interactions():
        for body in (one.request.body.whole(), one.response.body.whole()):
            try:
                value = json.loads(body) if body and body.lstrip()[:1] in (b"[", b"{") else None
            except ValueError:
                continue
            for array in _arrays_within(value):
                octets = json.dumps(array, ensure_ascii=False, indent=arrays % 3 or None).encode("utf-8", "replace")
                items, rest, fault = read(JSONArrayReader(), octets, random_cuts(octets, arrays))
                assert (said(items), rest, fault) == (array, b"", None), one.file
                arrays, elements = arrays + 1, elements + len(items) - 1
    print(f"{arrays} arrays, {elements} elements")
    assert arrays > 2000


def _arrays_within(value):
    """The body itself, or its largest members: conversations, tools, choices, candidates."""
    if isinstance(value, list):
        yield value
    elif isinstance(value, dict):
        yield from (member for member in value.values() if isinstance(member, list))
