"""Time, one thread, things done again and again, and lines that wait: with a clock by hand."""

import io
import threading
import time

import pytest
from rig import LIMIT
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from proxy_daemon.net import housekeeping
from proxy_daemon.net.housekeeping import Lines, LoopingScheduler, SystemClock, ThreadWorker, within


@pytest.fixture
def logged():
    """What is logged as failed."""
    events = []

    def observe(event):
        if event.get("log_failure") is not None:
            events.append(str(event["log_failure"].value))

    globalLogPublisher.addObserver(observe)
    yield events
    globalLogPublisher.removeObserver(observe)


def result(awaitable):
    """Of what must be done already."""
    done = []
    Deferred.fromCoroutine(awaitable).addCallbacks(done.append, lambda failure: done.append(failure.value))
    return done


class TestScheduler:
    @pytest.fixture
    def clock(self):
        return Clock()

    def test_again_and_again_and_not_at_once(self, clock):
        calls = []
        LoopingScheduler(clock).every(2.0, lambda: calls.append(clock.seconds()))
        clock.pump([1.0] * 6)
        assert calls == [2.0, 4.0, 6.0]

    def test_a_fault_is_logged_and_does_not_end_it(self, clock, logged):
        calls = []

        def faulty():
            calls.append(1)
            raise ValueError("odd")

        LoopingScheduler(clock).every(1.0, faulty)
        clock.pump([1.0] * 3)
        assert (len(calls), logged) == (3, ["odd"] * 3)

    def test_one_that_fails_does_not_hold_the_others_up(self, clock, logged):
        scheduler, calls = LoopingScheduler(clock), []
        scheduler.every(1.0, lambda: 1 / 0)
        scheduler.every(1.0, lambda: calls.append(1))
        clock.pump([1.0] * 2)
        assert (calls, len(logged)) == ([1, 1], 2)

    def test_stop_ends_all_and_leaves_no_timer(self, clock):
        scheduler = LoopingScheduler(clock)
        scheduler.every(1.0, list)
        scheduler.every(2.0, list)
        assert result(scheduler.stop()) == [None]
        assert clock.getDelayedCalls() == []

    def test_at_the_stop_the_last_registered_comes_first_and_each_is_waited_for(self, clock):
        scheduler, calls, slow = LoopingScheduler(clock), [], Deferred()
        scheduler.at_stop(lambda: calls.append("first registered"))
        scheduler.at_stop(lambda: (calls.append("slow"), slow)[1])
        scheduler.at_stop(lambda: calls.append("last registered"))
        done = result(scheduler.stop())
        assert (calls, done) == (["last registered", "slow"], [])
        slow.callback(None)
        assert (calls, done) == (["last registered", "slow", "first registered"], [None])

    @pytest.mark.parametrize("how", ["raise", "fail"])
    def test_what_fails_at_the_stop_is_logged_and_the_rest_is_done(self, clock, logged, how):
        scheduler, calls = LoopingScheduler(clock), []

        def faulty():
            if how == "raise":
                raise ValueError("odd")
            return fail(ValueError("odd"))

        scheduler.at_stop(lambda: calls.append(1))
        scheduler.at_stop(faulty)
        assert result(scheduler.stop()) == [None]
        assert (calls, logged) == ([1], ["odd"])


class SlowFile(io.BytesIO):
    """Takes nothing until the test opens it; ``asked`` says that the thread stands at it."""

    def __init__(self):
        super().__init__()
        self.asked, self.opened, self.flushed = threading.Semaphore(0), threading.Semaphore(0), threading.Semaphore(0)
        self.problem = None

    def write(self, data):
        self.asked.release()
        assert self.opened.acquire(timeout=LIMIT)
        if self.problem is not None:
            problem, self.problem = self.problem, None
            raise problem
        return super().write(data)

    def flush(self):
        self.flushed.release()


