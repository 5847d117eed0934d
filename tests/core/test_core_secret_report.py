"""Where secrets stand, told without telling them."""

import base64
import gzip
import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from planted import SHAPES, drawn

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.secret_place import path_at
from proxy_daemon.core.secret_report import SHOWN, Report
from proxy_daemon.core.upstreams import parse_upstream

KEY = SHAPES["groq"]
CLEAN = Recording(
    1,
    Request(
        b"POST", b"/v1", Headers([(b"authorization", b"Bearer REDACTED"), (b"accept", b"*/*")]), Bytes(b'{"a":"b"}')
    ),
    Response(ResponseHead(200, b"", Headers([(b"set-cookie", b"REDACTED")])), Bytes(b'{"api_key":"<API_KEY_1>"}')),
    parse_upstream("https://host/v1"),
    Ending.COMPLETE,
    Outcome.MISS,
    0.0,
)
CODED = base64.b64encode(b"here is " + KEY.encode() + b" for you")


def request(**changed):
    return evolve(CLEAN, request=evolve(CLEAN.request, **changed))


def answer(body, *fields, **more):
    return evolve(CLEAN, response=Response(ResponseHead(200, b"", Headers(fields)), Bytes(body)), **more)


CASES = [
    (request(target=b"/v1?key=" + KEY.encode()), "the request's address", "a value named API_KEY"),
    (request(target=b"/v1/" + KEY.encode()), "the request's address", "Groq key"),
    (
        request(headers=Headers([(b"X-Api-Key", KEY.encode())])),
        "the request's field X-Api-Key",
        "a value named API_KEY",
    ),
    (request(headers=Headers([(b"x-note", KEY.encode())])), "the request's field x-note", "Groq key"),
    (
        request(body=Bytes(json.dumps({"messages": [{"content": "a"}, {"content": f"use {KEY}"}]}).encode())),
        "the request's body, messages.1.content",
        "Groq key",
    ),
    (
        request(body=Bytes(b'{"a":{"client_secret":"%b"}}' % KEY.encode())),
        "the request's body, a.client_secret",
        "a value named SECRET",
    ),
    (answer(b"line\nanother with %b" % KEY.encode()), "the answer's body, line 2", "Groq key"),
    (answer(b'data: {"a":1}\n\ndata: {"text":"%b"}\n\n' % KEY.encode()), "the answer's body, line 3, text", "Groq key"),
    (answer(gzip.compress(KEY.encode()), (b"content-encoding", b"gzip")), "the answer's body, line 1", "Groq key"),
    (answer(b"\0\0" + KEY.encode()), "the answer's body, line 1", "Groq key"),
    (answer(CODED), "the answer's body, octet 0, in base64", "Groq key"),
    (answer(b"", (b"set-cookie", b"session=abcdef12345")), "the answer's field set-cookie", "a value named COOKIE"),
    (
        evolve(CLEAN, response=evolve(CLEAN.response, trailers=Headers([(b"x-a", KEY.encode())]))),
        "the answer's trailer x-a",
        "Groq key",
    ),
    (
        evolve(CLEAN, delivered=Delivered(ResponseHead(200), Bytes(KEY.encode()))),
        "the delivered answer's body, line 1",
        "Groq key",
    ),
    (evolve(CLEAN, detail=f"refused: {KEY}"), "the detail", "Groq key"),
]


@pytest.mark.parametrize(("recording", "where", "what"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_each_place_of_a_recording(recording, where, what):
    told = list(Report().recording(recording))
    assert [(each.where, each.what) for each in told][:1] == [(where, what)]
    assert all(len(each.shown) <= SHOWN for each in told)
    assert KEY[:6] not in repr(told)


def test_what_was_taken_out_is_none():
    assert list(Report().recording(CLEAN)) == []
    for sign in (
        "**REDACTED**",
        "<API_KEY>",
        "[FILTERED]",
        "$TOKEN",
        "{{key}}",
        "sk-...",
        "Bearer test",
        "null",
        "xxxxxxxxxx",
        "your-key",
    ):
        assert list(Report().recording(request(headers=Headers([(b"authorization", sign.encode())])))) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"a\nb {KEY}\nc", [("line 2", "Groq key")]),
        (f"{KEY}\n\n\n{SHAPES['xai']}", [("line 1", "Groq key"), ("line 4", "xAI key")]),
        (f'{{"api_key":"{drawn(30)}"}}', [("line 1", "a value named API_KEY")]),
        ("Authorization: Bearer " + drawn(40), [("line 1", "bearer token")]),
        ("x\n" + CODED.decode(), [("line 2, in base64", "Groq key")]),
        ("\0 " + KEY, [("octet 2", "Groq key")]),
        ("nothing here, task-1234567890abcdef1234567890", []),
    ],
)
def test_any_text_by_line(text, told):
    assert [(each.where, each.what) for each in Report().text(text.encode())] == told


def test_what_an_entry_told_is_not_told_again_by_line():
    report = Report()
    assert list(report.recording(answer(KEY.encode())))
    assert [each.where for each in report.text(f"body: {KEY}\nother: {SHAPES['xai']}".encode())] == ["line 2"]


def test_of_very_many_the_number_is_told():
    told = list(Report().recording(answer(b"\n".join(b"gsk_" + b"%052d" % at + b"abcdefgh" for at in range(300)))))
    assert len(told) == 201
    assert told[-1].what == "100 more"


def test_names_of_members_that_are_secrets_are_not_told():
    told = list(Report().recording(answer(json.dumps({KEY: {"x": SHAPES["xai"]}}).encode())))
    assert KEY not in repr(told)


@pytest.mark.parametrize(
    ("data", "mark", "path"),
    [
        (b'{"a":[1,{"b":"X"}]}', b"X", "a.1.b"),
        (b'["a","X"]', b"X", "1"),
        (b'{"a,b":{"c\\"":"X"}}', b"X", 'a,b.c"'),
        (b'{"a":{"b":1},"c":["x",["X"]]}', b"X", "c.1.0"),
        (b'{\n "a": "X"\n}', b"X", "a"),
        (b"X", b"X", "line 1"),
        (b'{"a":1}\n{"b":"X"}', b"X", "line 2, b"),
        (b"event: x\ndata: X", b"X", "line 2"),
        (b'}]{"a":"X"', b"X", "line 1, a"),
    ],
)
def test_paths(data, mark, path):
    assert path_at(data, data.index(mark)) == path


@given(st.binary(max_size=100), st.integers(0, 100))
def test_paths_of_any_octets(data, place):
    assert len(path_at(data, min(place, len(data)))) < 300


@given(st.binary(max_size=200))
def test_any_octets(data):
    list(Report().text(data))
    list(Report().recording(answer(data)))
    list(Report().recording(request(target=data, headers=Headers([(data, data)]), body=Bytes(data))))


@pytest.mark.parametrize("unit", [b'{"api_key":"abcdefgh1234",', b"[", b'"', b"\n", b'{"a":'])
def test_hostile_repetition_ends(unit):
    list(Report().text(unit * (20_000 // len(unit))))
    list(Report().recording(answer(unit * (20_000 // len(unit)))))
