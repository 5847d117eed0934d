"""What is said to systemd, octet by octet, and the sockets that it hands over. Whole daemons: test_life_cycle.py."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import LIMIT

from proxy_daemon.net.systemd import Notifier

PID = 4711


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A manager's socket: the socket, and what $NOTIFY_SOCKET says of it."""
    path = tmp_path / "notify"
    address = str(path) if request.param == "path" else f"@{path}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(address.replace("@", "\0", 1))
        listening.settimeout(LIMIT)
        yield listening, address


def monotonic():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def said(listening):
    return listening.recv(4096).decode().split("\n")


@pytest.fixture
def notifier(manager):
    return Notifier.of({"NOTIFY_SOCKET": manager[1]}, PID)


class TestMessages:
    def test_ready(self, manager, notifier):
        notifier.ready("listening on http://127.0.0.1:8910")
        assert said(manager[0]) == ["READY=1", "STATUS=listening on http://127.0.0.1:8910"]

    def test_stopping_asks_for_the_time_that_it_takes(self, manager, notifier):
        notifier.stopping("draining 2 connections", 45.5)
        assert said(manager[0]) == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=45500000", "STATUS=draining 2 connections"]

    def test_reloading_comes_with_the_time_of_the_monotonic_clock(self, manager, notifier):
        before = monotonic()
        notifier.reloading()
        first, moment = said(manager[0])
        assert first == "RELOADING=1"
        assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= monotonic()

    def test_a_sign_of_life(self, manager, notifier):
        notifier.alive()
        assert said(manager[0]) == ["WATCHDOG=1"]

    def test_a_status_is_one_line(self, manager, notifier):
        notifier.ready("odd\nMAINPID=1\r\nREADY=0")
        assert said(manager[0]) == ["READY=1", "STATUS=odd MAINPID=1 READY=0"]


@pytest.mark.parametrize("address", ["", "relative/path", "vsock:2:1", "/nowhere/at/all"])
def test_where_nobody_listens_nothing_happens(address):
    notifier = Notifier.of({"NOTIFY_SOCKET": address}, PID)
    notifier.ready("x")
    notifier.alive()


def test_a_manager_that_does_not_read_holds_nobody_up(manager, notifier):
    for _ in range(10_000):
        notifier.alive()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(PID)}, 0.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "-1"}, 0.0),
        ({"WATCHDOG_USEC": ""}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_watchdog(environ, seconds):
    assert Notifier.of({"NOTIFY_SOCKET": "/run/notify"} | environ, PID).watchdog == seconds


def test_without_a_manager_there_is_no_watchdog():
    assert Notifier.of({"WATCHDOG_USEC": "30000000"}, PID).watchdog == 0.0


@given(st.dictionaries(st.sampled_from(["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]), st.text(max_size=200)))
def test_any_environment_is_borne(environ):
    notifier = Notifier.of(environ, PID)
    notifier.ready("x")
    assert notifier.watchdog >= 0


# --- sockets that are handed over ------------------------------------------------------------------------------------

ASK = """
import os, sys
from twisted.internet import reactor
from proxy_daemon.net import systemd
try:
    found = systemd.handed_over(reactor)
    print(found, [systemd.host(each) for each in found])
except systemd.HandedOverError as error:
    print(error)
"""


def handed_over(*sockets, pid="$$", count=None, names=None):
    """What a process says that gets these sockets as systemd hands them over: from descriptor 3 on."""
    count = len(sockets) if count is None else count
    names = ":".join(["a.socket"] * count) if names is None else names
    moves = "".join(f"exec {3 + index}<&{100 + index}; " for index in range(len(sockets)))
    for index, each in enumerate(sockets):
        os.dup2(each.fileno(), 100 + index)
    try:
        script = f'{moves}export LISTEN_PID={pid} LISTEN_FDS={count} LISTEN_FDNAMES={names}; exec "$@"'
        ran = subprocess.run(
            ["bash", "-c", script, "bash", sys.executable, "-c", ASK],
            pass_fds=[100 + index for index in range(len(sockets))],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    finally:
        for index in range(len(sockets)):
            os.close(100 + index)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.fixture
def opened():
    """`opened(family, address)`: a listening socket."""
    sockets = []

    def make(family, address, *, listen=True):
        sockets.append(socket.socket(family, socket.SOCK_STREAM))
        sockets[-1].bind(address)
        if listen:
            sockets[-1].listen()
        return sockets[-1]

    yield make
    for each in sockets:
        each.close()


class TestHandedOver:
    def test_all_that_there_are_with_their_addresses(self, opened):
        found = handed_over(opened(socket.AF_INET, ("127.0.0.1", 0)), opened(socket.AF_INET6, ("::1", 0)))
        assert found == "('systemd:domain=INET:index=0', 'systemd:domain=INET6:index=1') ['127.0.0.1', '::1']"

    def test_those_of_another_process_are_not_ours(self, opened):
        assert handed_over(opened(socket.AF_INET, ("127.0.0.1", 0)), pid="1") == "() []"

    def test_none(self):
        assert handed_over() == "() []"

    @pytest.mark.parametrize("count", ["-1", "many"])
    def test_a_count_that_is_none(self, count):
        assert handed_over(count=0, names="", pid=f"$$ LISTEN_FDS={count}") == "() []"

    def test_a_unix_socket_is_refused(self, opened, tmp_path):
        found = handed_over(opened(socket.AF_UNIX, str(tmp_path / "s")))
        assert found == "descriptor 3 of LISTEN_FDS is no TCP socket; use ListenStream=ADDRESS:PORT"

    def test_one_that_does_not_listen(self, opened):
        found = handed_over(opened(socket.AF_INET, ("127.0.0.1", 0), listen=False))
        assert found == "descriptor 3 of LISTEN_FDS does not listen: use Accept=no"

    def test_one_that_is_not_open(self):
        assert handed_over(count=1).startswith("descriptor 3 of LISTEN_FDS is no socket: ")
