"""What an exchange tells those who follow, through the pipeline; and that it pays nothing while nobody does."""

import json

import pytest

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.living.live import Live as Living
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Life
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.plugins import built_in
from proxy_daemon.plugins.live import Live
from proxy_daemon.testing import Kit, Script, script

CHAT = "/v1/chat/completions"
BODY = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
STREAM = BODY | {"stream": True}


def slowly(*texts):
    """A stream that says these, a second apart."""
    event = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
    pieces = [(1.0, event % text.encode()) for text in texts]
    head = ResponseHead(200, b"OK", Headers(((b"Content-Type", b"text/event-stream"),)))
    return Script(head, (*pieces, (0.0, b"data: [DONE]\n\n")))


class Page:
    """A listener that takes all."""

    is_full, closed = False, False

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True

    def read(self):
        """(kind, value) of each event since the last time."""
        blocks, self.data = self.data.decode().split("\n\n"), b""
        fields = [dict(line.partition(": ")[::2] for line in block.split("\n")) for block in blocks]
        return [(each["event"], json.loads(each["data"])) for each in fields if "data" in each]


class Followed:
    """A daemon in memory that somebody follows. ``kept``: what was kept of each answer."""

    def __init__(self, *plugins, follows=True, **settings):
        test, self.kept, self.noted = self, [], []

        class Watching:
            @hookimpl
            def llmproxy_configure(self, services):
                test.services = services

        self.kit = Kit(Watching(), *plugins, **settings)
        self.live, self.page = self.services.live, Page()
        if follows:
            self.live.follow(self.page)
            self.page.read()
        keep, note = self.live.keep, self.live.note
        self.live.keep = lambda exchange, head: self.kept.append(exchange.id) or keep(exchange, head)
        self.live.note = lambda exchange, kind: self.noted.append(kind) or note(exchange, kind)

    def told(self):
        self.live.tick()
        return self.page.read()


def test_it_is_asked_last():
    assert built_in()[0][0] == "live"


@pytest.mark.parametrize(
    ("body", "outcome"), [(BODY, "miss"), (STREAM, "miss"), ({"model": "demo-fast", "prompt": "x"}, "miss")]
)
def test_an_exchange(body, outcome):
    followed = Followed()
    result = followed.kit.send(CHAT, body)
    [(kind, value)] = followed.told()
    [row] = value["rows"]
    assert (kind, row["outcome"], row["state"], row["status"]) == ("exchanges", outcome, "ended", result.status)
    assert row["response_size"] == sum(map(len, result.pieces))
    assert followed.noted == ["begun", "first_byte", "ended"]
    assert followed.told() == []


def test_while_nobody_follows_nothing_is_done():
    followed = Followed(follows=False)
    followed.kit.send(CHAT, STREAM)
    assert (followed.noted, followed.kept) == ([], [])
    exchange = followed.kit.send(CHAT, BODY).exchange
    assert not followed.kit.hooks.shapes(exchange)


def test_a_hit_that_is_at_hand_takes_its_short_way():
    followed = Followed()
    followed.kit.send(CHAT, BODY)
    before = len(followed.kept)
    result = followed.kit.send(CHAT, BODY)
    assert result.exchange.outcome == "hit"
    assert len(followed.kept) == before
    [row] = followed.told()[-1][1]["rows"][-1:]
    assert (row["outcome"], row["state"], row["served_from"] is not None) == ("hit", "ended", True)


def test_what_must_not_be_kept_is_not():
    followed = Followed()
    followed.kit.send(CHAT, STREAM, headers={"Cache-Control": "no-store"})
    assert followed.kept == []
    assert followed.told()[0][1]["rows"][0]["state"] == "ended"


@pytest.mark.parametrize("failing", [lambda _: 1 / 0, lambda _: script("no", status=500)])
def test_failures(failing):
    followed = Followed(answer=failing)
    followed.kit.send(CHAT, STREAM)
    [row] = followed.told()[0][1]["rows"]
    assert row["state"] == "ended"
    assert row["status"] >= 500


def test_a_refusal_and_how_it_differs():
    followed = Followed()
    followed.kit.send(CHAT, BODY)
    other = BODY | {"messages": [{"role": "user", "content": "ho"}], "temperature": 0.5}
    followed.told()
    followed.kit.send(CHAT, other, headers={"Cache-Control": "only-if-cached"})
    told = dict(followed.told())
    [row] = told["exchanges"]["rows"]
    assert (row["outcome"], row["state"]) == ("refused", "ended")
    assert told["explained"]["id"] == row["id"]
    assert told["explained"]["text"]


def test_an_answer_is_seen_as_its_client_gets_it():
    """A page that opens it in its midst sees all of it, behind transforms."""

    class Louder:
        @hookimpl
        def llmproxy_transform(self, exchange):
            class Upper:
                def piece(self, data):
                    return data.replace(b"quiet", b"LOUD!")

                def end(self):
                    return b""

            return Upper()

    followed = Followed(Louder(), answer=lambda _: slowly("quiet 1 ", "quiet 2 "))
    exchange, _, _ = followed.kit.begin(CHAT, STREAM)
    followed.kit.clock.advance(1)
    viewer = Page()
    followed.live.watch(viewer, exchange.id)
    followed.live.tick()
    [(kind, value)] = viewer.read()
    assert (kind, value["answer"]["choices"][0]["parts"][0]["text"]) == ("answer", "LOUD! 1 ")
    followed.kit.clock.advance(1)
    followed.live.tick()
    told = viewer.read()
    assert told[0][1]["changes"][0] == {"choice": 0, "part": 0, "append": "LOUD! 2 "}
    assert told[-1] == ("ended", {})


def test_it_follows_in_the_midst_of_an_answer():
    """What began before somebody followed is told of from its next event on."""
    followed = Followed(follows=False, answer=lambda _: slowly("One ", "two "))
    exchange, _, running = followed.kit.begin(CHAT, STREAM)
    followed.kit.clock.advance(1)
    followed.live.follow(followed.page)
    assert followed.told() == []
    followed.kit.clock.advance(1)
    assert running.called
    [row] = followed.told()[-1][1]["rows"]
    assert (int(row["id"], 16), row["state"]) == (exchange.id, "ended")


class Timer:
    """A scheduler that a test turns."""

    def every(self, seconds, function):
        self.seconds, self.tick = seconds, function


def configured():
    timer, live, life = Timer(), Living(), Life()

    class Clock:
        wall = staticmethod(lambda: 1000.0)
        seconds = staticmethod(lambda: 5.0)

    class Services:
        scheduler, clock, redactor = timer, Clock, Redactor()

    Services.live, Services.life = live, life
    Live().llmproxy_configure(Services)
    return timer, live, life


def test_it_is_ticked_ten_times_a_second():
    timer, live, _ = configured()
    live.follow(page := Page())
    assert timer.seconds == 0.1
    assert page.data.endswith(b"id: f4240-0\n\n")  # 1,000,000 ms
    live.publish("mode", {"mode": "none"})
    timer.tick()
    assert page.read() == [("mode", {"mode": "none"})]
    assert not page.closed


def test_when_the_daemon_drains_all_streams_end():
    timer, live, life = configured()
    live.follow(page := Page())
    life.draining = True
    timer.tick()
    assert page.closed


def test_one_that_was_not_configured_does_nothing():
    """As where a start failed before."""
    Live().llmproxy_log(None, None)
