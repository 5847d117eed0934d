"""Recordings of others become ours: found by the fingerprint that the pipeline takes, judged, without secrets."""

import gzip
from array import array

import corpus
import pytest
from attrs import evolve

from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead, Unknown
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.testing import Kit

SECRET = b"verysecret0123456789"
JSON = (b"Content-Type", b"application/json")
SSE = (b"Content-Type", b"text/event-stream")
BODY = Bytes(b'{"model": "m", "messages": []}')
ASKED = Request(b"POST", b"/v1/chat/completions", Headers([JSON]), BODY)
GOOD = b'{"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}'
CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": %b}]}\n\n'


def recording(request=ASKED, body=GOOD, *, status=200, fields=(JSON,), pieces=None, **more):
    response = Response(ResponseHead(status, b"OK", Headers(fields)), Bytes(body), pieces or Pieces())
    facts = {"ending": Ending.COMPLETE, "outcome": Outcome.LIVE, "started": 0.0, "status": status} | more
    return Recording(0, request, facts.pop("response", response), parse_upstream("recorded=https://x.example"), **facts)


def pipelines(request, **settings):
    """The fingerprint that a daemon with these settings takes of a request."""
    kit = Kit(**settings)
    exchange = kit._admission.admit(request.method, request.target, request.headers, request.body, "a client")
    kit.pipeline.keeper.recognise(exchange)
    return exchange.fingerprint


# --- found as the pipeline finds -------------------------------------------------------------------------------------

REQUESTS = [
    ASKED,
    evolve(ASKED, headers=Headers([JSON, (b"Accept", b"text/event-stream")])),
    evolve(ASKED, target=b"/v1/messages", headers=Headers([JSON, (b"x-api-key", SECRET)])),
    evolve(ASKED, target=b"/v1beta/models/g:streamGenerateContent?alt=sse&key=" + SECRET),
    evolve(ASKED, target=b"/v1/chat/completions?key=llmproxy-" + b"a" * 43),
    evolve(ASKED, target=b"/_llmproxy/to/one/v1/chat/completions"),
    evolve(ASKED, body=Bytes(b'{"client_secret": "%b"}' % SECRET)),
    Request(b"GET", b"/v1/models"),
]
ONE = (parse_upstream("one=https://one.example/api/v1"),)


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
@pytest.mark.parametrize("upstreams", [(), ONE], ids=["homes", "named"])
def test_the_fingerprint_is_the_pipelines(request_, upstreams):
    if not upstreams and request_.target.startswith(b"/_"):
        with pytest.raises(NotOurs, match="No upstream is called 'one'"):
            Adopter().adopt(recording(request_))
        return
    adopted, _ = Adopter(upstreams).adopt(recording(request_))
    assert adopted.fingerprint == pipelines(request_, upstream=upstreams)
    assert SECRET not in b"%r %r %b" % (
        adopted.request.target,
        adopted.request.headers.pairs,
        adopted.request.body.data,
    )


@pytest.mark.skipif(bool(corpus.missing()), reason=corpus.missing() or "there")
def test_the_fingerprints_of_the_corpus_are_the_pipelines():
    taken = 0
    for name in sorted(path for path, _ in corpus._files())[::7]:
        try:
            entries = [each for each in read(name, (corpus.HOME / name).read_bytes()) if not isinstance(each, Skipped)]
        except Unreadable:
            continue
        for each in entries:
            adopted, why = Adopter().adopt(each)
            if adopted.fingerprint:
                assert adopted.fingerprint == pipelines(each.request, upstream=()), name
                taken += 1
            assert adopted.replayable is not bool(why)
    assert taken > 100


# --- judged ----------------------------------------------------------------------------------------------------------

