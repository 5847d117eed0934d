"""A needle is found over any split as `str.find` finds it in the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanned import begins_at_end, splits

from proxy_daemon.core.rewriting.needle import Needle

NEEDLES = st.text("ab", min_size=1, max_size=6)
# (needle, falls)
FALLS = [("a", (0,)), ("aa", (0, 1)), ("ab", (0, 0)), ("abab", (0, 0, 1, 2)), ("aabaaab", (0, 1, 0, 1, 2, 2, 3))]


@pytest.mark.parametrize(("needle", "falls"), FALLS)
def test_the_table_says_where_to_go_on(needle, falls):
    assert Needle(needle).falls == falls


@given(NEEDLES)
def test_the_table_is_what_it_says(text):
    for size, fall in enumerate(Needle(text).falls, 1):
        assert fall == begins_at_end(text[:size], text[:size])


@given(NEEDLES, splits(st.text("abc", max_size=30)))
def test_the_first_is_found_and_else_what_may_begin_one(find, pieces):
    needle, matched, before = Needle(find), 0, ""
    for piece in pieces:
        end, matched = needle.seek(piece, 0, matched)
        whole = before + piece
        if end >= 0:
            assert matched == 0
            assert len(before) + end == whole.find(find) + len(find)
            return
        assert find not in whole
        assert matched == begins_at_end(whole, find)
        before = whole


@given(NEEDLES, st.text("ab", max_size=30), st.integers(0, 30))
def test_what_is_before_the_start_is_not_looked_at(find, text, start):
    end, _ = Needle(find).seek(text, min(start, len(text)), 0)
    place = text.find(find, min(start, len(text)))
    assert end == (place + len(find) if place >= 0 else -1)
