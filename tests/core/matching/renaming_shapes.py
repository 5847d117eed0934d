"""Recordings with ids, for the tests of renaming: a chat of OpenAI's whose request brings ids back."""

import json
from array import array

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

CHAT = OpenAIChat()
OLD, NEW = "call_recorded", "call_live"
EVENTS, LINES, JSON = b"text/event-stream", b"application/x-ndjson", b"application/json"


def asking(*ids, target=b"/v1/chat/completions", **more):
    """A request that brings these ids back, in that order."""
    messages = [{"role": "tool", "tool_call_id": one, "content": "sunny"} for one in ids]
    body = json.dumps({"model": "m", "messages": messages, **more}).encode()
    return Request(b"POST", target, Headers(((b"Content-Type", JSON),)), Bytes(body))


def recorded(body, *ids, kind=JSON, fields=(), sizes=None, times=None, request=None, status=200):
    """A recording of such a request. ``body``: octets, or a value that becomes JSON."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    sizes = [len(octets)] if sizes is None else sizes
    pieces = Pieces(array("Q", sizes), array("Q", range(len(sizes)) if times is None else times))
    head = ResponseHead(status, b"OK", Headers(((b"Content-Type", kind), *fields)))
    return Recording(
        id=7,
        request=request or asking(*(ids or (OLD,))),
        response=Response(head, Bytes(octets), pieces),
        upstream=parse_upstream("https://api.openai.com/v1"),
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=1.0,
        status=status,
    )


def body_of(recording):
    return recording.response.body.whole()


def pieces_of(recording):
    """(time, octets) of each."""
    pieces, at, found = recording.response.pieces, 0, []
    for size, time in zip(pieces.sizes, pieces.times, strict=True):
        found.append((time, body_of(recording)[at : at + size]))
        at += size
    assert at == len(body_of(recording))
    return found
