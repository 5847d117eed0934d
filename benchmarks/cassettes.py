"""The case `cassette`: what a cassette costs to open and to append to, and what `llmproxy run` adds to a command.

Cassettes are opened and written in this process, as the daemon does it; CPU times are of all its threads.
The case has the form of those in cases.py. Called by bench.py.
"""

import json
import os
import queue
import statistics
import subprocess
import sys
import time
from array import array
from contextlib import closing

from cases import check
from codec import core, request, seconds
from codec_inputs import CONTENT, chunk
from near import question
from standing import ours_only

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

OPENED, OPEN_SECONDS = 1000, 1.0  # recordings
ROUNDS = 3  # how often a cassette is opened; the quickest counts
FEW, MANY, APPENDS, MORE = 10, 10_000, 200, 1.5
EVENTS = 40  # of a typical stream
RUNS, RUN_MS = 7, 700.0
UPSTREAM = parse_upstream("default=http://127.0.0.1:1/v1")


class SystemClock:
    """The machine's clock, for ids."""

    wall = staticmethod(time.time)
    seconds = staticmethod(time.monotonic)


# --- recordings ------------------------------------------------------------------------------------------------------


def recording(number, body, kind, pieces):
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", kind)]))
    times = array("Q", range(1, len(pieces) + 1))
    response = Response(head, core("bodies").Bytes(b"".join(pieces)), Pieces(array("Q", map(len, pieces)), times))
    return Recording(
        id=(number + 1) << 22,
        request=request(json.dumps(body).encode()),
        response=response,
        upstream=UPSTREAM,
        ending=Ending.COMPLETE,
        outcome=Outcome.MISS,
        started=1_800_000_000.0 + number,
        status=200,
        replayable=True,
    )


def large(number):
    """A chat of some 8 KB, answered with JSON."""
    said = {"role": "assistant", "content": CONTENT * 4}
    answer = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1, "model": "lab-1"}
    answer["choices"] = [{"index": 0, "message": said, "finish_reason": "stop"}]
    return recording(number, question(number), b"application/json", [json.dumps(answer).encode()])


def small(number):
    """The same of less than 1 KB: what an append costs must not drown in the document."""
    body = {"model": "lab-1", "messages": [{"role": "user", "content": f"question {number}"}]}
    answer = b'{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"yes"}}]}'
    return recording(number, body, b"application/json", [answer])


def streamed(number):
    """A chat, answered with a stream whose events came one by one."""
    body = {"model": "lab-1", "stream": True}
    body["messages"] = [{"role": "user", "content": f"question {number}: {CONTENT * 6}"}]
    words = [CONTENT[at : at + 6] for at in range(EVENTS - 2)]
    pieces = [*(chunk({"content": word}) for word in words), chunk({}, "stop"), b"data: [DONE]\n\n"]
    return recording(number, body, b"text/event-stream", pieces)


# --- opening and appending -------------------------------------------------------------------------------------------


def filled(bench, name, made, count):
    """A file with so many recordings, as the daemon writes them."""
    ours = core("cassettes.llmproxy")
    path = bench.folder / f"{name}-{count}.yaml"
    with path.open("wb") as file:
        file.write(ours.HEADER)
        for number in range(count):
            file.write(ours.written(made(number)).text)
    return str(path)


def opened(path, calls):
    """The cassette in this file; what its thread wants of the reactor goes to the queue ``calls``."""
    # Loaded here, so that only this part breaks without it.
    from proxy_daemon.store.cassette.cassette import Cassette, Reading  # noqa: PLC0415  (as the comment says)

    reading = Reading(core("ids").Ids(SystemClock()))
    return Cassette.open(path, reading, call_in_reactor=lambda *call: calls.put(call))


def opening(bench):
    """CPU seconds until all of a file is read."""
    checks = []
    for what, made in (("JSON recordings of 8 KB", large), ("streams of 40 events", streamed)):
        path = filled(bench, made.__name__, made, OPENED)
        taken = seconds(lambda path=path: opened(path, queue.SimpleQueue()).close(), 1 if bench.quick else ROUNDS)
        checks.append(check(f"{OPENED:,} {what} are opened", taken, OPEN_SECONDS, "s"))
    return checks


def append(cassette, calls, made):
    """(CPU, wall) milliseconds until one more is in the file."""
    cpu, wall = time.process_time(), time.perf_counter()
    done = cassette.put(made)
    while not done.called:
        function, *arguments = calls.get(timeout=30)
        function(*arguments)
    assert done.result, "it was not written"
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)


def appending(bench):
    """One recording after the other, in turns to a short cassette and to a long one."""
    sizes = (FEW, 1000 if bench.quick else MANY)
    sides = []
    for size in sizes:
        calls = queue.SimpleQueue()
        sides.append((opened(filled(bench, "appended", small, size), calls), calls, []))
    with closing(sides[0][0]), closing(sides[1][0]):
        for number in range(50 if bench.quick else APPENDS):
            for cassette, calls, taken in sides:
                taken.append(append(cassette, calls, small(MANY + number)))
    (cpu, wall), (cpu_many, wall_many) = (
        [statistics.median(each) for each in zip(*side[2], strict=True)] for side in sides
    )
    said = f"an append at {sizes[1]:,} recordings ({cpu_many:.2f} ms CPU, {wall_many:.2f} ms in all)"
    return [
        check(f"{said}: CPU of one at {FEW}", cpu_many / cpu, MORE, "x"),
        check(f"{said}: time of one at {FEW}", wall_many / wall, MORE, "x"),
    ]


# --- llmproxy run ----------------------------------------------------------------------------------------------------


def took(command, folder):
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=_plain_environment(), stderr=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - began)


def _plain_environment():
    """Without what would change the mode, or the upstreams."""
    return {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("LLMPROXY_")}


def running(bench):
    """A command by itself, and with `llmproxy run` before it, in turns."""
    by_run = [sys.executable, "-m", "proxy_daemon.cli.main", "run"]
    path = filled(bench, "run", small, FEW)
    commands = {
        "alone": ["true"],
        "llmproxy run adds": [*by_run, "--", "true"],
        "with a cassette it adds": [*by_run, "--cassette", path, "--", "true"],
    }
    times = {name: [] for name in commands}
    for command in commands.values():  # once for the caches of the disk, and for bytecode
        took(command, bench.folder)
    for _ in range(3 if bench.quick else RUNS):
        for name, command in commands.items():
            times[name].append(took(command, bench.folder))
    alone, *others = (statistics.median(each) for each in times.values())
    return [check(name, more - alone, RUN_MS, "ms") for name, more in zip([*commands][1:], others, strict=True)]


def cassette(bench):
    """All of it."""
    checks = [*opening(bench), *appending(bench), *running(bench)]
    figure = f"{checks[0]['figure']:.2f} / {checks[1]['figure']:.2f}"
    return ours_only("s CPU to open, JSON / streams", figure, checks, {each["what"]: each["figure"] for each in checks})


CASES = {"cassette": cassette}

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only cassette")
