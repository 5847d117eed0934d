"""The console and its terminal: what others write on it, one that is slow, stopped or closed, what it shares."""

import os
import pty
import sys
import termios
import threading
from contextlib import contextmanager

import pytest
from console_rig import SSE, Seen, Watched, event, screen_on, streaming
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_daemon.core.script import Script
from proxy_daemon.core.telling.floor import Told
from proxy_daemon.plugins.console import terminal as module
from proxy_daemon.plugins.console.screen import WORDS, Grows
from proxy_daemon.plugins.console.seen import Notes
from proxy_daemon.plugins.console.terminal import MOST_BEHIND, Terminal

WAIT = 30


@contextmanager
def opened():
    """(what the emulator has, Terminal)."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as output:
        yield ours, Terminal(output)
    if ours is not None:
        os.close(ours)


# --- lines of the log ------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["words ", "\n", "- item\n", "```\ncode\n", "```\n", "|a|b|\n"]), max_size=12), st.data()
)
def test_a_note_in_the_midst_of_what_grows_tears_nothing(pieces, data):
    at = data.draw(st.integers(0, len(pieces)))
    seen, alone = Seen(20, 30), Seen(20, 30)
    noted, plain = screen_on(seen), screen_on(alone)
    for number, piece in enumerate([*pieces, "end"]):
        notes = [(("yellow", "a warning"),)] if number == at else []
        noted.show([Told(1, Grows(WORDS, piece))], str, notes)
        plain.show([Told(1, Grows(WORDS, piece))], str)
    assert seen.lines.count("a warning") == 1
    assert [line for line in seen.lines if line not in ("a warning", "")] == [line for line in alone.lines if line]


@pytest.fixture
def shared(monkeypatch):
    """A daemon whose standard error is the terminal too."""
    monkeypatch.setattr(Terminal, "shows_errors", True)
    return Watched(monkeypatch, answer=streaming("One ", "two "))


def test_lines_of_the_log_are_drawn_by_the_console_above_what_grows(shared):
    shared.begin("hi")
    shared.wait(0.2)
    assert shared.console.notices.is_shown("a \x1b[2Jwarning\nof two lines\n")
    shared.wait(0.3)
    text = shared.seen.text
    assert "a \\x1b[2Jwarning\nof two lines\n" in text
    assert text.index("of two lines") < text.index("One two")


def test_before_the_first_tick_and_behind_the_end_others_show_them(shared):
    notices, shown = shared.console.notices, []
    assert not notices.is_shown("too early")
    notices.show = shared.console.telling._noted = shown.append
    shared.console.tick()
    assert notices.is_shown("in time")
    for stop in shared.console.stops:
        stop()
    assert "in time" in shared.seen.text
    assert notices.is_shown("too late")
    assert shown == ["too late"]


def test_where_the_standard_error_is_elsewhere_they_go_there(monkeypatch):
    watched = Watched(monkeypatch)
    watched.console.tick()
    assert not watched.console.notices.is_shown("a warning")


def test_what_is_wrong_with_the_console_is_not_told_by_it(shared):
    shared.console.tick()
    shared.console.telling._screen.size = None
    with pytest.raises(TypeError):
        shared.console.tick()
    assert not shared.console.notices.is_shown("a scheduled call failed")


def test_notes_are_bounded_and_what_is_left_out_is_counted():
    notes = Notes(3)
    notes.add("1\n2")
    notes.add("3\n4\n5\n")
    assert list(notes.take()) == ["1", "2", "3", "… 2 more lines of the log left out"]
    notes.add("6")
    assert list(notes.take()) == ["6"]


# --- stopped, closed -------------------------------------------------------------------------------------------------


def test_for_a_stopped_terminal_nothing_is_drawn_and_little_is_kept(monkeypatch):
    words = [event(content="word " * 2000) for _ in range(100)]
    watched = Watched(monkeypatch, answer=lambda request: Script(SSE, tuple((0.0, piece) for piece in words)))
    console = watched.console
    console.tick()
    console.is_stopped = True
    for number in range(8):
        watched.begin(f"question {number}")
        watched.wait(30)
    given = console.telling._terminal._given
    watched.wait(30)
    assert console.telling._terminal._given == given < 2 * MOST_BEHIND
    assert console.telling._floor._size < 4 * 1024 * 1024
    console.is_stopped = False
    console.telling._terminal.taken(given)
    assert "left out: more came than can be shown" in watched.look() + watched.look()


def test_a_closed_terminal_is_given_up(shared):
    shared.begin("hi")
    shared.wait(0.2)
    console = shared.console
    before = shared.seen.text
    console.telling._terminal.is_gone = True
    shared.wait(0.2)
    assert not console.notices.is_shown("a warning")
    assert not console.telling._talks
    assert console.telling._room.size == 0
    shared.wait(3)
    assert shared.chat("again").status == 200
    for stop in console.stops:
        stop()
    assert shared.seen.text == before


def test_all_is_written_and_counted():
    with opened() as (ours, terminal):
        written = []
        write = terminal.given_to(written.append)
        write(b"x" * (MOST_BEHIND + 1))
        assert terminal.is_behind
        terminal.taken(MOST_BEHIND)
        assert not terminal.is_behind
        terminal.write(b"words")
        terminal.flush()
        assert os.read(ours, 100) == b"words"
        assert terminal.size() == (80, 24)


def test_a_terminal_that_somebody_made_non_blocking_gets_all_of_it():
    with opened() as (ours, terminal):
        os.set_blocking(terminal.output.fileno(), False)
        settings_now = termios.tcgetattr(ours)
        settings_now[1] &= ~termios.OPOST
        termios.tcsetattr(ours, termios.TCSANOW, settings_now)
        thread = threading.Thread(target=terminal.write, args=(b"x" * 100_000,), daemon=True)
        thread.start()
        seen = 0
        while seen < 100_000:
            seen += len(os.read(ours, 65536))
        thread.join(WAIT)
        assert not terminal.is_gone


def test_who_has_closed_it_gets_nothing_and_nothing_is_raised():
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as output:
        terminal = Terminal(output)
        os.close(ours)
        terminal.write(b"words")
        assert terminal.is_gone
        terminal.write(b"more")
    assert terminal.size() == (80, 24)
    assert not terminal.shows_errors


@pytest.mark.parametrize("same", [True, False])
def test_whether_the_standard_error_is_the_same(monkeypatch, tmp_path, same):
    with opened() as (_, terminal), (tmp_path / "log").open("w") as file:
        monkeypatch.setattr(module.sys, "__stderr__", terminal.output if same else file)
        assert terminal.shows_errors is same
        monkeypatch.setattr(sys, "__stderr__", None)
        assert not terminal.shows_errors
