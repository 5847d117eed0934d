"""Rules in a row: each on what the one before gives, over any split; names of those that changed something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanned import scanned, splits

from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace
from proxy_daemon.core.rewriting.scanner import Said, scanner

NAMES = st.sampled_from(("r", "s", "t"))
FINDS = st.text("ab<", min_size=1, max_size=3)
BYS = st.text("ab<", max_size=2)
FIELDS = st.sampled_from((("content",), ("content", "reasoning"), ("reasoning",)))
RULES = st.lists(
    st.one_of(
        st.builds(Replace, NAMES, FINDS, BYS, FIELDS),
        st.builds(Pair, NAMES, FINDS, FINDS, BYS, BYS, fields=FIELDS),
        st.builds(Pair, NAMES, FINDS, FINDS, moves=st.just(value=True)),
        st.builds(
            Expression, NAMES, st.sampled_from(("a+", "a.?b", "<[^<]*<", r"\bb")), BYS, st.integers(1, 5), FIELDS
        ),
    ),
    max_size=4,
)


@given(RULES, splits(st.text("ab<", max_size=30)), st.sampled_from((None, "content", "reasoning")))
def test_any_rules_over_any_split_give_what_one_feed_gives(rules, pieces, field):
    assert scanned(rules, pieces, field) == scanned(rules, ["".join(pieces)], field)


@given(st.lists(st.builds(Replace, NAMES, FINDS, BYS), max_size=4), splits(st.text("ab<", max_size=30)))
def test_replacements_in_a_row_are_made_one_after_the_other(rules, pieces):
    text = "".join(pieces)
    for rule in rules:
        text = text.replace(rule.find, rule.by)
    assert scanned(rules, pieces) == (text, "")


@given(RULES, st.text("ab<", max_size=30))
def test_no_rule_fired_where_nothing_changed(rules, text):
    used = scanner(rules)
    used.feed(text)
    used.end()
    if scanned(rules, [text]) != (text, ""):
        assert used.fired
    assert set(used.fired) <= {rule.name for rule in rules}
    assert all(used.fired.values())


def test_no_rules_pass_all():
    used = scanner([])
    assert [used.feed("a"), used.feed(""), used.end(), used.fired] == [[Said("a")], [], [], {}]


A = Replace("a", "x", "y")
B = Replace("b", "x", "z", ("reasoning",))
C = Replace("c", "x", "w", ("arguments",))
M = Pair("m", "[", "]", moves=True)
# (rules, field, text, what stays, what is moved, what fired)
CHOSEN = [
    ([A, B, C], "content", "xx", "yy", "", {"a": 2}),
    ([A, B, C], "reasoning", "x", "z", "", {"b": 1}),
    ([A, B, C], "arguments", "x", "w", "", {"c": 1}),
    ([M, A, B], "content", "x[x]x", "yy", "z", {"m": 2, "a": 2, "b": 1}),
    ([A, B, M], "content", "x[x]x", "yy", "y", {"m": 2, "a": 3}),
    ([M, A, B], "reasoning", "x[x]x", "z[z]z", "", {"b": 3}),
    ([M, Replace("a", "xx", "y")], "content", "x[x]x", "y", "x", {"m": 2, "a": 1}),
    ([Replace("a", "x", "x")], "content", "xx", "xx", "", {}),
    ([Replace("a", "q", "r"), Replace("a", "x", "")], "content", "qx", "r", "", {"a": 2}),
    ([Pair("p", "[", "]", "[", "}")], "content", "[]", "[}", "", {"p": 1}),
    ([Expression("e", "x|y", "x", 1)], "content", "xyx", "xxx", "", {"e": 1}),
]


@pytest.mark.parametrize(("rules", "field", "text", "stays", "moved", "fired"), CHOSEN)
def test_rules_are_for_their_fields_and_say_that_they_fired(rules, field, text, stays, moved, fired):
    assert scanned(rules, text, field) == (stays, moved)
    used = scanner(rules, field)
    used.feed(text)
    used.end()
    assert used.fired == fired


def test_what_one_rule_holds_back_goes_through_the_next_at_the_end():
    used = scanner([Replace("r", "ab", "-"), Replace("s", "aa", "+"), Expression("e", "a[+]", "*", 2)])
    assert [used.feed("a"), used.feed("aa"), used.end()] == [[], [Said("+")], [Said("a")]]


def test_later_rules_see_what_is_moved_as_moved():
    used = scanner([M, Replace("r", "ab", "-", ("reasoning",))], "content")
    assert used.feed("a[xa") == [Said("a"), Said("x", moved=True)]
    assert used.feed("b]b") == [Said("-", moved=True), Said("b")]
    assert used.feed("[a") == []  # as moved text it may be a part of a match
    assert used.end() == [Said("a", moved=True)]
