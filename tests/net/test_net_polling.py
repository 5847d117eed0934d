"""The turn of the reactor without its log's context: what goes wrong is told, and ends nothing else."""

import os

import pytest
from twisted.internet import epollreactor
from twisted.internet.abstract import FileDescriptor
from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.python import log

from proxy_daemon.net import eager
from proxy_daemon.net.polling import poll_plainly


class Pipe(FileDescriptor):
    """Reads of its own pipe what was written."""

    def __init__(self, reactor, told=None):
        super().__init__(reactor)
        self.ends, self.told, self.lost = os.pipe(), told, []

    def fileno(self):
        return self.ends[0]

    def doRead(self):
        data = os.read(self.ends[0], 100)
        if self.told is not None:
            self.told(data)

    def connectionLost(self, reason):
        self.lost.append(reason)

    def close(self):
        for end in self.ends:
            os.close(end)


@pytest.fixture
def reactor():
    found = epollreactor.EPollReactor()
    poll_plainly(found)
    yield found
    for each in found.removeAll():
        each.connectionLost(None)
    found._poller.close()


@pytest.fixture
def pipes(reactor):
    made = []

    def make(told):
        made.append(Pipe(reactor, told))
        reactor.addReader(made[-1])
        return made[-1]

    yield make
    for each in made:
        reactor.removeReader(each)
        each.close()


@pytest.fixture
def logged():
    seen = []
    log.addObserver(seen.append)
    yield seen
    log.removeObserver(seen.append)


def test_it_is_its_own_turn_that_is_taken(reactor):
    assert reactor.doIteration != ReactorBase.doIteration
    assert "doIteration" in vars(reactor)


@pytest.mark.parametrize("timeout", [None, 0, 30])
def test_who_can_read_reads(reactor, pipes, timeout):
    seen = []
    pipe = pipes(seen.append)
    os.write(pipe.ends[1], b"word")
    reactor.doIteration(timeout)
    assert seen == [b"word"]


def test_nothing_to_read_is_no_turn_of_anybody(reactor, pipes):
    seen = []
    pipes(seen.append)
    reactor.doIteration(0)
    assert seen == []


def test_what_one_raises_is_logged_and_the_others_go_on(reactor, pipes, logged):
    seen = []

    def defect(data):
        raise ValueError("a defect")

    broken, whole = pipes(defect), pipes(seen.append)
    for pipe in (broken, whole):
        os.write(pipe.ends[1], b"word")
    reactor.doIteration(30)
    assert seen == [b"word"]
    assert len(broken.lost) == 1
    assert [str(event["failure"].value) for event in logged if event["isError"]] == ["a defect"]


def test_a_defect_in_the_letting_go_is_logged_too(reactor, pipes, logged):
    broken = pipes(lambda data: 1 / 0)
    broken.connectionLost = lambda reason: [].pop()
    os.write(broken.ends[1], b"word")
    reactor.doIteration(30)
    kinds = [event["failure"].type for event in logged if event["isError"]]
    assert kinds == [ZeroDivisionError, IndexError]


def test_one_that_another_has_closed_in_the_same_turn_is_passed_over(reactor, pipes):
    seen, made = [], []

    def close_the_other(data):
        seen.append(data)
        for each in made:
            reactor.removeReader(each)

    made += [pipes(close_the_other), pipes(close_the_other)]
    for pipe in made:
        os.write(pipe.ends[1], b"word")
    reactor.doIteration(30)
    assert seen == [b"word"]


def test_what_is_sent_leaves_before_it_waits_and_after_each_turn(reactor, pipes, monkeypatch):
    told = []
    monkeypatch.setattr(eager, "gather", lambda _: lambda: told.append("send"))
    poll_plainly(reactor)
    pipe = pipes(lambda data: told.append("read"))
    os.write(pipe.ends[1], b"word")
    reactor.doIteration(30)
    assert told == ["send", "read", "send"]


def test_other_reactors_are_left_alone():
    clock = Clock()
    poll_plainly(clock)
    assert vars(clock).keys().isdisjoint({"doIteration"})
