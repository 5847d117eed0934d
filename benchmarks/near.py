"""The cases of near misses: how long an explanation takes beside many recordings, and what streams feel of it.

The recordings are written into the store before the daemon starts; it makes its index of them. A request that may not
be forwarded (only-if-cached) is answered with its explanation, so its time is that of an explanation.
Cases have the form of those in cases.py. Called by bench.py.
"""

import http.client
import json
import random
import re
import sys
import threading
import time
from array import array
from contextlib import closing, contextmanager
from pathlib import Path

from cases import check, load, running_upstream
from peers import ours
from processes import PROXY_CORE, Broken, cpu_seconds, family, free_port, memory, running
from standing import ours_only, stats, until_ready

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.opening import connect, prepare

STREAMS, BESIDE_MS = 50, 5.0
ASKED = 300  # explanations that are measured
PAUSE = 0.05  # between two, beside streams
LONGEST = {10_000: 50.0, 100_000: 150.0}  # ms, p99
START, DAEMON_MIB, ALL_MIB, RATE = 2.0, 150, 300, 500
PATIENCE = 1200  # seconds until the index must be whole
JSON = ((b"Content-Type", b"application/json"),)
SYLLABLES = re.findall("..", "loripsdositameconsetetursadielitemnatus")


def question(number):
    """A chat of some 8 KB, always the same for a number."""
    said = random.Random(number)

    def words(count):
        return " ".join("".join(said.choices(SYLLABLES, k=3)) for _ in range(count))

    turns = [{"role": role, "content": words(160)} for role in ("user", "assistant") * 3]
    tools = [{"type": "function", "function": {"name": f"tool_{i}", "description": "does a thing"}} for i in range(8)]
    last = {"role": "user", "content": f"question {number}: {words(80)}"}
    system = {"role": "system", "content": "You are a helpful assistant. " * 20}
    return {"model": f"lab-{number % 3}", "temperature": 0, "messages": [system, *turns, last], "tools": tools}


def recording(number, upstream, matcher):
    request = Request(b"POST", b"/v1/chat/completions", Headers(JSON), Bytes(json.dumps(question(number)).encode()))
    response = Response(ResponseHead(200, b"OK", Headers(JSON)), Bytes(b"{}"), Pieces(array("Q", [2]), array("Q", [1])))
    return Recording(
        id=(number + 1) << 22,
        request=request,
        response=response,
        upstream=upstream,
        ending=Ending.COMPLETE,
        outcome=Outcome.MISS,
        started=time.time(),
        status=200,
        fingerprint=matcher.fingerprint(request, recognise(request, BUILT_IN), upstream, b""),
        replayable=True,
    )


def fill(path, count, upstream):
    """A store with so many recordings, as the daemon writes them under its default rules."""
    prepare(path)
    matcher = Matcher()
    with closing(connect(path, 5)) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO meta VALUES ('matching', ?)", (matcher.digest,))
        for number in range(count):
            connection.execute(insert(1), to_row(recording(number, upstream, matcher)))
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def filled_daemon(bench, count, upstream):
    """(its command, its port) over a store with so many recordings."""
    port = free_port()
    command = ours(bench, "near", port, upstream)
    store = command[command.index("--store") + 1]
    fill(store, count, parse_upstream(f"default=http://127.0.0.1:{upstream}/v1"))
    yield command, port
    for end in ("", "-wal", "-shm", ".near", ".near-wal"):
        Path(store + end).unlink(missing_ok=True)


def index(port):
    return stats(port)["near_misses"]["index"]


