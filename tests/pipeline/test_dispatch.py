"""first, each and fold over values, coroutines and Deferreds, with each hook's fault policy and deadline."""

import pluggy
import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock

from proxy_daemon import hookspecs
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import CONTRACTS, Event, deadline, hookimpl
from proxy_daemon.pipeline.dispatch import ASYNCIO_HINT, Dispatcher
from proxy_daemon.pipeline.faults import PluginFault, StartError

HERE = parse_upstream("http://here/")
THERE = parse_upstream("http://there/")


def plugin(hook, function):
    """A plugin object with one implementation of one hook."""
    return type("Plugin", (), {hook: hookimpl(function)})()


def dispatcher(*plugins, clock=None, trace=None):
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for number, each in enumerate(plugins):
        manager.register(each, f"p{number}")
    return Dispatcher(manager, clock or Clock(), trace)


def now(coroutine):
    """The result, which must be there without waiting."""
    results, failures = [], []
    Deferred.fromCoroutine(coroutine).addCallbacks(results.append, failures.append)
    if failures:
        failures[0].raiseException()
    return results[0]


def route(value):
    return plugin("llmproxy_route", lambda self, exchange: value)


async def coroutine_of(value):
    return value


@pytest.mark.parametrize("wrap", [lambda v: v, coroutine_of, succeed], ids=["value", "coroutine", "deferred"])
class TestFirst:
    def test_the_last_registered_is_asked_first(self, wrap):
        hooks = dispatcher(route(HERE), plugin("llmproxy_route", lambda self, exchange: wrap(THERE)))
        assert now(hooks.first("llmproxy_route", None)) is THERE

    def test_none_passes_on(self, wrap):
        hooks = dispatcher(route(HERE), plugin("llmproxy_route", lambda self, exchange: wrap(None)))
        assert now(hooks.first("llmproxy_route", None)) is HERE

    def test_the_wrong_type_names_the_offender(self, wrap):
        hooks = dispatcher(plugin("llmproxy_route", lambda self, exchange: wrap("there")))
        with pytest.raises(PluginFault, match=r"'p0' failed in llmproxy_route.*returned str, where Upstream or None"):
            now(hooks.first("llmproxy_route", None))


def test_nobody_answers():
    assert now(dispatcher().first("llmproxy_route", None)) is None


class Change:
    """A transform, or an observer."""

    def piece(self, data):
        return data

    def end(self):
        return b""


def test_each_keeps_the_order_and_leaves_none_out():
    first, last = Change(), Change()
    plugins = [plugin("llmproxy_transform", lambda self, exchange, one=one: one) for one in (first, None, last)]
    assert now(dispatcher(*plugins).each("llmproxy_transform", None)) == [("p2", last), ("p0", first)]


@pytest.mark.parametrize(
    "made", ["text", object(), type("Half", (), {"piece": print})(), type("Odd", (), {"piece": 1, "end": 2})()]
)
def test_what_cannot_change_a_body_is_noticed_at_once(made):
    hooks = dispatcher(plugin("llmproxy_transform", lambda self, exchange: made))
    with pytest.raises(PluginFault, match=r"where an object with the methods piece and end or None is due"):
        now(hooks.each("llmproxy_transform", None))


def test_fold_hands_each_result_to_the_next_and_to_the_keeper():
    def grow(mark):
        def implementation(self, exchange, head):
            return ResponseHead(head.status, head.reason + mark)

        return plugin("llmproxy_response_head", implementation)

    kept = []
    hooks = dispatcher(grow(b"1"), grow(b"2"))
    result = now(hooks.fold("llmproxy_response_head", None, ResponseHead(200, b""), kept.append))
    assert result.reason == b"21"
    assert [head.reason for head in kept] == [b"2", b"21"]


def test_fold_ends_at_a_veto():
    asked = []
    veto = plugin("llmproxy_record", lambda self, exchange, recording: False)
    last = plugin("llmproxy_record", lambda self, exchange, recording: asked.append(recording))
    assert now(dispatcher(last, veto).fold("llmproxy_record", None, "recording")) is False
    assert asked == []


def test_an_implementation_gets_only_what_it_declares():
    seen = []
    first = plugin("llmproxy_log", lambda self, event: seen.append(event.kind))
    second = plugin("llmproxy_log", lambda self: seen.append("nothing"))
    now(dispatcher(first, second).each("llmproxy_log", None, Event("begun")))
    assert seen == ["nothing", "begun"]


