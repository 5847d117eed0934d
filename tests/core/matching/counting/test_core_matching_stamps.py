"""Stamps that clients put into requests: struck out where the settings say so, and only these."""

import pytest
import re2
from bodies_of_requests import CHAT, MESSAGES, RESPONSES, chat, taken
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching.counting.stamps import MOST_RULES, NAMED, Stamp, parse_named, parse_tables
from proxy_daemon.core.matching.fingerprint import Matcher


def says(text, role="user"):
    return {"model": "m", "messages": [{"role": role, "content": text}]}


def system(text):
    return {"system": [{"type": "text", "text": text}], "messages": []}


BILLING = "x-anthropic-billing-header: cc_version=2.1.{}; cc_entrypoint=cli; {}"
REMINDER = "<system-reminder>\nToday's date is {}.\n</system-reminder>"
BLOCK = {"type": "text", "text": "hi", "cache_control": {"type": "e"}}
MARKED = {"model": "m", "messages": [{"role": "user", "content": [BLOCK]}]}
# rule, dialect, one body, another, and whether they are the same under that rule; without it they differ
CASES = [
    ("dates", CHAT, says("Today is 2026-08-20."), says("Today is 2026-11-21."), True),
    ("dates", CHAT, says("At 2026-08-20T10:11:12Z"), says("At 2027-01-02T10:11:59.123Z"), True),
    ("dates", CHAT, says("It is May 3, 2026"), says("It is 14 November 2027"), True),
    ("dates", CHAT, says("Monday, May 4, 2026 at 9:00 AM"), says("Tue, Jun 9 2026 at 11:30 PM"), True),
    ("dates", CHAT, says("Today is 2026-08-20."), says("Today is."), False),
    ("dates", CHAT, says("Add 12 and 30"), says("Add 12 and 31"), False),
    ("dates", CHAT, says("version 2026.08"), says("version 2026.09"), False),
    (
        "uuids",
        CHAT,
        says("id 123e4567-e89b-12d3-a456-426614174000"),
        says("id 00000000-0000-0000-0000-00000000000F"),
        True,
    ),
    ("uuids", CHAT, says("id 123e4567-e89b-12d3-a456-426614174000"), says("id 123e4567"), False),
    (
        "claude-code",
        MESSAGES,
        system(BILLING.format("113.92d", "cch=da5b4;")),
        system(BILLING.format("113.b14", "cch=d456a;")),
        True,
    ),
    ("claude-code", MESSAGES, system(BILLING.format("113.92d", "")), system(BILLING.format("114.92d", "")), False),
    ("claude-code", MESSAGES, says(REMINDER.format("2026-08-20")), says(REMINDER.format("2026-11-21")), True),
    ("claude-code", MESSAGES, says("Add 2026-08-20"), says("Add 2026-08-21"), False),
    ("claude-code", CHAT, MARKED, says("hi"), True),
    ("claude-code", CHAT, {"metadata": {"user_id": "a"}}, {}, None),
    ("codex", CHAT, {"client_metadata": {"a": "1"}}, {"client_metadata": {"a": "2"}}, True),
    (
        "codex",
        RESPONSES,
        {"input": "<current_date>1</current_date>"},
        {"input": "<current_date>2</current_date>"},
        True,
    ),
    ("codex", RESPONSES, {"input": "<date>1</date>"}, {"input": "<date>2</date>"}, False),
    (
        "copilot-cli",
        CHAT,
        says("<current_datetime>a</current_datetime> x"),
        says("<current_datetime>b</current_datetime> x"),
        True,
    ),
    (
        "copilot-cli",
        CHAT,
        says("<current_datetime>a</current_datetime> x"),
        says("<current_datetime>b</current_datetime> y"),
        False,
    ),
]


@pytest.mark.parametrize(("name", "dialect", "one", "other", "same"), CASES, ids=range(len(CASES)))
def test_rules_that_have_a_name(name, dialect, one, other, same):
    matcher = Matcher(stamps=parse_named(name))
    assert (taken(one, dialect, matcher) == taken(other, dialect, matcher)) is bool(same) or same is None
    assert taken(one, dialect) != taken(other, dialect) or same is None


def test_every_rule_that_has_a_name_is_tried():
    assert {name for name, *_ in CASES} == set(NAMED)


