"""The cases that compare: cost of a miss, a hit and a streamed event, and the delay that a stream gets.

In every round each side is asked once, one after the other (ours, a peer, the next, ours, ...), so that what
else the machine does falls on all of them. A case gives {"unit", "sides", "checks"}. Called by bench.py.
"""

import json
import statistics
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from peers import DIRECT, MITMPROXY, OURS, running_side, running_sides
from processes import LOAD_CORE, Broken, free_port, pinned, running

HERE = Path(__file__).parent
SLICES = 4  # short rounds in place of one, where CPU time is measured
EVENTS_PER_SECOND = 20  # of a paced stream
IN_TIME = 25.0  # ms: with older events the load itself is too slow for this machine, and the case says nothing
APART = 0.002  # seconds between two events of a stream, so that each comes in a packet of its own


def check(what, figure, limit, unit):
    """One figure that has to stay at or below its limit."""
    return {"what": what, "figure": round(figure, 3), "limit": limit, "unit": unit, "met": figure <= limit}


@contextmanager
def running_upstream(bench, delay=0.0):
    """The fake API; its port."""
    port = free_port()
    command = [sys.executable, str(HERE / "upstream.py"), "--port", str(port), "--event-delay", str(delay)]
    with running(command, LOAD_CORE, port, bench.folder / "upstream.said"):
        yield port


def load(port, kind, pids=(), **options):
    """What load.py says about this proxy."""
    command = [sys.executable, str(HERE / "load.py"), "--port", str(port), "--kind", kind]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(
        [*pinned(LOAD_CORE, command), "--pid", *map(str, pids)], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Broken(f"load.py failed with exit code {done.returncode}")
    return json.loads(done.stdout)


def chats(upstream):
    """How many chat requests have come to the upstream."""
    with urllib.request.urlopen(f"http://127.0.0.1:{upstream}/count", timeout=10) as answer:
        return json.load(answer)["chats"]


def record_flows(bench, upstream):
    """Let mitmproxy write the 100 answers that it replays later."""
    with running_side(bench, MITMPROXY, "record", upstream) as side:
        load(side.port, "hit", requests=100, connections=1)


def ask_in_turns(rounds, sides, ask):
    """{side: [what it gave in each round]}."""
    said = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            said[side.name].append(ask(side))
    return said


def no_errors(name, rounds):
    """The check that all requests to this side went well; says what went wrong."""
    kinds = sorted({kind for one in rounds for kind in one["said"]})
    said = f" ({', '.join(kinds)})" if kinds else ""
    return check(f"errors of {name}{said}", sum(one["errors"] for one in rounds), 0, "")


def cost(kind, limit, delay=0.0):
    """The case of this kind: CPU time for each request or event.

    A machine that is shared is now faster, now slower: so there are many short rounds, and ours is compared with what
    mitmproxy took in the same one.
    """

    def case(bench):
        with running_upstream(bench, delay) as upstream:
            if kind == "hit" and MITMPROXY in bench.peers:
                record_flows(bench, upstream)
            with running_sides(bench, bench.peers, kind, upstream) as sides:
                rounds = ask_in_turns(bench.rounds * SLICES, sides, asker(bench, kind, upstream))
        return judged_cost("event" if kind == "stream" else "request", rounds, limit)

    return case


def asker(bench, kind, upstream):
    """The function that measures one side once."""

    def ask(side):
        if kind == "hit":
            load(side.port, kind, requests=100, connections=1)
        before = chats(upstream)
        said = load(side.port, kind, side.pids, seconds=bench.seconds / SLICES, warmup=0.3)
        if kind == "hit" and chats(upstream) != before:
            said["errors"] += chats(upstream) - before
            said["said"]["went to the upstream"] = chats(upstream) - before
        return said

    return ask


def judged_cost(unit, rounds, limit):
    """The figures of a case, and ours as a part of mitmproxy's."""
    key = f"cpu_us_per_{unit}"
    sides = {name: {"figure": min(one[key] for one in said), "rounds": said} for name, said in rounds.items()}
    checks = [no_errors(OURS, rounds[OURS])]
    if MITMPROXY in sides:
        checks.append(no_errors(MITMPROXY, rounds[MITMPROXY]))
        part = statistics.median(
            ours[key] / max(theirs[key], 0.001) for ours, theirs in zip(rounds[OURS], rounds[MITMPROXY], strict=True)
        )
        checks.insert(0, check("part of mitmproxy's cost", part, limit, "x"))
    return {"unit": f"µs CPU, one {unit}", "sides": sides, "checks": checks}


def paced(streams, limits):
    """The case of so many streams: how much older an event is when it arrives than without a proxy."""

    def case(bench):
        events = int(max(2, bench.seconds) * EVENTS_PER_SECOND)
        with (
            running_upstream(bench, 1 / EVENTS_PER_SECOND) as upstream,
            running_sides(bench, [DIRECT, *bench.peers], "paced", upstream) as sides,
        ):
            rounds = ask_in_turns(
                bench.rounds,
                sides,
                lambda side: load(side.port, "paced", side.pids, connections=streams, events=events),
            )
        return judged_delay(rounds, limits)

    return case


def judged_delay(rounds, limits):
    """The median of the rounds' delays, each over the same round's direct one."""
    sides = {}
    for name, said in rounds.items():
        delays = {part: delay(said, rounds[DIRECT], part, over=name != DIRECT) for part in ("p50", "p99")}
        sides[name] = {"figure": f"{delays['p50']:.2f} / {delays['p99']:.2f}", "delays": delays, "rounds": said}
    ours = sides[OURS]["delays"]
    checks = [check(f"{part} over direct", ours[part], limit, "ms") for part, limit in limits.items()]
    checks.append(no_errors(OURS, rounds[OURS]))
    checks.append(check("p99 of direct: is the load in time?", sides[DIRECT]["delays"]["p99"], IN_TIME, "ms"))
    return {"unit": "ms late, p50 / p99", "sides": sides, "checks": checks}


def delay(said, direct, part, *, over):
    """Milliseconds, in the middle of the rounds. A side that let no event through is infinitely late."""
    pairs = [(one["event_lag_ms"][part], base["event_lag_ms"][part]) for one, base in zip(said, direct, strict=True)]
    if any(one is None or base is None for one, base in pairs):
        return float("inf")
    return round(statistics.median(one - base * over for one, base in pairs), 3)


CASES = {
    "miss": cost("miss", 0.25),
    "hit": cost("hit", 0.13),
    "stream": cost("stream", 0.65),
    "stream-apart": cost("stream", 0.65, APART),
    "paced-200": paced(200, {"p50": 0.5, "p99": 5.0}),
    "paced-1000": paced(1000, {"p99": 150.0}),
}
