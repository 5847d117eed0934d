"""A text is written in the manner of the string that it replaces, and reads back as itself."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting.escapes import as_string
from proxy_daemon.core.wire.json_text import parse

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def slashes(text):
    return json.dumps(text).replace("/", "\\/").encode()


def angles(text):
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026").encode()


def upper(text):
    return "".join(f"\\u{each:04X}" for each in memoryview(text.encode("utf-16-le")).cast("H")).join('""').encode()


MANNERS = [orjson.dumps, lambda text: json.dumps(text).encode(), slashes, angles, upper]


@pytest.mark.parametrize("written", MANNERS)
@given(TEXTS)
def test_the_same_text_keeps_its_octets(written, text):
    assert as_string(text, written(text)) == written(text)


@pytest.mark.parametrize("written", MANNERS)
@given(TEXTS, TEXTS)
def test_any_text_reads_back(written, text, like):
    assert parse(as_string(text, written(like))) == text


@pytest.mark.parametrize(
    ("text", "like", "meant"),
    [
        ("<b>/é", rb'"\u003c\/x"', '"\\u003cb>\\/é"'.encode()),
        ('a"\\\n\x01', rb'"\u00e9"', rb'"a\"\\\n\u0001"'),
        ("é", rb'"\\u00e9"', '"é"'.encode()),
        ("😀é", rb'"\ud83d\ude00\u00E9"', rb'"\ud83d\ude00\u00E9"'),
        ("x\ufffd", rb'"\ud83dy"', rb'"x\ud83d"'),
        ("\ufffdb\ufffd", rb'"\ude00a\ud83d"', rb'"\ude00b\ud83d"'),
        ("\ufffdb\ufffd\ufffd", rb'"\uD83D a\ufffd\ude00"', rb'"\uD83Db\ufffd\ude00"'),
        ("\ufffd<\ufffd", b'"\xef\xbf\xbda\\ude00"', b'"\xef\xbf\xbd<\\ude00"'),
        ("]^-a", rb'"\u005d\u005e\u002d\u0061"', rb'"\u005d\u005e\u002d\u0061"'),
        ("", b'""', b'""'),
    ],
)
def test_escapes_are_taken_over(text, like, meant):
    assert as_string(text, like) == meant


def test_half_a_surrogate_pair_that_a_rule_writes_is_no_text():
    assert as_string("\ud83d", b'"x"') == as_string("\ud83d", rb'"\u00e9"') == b'"?"'


@pytest.mark.parametrize("was", [None, "é<", "", "other", "\ud83d"])
def test_what_the_old_one_says_need_not_be_read_and_may_be_wrong(was):
    assert as_string("<é!", rb'"\u00e9\u003c"', was) == rb'"\u003c\u00e9!"'
