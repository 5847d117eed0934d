"""Styled lines as a terminal gets them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.telling.styled import BARE, FULL, PLAIN, STYLES, painted, written

CODE = re.compile("\x1b\\[[0-9]+m")
LINE = (("red", "a"), ("", "b"), ("bold", "c"), ("dim", ""))


@pytest.mark.parametrize(
    ("depth", "expected"), [(FULL, "\x1b[31ma\x1b[0mb\x1b[1mc\x1b[0m"), (PLAIN, "ab\x1b[1mc\x1b[0m"), (BARE, "abc")]
)
def test_a_line(depth, expected):
    assert written(LINE, depth) == expected


@pytest.mark.parametrize("style", STYLES)
def test_each_style_ends(style):
    assert CODE.findall(painted(style, "x"))[-1] == "\x1b[0m"


def test_a_style_that_there_is_not_is_none():
    assert painted("blink", "x") == "x"


@given(st.lists(st.tuples(st.sampled_from(["", *STYLES]), st.text())))
def test_nothing_steers_the_terminal(line):
    said = CODE.sub("", written(line)).replace("\n", "").replace("\t", "")
    assert said.isprintable() or all(each.isprintable() or each.isspace() for each in said)
    assert "\x1b" not in said
    assert "\r" not in said
