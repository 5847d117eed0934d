"""The clients of the soak: all kinds of exchanges, good and bad, mixed by a seeded dice; prints one JSON line.

What comes back is compared with what must: an error that is not meant is counted and named. Run by standing.py.
"""

import argparse
import asyncio
import itertools
import json
import random
import time
from contextlib import suppress

import httptools

try:
    from uvloop import run
except ImportError:
    from asyncio import run

KINDS = {"hit": 55, "miss": 25, "stream": 8, "leave": 4, "bad": 4, "fault": 4}
PROMPT = "You are a careful assistant. Summarise the following notes for the team. " * 15
BAD = [
    b"no HTTP at all\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n",
]
FAULTS = {"closed": {502}, "garbage": {502}, "short": {200}, "cut": {200}}
BROKEN = {"short", "cut"}  # the head is good, the end must not be
ANSWER_LIMIT = 60  # seconds


class Answer:
    """One answer as it is read."""

    def __init__(self):
        self.status, self.body, self.whole = 0, b"", False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data):
        self._parser.feed_data(data)
        self.status = self._parser.get_status_code()

    def on_body(self, data):
        self.body += data

    def on_message_complete(self):
        self.whole = True

    @property
    def keeps(self):
        return self._parser.should_keep_alive()


class Worker:
    """One client after the other, each on one connection until something ends it."""

    def __init__(self, port, seed, counter, tally):
        self.port, self.dice, self.counter, self.tally = port, random.Random(seed), counter, tally
        self.reader = self.writer = None

    async def work(self, left):
        kinds, weights = list(KINDS), list(KINDS.values())
        while next(left) > 0:
            kind = self.dice.choices(kinds, weights)[0]
            try:
                await asyncio.wait_for(getattr(self, kind)(), ANSWER_LIMIT)
            except (OSError, EOFError, TimeoutError, httptools.HttpParserError) as error:
                self.wrong(kind, repr(error))
            self.tally["done"][kind] += 1
        self.close()

    def wrong(self, kind, what):
        named = f"{kind}: {what}"[:120]
        self.tally["errors"][named] = self.tally["errors"].get(named, 0) + 1
        self.close()

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def connected(self):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, text, **more):
        """Send a chat request on the connection, which is made if need be."""
        await self.connected()
        body = json.dumps({"model": "lab-1", "messages": [{"role": "user", "content": PROMPT + text}]} | more).encode()
        self.writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer sk-lab\r\nContent-Length: %d\r\n\r\n%b" % (self.port, len(body), body)
        )

    async def answer(self, *, until=b""):
        """Read an answer to its end, or until this stands in its body; one that ends too early is not whole."""
        found = Answer()
        while not found.whole and not (until and until in found.body):
            data = b""
            with suppress(ConnectionError):
                data = await self.reader.read(65536)
            if not data:
                break
            found.feed(data)
        if not found.whole or not found.keeps:
            self.close()
        return found

    def fresh(self):
        return f"question {next(self.counter)}"

    async def good(self, kind, text, **more):
        await self.ask(text, **more)
        found = await self.answer()
        if (found.status, found.whole) != (200, True):
            self.wrong(kind, f"status {found.status}, whole: {found.whole}")
        return found

    async def hit(self):
        await self.good("hit", f"hit {self.dice.randrange(100)}")

    async def miss(self):
        await self.good("miss", self.fresh())

    async def stream(self):
        found = await self.good("stream", self.fresh(), stream=True, n_events=20)
        if found.body.count(b"data: ") != 21:
            self.wrong("stream", f"{found.body.count(b'data: ')} events")

    async def leave(self):
        """Be gone in mid-answer."""
        await self.ask(self.fresh(), stream=True, n_events=500)
        await self.answer(until=b"data: ")
        self.close()

    async def bad(self):
        self.close()
        await self.connected()
        self.writer.write(self.dice.choice(BAD))
        found = await self.answer()
        if not 400 <= found.status < 500:
            self.wrong("bad", f"status {found.status}")
        self.close()

    async def fault(self):
        fault = self.dice.choice(list(FAULTS))
        await self.ask(self.fresh(), fault=fault)
        found = await self.answer()
        if found.status not in FAULTS[fault] or found.whole is (fault in BROKEN):
            self.wrong("fault", f"{fault}: status {found.status}, whole: {found.whole}")


async def soak(options):
    tally, started = {"done": dict.fromkeys(KINDS, 0), "errors": {}}, time.monotonic()
    left, counter = iter(range(options.exchanges, -options.connections, -1)), itertools.count(options.first)
    workers = [Worker(options.port, options.first + number, counter, tally) for number in range(options.connections)]
    await asyncio.gather(*[worker.work(left) for worker in workers])
    return tally | {"seconds": round(time.monotonic() - started, 1)}


def main():
    parser = argparse.ArgumentParser(description="mixed load, good and bad")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--exchanges", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first question, and seed")
    parser.add_argument("--connections", type=int, default=32)
    print(json.dumps(run(soak(parser.parse_args()))))


if __name__ == "__main__":
    main()
