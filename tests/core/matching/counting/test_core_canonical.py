"""The canonical form of JSON. The vectors pin it: fingerprints in people's stores depend on each octet."""

import json
from decimal import Decimal

import orjson
import pytest
from bodies_of_requests import BY_NAME
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching.counting.canonical import canonical_json
from proxy_daemon.core.matching.counting.exact import NotExact, exact
from proxy_daemon.core.matching.counting.match_on import MatchOn
from proxy_daemon.core.matching.counting.rules import Rules

APPLY = Rules.of(BY_NAME["openai-embeddings"], MatchOn(), ()).apply


EXACT = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)


def parsed(data):
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def form(data):
    """By both ways: the quick one must never say something else than the exact one."""
    slow = canonical_json(data, None, APPLY)
    assert canonical_json(data, parsed(data), APPLY) == slow
    return slow


VECTORS = [
    (b"{}", b"{}"),
    (b"[]", b"[]"),
    (b" \t\r\n[ ] \n", b"[]"),
    (b'{"b":1,"a":2}', b'{"a":2,"b":1}'),
    (b'{ "b" : [ 1 , 2 ] , "a" : { "d" : null , "c" : true } }', b'{"a":{"c":true},"b":[1,2]}'),
    (b"[3,1,2]", b"[3,1,2]"),
    (b"[1, 1.0, 1.00, 1e0, 1E0, 10e-1]", b"[1,1,1,1,1,1]"),
    (b"[0, -0, -0.0, 0e999]", b"[0,0,0,0]"),
    (b"[1e999999999, -1e999999999]", b"[1e999999999,-1e999999999]"),
    (b"[0.1000000000000000055511151231257827]", b"[1000000000000000055511151231257827e-34]"),
    (b"[18446744073709551617, 9007199254740993]", b"[18446744073709551617e0,9007199254740993e0]"),
    (b"[9007199254740991, 9007199254740992]", b"[9007199254740991,9007199254740992e0]"),
    (b"[1e20, 100000000000000000000, 1.0e+20]", b"[1e20,1e20,1e20]"),
    (b"[1e15, 1000000000000000]", b"[1000000000000000,1000000000000000]"),
    (b"[1e18, 1000000000000000000, 1.23456789012345e18]", b"[1e18,1e18,123456789012345e4]"),
    (b"[0.001, 1e-3, 0.0001, 1e-4, 1e-300, 1e-400]", b"[0.001,0.001,1e-4,1e-4,1e-300,1e-400]"),
    (b"[0.2, 0.20, 2e-1, -0.5, 12345.678]", b"[0.2,0.2,0.2,-0.5,12345.678]"),
    (b"[1e99999999999999999999]", b"[1e99999999999999999999]"),
    (b"[" + b"9" * 20_000 + b"]", b"[" + b"9" * 20_000 + b"]"),
    (b'["\\u0041\\u00e9\\/"]', '["Aé/"]'.encode()),
    ('["é"]'.encode(), '["é"]'.encode()),
    (b'["\\ud83d\\ude00"]', '["😀"]'.encode()),
    (b'["\\u0000\\u001f\\n\\t\\b\\f\\r\\"\\\\"]', b'["\\u0000\\u001f\\n\\t\\b\\f\\r\\"\\\\"]'),
    (b'["\\u000a\\u0022\\u005C"]', b'["\\n\\"\\\\"]'),
    (b'["\x7f\\u2028"]', '["\x7f\u2028"]'.encode()),
    (b'{"\\u0062":1,"a":2}', b'{"a":2,"b":1}'),
    (b'{"":0," ":1}', b'{"":0," ":1}'),
    (b'{"\xc3\xa9":1,"z":2,"Z":3,"\xf0\x9f\x98\x80":4}', b'{"Z":3,"z":2,"\xc3\xa9":1,"\xf0\x9f\x98\x80":4}'),
    # normal forms of Unicode are not made equal: models read them differently
    (b'["\\u00e9","e\\u0301"]', '["é","e\u0301"]'.encode()),
    (b'{"a":{"a":1},"b":{"a":1}}', b'{"a":{"a":1},"b":{"a":1}}'),
    (b"null", b"null"),
    (b'"x"', b'"x"'),
    (b" 1.50 ", b"1.5"),
    (b'{"a":{"b":null},"c":[],"d":{},"e":[null,[],{}]}', b'{"e":[null,[],{}]}'),
    (b'{"tools":[{"search":{}},{"code":{},"x":null}]}', b'{"tools":[{"search":{}},{"code":{}}]}'),
    (b'{"choice":{"auto":{}},"other":{"a":1,"b":{}}}', b'{"choice":{"auto":{}},"other":{"a":1}}'),
    (b'{"mcp":{"x":1,"allowed_tools":[]}}', b'{"mcp":{"allowed_tools":[],"x":1}}'),
    (b'{"a":{"parameters":{"b":null,"c":[],"d":1.0}}}', b'{"a":{"parameters":{"b":null,"c":[],"d":1}}}'),
    (b'{"parameters":{"b":null,"c":1}}', b'{"parameters":{"c":1}}'),
    (b'{"format":{"b":null,"c":1}}', b'{"format":{"b":null,"c":1}}'),
]
WITHOUT = [
    b"",
    b" ",
    b"{",
    b"[1,]",
    b"{a:1}",
    b"{'a':1}",
    b'{"a":1,}',
    b"[1] [2]",
    b"[1]x",
    b"[01]",
    b"[+1]",
    b"[1.]",
    b"[.5]",
    b"[1e]",
    b"[- 1]",
    b"[0x10]",
    b"[NaN]",
    b"[Infinity]",
    b"[-Infinity]",
    b"[nan]",
    b"[True]",
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',
    b'[{"x":{"a":1,"b":2,"a":3}}]',
    b'["\\ud800"]',
    b'{"\\udc00":1}',
    b'["\\ude00\\ud83d"]',
    b'["\xff"]',
    b'["\xed\xa0\x80"]',
    b'["\xc0\xaf"]',
    b'["\n"]',
    b'["\x00"]',
    b'["\\x41"]',
    b'["\\u00g0"]',
    b'["\\u12"]',
    b'["a',
    b"\xef\xbb\xbf[]",
    "[]".encode("utf-16"),
    b"\x0b[]",
    b"[\xc2\xa01]",
    b"[\xd9\xa1]",  # a digit, but not of ASCII
    b"/* */[]",
    b'{"a":1}\n{"a":2}',
    b"data: {}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
]
SAME = [
    (b'{"a":1,"b":[true,null]}', b'\n{ "b" : [true , null],\t"a":1}'),
    (b'{"text":"caf\\u00E9 \\/ \\u0041"}', '{"text":"café / A"}'.encode()),
    (b'{"a":{"y":1,"x":2},"b":3}', b'{"b":3,"a":{"x":2,"y":1}}'),
]
DIFFERENT = [
    (b'{"a":1}', b'{"a":1.5}'),
    (b'{"a":1e3}', b'{"a":1001}'),
    (b'{"a":0}', b'{"a":1e-400}'),
    (b'{"a":1}', b'{"a":"1"}'),
    (b'{"a":1}', b'{"a":true}'),
    (b'{"a":0}', b'{"a":false}'),
    (b'{"a":false}', b"{}"),
    (b'{"a":0}', b"{}"),
    (b'{"a":""}', b'{"a":null}'),
    (b'{"a":[null]}', b'{"a":[]}'),
    (b'{"a":[{}]}', b'{"a":[]}'),
    (b'{"a":[{"b":{}}]}', b'{"a":[{"c":{}}]}'),
    (b"[1,2]", b"[2,1]"),
    (b"[[1],2]", b"[1,[2]]"),
    (b'{"a":9007199254740992}', b'{"a":9007199254740993}'),
    (b'{"a":9007199254740992}', b'{"a":9007199254740992.5}'),
    (b'{"a":12345678901234567890}', b'{"a":12345678901234567891}'),
    (b'{"a":0.1}', b'{"a":0.10000000000000001}'),
    (b'{"a":123456789.12345678}', b'{"a":123456789.123456781}'),
    (b'{"a":1e400}', b'{"a":1e401}'),
    (b'{"a":"x"}', b'{"a":"x "}'),
    (b'{"a":"x"}', b'{"A":"x"}'),
    (b'{"a":{"b":1}}', b'{"a":{},"b":1}'),
    (b'["\\\\u0041"]', b'["\\u0041"]'),
    (b'["#0"]', b'["#1"]'),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(("data", "canonical"), VECTORS, ids=lambda data: data[:30])
def test_the_form_is_pinned(data, canonical):
    assert form(data) == canonical


@pytest.mark.parametrize("data", WITHOUT, ids=lambda data: data[:30])
def test_what_cannot_be_exact_has_no_form(data):
    assert form(data) is None


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_meaning_has_one_form(one, other):
    assert form(one) == form(other) is not None


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_meaning_has_another_form(one, other):
    assert None is not form(one) != form(other) is not None


def test_a_key_that_stands_twice_is_seen_behind_an_escaped_colon():
    """The text has as many colons as what was read of it: one is hidden in an escape."""
    assert form(b'{"a":"\\u003a","b":1,"b":2}') is None
    assert form(b'{"a":"\\u003a","b":2}') == b'{"a":":","b":2}'


@pytest.mark.parametrize("depth", [1, 50, 99])
def test_common_depth_has_a_form(depth):
    data = b"[" * depth + b"1" + b"]" * depth
    assert form(data) == data


@pytest.mark.parametrize("depth", [99, 100, 102, 150, 254, 255, 600, 10_000])
def test_the_limit_of_depth_does_not_depend_on_the_stack(depth):
    """A text that had a form on one path of the program and none on another would have two fingerprints."""
    data = b'{"parameters":[' * (depth // 2) + b"1.0" + b"]}" * (depth // 2)
    value = parsed(data)

    def deeper(frames):
        return canonical_json(data, value, APPLY) if frames == 0 else deeper(frames - 1)

    assert deeper(300) == canonical_json(data, value, APPLY) == canonical_json(data, None, APPLY)
    assert (deeper(0) is None) == (depth > 100)


@given(values)
def test_form_means_the_same_and_is_its_own_form(value):
    data = json.dumps(value).encode()
    canonical = form(data)
    assert canonical is not None
    assert without_empties(EXACT.decode(canonical.decode())) == without_empties(EXACT.decode(data.decode()))
    assert form(canonical) == canonical


@given(values, st.randoms())
def test_key_order_spacing_and_escapes_do_not_count(value, random):
    shuffled = _shuffled(value, random)
    one = json.dumps(value, ensure_ascii=False).encode()
    other = json.dumps(shuffled, indent=random.choice([None, 0, 3]), separators=(" , ", " : ")).encode()
    assert form(one) == form(other)


numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,25})([.][0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(numbers, numbers)
def test_two_numbers_have_one_form_exactly_where_they_are_equal(one, other):
    forms = form(b'{"a":%b}' % one.encode()), form(b'{"a":%b}' % other.encode())
    assert (forms[0] == forms[1]) == (Decimal(one) == Decimal(other))


@given(numbers)
def test_a_number_that_is_spelled_anew_keeps_its_form(text):
    sign, digits, exponent = Decimal(text).as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    spelled = f"{'-' * sign}{written}00E{int(exponent) - 2}" if written else "-0.0e7"
    assert form(b"[%b]" % spelled.encode()) == form(b"[%b]" % text.encode())


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ue0129.-+ \n', max_size=40).map(str.encode))
def test_any_octets_have_a_form_or_none(data):
    canonical = form(data)
    if canonical is not None:
        assert form(canonical) == canonical
        json.loads(data)
    else:
        _refused_for_a_reason(data)


def _refused_for_a_reason(data):
    """A strict parser refuses it as well, or two keys are equal."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    with pytest.raises(NotExact):
        exact(data)


def without_empties(value):
    """A second and slower rule: whatever could be dropped is, and numbers are compared as numbers."""
    if isinstance(value, dict):
        members = {name: without_empties(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member not in (None, [], {}) or member is False}
    return [without_empties(member) for member in value] if isinstance(value, list) else value


def _shuffled(value, random):
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {name: _shuffled(value[name], random) for name in names}
    return [_shuffled(member, random) for member in value] if isinstance(value, list) else value
