"""The cassette of one pytest item: which file, in which mode, and what is said of it. Called by the pytest plugin."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, field, frozen

from proxy_daemon.cli.child import NotStarted
from proxy_daemon.cli.routes import WrongAddress
from proxy_daemon.in_tests.asked import (
    Asked,
    WrongArgument,
    asked,
    check_names,
    fail_on_of,
    mode_here,
)
from proxy_daemon.in_tests.cassette import CassetteInUse, Unusable
from proxy_daemon.in_tests.daemon import SHARED
from proxy_daemon.in_tests.place import file_of_pytest_recording, file_of_test


class Trouble(Exception):
    """Why the test cannot have its cassette."""


@frozen
class Settings:
    """Of the whole run. ``environ``: as it was at its beginning."""

    environ: Mapping[str, str] = field(repr=False)  # it holds keys
    fail_on: str = ""
    upstreams: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@define(eq=False)
class ItemsCassette:
    """From the item's set-up to its teardown."""

    NOTHING_ASKED: ClassVar[str] = (
        "Nothing was asked through llmproxy in this test. A client that was made before it began (in a module, or in a"
        " fixture of a wider scope) keeps the address that it had then: see docs/testing.md"
    )
    cassette: CassetteInUse
    nothing_asked: bool = False
    _text: str | None = field(default=None, init=False)  # None: not judged yet

    @classmethod
    def begin(
        cls,
        place: tuple[Path, Sequence[str], str],
        markers: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]],
        settings: Settings,
        *,
        called: str,
    ) -> ItemsCassette:
        """``place``: as `file_of_test` takes it; ``markers``: arguments, the closest first. Raises `Trouble`."""
        try:
            return cls(_begun(wanted(place, markers, settings), settings, Path(called).name))
        except WrongArgument as error:
            raise Trouble(f"llmproxy: {called}: {error}") from None
        except (NotStarted, Unusable, WrongAddress) as error:
            raise Trouble(f"llmproxy: no cassette can be used: {error}") from None

    def judged(self, *, passed: bool) -> str:
        """Why the test fails; empty: it does not. Asked once: what comes later is for `end`."""
        if self._text is None:
            try:
                told = self.cassette.told(unused=passed)
            except Unusable as error:
                self._text = f"llmproxy: there is no verdict: {error}"
            else:
                self._text, self.nothing_asked = told.text, told.nothing_asked
        return self._text

    def end(self) -> str:
        """Release it. Returns why the teardown fails: for what was asked after the test itself. Raises `Trouble`."""
        try:
            told = self.cassette.end()
        except Unusable as error:
            raise Trouble(f"llmproxy: {error}") from None
        return "" if self._text else told.text


def wanted(
    place: tuple[Path, Sequence[str], str],
    markers: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]],
    settings: Settings,
) -> Asked:
    """What the markers and the run ask for. Raises `WrongArgument`."""
    given: dict[str, Any] = {}
    for positional, named in reversed(markers):
        if positional:
            raise WrongArgument(f"the marker takes its arguments by name, not {positional[0]!r}")
        check_names(named)
        given |= named
    mode = given.pop("mode", None)
    if mode is not None:  # also where the environment overrules it: a wrong one is wrong everywhere
        asked(place[0], mode)
    mode = mode_here(settings.environ, mode)
    fail_on_of("llmproxy_fail_on", settings.fail_on)  # the error names this place
    given.setdefault("fail_on", settings.fail_on)
    return asked(_file(place, given.pop("cassette", None)), mode, **given)


def _file(place: tuple[Path, Sequence[str], str], cassette: Any) -> Path:
    """As it is named, from the folder of the test file; else by the rule."""
    if cassette is None:
        ours, before = file_of_test(*place), file_of_pytest_recording(*place)
        return before if os.path.isfile(before) and not ours.exists() else ours  # noqa: PTH113  (any name at all)
    if not isinstance(cassette, str | os.PathLike) or not str(cassette):
        raise WrongArgument(f"cassette: {cassette!r} is unknown: it is a file, from the folder of the test's file")
    return place[0].parent / cassette


def _begun(what: Asked, settings: Settings, called: str) -> CassetteInUse:
    SHARED.environ, SHARED.upstreams, SHARED.options = settings.environ, settings.upstreams, settings.options
    return CassetteInUse.begin(what, called)
