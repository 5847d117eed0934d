"""The clients of the case `churn`: they ask on and on while the daemon is reloaded and restarted under them.

Until the standard input ends; then prints one JSON line. What is broken is counted and named. A kept-alive connection
may be closed between two requests: who asked on it at that moment asks again on a new one, but only where no octet of
an answer had come (RFC 9112 section 9.3.1). Nothing else is forgiven. Run by churn.py.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
from contextlib import suppress

import httptools
from soak_load import ANSWER_LIMIT, PROMPT, Answer

try:
    from uvloop import run
except ImportError:
    from asyncio import run

EVENTS = 20  # of a stream
KINDS = ("hit", "miss", "stream", "parts", "late")
KEPT = ("hit", "miss", "stream")  # that are asked on kept-alive connections as well as on new ones
PAUSE = 0.1  # seconds, at most: between the parts of a request, and before the first one on a new connection


class Client:
    """Asks one kind of question again and again, on one connection or on a new one each time."""

    def __init__(self, port, kind, *, keeps, dice, counter, tally):
        self.port, self.kind, self.keeps, self.dice, self.counter = port, kind, keeps, dice, counter
        self.tally, self.reader, self.writer = tally, None, None

    async def work(self, stopped):
        while not stopped.is_set():
            began = time.monotonic()
            try:
                await asyncio.wait_for(self.exchange(), ANSWER_LIMIT)
            except (OSError, TimeoutError, httptools.HttpParserError) as error:
                self.broken(repr(error))
            self.tally["done"][self.kind] += 1
            self.tally["longest"] = max(self.tally["longest"], time.monotonic() - began)
        self.close()

    async def exchange(self):
        """One question and its answer."""
        request, again = self.request(), await self.connected()
        octets, found = await self.answer(request)
        if again and not octets:
            self.tally["asked_again"] += 1
            self.close()
            await self.connected()
            octets, found = await self.answer(request)
        self.judge(octets, found)
        if not (self.keeps and found.whole and found.keeps):
            self.close()

    def judge(self, octets, found):
        """The answer has to be whole, and the one that was asked for."""
        events = found.body.count(b"data: ")
        if not octets:
            self.broken("no answer")
        elif not found.whole:
            self.broken("cut off")
        elif found.status != 200:
            self.broken(f"status {found.status}: {found.body[:200]!r}")
        elif self.kind == "stream" and events != EVENTS + 1:
            self.broken(f"{events} events")

    def broken(self, what):
        named = f"{self.kind}{' kept' if self.keeps else ''}: {what}"[:300]
        self.tally["broken"][named] = self.tally["broken"].get(named, 0) + 1
        self.close()

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None

    async def connected(self):
        """Make sure of a connection. Whether it is one that has been asked on before."""
        if self.writer is not None and (self.reader.at_eof() or self.writer.is_closing()):
            self.close()  # seen in time: nothing was asked on it
        if self.writer is not None:
            return True
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            self.tally["refused"] += 1
            raise
        if self.kind == "late":
            await asyncio.sleep(self.dice.random() * PAUSE)
        return False

    def request(self):
        text = f"hit {self.dice.randrange(100)}" if self.kind == "hit" else f"question {next(self.counter)}"
        more = {"stream": True, "n_events": EVENTS} if self.kind == "stream" else {}
        body = json.dumps({"model": "lab-1", "messages": [{"role": "user", "content": PROMPT + text}]} | more).encode()
        return (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer sk-lab\r\nContent-Length: %d\r\n\r\n%b" % (self.port, len(body), body)
        )

    async def answer(self, request):
        """(how many octets came, the answer)."""
        found, octets = Answer(), 0
        with suppress(ConnectionError):
            await self.send(request)
            while not found.whole and (data := await self.reader.read(65536)):
                octets += len(data)
                found.feed(data)
        return octets, found

    async def send(self, request):
        middle = self.dice.randrange(1, len(request)) if self.kind == "parts" else 0
        if middle:
            self.writer.write(request[:middle])
            await asyncio.sleep(self.dice.random() * PAUSE)
        if self.writer.is_closing():  # uvloop must not be asked to write then
            raise ConnectionResetError("closed before all was asked")
        self.writer.write(request[middle:])


async def until_told():
    """Until the standard input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def churn(options):
    tally = {"done": dict.fromkeys(KINDS, 0), "broken": {}, "refused": 0, "asked_again": 0, "longest": 0.0}
    stopped, counter, dice = asyncio.Event(), itertools.count(), random.Random(options.seed)
    shapes = [(kind, False) for kind in KINDS] + [(kind, True) for kind in KEPT]
    clients = [
        Client(options.port, kind, keeps=keeps, dice=dice, counter=counter, tally=tally)
        for kind, keeps in itertools.islice(itertools.cycle(shapes), options.clients)
    ]
    working = asyncio.gather(*[client.work(stopped) for client in clients])
    await until_told()
    stopped.set()
    await working
    return tally


def main():
    parser = argparse.ArgumentParser(description="clients of a daemon that is reloaded and restarted")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    print(json.dumps(run(churn(parser.parse_args()))))


if __name__ == "__main__":
    main()
