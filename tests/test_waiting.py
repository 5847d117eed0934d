"""Coroutines that are run as far as they go: without a Deferred where they need not wait."""

from contextvars import ContextVar

import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed

from proxy_daemon.pipeline.begun import begun

WHOSE = ContextVar("WHOSE", default="nobody's")


def outcome(deferred):
    """[what it fired with]; [] where it has not."""
    results = []
    deferred.addBoth(results.append)
    return results


@pytest.mark.parametrize("value", [None, 0, "word", [1]])
def test_what_need_not_wait_gives_its_value_at_once(value):
    async def inner():
        return value

    async def outer():
        return await inner()

    assert begun(outer()) is value


def test_a_deferred_that_has_fired_is_not_waited_for():
    async def waiting():
        return [await succeed(1), await succeed(2)]

    assert begun(waiting()) == [1, 2]


@pytest.mark.parametrize("times", [1, 2, 5])
def test_what_waits_is_a_deferred_that_fires_with_the_value(times):
    waited = [Deferred() for _ in range(times)]

    async def waiting():
        return [await each for each in waited]

    results = outcome(begun(waiting()))
    for number, each in enumerate(waited):
        assert results == []
        each.callback(number)
    assert results == [list(range(times))]


def test_each_step_is_taken_once():
    waited, steps = Deferred(), []

    async def waiting():
        steps.append("before")
        await waited
        steps.append("behind")

    begun(waiting())
    assert steps == ["before"]
    waited.callback(None)
    assert steps == ["before", "behind"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), CancelledError()])
@pytest.mark.parametrize("waits", [False, True])
def test_a_raise_is_a_failure(error, waits):
    waited = Deferred()

    async def raising():
        if waits:
            await waited
        raise error

    results = outcome(begun(raising()))
    waited.callback(None)
    assert [failure.value for failure in results] == [error]


def test_a_failure_of_what_is_waited_for_is_raised_there():
    waited, caught = Deferred(), []

    async def catching():
        try:
            await waited
        except ValueError as error:
            caught.append(str(error))

    results = outcome(begun(catching()))
    waited.errback(ValueError("late"))
    assert (caught, results) == (["late"], [None])


def test_to_cancel_it_cancels_what_it_waits_for():
    cancelled = []
    waited = Deferred(cancelled.append)

    async def excusing():
        try:
            await waited
        except CancelledError:
            return "excused"

    running = begun(excusing())
    results = outcome(running)
    running.cancel()
    assert (cancelled, results) == ([waited], ["excused"])


def test_what_waits_after_it_was_cancelled_goes_on():
    first, second = Deferred(), Deferred()

    async def going_on():
        try:
            await first
        except CancelledError:
            return await second

    running = begun(going_on())
    results = outcome(running)
    running.cancel()
    assert results == []
    second.callback("done")
    assert results == ["done"]


def test_it_runs_in_a_context_of_its_own():
    waited, seen = Deferred(), []

    async def setting(name):
        WHOSE.set(name)
        if name != "quick":
            await waited
        seen.append(WHOSE.get())

    begun(setting("quick"))
    assert WHOSE.get() == "nobody's"
    running = [begun(setting(name)) for name in ("one", "other")]
    assert WHOSE.get() == "nobody's"
    waited.callback(None)
    assert seen == ["quick", "one", "other"]
    assert all(each.called for each in running)
    assert WHOSE.get() == "nobody's"