class TestLines:
    @pytest.fixture
    def play(self):
        self.file, self.clock = SlowFile(), Clock()
        self.scheduler = LoopingScheduler(self.clock)
        self.lines = Lines(self.file, self.scheduler)
        yield self
        self.file.opened.release(100)
        self.stop()

    def tick(self):
        self.clock.advance(housekeeping.FLUSH_SECONDS)

    def let_write(self):
        """Let the thread write once, and wait until it has and knows so."""
        self.file.opened.release()
        assert self.file.flushed.acquire(timeout=LIMIT)
        while self.lines._writing:  # it is about to say so
            time.sleep(0)

    def stop(self):
        self.file.opened.release(100)
        return result(self.scheduler.stop())

    def test_they_are_gathered_and_written_together_in_order(self, play):
        for number in range(3):
            self.lines.write(b"%d\n" % number)
        assert not self.file.asked.acquire(blocking=False)
        self.tick()
        self.let_write()
        assert self.file.getvalue() == b"0\n1\n2\n"

    def test_nothing_is_not_written(self, play):
        self.clock.pump([housekeeping.FLUSH_SECONDS] * 3)
        self.stop()
        assert not self.file.asked.acquire(blocking=False)

    def test_one_write_at_a_time(self, play):
        """A disk that does not answer must not gather more and more calls."""
        for number in range(5):
            self.lines.write(b"%d\n" % number)
            self.tick()
        assert self.lines._queue.qsize() <= 1
        self.let_write()
        self.tick()
        self.let_write()
        assert self.file.getvalue() == b"0\n1\n2\n3\n4\n"

    def test_beyond_the_limit_lines_are_dropped_and_counted(self, play, monkeypatch):
        monkeypatch.setattr(housekeeping, "MAX_WAITING", 10)
        for _ in range(9):
            self.lines.write(b"1234\n")
        self.tick()
        self.lines.write(b"after\n")
        self.let_write()
        self.tick()
        self.let_write()
        assert self.file.getvalue() == b"1234\n" * 3 + b'{"dropped_lines": 6}\nafter\n'

    def test_the_rest_is_written_at_the_stop_behind_what_is_being_written(self, play):
        self.lines.write(b"first\n")
        self.tick()
        assert self.file.asked.acquire(timeout=LIMIT)
        self.lines.write(b"last\n")
        assert self.stop() == [None]
        assert self.file.getvalue() == b"first\nlast\n"

    def test_a_reader_who_is_gone_does_not_hold_up_the_end(self, play, monkeypatch):
        monkeypatch.setattr(housekeeping, "STOP_SECONDS", 0.01)
        self.lines.write(b"nobody reads this\n")
        self.tick()
        assert result(self.scheduler.stop()) == [None]
        assert self.file.getvalue() == b""

    @pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), ValueError("closed file")])
    def test_a_full_disk_is_said_and_the_next_lines_are_tried(self, play, capsys, problem):
        for _ in range(2):
            self.file.problem = problem
            self.lines.write(b"lost\n")
            self.tick()
            self.file.opened.release()
            while self.lines._writing:
                time.sleep(0)
        assert capsys.readouterr().err == f"llmproxy: the log cannot be written, lines are lost: {problem}\n"
        self.lines.write(b"next\n")
        self.tick()
        self.let_write()
        assert self.file.getvalue() == b"next\n"
        self.file.problem = problem
        self.lines.write(b"lost again\n")
        self.tick()
        self.file.opened.release()
        while self.lines._writing:
            time.sleep(0)
        assert str(problem) in capsys.readouterr().err


class Threads:
    """A reactor's part for threads: calls from them run when the pool has stopped."""

    def __init__(self):
        self.calls = []

    def callFromThread(self, function, *args):
        self.calls.append((function, args))

    def run(self):
        for function, args in self.calls:
            function(*args)


def test_the_worker_runs_in_order_and_stop_waits_for_all():
    reactor, order, results = Threads(), [], []
    worker = ThreadWorker(reactor)
    for number in range(50):
        worker.run(order.append, number).addCallback(results.append)
    worker.run(lambda: 1 / 0).addErrback(lambda failure: results.append(failure.type))
    worker.stop()
    assert order == list(range(50))
    reactor.run()
    assert results == [None] * 50 + [ZeroDivisionError]


def test_the_clocks():
    clock = SystemClock()
    assert clock.seconds() <= clock.seconds()
    assert clock.wall() > 1_700_000_000


def test_what_is_there_in_time_is_the_result():
    clock, waiting, found = Clock(), Deferred(), []
    within(clock, 2, waiting).addCallback(found.append)
    clock.advance(1)
    waiting.callback(7)
    assert (found, clock.getDelayedCalls()) == ([7], [])


def test_what_is_not_there_in_time_is_cancelled():
    clock, ended, found = Clock(), [], []

    async def slow():
        await Deferred(ended.append)

    within(clock, 2, slow()).addCallback(found.append)
    clock.advance(3)
    assert (len(ended), found) == (1, [None])


def test_a_failure_stays_one():
    async def broken():
        raise ZeroDivisionError

    found = []
    within(Clock(), 2, broken()).addErrback(lambda failure: found.append(failure.type))
    assert found == [ZeroDivisionError]


def test_who_waits_may_leave():
    ended, found = [], []
    waiting = within(Clock(), 2, Deferred(ended.append))
    waiting.addErrback(lambda failure: found.append(failure.type))
    waiting.cancel()
    assert (len(ended), found) == (1, [CancelledError])
