"""Exchanges as a store holds them, a store of them, and a plugin that writes a format: for tests of exports."""

import json
from contextlib import closing

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.opening import connect, prepare
from proxy_daemon.store.parts import insert_parts

UPSTREAM = parse_upstream("work=https://api.example.com/v1")
JSON = Headers([(b"Content-Type", b"application/json")])
STARTED = 1_767_268_800.0  # 2026-01-01 12:00:00 UTC

# A format of three lines: what was asked for, what was answered, whose losses and files the request tells.
PLUGIN = """
from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.cassettes.foreign_text import WrittenEntry
from proxy_daemon.hookspecs import hookimpl

class Lines:
    name, suffix, single = "lines", ".txt", False
    head, between, tail, empty = b"<", b",", b">", b"<>"

    def entry(self, recording):
        request, response = recording.request, recording.response
        losses, files = request.headers.all(b"x-loss"), request.headers.all(b"x-file")
        if b"x-raise" in request.headers:
            kinds = {b"os": OSError("gone"), b"exit": SystemExit(3), b"key": KeyError("secret")}
            raise kinds[request.headers.get(b"x-raise")]
        said = b"" if response is None else b"".join(chunks(response.body))
        text = b"%016x:%b" % (recording.id, said) if response else b""
        told = [each.decode() for each in losses] if text else ["left out: it has no answer"]
        return WrittenEntry(text, told, {name.decode(): said for name in files})

class Single(Lines):
    name, suffix, single = "single", ".one", True

@hookimpl
def llmproxy_formats():
    return [Lines(), Single()]
"""


def exchange(number, asks="hello", says="fine", fields=(), **changes):
    """One chat."""
    body = json.dumps({"model": "m-1", "messages": [{"role": "user", "content": asks}]}).encode()
    choice = {"index": 0, "message": {"role": "assistant", "content": says}, "finish_reason": "stop"}
    answer = Response(ResponseHead(200, b"OK", JSON), Bytes(json.dumps({"choices": [choice]}).encode()))
    members = {
        "id": number,
        "request": Request(b"POST", b"/v1/chat/completions", JSON.plus(*fields), Bytes(body)),
        "response": answer,
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": STARTED + number,
        "model": "m-1",
        "status": 200,
        "duration": 2_000_000,
    }
    return Recording(**(members | changes))


def raw(data, kind=b"text/plain"):
    """An answer of these octets."""
    return Response(ResponseHead(200, b"OK", Headers([(b"Content-Type", kind)])), Bytes(data))


def put(path, *recordings):
    """Into a store, which is made."""
    prepare(path)
    with closing(connect(path, 5)) as connection:
        for each in recordings:
            connection.execute(insert(1), to_row(each))
            insert_parts(connection, each)
