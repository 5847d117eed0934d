"""Header fields: order, case and repetition stay; names are compared without case; hop-by-hop fields do not pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import HOP_BY_HOP, Headers

NAMES = st.sampled_from([b"Host", b"HOST", b"x-a", b"X-A", b"Connection", b"Transfer-Encoding", b"te", b"Set-Cookie"])
VALUES = st.one_of(st.binary(max_size=12), st.sampled_from([b"x-a", b"close", b"X-A , keep-alive", b",,", b""]))
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=8)

MIXED = Headers([(b"X-One", b"1"), (b"Set-Cookie", b"a"), (b"x-one", b"2"), (b"SET-COOKIE", b"b"), (b"Empty", b"")])


@pytest.mark.parametrize(
    ("name", "first", "each"),
    [
        (b"x-one", b"1", [b"1", b"2"]),
        (b"set-cookie", b"a", [b"a", b"b"]),
        (b"empty", b"", [b""]),
        (b"absent", b"none", []),
    ],
)
def test_fields_are_found_without_case_and_in_order(name, first, each):
    assert MIXED.get(name, b"none") == first
    assert MIXED.all(name) == each
    assert (name in MIXED) is bool(each)


def test_an_absent_field_is_empty_by_default():
    assert Headers().get(b"x") == b""
    assert Headers().pairs == ()


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        ([b"close"], [b"close"]),
        ([b"Close, X-A"], [b"close", b"x-a"]),
        ([b" a ,\tb\t", b"C"], [b"a", b"b", b"c"]),
        ([b"", b",", b" , ,"], []),
        ([b"a=b;c, d"], [b"a=b;c", b"d"]),
        ([b"\xff,\x00"], [b"\xff", b"\x00"]),
        ([b"a,a"], [b"a", b"a"]),
    ],
)
def test_tokens_are_stripped_lower_and_never_empty(values, tokens):
    assert list(Headers([(b"Connection", value) for value in values]).tokens(b"connection")) == tokens


NOT_PASSED = [b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"]
NOT_PASSED += [b"te", b"trailer", b"transfer-encoding", b"upgrade"]


@pytest.mark.parametrize("name", NOT_PASSED)
@pytest.mark.parametrize("spelled", [bytes.lower, bytes.upper, bytes.title])
def test_no_hop_by_hop_field_passes_however_it_is_spelled(name, spelled):
    headers = Headers([(b"A", b"1"), (spelled(name), b"x"), (b"B", b"2")])
    assert headers.end_to_end().pairs == ((b"A", b"1"), (b"B", b"2"))


@pytest.mark.parametrize(
    ("connection", "passed"),
    [
        ([b"close"], [b"X-A", b"X-B", b"Close"]),
        ([b"keep-alive"], [b"X-A", b"X-B", b"Close"]),
        ([b"X-A"], [b"X-B", b"Close"]),
        ([b"x-a, X-B"], [b"Close"]),
        ([b"x-a", b" x-b "], [b"Close"]),
        ([b"x-absent"], [b"X-A", b"X-B", b"Close"]),
        ([b"connection"], [b"X-A", b"X-B", b"Close"]),
        ([b",,"], [b"X-A", b"X-B", b"Close"]),
    ],
)
def test_what_connection_names_does_not_pass(connection, passed):
    named = [(b"X-A", b"1"), (b"X-B", b"2"), (b"Close", b"3")]
    headers = Headers([*[(b"Connection", value) for value in connection], *named])
    assert [name for name, _ in headers.end_to_end().pairs] == passed


def test_without_and_plus_make_new_headers_and_leave_the_old():
    less = MIXED.without([b"x-one", b"absent"])
    assert less.pairs == ((b"Set-Cookie", b"a"), (b"SET-COOKIE", b"b"), (b"Empty", b""))
    more = less.plus((b"X-One", b"3"), (b"Y", b"4"))
    assert more.pairs[-2:] == ((b"X-One", b"3"), (b"Y", b"4"))
    assert more.all(b"x-one") == [b"3"]
    assert MIXED.all(b"x-one") == [b"1", b"2"]


def test_nothing_to_drop_keeps_the_very_object():
    headers = Headers([(b"Host", b"h")])
    assert headers.without([b"absent"]) is headers
    assert headers.end_to_end() is headers


def test_a_name_to_drop_may_come_from_a_generator():
    assert MIXED.without(name for name in (b"x-one", b"set-cookie")).pairs == ((b"Empty", b""),)


def test_equal_fields_are_equal_whether_or_not_they_were_looked_at():
    looked_at = Headers([(b"A", b"1")])
    looked_at.get(b"a")
    assert looked_at == Headers(((b"A", b"1"),))
    assert hash(looked_at) == hash(Headers(((b"A", b"1"),)))
    assert looked_at != Headers([(b"a", b"1")])


def test_no_value_is_shown():
    assert "sk-secret" not in repr(Headers([(b"Authorization", b"Bearer sk-secret")]))


def test_headers_do_not_change_in_place():
    with pytest.raises(AttributeError):
        MIXED.pairs = ()


@given(PAIRS)
def test_only_end_to_end_fields_pass_in_their_order(pairs):
    headers = Headers(pairs)
    passed = headers.end_to_end()
    dropped = HOP_BY_HOP | {token for token in headers.tokens(b"connection") if token not in {b"close", b"keep-alive"}}
    assert list(passed.pairs) == [pair for pair in pairs if pair[0].lower() not in dropped]
    assert passed.end_to_end() is passed


@given(PAIRS)
def test_every_value_is_found_under_its_lower_name(pairs):
    headers = Headers(pairs)
    for name in {name.lower() for name, _ in pairs}:
        assert headers.all(name) == [value for each, value in pairs if each.lower() == name]


def test_members_that_were_asked_for_once_are_the_same_again():
    headers = Headers([(b"Accept", b"a, B"), (b"accept", b"c")])
    assert headers.tokens(b"accept") is headers.tokens(b"accept")
    assert (headers.tokens(b"accept"), headers.tokens(b"other")) == ((b"a", b"b", b"c"), ())


def test_the_lines_are_as_they_came():
    assert Headers([(b"A", b"1"), (b"a", b" \xff")]).lines == b"A: 1\r\na:  \xff\r\n"
    assert Headers().lines == b""
