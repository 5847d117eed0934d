"""The plugin of near misses with a child process that a test plays. Used by `test_plugins_nearest_child.py`."""

from types import SimpleNamespace

import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Life
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import Event
from proxy_daemon.plugins.nearest import Nearest
from proxy_daemon.settings import Settings

UPSTREAM, OTHER = parse_upstream("work=http://127.0.0.1:1/v1"), parse_upstream("home=http://127.0.0.1:2/v1")
CHAT = b"/v1/chat/completions"
ENDED = Event("ended")
ANSWER = {
    "id": 5, "score": 0.97, "parts": [["model", 1.0], ["messages", 0.9]], "differences": ["a: recorded 1 / incoming 2"],
    "servable": "", "fingerprint": "", "index": {"recordings": 3, "left": 0, "octets": 9},
}  # fmt: skip


def recording(**changes):
    response = Response(ResponseHead(200))
    fields = {"id": 5, "request": Request(b"POST", CHAT), "response": response, "upstream": UPSTREAM, "started": 900.0}
    return Recording(**(fields | {"ending": Ending.COMPLETE, "outcome": Outcome.MISS, "replayable": True} | changes))


class Work:
    """A child process that a test plays: `questions` as they were asked, `then` to answer the posted ones."""

    def __init__(self):
        self.questions, self.then, self.answer = [], [], ANSWER

    async def call(self, name, head, octets=b""):
        self.questions.append((name, head, octets))
        return self.answer

    def post(self, name, head, octets, then):
        self.questions.append((name, head, octets))
        self.then.append(then)

    def stats(self):
        return {"process": 1}


class Rig:
    """The plugin with a child process; `told` is what was told of exchanges."""

    def __init__(self, found=None, child=True, **settings):
        self.told, self.every, self.work, self.found = [], {}, Work() if child else None, found or recording()
        services = SimpleNamespace(
            store=SimpleNamespace(
                get=lambda number: self.found if number == 5 else None, similar=lambda *_: [], patterns=lambda: ()
            ),
            work=self.work,
            worker=None,
            life=Life(),
            redactor=Redactor(),
            facts={},
            clock=SimpleNamespace(wall=lambda: 1000.0),
            scheduler=SimpleNamespace(every=self.every.setdefault),
            shelves=SimpleNamespace(default=SimpleNamespace(mode=SimpleNamespace(name=Settings(**settings).mode))),
            tell=lambda exchange, event: self.told.append((exchange.id, event.kind, event.text)),
        )
        self.services, self.plugin = services, Nearest()
        self.plugin.llmproxy_configure(Settings(**settings), services)

    def near(self, exchange):
        """What the hook returns."""
        running = self.plugin.llmproxy_fuzzy_match(exchange)
        with pytest.raises(StopIteration) as stopped:
            running.send(None)
        return stopped.value.value

    def end(self, *exchanges):
        for each in exchanges:
            self.plugin.llmproxy_log(each, ENDED)

    def answer(self, **changes):
        """The child answers the oldest posted question."""
        self.work.then.pop(0)(ANSWER | changes)

    @property
    def numbers(self):
        return self.services.facts["near_misses"]()


def exchange(number=9, outcome=Outcome.MISS, body=b"{}", **more):
    request = Request(b"POST", more.pop("target", CHAT), more.pop("headers", Headers()), Bytes(body))
    return Exchange(number, request, UPSTREAM, GENERIC, 0.0, outcome=outcome, ending=Ending.COMPLETE, **more)