JUDGED = [
    (recording(), ""),
    (recording(status=201), ""),
    (recording(status=206), "status 206"),
    (recording(status=304), "status 304"),
    (recording(status=400), "status 400"),
    (recording(status=0, unknown=frozenset({Unknown.STATUS})), "the answer's status is not known"),
    (recording(unknown=frozenset({Unknown.REQUEST_BODY})), "the request's body is not known"),
    (recording(unknown=frozenset({Unknown.REQUEST_BODY, Unknown.REQUEST})), ""),
    (recording(unknown=frozenset({Unknown.TIME, Unknown.PIECES, Unknown.REQUEST_OCTETS})), ""),
    (recording(cut=True), "the answer's body is not there"),
    (recording(response=None), "the answer's body is not there"),
    (recording(ending=Ending.BROKEN_OFF), "it ended by: upstream broke off"),
    (recording(body=CHUNK % b'"stop"' + b"data: [DONE]\n\n", fields=[SSE]), ""),
    (recording(body=CHUNK % b"null", fields=[SSE]), "the stream was broken off"),
    (recording(evolve(ASKED, target=b"/elsewhere"), b"data: whatever", fields=[SSE]), ""),
    (recording(evolve(ASKED, method=b"HEAD", body=EMPTY), b""), ""),
    # Whatever the type is said to be, and where none is.
    (recording(body=CHUNK % b"null", fields=[]), "the answer is not whole"),
    (recording(body=CHUNK % b"null"), "the answer is not whole"),
    (recording(body=CHUNK % b'"stop"' + b"data: [DONE]\n\n", fields=[]), ""),
    (recording(body=b'{"error": {"message": "boom"}}'), "the answer is not whole"),
    (recording(body=b""), "the answer is empty"),
    (recording(body=b"", fields=[SSE]), "the answer is empty"),
    (recording(status=100), "status 100"),
    (recording(status=101), "status 101"),
    (recording(status=205), "status 205"),
    # It must be an answer of the operation; what is not known of an API is not missed.
    (recording(body=b"{}"), "not decodable as an answer of openai-chat (chat)"),
    (
        recording(body=b"<html>", fields=[(b"Content-Type", b"text/html")]),
        "not decodable as an answer of openai-chat (chat)",
    ),
    (recording(body=b"<html>", fields=[]), "not decodable as an answer of openai-chat (chat)"),
    (recording(evolve(ASKED, target=b"/elsewhere"), b"{}"), ""),
    (recording(evolve(ASKED, target=b"/elsewhere"), b"{"), ""),
    (
        recording(evolve(ASKED, target=b"/elsewhere"), b"<html>", ending=Ending.BROKEN_OFF),
        "it ended by: upstream broke off",
    ),
]


@pytest.mark.parametrize(("given", "why"), JUDGED, ids=range(len(JUDGED)))
def test_judged(given, why):
    adopted, said = Adopter().adopt(given)
    assert (said, adopted.replayable) == (why, not why)
    assert (adopted.unknown, adopted.started, adopted.ending) == (given.unknown, given.started, given.ending)


def test_what_has_no_request_answers_any():
    whole = recording(unknown=frozenset({Unknown.REQUEST_BODY, Unknown.REQUEST}))
    assert Adopter().adopt(whole)[0].pattern == Pattern()
    assert Adopter().adopt(recording())[0].pattern is None
    assert Adopter().adopt(recording(unknown=frozenset({Unknown.REQUEST_BODY})))[0].pattern is None


def test_what_was_left_out_before_stands_for_anything():
    adopted = Adopter().adopt(recording(evolve(ASKED, target=b"/projects/<PROJECT>/x")))[0]
    assert (adopted.pattern.path, adopted.replayable, bool(adopted.fingerprint)) == ("/projects/*/x", True, True)


def test_errors_are_served_where_they_are_wanted():
    assert Adopter(record_errors=True).adopt(recording(body=b"{", status=500))[1] == ""


def test_pages_of_llmproxy_are_not_ours():
    with pytest.raises(NotOurs, match="a page of llmproxy itself"):
        Adopter().adopt(recording(evolve(ASKED, target=b"/%5fllmproxy/x")))


def test_tunnels_are_not_ours():
    with pytest.raises(NotOurs, match="CONNECT asks a proxy for a tunnel"):
        Adopter().adopt(recording(evolve(ASKED, method=b"CONNECT", target=b"x.example:443")))


# --- what is written -------------------------------------------------------------------------------------------------


