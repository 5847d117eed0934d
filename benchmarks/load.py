"""The clients of the benchmarks: many keep-alive connections that ask again and again; prints one JSON line.

A proxy's cost is read from /proc before and after the measured part, so a busy machine does not count,
and neither does the cost of this program. Run by cases.py and memory.py as a process of its own.

kinds   miss    every body is new, JSON answer
        hit     100 bodies again and again, JSON answer
        stream  every body is new, server-sent events as fast as they come
        paced   one slow stream on each connection: how old is an event when it arrives?
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import time

import httptools
from processes import cpu_seconds

try:
    from uvloop import run
except ImportError:
    from asyncio import run

PROMPT = "You are a careful assistant. Summarise the following notes for the team. " * 15
SENT_AT = re.compile(rb'"t": ([\d.]+)}')
RETRY = 0.05  # seconds until a lost connection is made anew
GIVE_UP = 120  # seconds after which paced streams that have not ended are errors


class Bodies:
    """The bodies of the requests, in the order in which they are asked."""

    def __init__(self, kind, events):
        self.kind, self.counter = kind, itertools.count()
        self.run = f"{os.getpid()}-{time.time_ns()}"
        question = [{"role": "system", "content": PROMPT}, {"role": "user", "content": "Question NUMBER?"}]
        body = {"model": "lab-1", "temperature": 0, "messages": question}
        if kind in ("stream", "paced"):
            body |= {"stream": True, "n_events": events}
        self.before, self.after = (part.encode() for part in json.dumps(body).split("NUMBER"))

    def next(self):
        number = next(self.counter)
        text = f"hit {number % 100}" if self.kind == "hit" else f"{self.run} {number}"
        return self.before + text.encode() + self.after


class Tally:
    """What came back. `left` ends the measured part by number, `until` by time."""

    def __init__(self, *, left=None, until=None):
        self.left, self.until = left, until
        self.done = self.errors = self.events = 0
        self.took, self.lag, self.said = [], [], {}

    def more(self):
        """Whether one more request is to be sent, which is then counted."""
        if self.left is None:
            return time.monotonic() < self.until
        self.left -= 1
        return self.left >= 0

    def failed(self, why):
        self.errors += 1
        self.said[str(why)] = self.said.get(str(why), 0) + 1


class Client(asyncio.Protocol):
    """One connection: sends, reads the answer, sends the next."""

    def __init__(self, head, bodies, tally):
        self.head, self.bodies, self.tally = head, bodies, tally
        self.under_way, self.ended = False, asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
        if not self.tally.more():
            self.transport.close()
            return
        body, self.parser = self.bodies.next(), httptools.HttpResponseParser(self)
        self.under_way, self.newline, self.started = True, False, time.monotonic()
        self.transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(body), body))

    def data_received(self, data):
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.tally.failed(error)
            self.under_way = False
            self.transport.abort()

    def on_body(self, data):
        """Count the events, also one whose two line ends come in two pieces."""
        self.tally.events += data.count(b"\n\n") + (self.newline and data.startswith(b"\n"))
        self.newline = data.endswith(b"\n") and not data.endswith(b"\n\n")
        if self.bodies.kind == "paced":
            now = time.monotonic()
            self.tally.lag.extend(now - float(sent) for sent in SENT_AT.findall(data))

    def on_message_complete(self):
        self.under_way = False
        self.tally.done += 1
        self.tally.took.append(time.monotonic() - self.started)
        if (status := self.parser.get_status_code()) != 200:
            self.tally.failed(status)
        if self.parser.should_keep_alive():
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, error):
        if self.under_way:
            self.tally.failed(error or "closed in mid-answer")
        if not self.ended.done():
            self.ended.set_result(None)


async def keep_asking(options, bodies, tally):
    """One connection after the other, until the tally is full."""
    head = (
        f"POST {options.path} HTTP/1.1\r\nHost: 127.0.0.1:{options.port}\r\nContent-Type: application/json\r\n"
        "Authorization: Bearer sk-lab\r\nAccept: */*\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    while tally.left is None or tally.left > 0:
        try:
            _, client = await loop.create_connection(lambda: Client(head, bodies, tally), "127.0.0.1", options.port)
            await client.ended
        except OSError as error:
            tally.failed(error)
            tally.more()
            await asyncio.sleep(RETRY)
        if tally.until and time.monotonic() >= tally.until:
            return


async def pace(options, bodies, tally):
    """One stream on each connection; they begin within a second, evenly."""

    async def late(seconds):
        await asyncio.sleep(seconds)
        await keep_asking(options, bodies, tally)

    count = options.connections
    try:
        await asyncio.wait_for(asyncio.gather(*[late(i / count) for i in range(count)]), GIVE_UP)
    except TimeoutError:
        tally.failed("streams that did not end")


async def ask_all(options, bodies, tally):
    if bodies.kind == "paced":
        await pace(options, bodies, tally)
    else:
        await asyncio.gather(*[keep_asking(options, bodies, tally) for _ in range(options.connections)])


def new_tally(options, seconds):
    if options.kind == "paced":
        return Tally(left=options.connections)
    if options.requests:
        return Tally(left=options.requests)
    return Tally(until=time.monotonic() + seconds)


async def measure(options):
    """Warm up, measure, and say what was seen."""
    bodies = Bodies(options.kind, options.events)
    if options.warmup:
        await ask_all(options, bodies, new_tally(options, options.warmup))
    tally, cpu, started = new_tally(options, options.seconds), cpu_seconds(options.pid), time.monotonic()
    await ask_all(options, bodies, tally)
    cpu, wall = cpu_seconds(options.pid) - cpu, time.monotonic() - started
    return {"cpu_s": round(cpu, 2), "wall_s": round(wall, 2)} | summary(tally, cpu, wall)


def summary(tally, cpu, wall):
    """The figures of the measured part."""
    return {
        "requests": tally.done,
        "requests_per_s": round(tally.done / wall, 1),
        "events": tally.events,
        "errors": tally.errors,
        "said": tally.said,
        "cpu_us_per_request": each(cpu, tally.done),
        "cpu_us_per_event": each(cpu, tally.events),
        "whole_ms": {"p50": quantile(tally.took, 0.5), "p99": quantile(tally.took, 0.99)},
        "event_lag_ms": {"p50": quantile(tally.lag, 0.5), "p99": quantile(tally.lag, 0.99)},
    }


def each(cpu, count):
    """Microseconds for each; infinitely many where none came through."""
    return round(cpu / count * 1e6, 3) if count else float("inf")


def quantile(values, part):
    """Milliseconds that this part of the values stays below."""
    values = sorted(values)
    return round(values[min(len(values) - 1, int(len(values) * part))] * 1000, 3) if values else None


def main():
    parser = argparse.ArgumentParser(description="the clients of the benchmarks")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--kind", choices=["miss", "hit", "stream", "paced"], required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--requests", type=int, default=0, help="so many requests, in place of --seconds")
    parser.add_argument("--warmup", type=float, default=0, help="seconds that are not measured")
    parser.add_argument("--events", type=int, default=300, help="events of each stream")
    parser.add_argument("--pid", type=int, nargs="*", default=[], help="processes whose CPU time is read")
    print(json.dumps(run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
