"""Which requests a pattern means."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from renaming_shapes import recorded

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.patterns.json_subset import DEEPEST
from proxy_daemon.core.matching.patterns.patterns import PatternIndex, answers
from proxy_daemon.core.matching.patterns.wildcards import path_pattern, text_pattern
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.pattern import Pattern


def asked(body=b"", target=b"/v1/chat/completions", method=b"POST"):
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, target, body=Bytes(octets))


def wants(body, **more):
    return Pattern(body=json.dumps(body).encode(), **more)


@pytest.mark.parametrize(
    ("pattern", "request_", "fits"),
    [
        (Pattern(), asked(), True),
        (Pattern(method="POST"), asked(), True),
        (Pattern(method="GET"), asked(), False),
        (Pattern(method="post"), asked(), False),
        (Pattern(path="/v1/chat/completions"), asked(target=b"/v1/chat/completions?a=b"), True),
        (Pattern(path="/v1/chat/completions"), asked(target=b"/v1/chat%2Fcompletion%73"), True),
        (Pattern(path="/v1/chat"), asked(), False),
        (Pattern(path="/v1/*"), asked(), False),
        (Pattern(path="/v1/**"), asked(), True),
        (Pattern(path="**"), asked(), True),
        (Pattern(path="/v1/*/completions"), asked(), True),
        (Pattern(path="/v1/*/completions"), asked(target=b"/v1/a%2Fb/completions"), True),
        (Pattern(query=(("a", "b"),)), asked(target=b"/?a=b&c"), True),
        (Pattern(query=(("a", "b"),)), asked(target=b"/?a=x&%61=%62"), True),
        (Pattern(query=(("a", "b"),)), asked(target=b"/?a=bb"), False),
        (Pattern(query=(("a", "b*"), ("c", "*"))), asked(target=b"/?c&a=bbb"), True),
        (Pattern(query=(("a", "*"),)), asked(target=b"/"), False),
        (Pattern(query=(("a b", "ü"),)), asked(target=b"/?a+b=%C3%BC"), True),
    ],
    ids=range(18),
)
def test_head(pattern, request_, fits):
    assert answers(pattern, request_) == fits


@pytest.mark.parametrize(
    ("pattern", "body", "fits"),
    [
        ({}, {"a": 1}, True),
        ({}, [], False),
        ({"a": 1}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": False}, {"a": 0}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {}, False),
        ({"a": "x"}, {"a": "x"}, True),
        ({"a": "x"}, {"a": ["x"]}, False),
        ({"a": {"b": "*"}}, {"a": {"b": "", "c": 1}}, True),
        ({"a": "*"}, {"a": 1}, False),
        ({"a": "the * of *."}, {"a": "the capital of France."}, True),
        ({"a": "the * of *."}, {"a": "the capital of France"}, False),
        ([1, 3], [0, 1, 2, 3], True),
        ([3, 1], [1, 2, 3], False),
        ([1, 1], [1], False),
        ([1, 1], [1, 2, 1], True),
        ([{"role": "user", "content": "hi"}], [{"role": "system"}, {"role": "user", "content": "hi", "x": 1}], True),
        ([[1], [2]], [[2], [1, 2], [2]], True),
        (None, None, True),
        (12345678901234567890123, 12345678901234567890123, True),
        (12345678901234567890123, 12345678901234567890124, False),
    ],
    ids=range(24),
)
def test_body(pattern, body, fits):
    assert answers(wants(pattern), asked(body)) == fits


@pytest.mark.parametrize(
    ("pattern", "body", "fits"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"b": "*"}]}, {"a": [{"b": "c"}]}, True),
        ({"a": [{"b": "*"}]}, {"a": [{"b": "c", "d": 1}]}, False),
    ],
    ids=range(5),
)
def test_the_whole_body(pattern, body, fits):
    assert answers(wants(pattern, whole=True), asked(body)) == fits


def test_what_an_import_had_redacted():
    pattern = wants({"key": "**REDACTED**", "a": "x **REDACTED** y", "star": "*"}, wild=("**REDACTED**",))
    assert answers(pattern, asked({"key": "k", "a": "x whatever y", "star": "*"}))
    assert not answers(pattern, asked({"key": "k", "a": "x whatever y", "star": "none"}))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 2000, b" " * JSON_LIMIT + b"{}"], ids=range(5))
def test_bodies_that_are_not_read(body):
    assert not answers(wants({}), asked(body))
    assert answers(Pattern(method="POST"), asked(body))


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)], ids=range(3))
def test_patterns_that_are_not_read_fit_nothing(body):
    assert not answers(Pattern(body=body), asked(body))


# --- wildcards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True),
        ("*", "", True),
        ("**", "a/b\n", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*bb*c", "a-b-b-c", False),
        ("*a*", "bab", True),
        ("*.*", "no", False),
    ],
    ids=range(9),
)
def test_texts(pattern, text, fits):
    assert text_pattern(pattern).fits(text) == fits


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/a/*", b"/a/", True),
        ("/a/*", b"/a/b", True),
        ("/a/*", b"/a/b/c", False),
        ("/a/*c", b"/a/bcbc", True),
        ("/a/**", b"/a/b/c", True),
        ("/a/**/c", b"/a/b/x/c", True),
        ("/a/**/c", b"/a/c", False),
        ("/*/x/**/y", b"/1/x/2/3/y", True),
        ("/*/x/**/y", b"/1/2/x/3/y", False),
        ("**/x*/y", b"/xa/xb/y", True),
        ("/a***b", b"/a/x/b", True),
        ("/*:generate", b"/model%2Fone%3A1:generate", True),
        ("/ü*", b"/%C3%BC%FF", True),
    ],
    ids=range(13),
)
def test_paths(pattern, path, fits):
    assert path_pattern(pattern).fits(path) == fits


def slow(pattern, path):
    """By trying all ways."""
    if not pattern:
        return not path
    if pattern.startswith("**"):
        return any(slow(pattern[2:], path[at:]) for at in range(len(path) + 1))
    if pattern.startswith("*"):
        most = len(path.partition("/")[0])
        return any(slow(pattern[1:], path[at:]) for at in range(most + 1))
    return path[:1] == pattern[0] and slow(pattern[1:], path[1:])


@given(st.text("ab/*", max_size=7), st.text("ab/", max_size=9))
def test_paths_are_as_trying_all_ways_says(pattern, path):
    pattern = pattern.replace("***", "**").replace("***", "**")
    assert path_pattern(pattern).fits(path.encode()) == slow(pattern, path)


@given(st.text("ab*", max_size=7), st.text("ab", max_size=9))
def test_texts_are_as_trying_all_ways_says(pattern, text):
    assert text_pattern(pattern).fits(text) == slow(pattern, text)


def test_hostile_patterns_end():
    """Each would take longer than anybody waits if wildcards were tried one after the other."""
    many = "*a" * 1000 + "*b"
    assert not text_pattern(many).fits("a" * 100_000)
    assert not path_pattern("/" + many).fits(b"/" + b"a" * 5_000)
    assert not path_pattern("/**a" * 300).fits(b"/a" * 2_000 + b"b")
    nested = wants([[[[["*a*a*b"] * 3] * 3] * 3] * 3])
    assert not answers(nested, asked([[[[["a" * 50] * 9] * 9] * 9] * 9]))
    assert text_pattern("*" * 100_000).parts == ("", "")


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "*", "a*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=8,
)


@given(JSONS)
def test_what_is_equal_fits(value):
    assert answers(wants(value), asked(value))
    assert answers(wants(value, whole=True), asked(value))


@given(JSONS, JSONS)
def test_the_whole_fits_where_no_more_than_that_is_asked(pattern, value):
    assert not answers(wants(pattern, whole=True), asked(value)) or answers(wants(pattern), asked(value))


@given(st.binary(max_size=30), st.binary(max_size=30), st.text(max_size=10), st.binary(max_size=20))
def test_nothing_is_raised(body, asks, path, target):
    answers(Pattern(path=path, query=((path, path),), body=asks), asked(body, target=b"/" + target))


# --- the index -------------------------------------------------------------------------------------------------------


def patterned(*patterns):
    return [evolve(recorded({}), id=number, pattern=pattern) for number, pattern in enumerate(patterns)]


def test_the_index_asks_in_order():
    index = PatternIndex(
        patterned(
            Pattern(method="POST", path="/v1/*"),
            None,
            Pattern(path="/v1/a"),
            Pattern(method="GET", path="/v1/a"),
            Pattern(method="POST", path="/v1/a", body=b'{"a": 1}'),
            Pattern(),
            Pattern(method="POST", path="/v1/a"),
        )
    )
    assert [each.id for each in index.answering(asked(target=b"/v1/a"))] == [0, 2, 5, 6]
    assert [each.id for each in index.answering(asked({"a": 1}, b"/v1/%61"))] == [0, 2, 4, 5, 6]
    assert [each.id for each in index.answering(asked(target=b"/", method=b"GET"))] == [5]
    assert index


def test_an_empty_index():
    assert not PatternIndex(patterned(None))
    assert list(PatternIndex([]).answering(asked())) == []


def test_others_are_not_looked_at():
    """Of a thousand patterns of other paths none is asked: their bodies would be read."""
    index = PatternIndex(patterned(*[Pattern(path=f"/v1/{number}") for number in range(1000)]))
    assert [each.id for each in index.answering(asked(target=b"/v1/500"))] == [500]


@pytest.mark.parametrize("pattern", [Pattern(path="/\ud800"), Pattern(path="/*\ud800"), Pattern(body=b"[")])
def test_what_cannot_be_read_answers_nothing(pattern):
    assert not answers(pattern, Request(b"POST", b"/%ED%A0%80"))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (b'{"a":2,"a":1}', False),
        (b'{"a":1,"a":1}', False),
        (b'{"a":"\\u003a","a":1}', False),
        (b'{"b":":","b":"","a":1}', False),
        (b'{"a":1,"\\u003a":2}', True),
        (b'{"a":1,"b":":::"}', True),
        (b'{ "a" : 1.0 }', True),
        (b'{"a":1,"b":' + b"[" * 300 + b"]" * 300 + b"}", True),
        (b'{"a":1,"b":12345678901234567890123}', True),
        (b'{"a":2,"b":12345678901234567890123,"a":1}', False),
    ],
    ids=range(10),
)
def test_a_body_with_a_key_twice_fits_nothing(body, fits, whole):
    """Servers differ in which of the two they take."""
    request = Request(b"POST", b"/", Headers(), Bytes(body))
    assert answers(Pattern(body=b'{"a":1}', whole=whole), request) is (fits and (not whole or body.count(b",") == 0))


USER, SYSTEM = {"role": "user"}, {"role": "system"}


@pytest.mark.parametrize(
    ("pattern", "request_", "fits"),
    [
        (Pattern(alone=True), asked(), True),
        (Pattern(alone=True), asked(target=b"/?a=b"), False),
        (Pattern(alone=True, query=(("a", "b"),)), asked(target=b"/?a=b"), True),
        (Pattern(alone=True, query=(("a", "b"),)), asked(target=b"/?a=b&c="), False),
        (wants({"m": [USER]}, leading=True), asked({"m": [USER, SYSTEM], "n": 1}), True),
        (wants({"m": [USER]}, leading=True), asked({"m": [SYSTEM, USER]}), False),
        (wants({"m": [USER]}), asked({"m": [SYSTEM, USER]}), True),
        (wants([[1], 2], leading=True), asked([[1, 3], 2, 4]), True),
        (wants([1, 2], leading=True), asked([1]), False),
        (wants([1], leading=True), asked({"0": 1}), False),
        (wants([1], leading=True, whole=True), asked([1, 2]), False),
    ],
    ids=range(11),
)
def test_nothing_besides_in_the_query_and_what_lists_begin_with(pattern, request_, fits):
    assert answers(pattern, request_) is fits


@given(JSONS, JSONS)
def test_what_begins_so_holds_it(value, other):
    if answers(wants(value, leading=True), asked(other)):
        assert answers(wants(value), asked(other))
