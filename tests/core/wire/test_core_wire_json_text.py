"""JSON from hostile hands: a value or a reason; nothing else, and never slowly."""

import json
import math
import os

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire import json_text
from proxy_daemon.core.wire.json_text import BOM, LARGEST_ODD, NotJSON, has_long_integer, parse
from tests import corpus
from tests.cut_streams import joined

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
OCTETS = joined(
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b":",
        b'"',
        b'"',
        b"\\",
        b"\\ud83d",
        b"\\ude00",
        b"\\u12",
        b"NaN",
        b"-",
        b"1",
        b" ",
    ),
    *(b"-Infinity", b"1e999", b"9" * 30, b".", b"e", b'{"a":1,"a":2}', BOM, b"\xff", b"\xc3", b"\xa9", b"\0", b"null"),
)


@given(VALUES)
def test_what_is_json_is_read_as_the_standard_library_does(value):
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace")) == value


@given(OCTETS | st.binary(max_size=20))
def test_any_octets_are_a_value_or_a_reason(octets):
    expected = _read_slowly(octets)
    if expected is None:
        with pytest.raises(NotJSON) as caught:
            parse(octets)
        assert caught.value.reason == str(caught.value) != ""
    else:
        value = parse(octets)
        assert repr(value) == repr(json.loads(expected))
        json.dumps(value, ensure_ascii=False).encode()  # no lone surrogates


def _read_slowly(octets):
    """The text with its lone surrogates taken out by way of the values; None where it is no JSON."""
    try:
        halves = json.dumps(json.loads(octets.removeprefix(BOM).decode()), ensure_ascii=False)
    except ValueError:
        return None
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in halves)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b'{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
        (b'{"a":1,"a":NaN,"a":2}', {"a": 2}),
        (b"[Infinity, -Infinity]", [math.inf, -math.inf]),
        (b"1e999", math.inf),
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", 2**64),
        (b"[-9223372036854775809]", [-(2**63) - 1]),
        (b'{"id":' + b"7" * 4000 + b"}", {"id": int("7" * 4000)}),
        (b"0.12345678901234567890123", 0.12345678901234567890123),
        (b'"1234567890123456789012345"', "1234567890123456789012345"),
        (BOM + b"1", 1),
        (b' \t\r\n"\xf0\x9f\x98\x80" ', "😀"),
        (rb'"\ud83d\ude00 \ud83d \ude00\ud83d"', "😀 \ufffd \ufffd\ufffd"),
        (rb'"\\ud83d \\\ud83d \ud83d\ud83d\ude00"', "\\ud83d \\\ufffd \ufffd😀"),
        (rb'{"\ud800": 1}', {"\ufffd": 1}),
    ],
)
def test_what_is_odd_has_a_value(octets, value):
    found = parse(octets)
    assert (found, type(found)) == (value, type(value))


def test_nan():
    assert math.isnan(parse(b"NaN"))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "Expecting value at character 0"),
        (b"[DONE]", "Expecting value at character 1"),
        (b"{} x", "Extra data at character 3"),
        (b"[1,]", "character 3"),
        (b'{"a":1', "character 6"),
        (b'"\n"', "Invalid control character at character 1"),
        (b'"\xff"', "not UTF-8: invalid start byte at octet 1"),
        (b'"\xc3', "not UTF-8: unexpected end of data at octet 1"),
        (b'"\xed\xa0\x80"', "not UTF-8: invalid continuation byte at octet 1"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (rb'"\ud8zz"', "Invalid"),
        (rb'"\x"', "Invalid"),
        (b"9" * 5000, "an integer with too many digits"),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested too deep"),
        (b"[NaN," + b"[" * 10_000, "nested too deep"),
        (b"[" * 10_000_000, "nested too deep"),
        (b"nan", "Expecting value"),
        (b"'a'", "Expecting value"),
        (b"\0", "Expecting value"),
    ],
)
def test_what_is_no_json_has_a_reason(octets, reason):
    with pytest.raises(NotJSON) as caught:
        parse(octets)
    assert reason in caught.value.reason


def test_a_huge_text_is_read_by_the_fast_library_or_refused(monkeypatch):
    monkeypatch.setattr(json_text, "LARGEST_ODD", 100)
    assert parse(b"[" + b"1," * 100 + b"1]") == [1] * 101
    for odd, reason in ((b"NaN", "unexpected character"), (b"9" * 30, "an integer beyond 64 bits")):
        with pytest.raises(NotJSON, match=f"{reason}.*in a text of"):
            parse(b"[" + odd + b",1" * 100 + b"]")
        assert len(parse(b"[" + odd + b",1]")) == 2
    assert LARGEST_ODD == 64 * 1024 * 1024


@pytest.mark.parametrize(
    "octets",
    [
        b'["' + rb"\n" * 500_000 + b'",NaN]',
        b'["' + rb"\ud83d" * 300_000 + b'"]',
        b'["' + rb"\ud8z" * 300_000 + b'"]',
        b"\\" * 2_000_000,
        b"-" * 2_000_000,
        b'"' * 2_000_000,
        b"[" + b"1234567890123456789012," * 100_000 + b"1]",
        b"{" + b'"a":1,' * 300_000 + b'"a":NaN}',
    ],
)
def test_what_is_long_and_odd_is_no_trouble(octets):
    reasons = []
    try:
        parse(octets)
    except NotJSON as error:
        reasons.append(error.reason)
    assert all(len(reason) < 100 for reason in reasons)


@given(VALUES)
def test_an_integer_that_would_be_rounded_is_seen(value):
    octets = json.dumps(value).encode()
    try:
        exact = orjson.loads(octets) == value and repr(orjson.loads(octets)) == repr(value)
    except orjson.JSONDecodeError:
        return
    assert exact or has_long_integer(octets)


def test_texts_of_most_kinds_are_left_to_the_fast_library():
    for octets in (b'{"a":[1.5,0.0012345678901234567890]}', b'{"n":123456789012345678}', b"[1,22,333]"):
        assert not has_long_integer(octets)


@given(VALUES)
def test_what_is_written_is_read_again(value):
    assert parse(json_text.write(value)) == value


def test_how_it_is_written():
    assert json_text.write({"é": [1, None, 2**70, "\ud800"]}) == '{"é":[1,null,1180591620717411303424,"?"]}'.encode()
    assert json_text.write(math.nan) == b"NaN"


def test_what_cannot_be_written_has_a_reason():
    deep = circular = []
    for _ in range(10_000):
        deep = [deep]
    circular.append(circular)
    for value in (object(), b"x", {(1, 2): 3}, deep, circular):
        with pytest.raises(NotJSON, match="cannot be written as JSON"):
            json_text.write(value)


@pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing())
def test_the_bodies_of_the_corpus():
    values = reasons = 0
    for one in corpus.interactions():
        for body in (one.request.body.whole(), one.response.body.whole()):
            try:
                value = json.loads(body.decode())
            except ValueError:
                with pytest.raises(NotJSON):
                    parse(body)
                reasons += 1
            else:
                assert parse(body) == value, one.file
                assert parse(json_text.write(value)) == value, one.file
                values += 1
    print(f"{values} bodies are JSON, {reasons} are not")
    assert values > 3000
