"""A daemon of one's own: it starts, answers, stops, says why it does not start, and never outlives its starter."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from rig import LIMIT
from runs import environ

from proxy_daemon.cli import child as module
from proxy_daemon.cli.asking import NoAnswer
from proxy_daemon.cli.child import Child, NotStarted

STORE = ("--store", "off", "--log", "off", "--upstream", "demo:")
STOPPED = -signal.SIGTERM  # Twisted ends by the signal that has stopped it, once all is put away
HOLDS = """
import sys
from proxy_daemon.cli.child import Child
child = Child(sys.argv[1:]).start()
print(child.port, flush=True)
sys.stdin.readline()
"""
SLOW = "import time\ntime.sleep(600)\n"
HOOK = "from proxy_daemon.hookspecs import hookimpl\n@hookimpl\ndef llmproxy_configure():\n    pass\n"
STAYS = """
from twisted.internet import reactor
from twisted.internet.defer import Deferred
reactor.addSystemEventTrigger("before", "shutdown", Deferred)
"""


@pytest.fixture
def child():
    """`child(*options)`: one that is not started yet."""
    made = []

    def make(*options):
        made.append(Child((*STORE, *options), environ()))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def asked(daemon, path="/_llmproxy/health"):
    with urllib.request.urlopen(daemon.url + path, timeout=LIMIT) as answer:
        return answer.status


def test_it_listens_when_start_comes_back_and_not_when_stop_does(child):
    daemon = child().start()
    assert daemon.runs
    assert asked(daemon) == 200
    assert daemon.stop() == STOPPED
    assert not daemon.runs
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", daemon.port), LIMIT)
    assert daemon.stop() == STOPPED


def test_as_a_context_manager(child):
    with child() as daemon:
        assert asked(daemon) == 200
    assert not daemon.runs


def test_two_at_once_have_two_ports(child):
    assert child().start().port != child().start().port


def test_the_verdict_and_its_reset(child):
    daemon = child().start()
    with pytest.raises(urllib.error.HTTPError):
        asked(daemon, "/_llmproxy/to/nobody/v1/models")
    daemon.settle(LIMIT)
    assert daemon.verdict(reset=True)["sessions"][0]["exchanges"] == 1
    assert daemon.verdict("")["sessions"][0]["exchanges"] == 0
    daemon.stop()
    with pytest.raises(NoAnswer):
        daemon.verdict()


def test_settle_waits_for_what_is_under_way_but_not_for_ever(child):
    daemon = child("--client-timeout", "1h").start()
    body = b'{"model": "demo-1", "stream": true, "messages": [{"role": "user", "content": "Tell me everything."}]}'
    with socket.create_connection(("127.0.0.1", daemon.port), LIMIT) as client:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        client.sendall(head + body)
        client.recv(1)  # it has begun
        daemon.settle(0.0)
        while client.recv(65536).find(b"[DONE]") < 0:
            pass
    daemon.settle(LIMIT)
    assert daemon.verdict()["sessions"][0]["live"] == 1


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--mode", "sometimes"), "--mode: 'sometimes' is unknown"),
        (("--plugin", "there.is.none"), "there.is.none"),
        (("stray",), "llmproxy serve --help"),
    ],
)
def test_why_it_does_not_start_is_what_it_said(child, options, said):
    daemon = child(*options)
    with pytest.raises(NotStarted, match=said):
        daemon.start()
    assert not daemon.runs


def test_a_start_without_an_end_is_given_up(child, tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.setattr(module, "START_SECONDS", 0.01)
    daemon = child("--plugin", str(tmp_path / "slow.py"))
    with pytest.raises(NotStarted, match=r"does not listen after 0\.01 s"):
        daemon.start()
    assert not daemon.runs


def test_a_stop_without_an_end_is_given_up(child, tmp_path, monkeypatch):
    (tmp_path / "stays.py").write_text(HOOK + STAYS)
    daemon = child("--plugin", str(tmp_path / "stays.py")).start()
    monkeypatch.setattr(module, "STOP_SECONDS", 0.01)
    assert daemon.stop() == -signal.SIGKILL


def test_an_interrupted_start_leaves_no_daemon(child, monkeypatch):
    daemon = child()
    monkeypatch.setattr(Child, "_wait_for_start", lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        daemon.start()
    assert not daemon.runs


def test_one_that_was_never_started(child):
    daemon = child()
    assert (daemon.stop(), daemon.runs, daemon.said) == (None, False, "")


def test_of_what_it_says_the_end_is_kept(child, tmp_path):
    (tmp_path / "loud.py").write_text(HOOK + "for number in range(1000):\n    print('line', number, '.' * 5000)\n")
    daemon = child("--plugin", str(tmp_path / "loud.py")).start()
    daemon.stop()
    assert "line 999 " in daemon.said
    assert "line 500 " not in daemon.said
    assert len(daemon.said) <= module.MOST_LINES * module.LONGEST_LINE
    assert "listening on" not in daemon.said


# --- signals, and its starter's end ----------------------------------------------------------------------------------


def test_signals_that_its_starter_blocks_stop_it_all_the_same(child):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        daemon = child().start()
        assert daemon.stop() == STOPPED
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_what_is_typed_at_our_terminal_does_not_reach_it(child):
    daemon = child().start()
    assert os.getsid(daemon._process.pid) == daemon._process.pid


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_starter(how):
    starter = subprocess.Popen(
        [sys.executable, "-c", HOLDS, *STORE], env=environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    port = int(starter.stdout.readline())
    with socket.create_connection(("127.0.0.1", port), LIMIT) as client:
        client.sendall(b"GET /_llmproxy/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        starter.send_signal(how)
        starter.communicate(timeout=LIMIT)
        while client.recv(65536):
            pass  # ends once the daemon closes the connection


def test_a_command_does_not_keep_it_alive():
    """It inherits no end of the pipe, though it is started while the daemon runs."""
    program = HOLDS.replace("sys.stdin.readline()", "import subprocess; subprocess.Popen(['sleep', '30'], stdout=-3)")
    starter = subprocess.Popen(
        [sys.executable, "-c", program, *STORE], env=environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with starter, socket.create_connection(("127.0.0.1", int(starter.stdout.readline())), LIMIT) as client:
        while client.recv(65536):
            pass


def test_no_twisted_in_whoever_starts_it():
    program = (
        "import sys, proxy_daemon.cli.run, proxy_daemon.cli.asking;"
        " print([name for name in sys.modules if name.startswith(('twisted', 'pluggy', 'sqlite3', 'asyncio'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=LIMIT)
    assert ran.stdout == "[]\n"
