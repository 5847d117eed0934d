"""What is remembered of requests: the same as what is worked out anew, and nobody else's."""

import pytest
from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import SMALL, Matcher
from proxy_daemon.core.messages import KNOWN, Exchange, Request
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.pipeline.recognising import MOST, Recogniser

HERE, THERE = parse_upstream("http://localhost/v1"), parse_upstream("http://localhost:1/v1")
CHAT = b"/v1/chat/completions"
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
FIELDS = ((b"Content-Type", b"application/json"), (b"Accept", b"*/*"))
KEY = (b"Authorization", b"Bearer sk-1")


def recogniser():
    return Recogniser(Redactor(), Matcher(), b"k" * 32)


def recognised(by, made, by_key=False):
    """What ``by`` says, which is of the same request whether it was known or not."""
    found, safe = by.recognise(made, by_key=by_key)
    again = found.safe(made.request)
    assert (safe.target, safe.headers, safe.body.whole()) == (again.target, again.headers, again.body.whole())
    return found


def exchange(body=BODY, *, known=None, fields=FIELDS, target=CHAT, method=b"POST", dialect=None, **parts):
    """``known``: what its octets' earlier exchanges have left, as `Admission` gives it to each."""
    request = Request(method, target, Headers(fields), Bytes(bytes(bytearray(body))))
    given = {"upstream": HERE, "dialect": dialect or recognise(request, BUILT_IN)} | parts
    return Exchange(id=7, request=request, started=1.0, notes={} if known is None else {KNOWN: known}, **given)


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"fields": (*FIELDS, KEY)},
        {"target": b"/v1/chat/completions?key=sk-1"},
        {"body": b'{"model": "m", "api_key": "sk-1"}'},
        {"body": b"x" * (SMALL + 1)},
        {"body": b""},
        {"method": b"GET", "body": b"", "target": b"/v1/models"},
        {"credential": b"somebody"},
    ],
)
def test_a_second_time_it_is_the_same(parts, by_key):
    known, fresh, left = recogniser(), recogniser(), {}
    first, again = (recognised(known, exchange(known=left, **parts), by_key) for _ in range(2))
    kept = recognised(known, exchange(known=left, **parts), by_key)
    assert first == again == kept == recognised(fresh, exchange(**parts), by_key)
    made = exchange(**parts)
    safe = kept.safe(made.request)
    assert safe.body.whole() == Redactor().request(made.request).body.whole()
    assert (safe.target, safe.headers) == (again.target, again.headers)
    assert b"sk-1" not in repr((safe.target, safe.headers.pairs, safe.body.whole())).encode()


def test_it_is_worked_out_once():
    known = recogniser()
    asked = []

    class Counting(Redactor):
        def request(self, request):
            asked.append(request)
            return super().request(request)

    known = evolve(known, redactor=Counting())
    left = {}
    for _ in range(5):
        recognised(known, exchange(known=left), False)
    assert len(asked) == 1
    recognised(known, exchange(), False)  # of which nothing is kept
    assert len(asked) == 2


def test_no_more_is_kept_than_a_few():
    left = {}
    for number in range(2 * MOST):
        recognised(recogniser(), exchange(known=left, credential=b"%d" % number), True)
    assert len(left) == MOST


@pytest.mark.parametrize(
    "other",
    [
        {"body": BODY.replace(b"hi", b"ho")},
        {"target": b"/v1/chat/completions?a=1"},
        {"method": b"PUT"},
        {"fields": (*FIELDS, (b"OpenAI-Beta", b"x"))},
        {"upstream": THERE},
        {"dialect": GENERIC},
    ],
)
def test_what_differs_is_worked_out_for_itself(other):
    known, left = recogniser(), {}
    recognised(known, exchange(known=left), False)
    found = recognised(known, exchange(known=left, **other), False)
    assert found == recognised(recogniser(), exchange(**other), False)


def test_by_key_everybody_has_his_own():
    known, left = recogniser(), {}
    found = [recognised(known, exchange(known=left, credential=who), True) for who in (b"a", b"b", b"a")]
    assert found[0] == found[2]
    assert found[0].fingerprint != found[1].fingerprint
    assert recognised(known, exchange(known=left, credential=b"b"), False).scope == b""
