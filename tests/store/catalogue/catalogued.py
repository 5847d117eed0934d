"""Stores for the tests of the catalogue: chats with answers, hits without bodies of their own, odd rows."""

import json
from array import array

from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.filtering.recorded import Recorded
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.catalogue.source import Source
from proxy_daemon.store.codec import INLINE, insert, to_row
from proxy_daemon.store.opening import connect, prepare

UPSTREAM = parse_upstream("work=https://api.example.com/v1")
CHAT = b"/v1/chat/completions"
JSON = Headers([(b"Content-Type", b"application/json")])
STEP = 1 << 22  # ids are milliseconds above 22 bits


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def asked(messages, model="m-1", **more):
    return json.dumps({"model": model, "messages": messages} | more).encode("utf-8", "surrogatepass")


def answered(text, tools=(), tokens=None):
    """A body of the OpenAI chat API."""
    message = assistant(text)
    if tools:
        calls = [{"id": f"c{at}", "type": "function", "function": {"name": n, "arguments": a}} for at, (n, a) in tools]
        message["tool_calls"] = calls
    usage = {} if tokens is None else {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": tokens}}
    document = {"id": "x", "model": "m-1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return json.dumps(document | usage).encode("utf-8", "surrogatepass")


def response(body, status=200, headers=JSON):
    sizes = array("Q", [len(body)])
    return Response(ResponseHead(status, b"OK", headers), Bytes(body), Pieces(sizes, array("Q", [1])))


def chat(number, asks="hi", says="hello", **changes):
    """An exchange whose id is so many milliseconds. ``asks``: text, messages or octets; ``says``: None for nothing."""
    body = asks if isinstance(asks, bytes) else asked([user(asks)] if isinstance(asks, str) else asks)
    said = None if says is None else response(says if isinstance(says, bytes) else answered(says))
    fields = {
        "id": number * STEP,
        "request": Request(b"POST", CHAT, JSON, Bytes(body)),
        "response": said,
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": 1_800_000_000.0 + number,
        "model": "m-1",
        "status": 200,
        "duration": 1_500_000,
        "fingerprint": number.to_bytes(32, "big"),
        "replayable": True,
    }
    return Recording(**(fields | changes))


def hit(number, of):
    """One that another recording answered: the store does not hold its answer twice."""
    return chat(number, b"", None, outcome=Outcome.HIT, served_from=of * STEP, replayable=False)


class Store:
    """A store's file, written to as the daemon writes."""

    def __init__(self, path):
        self.path = str(path)
        prepare(self.path)
        self.connection = connect(self.path, 5)

    def put(self, *recordings):
        for each in recordings:
            self.connection.execute(insert(1), to_row(each))
            self._parts(each.id, 0, each.request.body)
            if each.response is not None:
                self._parts(each.id, 1, each.response.body)

    def _parts(self, number, side, body):
        start = 0
        for data in chunks(body, 256 * 1024) if body.size > INLINE else ():
            self.connection.execute("INSERT INTO body_part VALUES (?, ?, ?, ?)", (number, side, start, data))
            start += len(data)

    def drop(self, *numbers):
        for each in numbers:
            self.connection.execute("DELETE FROM exchange WHERE id = ?", (each * STEP,))

    def remark(self, number, mark="", comment=""):
        self.connection.execute("INSERT OR REPLACE INTO remark VALUES (?, ?, ?)", (number * STEP, mark, comment))

    def execute(self, query, *values):
        return self.connection.execute(query, values).fetchall()

    def subjects(self):
        """All exchanges as filters see them without any index, the newest first."""
        source = Source(self.path)
        remarks = source.remarks()
        for number in source.below(2**63 - 1, 0, 100_000):
            recording = source.get(number)
            mark, comment = remarks.get(number, ("", ""))
            yield number, Recorded(recording, answering=source.answering(recording), mark=mark, comment=comment)

    def close(self):
        self.connection.close()


class Ticks:
    """A clock that a test sets; each look takes ``step`` seconds."""

    def __init__(self):
        self.now, self.step = 100.0, 0.0

    def __call__(self):
        self.now += self.step
        return self.now


def numbers(ids):
    """The milliseconds of ids, which are texts or numbers."""
    return [(int(each, 16) if isinstance(each, str) else each) // STEP for each in ids]
