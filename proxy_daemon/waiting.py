"""Runs a coroutine as far as it goes without waiting: most need not wait, and so need no Deferred.

Deferreds let themselves be asked again: a coroutine that waits for one asks it anew when it is gone on with too early.
Called by `net/front.py` and `keeping.py`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail

T = TypeVar("T")


def begun(coroutine: Coroutine[Deferred[Any], Any, T]) -> T | Deferred[T]:
    """What it returned; where it waits or has raised, what `Deferred.fromCoroutine` would give.

    As there, it runs in a context of its own (`contextvars`). What it awaits are Deferreds, or it does not wait.
    """
    context = copy_context()
    try:
        context.run(coroutine.send, None)
    except StopIteration as returned:
        return returned.value  # type: ignore[no-any-return]
    except BaseException:  # noqa: BLE001  (as Twisted has it: the failure is looked at by who called)
        return fail()
    return context.run(Deferred.fromCoroutine, coroutine)
