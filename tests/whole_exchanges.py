"""Recordings for the tests of writers: ordinary and odd ones, and what their readers must give back."""

from array import array

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("recorded=https://api.example")
JSON = (b"Content-Type", b"application/json")
SSE = (b"Content-Type", b"text/event-stream")
STREAM = b"data: {}\n\ndata: [DONE]\n\n"


def exchange(
    body=b'{"id":1}',
    sent=b'{"model":"m"}',
    *,
    method=b"POST",
    target=b"/v1/chat?x=1",
    asked=(JSON,),
    said=(JSON,),
    status=200,
    reason=b"OK",
    pieces=None,
    trailers=(),
    **changes,
):
    """One that is ordinary but for what is given; ``pieces``: [(size, time)]; ``body``: None for no answer."""
    known = [(len(body or b""), 1000)] if pieces is None and body else pieces or []
    response = Response(
        ResponseHead(status, reason, Headers(said)),
        Bytes(body or b""),
        Pieces(array("Q", [size for size, _ in known]), array("Q", [time for _, time in known])),
        Headers(trailers),
    )
    found = Recording(
        id=7,
        request=Request(method, target, Headers(asked), Bytes(sent)),
        response=None if body is None else response,
        upstream=UPSTREAM,
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=1724417000.25,
        status=0 if body is None else status,
        head_time=500,
        duration=2500,
    )
    return evolve(found, **changes)


def file_of(writer, *recordings):
    """A whole file."""
    made = [writer.entry(one) for one in recordings]
    texts = [one.text for one in made if one.text]
    return writer.head + writer.between.join(texts) + writer.tail if texts else writer.empty


class Slow:
    """A body that is in no memory and gives an octet at a time."""

    def __init__(self, data):
        self._data, self.size = data, len(data)

    def whole(self):
        return None

    def read(self, offset, size):
        return self._data[offset : offset + min(1, size)]


class Gone:
    """A body whose file was lost."""

    size = 5

    def whole(self):
        return None

    def read(self, offset, size):
        raise OSError("lost")
