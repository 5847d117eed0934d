"""A rule that exists can be carried out; one that cannot says its name, what is wrong and what is right."""

from contextlib import nullcontext

import pytest
from attrs.exceptions import FrozenInstanceError

from proxy_daemon.core.rewriting.rules import LONGEST, BadRule, Expression, Pair, Replace

# (how it is made, what the sentence must hold)
BAD = [
    (lambda: Replace("", "a", "b"), "needs a name"),
    (lambda: Replace("r", "", "b"), "find is empty"),
    (lambda: Replace("r", "a" * (LONGEST + 1), "b"), f"find has {LONGEST + 1} characters; {LONGEST}"),
    (lambda: Replace("r", "a", "b", ()), "fields must name"),
    (lambda: Replace("r", "a", "b", ("content", "content")), "each once"),
    (lambda: Replace("r", "a", "b", ("content", "text")), "field 'text' is unknown: content, reasoning, arguments"),
    (lambda: Pair("r", "", "b"), "open is empty"),
    (lambda: Pair("r", "a", ""), "close is empty"),
    (lambda: Pair("r", "a", "b" * (LONGEST + 1)), "close has"),
    (lambda: Pair("r", "a", "b", "x", moves=True), "leave out open_by and close_by"),
    (lambda: Pair("r", "a", "b", "", "x", moves=True), "leave out open_by and close_by"),
    (lambda: Pair("r", "a", "b", moves=True, fields=("content", "arguments")), "fields must be just content"),
    (lambda: Pair("r", "a", "b", moves=True, fields=("reasoning",)), "fields must be just content"),
    (lambda: Expression("", "a", "b", 1), "needs a name"),
    (lambda: Expression("r", "a", "b", 0), "longest must say"),
    (lambda: Expression("r", "a", "b", LONGEST + 1), "longest must say"),
    (lambda: Expression("r", "a", "b", None), "longest must say"),
    (lambda: Expression("r", "a", "b", "9"), "longest must say"),
    (lambda: Expression("r", "a", "b", 1, ("x",)), "field 'x' is unknown"),
    (lambda: Expression("r", "", "b", 1), "pattern must have"),
    (lambda: Expression("r", "a" * 4097, "b", 1), "pattern must have"),
    (lambda: Expression("r", "(a", "b", 1), "none that RE2 reads: missing )"),
    (lambda: Expression("r", "(?=a)a", "b", 1), "none that RE2 reads"),
    (lambda: Expression("r", "(?<!a)a", "b", 1), "none that RE2 reads"),
    (lambda: Expression("r", r"(a)\1", "b", 1), "none that RE2 reads"),
    (lambda: Expression("r", "a**", "b", 1), "none that RE2 reads"),
    (lambda: Expression("r", "a{1001}", "b", 1), "none that RE2 reads"),
    (lambda: Expression("r", "\ud800", "b", 1), "half a surrogate pair"),
    (lambda: Expression("r", r"\C", "b", 1), "a part of a character"),
    (lambda: Expression("r", "(?:(?:[^a]{30}){30}){30}", "b", 1), "pattern"),
    (lambda: Expression("r", "a", r"\1", 1), "names a group that the pattern does not have"),
    (lambda: Expression("r", "a", r"\n", 1), "means nothing"),
]


@pytest.mark.parametrize(("make", "said"), BAD)
def test_a_rule_that_cannot_be_carried_out_is_refused(make, said):
    with pytest.raises(BadRule) as caught:
        make()
    assert said in str(caught.value)
    assert "'r'" in str(caught.value) or "needs a name" in said


@pytest.mark.parametrize(
    "pattern", ["a*", "a?", "^", "$", r"\b", r"\B", r"\A", r"\z", "(?m)^", "(?m)$", "a|", "()", "(?:a|b*)"]
)
def test_a_pattern_that_matches_the_empty_text_is_refused(pattern):
    with pytest.raises(BadRule, match="matches the empty text"):
        Expression("r", pattern, "b", 1)


# What a piece of a text that almost matches may cost: each atom, counted repetitions unrolled, for each character.
STEPS = [
    ("a.{0,900}b", 902, False),
    ("a.{0,900}b", 4000, False),
    ("(?s)<x>.{0,500}</x>", 507, False),
    (r"(?:\Qab\E(?:[^x]|y){30}){30}", 1800, False),
    ("(?:(?:x.{20}){9}|(?:y.{20}){9}){3}z", 1200, False),
    ("(?s)<x>.*?</x>", LONGEST, True),
    (r"\p{L}+x", LONGEST, True),
    ("(a+)+$", LONGEST, True),
    (r"(?i)\b[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,190}\.[a-z]{2,20}\b", 280, True),
    (r"\Qa.b\E{0,90}(?P<n>[]a]{3})[[:alpha:]]", 100, True),
    ("a.{0,100}b", 102, True),
]


@pytest.mark.parametrize(("pattern", "longest", "is_made"), STEPS)
def test_an_expression_may_not_cost_more_steps_than_a_stream_bears(pattern, longest, is_made):
    said = f"steps for a longest of {longest}, and 300000 are the most"
    with nullcontext() if is_made else pytest.raises(BadRule, match=said):
        Expression("r", pattern, "b", longest)


@pytest.mark.parametrize("rule", [Replace("r", "a", "b"), Pair("r", "a", "b"), Expression("r", "a", "b", 3)])
def test_a_rule_is_a_value_for_the_content(rule):
    assert rule.fields == ("content",)
    assert hash(rule) is not None
    with pytest.raises(FrozenInstanceError):
        rule.name = "other"


def test_rules_are_the_same_where_what_they_say_is():
    assert Expression("r", "a", "b", 3) == Expression("r", "a", "b", 3) != Expression("r", "a", "b", 4)
    assert "ompiled" not in repr(Expression("r", "a", "b", 3))


def test_half_a_surrogate_pair_is_text_as_any_other():
    assert Replace("r", "\ud83d", "\ude00").find == "\ud83d"
    assert Pair("r", "\ud83d", "\ude00").close == "\ude00"
