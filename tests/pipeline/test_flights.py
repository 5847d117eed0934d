"""Equal requests in flight: who gets the answer, and what happens when somebody leaves."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from proxy_daemon.core.messages import Ending
from proxy_daemon.pipeline.flights import Flights


class FakeRelay:
    joinable = True

    def __init__(self):
        self.deserted = []

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
