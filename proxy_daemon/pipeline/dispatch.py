"""Calls hook implementations: first, each and fold, over values, coroutines and Deferreds.

pluggy finds and orders the implementations; it cannot await them (its `firstresult` stops at the first coroutine
object), so the calls are made here, by the contract of each hook in `hookspecs.py`. The functions are bound once, at
the start: a hook without implementations costs one look into a dictionary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

import pluggy
from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.logger import Logger
from twisted.python.failure import Failure

from proxy_daemon.core.messages import Exchange, Recording, id_text
from proxy_daemon.hookspecs import CONTRACTS, Contract, Event
from proxy_daemon.pipeline.faults import PluginFault, StartError
from proxy_daemon.pipeline.ports import Timer
from proxy_daemon.settings import SettingsError

log = Logger()

SHAPING = ("llmproxy_response_head", "llmproxy_transform", "llmproxy_observe")  # what has a hand in what clients get
CONDITIONAL = ("llmproxy_request", *SHAPING)  # what may say where it is called (`only_where`)
ASYNCIO_HINT = "; asyncio code in a plugin needs the asyncio reactor: twistd --reactor=asyncio llmproxy ..."
ASYNCIO_MARKS = ("no running event loop", "await wasn't used with future")


@frozen(slots=False)
class Call:
    """One implementation, ready to be called with all arguments of its hook, in order."""

    plugin: str
    function: Callable[..., Any]
    deadline: float
    events: tuple[str, ...] = ()  # the kinds that it is told of; none: all
    wanted: partial[bool] | None = None  # whether it is called for an exchange; None: for each


@frozen(slots=False)
class Hook:
    """A hook and its implementations, in the order in which they are called."""

    name: str
    contract: Contract
    arguments: int
    calls: tuple[Call, ...]


@frozen
class _Wish:
    """Whether any of some implementations is wanted. ``always``: one of them says nothing of that."""

    always: bool
    asked: tuple[partial[bool], ...]

    @classmethod
    def of(cls, calls: Sequence[Call]) -> _Wish:
        """Each plugin is asked once, also where it says the same of several hooks."""
        asked = {(call.plugin, call.wanted.func): call.wanted for call in calls if call.wanted is not None}
        return cls(any(call.wanted is None for call in calls), tuple(asked.values()))

    def holds(self, exchange: Exchange) -> bool:
        """For this exchange."""
        if self.always:
            return True
        for wanted in self.asked:
            try:
                if wanted(exchange):
                    return True
            except BaseException:  # noqa: BLE001  (whatever a plugin raises: it is judged where the hook is called)
                return True
        return False


class Dispatcher:
    """Calls the hooks of one plugin manager. ``faults`` counts the faults of each plugin."""

    def __init__(self, manager: pluggy.PluginManager, timer: Timer, trace: Callable[[str], None] | None = None) -> None:
        self._timer = timer
        self._trace = trace
        self._hooks = {name: self._bind(manager, name, contract) for name, contract in CONTRACTS.items()}
        self.faults: Counter[str] = Counter()
        self._listeners: dict[str, tuple[Call, ...]] = {}
        self._shaping = _Wish.of([call for name in SHAPING for call in self._hooks[name].calls])
        self._requesting = _Wish.of(self._hooks["llmproxy_request"].calls)

    def has(self, name: str) -> bool:
        """Whether any plugin implements the hook."""
        return bool(self._hooks[name].calls)

    def shapes(self, exchange: Exchange) -> bool:
        """Whether any plugin has a hand in what the client of this exchange gets."""
        return self._shaping.holds(exchange)

    def changes_request(self, exchange: Exchange) -> bool:
        """Whether any plugin wants to see the request of this exchange before it goes on."""
        return self._requesting.holds(exchange)

    async def first(self, name: str, *args: Any) -> Any:
        """The first result that is not None, or None."""
        hook = self._hooks[name]
        for call in hook.calls:
            result = self._returned(hook, call, args)
            if result is not None and (result := await self._finish(hook, call, result)) is not None:
                return result
        return None

    async def each(self, name: str, *args: Any) -> list[tuple[str, Any]]:
        """(plugin, result) for each result that is not None."""
        hook = self._hooks[name]
        results = []
        for call in hook.calls:
            result = self._returned(hook, call, args)
            if result is not None and (result := await self._finish(hook, call, result)) is not None:
                results.append((call.plugin, result))
        return results

    def tell(self, exchange: Exchange, event: Event) -> None:
        """`llmproxy_log`, by a plain loop: it returns nothing and is called several times an exchange.

        A coroutine or Deferred is left to itself; its fault is logged.
        """
        calls = self._listeners.get(event.kind)
        for call in self._listening(event.kind) if calls is None else calls:
            try:
                result = call.function(exchange, event)
            except BaseException as error:  # noqa: BLE001  (whatever a plugin raises is the plugin's fault)
                self.fault(call.plugin, "llmproxy_log", error)
                continue
            if result is not None:
                Deferred.fromCoroutine(self._finish(self._hooks["llmproxy_log"], call, result))

    def _listening(self, kind: str) -> tuple[Call, ...]:
        """Who wants to be told of this kind of event; found once."""
        calls = tuple(call for call in self._hooks["llmproxy_log"].calls if not call.events or kind in call.events)
        self._listeners[kind] = calls
        return calls

    async def fold(self, name: str, exchange: Any, value: Any, keep: Callable[[Any], None] | None = None) -> Any:
        """The last result; each implementation is given (exchange, the result so far). A `False` ends it.

        ``keep`` is called with each new result, where the hook's implementations find it in the exchange.
        """
        hook = self._hooks[name]
        for call in hook.calls:
            result = self._returned(hook, call, (exchange, value)[: hook.arguments])
            if result is None or (result := await self._finish(hook, call, result)) is None:
                continue
            value = result
            if keep is not None:
                keep(value)
            if value is False:
                break
        return value

    def fault(self, plugin: str, hook: str, error: BaseException) -> PluginFault:
        """Log and count what a plugin did wrong, from within the `except` that caught it.

        Returns the exception to raise where the hook fails closed.
        """
        reason = _reason(error)
        self.faults[plugin] += 1
        log.failure("plugin {plugin} failed in {hook}: {reason}", plugin=plugin, hook=hook, reason=reason)
        return PluginFault(plugin, hook, reason)

    def _returned(self, hook: Hook, call: Call, args: tuple[Any, ...]) -> Any:
        """What it returns at once: where that is not None, `_finish` makes the result of it."""
        try:
            return call.function(*args)
        except BaseException as error:  # noqa: BLE001  (whatever a plugin raises is the plugin's fault, SystemExit too)
            return self._judge(hook, call, error)

    async def _finish(self, hook: Hook, call: Call, result: Any) -> Any:
        """Await what has to be awaited, and check what came."""
        try:
            if hasattr(result, "__await__"):
                result = await self._in_time(result, call.deadline)
            if result is not None:
                _check(hook.contract, result)
        except (CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001  (as above; asyncio's CancelledError is one of these)
            return self._judge(hook, call, error)
        return result

    def _judge(self, hook: Hook, call: Call, error: BaseException) -> None:
        """By the hook's fault policy: return for open, raise for the others."""
        if hook.contract.may_refuse and isinstance(error, SettingsError):
            raise SettingsError(f"plugin {call.plugin!r}: {error}") from error
        if hook.contract.policy == "stop" and isinstance(error, SettingsError):
            raise StartError(f"plugin {call.plugin!r}: {error}") from error
        fault = self.fault(call.plugin, hook.name, error)
        if hook.contract.policy == "closed":
            raise fault from error
        if hook.contract.policy == "stop":
            raise StartError(fault.message) from error

    async def _in_time(self, awaitable: Awaitable[Any], seconds: float) -> Any:
        """Await it, but not longer. A Deferred whose result is there already needs no timer."""
        if not isinstance(awaitable, Deferred):
            awaitable = Deferred.fromCoroutine(_awaited(awaitable))
        if not awaitable.called or awaitable.paused:
            awaitable.addTimeout(seconds, cast(Any, self._timer))
        left: list[bool] = []
        try:
            return await _watched(awaitable, left)
        except DeferredTimeoutError:
            raise TimeoutError(f"no result within its deadline of {seconds:g} s") from None
        except CancelledError:
            if left:
                raise
            raise RuntimeError("what it returned was cancelled, and not by the exchange") from None

    def _bind(self, manager: pluggy.PluginManager, name: str, contract: Contract) -> Hook:
        caller = getattr(manager.hook, name)
        names = tuple(caller.spec.argnames)
        calls = [self._call(impl, name, names, contract) for impl in reversed(caller.get_hookimpls())]
        return Hook(name, contract, len(names), tuple(calls))

    def _call(self, impl: pluggy.HookImpl, hook: str, names: tuple[str, ...], contract: Contract) -> Call:
        if impl.hookwrapper or impl.wrapper:
            raise StartError(f"plugin {impl.plugin_name!r}: {hook} cannot be a wrapper, its results may be awaitables")
        function = _taking_all(impl.function, tuple(impl.argnames), names)
        wanted = _wanted(impl, hook)
        if wanted is not None:
            function = _only_where(wanted, function)
        if self._trace is not None:
            function = _traced(function, hook, impl.plugin_name, self._trace)
        deadline = getattr(impl.function, "llmproxy_deadline", contract.deadline)
        return Call(impl.plugin_name, function, deadline, getattr(impl.function, "llmproxy_events", ()), wanted)