def wait_for_index(port, count):
    """Seconds until all are in the index."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if index(port).get("recordings", 0) >= count:
            return time.monotonic() - began
        time.sleep(0.5)
    raise Broken(f"the index was not whole within {PATIENCE} s: {stats(port)['near_misses']}")


class Asker:
    """Asks what a request that was changed a little differs in; ``times`` in ms."""

    def __init__(self, port, count):
        self.port, self.count, self.times, self.wrong, self.stopped = port, count, [], 0, False

    def ask(self, turn):
        number = random.Random(turn).randrange(self.count)
        body = question(number)
        body["messages"][-1]["content"] = body["messages"][-1]["content"].replace("question", "questoin")
        fields = {"Content-Type": "application/json", "Cache-Control": "only-if-cached"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.connect()
            began = time.perf_counter()
            connection.request("POST", "/v1/chat/completions", json.dumps(body), fields)
            said = connection.getresponse().read()
            self.times.append((time.perf_counter() - began) * 1000)
        self.wrong += b"%016x" % ((number + 1) << 22) not in said

    def go_on(self):
        """Until it is stopped, so many a second."""
        turn = 0
        while not self.stopped:
            self.ask(turn)
            turn += 1
            time.sleep(PAUSE)


def late(port, pids, seconds):
    """How late events are of paced streams, p99 in ms, and errors."""
    said = load(port, "paced", pids, connections=STREAMS, events=int(20 * seconds))
    lag = said["event_lag_ms"]["p99"]
    return (lag if lag is not None else float("inf")), said["errors"]


def beside(port, pids, count, seconds):
    """(p99 idle, p99 beside explanations, errors)."""
    idle, errors = late(port, pids, seconds)
    asker = Asker(port, count)
    thread = threading.Thread(target=asker.go_on)
    thread.start()
    try:
        busy, more = late(port, pids, seconds)
    finally:
        asker.stopped = True
        thread.join(30)
    return idle, busy, errors + more + asker.wrong


def near(count):
    """The case of so many recordings."""

    def case(bench):
        many = min(count, 1000) if bench.quick else count
        with running_upstream(bench, 1 / 20) as upstream, filled_daemon(bench, many, upstream) as (command, port):
            ready = until_ready(bench, command, port)
            with running(command, PROXY_CORE, port, bench.folder / "llmproxy-near.said") as pid:
                found = measured(bench, port, pid, many)
        return judged(found | {"ready": ready, "recordings": many}, count)

    return case


def measured(bench, port, pid, count):
    """What is to be known of a daemon over so many recordings."""
    began = time.monotonic()
    before = index(port).get("recordings", 0)
    wait_for_index(port, count)
    took = time.monotonic() - began
    asker = Asker(port, count)
    for turn in range(20 if bench.quick else ASKED):
        asker.ask(turn)
    children = family(pid)[1:]
    parts = {"daemon": memory(pid), "all": memory(pid) + sum(map(memory, children))}
    worked = cpu_seconds(children)
    idle, busy, errors = beside(port, [pid], count, max(4.0, bench.seconds))
    return {
        "times": sorted(asker.times),
        "rate": (count - before) / max(took, 0.001),
        "rate_of_work": count / max(worked, 0.01),
        "memory": parts,
        "late": [idle, busy],
        "errors": errors + asker.wrong,
    }


def judged(found, count):
    times = found["times"]
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    idle, busy = found["late"]
    checks = [
        check("p99 of an explanation", p99, LONGEST[count], "ms"),
        check("p99 of streams beside explanations over idle", busy - idle, BESIDE_MS, "ms"),
        check("start", found["ready"], START, "s"),
        check("memory of the daemon", found["memory"]["daemon"], DAEMON_MIB, "MiB"),
        check("memory with the child", found["memory"]["all"], ALL_MIB, "MiB"),
        check("seconds of work for 500 recordings", RATE / found["rate_of_work"], 1.0, "s"),
        check("errors, and another recording than the nearest", found["errors"], 0, ""),
    ]
    figure = (
        f"{times[len(times) // 2]:.1f} / {p99:.1f} with {found['recordings']:,}; {found['rate']:.0f} added a second"
    )
    return ours_only("ms, p50 / p99", figure, checks, found)


CASES = {"near-10000": near(10_000)}
LONG = {"near-100000": near(100_000)}  # by name only: the index of so many takes minutes

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only near-10000")
