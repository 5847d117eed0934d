"""The streams of the page over HTTP: who gets one, what becomes of readers that do not read, and how they end."""

import json
from types import SimpleNamespace

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.living.live import MOST_LISTENERS, Live
from proxy_daemon.core.messages import Exchange, Request, id_text
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Life
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.mounting import mounted
from proxy_daemon.ui.events import Events, LiveAnswers

NUMBER = 26
ID = id_text(NUMBER)


class Wire(StringTransport):
    """A connection that tells whether it was broken off, as Twisted's do."""

    broken_off = False

    def abortConnection(self):
        self.broken_off = True
        self.protocol.connectionLost(Failure(ConnectionDone()))


class Browser:
    """The resources behind Twisted's own HTTP, with connections in memory."""

    def __init__(self, *, runs=True):
        self.live, self.life, self.now = Live(), Life(), 0.0
        if runs:
            self.live.begin("ab", Redactor(), lambda: self.now)
        services = SimpleNamespace(live=self.live, life=self.life)
        root = Resource()
        for name, page in mounted([("ui", {"events": Events(services), "live/{id}": LiveAnswers(services)})]).items():
            root.putChild(name.encode(), page)
        self.site = Site(root, timeout=None)

    def ask(self, path="/events", method="GET", **fields):
        """A connection on which this was asked."""
        wire = Wire()
        wire.protocol = self.site.buildProtocol(None)
        wire.protocol.makeConnection(wire)
        lines = [f"{method} {path} HTTP/1.1", "Host: x"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        wire.protocol.dataReceived("\r\n".join([*lines, "", ""]).encode())
        return wire

    def begun(self, *, no_store=False):
        """An exchange that is under way."""
        if not self.live.active:
            self.ask()
        directives = SimpleNamespace(no_store=no_store)
        request = Request(b"POST", b"/v1/x")
        made = Exchange(NUMBER, request, parse_upstream("demo:"), GENERIC, 0.0, directives=directives)
        self.live.note(made, "begun")
        return made


@pytest.fixture
def browser():
    return Browser()


def head(wire):
    return wire.value().partition(b"\r\n\r\n")[0]


def said(wire):
    """The JSON of a refusal."""
    return int(wire.value().split()[1]), json.loads(wire.value().partition(b"\r\n\r\n")[2])


def body(wire):
    """What has come of a body in chunks."""
    rest, found = wire.value().partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        found, rest = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


def is_whole(wire):
    return wire.value().endswith(b"\r\n0\r\n\r\n")


def test_a_stream_of_events(browser):
    wire = browser.ask()
    for field in (
        b"200 OK",
        b"Content-Type: text/event-stream; charset=utf-8",
        b"Cache-Control: no-store",
        b"X-Accel-Buffering: no",
    ):
        assert field.lower() in head(wire).lower()
    browser.live.publish("mode", {"mode": "none"})
    assert body(wire) == b'retry: 1000\nid: ab-0\n\nid: ab-1\nevent: mode\ndata: {"mode":"none"}\n\n'
    assert not is_whole(wire)


@pytest.mark.parametrize(
    ("path", "fields", "kinds"),
    [
        ("/events", {}, []),
        ("/events?last=ab-1", {}, [b"changed"]),
        ("/events", {"Last_Event_ID": "ab-1"}, [b"changed"]),
        ("/events?last=ab-2", {"Last_Event_ID": "ab-1"}, [b"changed"]),  # the newer of the two is the browser's own
        ("/events?last=ab-2", {}, []),
        ("/events?last=xy-1", {}, [b"reset"]),
        ("/events?last=%FF%00", {}, [b"reset"]),
        ("/events?last=", {}, []),
        ("/events?last=ab-1&last=ab-2", {}, [b"changed"]),
        ("/events", {"Last_Event_ID": "x" * 10_000}, [b"reset"]),
    ],
)
def test_going_on_from_a_place(browser, path, fields, kinds):
    browser.ask()
    browser.live.publish("mode", {"mode": "none"})
    browser.live.publish("changed", {"id": ID})
    octets = body(browser.ask(path, **fields))
    assert [line.removeprefix(b"event: ") for line in octets.split(b"\n") if line.startswith(b"event: ")] == kinds


def test_a_reader_that_does_not_read_costs_nothing(browser):
    wire = browser.ask()
    wire.producer.pauseProducing()
    before = wire.value()
    for number in range(5000):
        browser.live.publish("changed", {"id": id_text(number)})
    browser.now = 100
    browser.live.tick()
    assert wire.value() == before
    wire.producer.resumeProducing()
    assert b"event: reset" in wire.value()
    assert len(wire.value()) < len(before) + 200
    browser.live.publish("mode", {"mode": "none"})
    assert b"event: mode" in wire.value()


def test_a_short_pause_loses_nothing(browser):
    wire = browser.ask()
    wire.producer.pauseProducing()
    browser.live.publish("mode", {"mode": "none"})
    wire.producer.resumeProducing()
    assert b"event: mode" in wire.value()


def test_a_reader_that_goes_is_forgotten(browser):
    wire = browser.ask()
    wire.producer.stopProducing()
    wire.protocol.connectionLost(Failure(ConnectionDone()))
    browser.live.publish("mode", {"mode": "none"})
    browser.live.close()
    for _ in range(MOST_LISTENERS):
        assert not browser.live.is_full
        browser.ask()


def test_there_is_an_end_to_how_many_follow(browser):
    wires = [browser.ask() for _ in range(MOST_LISTENERS)]
    refused = browser.ask()
    assert said(refused) == (503, {"error": "too many pages follow what happens: close some of them"})
    assert b"retry-after: 5" in head(refused).lower()
    browser.begun()
    assert said(browser.ask(f"/live/{ID}"))[0] == 503
    wires[0].protocol.connectionLost(Failure(ConnectionDone()))
    assert b"200 OK" in head(browser.ask())


def test_when_the_daemon_drains_streams_end_and_none_begin(browser):
    browser.begun()
    wires = [browser.ask(), browser.ask(f"/live/{ID}")]
    browser.life.draining = True
    browser.live.close()
    assert all(map(is_whole, wires))
    assert said(browser.ask()) == (503, {"error": "llmproxy stops"})
    assert not wires[0].disconnecting
    wires[0].clear()
    wires[0].protocol.dataReceived(b"GET /live/1b HTTP/1.1\r\nHost: x\r\n\r\n")  # the connection goes on
    assert wires[0].value().startswith(b"HTTP/1.1 503")


def test_a_reader_that_does_not_read_is_broken_off_when_the_daemon_drains(browser):
    wire = browser.ask()
    wire.producer.pauseProducing()
    browser.live.close()
    assert wire.broken_off
    assert not is_whole(wire)
    browser.live.close()  # it is gone


def test_a_daemon_without_the_plugin():
    browser = Browser(runs=False)
    assert said(browser.ask())[0] == 503
    assert "live" in said(browser.ask())[1]["error"]


@pytest.mark.parametrize("path", ["/events", f"/live/{ID}"])
def test_head(browser, path):
    browser.begun()
    wire = browser.ask(path, "HEAD")
    assert b"200 OK" in head(wire)
    assert wire.value().endswith(b"\r\n\r\n")
    browser.live.publish("mode", {"mode": "none"})
    assert wire.value().endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods(browser, method):
    wire = browser.ask(method=method, Content_Length=0)
    assert said(wire) == (405, {"error": "this page answers GET, HEAD"})
    assert b"allow: get, head" in head(wire).lower()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/live",
            "/live/",
            "/live/1b",
            "/live/xyz",
            "/live/%FF",
            f"/live/{ID}/more",
            f"/live/{ID}/",
            "/live/-1a",
            "/events/",
        ),
        "/live/" + "0" * 5000,
    ],
)
def test_what_is_not_under_way(browser, path):
    browser.begun()
    assert browser.ask(path).value().startswith(b"HTTP/1.1 404")


def test_an_answer_that_is_not_there_yet(browser):
    one = browser.begun()
    wire = browser.ask(f"/live/{ID}")
    browser.live.tick()
    browser.live.note(one, "ended")
    browser.live.tick()
    assert body(wire) == (
        b'retry: 1000\n\nevent: answer\ndata: {"answer":null,"problem":""}\n\nevent: ended\ndata: {}\n\n'
    )
    assert is_whole(wire)
    assert said(browser.ask(f"/live/{ID}")) == (404, {"error": "there is no such exchange under way"})


def test_an_answer_whose_reader_goes(browser):
    one = browser.begun()
    wire = browser.ask(f"/live/{ID}")
    wire.protocol.connectionLost(Failure(ConnectionDone()))
    browser.live.tick()
    browser.live.note(one, "ended")
    browser.live.tick()
    assert b"ended" not in wire.value()
