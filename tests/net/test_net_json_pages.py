"""A JSON page: what its function is asked, and what comes of whatever it does."""

import json
from io import BytesIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET
from twisted.web.test.requesthelper import DummyRequest

from proxy_daemon.hookspecs import JsonPage, Octets
from proxy_daemon.net.json_pages import MOST_BODY, JsonResource


def render(answers, method=b"GET", args=None, postpath=(), segments=None, body=None, kind=b"application/json"):
    """The request after one call. ``body``: the page takes one."""
    request = DummyRequest(list(postpath))
    request.method, request.args, request.responseCode = method, args or {}, 200
    request.segments = segments or {}
    if body is not None:
        request.content = BytesIO(body)
        request.requestHeaders.setRawHeaders(b"content-type", [kind])
    found = JsonResource("x", JsonPage(answers, takes_body=body is not None)).render(request)
    if found is not NOT_DONE_YET:
        request.write(found)
    return request


def answered(request):
    return request.responseCode, json.loads(b"".join(request.written))


async def later(parameters):
    return 201, parameters


@pytest.mark.parametrize("function", [later, lambda parameters: (201, parameters)])
def test_an_answer(function):
    request = render({"GET": function}, args={b"session": [b"a b"], b"x": [b""]})
    assert answered(request) == (201, {"session": "a b", "x": ""})
    assert request.responseHeaders.getRawHeaders(b"content-type") == [b"application/json"]
    assert request.responseHeaders.getRawHeaders(b"cache-control") == [b"no-store"]
    assert request.finished == 1


def test_methods():
    calls = []
    answers = {name: lambda parameters, name=name: (200, calls.append(name)) for name in ("GET", "DELETE")}
    for method in (b"GET", b"DELETE", b"HEAD"):
        assert render(answers, method).responseCode == 200
    assert calls == ["GET", "DELETE", "GET"]
    for method in (b"POST", b"PUT", b"OPTIONS", b"get", b"\xff"):
        request = render(answers, method)
        assert request.responseCode == 405
        assert request.responseHeaders.getRawHeaders(b"allow") == [b"DELETE, GET, HEAD"]
    assert len(calls) == 3


def test_head_has_no_body():
    assert b"".join(render({"GET": later}, b"HEAD").written) == b""


def test_there_is_nothing_below_it():
    assert answered(render({"GET": later}, postpath=[b"y"])) == (404, {"error": "there is no such page"})


@pytest.mark.parametrize("args", [{b"a": [b"1", b"2"]}, {b"\xff": [b"1"]}, {b"a": [b"\xff"]}])
def test_parameters_that_could_mean_anything(args):
    assert answered(render({"GET": later}, args=args))[0] == 400


@given(st.dictionaries(st.binary(max_size=9), st.lists(st.binary(max_size=9), min_size=1, max_size=2), max_size=4))
def test_hostile_parameters(args):
    assert answered(render({"GET": later}, args=args))[0] in (201, 400)


def raises(parameters):
    raise SystemExit(3)


async def cancelled(parameters):
    raise CancelledError


BROKEN = {
    "raises": raises,
    "cancels itself": cancelled,
    "no pair": lambda parameters: 7,
    "no status": lambda parameters: ("x", 7),
    "no JSON": lambda parameters: (200, object()),
    "a surrogate": lambda parameters: (200, "\ud800"),
}


@pytest.mark.parametrize("function", BROKEN.values(), ids=BROKEN)
def test_a_broken_page_is_a_500_and_a_line_in_the_log(function):
    logged = []
    globalLogPublisher.addObserver(logged.append)
    try:
        request = render({"GET": function})
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert answered(request)[0] == 500
    assert [event["name"] for event in logged if "name" in event] == ["x"]


def test_a_client_that_leaves_ends_the_work():
    ended, waiting = [], Deferred(lambda _: ended.append(True))

    async def slow(parameters):
        await waiting

    request = render({"GET": slow})
    assert (request.written, ended) == ([], [])
    request.processingFailed(Failure(ConnectionDone()))
    assert (request.written, ended, request.finished) == ([], [True], 0)


# --- segments, bodies, octets ----------------------------------------------------------------------------------------


def test_segments_are_parameters():
    request = render({"GET": later}, args={b"x": [b"1"]}, segments={"id": "7"})
    assert answered(request) == (201, {"x": "1", "id": "7"})


def test_a_parameter_does_not_hide_a_segment():
    assert answered(render({"GET": later}, args={b"id": [b"8"]}, segments={"id": "7"}))[0] == 400


async def told(parameters, body):
    return 200, [parameters, body]


BODIES = {b"{}": {}, b"[1, null]": [1, None], b'"\xc3\xbc"': "\u00fc", b"7": 7, b"null": None}


@pytest.mark.parametrize(("body", "value"), BODIES.items(), ids=lambda each: repr(each)[:20])
def test_a_body(body, value):
    request = render({"PUT": told}, b"PUT", segments={"id": "7"}, body=body)
    assert answered(request) == (200, [{"id": "7"}, value])


NO_JSON = [b"", b"{", b"{}x", b"\xff", b"NaN", b'"\\ud800"', b"[" * 100_000, b"\xef\xbb\xbf{}", b"a=1"]


@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body)[:20])
def test_a_body_that_is_no_json(body):
    status, value = answered(render({"PUT": told}, b"PUT", body=body))
    assert status == 400
    assert value["error"].startswith("the body is no JSON: ")


@pytest.mark.parametrize(
    "kind", [b"", b"text/plain", b"application/x-www-form-urlencoded", b"application/jsonx", b"\xff"]
)
def test_a_body_of_another_kind_may_come_of_a_form(kind):
    status, value = answered(render({"PUT": told}, b"PUT", body=b"{}", kind=kind))
    assert (status, "Content-Type: application/json" in value["error"]) == (415, True)


@pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"Application/JSON", b" application/json ;x"])
def test_the_kind_of_a_body_in_other_words(kind):
    assert answered(render({"PUT": told}, b"PUT", body=b"{}", kind=kind))[0] == 200


def test_a_body_that_is_too_large():
    assert answered(render({"PUT": told}, b"PUT", body=b" " * MOST_BODY + b"1"))[0] == 413
    assert answered(render({"PUT": told}, b"PUT", body=b" " * (MOST_BODY - 1) + b"1"))[0] == 200


def test_only_a_put_has_one():
    answers = {"GET": later, "DELETE": later, "PUT": told}
    for method in (b"GET", b"DELETE"):
        assert answered(render(answers, method, body=b"no json"))[0] == 201


@given(st.binary(max_size=40))
def test_hostile_bodies(body):
    status, value = answered(render({"PUT": told}, b"PUT", body=body))
    assert (status, value[1]) == (200, orjson.loads(body)) if status == 200 else status == 400


def test_octets_that_are_no_json():
    answer = (200, Octets(b"\0\xff", "image/png", {"content-disposition": "inline"}))
    request = render({"GET": lambda parameters: answer})
    assert (request.responseCode, b"".join(request.written)) == (200, b"\0\xff")
    fields = {b"content-type": b"image/png", b"content-disposition": b"inline", b"content-length": b"2"}
    assert {name: request.responseHeaders.getRawHeaders(name)[0] for name in fields} == fields
    assert b"".join(render({"GET": lambda parameters: answer}, b"HEAD").written) == b""
