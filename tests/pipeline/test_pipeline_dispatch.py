"""Events: who is told of which (`hookspecs.events`); and results that come late, never, or were given up."""

import asyncio
from types import SimpleNamespace

import pytest
from exchanges import plugin
from test_dispatch import HERE, dispatcher, now
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock

from proxy_daemon.hookspecs import Event, deadline, events, hookimpl
from proxy_daemon.pipeline.faults import PluginFault, StartError

KINDS = ["begun", "matched", "first_byte", "ended", "failed"]


def listener(seen, *kinds):
    def listen(self, event):
        seen.append(event.kind)

    return plugin("llmproxy_log", events(*kinds)(listen) if kinds else listen)


def tell_all(hooks, times=1):
    for _ in range(times):
        for kind in KINDS:
            hooks.tell(None, Event(kind))


@pytest.mark.parametrize(
    ("kinds", "heard"),
    [
        ((), KINDS),
        (("ended",), ["ended"]),
        (("failed", "ended"), ["ended", "failed"]),
        (tuple(KINDS), KINDS),
    ],
)
def test_an_implementation_hears_of_the_kinds_that_it_wants(kinds, heard):
    seen = []
    tell_all(dispatcher(listener(seen, *kinds)), times=2)
    assert seen == heard * 2


@pytest.mark.parametrize("kind", ["no such", "Ended", ""])
def test_a_kind_that_there_is_not_is_said_at_once(kind):
    kinds = "begun, matched, explained, first_byte, ended, failed"
    with pytest.raises(ValueError, match=f"the kind {kind!r}, only {kinds}"):
        events("ended", kind)


def test_each_has_its_own_kinds():
    one, two, all_of_them = [], [], []
    tell_all(dispatcher(listener(one, "ended"), listener(two, "begun"), listener(all_of_them)))
    assert (one, two, all_of_them) == (["ended"], ["begun"], KINDS)


def test_an_event_of_an_unknown_kind_reaches_those_who_want_all():
    seen, others = [], []
    dispatcher(listener(seen), listener(others, "ended")).tell(None, Event("new"))
    assert (seen, others) == (["new"], [])


def test_the_last_registered_is_told_first():
    order = []
    plugins = [plugin("llmproxy_log", lambda self, n=n: order.append(n)) for n in ("a", "b")]
    dispatcher(*plugins).tell(None, Event("begun"))
    assert order == ["b", "a"]


@pytest.mark.parametrize("marks", [(events("ended"), deadline(7)), (deadline(7), events("ended"))], ids=["e d", "d e"])
def test_events_and_deadline_go_together(marks):
    clock, seen = Clock(), []

    def listen(self, event):
        seen.append(event.kind)
        return Deferred()

    for mark in marks:
        listen = mark(listen)
    hooks = dispatcher(plugin("llmproxy_log", listen), clock=clock)
    tell_all(hooks)
    clock.advance(6.9)
    assert (seen, dict(hooks.faults)) == (["ended"], {})
    clock.advance(0.1)
    assert hooks.faults == {"p0": 1}


def test_a_trace_has_only_what_was_told():
    lines = []
    tell_all(dispatcher(listener([], "ended"), trace=lines.append))
    assert lines == ["llmproxy_log [p0] NoneType, Event(ended) -> NoneType"]


def test_a_raise_is_skipped_and_heard_of_again():
    seen = []
    raising = plugin("llmproxy_log", events("ended")(lambda self: 1 / 0))
    hooks = dispatcher(listener(seen), raising)
    tell_all(hooks, times=2)
    assert seen == KINDS * 2
    assert hooks.faults == {"p1": 2}


@pytest.mark.parametrize("late", [False, True], ids=["at once", "later"])
def test_a_listener_that_fails_in_its_own_time(late):
    waiting = Deferred()

    async def listen(self):
        if late:
            await waiting
        raise KeyError("boom")

    hooks = dispatcher(plugin("llmproxy_log", listen))
    hooks.tell(None, Event("ended"))
    assert hooks.faults == ({} if late else {"p0": 1})
    waiting.callback(None)
    assert hooks.faults == {"p0": 1}


def test_events_is_below_hookimpl():
    class Marked:
        @hookimpl
        @events("ended")
        def llmproxy_log(self, event):
            """Quick."""

    assert Marked.llmproxy_log.llmproxy_events == ("ended",)
    assert Marked.llmproxy_log.__doc__ == "Quick."


# --- results that do not come ----------------------------------------------------------------------------------------


def given_up():
    waiting = Deferred()
    waiting.cancel()
    return waiting


def given_up_later(box):
    box.append(Deferred())
    return box[0]


async def gives_up():
    await given_up()


