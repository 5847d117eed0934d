"""What a page that may ask is told: preflights, and fields that take the place of the upstream's."""

import pytest

from proxy_daemon.core import cors
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead

PAGE = b"https://app.example"
METHOD = (b"Access-Control-Request-Method", b"POST")


def lines(head):
    return cors.wire(head, PAGE).split(b"\r\n")[1:-1]


@pytest.mark.parametrize(
    ("method", "pairs", "expected"),
    [
        (b"OPTIONS", [METHOD], True),
        (b"OPTIONS", [], False),
        (b"POST", [METHOD], False),
        (b"OPTIONS", [(METHOD[0], b"")], False),
        (b"OPTIONS", [(METHOD[0], b"PO ST")], False),
        (b"OPTIONS", [(METHOD[0], b"a, b")], False),
        (b"OPTIONS", [METHOD, (b"Content-Length", b"0")], True),
        (b"OPTIONS", [METHOD, (b"Content-Length", b"9")], False),
        (b"OPTIONS", [METHOD, (b"Transfer-Encoding", b"chunked")], False),
    ],
)
def test_what_a_preflight_is(method, pairs, expected):
    assert cors.is_preflight(method, Headers(pairs)) is expected


def test_a_preflight_gets_what_it_asks_for():
    asked = Headers([METHOD, (b"Access-Control-Request-Headers", b"authorization,content-type")])
    assert lines(cors.preflight_answer(asked)) == [
        b"Access-Control-Allow-Methods: POST",
        b"Access-Control-Allow-Headers: authorization,content-type",
        b"Access-Control-Max-Age: 600",
        b"Vary: Access-Control-Request-Method, Access-Control-Request-Headers",
        b"Access-Control-Allow-Origin: https://app.example",
        b"Access-Control-Expose-Headers: X-LLMProxy-Exchange, Cache-Status, X-LLMProxy-Body, Age",
        b"Vary: Origin",
    ]


def test_a_preflight_that_asks_for_no_fields_gets_none():
    names = {line.partition(b":")[0] for line in lines(cors.preflight_answer(Headers([METHOD])))}
    assert not names & {b"Access-Control-Allow-Headers", b"Access-Control-Allow-Private-Network"}


@pytest.mark.parametrize(("asked", "allowed"), [(b"true", 1), (b"false", 0)])
def test_a_page_of_the_internet_may_ask_a_private_network(asked, allowed):
    head = cors.preflight_answer(Headers([METHOD, (b"Access-Control-Request-Private-Network", asked)]))
    assert lines(head).count(b"Access-Control-Allow-Private-Network: true") == allowed


def test_ours_take_the_place_of_the_upstreams():
    theirs = Headers(
        [
            (b"access-control-allow-origin", b"*"),
            (b"Access-Control-Allow-Credentials", b"true"),
            (b"Vary", b"Accept-Encoding"),
            (b"access-control-expose-headers", b"X-Request-ID"),
            (b"X-Request-Id", b"1"),
        ]
    )
    head = ResponseHead(200, b"OK", theirs)
    assert lines(head) == [
        b"Vary: Accept-Encoding",
        b"X-Request-Id: 1",
        b"Access-Control-Allow-Origin: https://app.example",
        b"Access-Control-Expose-Headers: X-LLMProxy-Exchange, Cache-Status, X-LLMProxy-Body, Age, X-Request-ID",
        b"Vary: Origin",
    ]
    assert head.headers == theirs


def test_an_origin_makes_no_field_of_its_own():
    assert cors.wire(ResponseHead(200, b"OK"), b"null\r\nEvil: 1").count(b"\r\n") == 4
