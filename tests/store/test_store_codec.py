"""Rows and back: what was recorded is what is found, octet for octet."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import UPSTREAM, Bad, plain, recording, request, response

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Request, Unknown
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.store.codec import COLUMNS, INLINE, from_row, insert, to_row


def no_parts(exchange_id, side, size):
    raise AssertionError("nothing here stands in parts")


def there_and_back(each, parts=no_parts):
    return from_row(to_row(each), parts)


CASES = {
    "plain": {},
    "no answer": {"response": None, "status": 0, "ending": Ending.REFUSED, "outcome": Outcome.REFUSED},
    "empty bodies": {"request": request(b""), "response": response(b"")},
    "octets of all kinds": {"request": request(bytes(range(256))), "response": response(bytes(range(255, -1, -1)))},
    "header order, case and repetition": {
        "request": request(pairs=[(b"X-b", b"1"), (b"x-A", b"2"), (b"X-B", b""), (b"X-b", b"1")]),
        "response": response(pairs=[(b"Set-Cookie", b"a"), (b"SET-COOKIE", b"b"), (b"set-cookie", b"a")]),
    },
    "odd header octets": {
        "response": response(pairs=[(b"X", b"\xff\x80: :\t x"), (b"Y:z", b"a:b"), (b"Z", b"a\rb\nc")])
    },
    "no headers": {"request": request(pairs=()), "response": response(pairs=())},
    "trailers": {"response": response(trailers=[(b"X-Sum", b"1"), (b"x-sum", b"2")])},
    "trailers without headers": {"response": response(pairs=(), trailers=[(b"X-Sum", b"1")])},
    "pieces": {"response": response(b"abcdef", sizes=[1, 2, 3], times=[10, 2**40, 2**63])},
    "a target with spaces and no ASCII": {"request": request(target=b"/a b/\xc3\xa9?q= 1")},
    "flags": {"replayable": False, "pinned": True, "cut": True, "redacted": True, "served_from": 2**62},
    "times": {"head_time": 1, "duration": 2**50, "started": 1_800_000_000.123456},
    "words": {"client": "::1", "model": "modèle-🦙", "detail": "ça \n 'x' \"y\""},
    "no fingerprint": {"fingerprint": b"", "replayable": False},
    "an import": {"imported": 1_700_000_000.5, "started": 1.25, "unknown": frozenset({Unknown.PIECES})},
    "an import of no known time": {"imported": 1_700_000_000.5, "started": 0.0, "unknown": frozenset(Unknown)},
    "whose it is": {"session": "tests/é.py::a b", "scope": bytes(range(256))},
    "a written answer": {"written": True},
    "from a cassette": {"cassette": "chats/é.yaml"},
    "any request": {"pattern": Pattern()},
    "a pattern": {
        "pattern": Pattern("POST", "/é/*/**", (("a", "*"), ("a", "")), b'{"\xff": 1}', ("**X**", "<Y>"), whole=True)
    },
    "a pattern with nothing besides": {"pattern": Pattern(alone=True, leading=True)},
    "routed to another upstream": {"asked": Upstream("x", "https://x.example/v1", "https", "x.example", 443, "/v1")},
    "an import that is asked of its own upstream": {"imported": 1.5, "started": 1.0, "asked": UPSTREAM},
    "another upstream": {"upstream": Upstream("", "http://[::1]:8000", "http", "::1", 8000, "/é")},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_comes_back_as_it_was(changes):
    each = recording(2**62, **changes)
    assert plain(there_and_back(each)) == plain(each)


def changed_import(told):
    """The row of an import whose facts say ``told`` of it."""
    row = list(to_row(recording(imported=5.0)))
    row[8] = orjson.dumps(orjson.loads(row[8]) | {"imported": told})
    return tuple(row)


def test_the_limit_of_age_sees_when_an_import_came():
    assert to_row(recording(imported=5.0, started=1.0))[1] == 5_000_000


def test_what_a_later_version_does_not_know_of_an_import_is_left_out():
    found = from_row(changed_import({"started": 1.0, "unknown": ["TIME", "WEATHER"]}), no_parts)
    assert (found.unknown, found.started, found.imported) == ({Unknown.TIME}, 1.0, 5.0)


def changed_facts(**told):
    row = list(to_row(recording()))
    row[8] = orjson.dumps(orjson.loads(row[8]) | told)
    return tuple(row)


def test_what_version_one_wrote_reads_well():
    row = list(to_row(recording(model="m")))
    facts = orjson.loads(row[8])
    del facts["scope"]
    found = from_row((*row[:8], orjson.dumps(facts), *row[9:16], ""), no_parts)
    assert (found.session, found.scope, found.pattern, found.written, found.model) == ("", b"", None, False, "m")


GOOD = {"method": "", "path": "", "query": [], "body": "", "wild": [], "whole": False}
WRONG = [
    {"scope": 5},
    {"scope": "xy"},
    {"written": 1},
    {"pattern": None},
    {"pattern": {}},
    {"pattern": GOOD | {"method": 1}},
    {"pattern": GOOD | {"query": ["ab"]}},
    {"pattern": GOOD | {"query": [["a", "b", "c"]]}},
    {"pattern": GOOD | {"query": [["a", 1]]}},
    {"pattern": GOOD | {"query": 7}},
    {"pattern": GOOD | {"wild": [1]}},
    {"pattern": GOOD | {"whole": 1}},
    {"pattern": GOOD | {"body": "\u1234"}},
]


@pytest.mark.parametrize("told", WRONG, ids=range(len(WRONG)))
def test_what_somebody_has_changed_of_its_answering_is_refused(told):
    assert from_row(changed_facts(pattern=GOOD), no_parts).pattern is not None
    with pytest.raises(ValueError):  # noqa: PT011  (of many kinds)
        from_row(changed_facts(**told), no_parts)


@pytest.mark.parametrize("told", [None, 1, {}, {"started": 1, "unknown": []}, {"started": 1.0, "unknown": "x"}])
def test_an_import_that_somebody_has_changed_is_refused(told):
    with pytest.raises(ValueError, match="a fact"):
        from_row(changed_import(told), no_parts)


@pytest.mark.parametrize("ending", Ending)
@pytest.mark.parametrize("outcome", Outcome)
def test_every_ending_and_outcome_comes_back(ending, outcome):
    found = there_and_back(recording(ending=ending, outcome=outcome))
    assert (found.ending, found.outcome) == (ending, outcome)


field_octets = st.binary(max_size=20).filter(lambda data: b"\r\n" not in data and data[-1:] != b"\r")
names = field_octets.filter(lambda data: b": " not in data and data[-1:] != b":" and data[:1] != b"\n")
fields = st.lists(st.tuples(names, field_octets), max_size=5).map(tuple)


@given(st.binary(max_size=300), st.binary(max_size=300), fields, fields, fields)
def test_any_octets_come_back(sent, answered, asked, said, trailing):
    each = recording(request=request(sent, asked), response=response(answered, said, trailers=trailing))
    assert plain(there_and_back(each)) == plain(each)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=30))
def test_any_pieces_come_back(pieces):
    each = recording(response=response(sizes=[size for size, _ in pieces], times=[time for _, time in pieces]))
    assert there_and_back(each).response.pieces == each.response.pieces


@given(st.floats(0, 4e9))
def test_the_start_comes_back_to_the_microsecond(started):
    assert abs(there_and_back(recording(started=started)).started - started) <= 2e-6


def test_detail_that_is_no_unicode_is_written_all_the_same():
    assert there_and_back(recording(detail="a\udcffb")).detail == "a?b"


@pytest.mark.parametrize("size", [INLINE - 1, INLINE])
def test_a_small_body_stands_in_its_row(size):
    each = recording(request=request(b"a" * size), response=response(b"b" * size))
    assert plain(there_and_back(each)) == plain(each)


def test_a_large_body_is_left_out_and_asked_for():
    each = recording(7, request=request(b"a" * (INLINE + 1)), response=response(b"b" * (INLINE + 2)))
    asked = []
    found = there_and_back(each, lambda *what: asked.append(what) or Bytes(b"part"))
    assert asked == [(7, 0, INLINE + 1), (7, 1, INLINE + 2)]
    assert (found.request.body.data, found.response.body.data) == (b"part", b"part")
    assert max(len(value) for value in to_row(each) if isinstance(value, bytes)) < 1000


def test_a_row_has_the_columns_that_it_says():
    assert len(to_row(recording())) == len(COLUMNS.split(",")) == insert(1).count("?")
    assert insert(3).count("(?") == 3


class Short(Bad):
    def read(self, offset, size):
        return b"123"


@pytest.mark.parametrize("body", [Bad(OSError("gone")), Short(None, 10)], ids=["unreadable", "short"])
def test_a_body_that_lost_octets_is_not_written(body):
    with pytest.raises(OSError, match=r"gone|7 octets of a body are missing"):
        to_row(recording(request=Request(b"POST", b"/", Headers(), body)))


def edited(**changes):
    """The row with some columns as somebody has edited them."""
    row = dict(
        zip(COLUMNS.split(", "), to_row(recording(response=response(b"abc", sizes=[3], times=[1]))), strict=True)
    )
    facts = orjson.loads(row["facts"]) | changes.pop("facts_with", {})
    return tuple((row | {"facts": orjson.dumps(facts)} | changes).values())


HOSTILE = {
    "facts are no JSON": {"facts": b"{"},
    "facts are a list": {"facts": b"[]"},
    "facts are a number": {"facts": b"1"},
    "facts are empty": {"facts": b"{}"},
    "facts are NULL": {"facts": None},
    "unknown ending": {"facts_with": {"ending": "x"}},
    "unknown outcome": {"facts_with": {"outcome": []}},
    "upstream too short": {"facts_with": {"upstream": ["a"]}},
    "upstream is a number": {"facts_with": {"upstream": 5}},
    "asked is a number": {"facts_with": {"asked": 5}},
    "asked is NULL": {"facts_with": {"asked": None}},
    "client is a list": {"facts_with": {"client": []}},
    "duration is text": {"facts_with": {"duration": "1"}},
    "started is text": {"started": "yesterday"},
    "model is a number": {"model": 5},
    "status is text": {"status": "x"},
    "fingerprint is text": {"fingerprint": "x"},
    "request head is a number": {"request_head": 5},
    "request head is text": {"request_head": "GET /"},
    "request body is text": {"request_body": "text"},
    "request size is text": {"request_size": "x", "request_body": None},
    "request size is negative": {"request_size": -1, "request_body": None},
    "response head is text": {"response_head": "200 OK"},
    "response head is a number": {"response_head": 200},
    "response head is empty": {"response_head": b""},
    "status line is words": {"response_head": b"OK 200\r\n"},
    "response body is a number": {"response_body": 5},
    "pieces are text": {"pieces": "12345678"},
    "pieces are cut": {"pieces": b"1234567"},
    "pieces do not pair": {"pieces": b"12345678"},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_an_edited_row_is_refused(changes):
    with pytest.raises(ValueError, match=r"."):
        from_row(edited(**changes), lambda exchange_id, side, size: Bytes(b""))


def test_an_unedited_row_is_not_refused():
    assert from_row(edited(), no_parts).response.body.data == b"abc"


values = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=9) | st.binary(max_size=40)


@given(st.sampled_from(COLUMNS.split(", ")), values)
def test_any_edited_value_is_refused_or_read(column, value):
    try:
        found = from_row(edited(**{column: value}), lambda exchange_id, side, size: Bytes(b""))
    except ValueError:
        return
    assert len(to_row(found)) == 17


def test_pieces_are_the_ones_of_the_recording():
    found = from_row(edited(), no_parts)
    assert (list(found.response.pieces.sizes), list(found.response.pieces.times)) == ([3], [1])
