"""Stores for the tests of the child process: files with chat recordings, made without a daemon."""

from array import array

import orjson

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.opening import connect, prepare

UPSTREAM = parse_upstream("work=https://api.example.com/v1")
OTHER = parse_upstream("home=https://other.example.com/v1")
CHAT = b"/v1/chat/completions"
STEP = 1 << 22  # ids are milliseconds above 22 bits


def body(text, **more):
    return orjson.dumps({"model": "m-1", "messages": [{"role": "user", "content": text}]} | more)


def recording(number, text="hi", target=CHAT, data=None, **changes):
    """One that can be served; its id is so many milliseconds."""
    octets = body(text) if data is None else data
    request = Request(b"POST", target, Headers([(b"Content-Type", b"application/json")]), Bytes(octets))
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"application/json")]))
    fields = {
        "id": number * STEP,
        "request": request,
        "response": Response(head, Bytes(b"{}"), Pieces(array("Q", [2]), array("Q", [1]))),
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": 1_800_000_000.0,
        "model": "m-1",
        "status": 200,
        "fingerprint": number.to_bytes(32, "big"),
        "replayable": True,
    }
    return Recording(**(fields | changes))


class Store:
    """A store's file, written to as the daemon writes."""

    def __init__(self, path):
        self.path = str(path)
        self.key = prepare(self.path).key
        self.connection = connect(self.path, 5)

    def put(self, *recordings):
        for each in recordings:
            self.connection.execute(insert(1), to_row(each))

    def drop(self, *ids):
        for each in ids:
            self.connection.execute("DELETE FROM exchange WHERE id = ?", (each,))

    def close(self):
        self.connection.close()
