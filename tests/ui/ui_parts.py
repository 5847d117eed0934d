"""Parts with which the pages of the API are tested without a daemon."""

import json
from types import SimpleNamespace

from attrs import evolve
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.web.test.requesthelper import DummyRequest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Services
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.json_pages import JsonResource
from proxy_daemon.testing import MemoryStore

JSON_FIELD = Headers([(b"Content-Type", b"application/json")])
CHAT = {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = {
    "id": "c-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


def recording(number, chat=CHAT, **more):
    """A chat of the OpenAI API."""
    body, answer = json.dumps(chat).encode(), json.dumps(ANSWER).encode()
    request = Request(b"POST", b"/v1/chat/completions", JSON_FIELD, Bytes(body))
    response = Response(ResponseHead(200, b"OK", JSON_FIELD), Bytes(answer), Pieces())
    made = Recording(number, request, response, parse_upstream("demo:"), Ending.COMPLETE, Outcome.MISS, 1.0)
    return evolve(made, model="m-1", status=200, replayable=True, **({"fingerprint": b"f" * 32} | more))


class FakeWork:
    """A child process that says what it is told to; what it was asked is in `asked`."""

    def __init__(self, answers=None):
        self.answers, self.asked, self.left = answers or {}, [], []

    def call(self, name, head, octets=b""):
        self.asked.append((name, head))
        answer = self.answers.get(name, {"trouble": "there is no such question"})
        return Deferred(self.left.append) if answer is None else succeed(answer)


class Inline:
    """A worker without a thread."""

    def run(self, function, *args):
        return succeed(function(*args))


def services(*recordings, work=None, **more):
    """What pages get, over a store in memory."""
    store = MemoryStore()
    for each in recordings:
        store.note(each)
    nothing = SimpleNamespace()
    return Services(store, nothing, Inline(), nothing, Redactor(), lambda file: None, {}, work=work, **more)


def asked(page, method="GET", *, body=None, segments=None, **args):
    """(status, value) of one request to a `JsonPage`; (None, None) while it has no answer."""
    request = asking(page, method, body=body, segments=segments, **args)
    return answered(request)


def asking(page, method="GET", *, body=None, segments=None, **args):
    """The request."""
    request = DummyRequest([])
    request.method, request.responseCode = method.encode(), 200
    request.args = {name.rstrip("_").encode(): [str(value).encode()] for name, value in args.items()}
    request.segments = segments or {}
    request.content = SimpleNamespace(read=lambda size: json.dumps(body).encode())
    request.requestHeaders.setRawHeaders(b"content-type", [b"application/json"])
    found = JsonResource("x", page).render(request)
    if isinstance(found, bytes):
        request.write(found)
    return request


def answered(request):
    data = b"".join(request.written)
    if not data:
        return None, None
    kind = request.responseHeaders.getRawHeaders(b"content-type")[0]
    return request.responseCode, json.loads(data) if kind == b"application/json" else data


def done(awaitable):
    """What it gives; it has nothing to wait for."""
    found = []
    ensureDeferred(awaitable).addCallback(found.append)
    return found[0]
