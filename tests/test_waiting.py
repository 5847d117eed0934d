"""Coroutines without a Deferred where they need not wait; Promises, which are Deferreds to all who treat them so."""

from contextvars import ContextVar

import pytest
from twisted.internet.defer import AlreadyCalledError, CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from proxy_daemon.waiting import Promise, begun, started, tell

KINDS = pytest.mark.parametrize("kind", [Deferred, Promise])
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


@KINDS
@pytest.mark.parametrize("times", [1, 2, 5])
def test_what_waits_is_a_deferred_that_fires_with_the_value(kind, times):
    waited = [kind() for _ in range(times)]

    async def waiting():
        return [await each for each in waited]

    results = outcome(begun(waiting()))
    for number, each in enumerate(waited):
        assert results == []
        each.callback(number)
    assert results == [list(range(times))]


@KINDS
def test_each_step_is_taken_once(kind):
    waited, steps = kind(), []

    async def waiting():
        steps.append("before")
        await waited
        steps.append("behind")

    begun(waiting())
    assert steps == ["before"]
    waited.callback(None)
    assert steps == ["before", "behind"]


@KINDS
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), CancelledError()])
@pytest.mark.parametrize("waits", [False, True])
def test_a_raise_is_a_failure(kind, error, waits):
    waited = kind()

    async def raising():
        if waits:
            await waited
        raise error

    results = outcome(begun(raising()))
    waited.callback(None)
    assert [failure.value for failure in results] == [error]


@KINDS
def test_a_failure_of_what_is_waited_for_is_raised_there(kind):
    waited, caught = kind(), []

    async def catching():
        try:
            await waited
        except ValueError as error:
            caught.append(str(error))

    results = outcome(begun(catching()))
    waited.errback(ValueError("late"))
    assert (caught, results) == (["late"], [None])


@KINDS
def test_to_cancel_it_cancels_what_it_waits_for(kind):
    cancelled = []
    waited = kind(cancelled.append)

    async def excusing():
        try:
            await waited
        except CancelledError:
            return "excused"

    running = begun(excusing())
    results = outcome(running)
    running.cancel()
    assert (cancelled, results) == ([waited], ["excused"])


@KINDS
def test_what_waits_after_it_was_cancelled_goes_on(kind):
    first, second = kind(), kind()

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


@KINDS
def test_it_runs_in_a_context_of_its_own(kind):
    waited, seen = kind(), []

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


def test_what_is_started_is_a_deferred():
    waited = Promise()

    async def waiting(first):
        return await first

    assert outcome(started(waiting(succeed(1)))) == [1]
    running = started(waiting(waited))
    results = outcome(running)
    waited.callback(2)
    assert results == [2]


def test_a_coroutine_that_awaits_another_running_one():
    waited = Promise()

    async def inner():
        return await waited + 1

    async def outer():
        return await started(inner()) + 1

    results = outcome(started(outer()))
    assert results == []
    waited.callback(1)
    assert results == [3]


def test_to_cancel_reaches_down_to_what_the_innermost_waits_for():
    cancelled = []
    waited = Promise(cancelled.append)

    async def through(awaited):
        return await awaited

    running = started(through(started(through(waited))))
    results = outcome(running)
    running.cancel()
    assert cancelled == [waited]
    assert [type(failure.value) for failure in results] == [CancelledError]


def test_to_cancel_what_has_ended_does_nothing():
    waited = Promise()

    async def waiting():
        return await waited

    running = started(waiting())
    waited.callback("value")
    running.cancel()
    assert outcome(running) == ["value"]


def test_what_awaits_no_deferred_gets_that_itself():
    class Odd:
        def __await__(self):
            return (yield "odd")

    async def waiting():
        return [await succeed(None), await first, await Odd()]

    first = Promise()
    results = outcome(begun(waiting()))
    first.callback("first")
    assert results == [[None, "first", "odd"]]


# --- promises ---------------------------------------------------------------------------------------------------------


def told(promise):
    """[what the one who waits was told]"""
    results = []
    tell(promise, results.append)
    return results


def test_the_one_who_waits_is_told_and_the_result_stays():
    promise = Promise()
    results = told(promise)
    promise.callback("value")
    assert (results, promise.called, promise.result) == (["value"], True, "value")


@pytest.mark.parametrize("fired", [False, True])
def test_whoever_adds_callbacks_before_or_behind_has_a_deferred(fired):
    promise = Promise()
    order = []
    promise.addCallback(lambda value: order.append(("before", value)) or "changed")
    if fired:
        promise.callback("value")
    tell(promise, lambda value: order.append(("one", value)))
    promise.addCallback(lambda value: order.append(("behind", value)))
    if not fired:
        promise.callback("value")
    assert order == [("before", "value"), ("one", "changed"), ("behind", None)]


def test_who_waits_first_is_told_before_callbacks_that_came_later():
    promise, order = Promise(), []
    tell(promise, lambda value: order.append(("one", value)))
    promise.addBoth(lambda value: order.append(("behind", value)))
    promise.callback("value")
    assert order == [("one", "value"), ("behind", None)]


def test_two_who_wait_are_told_in_turn():
    promise = Promise()
    first, second = told(promise), told(promise)
    promise.callback("value")
    assert (first, second) == (["value"], [None])


def test_a_deferred_that_waits_for_a_promise_as_for_a_deferred():
    promise, outer = Promise(), succeed(None)
    outer.addCallback(lambda _: promise)
    results = outcome(outer)
    promise.callback("value")
    assert results == ["value"]


def test_one_that_is_paused_tells_when_it_goes_on():
    promise = Promise()
    results = told(promise)
    promise.pause()
    promise.callback("value")
    assert results == []
    promise.unpause()
    assert results == ["value"]


@pytest.mark.parametrize("fail", [Promise.errback, Promise.callback])
def test_a_failure_is_told_and_then_nobody_elses(fail):
    promise = Promise()
    results = told(promise)
    fail(promise, Failure(ValueError("no")))
    assert [failure.value.args for failure in results] == [("no",)]
    assert outcome(promise) == [None]


@pytest.mark.parametrize("waits", [False, True])
def test_it_fires_once(waits):
    promise = Promise()
    if waits:
        told(promise)
    promise.callback(1)
    with pytest.raises(AlreadyCalledError):
        promise.callback(2)


@pytest.mark.parametrize("waits", [False, True])
def test_one_that_was_cancelled_lets_its_value_come_and_go(waits):
    promise = Promise()
    results = told(promise) if waits else outcome(promise)
    promise.cancel()
    promise.callback("late")
    assert [type(failure.value) for failure in results] == [CancelledError]


def test_a_canceller_may_say_the_value():
    promise = Promise(lambda this: this.callback("excused"))
    results = told(promise)
    promise.cancel()
    assert results == ["excused"]


@pytest.mark.parametrize("kind", [Deferred, Promise])
def test_what_the_one_raises_is_nothing_to_who_fires(kind):
    promise = kind()
    tell(promise, lambda value: 1 // value)
    promise.callback(0)
    assert [failure.type for failure in outcome(promise)] == [ZeroDivisionError]
