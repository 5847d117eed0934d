"""`core/rewriting/requests.py`: what a rule makes of a request, and what it leaves as it came, with a problem said."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.rewriting.field_edits import FieldEdits
from proxy_daemon.core.rewriting.header_edits import HeaderEdits
from proxy_daemon.core.rewriting.paths import Models, PathExpression, Prefix
from proxy_daemon.core.rewriting.requests import RequestEdits
from proxy_daemon.core.wire.coding import encode

ALIAS = RequestEdits(model=Models((("gpt-4o", "llama3.1:70b"), ("*-flash", "gemini-pro"))))
NO_USER = RequestEdits(fields=FieldEdits(remove=(("user",),)))
BODY = b'{ "user" : "u", "n": 1.10, "messages": [] }'
BARE = b'{ "n": 1.10, "messages": [] }'


def request(body=BODY, target=b"/v1/chat/completions?a=b", headers=()):
    return Request(b"POST", target, Headers(headers), Bytes(body))


def applied(edits, asked):
    return edits.applied(asked, recognise(asked, BUILT_IN))


MODELS = [
    (b"/v1/chat/completions", b'{"model": "gpt-4o"}', b"/v1/chat/completions", b'{"model": "llama3.1:70b"}'),
    (b"/v1/messages", b'{"model":"gpt-4o","x":1.0}', b"/v1/messages", b'{"model":"llama3.1:70b","x":1.0}'),
    (
        b"/v1beta/models/gemini-2.0-flash:generateContent?key=k",
        b"{}",
        b"/v1beta/models/gemini-pro:generateContent?key=k",
        b"{}",
    ),
    (b"/model/gpt-4o/converse", b"{}", b"/model/llama3.1%3A70b/converse", b"{}"),
    (
        b"/openai/deployments/gpt-4o/chat/completions?api-version=1",
        b'{"model":"gpt-4o"}',
        b"/openai/deployments/llama3.1%3A70b/chat/completions?api-version=1",
        b'{"model":"llama3.1:70b"}',
    ),
    (b"/api/chat", b'{"model":"gpt-4o"}', b"/api/chat", b'{"model":"llama3.1:70b"}'),
]


@pytest.mark.parametrize(("target", "body", "new_target", "new_body"), MODELS, ids=range(len(MODELS)))
def test_a_model_wherever_it_stands(target, body, new_target, new_body):
    found, problems = applied(ALIAS, request(body, target))
    assert (found.target, found.body.whole(), problems) == (new_target, new_body, [])
    assert recognise(found, BUILT_IN).model(found) in ("llama3.1:70b", "gemini-pro")


def test_a_model_that_stands_nowhere_known():
    class Odd(type(BUILT_IN[0])):
        def model(self, request):
            return "gpt-4o"

    asked = request(b"{}", b"/odd")
    found, problems = ALIAS.applied(asked, Odd())
    assert found is asked
    assert problems == ["left as it came: it is not known where the model 'gpt-4o' stands in the request"]


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"deflate", b"gzip, br"])
def test_a_coded_body_goes_on_uncoded_where_it_changes(coding):
    asked = request(encode(coding, BODY), headers=[(b"Content-Encoding", coding), (b"X", b"y")])
    found, problems = applied(NO_USER, asked)
    assert (found.body.whole(), found.headers.pairs, problems) == (BARE, ((b"X", b"y"),), [])


def test_a_coded_body_that_does_not_change_stays_coded():
    asked = request(encode(b"gzip", BARE), headers=[(b"Content-Encoding", b"gzip")])
    assert applied(NO_USER, asked) == (asked, [])


LEFT = [
    (b"no JSON", (), "not JSON"),
    (b"\x1f\x8bno gzip", ((b"Content-Encoding", b"gzip"),), "the body cannot be decoded"),
    (encode(b"gzip", BODY)[:-9], ((b"Content-Encoding", b"gzip"),), "the body cannot be decoded"),
    (BODY, ((b"Content-Encoding", b"secret"),), "the content coding 'secret' is unknown"),
    (encode(b"gzip", b" " * (JSON_LIMIT + 1)), ((b"Content-Encoding", b"gzip"),), "over the limit"),
    (b" " * (JSON_LIMIT + 1), (), "are the most that are edited"),
]


@pytest.mark.parametrize(("body", "headers", "why"), LEFT, ids=range(len(LEFT)))
def test_what_cannot_be_edited_goes_on_as_it_came(body, headers, why):
    asked = request(body, headers=headers)
    found, problems = applied(NO_USER, asked)
    assert found is asked
    assert len(problems) == 1
    assert why in problems[0]


def test_one_part_that_fails_leaves_the_others():
    edits = RequestEdits(
        fields=FieldEdits(remove=(("user",),)), headers=HeaderEdits(set=((b"X-A", b"1"),)), path=Prefix("/v1", "/v2")
    )
    found, problems = applied(edits, request(b"no JSON"))
    assert (found.target, found.headers.pairs) == (b"/v2/chat/completions?a=b", ((b"X-A", b"1"),))
    assert len(problems) == 1


def test_a_path_that_cannot_be_sent_is_left():
    found, problems = applied(RequestEdits(path=PathExpression("chat", " ")), request())
    assert found.target == b"/v1/chat/completions?a=b"
    assert "new path" in problems[0]


def test_no_body_is_no_problem():
    asked = request(b"")
    assert applied(NO_USER, asked) == (asked, [])


@pytest.mark.parametrize("edits", [RequestEdits(), ALIAS, NO_USER, RequestEdits(path=Prefix("/x", "/y"))])
def test_nothing_to_change_gives_the_same_request(edits):
    asked = request(BARE)
    assert edits.applied(asked, recognise(asked, BUILT_IN))[0] is asked


ALL = evolve(ALIAS, fields=FieldEdits((("a", "b"),), ((("c",), "d"),), ((("e", "*"), b"1"),), ((("f", "g"), b"2"),)))


@given(
    st.binary(max_size=40) | st.sampled_from([BODY, b'{"a":{"b":1},"c":2,"e":[1]}', b'{"model":7,"f":[]}']),
    st.binary(max_size=20),
)
def test_whatever_comes_a_request_goes_on(body, path):
    found, problems = applied(ALL, request(body, b"/" + path))
    assert isinstance(found, Request)
    assert all(isinstance(problem, str) for problem in problems)
