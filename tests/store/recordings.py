"""Recordings for the tests of the store, and a reactor that is a queue: a test runs what the thread reports."""

import queue
import sqlite3
from array import array
from hashlib import blake2b
from pathlib import Path

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.database import SQLiteStore

UPSTREAM = parse_upstream("work=https://api.example.com/v1")
PATIENCE = 30  # seconds until a test that waits for the thread gives up


def fingerprint(name):
    """32 octets, as the pipeline makes them."""
    return blake2b(str(name).encode(), digest_size=32).digest()


def request(body=b"{}", pairs=((b"Content-Type", b"application/json"),), target=b"/v1/chat/completions?a=1"):
    return Request(b"POST", target, Headers(pairs), Bytes(body))


def response(body=b"answer", pairs=((b"Content-Type", b"text/plain"),), sizes=(), times=(), trailers=()):
    head = ResponseHead(200, b"OK", Headers(pairs))
    return Response(head, Bytes(body), Pieces(array("Q", sizes), array("Q", times)), Headers(trailers))


def recording(number=1, **changes):
    """One that can be served; its fingerprint is made of its number."""
    fields = {
        "id": number,
        "request": request(),
        "response": response(),
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": 1_800_000_000.0,
        "model": "m-1",
        "status": 200,
        "fingerprint": fingerprint(number),
        "replayable": True,
    }
    return Recording(**(fields | changes))


class Bad:
    """A body that cannot be read, as after its temporary file was lost."""

    def __init__(self, error, size=10):
        self.size = size
        self._error = error

    def whole(self):
        return None

    def read(self, offset, size):
        raise self._error


def content(body):
    """All octets of a body, read as the player reads it."""
    data = b""
    while part := body.read(len(data), 50_000):
        data += part
    return data


def plain(found):
    """A recording as a value that can be compared, wherever its bodies lie."""
    answer = found.response
    return (
        [getattr(found, name) for name in _FACTS],
        (found.request.method, found.request.target, found.request.headers.pairs, content(found.request.body)),
        answer and (answer.head, content(answer.body), answer.pieces, answer.trailers.pairs),
    )


_FACTS = [name for name in Recording.__annotations__ if name not in ("request", "response", "replay_head")]


def find(store, wanted):
    """The newest recording that may answer, or None."""
    candidates = store.candidates(wanted)
    return store.get(candidates[-1].id) if candidates else None


class Turn:
    """A reactor thread: `run_until` runs what other threads ask of it."""

    def __init__(self):
        self._calls = queue.Queue()

    def call(self, function, *args):
        self._calls.put((function, args))

    def run_until(self, done):
        while not done():
            function, args = self._calls.get(timeout=PATIENCE)
            function(*args)


class Opened:
    """A store with its turn."""

    def __init__(self, path, **options):
        self.turn = Turn()
        self.path = path
        limits = {"max_bytes": 2**40, "max_age": 1e9, "wall": lambda: 1_800_000_000.0} | options
        self.store = SQLiteStore.open(str(path), call_in_reactor=self.turn.call, **limits)

    def result(self, deferred):
        """What the Deferred fires with."""
        results = []
        deferred.addBoth(results.append)
        self.turn.run_until(lambda: results)
        return results[0]

    def put(self, *recordings, **options):
        """Put all of them, then wait for all; their results."""
        waiting = [self.store.put(each, **options) for each in recordings]
        return [self.result(each) for each in waiting]


def rows(path, query, *values):
    """What another program finds in the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def octets(path):
    """The file, and what SQLite keeps beside it."""
    files = {end: Path(f"{path}{end}") for end in ("", "-wal")}
    return {end: file.read_bytes() for end, file in files.items() if end == "" or (file.exists() and file.read_bytes())}
