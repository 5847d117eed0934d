"""The command has the terminal, the signals and the job control that it would have without us."""

import os
import signal
import subprocess
import sys
import time

import pytest
from rig import LIMIT
from runs import DEMO, RUN, environ
from terminal import Terminal

from proxy_daemon.cli import foreground
from proxy_daemon.cli.foreground import CannotRun

WHO = """
import os, sys
print("terminal", all(map(os.isatty, (0, 1, 2))), os.tcgetpgrp(0) == os.getpgrp())
print("heard", input("name: "))
"""
# Tells of each signal that comes, and ends with the count at a line from the standard input.
LISTENS = """
import signal, sys, threading
got = []
def told(number, _):
    got.append(signal.Signals(number).name)
    print("got", got[-1], flush=True)
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
    signal.signal(each, told)
print("ready", flush=True)
sys.stdin.readline()
print("all", *got, flush=True)
sys.exit(len(got))
"""
PROGRAM = (sys.executable, "-c")


@pytest.fixture
def terminal():
    """`terminal(*words)` runs `llmproxy run WORDS` as the job of a shell in a terminal."""
    opened = []

    def start(*words):
        opened.append(Terminal([*RUN, "--quiet", *DEMO, "--", *words], environ()))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def piped():
    """The same without a terminal; a process with pipes."""
    started = []

    def start(*words, **more):
        command = [*RUN, "--quiet", *DEMO, "--", *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # In a group of its own, as a shell would start it: members of an orphaned group, as that of a test that runs in
        # the background may be, are not stopped by SIGTSTP (POSIX, General Concepts, "Orphaned Process Group").
        started.append(subprocess.Popen(command, env=environ(), text=True, process_group=0, **pipes, **more))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate(timeout=LIMIT)


def finished(process, given=None):
    out, err = process.communicate(given, timeout=LIMIT)
    return process.returncode, out, err


def stopped(process):
    """Its status, once it has stopped or ended."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        found, status = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)
        if found:
            return status
    raise AssertionError("it goes on")


# --- at a terminal ---------------------------------------------------------------------------------------------------


def test_the_command_has_the_terminal(terminal):
    screen = terminal(*PROGRAM, WHO)
    screen.until("terminal True True")
    screen.until("name: ")
    screen.type("Ada\n")
    screen.until("heard Ada")
    screen.until("job: ended 0")


def test_control_c_reaches_the_command_once_and_not_us(terminal):
    """Several times: two that come at once are told as one."""
    screen = terminal(*PROGRAM, LISTENS)
    screen.until("ready")
    for key, name in [("\x03", "SIGINT"), ("\x1c", "SIGQUIT")] * 10:
        screen.type(key)
        screen.until(f"got {name}")
    screen.type("\n")
    screen.until("job: ended 20")


def test_control_c_ends_a_command_that_does_not_mind_it(terminal):
    screen = terminal("sh", "-c", "echo ready; exec sleep 600")
    screen.until("ready")
    screen.type("\x03")
    screen.until("job: ended 130")


def test_control_z_stops_both_and_both_go_on(terminal):
    screen = terminal(*PROGRAM, LISTENS)
    screen.until("ready")
    screen.type("\x1a")
    screen.until("job: stopped")
    screen.type("fg\n")
    screen.type("\n")
    assert "all\r\n" in screen.until("job: ended 0")


def test_a_command_that_stops_itself_gives_the_terminal_back(terminal):
    screen = terminal("sh", "-c", "kill -STOP $$; echo on")
    screen.until("job: stopped")
    screen.type("fg\n")
    screen.until("on")
    screen.until("job: ended 0")


# --- from others -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"])
def test_what_is_sent_to_us_alone_is_passed_on(piped, name):
    process = piped(*PROGRAM, LISTENS)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.Signals[name])
    assert process.stdout.readline() == f"got {name}\n"
    assert finished(process, "\n") == (1, f"all {name}\n", "")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL", "SIGUSR1"])
def test_a_signal_that_ends_the_command_is_in_the_exit_code(piped, name):
    process = piped("sh", "-c", f"kill -{name[3:]} $$")
    assert finished(process)[0] == 128 + signal.Signals[name]


def test_stopped_and_continued_by_others(piped):
    process = piped(*PROGRAM, LISTENS)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(stopped(process))
    process.send_signal(signal.SIGCONT)
    assert finished(process, "\n") == (0, "all\n", "")


def test_the_command_gets_signals_as_we_got_them(piped):
    shown = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, signal.pthread_sigmask(0, ()))"

    def as_nohup():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR2,))

    process = piped(*PROGRAM, shown, preexec_fn=as_nohup)
    code, out, _ = finished(process)
    assert (code, out) == (0, f"True {{{signal.SIGUSR2!r}}}\n")


def test_python_does_not_hand_on_that_it_ignores_broken_pipes(piped):
    process = piped("sh", "-c", "kill -PIPE $$")
    assert finished(process)[0] == 128 + signal.SIGPIPE


def test_sigterm_while_the_daemon_starts_leaves_nothing(tmp_path):
    plugin = tmp_path / "slow.py"
    os.mkfifo(tmp_path / "told")
    plugin.write_text(f"open({str(tmp_path / 'told')!r}, 'w').close()\nimport time\ntime.sleep(600)\n")
    process = subprocess.Popen(
        [*RUN, *DEMO, "--plugin", str(plugin), "--", "true"], env=environ(TMPDIR=str(tmp_path)), stderr=subprocess.PIPE
    )
    (tmp_path / "told").read_text()  # the daemon is on its way
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 128 + signal.SIGTERM
    assert sorted({path.name for path in tmp_path.iterdir()} - {"__pycache__"}) == ["slow.py", "told"]


# --- by itself -------------------------------------------------------------------------------------------------------


AFTERWARDS = """
import os, signal
from proxy_daemon.cli import foreground
def now():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGCHLD)
before = now()
print(foreground.run(("sh", "-c", "exit 5"), os.environ), now() == before)
"""


def test_afterwards_signals_are_as_they_were():
    """In a process with one thread, as ours is: where others take signals, who waits for them may get none."""
    done = subprocess.run([sys.executable, "-c", AFTERWARDS], capture_output=True, timeout=LIMIT, check=True)
    assert done.stdout == b"5 True\n"


@pytest.mark.parametrize(
    ("mode", "content", "code"), [(0o755, "\x7fnothing that runs", 126), (0o644, "#!/bin/sh\n", 126)]
)
def test_a_file_that_cannot_be_run(tmp_path, mode, content, code):
    file = tmp_path / "program"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(CannotRun) as raised:
        foreground.run((str(file),), os.environ)
    assert raised.value.code == code
    assert str(raised.value).startswith(f"{file}: ")


def test_where_nobody_tells_who_sent_it_what_is_typed_was_typed(monkeypatch):
    came = iter([signal.SIGINT, signal.SIGTERM])
    monkeypatch.setattr(foreground.sys, "platform", "darwin")
    monkeypatch.setattr(foreground.signal, "sigwait", lambda _: next(came))
    wait = foreground._waiter()
    assert [wait().everybody_has_it, wait().everybody_has_it] == [True, False]
