"""Expressions: over any split what RE2 finds in the whole, and nothing held back that cannot be a part of a match."""

import re
from itertools import product

import pytest
import re2
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scanned import cut, kinds, scanned, splits

from proxy_daemon.core.rewriting.rules import BadRule, Expression
from proxy_daemon.core.rewriting.scanner import scanner

ATOMS = st.sampled_from(("a", "a", "b", ".", "[ab]", "[^a]", "(?i:A)", r"\w", "<"))
CONDITIONS = st.sampled_from((r"\b", r"\B", "^", "$", "(?m:^)", "(?m:$)", r"\A", r"\z"))
REPEATS = st.sampled_from(("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"))


def _larger(inner):
    both = st.tuples(inner, inner)
    return st.one_of(
        both.map("".join),
        both.map("(?:{0[0]}|{0[1]})".format),
        inner.map("({})".format),
        st.builds("(?:{}){}".format, inner, REPEATS),
    )


PATTERNS = st.recursive(st.one_of(ATOMS, ATOMS, CONDITIONS), _larger, max_leaves=6)
TEXTS = st.text("aaab< \n", max_size=30)


def _rule(pattern, by="X", longest=5):
    try:
        return Expression("e", pattern, by, longest)
    except BadRule:
        assume(False)


def _replaced(rule, text):
    """By the definition: place by place, in the whole text, no match longer than the longest. ASCII only."""
    whole, out, at = re2.compile(rule.pattern.encode()), "", 0
    while at < len(text):
        match = whole.match(text.encode(), at, min(at + rule.longest, len(text)))
        out += rule.by if match else text[at]
        at = match.end() if match else at + 1
    return out


@settings(max_examples=1000)
@given(PATTERNS, st.integers(1, 6), splits(TEXTS))
def test_any_split_gives_what_the_definition_gives(pattern, longest, pieces):
    rule = _rule(pattern, longest=longest)
    assert scanned([rule], pieces)[0] == _replaced(rule, "".join(pieces))


@given(PATTERNS, splits(TEXTS))
def test_where_no_match_is_too_long_it_is_what_re2_gives_for_the_whole(pattern, pieces):
    rule, text = _rule(pattern, longest=100), "".join(pieces)
    assert scanned([rule], pieces)[0] == re2.sub(pattern, "X", text)


# As Python's `re` reads them too.
WIDE = ["é+", "[^x]日", r"(?:\x{1f600}|😁)+é", "日(?:é|x)*?本", "(?i)É"]


@pytest.mark.parametrize("pattern", WIDE)
@given(pieces=splits(st.text("é日本😀😁xÉ\ud800", max_size=20)))
def test_characters_count_and_not_octets(pattern, pieces):
    python = re.compile(pattern.replace(r"\x{1f600}", "😀"))
    text, out, at = "".join(pieces), "", 0
    while at < len(text):
        match = python.match(text, at, at + 3)
        out += "X" if match else text[at]
        at = match.end() if match else at + 1
    assert scanned([Expression("e", pattern, "X", 3)], pieces)[0] == out


@given(PATTERNS, st.integers(1, 6), splits(TEXTS))
def test_no_more_is_held_back_than_the_longest(pattern, longest, pieces):
    rule = _rule(pattern, longest=longest)
    used, text = scanner([rule]), ""
    most = longest - 1 + rule.compiled.asserts  # a condition on what is behind a match needs that too
    for piece in pieces:
        used.feed(piece)
        text += piece
        held = used._stages[0].stays._held
        assert len(held) <= most
        assert text.endswith(held)


# Each can be a match with two more characters: (pattern, longest)
FOLLOWED = [
    ("abc", 3),
    ("a(?:b|<a)b", 4),
    ("(?:ab)+<", 5),
    ("ab?", 2),
    ("ab??", 2),
    ("a+", 3),
    ("a+?", 3),
    ("a.*?<", 4),
    ("a.{2}", 3),
    ("(?i)aB<", 3),
    ("<[^<]*<", 4),
    ("(a|ab)(<|b)", 3),
    ("ab|b<a", 3),
    (r"a\b", 2),
    (r"\bab", 2),
    (r"(?m)a$", 2),
    ("^ab", 2),
]


