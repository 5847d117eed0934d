"""Requests that are easily taken for one another, and some that are easily taken for two."""

import pytest
from bodies_of_requests import BY_NAME, CHAT, MESSAGES, RESPONSES, asked, chat, taken

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.matching.counting.forms import without_boundary
from proxy_daemon.core.matching.counting.stamps import Stamp, parse_named
from proxy_daemon.core.matching.counting.stamps import parse_tables as volatile
from proxy_daemon.core.matching.fingerprint import LOOKED_AT, Matcher
from proxy_daemon.core.matching.kept import LIMIT, Kept

UUIDS = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(2)]
DATES, UUID_RULE = parse_named("dates"), parse_named("uuids")


def result_of(number):
    """A tool's result, for the first or the second of two calls."""
    calls = [{"id": each, "type": "function"} for each in UUIDS]
    return chat(messages=[{"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_call_id": UUIDS[number]}])


def compacted(text, kind="compaction"):
    return {"model": "m", "input": [{"type": kind, "id": "cmp_1", "encrypted_content": text}]}


def thought(text):
    return {"model": "m", "input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": text}]}


CASES = [
    ("an empty member that has rules", {"model": "m", "stream_options": {}}, {"model": "m"}, CHAT, (), True),
    ("the same beside a null", {"n": None, "stream_options": {}}, {"stream_options": {}}, CHAT, (), True),
    ("an empty system", {"system": {}, "a": 1}, {"a": 1}, MESSAGES, (), True),
    ("a search that is asked for", chat(web_search_options={}), chat(), CHAT, (), False),
    ("a search that is not", chat(web_search_options=None), chat(), CHAT, (), True),
    ("a history that is encrypted", compacted("a"), compacted("b"), RESPONSES, (), False),
    (
        "by another name",
        compacted("a", "context_compaction"),
        compacted("b", "context_compaction"),
        RESPONSES,
        (),
        False,
    ),
    ("an encrypted thought", thought("a"), thought("b"), RESPONSES, (), True),
    ("ids that look like stamps", result_of(0), result_of(1), CHAT, UUID_RULE, False),
    ("models with a date", chat(model="m-2024-08-06"), chat(model="m-2024-11-20"), CHAT, DATES, False),
    ("models to fall back on", chat(models=["m-2024-08-06"]), chat(models=["m-2024-11-20"]), CHAT, DATES, False),
    (
        "a response to go on from",
        {"input": "x", "previous_response_id": UUIDS[0]},
        {"input": "x", "previous_response_id": UUIDS[1]},
        RESPONSES,
        UUID_RULE,
        False,
    ),
    (
        "a conversation to go on with",
        {"input": "x", "conversation": {"id": UUIDS[0]}},
        {"input": "x", "conversation": {"id": UUIDS[1]}},
        RESPONSES,
        UUID_RULE,
        False,
    ),
    (
        "a stamp where a person says so",
        {"input": "x", "previous_response_id": UUIDS[0]},
        {"input": "x", "previous_response_id": UUIDS[1]},
        RESPONSES,
        volatile([{"name": "mine", "path": "previous_response_id", "pattern": "[0-9a-f-]+"}]),
        True,
    ),
    (
        "a wait that is asked for",
        ({}, [(b"Prefer", b"wait")]),
        ({}, []),
        BY_NAME["replicate"],
        (),
        False,
    ),
]


@pytest.mark.parametrize(
    ("one", "other", "dialect", "stamps", "same"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_two_requests(one, other, dialect, stamps, same):
    matcher = Matcher(stamps=stamps)
    found = {
        taken(body, dialect, matcher, fields=fields)
        for body, fields in (each if isinstance(each, tuple) else (each, []) for each in (one, other))
    }
    assert (len(found) == 1) is same


def test_ids_that_look_like_stamps_may_be_renamed():
    one = {"messages": [{"role": "tool", "tool_call_id": UUIDS[0]}]}
    other = {"messages": [{"role": "tool", "tool_call_id": UUIDS[1]}]}
    assert taken(one, matcher=Matcher(stamps=UUID_RULE)) == taken(other, matcher=Matcher(stamps=UUID_RULE))


def test_a_stamp_alone_looks_everywhere_but_at_what_names_a_thing():
    body = {"model": "x", "a": ["x", {"model": ["x"], "b": "x"}], "container": "x", "file_id": "x", "file": "x"}
    struck = Stamp("n", "", "x").struck(body)
    assert struck == {
        "model": "x",
        "a": ["\0n\0", {"model": ["x"], "b": "\0n\0"}],
        "container": "x",
        "file_id": "x",
        "file": "\0n\0",
    }


def test_fields_of_a_request_do_not_fill_the_memory():
    kept = Kept()
    for number in range(4000):
        kept.of(b"x%d" % number, ("rules", b"y" * 60_000), lambda: 1)
    assert (len(kept._young) + len(kept._old)) * 60_000 <= LIMIT
    kept = Kept(longest=10)
    assert [kept.of(b"x", ("rules", b"y" * 11), lambda answer=answer: answer) for answer in (1, 2)] == [1, 2]


def big(data, boundary=b"12345678"):
    return b"".join(without_boundary(Bytes(data), b"multipart/form-data; boundary=" + boundary))


def test_where_a_boundary_stands_counts_in_large_forms_too():
    assert big(b"a12345678b\0c") != big(b"a\0b12345678c")
    assert big(b"a12345678b") != big(b"a\0b") != big(b"ab")
    assert big(b"a12345678b") == big(b"a87654321b", b"87654321")
    data = b"x" * LOOKED_AT + b"--12345678" * 3
    kind = (b"Content-Type", b"multipart/form-data; boundary=%b")
    found = [
        taken(data.replace(b"12345678", each), fields=[(kind[0], kind[1] % each)])
        for each in (b"12345678", b"abcdefgh")
    ]
    assert (
        found[0] == found[1] != taken(data.replace(b"--12345678", b"--\0"), fields=[(kind[0], kind[1] % b"abcdefgh")])
    )


def test_a_form_of_very_many_fields_is_compared_by_its_octets():
    kind = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    many = b"&a=%61" * 20_000
    assert taken(many, fields=kind) == taken(many, fields=[])
    assert asked(many, fields=kind).body.size > 100_000


@pytest.mark.parametrize(("length", "told_apart"), [(1000, False), (LOOKED_AT - 100, True)])
def test_a_pattern_that_looks_at_all_of_a_text_again_and_again_is_stopped(length, told_apart):
    """Then the octets are compared, which is safe. It would take half an hour."""
    matcher = Matcher(stamps=volatile([{"name": "mine", "pattern": "a[^b]*b|a"}]))
    one, other = (taken({"m": "a" * many + "c"}, matcher=matcher) for many in (length, length))
    assert one == other
    spaced = taken(b'{"m": "%bc"}' % (b"a" * length), matcher=matcher)
    assert (one != spaced) is told_apart


def test_rules_with_a_name_strike_out_as_many_as_there_are():
    texts = [{"m": f"{year}-01-01 " * 80_000} for year in (2025, 2026)]
    matcher = Matcher(stamps=DATES)
    assert taken(texts[0], matcher=matcher) == taken(texts[1], matcher=matcher)
