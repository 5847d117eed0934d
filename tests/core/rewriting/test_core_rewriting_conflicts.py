"""Rules that fight over one span are named; rules that work together are let be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting import conflicts as module
from proxy_daemon.core.rewriting.conflicts import Conflict, conflicts
from proxy_daemon.core.rewriting.ready import READY
from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace


def _r(name, find, by="-", fields=("content",)):
    return Replace(name, find, by, fields)


# (rules, (first, second, span) of each conflict)
FIGHTS = [
    ([_r("a", "x"), _r("b", "x", "+")], [("a", "b", "x")]),
    ([_r("a", "x"), _r("b", "axb")], [("a", "b", "axb")]),
    ([_r("a", "ab"), _r("b", "bc")], [("a", "b", "abc")]),
    ([_r("a", "bc"), _r("b", "ab")], [("a", "b", "abc")]),
    ([_r("a", "ab"), _r("b", "bc"), _r("c", "cd")], [("a", "b", "abc"), ("b", "c", "bcd")]),
    ([_r("a", "aab"), _r("b", "abaa", "aab")], [("a", "b", "aabaa")]),
    ([_r("a", "x"), Pair("b", "xo", "c")], [("a", "b", "xo")]),
    ([_r("a", "x"), Pair("b", "o", "cx", "1", "2")], [("a", "b", "cx")]),
    ([Pair("a", "o", "cd"), _r("b", "de")], [("a", "b", "cde")]),
    ([_r("a", "de"), Pair("b", "o", "cd")], [("a", "b", "cde")]),
    ([Pair("a", "o", "c"), Pair("b", "o", "d")], [("a", "b", "o")]),
    ([Expression("a", "b+", "", 9), _r("b", "abbc")], [("a", "b", "abbc")]),
    ([Expression("a", "b+", "x", 9), Expression("b", "b+", "y", 8)], [("a", "b", "b+")]),
    ([Expression("a", "é(.)", r"\1", 9), Pair("b", "x", "é\ud800")], [("a", "b", "é\ud800")]),
    ([_r("a", "x", fields=("content", "reasoning")), _r("b", "x", fields=("reasoning",))], [("a", "b", "x")]),
    (
        [*READY["gpt-oss"].rules, *READY["gpt-oss-reasoning"].rules],
        [("gpt-oss", "gpt-oss-reasoning", "<|channel|>analysis<|message|>")],
    ),
]
PEACE = [
    [],
    [_r("a", "x")],
    [_r("a", "x"), _r("b", "y")],
    [_r("a", "axb"), _r("b", "x")],
    [_r("a", "axb"), _r("b", "ax")],
    [_r("a", "x", "y"), _r("b", "y", "z")],
    [_r("a", "x"), _r("b", "x", fields=("reasoning",))],
    [_r("a", "ab", "ab"), _r("b", "bc", "bc")],
    [Pair("a", "o", "c"), _r("b", "x")],
    [_r("a", "abbc"), Expression("b", "b+", "", 9)],
    [Expression("a", "b+", "", 9), Expression("b", "[bc]+", "", 9)],
    [Expression("a", "b+", "", 9), Expression("b", "b+", "", 9, ("reasoning",))],
    [*READY["gpt-oss"].rules, *READY["thinking-tags"].rules],
    [*READY["gpt-oss"].rules, _r("b", "<|end|>")],
]


@pytest.mark.parametrize(("rules", "found"), FIGHTS)
def test_a_fight_names_both_and_what_they_fight_over(rules, found):
    conflicts_found = conflicts(rules)
    assert [(each.first, each.second, each.span) for each in conflicts_found] == found
    for each in conflicts_found:
        assert repr(each.first) in each.why
        assert repr(each.second) in each.why
        assert repr(each.span) in each.why


@pytest.mark.parametrize("rules", PEACE)
def test_rules_that_work_together_are_let_be(rules):
    assert conflicts(rules) == []


def test_of_texts_that_repeat_themselves_few_overlaps_are_tried(monkeypatch):
    tried = []
    differ = module._differ
    monkeypatch.setattr(module, "_differ", lambda *given: tried.append(given[2]) or differ(*given))
    first, second = ("a" * 300 + mark + "a" * 300 for mark in "xy")
    assert conflicts([_r("a", first, first), _r("b", second, second)]) == []
    assert 2 <= len(tried) <= 20
    assert {len(first) + len(second) - shared for shared in (1, 300)} <= {len(span) for span in tried}


@given(st.text("ab", min_size=1, max_size=8), st.text("ab", min_size=1, max_size=8))
def test_each_overlap_is_found(left, right):
    shared = [at for at in range(min(len(left), len(right)) - 1, 0, -1) if left.endswith(right[:at])]
    assert module._spans(left, right) == [left + right[at:] for at in shared]


def test_a_conflict_is_a_value():
    assert conflicts([_r("a", "x"), _r("b", "x")]) == [
        Conflict("a", "b", "x", conflicts([_r("a", "x"), _r("b", "x")])[0].why)
    ]
