"""Recordings made for the tests of what a page shows: of each API, with bodies of any kind."""

import json
from array import array

import orjson

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.opened import opened
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("openai=https://api.openai.com/v1")
JSON = (b"Content-Type", b"application/json")
EVENTS = (b"Content-Type", b"text/event-stream")
CHAT = b"/v1/chat/completions"
MESSAGES = b"/v1/messages"
GEMINI = b"/v1beta/models/gemini-x:generateContent"
USER = {"role": "user", "content": "hi"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(60))


class Long:
    """A body that does not lie in memory: the same part again and again. ``gone``: from where on it is lost."""

    def __init__(self, part, times, gone=None):
        self.part, self.size, self.gone = part, len(part) * times, gone
        self.most_read = 0

    def whole(self):
        return None

    def read(self, offset, size):
        if self.gone is not None and offset >= self.gone:
            raise OSError(f"the store has lost octets of a body at {offset}")
        size = max(0, min(size, 65536, self.size - offset))
        self.most_read = max(self.most_read, size)
        start = offset % len(self.part)
        return (self.part * (2 + size // len(self.part)))[start : start + size]


def body_of(value):
    return value if not isinstance(value, dict | list | str) else Bytes(_octets(value))


def _octets(value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def recorded(asked=None, said=None, *, path=CHAT, sent=(JSON,), got=(JSON,), status=200, pieces=None, **more):
    """A recording; bodies as octets, text, JSON or a body. ``said`` None: there was no answer."""
    asked = {"model": "m", "messages": [USER]} if asked is None else asked
    request = Request(b"POST", path, Headers(list(sent)), _body(asked))
    response = None
    if said is not None:
        response = Response(ResponseHead(status, b"OK", Headers(list(got))), _body(said), pieces or Pieces())
    fields = {
        "id": 0x1A2B,
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.LIVE,
        "started": 1_800_000_000.0,
        "model": "m",
        "status": status,
        "duration": 5000,
    }
    return Recording(request=request, response=response, **(fields | more))


def _body(value):
    return Bytes(value) if isinstance(value, bytes) else body_of(value)


def read(*args, **more):
    return opened(recorded(*args, **more))


def chat(text="Hello", **more):
    """A whole answer of OpenAI's chat."""
    message = {"role": "assistant", "content": text} | more.pop("message", {})
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c-1", "object": "chat.completion", "model": "m-2", "choices": [choice], "usage": usage} | more


def delta(**said):
    return {"id": "c-1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": said}]}


def event(value, name=""):
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + (value if isinstance(value, bytes) else orjson.dumps(value)) + b"\n\n"


def streamed(*values):
    """Events, each a piece of its own, a millisecond apart."""
    events = [event(each) if not isinstance(each, bytes) else each for each in values]
    return b"".join(events), pieces_of(events)


def pieces_of(parts, first=1000, step=1000):
    return Pieces(array("Q", map(len, parts)), array("Q", range(first, first + step * len(parts), step)))