STAMPS = [
    (
        Stamp("a", "", "x+"),
        {"a": "1xx2", "b": ["x", {"c": "xyx"}]},
        {"a": "1\0a\x002", "b": ["\0a\0", {"c": "\0a\0y\0a\0"}]},
    ),
    (
        Stamp("a", "m.*.c", "x"),
        {"m": [{"c": "x"}, {"d": "x"}, "x"], "c": "x"},
        {"m": [{"c": "\0a\0"}, {"d": "x"}, "x"], "c": "x"},
    ),
    (Stamp("a", "m", "x"), {"m": {"c": ["x"]}, "n": "x"}, {"m": {"c": ["\0a\0"]}, "n": "x"}),
    (Stamp("a", "m.n", "x"), {"m": ["x"]}, {"m": ["x"]}),
    (Stamp("a", "", "k=(x)(y)?"), {"a": "k=xy k=x"}, {"a": "k=\0a\0\0a\0 k=\0a\0"}),
    (Stamp("a", "", "k=((x)y)"), {"a": "k=xy"}, {"a": "k=\0a\0"}),
    (Stamp("a", "", "é(.)"), {"a": "éü→é→"}, {"a": "é\0a\0→é\0a\0"}),
    (Stamp("a", "", "x"), {"a": "y", "b": 5, "c": None}, {"a": "y", "b": 5, "c": None}),
]


@pytest.mark.parametrize(("stamp", "body", "expected"), STAMPS, ids=range(len(STAMPS)))
def test_what_is_struck_out_leaves_its_name(stamp, body, expected):
    before = repr(body)
    struck = stamp.struck(body)
    assert struck == expected
    assert (struck is body) == (body == expected)
    assert repr(body) == before


@given(st.text(max_size=40), st.text(alphabet="xyé", max_size=5))
def test_a_text_without_the_stamp_stays_itself(text, more):
    stamp = Stamp("a", "", "[xy]+")
    struck = stamp.struck({"t": text + more})["t"]
    assert struck.replace("\0a\0", "") == "".join(each for each in text + more if each not in "xy").replace("\0a\0", "")


TABLES = [
    ([{"name": "n", "path": "a.*.b", "pattern": "x"}], [("n", "a.*.b", "x")]),
    ([{"name": "n", "pattern": "x"}], [("n", "", "x")]),
    ([{"name": "n", "path": "a"}], [("n", "a", "")]),
    ([{"name": "uuids"}], [("uuids", "", NAMED["uuids"][0][1])]),
    ([], []),
]


@pytest.mark.parametrize(("tables", "expected"), TABLES, ids=range(len(TABLES)))
def test_tables_of_a_file(tables, expected):
    assert [(stamp.name, stamp.path, stamp.pattern) for stamp in parse_tables(tables)] == expected


REFUSED = [
    ("x", "must be tables"),
    ([5], "must be tables"),
    ([{"name": "n"}], "needs a path, a pattern or both, or the name of one of dates, "),
    ([{"pattern": "x"}], r"\[\[volatile\]\] 1: name must be"),
    ([{"name": "N N", "pattern": "x"}], "name must be small letters"),
    ([{"name": "n", "pattern": 5}], "pattern must be a text"),
    ([{"name": "n", "pattern": "x" * 5000}], "at most 4096"),
    ([{"name": "n", "path": "a..b"}], "path must be the path"),
    ([{"name": "n", "path": 5}], "path must be the path"),
    (
        [{"name": "a", "path": "a"}, {"name": "n", "pattern": "(?=x)"}],
        r"\[\[volatile\]\] 2: pattern: .* invalid perl operator",
    ),
    ([{"name": "n", "pattern": "("}], "missing"),
    ([{"name": "n", "pattern": r"(x)\1"}], "invalid escape"),
    ([{"name": "n", "pattern": "x{1000}{1000}"}], "no pattern that RE2 reads"),
    ([{"name": "n", "pattern": "x*"}], "matches nothing at all"),
    ([{"name": "n", "pattern": "x", "where": "a"}], "unknown key 'where'"),
    ([{"name": "n", "path": "a"}] * (MOST_RULES + 1), "are the most"),
    ([{"name": "n", "path": "messages.*"}], "a list goes as a whole"),
]


@pytest.mark.parametrize(("tables", "said"), REFUSED, ids=range(len(REFUSED)))
def test_a_table_that_is_wrong_says_what_to_do(tables, said):
    with pytest.raises(ValueError, match=said):
        parse_tables(tables)


def test_a_name_that_is_unknown_tells_the_others():
    with pytest.raises(ValueError, match="one of dates, uuids, claude-code, codex, copilot-cli"):
        parse_named("date")


def test_patterns_that_take_other_engines_for_ever_take_no_time():
    """`re` would need 2 to the power of the length of this."""
    stamp = Stamp("a", "", "(?:a|aa|a?a)+b")
    assert stamp.struck({"t": "a" * 200_000})["t"] == "a" * 200_000
    assert re2.compile("a").search("a")


def test_stamps_are_told_apart_from_what_they_hide():
    matcher = Matcher(stamps=(Stamp("n", "", "[0-9]+"),))
    assert taken(chat(seed=1), matcher=matcher) != taken(chat(seed=2), matcher=matcher)  # numbers are no texts
    assert (
        taken(says("a 1"), matcher=matcher)
        == taken(says("a 22"), matcher=matcher)
        != taken(says("a "), matcher=matcher)
    )
