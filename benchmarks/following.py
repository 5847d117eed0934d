"""The case `following`: what it costs to relay while a page follows what happens (`api/events`).

Two daemons of ours are asked in turns; a client here follows one of them and reads all that it says. Called by
bench.py.
"""

import socket
import statistics
import threading
from contextlib import ExitStack, closing, contextmanager, suppress

from cases import SLICES, ask_in_turns, asker, check, no_errors, running_upstream
from peers import OURS, Side, ours
from processes import PROXY_CORE, Broken, free_port, running
from standing import ours_only

FOLLOWED = "followed"
MORE = 1.10  # times the CPU time without a follower
ASK = b"GET /_llmproxy/api/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n\r\n"


class Follower:
    """Reads all that comes, and counts what it is told."""

    def __init__(self, port):
        self.octets = self.batches = 0
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.sendall(ASK % port)
        if b" 200 " not in self._socket.recv(65536):
            raise Broken("api/events does not answer")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with suppress(OSError):
            while data := self._socket.recv(1 << 20):
                self.octets += len(data)
                self.batches += data.count(b"\nevent: exchanges\n")

    def close(self):
        """Go away."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@contextmanager
def both_sides(bench, upstream):
    """Our daemon that nobody follows, and one that somebody does; and who does."""
    with ExitStack() as stack:
        sides = []
        for name in (OURS, FOLLOWED):
            port = free_port()
            said = bench.folder / f"{OURS}-{FOLLOWED}-{port}.said"
            command = ours(bench, FOLLOWED, port, upstream)
            sides.append(Side(name, port, stack.enter_context(running(command, PROXY_CORE, port, said))))
        yield sides, stack.enter_context(closing(Follower(sides[1].port)))


def following(bench):
    """On each path."""
    checks, figures, said = [], [], {}
    for kind in ("miss", "hit", "stream"):
        with running_upstream(bench) as upstream, both_sides(bench, upstream) as (sides, follower):
            said[kind] = ask_in_turns(bench.rounds * SLICES, sides, asker(bench, kind, upstream))
            told = follower.batches
        part = times_the_cost(said[kind], "cpu_us_per_event" if kind == "stream" else "cpu_us_per_request")
        figures.append(f"{kind} {part:.2f}")
        checks.append(check(f"{kind}, followed: part of the cost without", part, MORE, "x"))
        checks.append(check(f"{kind}: followers that were told nothing", int(not told), 0, ""))
        checks += [no_errors(f"{kind}, {name}", rounds) for name, rounds in said[kind].items()]
    return ours_only("x the CPU without a follower", " / ".join(figures), checks, said)


def times_the_cost(rounds, key):
    """The middle of the rounds' ratios."""
    pairs = zip(rounds[FOLLOWED], rounds[OURS], strict=True)
    return statistics.median(one[key] / max(alone[key], 0.001) for one, alone in pairs)


CASES = {"following": following}
