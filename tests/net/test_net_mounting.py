"""Pages of plugins below `/_llmproxy/`: where they stand, what stops the start, and what comes of each request."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.test.requesthelper import DummyRequest

from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.net.mounting import JsonResource, mounted
from proxy_daemon.pipeline.faults import StartError


def page(value=7):
    return JsonPage({"GET": lambda parameters: (200, value)})


def reached(root, path):
    """The resource that a request of this path reaches."""
    first, *rest = path.split("/")
    found = root[first]
    for segment in rest:
        found = found.children[segment.encode()]
    return found


# --- where they stand ------------------------------------------------------------------------------------------------


def test_pages_of_several_plugins_below_one_another():
    api, leaf = Resource(), Resource()
    api.putChild(b"stats", leaf)
    given_pages = [("a", {"api/x/y": page()}), ("b", {"api": api, "": Resource()}), ("c", {"api/x": Resource()})]
    root = mounted([("z", {"deep/er/est": page()}), *given_pages])
    assert set(root) == {"", "api", "deep"}
    assert reached(root, "api") is api
    assert reached(root, "api/stats") is leaf
    assert isinstance(reached(root, "api/x/y"), JsonResource)
    assert isinstance(reached(root, "deep/er/est"), JsonResource)


def test_without_pages():
    assert mounted([]) == {}


class Leaf(Resource):
    isLeaf = True


def parent():
    made = Resource()
    made.putChild(b"x", Resource())
    return made


STOPS = {
    "two at one path": ([("a", {"x": page()}), ("b", {"x": page()})], "'a' and 'b' both have a page at /_llmproxy/x"),
    "one that the resource has": ([("a", {"api": parent()}), ("b", {"api/x": page()})], "another plugin has a page"),
    "below a leaf": ([("a", {"x": Leaf()}), ("b", {"x/y": page()})], "plugin 'b': nothing can stand at 'x/y'"),
    "below a JSON page": ([("a", {"x": page(), "x/y": page()})], "plugin 'a': nothing can stand at 'x/y'"),
    "below no resource": ([("a", {"x": object()}), ("b", {"x/y": page()})], "plugin 'b': nothing can stand"),
    "a POST": ([("a", {"x": JsonPage({"POST": print})})], "plugin 'a': the page 'x' answers others than DELETE, GET"),
    "nothing": ([("a", {"x": JsonPage({})})], "plugin 'a': the page 'x' answers others"),
    **{
        f"path {path!r}": ([("a", {path: page()})], "is no path of a page")
        for path in ("/x", "x/", "x//y", "x y", "../x", "x/..", ".", "x?y", "\n", "ü", "%2e", 7, None, b"x")
    },
}


@pytest.mark.parametrize(("found", "words"), STOPS.values(), ids=STOPS)
def test_what_stops_the_start(found, words):
    with pytest.raises(StartError) as stopped:
        mounted(found)
    assert words in str(stopped.value)
    assert "\n" not in str(stopped.value)


# --- what comes of a request -----------------------------------------------------------------------------------------


def render(answers, method=b"GET", args=None, postpath=()):
    """(request, status, value) after one request."""
    request = DummyRequest(list(postpath))
    request.method, request.args, request.responseCode = method, args or {}, 200
    found = JsonResource("x", JsonPage(answers)).render(request)
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
