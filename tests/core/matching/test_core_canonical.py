"""The canonical form of JSON. The vectors pin it: fingerprints in people's stores depend on each octet."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching.canonical import canonical_json

VECTORS = [
    (b"{}", b"{}"),
    (b"[]", b"[]"),
    (b" \t\r\n[ ] \n", b"[]"),
    (b'{"b":1,"a":2}', b'{"a":2,"b":1}'),
    (b'{ "b" : [ 1 , 2 ] , "a" : { "d" : null , "c" : true } }', b'{"a":{"c":true,"d":null},"b":[1,2]}'),
    (b"[3,1,2]", b"[3,1,2]"),
    (b"[1, 1.0, 1.00, 1e0, 1E0, 10e-1]", b"[1,1.0,1.00,1e0,1E0,10e-1]"),
    (b"[0, -0, -0.0, 0e999]", b"[0,-0,-0.0,0e999]"),
    (b"[1e999999999, -1e999999999]", b"[1e999999999,-1e999999999]"),
    (b"[0.1000000000000000055511151231257827]", b"[0.1000000000000000055511151231257827]"),
    (b"[18446744073709551617, 9007199254740993]", b"[18446744073709551617,9007199254740993]"),
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
    (b" 1.50 ", b"1.50"),
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
    (b'{"a":1}', b'{"a":1.0}'),
    (b'{"a":1e3}', b'{"a":1000}'),
    (b'{"a":1e3}', b'{"a":1E3}'),
    (b'{"a":0}', b'{"a":-0}'),
    (b'{"a":1}', b'{"a":"1"}'),
    (b'{"a":1}', b'{"a":true}'),
    (b'{"a":null}', b"{}"),
    (b'{"a":[]}', b'{"a":{}}'),
    (b'{"a":""}', b'{"a":null}'),
    (b"[1,2]", b"[2,1]"),
    (b"[[1],2]", b"[1,[2]]"),
    (b'{"a":9007199254740992}', b'{"a":9007199254740993}'),
    (b'{"a":1e400}', b'{"a":1e401}'),
    (b'{"a":"x"}', b'{"a":"x "}'),
    (b'{"a":"x"}', b'{"A":"x"}'),
    (b'{"a":{"b":1}}', b'{"a":{},"b":1}'),
    (b'["\\\\u0041"]', b'["\\u0041"]'),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(("data", "canonical"), VECTORS, ids=lambda data: data[:30])
def test_the_form_is_pinned(data, canonical):
    assert canonical_json(data) == canonical


@pytest.mark.parametrize("data", WITHOUT, ids=lambda data: data[:30])
def test_what_cannot_be_exact_has_no_form(data):
    assert canonical_json(data) is None


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_meaning_has_one_form(one, other):
    assert canonical_json(one) == canonical_json(other) is not None


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_meaning_has_another_form(one, other):
    assert None is not canonical_json(one) != canonical_json(other) is not None


@pytest.mark.parametrize("depth", [1, 100, 200])
def test_common_depth_has_a_form(depth):
    data = b'[{"a":' * (depth // 2) + b"[]" + b"}]" * (depth // 2)
    assert canonical_json(data) == data


@pytest.mark.parametrize("depth", range(240, 300, 7))
def test_the_limit_of_depth_does_not_depend_on_the_stack(depth):
    """A text that had a form on one path of the program and none on another would have two fingerprints."""
    data = b"[" * depth + b"]" * depth

    def deeper(frames):
        return canonical_json(data) if frames == 0 else deeper(frames - 1)

    assert deeper(300) == canonical_json(data)


@given(values)
def test_form_means_the_same_and_is_its_own_form(value):
    data = json.dumps(value).encode()
    canonical = canonical_json(data)
    assert canonical is not None
    assert json.loads(canonical) == json.loads(data)
    assert canonical_json(canonical) == canonical


@given(values, st.randoms())
def test_key_order_spacing_and_escapes_do_not_count(value, random):
    shuffled = _shuffled(value, random)
    one = json.dumps(value, ensure_ascii=False).encode()
    other = json.dumps(shuffled, indent=random.choice([None, 0, 3]), separators=(" , ", " : ")).encode()
    assert canonical_json(one) == canonical_json(other)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ue0129.-+ \n', max_size=40).map(str.encode))
def test_any_octets_have_a_form_or_none(data):
    canonical = canonical_json(data)
    if canonical is not None:
        assert canonical_json(canonical) == canonical
        json.loads(data)
    else:
        _refused_for_a_reason(data)


def _refused_for_a_reason(data):
    """A strict parser refuses it as well, or two keys are equal."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    pairs = []
    json.JSONDecoder(object_pairs_hook=pairs.append).decode(data.decode())
    assert any(len(dict(members)) < len(members) for members in pairs)


def _shuffled(value, random):
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {name: _shuffled(value[name], random) for name in names}
    return [_shuffled(member, random) for member in value] if isinstance(value, list) else value
