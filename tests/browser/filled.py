"""Stores with many or odd exchanges, written as the daemon writes them, for pages that only look."""

import json
import time
from array import array
from contextlib import closing

from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.codec import INLINE, insert, to_row
from proxy_daemon.store.opening import connect, prepare

UPSTREAM = parse_upstream("lab=https://api.lab.example/v1")
JSON = Headers([(b"Content-Type", b"application/json")])
SSE = Headers([(b"Content-Type", b"text/event-stream")])
PART = 256 * 1024
STEP = 1 << 22  # ids are milliseconds above 22 bits


def user(text):
    return {"role": "user", "content": text}


def said(text, **message):
    """A chat's answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text} | message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {"id": "c", "model": "lab-1", "choices": [choice], "usage": usage}


def responded(body, headers=JSON, sizes=None, times=None, status=200):
    """A response with these octets."""
    pieces = Pieces(array("Q", sizes or [len(body)]), array("Q", times or [1000]))
    return Response(ResponseHead(status, b"OK", headers), Bytes(body), pieces)


def exchange(number, messages, answer, **more):
    """A chat whose id is so many milliseconds. ``messages``: a text or a list; ``answer``: text, document, response."""
    chat = [user(messages)] if isinstance(messages, str) else messages
    request = json.dumps({"model": "lab-1", "messages": chat} | more.pop("asks", {})).encode()
    document = said(answer) if isinstance(answer, str) else answer
    fields = {
        "id": number * STEP,
        "request": Request(b"POST", b"/v1/chat/completions", JSON, Bytes(request)),
        "response": responded(json.dumps(document).encode()) if isinstance(document, dict) else document,
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": time.time() - 5000 + number,
        "model": "lab-1",
        "status": 200,
        "duration": 1_500_000,
        "fingerprint": number.to_bytes(32, "big"),
        "replayable": True,
    }
    return Recording(**(fields | more))


def fill(path, recordings):
    """A store of these; its path."""
    prepare(str(path))
    with closing(connect(str(path), 5)) as connection:
        connection.execute("BEGIN")
        for each in recordings:
            connection.execute(insert(1), to_row(each))
            for side, message in enumerate((each.request, each.response)):
                _parts(connection, each.id, side, message.body)
        connection.execute("COMMIT")
    return path


def _parts(connection, exchange_id, side, body):
    """A long body stands in parts beside its row."""
    start = 0
    for data in chunks(body, PART) if body.size > INLINE else ():
        connection.execute("INSERT INTO body_part VALUES (?, ?, ?, ?)", (exchange_id, side, start, data))
        start += len(data)
