"""The daemon's side of the child process: one question at a time, deadlines, deaths, new starts, and the end."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played_child import Reactor
from twisted.internet.defer import CancelledError

from proxy_daemon.core.carried_rules import carried_back
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.work_frames import LARGEST_OCTETS, RULES, packed
from proxy_daemon.net import work as module
from proxy_daemon.net.work import (
    ANSWER_SECONDS,
    FIRST_PAUSE,
    LONGEST_LINE,
    LONGEST_PAUSE,
    MOST_LINES,
    MOST_WAITING,
    ROOT,
    START_SECONDS,
    STOP_SECONDS,
    STUCK_SECONDS,
    ChildWork,
    child_of,
    command,
    environment,
)


class Warned(list):
    """In the place of the module's log."""

    def warn(self, text, **fields):
        self.append(text.format(**fields))

    def failure(self, text, failure):
        self.append(text)


@pytest.fixture
def said(monkeypatch):
    lines = Warned()
    monkeypatch.setattr(module, "log", lines)
    return lines


@pytest.fixture
def reactor():
    return Reactor()


@pytest.fixture
def work(reactor, said):
    return ChildWork(reactor, ["python", "x"], {})


def results(*deferreds):
    """What each has fired with; None for those that wait."""
    found = []
    for each in deferreds:
        got = []
        each.addBoth(got.append)
        found.append(got[0] if got else None)
    return found


def test_a_question_starts_it_and_gets_its_answer(work, reactor):
    waiting = work.call("near", {"a": 1}, b"octets")
    assert [(each["name"], each["a"], each["data"]) for each in reactor.last.asked] == [("near", 1, b"octets")]
    reactor.last.answer(found=3)
    assert results(waiting)[0]["found"] == 3
    assert reactor.getDelayedCalls() == []
    assert work.stats() == {
        "answered": 1, "overdue": 0, "died": 0, "waiting": 0, "process": 77, "trouble": "",
    }  # fmt: skip


def test_questions_are_asked_one_after_the_other(work, reactor):
    waiting = [work.call("near", {"a": number}) for number in range(3)]
    assert len(reactor.last.asked) == 1
    for number in range(3):
        assert reactor.last.asked[-1]["a"] == number
        reactor.last.answer(found=number)
    assert [each["found"] for each in results(*waiting)] == [0, 1, 2]
    assert len(reactor.processes) == 1


def test_who_posts_gets_the_answer_by_a_call(work, reactor):
    got = []
    work.post("near", {}, b"", got.append)
    reactor.last.answer(found=1)
    assert got[0]["found"] == 1


def test_a_fault_in_who_posted_is_logged_and_the_next_goes_on(work, reactor, said):
    work.post("near", {}, b"", lambda answer: 1 / 0)
    waiting = work.call("near", {})
    reactor.last.answer()
    reactor.last.answer(found=2)
    assert results(waiting)[0]["found"] == 2
    assert any("could not be taken" in line for line in said)


def test_a_slow_child_holds_nobody_up_beyond_the_deadline(work, reactor):
    waiting = [work.call("near", {}) for _ in range(3)]
    reactor.advance(ANSWER_SECONDS)
    assert all("no answer within" in each["trouble"] for each in results(*waiting))
    assert work.stats()["overdue"] == 3
    reactor.last.answer(found="late")  # nobody hears it
    later = work.call("near", {})
    assert len(reactor.last.asked) == 2  # the two that nobody waits for are not asked
    reactor.last.answer(found=1)
    assert results(later)[0]["found"] == 1


def test_a_cancelled_call_is_dropped_from_the_queue(work, reactor):
    first, second, third = (work.call("near", {"a": number}) for number in range(3))
    second.cancel()
    assert second.result.check(CancelledError)
    second.addErrback(lambda _: None)
    reactor.last.answer()
    assert [each["a"] for each in reactor.last.asked] == [0, 2]
    first.addErrback(lambda _: None)
    third.cancel()
    third.addErrback(lambda _: None)
    reactor.last.answer(found="unheard")
    assert reactor.getDelayedCalls() == []


def test_no_more_wait_than_may(work, reactor):
    waiting = [work.call("near", {}) for _ in range(MOST_WAITING + 2)]
    assert "too much to do" in results(waiting[-1])[0]["trouble"]
    assert results(waiting[-2]) == [None]


@pytest.mark.parametrize(("head", "octets"), [({"a": object()}, b""), ({}, bytes(LARGEST_OCTETS + 1))])
def test_what_cannot_be_asked_is_told(work, reactor, head, octets):
    assert "trouble" in results(work.call("near", head, octets))[0]
    assert reactor.processes == []