def raising(hook):
    def implementation(self, exchange):
        raise KeyError("boom")

    return plugin(hook, implementation)


class TestFaults:
    def test_open_goes_on_with_the_next(self):
        observer = Change()
        hooks = dispatcher(plugin("llmproxy_observe", lambda self, exchange: observer), raising("llmproxy_observe"))
        assert now(hooks.each("llmproxy_observe", None)) == [("p0", observer)]
        assert hooks.faults == {"p1": 1}

    def test_closed_ends_the_exchange_and_names_the_plugin(self):
        hooks = dispatcher(raising("llmproxy_request"))
        with pytest.raises(PluginFault, match="'p0' failed in llmproxy_request: KeyError: 'boom'") as fault:
            now(hooks.fold("llmproxy_request", None, Request(b"GET", b"/")))
        assert fault.value.status == 502

    def test_stop_ends_the_start(self):
        def broken(self, settings):
            raise ValueError("no such file")

        with pytest.raises(StartError, match="'p0' failed in llmproxy_configure: ValueError: no such file"):
            now(dispatcher(plugin("llmproxy_configure", broken)).each("llmproxy_configure", None, None))

    def test_an_asyncio_mistake_names_the_remedy(self):
        def asyncio_code(self, exchange):
            raise RuntimeError("no running event loop")

        with pytest.raises(PluginFault, match="twistd --reactor=asyncio"):
            now(dispatcher(plugin("llmproxy_route", asyncio_code)).first("llmproxy_route", None))
        assert "--reactor=asyncio" in ASYNCIO_HINT

    def test_a_cancelled_exchange_is_not_the_plugins_fault(self):
        waiting = Deferred()
        hooks = dispatcher(plugin("llmproxy_route", lambda self, exchange: waiting))
        running = Deferred.fromCoroutine(hooks.first("llmproxy_route", None))
        failures = []
        running.addErrback(failures.append)
        running.cancel()
        assert failures[0].check(CancelledError)
        assert not hooks.faults


class TestDeadline:
    def hanging(self, function):
        clock = Clock()
        hooks = dispatcher(plugin("llmproxy_route", function), clock=clock)
        failures = []
        Deferred.fromCoroutine(hooks.first("llmproxy_route", None)).addErrback(failures.append)
        return clock, failures

    def test_the_hooks_own(self):
        clock, failures = self.hanging(lambda self, exchange: Deferred())
        clock.advance(CONTRACTS["llmproxy_route"].deadline - 1)
        assert not failures
        clock.advance(1)
        assert "no result within its deadline of 30 s" in failures[0].getErrorMessage()

    def test_an_implementations_own(self):
        clock, failures = self.hanging(deadline(0.5)(lambda self, exchange: Deferred()))
        clock.advance(0.5)
        assert "deadline of 0.5 s" in failures[0].getErrorMessage()

    def test_a_coroutine_that_hangs_is_cancelled(self):
        cleaned = []

        async def hang(self, exchange):
            try:
                await Deferred()
            finally:
                cleaned.append(True)

        clock, failures = self.hanging(hang)
        clock.advance(30)
        assert failures
        assert cleaned == [True]

    def test_what_is_there_already_starts_no_timer(self):
        clock = Clock()
        hooks = dispatcher(plugin("llmproxy_route", lambda self, exchange: succeed(HERE)), clock=clock)
        assert now(hooks.first("llmproxy_route", None)) is HERE
        assert clock.getDelayedCalls() == []


def test_a_wrapper_is_refused():
    def wrapper(self, exchange):
        yield

    wrapped = type("Plugin", (), {"llmproxy_route": hookimpl(wrapper=True)(wrapper)})()
    with pytest.raises(StartError, match="cannot be a wrapper"):
        dispatcher(wrapped)


def test_the_trace_shows_calls_and_results_but_no_contents():
    lines = []
    secret = Request(b"GET", b"/", Headers(((b"Authorization", b"Bearer sk-1"),)))
    hooks = dispatcher(plugin("llmproxy_request", lambda self, exchange: secret), trace=lines.append)
    now(hooks.fold("llmproxy_request", None, secret))
    assert lines == ["llmproxy_request [p0] NoneType -> Request"]
    assert "sk-1" not in lines[0]


def test_every_hook_has_a_contract():
    specified = {name for name in dir(hookspecs) if name.startswith("llmproxy_")}
    assert specified == set(CONTRACTS)
