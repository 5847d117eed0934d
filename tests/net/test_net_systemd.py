"""What is said to systemd, octet by octet. Whole daemons: test_life_cycle.py."""

import socket
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
