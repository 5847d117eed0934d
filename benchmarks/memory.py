"""The cases that watch the daemon's memory: many exchanges, an answer without end, a large upload.

Resident memory is read from /proc; peaks are the kernel's own (VmHWM), so nothing falls between two looks.
Cases have the form of those in cases.py. Called by bench.py.
"""

import json
import socket
import sys
import time
from contextlib import closing, contextmanager

from cases import check, load, running_upstream
from peers import OURS, running_side
from processes import Broken, forget_peak, memory

MIB = 1 << 20
GROWTH = 16  # MiB that one exchange of any size may take
KEPT = 20  # MiB that 180,000 more exchanges may take
ASK = (
    "POST /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\n"
    "Authorization: Bearer sk-lab\r\nContent-Length: {size}\r\n\r\n"
)
ENDLESS = {"model": "lab-1", "stream": True, "n_events": 10**9, "pad": 16000, "messages": []}
SIP, PAUSE = 65536, 0.02  # the slow reader takes so many bytes, then rests for so many seconds


@contextmanager
def warm_daemon(bench, case):
    """Our daemon, after it has done a little of everything, on few connections: what those leave free hides growth."""
    with running_upstream(bench) as upstream, running_side(bench, OURS, case, upstream) as side:
        for kind in ("miss", "hit", "stream"):
            load(side.port, kind, requests=60, connections=2)
        yield side


def result(before, after, checks, moved=0):
    """A case's figures; `moved` is how many bytes went through."""
    said = {"before": round(before, 1), "after": round(after, 1), "moved": moved}
    figure = f"{before:.0f} → {after:.0f}"
    return {"unit": "MiB resident", "sides": {OURS: {"figure": figure, "rounds": [said]}}, "checks": checks}


def kept(bench):
    """Resident memory after many recorded exchanges, against that after a tenth of them."""
    few, many = (2_000, 20_000) if bench.quick else (20_000, 200_000)
    with running_upstream(bench) as upstream, running_side(bench, OURS, "memory", upstream) as side:
        errors = load(side.port, "miss", requests=few)["errors"]
        before = memory(side.pids[0])
        errors += load(side.port, "miss", requests=many - few)["errors"]
        after = memory(side.pids[0])
    checks = [
        check(f"more after {many:,} exchanges than after {few:,}", after - before, KEPT, "MiB"),
        check("errors", errors, 0, ""),
    ]
    return result(before, after, checks)


def grown(side, work):
    """(MiB before, MiB at the peak) of this work."""
    pid = side.pids[0]
    forget_peak(pid)
    before = memory(pid)
    work()
    return before, memory(pid, "VmHWM")


def slow_reader(bench):
    """An answer that never ends, to a client that takes it much slower than it comes."""
    read = 0

    def work():
        nonlocal read
        read = sip(side.port, seconds=max(4.0, bench.seconds * 2))

    with warm_daemon(bench, "slow-reader") as side:
        before, peak = grown(side, work)
    checks = [check("more at the peak", peak - before, GROWTH, "MiB"), check("errors", int(read < MIB), 0, "")]
    return result(before, peak, checks, read)


def sip(port, seconds):
    """Read slowly for so long; the bytes read."""
    body, read, until = json.dumps(ENDLESS).encode(), 0, time.monotonic() + seconds
    with closing(connect(port, "chat/completions", "application/json", len(body))) as client:
        client.sendall(body)
        while time.monotonic() < until:
            piece = client.recv(SIP)
            if not piece:
                raise Broken(f"the endless answer ended after {read} bytes")
            read += len(piece)
            time.sleep(PAUSE)
    return read


def upload(bench):
    """One request with a large body, sent as fast as it is taken."""
    size = (60 if bench.quick else 300) * MIB
    status = b""

    def work():
        nonlocal status
        status = send(side.port, size)

    with warm_daemon(bench, "upload") as side:
        before, peak = grown(side, work)
    whole = b" 200 " in status and b'"received": %d}' % size in status
    checks = [check("more at the peak", peak - before, GROWTH, "MiB"), check("errors", int(not whole), 0, "")]
    return result(before, peak, checks, size)


def send(port, size):
    """Send so many bytes; the answer's first piece or two."""
    block = bytes(range(256)) * 256
    with closing(connect(port, "files", "application/octet-stream", size)) as client:
        for _ in range(size // len(block)):
            client.sendall(block)
        answer = client.recv(65536)
        while b" 200 " in answer and b"received" not in answer and (piece := client.recv(65536)):
            answer += piece
    return answer


def connect(port, path, kind, size):
    """A connection on which the head of a request is sent."""
    client = socket.create_connection(("127.0.0.1", port), 60)
    client.sendall(ASK.format(path=path, port=port, kind=kind, size=size).encode())
    return client


CASES = {"memory": kept, "slow-reader": slow_reader, "upload": upload}

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only memory")