def _taking_all(function: Callable[..., Any], taken: tuple[str, ...], given: tuple[str, ...]) -> Callable[..., Any]:
    """The function, made to take all arguments of the hook; it gets those that it declares."""
    places = [given.index(name) for name in taken]
    if places == list(range(len(given))):
        return function
    if places == [0]:
        return lambda *args: function(args[0])
    if places == [0, 1]:
        return lambda *args: function(args[0], args[1])
    return lambda *args: function(*[args[place] for place in places])


def _wanted(impl: pluggy.HookImpl, hook: str) -> partial[bool] | None:
    """What `only_where` says of an implementation, for its plugin."""
    mark = getattr(impl.function, "llmproxy_only_where", None)
    if mark is None:
        return None
    if hook not in CONDITIONAL:
        raise StartError(f"plugin {impl.plugin_name!r}: {hook} cannot have only_where, just {', '.join(CONDITIONAL)}")
    return partial(mark, impl.plugin)


def _only_where(wanted: Callable[[Exchange], bool], function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda exchange, *args: function(exchange, *args) if wanted(exchange) else None


def _traced(function: Callable[..., Any], hook: str, plugin: str, write: Callable[[str], None]) -> Callable[..., Any]:
    def traced(*args: Any) -> Any:
        try:
            result = function(*args)
        except BaseException as error:
            write(f"{hook} [{plugin}] raised {error!r}")
            raise
        write(f"{hook} [{plugin}] {', '.join(_short(arg) for arg in args)} -> {_short(result)}")
        return result

    return traced


def _short(value: Any) -> str:
    """A value in a trace: never a body or a header, which may hold secrets."""
    identity = getattr(value, "kind", None) or getattr(value, "status", None)
    if isinstance(value, (Exchange, Recording)):
        identity = id_text(value.id)
    return type(value).__name__ if identity is None else f"{type(value).__name__}({identity})"


def _check(contract: Contract, result: Any) -> None:
    if contract.methods and not all(callable(getattr(result, name, None)) for name in contract.methods):
        expected = " and ".join(contract.methods)
        raise TypeError(f"returned {type(result).__name__}, where an object with the methods {expected} or None is due")
    if (contract.result and not isinstance(result, contract.result)) or result is True:
        expected = " or ".join(kind.__name__ for kind in contract.result) or "something else"
        raise TypeError(f"returned {type(result).__name__}, where {expected} or None is due")


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text + ASYNCIO_HINT if any(mark in text for mark in ASYNCIO_MARKS) else text


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _watched(awaitable: Deferred[Any], left: list[bool]) -> Deferred[Any]:
    """The same result. ``left`` fills where the exchange is cancelled, and not only what the plugin returned."""

    def cancel(_: Deferred[Any]) -> None:
        left.append(True)
        awaitable.cancel()

    watched: Deferred[Any] = Deferred(cancel)
    awaitable.addErrback(_no_exit).chainDeferred(watched)
    return watched


def _no_exit(failure: Failure) -> Failure:
    """A plugin's GeneratorExit must not be taken for the end of the coroutine that awaits it."""
    if failure.check(GeneratorExit):
        raise RuntimeError("it raised GeneratorExit") from None
    return failure
