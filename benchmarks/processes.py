"""Processes of the benchmarks: pinned to a core, found at a port, their CPU time and memory read from /proc.

Everything that is started here is stopped here. Linux only, as the figures are. Used by all other files.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

PROXY_CORE, LOAD_CORE = 0, 1
START_LIMIT = 30  # seconds until a process must listen
TICKS = os.sysconf("SC_CLK_TCK")


class Broken(Exception):
    """Something could not be run; the message is for the person at the terminal."""


def pinned(core, command):
    """This command on this core, where the machine has it and `taskset` is there."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", str(cores[core]), *command]


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command, core, port, log):
    """A process that listens at the port; its pid. What it says goes to the file `log`."""
    with Path(log).open("wb") as out:
        process = subprocess.Popen(pinned(core, command), stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(process, port, log)
        yield process.pid
        if process.poll() is not None:
            raise Broken(f"{command[0]} ended while it was measured:\n{Path(log).read_text()[-2000:]}")
    finally:
        stop(process)


def wait_for(process, port, log):
    """Until somebody listens at the port."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        time.sleep(0.05)
    raise Broken(f"{process.args} did not start:\n{Path(log).read_text()[-2000:]}")


def stop(process):
    """Ask it to end, so that it can write what it holds; then end it."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def family(pid):
    """The process and its children, for one that works in several (nginx)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_seconds(pids):
    """CPU seconds, user and system, of all threads of these processes so far."""
    return sum(map(_ticks, pids)) / TICKS


def _ticks(pid):
    """None where it has ended: nginx starts one that looks at the cache once and goes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11]) + int(fields[12])


def memory(pid, field="VmRSS"):
    """MiB that are resident (VmRSS), or were at most (VmHWM)."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", text)[1]) / 1024


def forget_peak(pid):
    """Let VmHWM begin anew at what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
