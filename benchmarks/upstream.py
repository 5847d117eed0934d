"""A fake LLM API for the benchmarks: fixed answers, JSON or server-sent events, over HTTP/1.1 with keep-alive.

What a request's body says rules the answer: "stream", "n_events", "pad" (more bytes in each event), "fault".
A body that is not a chat request is counted and forgotten. GET /count tells how many chat requests came.
Run by cases.py and memory.py as a process of its own: upstream.py --port N [--event-delay S].
"""

import argparse
import asyncio
import json
import re
import time

import httptools

try:
    from uvloop import run
except ImportError:
    from asyncio import run

LOOKED_AT = 1 << 16  # more than this of a request's body is only counted
ANSWER = json.dumps(
    {
        "id": "chatcmpl-0123456789abcdef",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "lab-1",
        "system_fingerprint": "fp_lab",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": "The quick brown fox. " * 40},
            }
        ],
        "usage": {"prompt_tokens": 320, "completion_tokens": 200, "total_tokens": 520},
    }
).encode()
SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LAST = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
EVENTS_ASKED = re.compile(rb'"n_events": ?(\d+)')
FAULT_ASKED = re.compile(rb'"fault": ?"(\w+)"')
PAD_ASKED = re.compile(rb'"pad": ?(\d+)')


def answer(body):
    """A whole JSON answer with this body."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


CHAT = answer(ANSWER)
FAULTS = {  # what is sent before the connection is closed
    "closed": b"",
    "garbage": b"\x00\x01 this is no HTTP\r\n\r\n",
    "short": CHAT[:-100],
    "cut": SSE_HEAD + b"d\r\ndata: begun\n\n\r\n",
}


def number(pattern, body, default):
    found = pattern.search(body)
    return int(found[1]) if found else default


def event(number, pad):
    """One event, as slowly made as a model's server would: a faster one would send more than one in a packet."""
    data = {
        "id": "chatcmpl-0123456789abcdef",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "lab-1",
        "choices": [{"index": 0, "delta": {"content": f" token{number}{pad}"}, "finish_reason": None}],
        "t": time.monotonic(),
    }
    return b"data: %b\n\n" % json.dumps(data).encode()


class Stream:
    """One streamed answer: an event a turn of the loop, or one each `delay` seconds; it waits while the client does."""

    def __init__(self, protocol, body):
        self.protocol, self.loop = protocol, asyncio.get_running_loop()
        self.left, self.sent = number(EVENTS_ASKED, body, 300), 0
        self.pad = "x" * number(PAD_ASKED, body, 0)
        self.due = self.loop.time()
        protocol.transport.write(SSE_HEAD)
        self.timer = self.loop.call_soon(self.step)

    def step(self):
        """Write one event, and arrange for the next."""
        self.timer = None
        if self.protocol.paused:
            return
        if self.sent == self.left:
            self.protocol.ended(LAST)
            return
        data = event(self.sent, self.pad)
        self.protocol.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.sent += 1
        self.go_on()

    def go_on(self):
        """Arrange for the next event, unless that is done."""
        if self.timer:
            return
        if delay := self.protocol.counts.delay:
            self.due = max(self.due + delay, self.loop.time())
            self.timer = self.loop.call_at(self.due, self.step)
        else:
            self.timer = self.loop.call_soon(self.step)

    def stop(self):
        if self.timer:
            self.timer.cancel()


class Counts:
    """What all connections share."""

    def __init__(self, delay):
        self.delay, self.chats = delay, 0


class Upstream(asyncio.Protocol):
    """One connection of a proxy."""

    def __init__(self, counts):
        self.counts, self.stream, self.paused = counts, None, False
        self.parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if self.stream:
            self.stream.stop()

    def data_received(self, data):
        self.parser.feed_data(data)

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        if self.stream:
            self.stream.go_on()

    def on_message_begin(self):
        self.body, self.path, self.size = b"", b"", 0

    def on_url(self, url):
        self.path += url

    def on_body(self, data):
        self.size += len(data)
        if len(self.body) < LOOKED_AT:
            self.body += data

    def on_message_complete(self):
        """Answer the request that is now whole."""
        if not self.path.endswith(b"/chat/completions"):
            self.transport.write(answer(b'{"chats": %d, "received": %d}' % (self.counts.chats, self.size)))
            return
        self.counts.chats += 1
        if fault := FAULT_ASKED.search(self.body):
            self.transport.write(FAULTS[fault[1].decode()])
            self.transport.close()
        elif b'"stream": true' in self.body:
            self.stream = Stream(self, self.body)
        else:
            self.transport.write(CHAT)

    def ended(self, last):
        """The streamed answer has come to its end."""
        self.stream = None
        self.transport.write(last)


async def serve(options):
    counts, loop = Counts(options.event_delay), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(counts), "127.0.0.1", options.port, backlog=4096)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description="a fake LLM API for the benchmarks")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--event-delay", type=float, default=0, help="seconds between two events")
    run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
