"""The cases `import-vcrpy` and `export-har`: what it costs to bring a large file of recordings in, and a store out.

The commands run as processes of their own, on one core; speed is by their CPU time, memory is the most that they had.
Cases have the form of those in cases.py. Called by bench.py.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import yaml
from cases import check
from cassettes import large, streamed
from codec import at_least
from codec_inputs import CONTENT, chunk
from near import question
from processes import PROXY_CORE, Broken, pinned
from standing import ours_only

from proxy_daemon.store.imports import Imports

MB = 1_000_000
IMPORTED, EXPORTED, QUICK = 100 * MB, 500 * MB, 10  # octets; a quick run takes a tenth
RATE, MEMORY_MIB = 8.0, 250.0
KINDS = 40  # of interactions, that are written again and again with another number
NUMBER = "number 4711"
BATCH = 64
LLMPROXY = (sys.executable, "-P", "-m", "proxy_daemon.cli.main")


def measured(words, folder):
    """(seconds of CPU, of the clock, MiB at most) of the command."""
    began = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLMPROXY_")}
    with (folder / "moving.said").open("wb") as said:
        process = subprocess.Popen(
            pinned(PROXY_CORE, [*LLMPROXY, *words]), cwd=folder, env=environment, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Broken(
            f"llmproxy {words[0]} ended with {process.returncode}: {(folder / 'moving.said').read_text()[-500:]}"
        )
    return used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024


def judged(what, size, taken, **more):
    """The result of a case."""
    cpu, wall, memory = taken
    checks = [
        at_least(f"MB that are {what} a second of one core", size / MB / cpu, RATE, "MB/s"),
        check("memory of the command, at most", memory, MEMORY_MIB, "MiB"),
    ]
    said = {"MB": size / MB, "CPU seconds": cpu, "seconds": wall, "MiB": memory} | more
    return ours_only(f"MB/s, of {size / MB:.0f} MB", size / MB / cpu, checks, said)


# --- import ----------------------------------------------------------------------------------------------------------


def interaction(kind):
    """As vcrpy keeps one: two of three are answered with JSON, the third with a stream."""
    asked = question(kind)
    asked["messages"][-1]["content"] += f" {NUMBER}"
    if kind % 3:
        said = {"role": "assistant", "content": f"{NUMBER}: {CONTENT * (1 + kind % 7)}"}
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "lab-1"}
        answer["choices"] = [{"index": 0, "message": said, "finish_reason": "stop"}]
        media, text = "application/json", json.dumps(answer)
    else:
        asked["stream"] = True
        words = [CONTENT[at : at + 6] for at in range(40)]
        pieces = [*(chunk({"content": word}) for word in words), chunk({}, "stop"), b"data: [DONE]\n\n"]
        media, text = "text/event-stream", b"".join(pieces).decode()
    head = {"content-type": ["application/json"], "authorization": ["Bearer sk-invented-1234567890"]}
    uri = "https://api.openai.com/v1/chat/completions"
    return {
        "request": {"method": "POST", "uri": uri, "body": json.dumps(asked), "headers": head},
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": [media], "date": ["Mon, 01 Jan 2024 00:00:00 GMT"]},
            "body": {"string": text},
        },
    }


def write_vcrpy(path, size):
    """Interactions up to so many octets; how many."""
    kinds = [yaml.dump([interaction(kind)], Dumper=yaml.CSafeDumper) for kind in range(KINDS)]
    count = 0
    with path.open("w") as file:
        file.write("interactions:\n")
        while file.tell() < size:
            file.writelines(kind.replace("4711", str(count + at)) for at, kind in enumerate(kinds))
            count += len(kinds)
        file.write("version: 1\n")
    return count


def import_vcrpy(bench):
    """A large cassette of vcrpy comes into a new store."""
    path = bench.folder / "large.yaml"
    count = write_vcrpy(path, IMPORTED // (QUICK if bench.quick else 1))
    size = path.stat().st_size
    taken = measured(["import", str(path), "--store", str(bench.folder / "moved.db")], bench.folder)
    said = (bench.folder / "moving.said").read_text()
    clear(bench.folder)
    if said != f"{path}: read {count}, imported {count}\n":
        raise Broken(f"not all was imported: {said[:500]}")
    return judged("imported", size, taken, interactions=count)


# --- export ----------------------------------------------------------------------------------------------------------


def fill(store, size):
    """Exchanges with bodies of so many octets, JSON and streams in turns; how many."""
    count = octets = 0
    with closing(Imports(str(store))) as imports:
        while octets < size:
            made = [(large if at % 2 else streamed)(count + at) for at in range(BATCH)]
            octets += sum(each.request.body.size + each.response.body.size for each in made)
            count += sum(new is True for new in imports.add_all(made))
    return count, octets


def export_har(bench):
    """All of a store becomes one file."""
    store, path = bench.folder / "moved.db", bench.folder / "all.har"
    count, octets = fill(store, EXPORTED // (QUICK if bench.quick else 1))
    taken = measured(["export", "--format", "har", "--output", str(path), "--store", str(store)], bench.folder)
    size = path.stat().st_size
    clear(bench.folder)
    return judged("exported", octets, taken, exchanges=count, written=size / MB)


def clear(folder):
    for name in ("large.yaml", "all.har", "moved.db", "moved.db-wal", "moved.db-shm"):
        Path(folder, name).unlink(missing_ok=True)


CASES = {"import-vcrpy": import_vcrpy, "export-har": export_har}

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only import-vcrpy")
