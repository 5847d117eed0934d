"""The cases of a daemon that stands for long: idle connections, a flood of bad requests, the start, and the soak.

Cases have the form of those in cases.py. Called by bench.py; the soak only by its name.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path

from cases import HERE, check, load, running_upstream
from peers import OURS, ours, running_side
from processes import LOAD_CORE, PROXY_CORE, Broken, free_port, memory, pinned, running

IDLE, IDLE_MIB = 2000, 60
STREAMS, FLOOD_MS = 50, 50.0
START_EMPTY, START_FULL = 0.7, 2.0  # seconds
LINGER = 12.0  # seconds until the connections of refused clients are closed for good
SOAK_MIB = 20  # that resident memory may differ after warm-up
ASK = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def ours_only(unit, figure, checks, said):
    """A case's result that only we have."""
    return {"unit": unit, "sides": {OURS: {"figure": figure, "rounds": [said]}}, "checks": checks}


def idle(bench):
    """Many clients that have asked once, and stay connected."""
    count = 200 if bench.quick else IDLE
    with running_upstream(bench) as upstream, running_side(bench, OURS, "idle", upstream) as side, ExitStack() as stack:
        load(side.port, "miss", requests=100, connections=4)
        before = memory(side.pids[0])
        for _ in range(count):
            client = stack.enter_context(closing(socket.create_connection(("127.0.0.1", side.port), 30)))
            client.sendall(ASK)
            if not client.recv(65536).startswith(b"HTTP/1.1 200"):
                raise Broken("an idle client was not answered")
        after = memory(side.pids[0])
    more = check(f"more with {count:,} idle connections", after - before, IDLE_MIB, "MiB")
    return ours_only("MiB resident", f"{before:.0f} → {after:.0f}", [more], {"before": before, "after": after})


def flood(bench):
    """Bad requests beside streams: who behaves must not feel who does not."""
    seconds = max(4.0, bench.seconds * 2)
    with running_upstream(bench, 1 / 20) as upstream, running_side(bench, OURS, "flood", upstream) as side:
        command = [sys.executable, str(HERE / "flood.py"), "--port", str(side.port), "--seconds", str(seconds)]
        flooding = subprocess.Popen(pinned(LOAD_CORE, command), stdout=subprocess.PIPE, text=True)
        paced = load(side.port, "paced", side.pids, connections=STREAMS, events=int(20 * (seconds - 2)))
        rate = json.loads(flooding.communicate()[0])["rate"]
    late = paced["event_lag_ms"]["p99"]
    checks = [
        check("p99 of the streams", late if late is not None else float("inf"), FLOOD_MS, "ms"),
        check("errors of the streams", paced["errors"], 0, ""),
    ]
    return ours_only("ms late, p99", f"{late} at {rate:,} bad requests a second", checks, {"rate": rate} | paced)


def start(bench):
    """Seconds from the start of the process until it answers, without and with recordings."""
    filled = 10_000 if bench.quick else 100_000
    with running_upstream(bench) as upstream:
        port = free_port()
        command = ours(bench, "start", port, upstream)
        empty = until_ready(bench, command, port)
        with running(command, PROXY_CORE, port, bench.folder / "llmproxy-start.said"):
            errors = load(port, "miss", requests=filled)["errors"]
        full = until_ready(bench, command, port)
    checks = [
        check("with an empty store", empty, START_EMPTY, "s"),
        check(f"with {filled:,} exchanges", full, START_FULL, "s"),
        check("errors", errors, 0, ""),
    ]
    return ours_only("s to ready", f"{empty:.2f} / {full:.2f}", checks, {"empty": empty, "full": full})


def until_ready(bench, command, port):
    """Start it, ask until it answers, and stop it."""
    began = time.monotonic()
    with Path(bench.folder / "llmproxy-start.said").open("wb") as out:
        process = subprocess.Popen(pinned(PROXY_CORE, command), stdout=out, stderr=subprocess.STDOUT)
    try:
        while time.monotonic() - began < 30:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_llmproxy/health", timeout=5):
                    return time.monotonic() - began
            except OSError:
                time.sleep(0.005)
        raise Broken("the daemon was not ready within 30 s")
    finally:
        process.terminate()
        process.wait(15)


def soak(bench):
    """All kinds of exchanges, good and bad, until something leaks, or nothing does."""
    many = 40_000 if bench.quick else 1_000_000
    few = max(many // 10, 20_000)  # until caches are full
    with running_upstream(bench) as upstream, running_side(bench, OURS, "soak", upstream) as side:
        pid = side.pids[0]
        warm = mixed(side.port, few, 0)
        before, files = settled(side.port, pid)
        said = mixed(side.port, many - few, many)
        after, files_after = settled(side.port, pid)
        under_way = stats(side.port)["exchanges"]["under_way"]
    wrong = {kind: count for one in (warm, said) for kind, count in one["errors"].items()}
    named = f" ({'; '.join(wrong)})" if wrong else ""
    checks = [
        check(f"errors that are not meant{named}", sum(wrong.values()), 0, ""),
        check(f"more memory after it than after {few:,}", after - before, SOAK_MIB, "MiB"),
        check("more open files", files_after - files, 4, ""),
        check("exchanges still under way", under_way, 0, ""),
    ]
    figure = f"{many:,} exchanges in {warm['seconds'] + said['seconds']:.0f} s; {before:.0f} → {after:.0f} MiB"
    return ours_only("soak", figure, checks, said | {"before": before, "after": after})


def mixed(port, exchanges, first):
    """What soak_load.py says."""
    command = [sys.executable, str(HERE / "soak_load.py"), "--port", str(port), "--exchanges", str(exchanges)]
    done = subprocess.run(
        pinned(LOAD_CORE, [*command, "--first", str(first)]), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Broken(f"soak_load.py failed with exit code {done.returncode}")
    return json.loads(done.stdout)


def settled(port, pid):
    """(MiB resident, open files) once nothing is under way any more."""
    deadline = time.monotonic() + 30
    while stats(port)["exchanges"]["under_way"] and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(LINGER)
    return memory(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def stats(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_llmproxy/api/stats", timeout=10) as answer:
        return json.load(answer)


CASES = {"idle": idle, "flood": flood, "start": start}
LONG = {"soak": soak}  # by name only

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only soak")
