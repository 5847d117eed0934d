"""`proxy_daemon.use_cassette(FILE)`: as a decorator and in `with`, for functions and for coroutines.

The pytest plugin does the same by a marker, and finds the file itself. Called by tests.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from attrs import define, field

from proxy_daemon.in_tests.asked import Asked, asked, mode_here
from proxy_daemon.in_tests.cassette import CassetteInUse

Called = TypeVar("Called", bound=Callable[..., Any])


class CassetteFailure(AssertionError):
    """What was asked is not what was recorded, though the code under test went on. The message has the difference."""


def use_cassette(
    file: str | os.PathLike[str],
    *,
    mode: str | None = None,
    match_on: str | Sequence[str] | None = None,
    repeat: str | None = None,
    on_error_response: str | None = None,
    fail_on: str | Sequence[str] = (),
) -> UseCassette:
    """Record the LLM traffic of a test to a file, and replay it from there. See docs/testing.md.

        @proxy_daemon.use_cassette("tests/cassettes/chat.yaml")
        def test_chat(): ...

        with proxy_daemon.use_cassette("chat.yaml", mode="none") as cassette:
            client = openai.OpenAI()                # finds llmproxy by OPENAI_BASE_URL

    ``file``: from the current folder. ``mode``: off, once, new_episodes, none or all; $LLMPROXY_MODE comes first, and
    without either it is none where CI is set, else once. ``match_on``: the parts of a request that count; ``repeat``:
    sequence, exhaust, cycle, first, last or random:SEED; ``on_error_response``: skip, record or refuse. ``fail_on``:
    miss, unused, live, near besides refused and failed, which always fail; or nothing.

    Raises `CassetteFailure` at the end for what was refused, even when the code under test swallowed that error; an
    exception of its own comes first, with the difference as its note. Raises ValueError at once for wrong arguments.

    Several at a time, in threads or tasks, do not disturb each other where clients are made with
    `base_url=cassette.url_for("openai")`. Clients that read their variable find the cassette that was begun last: there
    is one environment for a process. A client that was made before keeps the address that it had.
    """
    said = mode_here(os.environ, mode)
    place = Path(file).absolute()
    rules = {"match_on": match_on, "repeat": repeat, "on_error_response": on_error_response, "fail_on": fail_on}
    return UseCassette(asked(place, said, **rules))


@define(eq=False)
class UseCassette:
    """What `use_cassette` gives: may be used many times, one after the other; decorated functions at once too."""

    asked: Asked
    _in_use: list[CassetteInUse] = field(factory=list, init=False)

    def __enter__(self) -> CassetteInUse:
        """Begin."""
        self._in_use.append(CassetteInUse.begin(self.asked, self.asked.file.stem))
        return self._in_use[-1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; raises `CassetteFailure`."""
        _end(self._in_use.pop(), error)

    async def __aenter__(self) -> CassetteInUse:
        """Begin, in a thread: other tasks go on."""
        self._in_use.append(await asyncio.to_thread(CassetteInUse.begin, self.asked, self.asked.file.stem))
        return self._in_use[-1]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; raises `CassetteFailure`."""
        await asyncio.to_thread(_end, self._in_use.pop(), error)

    def __call__(self, function: Called) -> Called:
        """As a decorator. Raises TypeError for what is no function, and for generators."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function) or inspect.isclass(function):
            raise TypeError(f"use_cassette: {function!r} is no function that can be wrapped: use `with` inside it")
        made: Any = _around_coroutine if inspect.iscoroutinefunction(function) else _around
        wrapped: Called = made(self.asked, function)
        return wrapped


def _around(asked: Asked, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with UseCassette(asked):
            return function(*args, **kwargs)

    return wrapped


def _around_coroutine(asked: Asked, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        async with UseCassette(asked):
            return await function(*args, **kwargs)

    return wrapped


def _end(cassette: CassetteInUse, error: BaseException | None) -> None:
    """Judge and release. Whatever happens, it is released."""
    try:
        text = cassette.told(unused=error is None).text
    finally:
        cassette.end()
    if text and error is None:
        raise CassetteFailure(text)
    if text and error is not None:
        error.add_note(text)
