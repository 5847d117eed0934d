"""What is no JSON is refused with its place; what is deep, long or made to be slow costs no more than its length.

Inputs are so large that anything quadratic would not come to an end.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import splice
from proxy_daemon.core.splice import Add, NotJSON, Remove, Replace, grammar

DEEP = 10_000
MANY = 100_000
# (text, reason, at)
NOT_JSON = [
    (b"", "cut off", 0),
    (b"  \n", "cut off", 3),
    (b"\xef\xbb\xbf", "cut off", 3),
    (b"[DONE]", "no value", 1),
    (b"{", "cut off", 1),
    (b"[", "cut off", 1),
    (b'{"a"', "no name", 1),
    (b'{"a":', "cut off", 5),
    (b'{"a":1', "neither a comma nor }", 6),
    (b'{"a":1]', "neither a comma nor }", 6),
    (b"[1}", "neither a comma nor ]", 2),
    (b"[1 2]", "neither a comma nor ]", 2),
    (b"[1,]", "no value", 3),
    (b"[,1]", "no value", 1),
    (b'{"a":1,}', "no name", 7),
    (b"{,}", "no name", 1),
    (b"{1:2}", "no name", 1),
    (b"{'a':2}", "no name", 1),
    (b'{"a" 1}', "no name", 1),
    (b"[1]]", "something behind the value", 3),
    (b"1 2", "something behind the value", 2),
    (b'{"a":1}{"a":2}', "something behind the value", 7),
    (b"01", "something behind the value", 1),
    (b"1.", "something behind the value", 1),
    (b"1e", "something behind the value", 1),
    (b"+1", "no value", 0),
    (b".5", "no value", 0),
    (b"-", "no value", 0),
    (b"nan", "no value", 0),
    (b"[Infinite]", "no value", 1),
    (b"-NaN", "no value", 0),
    (b"[nul]", "no value", 1),
    (b"True", "no value", 0),
    (b'"abc', "no value", 0),
    (b'"abc\\"', "no value", 0),
    (b'"a\\x"', "no such escape", 2),
    (b'"\\u12g4"', "no such escape", 1),
    (b'"\\\\\\u1"', "no such escape", 3),
    (b'"a\nb"', "a control character in the string", 0),
    (b'["ok",\n"a\x00b"]', "a control character in the string", 7),
    (b'"\xff"', "not UTF-8", 1),
    (b'"\xc3', "not UTF-8", 1),
    (b'"\xed\xa0\x80"', "not UTF-8", 1),
    ("[1]".encode("utf-16"), "not UTF-8", 0),
    (b"[1]\x00", "something behind the value", 3),
    (b"\xc2\xa01", "no value", 0),
    (b"// no\n1", "no value", 0),
    (b"<html>", "no value", 0),
    (b"data: {}", "no value", 0),
]


@pytest.mark.parametrize(("text", "reason", "at"), NOT_JSON)
def test_what_is_no_json_is_refused_with_its_place(text, reason, at):
    for path in ((), ("a",), (0,)):
        with pytest.raises(NotJSON, match="not JSON: ") as caught:
            splice.find(text, path)
        assert caught.value.reason == reason
        assert caught.value.at == at or reason == "a control character in the string"


@pytest.mark.parametrize("opener", [b"[", b'{"a":', b'[0,{"a":1,"b":'])
def test_what_is_broken_deep_within_is_refused(opener):
    closer = bytes({91: 93, 123: 125}[octet] for octet in reversed(opener) if octet in b"[{")
    good = opener * DEEP + b"1" + closer * DEEP
    assert splice.find(good, ()).of(good) == good
    for bad in (good[:-1], good.replace(b"1" + closer, b"01" + closer), good.replace(b"]", b"}", 1)[:-1]):
        with pytest.raises(NotJSON):
            splice.find(bad, ("a", "b"))


def test_in_ten_thousand_levels_things_are_found_and_changed():
    deep = b'{"a":1,"z":' * DEEP + b"2" + b"}" * DEEP
    text = b'{"model":"x","deep":' + deep + b',"end":[' + b"[" * DEEP + b"]" * DEEP + b"]}"
    assert splice.find(text, ("deep", "z", "z", "a")).of(text) == b"1"
    assert splice.find(text, ("deep", *["z"] * 255)).of(text) == deep[255 * 11 : -255]
    assert splice.replace(text, ("deep",), 0) == text.replace(deep, b"0")
    assert splice.removed(text, ("end", 0)) == text.replace(b"[" * DEEP + b"]" * DEEP, b"")


LARGE = {
    "a long string": (b'"' + b"x" * (8 << 20), b'"'),
    "one of escapes": (b'"' + b"\\n" * (2 << 20), b'"'),
    "one of quotes": (b'"' + b'\\"' * (2 << 20), b'"'),
    "one of backslashes": (b'"' + b"\\\\" * (2 << 20), b'"'),
    "a long number": (b"1" * (8 << 20), b""),
    "white space": (b" " * (8 << 20) + b"1", b" " * (8 << 20)),
    "spaces between": (b"[" + b"1    ,\n " * MANY + b"2", b"]"),
    "a list of numbers": (b"[" + b"1," * MANY + b"2", b"]"),
    "a list of lists": (b"[" + b"[]," * MANY + b"2", b"]"),
    "a list of deep ones": (b"[" + b"[[[[[[1,1]]]]]]," * (MANY // 10) + b"2", b"]"),
    "members": (b"{" + b'"a":{"b":1},' * MANY + b'"c":2', b"}"),
    "a list of strings": (b"[" + b'"\xc3\xa9\\"",' * MANY + b"2", b"]"),
    "long and deep": ((b"[" + b"1," * 255) * 2000 + b"[]", b"]" * 2000),
    "longer and deep": ((b'{"x":' + b"[1," * 4 + b"2" + b"]" * 4 + b',"y":') * 3000 + b"0", b"}" * 3000),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_texts_take_no_more_than_their_length(kind):
    begin, end = LARGE[kind]
    text = b'{"first":' + begin + end + b',"model":"x"}'
    assert splice.replace(text, ("model",), "y") == text[:-4] + b'"y"}'
    assert splice.find(text, ("first",)).of(text) == (begin + end).strip()
    cut = b'{"model":"x","first":' + begin
    with pytest.raises(NotJSON):
        splice.replace(cut, ("model",), "y")
    with pytest.raises(NotJSON):
        splice.replace(text[:-1], ("first", 0), "y")


def test_many_edits_are_one_pass():
    text = b'{"m":[' + b'{"c":1,"d":[2,3]},' * MANY + b'{"c":0}]}'
    result = splice.edited(text, [Replace(("m", "*", "c"), 7), Remove(("m", "*", "d", 0)), Add(("m", "*", "e"), 8)])
    assert result == b'{"m":[' + b'{"c":7,"d":[3],"e":8},' * MANY + b'{"c":7,"e":8}]}'
    many = [Replace((index,), 1) for index in range(2000)]
    assert json.loads(splice.edited(b"[" + b"0," * 1999 + b"0]", many)) == [1] * 2000


def test_a_name_that_is_there_very_often_is_removed_every_time():
    assert splice.removed(b"{" + b'"a":[1],' * MANY + b'"b":2}', ("a",)) == b'{"b":2}'
    assert splice.replace(b"{" + b'"a":[1],' * MANY + b'"a":2}', ("a",), 3) == b"{" + b'"a":[1],' * MANY + b'"a":3}'


def test_utf8_is_read_across_the_parts_in_which_it_is_checked():
    text = b'"' + b"x" * (grammar._PART - 2) + "\u20ac".encode() + b"y" * 10
    assert splice.find(text + b'"', ()).end == len(text) + 1
    for cut in (b"\xe2\x82", b"\xe2", b"\xe2\x82x"):
        bad = text[: grammar._PART - 1] + cut
        with pytest.raises(NotJSON) as caught:
            splice.find(bad, ())
        assert (caught.value.reason, caught.value.at) == ("not UTF-8", grammar._PART - 1)


SEEDS = [text for text, *_ in NOT_JSON] + [b'{"a":[1,{"b":"\\u00e9\\\\"}],"a":[{"b":[]}], "c":-1.5e3}']


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=3)), max_size=4))
def test_damaged_texts_are_refused_or_edited_whole(text, damage):
    for at, octets in damage:
        text = text[:at] + octets + text[at + 1 :]
    try:
        result = splice.edited(text, [Add(("c",), 1), Remove(("a", 0))])
    except NotJSON:
        return
    if result is not None:
        assert json.loads(result.removeprefix(b"\xef\xbb\xbf"), parse_int=str)["c"] == "1"
