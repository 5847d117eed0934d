"""Pages of plugins below `/_llmproxy/`: where they stand, and what stops the start."""

import pytest
from twisted.web.resource import Resource
from twisted.web.test.requesthelper import DummyRequest

from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.net.json_pages import JsonResource
from proxy_daemon.net.mounting import mounted
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


def walked(root, *segments):
    """The resource that a request of these segments reaches, and its segments with names."""
    request = DummyRequest([])
    found = root[segments[0].decode()]
    for segment in segments[1:]:
        found = found.getChildWithDefault(segment, request)
    return found, getattr(request, "segments", {})


def test_segments_with_names():
    pages = {path: page(path) for path in ("api/x", "api/x/{id}", "api/x/{id}/y", "api/x/{id}/z/{n}", "api/x/all")}
    root = mounted([("a", pages), ("b", {"api/x/{id}/w": Resource()})])
    ways = {
        (b"api", b"x"): ("api/x", {}),
        (b"api", b"x", b"7"): ("api/x/{id}", {"id": "7"}),
        (b"api", b"x", b"all"): ("api/x/all", {}),  # what stands there comes first
        (b"api", b"x", b"7", b"y"): ("api/x/{id}/y", {"id": "7"}),
        (b"api", b"x", b"7", b"z", b"a b"): ("api/x/{id}/z/{n}", {"id": "7", "n": "a b"}),
        (b"api", b"x", b"\xff", b"y"): ("api/x/{id}/y", {"id": "\ufffd"}),
    }
    for segments, (path, names) in ways.items():
        found, given = walked(root, *segments)
        assert (found._name.partition(" ")[0], given) == (path, names)


@pytest.mark.parametrize(
    "segments", [(b"y",), (b"x", b""), (b"x", b"7", b"no"), (b"x", b"7", b"z"), (b"x", b"all", b"z")]
)
def test_where_nothing_stands(segments):
    root = mounted([("a", {"api/x": page(), "api/x/{id}/z/{n}": page(), "api/x/all": page()})])
    found, _ = walked(root, b"api", *segments)
    request = DummyRequest([])
    request.responseCode = 200
    assert b"no such page" in found.render(request)
    assert request.responseCode == 404


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
    "two names at one place": ([("a", {"x/{a}": page(), "x/{b}": page()})], "another plugin has a page at 'x/{b}'"),
    "a name below a resource": ([("a", {"x": Resource(), "x/{id}": page()})], "nothing can stand at 'x/{id}'"),
    "below no resource": ([("a", {"x": object()}), ("b", {"x/y": page()})], "plugin 'b': nothing can stand"),
    "a POST": ([("a", {"x": JsonPage({"POST": print})})], "plugin 'a': the page 'x' answers others than DELETE, GET"),
    "nothing": ([("a", {"x": JsonPage({})})], "plugin 'a': the page 'x' answers others"),
    **{
        f"path {path!r}": ([("a", {path: page()})], "is no path of a page")
        for path in (
            "to",
            "cassette/x",
            "{id}",
            "x/{id}/y/{id}",
            "x/{}",
            "x/{A}",
            "x/a{id}",
            "x/{id",
            "/x",
            "x/",
            "x//y",
            "x y",
            "../x",
            "x/..",
            ".",
            "x?y",
            "\n",
            "ü",
            "%2e",
            7,
            None,
            b"x",
        )
    },
}


@pytest.mark.parametrize(("found", "words"), STOPS.values(), ids=STOPS)
def test_what_stops_the_start(found, words):
    with pytest.raises(StartError) as stopped:
        mounted(found)
    assert words in str(stopped.value)
    assert "\n" not in str(stopped.value)
