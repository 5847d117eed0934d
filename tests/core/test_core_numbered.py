"""Numbered placeholders: the same file whatever the key, and the same request."""

import json
from array import array

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from planted import SHAPES, drawn

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.numbered import PLACEHOLDER, numbered, numbered_request
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("https://host/v1")
JSON = (b"content-type", b"application/json")
ONE, TWO = SHAPES["openai project"], SHAPES["openai service"]


def recording(key, *, other=TWO, said=b"fine", fields=()):
    request = Request(
        b"POST",
        b"/v1/chat?key=" + other.encode(),
        Headers([(b"Authorization", b"Bearer " + key.encode()), (b"cookie", b"a=" + key[:5].encode()), JSON, *fields]),
        Bytes(json.dumps({"content": f"use {other}, not {key}"}).encode()),
    )
    response = Response(ResponseHead(200, b"OK", Headers([(b"set-cookie", b"session=1"), JSON])), Bytes(said))
    return Recording(1, request, response, UPSTREAM, Ending.COMPLETE, Outcome.MISS, 0.0, replayable=True)


def test_each_secret_has_its_number_and_keeps_it():
    said = json.dumps({"error": f"Incorrect API key provided: {ONE}", "api_key": TWO, "access_token": "short"}).encode()
    safe = numbered(recording(ONE, said=said))
    assert safe.request.target == b"/v1/chat?key=<API_KEY_1>"
    assert json.loads(safe.request.body.whole()) == {"content": "use <API_KEY_1>, not <API_KEY_2>"}
    assert safe.request.headers.pairs[:2] == ((b"Authorization", b"Bearer <API_KEY_2>"), (b"cookie", b"<COOKIE_1>"))
    assert json.loads(safe.response.body.whole()) == {
        "error": "Incorrect API key provided: <API_KEY_2>",
        "api_key": "<API_KEY_1>",
        "access_token": "<TOKEN_1>",
    }
    assert safe.response.head.headers.get(b"set-cookie") == b"<COOKIE_2>"
    assert safe.redacted
    assert safe.replayable


def test_two_runs_with_two_keys_are_equal():
    said = b'{"error":"wrong: %b"}'
    one = numbered(recording(ONE, said=said % ONE.encode()))
    other = numbered(
        recording(SHAPES["openai admin"], other=SHAPES["openai old"], said=said % SHAPES["openai admin"].encode())
    )
    assert one == other


def test_a_key_without_a_shape_is_known_from_the_head():
    key = drawn(40)
    safe = numbered(recording(key, said=b"bad key " + key.encode()))
    assert safe.response.body.whole() == b"bad key <API_KEY_2>"
    assert key.encode() not in safe.request.body.whole()


@pytest.mark.parametrize("fields", [(), ((b"x-api-key", b"other"),)])
def test_the_live_request_is_the_recorded_one_whatever_its_head_has(fields):
    recorded = numbered(recording(ONE)).request
    live = numbered_request(evolve(recording(ONE).request, headers=Headers([JSON, *fields])))
    assert (live.target, live.body.whole()) == (recorded.target, recorded.body.whole())


def test_numbering_again_changes_nothing():
    once = numbered(recording(ONE, said=b'{"client_secret":"%b"}' % drawn(30).encode()))
    assert numbered(once) is once
    assert numbered_request(once.request) is once.request


def test_without_secrets_it_is_the_same_object():
    plain = evolve(
        recording(ONE),
        request=Request(b"GET", b"/v1/models", Headers([JSON]), Bytes(b'{"a":"sk-test"}')),
        response=Response(ResponseHead(200, b"", Headers([JSON])), Bytes(b"{}")),
        delivered=Delivered(ResponseHead(200, b"", Headers([JSON])), Bytes(b"[]")),
    )
    assert numbered(plain) is plain


def test_a_key_in_pieces_has_the_number_of_the_whole():
    def event(text):
        return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()

    said = b"".join(event(each) for each in ("it is ", ONE[:30], ONE[30:90], ONE[90:], "."))
    plain = evolve(
        recording(ONE),
        response=Response(ResponseHead(200, b"", Headers([(b"content-type", b"text/event-stream")])), Bytes(said)),
    )
    assert numbered(plain).response.body.whole() == b"".join(
        event(each) for each in ("it is ", "<API_KEY_2>", "", "", ".")
    )


def test_what_the_client_got_is_numbered_with_it():
    got = Delivered(ResponseHead(200, b"", Headers([JSON])), Bytes(b"echo " + ONE.encode()))
    assert numbered(evolve(recording(ONE), delivered=got)).delivered.body.whole() == b"echo <API_KEY_2>"


def test_rules_of_ones_own_name_the_kind():
    rules = Rules((Rule("tenant", "acme-[0-9]+", header=("x-tenant",)),))
    safe = numbered(recording(ONE, said=b"acme-1 acme-2 acme-1", fields=((b"x-tenant", b"acme-2"),)), rules)
    assert safe.request.headers.get(b"x-tenant") == b"<TENANT_1>"
    assert safe.response.body.whole() == b"<TENANT_2> <TENANT_1> <TENANT_2>"


def test_a_body_that_cannot_be_rewritten_is_left_out():
    class Spooled(Bytes):
        def whole(self):
            return None

    plain = recording(ONE)
    large = evolve(plain, request=evolve(plain.request, body=Spooled(b'{"a":"%b"}' % TWO.encode())))
    safe = numbered(large)
    assert safe.request.body.size == 0
    assert safe.cut
    assert not safe.replayable


@given(st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(SHAPES)), st.text(max_size=20))
def test_no_secret_is_left(one, two, text):
    said = json.dumps({"a": f"{text} {SHAPES[one]} {SHAPES[two]}", "api_key": SHAPES[one]}).encode()
    safe = numbered(recording(SHAPES[two], other=SHAPES[one], said=said))
    wire = b"".join(
        [
            safe.request.target,
            repr(safe.request.headers.pairs).encode(),
            safe.request.body.whole(),
            safe.response.body.whole(),
        ]
    )
    assert SHAPES[one].encode() not in wire
    assert SHAPES[two].encode() not in wire
    assert PLACEHOLDER.search(wire)
    assert numbered(safe) == safe


@pytest.mark.parametrize("key", ["sk-proj-" + "a1B2c3D4e5" * 3, "sk-proj-" + "f6G7h8I9j0" * 9])
def test_no_length_tells_how_long_a_secret_is(key):
    data = b'{"a":"my key is %b"}' % key.encode()
    pairs = ((b"content-length", b"%d" % len(data)), (b"Content-Type", b"application/json"))
    request = Request(b"POST", b"/v1/x", Headers(pairs), Bytes(data))
    pieces = Pieces(array("Q", [len(data)]), array("Q", [1]))
    response = Response(ResponseHead(200, b"OK", Headers(pairs)), Bytes(data), pieces)
    found = numbered(evolve(recording(ONE), request=request, response=response))
    for message in (found.request, found.response.head):
        assert message.headers.pairs[0] == (b"content-length", b"29")
        assert message.headers.pairs[1:] == pairs[1:]
    assert numbered(found) is found


def test_a_length_without_a_secret_stays_whatever_it_says():
    request = Request(b"POST", b"/v1/x", Headers(((b"Content-Length", b"999"), (b"api-key", b"x"))), Bytes(b"{}"))
    assert numbered_request(request).headers.get(b"content-length") == b"999"
