"""The daemon's own log on a standard error that nobody reads: nobody waits for it."""

import os
import threading
from contextlib import suppress

import pytest

from proxy_daemon.cli import log as module
from proxy_daemon.cli.log import Patient, to_stderr, written_to
from proxy_daemon.core.notices import NOTICES

WAIT = 30


@pytest.fixture
def pipe():
    ours, theirs = os.pipe()
    yield ours, theirs
    for number in (ours, theirs):
        with suppress(OSError):
            os.close(number)


def fill(number):
    os.set_blocking(number, False)
    size = 0
    try:
        while True:
            size += os.write(number, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(number, True)
        return size


def test_a_line_is_written_before_the_next_thing_is_done(pipe, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", WAIT)
    patient = Patient(pipe[1])
    patient.write("one \udcff")
    assert os.read(pipe[0], 100) == b"one \\udcff\n"
    patient.write("two\n")
    assert os.read(pipe[0], 100) == b"two\n"


def test_a_full_pipe_holds_up_nobody_and_what_is_left_out_is_counted(pipe, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 100)
    left, patient = fill(pipe[1]), Patient(pipe[1])
    for number in range(1000):
        patient.write(f"a line, number {number}")
    while left:
        left -= len(os.read(pipe[0], min(left, 65536)))
    seen = b""
    while b"number 5" not in seen:
        seen += os.read(pipe[0], 65536)
    monkeypatch.setattr(module, "PATIENCE", WAIT)
    patient._is_stuck = False
    patient.write("the last")
    while b"the last" not in seen:
        seen += os.read(pipe[0], 65536)
    assert b"lines were left out here\nthe last\n" in seen
    assert seen.count(b"a line") < 10


def test_one_that_is_non_blocking_gets_all_of_it(pipe):
    os.set_blocking(pipe[1], False)
    thread = threading.Thread(target=written_to, args=(pipe[1], b"x" * 300_000), daemon=True)
    thread.start()
    seen = 0
    while seen < 300_000:
        seen += len(os.read(pipe[0], 65536))
    thread.join(WAIT)
    assert not thread.is_alive()


def test_who_has_gone_reads_nothing(pipe):
    os.close(pipe[0])
    written_to(pipe[1], b"words")


def test_where_somebody_shows_them_they_are_not_written(pipe, monkeypatch):
    monkeypatch.setattr(NOTICES, "show", None)
    with os.fdopen(os.dup(pipe[1]), "w") as file:
        monkeypatch.setattr(module.sys, "stderr", file)
        observer = to_stderr()
        assert NOTICES.is_shown("by the thread")
        assert os.read(pipe[0], 100) == b"by the thread\n"
        shown = []
        NOTICES.show = shown.append
        observer({"log_namespace": "stdout", "log_format": "{log_io}", "log_io": "printed", "log_time": 0.0})
        assert shown == ["printed\n"]