def test_a_child_that_dies_is_told_once_and_started_again_later_each_time(work, reactor, said):
    waiting = [work.call("near", {}) for _ in range(2)]
    pause = FIRST_PAUSE
    for count in range(1, 10):
        reactor.last.end(1)
        assert len(reactor.processes) == count
        reactor.advance(pause - 0.01)
        assert len(reactor.processes) == count
        reactor.advance(0.01)
        assert len(reactor.processes) == count + 1
        pause = min(pause * 2, LONGEST_PAUSE)
    assert all("is started again" in each["trouble"] for each in results(*waiting))
    assert len(said) == 1
    assert "the child process died" in said[0]


def test_after_an_answer_a_death_is_news_again(work, reactor, said):
    for count in (1, 2):
        work.call("near", {}).addErrback(lambda _: None)
        reactor.last.answer()
        assert work.trouble == ""
        reactor.last.end(1)
        reactor.advance(FIRST_PAUSE)
        assert len(said) == count


def test_while_it_waits_for_a_new_start_questions_wait_with_it(work, reactor):
    work.start()
    reactor.last.end(1)
    waiting = work.call("near", {})
    reactor.advance(FIRST_PAUSE)
    reactor.last.answer(found=1)
    assert results(waiting)[0]["found"] == 1


def test_a_child_that_cannot_be_started_is_trouble_and_no_fault(work, reactor, said):
    reactor.broken = True
    waiting = work.call("near", {})
    assert "no more processes" in results(waiting)[0]["trouble"]
    reactor.broken = False
    reactor.advance(FIRST_PAUSE)
    assert len(reactor.processes) == 1
    assert len(said) == 1


def test_a_stuck_child_is_killed(work, reactor):
    work.call("near", {})
    reactor.advance(STUCK_SECONDS)
    assert reactor.last.signals == ["KILL"]
    reactor.last.end(9)
    reactor.advance(FIRST_PAUSE)
    assert len(reactor.processes) == 2


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 10, packed({"number": 99}), packed({}), b"\0\0\0\2{}", packed({"number": 1}) + packed({"number": 1})],
)
def test_a_child_that_says_something_else_is_killed(work, reactor, data):
    work.call("near", {})
    reactor.last.protocol.outReceived(data)
    assert reactor.last.signals == ["KILL"]
    reactor.last.end(9)


def test_killing_one_that_has_ended_is_no_fault(work, reactor):
    work.start()
    for _ in range(2):
        reactor.last.protocol.kill()
    assert reactor.last.signals == ["KILL"]


def test_what_it_says_goes_into_the_log_in_bounds(work, reactor, said):
    work.start()
    reactor.last.protocol.errReceived(b"one\ntw")
    reactor.last.protocol.errReceived(b"o\n" + b"x" * 5000 + b"\n")
    assert said[:2] == ["child process: one", "child process: two"]
    assert len(said[2]) <= LONGEST_LINE + 20
    reactor.last.protocol.errReceived(b"more\n" * 1000)
    assert len(said) == MOST_LINES


def test_at_the_stop_it_is_asked_to_end(work, reactor):
    work.start()
    done = work.stop()
    assert reactor.last.closed
    assert results(done) == [None]
    reactor.last.end()
    assert done.called
    assert reactor.last.signals == []
    assert reactor.getDelayedCalls() == []


def test_at_the_stop_it_is_killed_where_it_does_not_end(work, reactor):
    waiting = work.call("near", {})
    done = work.stop()
    assert "stops" in results(waiting)[0]["trouble"]
    reactor.advance(STOP_SECONDS)
    assert reactor.last.signals == ["KILL"]
    assert not done.called
    reactor.advance(STOP_SECONDS)  # and the daemon ends, whatever the kernel does
    assert done.called
    reactor.last.end(9)
    assert reactor.getDelayedCalls() == []


def test_nothing_is_started_after_the_stop(work, reactor):
    work.start()
    reactor.last.end(1)
    assert work.stop() is None
    reactor.advance(LONGEST_PAUSE)
    work.start()
    assert "trouble" in results(work.call("near", {}))[0]
    assert len(reactor.processes) == 1


