"""Equal requests in flight: who gets the answer, and what happens when somebody leaves."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from proxy_daemon.core.messages import Ending
from proxy_daemon.pipeline.flights import Flights


class FakeRelay:
    joinable = True

    def __init__(self):
        self.deserted = []
        self.expected = 0
        self.balanced = []  # what was expected, each time it was asked to look again

    def balance(self):
        self.balanced.append(self.expected)

    def desert(self, ending):
        self.deserted.append(ending)


class Launch:
    def __init__(self):
        self.cancelled = []
        self.deferred = Deferred(lambda _: self.cancelled.append(True))

    def __call__(self):
        return self.deferred


def outcomes(deferred):
    got = []
    deferred.addBoth(got.append)
    return got


def test_all_who_joined_get_the_relay():
    launch, flights, relay = Launch(), Flights(), FakeRelay()
    flight = flights.start(b"k", launch)
    first = outcomes(flight.join())
    assert flights.find(b"k") is flight
    second = outcomes(flight.join())
    launch.deferred.callback(relay)
    third = outcomes(flight.join())
    assert first == second == third == [relay]


def test_the_first_ones_leaving_does_not_end_the_others():
    launch, flights, relay = Launch(), Flights(), FakeRelay()
    flight = flights.start(b"k", launch)
    first = flight.join()
    gone = outcomes(first)
    second = outcomes(flight.join())
    first.cancel()
    flight.leave(Ending.CLIENT_GONE)
    assert gone[0].check(CancelledError)
    assert launch.cancelled == []
    launch.deferred.callback(relay)
    assert second == [relay]


def test_the_last_ones_leaving_cancels_before_the_head():
    launch, flights = Launch(), Flights()
    flight = flights.start(b"k", launch)
    outcomes(flight.join())
    flight.leave(Ending.CLIENT_GONE)
    assert launch.cancelled == [True]
    assert flights.find(b"k") is None


def test_the_last_ones_leaving_deserts_after_the_head():
    launch, flights, relay = Launch(), Flights(), FakeRelay()
    flight = flights.start(b"k", launch)
    outcomes(flight.join())
    launch.deferred.callback(relay)
    flight.leave(Ending.CLIENT_GONE)
    assert relay.deserted == [Ending.CLIENT_GONE]
    assert flights.find(b"k") is None


def test_a_failure_reaches_all_and_is_forgotten():
    launch, flights = Launch(), Flights()
    flight = flights.start(b"k", launch)
    both = [outcomes(flight.join()), outcomes(flight.join())]
    launch.deferred.errback(ValueError("no"))
    assert all(got[0].check(ValueError) for got in both)
    assert flights.find(b"k") is None
    flight.leave(Ending.FAILED)
    flight.leave(Ending.FAILED)


@pytest.mark.parametrize("key", [b"", b"other"])
def test_only_equal_keys_meet(key):
    flights = Flights()
    flights.start(key, Launch())
    assert flights.find(b"k") is None
    assert flights.find(b"") is None


def test_what_cannot_be_joined_any_more_is_not_found():
    launch, flights, relay = Launch(), Flights(), FakeRelay()
    flight = flights.start(b"k", launch)
    outcomes(flight.join())
    launch.deferred.callback(relay)
    relay.joinable = False
    assert flights.find(b"k") is None


def test_forgetting_an_old_flight_leaves_a_new_one():
    flights, old, new = Flights(), Launch(), Launch()
    first = flights.start(b"k", old)
    outcomes(first.join())
    second = flights.start(b"k", new)
    first.leave(Ending.CLIENT_GONE)
    assert flights.find(b"k") is second


class TestExpected:
    """The relay keeps what those need who have not come to it yet: it is told how many there are."""

    def flight(self, members):
        launch, relay = Launch(), FakeRelay()
        flight = Flights().start(b"k", launch)
        for _ in range(members):
            outcomes(flight.join())
        return flight, relay, launch

    def test_who_waited_for_the_head_is_counted_before_any_of_them_goes_on(self):
        flight, relay, launch = self.flight(0)
        counts = []
        for _ in range(3):
            flight.join().addCallback(lambda relay: counts.append(relay.expected))
        launch.deferred.callback(relay)
        assert counts == [3, 3, 3]

    def test_who_comes_later_is_counted_before_it_goes_on(self):
        flight, relay, launch = self.flight(1)
        launch.deferred.callback(relay)
        counts = []
        flight.join().addCallback(lambda relay: counts.append(relay.expected))
        assert counts == [2]

    def test_who_left_before_the_head_is_not_counted(self):
        flight, relay, launch = self.flight(3)
        flight.leave(Ending.CLIENT_GONE)
        launch.deferred.callback(relay)
        assert relay.expected == 2

    def test_one_less_where_one_leaves_and_the_relay_looks_again(self):
        flight, relay, launch = self.flight(3)
        launch.deferred.callback(relay)
        for left in (2, 1):
            flight.leave(Ending.CLIENT_GONE)
            assert relay.expected == left
        assert relay.balanced == [2, 1]
        flight.leave(Ending.COMPLETE)
        assert (relay.balanced, relay.deserted) == ([2, 1], [Ending.COMPLETE])


def test_one_that_was_broken_off_is_not_found_though_some_still_read_it():
    launch, flights, relay = Launch(), Flights(), FakeRelay()
    first = flights.start(b"k", launch)
    for _ in range(2):
        outcomes(first.join())
    launch.deferred.callback(relay)
    relay.joinable = False
    second = flights.start(b"k", Launch())
    assert flights.find(b"k") is second
    first.leave(Ending.BROKEN_OFF)
    first.leave(Ending.BROKEN_OFF)
    assert flights.find(b"k") is second
