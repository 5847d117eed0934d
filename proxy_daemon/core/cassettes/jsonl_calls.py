"""Ids of calls in a line for datasets, where the API gives none: a result must say which call it is the result of.

Invariant: an id that the API gave stays; one that is made is no other's of the same talk, and a result without an id
gets that of the first call of its tool that has no result yet. Called by `jsonl_writing.py`.

Source: Google's `functionCall` and `functionResponse`, Ollama's `tool_calls` and `tool_name`: they match by name and
order.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from itertools import count

from proxy_daemon.core.conversation import Part, ToolCall, ToolResult


class CallIds:
    """Of one talk. To be asked in its order."""

    def __init__(self, parts: Iterable[Part]) -> None:
        """``parts``: all of the talk, for the ids that are taken."""
        self._taken = {part.id for part in parts if isinstance(part, ToolCall | ToolResult)}
        self._numbers = count()
        self._open: OrderedDict[str, None] = OrderedDict()  # made ids of calls without a result
        self._named: dict[str, deque[str]] = {}  # the same by the tool's name; some of them have a result by now

    def of_call(self, call: ToolCall) -> str:
        """Its own, or a new one."""
        if call.id:
            return call.id
        made = self._new()
        self._open[made] = None
        self._named.setdefault(call.name, deque()).append(made)
        return made

    def of_result(self, result: ToolResult) -> str:
        """Its own, that of its call, or a new one where no call is there."""
        if result.id:
            return result.id
        waiting = self._named.get(result.name, deque()) if result.name else deque(self._first())
        while waiting:
            found = waiting.popleft()
            if found in self._open:
                del self._open[found]
                return found
        return self._new()

    def _first(self) -> list[str]:
        """Of a result that names no tool. `OrderedDict` finds it at once, however many went before."""
        return [next(iter(self._open))] if self._open else []

    def _new(self) -> str:
        return next(made for made in (f"call_{number}" for number in self._numbers) if made not in self._taken)