def test_it_is_started_a_little_after_the_daemon_and_ends_with_it(reactor):
    at_stop = []
    scheduler = type("Scheduler", (), {"at_stop": lambda self, function: at_stop.append(function)})()
    work = child_of("x.db", reactor, scheduler, {"OPENAI_API_KEY": "hush", "PATH": "/bin"})
    assert reactor.spawned == []
    reactor.advance(START_SECONDS)
    program, args, more = reactor.spawned[0]
    assert (program, args[1:4]) == (sys.executable, ["-P", "-m", "proxy_daemon.work"])
    assert args[4] == str(Path("x.db").resolve())
    assert more["childFDs"] == {0: "w", 1: "r", 2: "r"}
    assert "hush" not in str(more["env"])
    assert at_stop == [work.stop]


def test_each_child_hears_the_rules_for_secrets_first_and_not_by_its_command_line(reactor, said):
    rules = Rules((Rule("tenant", "hush-[0-9]+", json=("user.email",)),))
    scheduler = type("Scheduler", (), {"at_stop": lambda self, function: None})()
    work = child_of("x.db", reactor, scheduler, {"PATH": "/bin"}, rules)
    work.call("view", {})
    reactor.last.end(9)
    reactor.advance(FIRST_PAUSE)
    assert [process.first["name"] for process in reactor.processes] == [RULES, RULES]
    assert [carried_back(process.first["rules"]) for process in reactor.processes] == [rules, rules]
    assert "hush" not in str(reactor.spawned)


def test_one_that_waits_is_started_by_the_first_question(reactor):
    scheduler = type("Scheduler", (), {"at_stop": lambda self, function: None})()
    work = child_of("x.db", reactor, scheduler, {"PATH": "/bin"}, waits=True)
    reactor.advance(START_SECONDS * 10)
    assert reactor.spawned == []
    work.call("view", {})
    assert len(reactor.spawned) == 1


def test_the_environment_has_no_secrets_and_finds_the_package(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = {"PATH": "/bin", "HOME": "/root", "LLMPROXY_CONFIG": "x", "ANTHROPIC_API_KEY": "hush", "PYTHONPATH": "lib:"}
    assert environment(given) == {
        "PATH": "/bin",
        "HOME": "/root",
        "PYTHONPATH": f"{ROOT}:{tmp_path}/lib",
        "PYTHONUNBUFFERED": "1",
    }
    assert (ROOT / "proxy_daemon" / "work" / "__main__.py").exists()


def test_the_command_names_the_file_behind_a_link(tmp_path):
    (tmp_path / "real.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    assert command(str(tmp_path / "link.db"))[-1] == str(tmp_path / "real.db")


STEPS = st.lists(st.sampled_from(["call", "cancel", "answer", "die", "wait", "nonsense"]), max_size=40)


@given(STEPS)
def test_whatever_happens_each_question_has_one_result_and_no_timer_stays(steps):
    reactor = Reactor()
    module.log, before = Warned(), module.log
    work, waiting, fired = ChildWork(reactor, ["x"], {}), [], []
    try:
        for step in steps:
            if step == "call":
                waiting.append(work.call("near", {}))
                waiting[-1].addBoth(fired.append)
            elif step == "cancel" and waiting:
                waiting[0].cancel()
            elif step == "wait":
                reactor.advance(1.5)
            elif reactor.processes and work._child is not None:
                play(reactor.last, step, work)
        done = work.stop()
        reactor.advance(2 * STOP_SECONDS)
    finally:
        module.log = before
    assert done is None or done.called
    assert len(fired) == len(waiting)
    assert reactor.getDelayedCalls() == []


def play(process, step, work):
    if step == "answer" and work._asked is not None:
        process.answer()
    elif step == "die" or (step == "nonsense" and process.signals):
        process.end(9)
    elif step == "nonsense":
        process.protocol.outReceived(b"\xff" * 8)


def test_while_a_question_is_overdue_nobody_else_waits_as_long(work, reactor):
    first = work.call("near", {})
    reactor.advance(ANSWER_SECONDS)
    second = work.call("near", {})
    assert "very long" in results(second)[0]["trouble"]
    assert "no answer within" in results(first)[0]["trouble"]
    reactor.last.answer()
    third = work.call("near", {})
    reactor.last.answer(found=3)
    assert results(third)[0]["found"] == 3


def test_after_it_was_killed_for_that_questions_are_taken_again(work, reactor):
    work.call("near", {})
    reactor.advance(ANSWER_SECONDS)
    reactor.advance(STUCK_SECONDS)
    assert reactor.last.signals == ["KILL"]
    reactor.last.end(9)
    reactor.advance(FIRST_PAUSE)
    waiting = work.call("near", {})
    reactor.last.answer(found=1)
    assert results(waiting)[0]["found"] == 1
