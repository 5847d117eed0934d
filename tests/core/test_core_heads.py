"""The heads that llmproxy makes: a `Cache-Status` for each outcome, and errors in the shape of each API."""

import re
from http import HTTPStatus
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import strictness
from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.heads import FRAMING, error_answer, own_fields
from proxy_daemon.core.messages import Outcome

FIELD = re.compile(rb"[A-Za-z-]+: [\x20-\x7e]+")


def _fields(outcome=Outcome.HIT, exchange_id=1, edited=False, age=-1, fitted=False, likeness=0.0):
    exchange = SimpleNamespace(outcome=outcome, id=exchange_id, fitted=fitted, likeness=likeness)
    data = own_fields(exchange, edited, age)
    assert data.endswith(b"\r\n")
    return data.removesuffix(b"\r\n").split(b"\r\n")


def test_a_recording_that_is_only_near_says_how_near():
    assert _fields(likeness=0.9731)[0] == b"Cache-Status: llmproxy; hit; detail=fuzzy-0.97"


def test_an_answer_that_was_made_to_fit_is_not_verbatim():
    assert [_fields(fitted=fitted)[-1] for fitted in (True, False)] == [
        b"X-LLMProxy-Body: edited",
        b"X-LLMProxy-Body: verbatim",
    ]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.HIT, b"hit"),
        (Outcome.MISS, b"fwd=miss"),
        (Outcome.LIVE, b"fwd=bypass"),
        (Outcome.COLLAPSED, b"fwd=miss; collapsed"),
        (Outcome.REFUSED, b"fwd=bypass; detail=refused"),
        (Outcome.FAILED, b"fwd=miss; detail=failed"),
    ],
)
def test_each_outcome_has_its_cache_status(outcome, status):
    assert _fields(outcome)[0] == b"Cache-Status: llmproxy; " + status


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("edited", [True, False])
def test_no_outcome_is_without_fields(outcome, edited):
    fields = _fields(outcome, edited=edited)
    assert len(fields) == 3
    assert all(FIELD.fullmatch(field) for field in fields)


@pytest.mark.parametrize(
    ("age", "first"),
    [
        (-1, b"Cache-Status: llmproxy; hit"),
        (0, b"Age: 0"),
        (7, b"Age: 7"),
        (2**31, b"Age: 2147483648"),
    ],
)
def test_only_what_was_recorded_has_an_age(age, first):
    assert _fields(age=age)[0] == first


@pytest.mark.parametrize(
    "status", sorted({each.status for each in vars(strictness).values() if isinstance(each, strictness.Wrong)})
)
def test_each_refusal_has_the_phrase_of_its_status(status):
    head, _ = error_answer(GENERIC, status, "llmproxy_refused", "why")
    assert head.reason.decode() == HTTPStatus(status).phrase


@pytest.mark.parametrize(("edited", "word"), [(True, b"edited"), (False, b"verbatim")])
def test_whether_rules_apply_is_said(edited, word):
    assert _fields(edited=edited)[-1] == b"X-LLMProxy-Body: " + word


@pytest.mark.parametrize(
    ("exchange_id", "text"),
    [
        (0, b"0" * 16),
        (255, b"00000000000000ff"),
        (2**63 - 1, b"7fffffffffffffff"),
    ],
)
def test_the_id_is_as_people_see_it(exchange_id, text):
    assert _fields(exchange_id=exchange_id)[1] == b"X-LLMProxy-Exchange: " + text


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, b"Bad Request"),
        (403, b"Forbidden"),
        (404, b"Not Found"),
        (413, b"Content Too Large"),
        (424, b"Failed Dependency"),
        (426, b"Upgrade Required"),
        (502, b"Bad Gateway"),
        (504, b"Gateway Timeout"),
        (507, b"Insufficient Storage"),
        (599, b"Error"),
    ],
)
def test_an_error_has_its_reason_and_is_json(status, reason):
    head, _ = error_answer(GENERIC, status, "kind", "words")
    assert (head.status, head.reason) == (status, reason)
    assert head.headers.pairs == ((b"Content-Type", b"application/json"),)
    assert FRAMING.isdisjoint(name.lower() for name, _ in head.headers.pairs)


MESSAGES = [
    "plain",
    'say "no"\r\n\r\nX: y',
    "\x00\x1b[31m",
    "\ud800 lone",
    "ünï \U0001f600",
    "",
    "x" * 10_000,
    "</script>",
]


@pytest.mark.parametrize("dialect", [*BUILT_IN, GENERIC], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_each_api_gets_the_message_whole(dialect, message):
    _, body = error_answer(dialect, 424, "llmproxy_miss", message)
    read = dialect.whole(orjson.loads(body)).error
    assert message.replace("\ud800", "?") in read
    assert len(read) < len(message) + 100


PLACELESS = {"google", "bedrock", "ollama", "cohere", "cohere-v1"}  # their errors have no place for it
WITH_KIND = [dialect for dialect in (*BUILT_IN, GENERIC) if dialect.name not in PLACELESS]


@pytest.mark.parametrize("dialect", WITH_KIND, ids=lambda dialect: dialect.name)
def test_programs_find_the_kind(dialect):
    _, body = error_answer(dialect, 424, "llmproxy_miss", "words")
    assert b'"llmproxy_miss"' in body


@given(st.text())
def test_any_message_stays_json(message):
    _, body = error_answer(GENERIC, 502, "kind", message)
    assert orjson.loads(body)["error"]["message"] == message
