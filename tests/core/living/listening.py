"""A page in memory: a stream of events, read as browsers read it, and exchanges to tell it of."""

import json
from types import SimpleNamespace

from attrs import evolve

from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.living.live import Live
from proxy_daemon.core.messages import Exchange, Request, ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.upstreams import parse_upstream

SSE = ResponseHead(200, b"OK", Headers(((b"Content-Type", b"text/event-stream"),)))
SECRET = "sk-ant-api03-" + "Ab1Cd2Ef3Gh4" * 4


def parsed(data):
    """(kind, value, id) of each event, by the rules of WHATWG HTML section 9.2.6; kind "" for a comment."""
    found, last = [], ""
    for block in data.decode().split("\n\n")[:-1]:
        fields = dict(line.partition(":")[::2] for line in block.split("\n"))
        fields = {name: value.removeprefix(" ") for name, value in fields.items()}
        last = fields.get("id", last)
        if "data" in fields:
            found.append((fields["event"], json.loads(fields["data"]), last))
        elif "" in fields:
            found.append(("", None, last))
    return found


class Page:
    """A listener. ``room``: octets that it takes before it is full; None: any number."""

    def __init__(self, room=None):
        self.room, self.data, self.closed = room, b"", False

    @property
    def is_full(self):
        return self.room is not None and len(self.data) >= self.room

    def write(self, data):
        assert not self.closed
        self.data += data

    def close(self):
        self.closed = True

    @property
    def events(self):
        return parsed(self.data)

    def read(self):
        """What has come since the last time: (kind, value) of each."""
        data, self.data = self.data, b""
        return [(kind, value) for kind, value, _ in parsed(data)]


def exchange(number=1, target=b"/v1/chat/completions", *, no_store=False, **more):
    """One that has just begun."""
    request = Request(b"POST", target, Headers())
    upstream = parse_upstream("http://api.example/v1")
    made = Exchange(number, request, upstream, OpenAIChat(), 1000.5, directives=Directives(no_store=no_store))
    return evolve(made, **more)


def words(*texts):
    """Events of a chat's stream that say these, a piece each."""
    said = [{"id": "c1", "choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    return [b"data: " + json.dumps(each).encode() + b"\n\n" for each in said]


def live(redactor=None):
    """(a `Live` that has begun, its clock)."""
    clock = SimpleNamespace(now=100.0)
    made = Live()
    made.begin("ab", redactor or Redactor(), lambda: clock.now)
    return made, clock