@pytest.mark.parametrize("function", [given_up, gives_up], ids=["deferred", "coroutine"])
def test_what_a_plugin_cancels_itself_is_its_fault(function):
    """Else the exchange would end as if its client had left, and the client would wait for ever."""
    hooks = dispatcher(plugin("llmproxy_route", lambda self: function()))
    with pytest.raises(
        PluginFault, match="'p0' failed in llmproxy_route: RuntimeError: what it returned was cancelled"
    ):
        now(hooks.first("llmproxy_route", None))


def running(hooks):
    """A call of the hook that waits: its Deferred, and what comes of it."""
    results = []
    return Deferred.fromCoroutine(hooks.first("llmproxy_route", None)).addBoth(results.append), results


def test_what_a_plugin_cancels_later_is_its_fault_too():
    box = []
    _, results = running(dispatcher(plugin("llmproxy_route", lambda self: given_up_later(box))))
    box[0].cancel()
    assert results[0].check(PluginFault)


def test_what_the_exchange_cancels_is_not():
    box = []
    hooks = dispatcher(plugin("llmproxy_route", lambda self: given_up_later(box)))
    call, results = running(hooks)
    call.cancel()
    assert results[0].check(CancelledError)
    assert box[0].called
    assert not hooks.faults


def test_a_deferred_that_waits_for_another_has_a_deadline():
    clock = Clock()
    inner = Deferred()
    _, results = running(
        dispatcher(plugin("llmproxy_route", lambda self: succeed(1).addCallback(lambda _: inner)), clock=clock)
    )
    clock.advance(29)
    assert not results
    clock.advance(1)
    assert "no result within its deadline of 30 s" in results[0].getErrorMessage()
    assert inner.called


def test_a_deferred_that_waits_for_another_gives_its_result():
    clock, inner = Clock(), Deferred()
    chained = succeed(1).addCallback(lambda _: inner)
    _, results = running(dispatcher(plugin("llmproxy_route", lambda self: chained), clock=clock))
    inner.callback(HERE)
    assert results == [HERE]
    assert not clock.getDelayedCalls()


# --- exceptions that are no `Exception` ------------------------------------------------------------------------------


class Odd(BaseException):
    """Nobody catches it by accident."""


WILD = [SystemExit(3), asyncio.CancelledError(), GeneratorExit(), KeyboardInterrupt(), CancelledError(), Odd("odd")]


def throwing(hook, error, *, later):
    def throw(self):
        raise error

    async def throw_later(self):
        raise error

    return plugin(hook, throw_later if later else throw)


CASES = [*((error, False) for error in WILD), *((error, True) for error in WILD)]
NAMES = [f"{type(error).__module__}.{type(error).__name__} {'later' if later else 'now'}" for error, later in CASES]


@pytest.mark.parametrize(("error", "later"), CASES, ids=NAMES)
class TestWhateverIsRaised:
    def test_an_open_hook_goes_on_with_the_next(self, error, later):
        observer = SimpleNamespace(piece=print, end=print)
        hooks = dispatcher(
            plugin("llmproxy_observe", lambda self: observer), throwing("llmproxy_observe", error, later=later)
        )
        assert now(hooks.each("llmproxy_observe", None)) == [("p0", observer)]
        assert hooks.faults == {"p1": 1}

    def test_a_closed_hook_names_the_plugin(self, error, later):
        hooks = dispatcher(throwing("llmproxy_route", error, later=later))
        with pytest.raises(PluginFault, match=r"^The plugin 'p0' failed in llmproxy_route: ") as fault:
            now(hooks.first("llmproxy_route", None))
        assert (fault.value.status, hooks.faults) == (502, {"p0": 1})

    def test_a_listener_costs_its_line(self, error, later):
        seen = []
        hooks = dispatcher(listener(seen), throwing("llmproxy_log", error, later=later))
        hooks.tell(None, Event("ended"))
        assert (seen, hooks.faults) == (["ended"], {"p1": 1})

    def test_a_start_is_ended(self, error, later):
        with pytest.raises(StartError, match="'p0' failed in llmproxy_configure"):
            now(dispatcher(throwing("llmproxy_configure", error, later=later)).each("llmproxy_configure", None, None))


@pytest.mark.parametrize("later", [False, True])
def test_a_client_that_leaves_is_told_from_what_a_plugin_raises(later):
    """Only the first is passed on as it is: `pipeline/exchange.py` tells them apart by it."""
    box = []

    async def wait(self):
        if later:
            await succeed(None)
        await given_up_later(box)

    call, results = running(dispatcher(plugin("llmproxy_route", wait)))
    assert not results
    call.cancel()
    assert results[0].check(CancelledError)
