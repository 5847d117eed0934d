"""Coroutines that wait for Deferreds, at the cost of a call where nobody else waits for the same.

Deferreds run chains of callbacks, and Twisted's coroutines put two functions into each; of an exchange that would be an
eighth of all. Here a `Promise` calls the one who waits for it, and a coroutine that need not wait has no Deferred.
Invariant: whoever treats a `Promise` as a Deferred, adds callbacks, cancels or pauses it, finds it to be one.
Called by `net/`, `pipeline/` and `store/`, on the way of an exchange; elsewhere Twisted's own serve as well.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from typing_extensions import TypeIs

T = TypeVar("T")
GoOn = Callable[[Any], None]


class Promise(Deferred[T]):
    """A Deferred for which mostly one waits: see `tell`."""

    _one: GoOn | None = None

    def callback(self, result: T | Failure) -> None:
        """As a Deferred's."""
        one = self._one
        if one is None or self._callbacks or self.paused or isinstance(result, Failure):
            self._get_in_line()
            super().callback(result)
            return
        self._one = self._canceller = None
        self.called = True
        self.result = result
        try:
            one(result)
        except BaseException:  # noqa: BLE001  (as with callbacks: it is nothing to who fires, and is logged at the end)
            failure = Failure()
            self.addBoth(lambda _: failure)

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """As a Deferred's."""
        self._get_in_line()
        super().errback(fail)

    def _get_in_line(self) -> None:
        """Who waits gets a callback, in front of those that came later."""
        if self._one is not None:
            call: Any = (self._one, (), {})
            self._one = None
            self._callbacks.insert(0, (call, call))


class Running(Promise[T]):
    """A coroutine that waits, as Twisted's `Deferred.fromCoroutine` has it: cancelling it cancels what it waits for."""

    def __init__(self, coroutine: Coroutine[Deferred[Any], Any, T], context: Context, awaited: Any) -> None:
        super().__init__()
        self._coroutine, self._context = coroutine, context
        self._wait(awaited)

    def cancel(self) -> None:
        """It gets a `CancelledError` where it waits, and may do with it what it likes."""
        if self.called:
            super().cancel()
        elif self._awaited is not None:
            self._awaited.cancel()

    def _wait(self, awaited: Any) -> None:
        self._awaited: Deferred[Any] | None = awaited
        if waits(awaited) or isinstance(awaited, Deferred):
            tell(awaited, self._go_on)
        else:
            self._go_on(awaited)  # as Twisted has it: who awaits what is no Deferred gets that itself

    def _go_on(self, result: Any) -> None:
        self._awaited = None
        try:
            if isinstance(result, Failure):
                awaited = self._context.run(result.throwExceptionIntoGenerator, self._coroutine)
            else:
                awaited = self._context.run(self._coroutine.send, result)
        except StopIteration as returned:
            value = returned.value
        except BaseException:  # noqa: BLE001  (as Twisted has it: the failure is looked at by who called)
            self.errback()
            return
        else:
            self._wait(awaited)
            return
        self.callback(value)  # out here: what it raises has nothing to do with that exception


_PROMISES = frozenset((Promise, Running))
_KINDS = _PROMISES | {Deferred}


def waits(found: T | Deferred[T]) -> TypeIs[Deferred[T]]:
    """Whether `begun` gave a Deferred. It has abstract parents, which makes `isinstance` ten times as dear."""
    return type(found) in _KINDS


def tell(awaited: Deferred[Any], go_on: GoOn) -> None:
    """``go_on`` gets the result or the failure of this, once: it is asked no more for it afterwards."""
    if awaited.called or awaited._callbacks or getattr(awaited, "_one", awaited) is not None:  # noqa: SLF001
        awaited.addBoth(go_on)
    else:  # a promise for which nobody waits
        awaited._one = go_on  # type: ignore[attr-defined]  # noqa: SLF001


def begun(coroutine: Coroutine[Deferred[Any], Any, T]) -> T | Deferred[T]:
    """What it returned; where it waits or has raised, what `Deferred.fromCoroutine` would give.

    As there, it runs in a context of its own (`contextvars`). What it awaits are Deferreds, or it does not wait.
    """
    context = copy_context()
    try:
        awaited = context.run(coroutine.send, None)
    except StopIteration as returned:
        return returned.value  # type: ignore[no-any-return]
    except BaseException:  # noqa: BLE001  (as above)
        return fail()
    return Running(coroutine, context, awaited)


def started(coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """As `begun`, and always a Deferred."""
    found = begun(coroutine)
    return found if waits(found) else succeed(found)
