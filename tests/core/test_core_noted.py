"""Marks and comments as they are kept: plain, bounded, and without what a terminal or a page would obey."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.acts import LONGEST_COMMENT, LONGEST_MARK
from proxy_daemon.core.noted import noted_comment, noted_mark

MARKS = {
    "odd": "odd",
    " odd ": "odd",
    "": "",
    "   ": "",
    "\N{LARGE RED CIRCLE}": "\N{LARGE RED CIRCLE}",
    "ä" * 16: "ä" * 16,
}
COMMENTS = {"one\r\ntwo\r\n": "one\ntwo", "\ttab": "\ttab", "a" * LONGEST_COMMENT: "a" * LONGEST_COMMENT, "\n": ""}
HOSTILE = "\0\x1b\x7f\x9b\u202e\u2066\ud800\u2028\u0085"


@pytest.mark.parametrize(("text", "kept"), MARKS.items())
def test_marks(text, kept):
    assert noted_mark(text) == kept


@pytest.mark.parametrize(("text", "kept"), COMMENTS.items(), ids=range(len(COMMENTS)))
def test_comments(text, kept):
    assert noted_comment(text) == kept


@pytest.mark.parametrize("sign", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("noted", [noted_mark, noted_comment])
def test_what_could_be_obeyed_is_refused(noted, sign):
    with pytest.raises(ValueError, match=rf"U\+{ord(sign):04X} is a control character"):
        noted(f"a{sign}b")


@pytest.mark.parametrize("text", ["a\nb", "a\tb"])
def test_a_mark_is_one_line(text):
    with pytest.raises(ValueError, match="mark: U"):
        noted_mark(text)


@pytest.mark.parametrize(
    ("noted", "longest"), [(noted_mark, LONGEST_MARK), (noted_comment, LONGEST_COMMENT)], ids=["mark", "comment"]
)
def test_no_longer_than_that(noted, longest):
    assert noted("x" * longest) == "x" * longest
    with pytest.raises(ValueError, match=f"more than {longest} characters"):
        noted("x" * (longest + 1))


@given(st.text())
def test_any_text_is_kept_plain_or_refused(text):
    for noted, allowed in ((noted_mark, ""), (noted_comment, "\n\t")):
        try:
            kept = noted(text)
        except ValueError:
            continue
        assert noted(kept) == kept
        kept.encode()
        assert all(sign.isprintable() or sign in allowed or sign.isspace() or ord(sign) > 0xA0 for sign in kept)
