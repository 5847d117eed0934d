"""Typed netstrings: what mitmproxy writes is read, all else is refused, in linear time and bounded depth."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnetstrings import dumps

from proxy_daemon.core.cassettes.mitmproxy.tnetstring import DEPTH, Cut, NotTnetstring, span, value


def loads(data):
    where = span(data, 0, len(data))
    assert where.end == len(data) - 1
    return value(data, where)


READ = [
    (b"0:~", None),
    (b"4:true!", True),
    (b"5:false!", False),
    (b"3:-12#", -12),
    (b"18:1795267690.9034686^", 1795267690.9034686),
    (b"5:1e-05^", 1e-05),
    (b"3:inf^", math.inf),
    (b"2:\xff\x00,", b"\xff\x00"),
    (b"2:\xc3\xa9;", "\xe9"),
    (b"0:]", []),
    (b"0:}", {}),
    (b"8:1:1#1:2#]", [1, 2]),
    (b"13:4:code;3:200#}", {"code": 200}),
    (b"13:4:code,3:200#}", {"code": 200}),  # as older versions write their keys
    (b"16:1:a;1:1#1:a;1:2#}", {"a": 2}),
    (b"003:abc,", b"abc"),
]


@pytest.mark.parametrize(("data", "expected"), READ)
def test_what_is_read(data, expected):
    assert loads(data) == expected


REFUSED = [
    (b"abc", "no length"),
    (b":", "no length"),
    (b"-1:a,", "no length"),
    (b"1a,", "no length"),
    (b"1234567890123:", "no length"),
    (b"1:a?", "an unknown type"),
    (b"1:a\xff", "an unknown type"),
    (b"1:x#", "no integer"),
    (b"3:1_0#", "no integer"),
    (b"0:#", "no integer"),
    (b"50:" + b"9" * 50 + b"#", "no integer"),
    (b"2:1x^", "no number"),
    (b"2:+1^", "no number"),
    (b"1:1!", "neither true nor false"),
    (b"1:a~", "a null that holds something"),
    (b"1:\xff;", "not UTF-8"),
    (b"4:1:a;}", "a key without a value"),
    (b"8:1:1#1:2#}", "a key that is no text"),
    (b"3:a:b]", "no length"),
]


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_what_is_refused(data, reason):
    with pytest.raises(NotTnetstring, match=reason) as caught:
        loads(data)
    assert not isinstance(caught.value, Cut)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"5:ab", "4 of its octets are missing"), (b"2:ab", "1 of its octets are missing"), (b"12", "length is cut off")],
)
def test_what_is_cut_off(data, reason):
    with pytest.raises(Cut, match=reason):
        span(data, 0, len(data))


def test_an_inner_value_may_not_reach_beyond_its_list():
    data = b"4:5:ab]xxxxxx,"
    with pytest.raises(NotTnetstring, match="missing"):
        value(data, span(data, 0, len(data)))


def nested(levels):
    data = b"0:]"
    for _ in range(levels - 1):
        data = b"%d:%b]" % (len(data), data)
    return data


def test_depth_has_a_limit():
    assert loads(nested(DEPTH)) is not None
    for levels in (DEPTH + 1, 10_000):
        with pytest.raises(NotTnetstring, match=f"deeper than {DEPTH}"):
            loads(nested(levels))


def test_a_million_tiny_values():
    inner = b"0:~" * 1_000_000
    assert len(loads(b"%d:%b]" % (len(inner), inner))) == 1_000_000


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.binary(max_size=20)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read(given_value):
    assert loads(dumps(given_value)) == given_value


@given(VALUES, st.data())
def test_what_is_cut_anywhere_says_so(given_value, data):
    whole = dumps(given_value)
    part = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(Cut):
        span(part, 0, len(part))


@given(st.binary(max_size=40) | VALUES.map(dumps), st.integers(0, 60), st.integers(0, 255))
def test_damage_is_told(data, place, octet):
    damaged = data[:place] + bytes([octet]) + data[place + 1 :]
    with suppress(NotTnetstring):
        where = span(damaged, 0, len(damaged))
        assert where.end < len(damaged)
        value(damaged, where)
