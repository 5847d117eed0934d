"""The case `churn`: the daemon is reloaded and restarted again and again under load, as systemd does it.

The listening socket is ours and is handed over at each start (LISTEN_FDS, sd_listen_fds(3)), so connections that come
while no daemon runs wait in it. The daemon says on $NOTIFY_SOCKET when it is ready. Called by bench.py.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from signal import SIGHUP, SIGTERM

from cases import HERE, check, running_upstream
from peers import OURS
from processes import LOAD_CORE, PROXY_CORE, START_LIMIT, Broken, pinned
from standing import ours_only, stats

TIMES = 100
EVENT_APART = 1 / 20  # seconds: a stream takes one second, so some are under way at every moment
BETWEEN = 0.2  # seconds of load before each reload and each restart
BACKLOG = 4096  # systemd's default
ACTIVATE = 'exec 3<&"$1"; shift; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=llmproxy.socket; exec "$@"'
CONFIGS = (  # one after the other; the last one is wrong and must change nothing
    'allow-host = "llm.example.com"',
    'replay-max-age = "30d"',
    'replay-speed = 0\nallow-origin = "https://llm.example.com"',
    'allow-hots = "llm.example.com"',
)


class Manager:
    """Does what systemd does: holds the socket, starts, reloads, stops, and listens to what the daemon says."""

    def __init__(self, bench, upstream, listening, told):
        self.listening, self.told, self.process = listening, told, None
        self.port = listening.getsockname()[1]
        self.config, self.said = bench.folder / "churn.toml", bench.folder / f"{OURS}-churn.said"
        self.environ = os.environ | {"NOTIFY_SOCKET": str(bench.folder / "notify")}
        self.command = [
            *("bash", "-c", ACTIVATE, "activate", str(listening.fileno())),
            *(sys.executable, "-m", "proxy_daemon.cli.main", "serve"),
            *("--config", str(self.config), "--upstream", f"http://127.0.0.1:{upstream}/v1"),
            *("--store", str(bench.folder / "churn.db"), "--log", str(bench.folder / "churn.log")),
        ]

    def start(self):
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                pinned(PROXY_CORE, self.command),
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environ,
                pass_fds=[self.listening.fileno()],
            )
        self.until("READY=1")

    def until(self, line):
        try:
            while line not in self.told.recv(65536).decode().split("\n"):
                pass
        except TimeoutError as error:
            raise Broken(f"the daemon did not say {line}:\n{self.said.read_text()[-2000:]}") from error

    def reload(self, text):
        self.config.write_text(f"{text}\n")
        self.process.send_signal(SIGHUP)
        self.until("READY=1")

    def stop(self):
        self.process.send_signal(SIGTERM)
        if (code := self.process.wait(START_LIMIT * 2)) != -SIGTERM:
            raise Broken(f"the daemon ended with {code}:\n{self.said.read_text()[-2000:]}")

    def end(self):
        """Whatever happened, nothing is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def managed(bench, upstream):
    """A daemon that runs, and its manager."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with closing(told), closing(socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)) as listening:
        told.bind(str(bench.folder / "notify"))
        told.settimeout(START_LIMIT)
        manager = Manager(bench, upstream, listening, told)
        manager.config.write_text("")
        try:
            manager.start()
            yield manager
        finally:
            manager.end()


@contextmanager
def loaded(port):
    """Clients that ask on and on until this ends; then what they say stands in the dictionary that it gives."""
    command = pinned(LOAD_CORE, [sys.executable, str(HERE / "churn_load.py"), "--port", str(port)])
    clients, said = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True), {}
    try:
        yield said
        printed = clients.communicate(timeout=120)[0]
        if clients.returncode:
            raise Broken(f"churn_load.py failed with exit code {clients.returncode}")
        said |= json.loads(printed)
    finally:
        clients.kill()
        clients.wait()


def churn(bench):
    """Reload, restart, reload, ... and nobody may notice more than a wait."""
    times, took, calm = 10 if bench.quick else TIMES, [], 0
    with running_upstream(bench, EVENT_APART) as upstream, managed(bench, upstream) as manager:
        with loaded(manager.port) as said:
            time.sleep(1)  # until streams are under way
            for number in range(times):
                time.sleep(BETWEEN)
                manager.reload(CONFIGS[number % len(CONFIGS)])
                time.sleep(BETWEEN)
                manager.config.write_text("")  # a daemon does not start with a wrong one
                calm += not stats(manager.port)["exchanges"]["under_way"]
                took.append(restarted(manager))
        left = stats(manager.port)["exchanges"]["under_way"]
        manager.stop()
    return judged(times, took, said, calm, left)


def restarted(manager):
    """Seconds from the signal until the next daemon is ready."""
    began = time.monotonic()
    manager.stop()
    manager.start()
    return time.monotonic() - began


def judged(times, took, said, calm, left):
    """The figures of the case."""
    asked, broken = sum(said["done"].values()), said["broken"]
    named = f" ({'; '.join(broken)})" if broken else ""
    checks = [
        check(f"errors: broken answers{named}", sum(broken.values()), 0, ""),
        check("errors: refused connections", said["refused"], 0, ""),
        check("restarts with nothing under way", calm, 0, ""),
        check("exchanges left under way", left, 0, ""),
    ]
    figure = (
        f"{asked:,} requests over {times} reloads and {times} restarts of {statistics.median(took):.1f} s; "
        f"{said['asked_again']} asked again; longest wait {said['longest']:.1f} s"
    )
    return ours_only("churn", figure, checks, said | {"restart_s": took})


LONG = {"churn": churn}  # by name only

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only churn")
