"""Bad requests at a steady rate, each on a connection of its own; prints one JSON line. Run by standing.py."""

import argparse
import asyncio
import itertools
import json
import time
from contextlib import suppress

from soak_load import BAD

try:
    from uvloop import run
except ImportError:
    from asyncio import run

AT_ONCE = 256  # connections that may be open
TICK = 0.01  # seconds


async def ask(port, octets, tally):
    """One bad request; what counts is that it was answered."""
    writer = None
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        answer = await reader.read(100)
        tally["answered"] += answer.startswith(b"HTTP/1.1 4")
    if writer is not None:
        writer.transport.abort()


async def flood(options):
    """So many a second, as far as this machine can."""
    tally, started, under_way = {"answered": 0}, time.monotonic(), set()
    for octets in itertools.cycle(BAD):
        now = time.monotonic() - started
        if now > options.seconds:
            break
        if tally["answered"] + len(under_way) > now * options.rate or len(under_way) >= AT_ONCE:
            await asyncio.sleep(TICK)
            continue
        task = asyncio.ensure_future(ask(options.port, octets, tally))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        if len(under_way) % 16 == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*under_way)
    return {"answered": tally["answered"], "rate": round(tally["answered"] / (time.monotonic() - started))}


def main():
    parser = argparse.ArgumentParser(description="bad requests at a steady rate")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float, default=5000)
    print(json.dumps(run(flood(parser.parse_args()))))


if __name__ == "__main__":
    main()
