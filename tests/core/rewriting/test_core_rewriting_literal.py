"""Plain text and pairs: over any split what `str.replace` and `str.find` give in the whole, and at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanned import begins_at_end, kinds, paired, scanned, splits

from proxy_daemon.core.rewriting.rules import Pair, Replace
from proxy_daemon.core.rewriting.scanner import Said, scanner

TEXTS = st.text("ab<", max_size=40)
FINDS = st.text("ab<", min_size=1, max_size=5)
BYS = st.text("aX", max_size=2)
PAIRS = st.one_of(
    st.builds(Pair, st.just("p"), FINDS, FINDS, BYS, BYS),
    st.builds(Pair, st.just("p"), FINDS, FINDS, moves=st.just(True)),
)


@given(FINDS, BYS, splits(TEXTS))
def test_plain_text_is_replaced_as_in_the_whole(find, by, pieces):
    assert scanned([Replace("r", find, by)], pieces) == ("".join(pieces).replace(find, by), "")


@given(FINDS, BYS, splits(TEXTS))
def test_only_the_longest_beginning_of_a_match_is_held_back(find, by, pieces):
    used, text, given_so_far = scanner([Replace("r", find, by)]), "", ""
    for piece in pieces:
        text += piece
        given_so_far += kinds(used.feed(piece))[0]
        held = begins_at_end(text.split(find)[-1], find)
        assert given_so_far == text.replace(find, by)[: len(text.replace(find, by)) - held]


@given(PAIRS, splits(TEXTS))
def test_a_pair_is_replaced_as_in_the_whole(rule, pieces):
    assert scanned([rule], pieces) == paired(rule, "".join(pieces))[:2]


@given(PAIRS, splits(TEXTS))
def test_a_pair_holds_back_only_what_may_be_its_next(rule, pieces):
    used, text, so_far = scanner([rule]), "", []
    for piece in pieces:
        text += piece
        so_far += used.feed(piece)
        *expected, find, rest = paired(rule, text)
        held = begins_at_end(rest, find)
        assert sum(map(len, kinds(so_far))) == sum(map(len, expected)) - held
        assert all(whole.startswith(early) for whole, early in zip(expected, kinds(so_far), strict=True))


@given(PAIRS, splits(TEXTS))
def test_what_is_given_has_no_empty_texts_and_no_neighbours_of_a_kind(rule, pieces):
    used = scanner([rule])
    for said in [*map(used.feed, pieces), used.end()]:
        assert all(piece.text for piece in said)
        assert all(one.moved != other.moved for one, other in pairwise(said))


TAGS = Pair("t", "<t>", "</t>", "[", "]")
MOVES = Pair("t", "<t>", "</t>", moves=True)
# (rule, text, what stays, what is moved)
TOLD = [
    (TAGS, "a<t>b</t>c", "a[b]c", ""),
    (TAGS, "<t>1</t><t>2</t>", "[1][2]", ""),
    (TAGS, "</t>a<t>", "</t>a[", ""),
    (TAGS, "<t><t>a</t></t>", "[<t>a]</t>", ""),
    (TAGS, "<t>a</t", "[a</t", ""),
    (TAGS, "<<t>", "<[", ""),
    (TAGS, "", "", ""),
    (MOVES, "a<t>b</t>c<t>d</t>e", "ace", "bd"),
    (MOVES, "a<t>b", "a", "b"),
    (MOVES, "a<t>b<", "a", "b<"),
    (MOVES, "a</t>b", "a</t>b", ""),
    (MOVES, "<t></t>", "", ""),
    (Pair("t", "|", "|", "(", ")"), "a|b|c|d", "a(b)c(d", ""),
    (Pair("t", "\ud83d", "\ude00", "x", "y"), "\ud83d\ude00\ude00", "xy\ude00", ""),
    (Replace("r", "aa", "b"), "aaaaa", "bba", ""),
    (Replace("r", "a", "aa"), "aa", "aaaa", ""),
    (Replace("r", "\ud83d", "?"), "\ud83d\ude00\U0001f600", "?\ude00\U0001f600", ""),
]


@pytest.mark.parametrize(("rule", "text", "stays", "moved"), TOLD)
def test_told_texts(rule, text, stays, moved):
    assert scanned([rule], [text]) == scanned([rule], text) == (stays, moved)


def test_moved_text_is_given_as_it_comes():
    used = scanner([MOVES])
    assert used.feed("a<t>b") == [Said("a"), Said("b", moved=True)]
    assert used.feed("c<") == [Said("c", moved=True)]
    assert used.feed("d</") == [Said("<d", moved=True)]
    assert used.feed("t>e") == [Said("e")]
    assert used.end() == []
