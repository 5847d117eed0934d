"""`make bench`: what the proxy costs, side by side with mitmproxy and nginx. Linux, two cores, some minutes.

Exit code 1 where a target is missed. docs/performance.md says what each case does.
"""

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import re
import resource
import sys
import tempfile
from pathlib import Path

import cases
import cassettes
import catalogue
import churn
import codec
import following
import memory
import moving
import near
import page
import peers
import processes
import report
import rewriting
import standing

CASES = cases.CASES | memory.CASES | standing.CASES | codec.CASES | near.CASES | rewriting.CASES | cassettes.CASES
CASES |= following.CASES | catalogue.CASES | moving.CASES
ALL = CASES | standing.LONG | churn.LONG | near.LONG | catalogue.LONG | page.LONG
FILES_NEEDED = 4096  # open files, for 1,000 streams


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, help="length of a measured part [default: 5; quick: 1.5]")
    parser.add_argument("--rounds", type=int, help="how often each side is asked [default: 3; quick: 1]")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(ALL),
        help="this case; repeatable [default: all but soak, churn, near-100000, catalogue-100000 and page-...]",
    )
    parser.add_argument("--peers", default="mitmproxy,nginx", help="compare with [default: %(default)s], or none")
    parser.add_argument("--quick", action="store_true", help="short: is something broken or far off?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put this --json file into docs/performance.md")
    return parser.parse_args()


def allow_many_files():
    """Every process that is started inherits this."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < FILES_NEEDED:
        print(f"only {hard} open files are allowed here (ulimit -Hn): paced-1000 needs {FILES_NEEDED}")


def processor():
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def about(bench):
    """Under which conditions the figures were taken."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "versions": peers.versions(bench.peers, bench.mitmdump),
        "python": platform.python_version(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "rounds": bench.rounds,
        "seconds": bench.seconds,
        "quick": bench.quick,
    }


def measure(args, folder):
    """Run the cases; the value that --json writes."""
    found, mitmdump = peers.find_peers(args.peers.split(","))
    seconds, rounds = (1.5, 1) if args.quick else (5.0, 3)
    bench = peers.Bench(
        folder=folder,
        peers=found,
        mitmdump=mitmdump,
        seconds=args.seconds or seconds,
        rounds=args.rounds or rounds,
        quick=args.quick,
    )
    run = about(bench) | {"cases": {}}
    for name in args.only or CASES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        run["cases"][name] = result_of(name, bench)
    return run


def result_of(name, bench):
    """What the case gives. One that breaks is a missed target; the others still run."""
    try:
        result = ALL[name](bench)
    except (processes.Broken, OSError) as error:
        print(f"{name} broke: {error}", file=sys.stderr, flush=True)
        result = {"unit": "", "sides": {}, "checks": [cases.check("cases that broke", 1, 0, "")]}
    if any(one["what"].startswith(("errors", "cases")) and not one["met"] for one in result["checks"]):
        print(last_words(bench.folder), file=sys.stderr, flush=True)
    return result


def last_words(folder):
    """What our daemon wrote last to its standard error."""
    said = max(folder.glob(f"{peers.OURS}-*.said"), key=lambda file: file.stat().st_mtime, default=None)
    return said.read_text(errors="replace")[-2000:] if said else ""


def main():
    args = options()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a daemon that is installed has its bytecode
    if args.markdown:
        report.write_page(json.loads(args.markdown.read_text()))
        return
    allow_many_files()
    if processes.pinned(0, []) == []:
        print("one core, or no `taskset`: nothing is pinned, the figures are rough")
    if not importlib.util.find_spec("uvloop"):
        print("uvloop is not installed: the load may be too slow for paced-1000 (pip install uvloop)")
    try:
        with tempfile.TemporaryDirectory(prefix="llmproxy-bench-") as folder:
            run = measure(args, Path(folder))
    except processes.Broken as error:
        sys.exit(str(error))
    if args.json:
        args.json.write_text(json.dumps(run, indent=1))
    print(report.text(run))
    sys.exit("\nMISSED:\n" + "\n".join(missed) if (missed := report.missed(run)) else 0)


if __name__ == "__main__":
    main()
