"""The cases of the catalogue: how quickly a store is indexed, and how long its list and a search in it take.

The child process is asked as the daemon asks it, without a daemon. Cases have the form of those in cases.py. Called by
bench.py.
"""

import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from cases import check
from codec import at_least
from near import fill, question
from processes import PROXY_CORE, Broken, memory, pinned
from standing import ours_only

from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.core.work_frames import Frames, packed
from proxy_daemon.net.work import command

UPSTREAM = "default=http://127.0.0.1:9/v1"
LIST_MS, SEARCH_MS, CHILD_MIB, RATE = 300.0, 200.0, 150, 300
ASKED = 200  # questions of each kind
PATIENCE = 1800  # seconds until all must be indexed
COMMON, NONE = "question", "xylophonist"
READ = 1024 * 1024


class Child:
    """The child process of a store."""

    def __init__(self, store):
        words = pinned(PROXY_CORE, command(store))
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.frames, self.number = Frames(), 0

    def ask(self, name, **head):
        self.number += 1
        self.process.stdin.write(packed({"name": name, "number": self.number, **head}))
        while data := self.process.stdout.read(READ):
            for answer, _ in self.frames.feed(data):
                if answer.get("status") != 200:
                    raise Broken(f"the child does not answer: {answer}")
                return answer["value"]
        raise Broken("the child has ended")

    def times(self, **head):
        """How long this takes, in ms, sorted; and the ids of the last answer."""
        times = []
        for _ in range(ASKED):
            began = time.perf_counter()
            value = self.ask("list", limit=50, **head)
            times.append((time.perf_counter() - began) * 1000)
        return sorted(times), [row["id"] for row in value["exchanges"]]

    def close(self):
        self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.stdout.close()


@contextmanager
def filled_store(bench, count):
    """A store with so many exchanges; it is gone afterwards."""
    store = str(bench.folder / "catalogue.db")
    fill(store, count, parse_upstream(UPSTREAM))
    try:
        yield store
    finally:
        for end in ("", ".text", ".near"):
            for journal in ("", "-wal", "-shm"):
                Path(f"{store}{end}{journal}").unlink(missing_ok=True)


def indexed(child, count):
    """Seconds until all are in the catalogue."""
    child.ask("told", ids=[])
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if child.ask("list", limit=1, q=NONE)["indexed"]["done"] >= count:
            return time.monotonic() - began
        time.sleep(0.5)
    raise Broken(f"the catalogue was not whole within {PATIENCE} s")


def searches(count):
    """{name: (a filter, how many it finds at most in a page)}; the rare one finds the exchange in the middle."""
    middle = count // 2
    words = question(middle)["messages"][-1]["content"].split(": ")[1][:40]
    return {
        "list": ("", 50),
        "rare": (f"~said '{words}'", 1),
        "rare word": (f"'{words}'", 1),
        "common": (COMMON, 50),
        "none": (NONE, 0),
        "two letters, none": ("~said qq", 0),
    }


def catalogue(count):
    """The case of so many exchanges."""

    def case(bench):
        many = min(count, 1000) if bench.quick else count
        with filled_store(bench, many) as store, closing(Child(store)) as child:
            took = indexed(child, many)
            found = {"recordings": many, "rate": many / took, "times": {}, "wrong": 0}
            for name, (q, rows) in searches(many).items():
                found["times"][name], ids = child.times(q=q)
                found["wrong"] += len(ids) != rows
            found["memory"] = memory(child.process.pid, "VmHWM")
            found["octets"] = Path(f"{store}.text").stat().st_size
        return judged(found)

    return case


def judged(found):
    p99 = {name: times[int(len(times) * 0.99)] for name, times in found["times"].items()}
    checks = [
        check(f"p99 of {name}", figure, LIST_MS if name == "list" else SEARCH_MS, "ms") for name, figure in p99.items()
    ]
    checks += [
        at_least("exchanges indexed a second", found["rate"], RATE, "/s"),
        check("memory of the child, at most", found["memory"], CHILD_MIB, "MiB"),
        check("answers with another number of rows", found["wrong"], 0, ""),
    ]
    rare = found["times"]["rare"]
    times = f"{rare[len(rare) // 2]:.1f} / {p99['rare']:.1f}"
    figure = f"{times} with {found['recordings']:,}; {found['rate']:.0f} indexed a second"
    return ours_only("ms, a rare text, p50 / p99", figure, checks, found)


CASES = {"catalogue-20000": catalogue(20_000)}
LONG = {"catalogue-100000": catalogue(100_000)}  # by name only: it takes minutes to make and to index so many

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only catalogue-20000")