@pytest.mark.parametrize(("pattern", "longest"), FOLLOWED)
def test_what_is_held_back_may_become_a_match_or_a_longer_one(pattern, longest):
    rule = Expression("e", pattern, "X", longest)
    ends = ["".join(each) for size in (1, 2) for each in product("abc< \n", repeat=size)]
    for text in map("".join, product("ab<", repeat=4)):
        used = scanner([rule])
        early = kinds(used.feed(text))[0]
        held = used._stages[0].stays._held
        results = {_replaced(rule, text + end)[: len(early) + 1] for end in ends}
        assert all(result.startswith(early) for result in results)
        assert not held or any(result != early + held[0] for result in results), (text, held)


# (pattern, longest, pieces, what each feed gives, what the end gives)
TOLD = [
    ("ab", 2, ["xa", "b", "a"], ["x", "X", ""], "a"),
    ("a+?", 5, ["aa", "b"], ["XX", "b"], ""),
    ("a+", 5, ["aa", "b"], ["", "Xb"], ""),
    ("a+", 2, ["aaa", "aa"], ["X", "X"], "X"),
    ("a.*b", 4, ["a12", "3", "b"], ["", "a123", "b"], ""),
    ("a.*b", 4, ["ab", "b", "bb"], ["", "", "Xb"], ""),
    ("a(?:bc)?", 3, ["a", "b", "d"], ["", "", "Xbd"], ""),
    ("^a", 1, ["", "a", "a"], ["", "X", "a"], ""),
    ("a$", 1, ["a", "a"], ["", "a"], "X"),
    (r"\ba\b", 1, ["a", " b", "a", "a"], ["", "X b", "a", "a"], ""),
    ("a\nb", 3, ["a", "\n", "b"], ["", "", "X"], ""),
    (".", 1, ["\ud83d", "\ude00"], ["X", "X"], ""),
    ("x", 1, ["\ud83d", "\ude00x"], ["\ud83d", "\ude00X"], ""),
    (r"\Qa.b\E+", 9, ["a.", "bb", "-a+b"], ["", "", "X-a+b"], ""),
]


@pytest.mark.parametrize(("pattern", "longest", "pieces", "given_early", "at_end"), TOLD)
def test_told_texts(pattern, longest, pieces, given_early, at_end):
    used = scanner([Expression("e", pattern, "X", longest)])
    assert [kinds(used.feed(piece))[0] for piece in pieces] == given_early
    assert kinds(used.end()) == (at_end, "")


@pytest.mark.parametrize("size", [400, 2_000, 50_000])
@pytest.mark.parametrize("pattern", ["ab+c", "é.é", "a.{0,30}c", "c$", r"\bé"])
def test_large_texts_are_looked_at_in_windows(pattern, size):
    text = ("ab" * 7 + "é" + "x" * 600 + "abbc" + "aéé\n") * (size // 100)
    rule = Expression("e", pattern, "X", 40)
    whole = re.sub(pattern.replace("$", r"\Z"), "X", text, flags=re.ASCII)
    assert scanned([rule], [text])[0] == whole
    assert scanned([rule], cut(text, *range(0, len(text), 997)))[0] == whole


# (pattern, by, text, what comes out)
GROUPS = [
    (r"(a)(b)?", r"[\1\2]", "ab a", "[ab] [a]"),
    (r"(?P<who>\w+)@", r"\g<who> at ", "me@x", "me at x"),
    (r"(é+)(日)", r"\2\1", "xéé日x", "x日ééx"),
    (r"a", r"\\\0\g<0>", "a", "\\aa"),
    (r"(.)x", r"\1é\1", "日x\ud800x", "日é日\ud800é\ud800"),
]


@pytest.mark.parametrize(("pattern", "by", "text", "out"), GROUPS)
def test_groups_stand_in_what_takes_the_place(pattern, by, text, out):
    rule = Expression("e", pattern, by, 5)
    assert scanned([rule], [text]) == scanned([rule], text) == (out, "")


@pytest.mark.parametrize("before", range(470, 520, 3))
def test_a_match_over_the_edge_of_a_window_comes_before_one_within_it(before):
    text = " " * before + "a   x" + " " * 16 + "c" + " " * 3_000
    rule = Expression("e", "a.{0,30}c|x", "X", 40)
    assert scanned([rule], [text]) == (text.replace("a   x" + " " * 16 + "c", "X"), "")
