"""What tests of exchanges share: requests, upstreams that answer as told, and a plugin that watches."""

from twisted.internet.defer import Deferred

from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.testing import Script, script

PATH = "/v1/chat/completions"
CHAT = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
OTHER = CHAT | {"temperature": 1}
MISSED = ["begun", "matched miss"]
WHOLE_MISS = [*MISSED, "first_byte", "ended"]


class Watch:
    """A plugin that writes down what each exchange is told of. ``events``: {id: ["kind text", ...]}."""

    def __init__(self):
        self.events = {}

    @hookimpl
    def llmproxy_log(self, exchange, event):
        text = event.kind if event.kind == "failed" else f"{event.kind} {event.text}".strip()
        self.events.setdefault(exchange.id, []).append(text)

    def of(self, exchange):
        return self.events[exchange.id]


class Gate:
    """A plugin that lets each request go upstream when the test says so. ``waiting``: those that it holds."""

    def __init__(self):
        self.waiting = []
        self.cancelled = 0

    @hookimpl
    def llmproxy_route(self, exchange):
        self.waiting.append(Deferred(self._cancel))
        return self.waiting[-1]

    def _cancel(self, _):
        self.cancelled += 1

    def open(self, number=0):
        self.waiting[number].callback(None)


def plugin(hook, function):
    """A plugin called "Plugin" with this implementation of one hook."""
    return type("Plugin", (), {hook: hookimpl(function)})()


def answering(body=b"{}", *, status=200, pieces=None):
    """An upstream that gives this answer; ``pieces``: (seconds, octets) in place of the body."""

    def answer(request):
        made = script(body, status=status)
        return Script(made.head, tuple(pieces)) if pieces else made

    return answer


def in_turn(*answers):
    """An upstream that gives one after the other; an exception is raised."""
    left = iter(answers)

    def answer(request):
        made = next(left)
        if isinstance(made, Exception):
            raise made
        return made

    return answer


def recordings(kit):
    """What is in the store, the oldest first."""
    return list(kit.store.recordings.values())