def test_secrets_are_replaced():
    fields = [JSON, (b"Set-Cookie", SECRET)]
    asked = evolve(ASKED, target=b"/oauth/token", headers=Headers([JSON, (b"Authorization", SECRET)]))
    adopted, why = Adopter().adopt(recording(asked, b'{"access_token": "%b"}' % SECRET, fields=fields))
    assert adopted.redacted
    assert SECRET not in repr((adopted.request.headers.pairs, adopted.response.head.headers.pairs)).encode()
    assert (adopted.response.body.data, why) == (b'{"access_token": "REDACTED"}', "")


FORM = b"grant_type=x&client_secret=" + SECRET


def test_a_form_of_which_no_head_tells_is_redacted():
    """Tools often keep no heads."""
    adopted, why = Adopter().adopt(recording(evolve(ASKED, target=b"/x", headers=Headers(), body=Bytes(FORM))))
    assert (adopted.request.body.data, why) == (FORM.replace(SECRET, b"REDACTED"), "")
    assert adopted.redacted
    adopted, why = Adopter().adopt(recording(evolve(ASKED, target=b"/x"), b"access_token=" + SECRET, fields=[]))
    assert (adopted.response.body.data, adopted.redacted, why) == (b"access_token=REDACTED", True, "")


def test_a_coded_request_of_which_no_head_tells_is_withheld_where_it_holds_a_secret():
    given = evolve(ASKED, target=b"/x", body=Bytes(gzip.compress(FORM)))
    adopted, why = Adopter().adopt(recording(given))
    assert (adopted.request.body.size, why) == (0, "the request's body may hold a secret")


def test_a_coded_answer_of_which_no_head_tells_is_withheld_where_it_holds_a_secret():
    told = gzip.compress(b'{"access_token": "%b"}' % SECRET)
    adopted, why = Adopter().adopt(recording(evolve(ASKED, target=b"/x"), told))
    assert (adopted.response.body.size, why) == (0, "the answer's body may hold a secret")
    adopted, why = Adopter().adopt(recording(evolve(ASKED, target=b"/x"), gzip.compress(b'{"a": "b"}')))
    assert (adopted.response.body.size > 0, why) == (True, "")


def test_a_coded_request_that_may_hold_a_secret_is_withheld():
    fields = Headers([JSON, (b"Content-Encoding", b"br")])
    given = evolve(ASKED, headers=fields, body=Bytes(b'{"access_token": "%b"}' % SECRET))
    adopted, why = Adopter().adopt(recording(given))
    assert (adopted.request.body.size, adopted.cut, adopted.redacted, adopted.replayable) == (0, True, True, False)
    assert why == "the request's body may hold a secret"


@pytest.mark.parametrize(("longest", "kept"), [(len(GOOD), len(GOOD)), (len(GOOD) - 1, len(GOOD) - 1), (9, 9)])
def test_bodies_beyond_the_limit(longest, kept):
    adopted, why = Adopter(longest=longest).adopt(recording())
    assert (adopted.response.body.size, bool(why), adopted.cut) == (kept, kept < len(GOOD), kept < len(GOOD))
    assert adopted.request.body.size == (0 if longest < BODY.size else BODY.size)
    assert sum(adopted.response.pieces.sizes) == kept


@pytest.mark.parametrize(
    ("sizes", "times", "made"),
    [
        ([], [], ([len(GOOD)], [0])),
        ([3], [5], ([len(GOOD)], [0])),
        ([3, len(GOOD) - 3], [], ([3, len(GOOD) - 3], [0, 0])),
        ([3, len(GOOD) - 3], [5, 6], ([3, len(GOOD) - 3], [5, 6])),
    ],
)
def test_pieces_fit_their_body(sizes, times, made):
    adopted, _ = Adopter().adopt(recording(pieces=Pieces(array("Q", sizes), array("Q", times))))
    assert (adopted.response.pieces.sizes.tolist(), adopted.response.pieces.times.tolist()) == made


def test_fields_of_one_connection_are_left_out_as_in_live_traffic():
    fields = [JSON, (b"Proxy-Authorization", SECRET), (b"Connection", b"X-Mine"), (b"X-Mine", b"1")]
    adopted, _ = Adopter().adopt(recording(evolve(ASKED, headers=Headers(fields))))
    assert adopted.request.headers.pairs == (JSON,)
