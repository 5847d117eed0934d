"""WireMock's `bodyPatterns` as patterns: each that is taken asks exactly that, each other is refused by its reason."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.wiremock.asked import ANY, NotSaid
from proxy_daemon.core.cassettes.wiremock.bodies import asked
from proxy_daemon.core.matching.patterns.patterns import answers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.pattern import Pattern


def fits(patterns, body):
    found = asked(patterns)
    pattern = Pattern(body=found.body, wild=(ANY,), whole=found.whole, leading=found.leading)
    return answers(pattern, Request(b"POST", b"/", body=Bytes(json.dumps(body).encode())))


def equal(value, **options):
    return [{"equalToJson": value, **options}]


MORE, ANY_ORDER = {"ignoreExtraElements": True}, {"ignoreArrayOrder": True}
USER = {"role": "user", "content": "hi"}
FILTER = [{"matchesJsonPath": "$.messages[?(@.content == 'hi' && @.role == \"user\")]"}]

FITTING = {
    "equal": (equal({"a": 1}), {"a": 1.0}),
    "equal, as text": (equal('{"a": [1, "*"]}'), {"a": [1, "*"]}),
    "no more than equal": (equal({"a": 1}, ignoreExtraElements=False, ignoreArrayOrder=False), {"a": 1}),
    "more members": (equal({"a": {"b": 1}}, **MORE), {"a": {"b": 1, "c": 2}, "d": 3}),
    "more elements behind": (equal({"m": [USER]}, **MORE), {"m": [USER, {"role": "x"}]}),
    "any order of one": (equal({"m": [USER]}, **ANY_ORDER), {"m": [USER]}),
    "one of many in any order": (equal({"m": [USER]}, **ANY_ORDER, **MORE), {"m": [1, USER, 2]}),
    "any string": (equal({"a": "${json-unit.any-string}"}), {"a": "whatever"}),
    "any string, in its other spelling": (equal({"a": "#{json-unit.any-string}"}), {"a": ""}),
    "a value at a path": (
        [{"matchesJsonPath": {"expression": "$.a['b c'].d", "equalTo": "x"}}],
        {"a": {"b c": {"d": "x"}}},
    ),
    "the first element": ([{"matchesJsonPath": {"expression": "$.m[0].t", "equalTo": "x"}}], {"m": [{"t": "x"}, 1]}),
    "a word in a text": ([{"matchesJsonPath": {"expression": "$.t", "contains": "is*so"}}], {"t": "it is*so."}),
    "a filter": (FILTER, {"messages": [{"role": "system", "content": "s"}, USER]}),
    "a filter of the whole": ([{"matchesJsonPath": "$[?(@.model == 'm')]"}], {"model": "m", "n": 1}),
    "a filter by numbers and words": (
        [{"matchesJsonPath": "$[?(@.a == 1 && @.b == true && @.c == null)]"}],
        {"a": 1, "b": True, "c": None},
    ),
    "a filter that looks for a word": ([{"matchesJsonPath": "$.m[?(@.c contains 'ell')]"}], {"m": [{"c": "hello"}]}),
    "a filter of what is deeper": ([{"matchesJsonPath": "$.m[?(@.c.d == 'x')]"}], {"m": [{"c": {"d": "x"}}]}),
    "several": ([*FILTER, {"matchesJsonPath": "$[?(@.model == 'm')]"}], {"messages": [USER], "model": "m"}),
    "several that are alike": ([*FILTER, *FILTER], {"messages": [USER]}),
    "no condition": ([], {"a": 1}),
    "none at all": (None, [1]),
}


@pytest.mark.parametrize("name", FITTING)
def test_fits(name):
    assert fits(*FITTING[name])


NOT_FITTING = {
    "more members": (equal({"a": 1}), {"a": 1, "b": 2}),
    "more elements": (equal([1]), [1, 2]),
    "more elements before": (equal({"m": [USER]}, **MORE), {"m": [{"role": "system"}, USER]}),
    "more elements between": (equal([1, 2], **MORE), [1, 5, 2]),
    "too few": (equal([1, 2], **MORE), [1]),
    "another order": (equal([1, 2]), [2, 1]),
    "no string": (equal({"a": ANY}), {"a": 1}),
    "a star is a star": (equal({"a": "*"}), {"a": "b"}),
    "another value at a path": ([{"matchesJsonPath": {"expression": "$.a", "equalTo": "x"}}], {"a": "xx"}),
    "the second element": ([{"matchesJsonPath": {"expression": "$.m[0].t", "equalTo": "x"}}], {"m": [1, {"t": "x"}]}),
    "a star in a word": ([{"matchesJsonPath": {"expression": "$.t", "contains": "a*b"}}], {"t": "a b"}),
    "in two elements": (FILTER, {"messages": [{"role": "user", "content": "x"}, {"role": "s", "content": "hi"}]}),
    "one of several": ([*FILTER, {"matchesJsonPath": "$[?(@.model == 'm')]"}], {"messages": [USER], "model": "n"}),
    "a word for a number": ([{"matchesJsonPath": "$[?(@.a == true)]"}], {"a": 1}),
}


@pytest.mark.parametrize("name", NOT_FITTING)
def test_does_not_fit(name):
    assert not fits(*NOT_FITTING[name])


REFUSED = {
    "text": ([{"equalTo": "x"}], "a body with equalTo"),
    "words": ([{"contains": "x"}], "a body with contains"),
    "an expression": ([{"matches": ".*"}], "a body with matches"),
    "XML": ([{"equalToXml": "<a/>"}], "a body with equalToXml"),
    "neither": ([{"not": {"contains": "x"}}], "a body with not"),
    "what is new": ([{"equalToToml": "x"}], "of an unknown kind"),
    "no list": ({"equalToJson": 1}, "no list"),
    "no objects": ([1], "no list of objects"),
    "no JSON": (equal("{"), "no JSON"),
    "a word for an option": (equal({}, ignoreExtraElements="false"), "neither true nor false"),
    "an option": (equal({}, ignoreCase=True), "an option"),
    "an order": (equal([1, 2], **ANY_ORDER), "ignoreArrayOrder"),
    "an order, deep": (equal({"a": [{"b": [1, 2]}]}, **ANY_ORDER, **MORE), "ignoreArrayOrder"),
    "a number": (equal({"a": "${json-unit.any-number}"}), "placeholder"),
    "a part of a text": (equal({"a": f"x {ANY}"}), "placeholder"),
    "ignored": (equal({"a": "${json-unit.ignore}"}), "placeholder"),
    "there": ([{"matchesJsonPath": "$.a"}], "whether something is there"),
    "a path of all": ([{"matchesJsonPath": {"expression": "$.m[*].t", "equalTo": "x"}}], "members and first elements"),
    "any depth": ([{"matchesJsonPath": {"expression": "$..t", "equalTo": "x"}}], "members and first elements"),
    "no path": ([{"matchesJsonPath": {"expression": "a", "equalTo": "x"}}], "JSON path of an unknown kind"),
    "a number's text": ([{"matchesJsonPath": {"expression": "$.a", "equalTo": "5"}}], "more than a text"),
    "an object's text": ([{"matchesJsonPath": {"expression": "$.a", "contains": '{"b'}}], "more than a text"),
    "null's text": ([{"matchesJsonPath": {"expression": "$.a", "equalTo": "null"}}], "more than a text"),
    "no text": ([{"matchesJsonPath": {"expression": "$.a", "equalTo": ""}}], "more than a text"),
    "another comparison": ([{"matchesJsonPath": {"expression": "$.a", "matches": "x"}}], "more than a text"),
    "no expression": ([{"matchesJsonPath": {}}], "without an expression"),
    "a filter by an expression": ([{"matchesJsonPath": "$[?(@.a =~ /x/)]"}], "texts, numbers and words"),
    "either": ([{"matchesJsonPath": "$[?(@.a == 'x' || @.b == 'y')]"}], "texts, numbers and words"),
    "a filter behind an element": ([{"matchesJsonPath": "$.a[0][?(@.b == 'x')]"}], "behind a list's element"),
    "a word that is none": ([{"matchesJsonPath": "$[?(@.a contains 5)]"}], "looks for no text"),
    "equal and more": ([*equal({"a": 1}), *FILTER], "equalToJson beside"),
    "two texts": ([{"matchesJsonPath": f"$[?(@.a == '{each}')]"} for each in "xy"], "several conditions on one value"),
    "a word and a number": (
        [{"matchesJsonPath": f"$[?(@.a.b == {each})]"} for each in ("true", "1")],
        "several conditions on one value",
    ),
    "a word and a number in one": ([{"matchesJsonPath": "$[?(@.a == 1 && @.a == true)]"}], "several conditions"),
    "two elements": ([*FILTER, {"matchesJsonPath": "$.messages[?(@.a == 'x')]"}], "several conditions on one value"),
    "two ways": ([*equal({"n": [1]}, **MORE), *FILTER], "two ways"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    patterns, reason = REFUSED[name]
    with pytest.raises(NotSaid, match=reason):
        asked(patterns)


@pytest.mark.parametrize("deep", [equal("[" * 5000 + "]" * 5000), equal("[" * 500 + "]" * 500, **MORE, **ANY_ORDER)])
def test_what_is_deep_is_refused(deep):
    with pytest.raises(NotSaid):
        asked(deep)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "*", ANY, "'", "{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "*"]), inner),
    max_leaves=8,
)
KINDS = ["equalToJson", "matchesJsonPath", "ignoreExtraElements", "ignoreArrayOrder", "expression", "equalTo"]
PATHS = st.text("$.[?(@a='x'&)]0 ", max_size=20)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.text("$.[?(@a='x'&)]0 ", max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KINDS) | st.text(max_size=3), inner),
    max_leaves=9,
)


def json_unit(expected, actual, more):
    """Written down from `Diff.compareNodes` of JsonUnit, for what these values hold."""
    if expected == ANY:
        return isinstance(actual, str)
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = set(expected) <= set(actual) if more else set(expected) == set(actual)
        return keys and all(json_unit(each, actual[name], more) for name, each in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        size = len(expected) <= len(actual) if more else len(expected) == len(actual)
        return size and all(json_unit(*pair, more) for pair in zip(expected, actual, strict=False))
    return type(expected) is type(actual) and expected == actual


@given(JSONS, JSONS, st.booleans())
def test_equal_to_json_is_as_json_unit_has_it(expected, actual, more):
    assert fits(equal(json.dumps(expected), ignoreExtraElements=more), actual) == json_unit(expected, actual, more)


@given(ANYTHING)
def test_nothing_else_is_raised(patterns):
    for given_ in (patterns, [patterns], [{"equalToJson": patterns}], [{"matchesJsonPath": patterns}]):
        with suppress(NotSaid):
            assert isinstance(asked(given_).body, bytes)


def test_a_hostile_path_ends():
    for text in ("$" + ".a" * 400 + "!", "$[?(" + "@.a == 'x' && " * 600 + ")]", "$[?(@" + ".a" * 3000 + ")]"):
        with pytest.raises(NotSaid):
            asked([{"matchesJsonPath": text}])
        with pytest.raises(NotSaid):
            asked([{"matchesJsonPath": {"expression": text, "equalTo": "x"}}])
