"""Opens the cassettes that the settings, or a request, name: in which format, by which rules they are found.

Invariant: a cassette is found in live requests by the keys by which its recordings were read (`Opened.matcher`).
Called by `tap.py`, which hands over all that belongs to the machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.fingerprint import PROMPTECHO as PROMPTECHO_KEYS
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.modes import MODES, ONCE
from proxy_daemon.core.numbered import NumberedRequests
from proxy_daemon.core.services import Clock, Store
from proxy_daemon.core.shelves import Binding, Shelf, Unavailable
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.pipeline.shelves import JSON, YAML, Opened, Shelves
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of

if TYPE_CHECKING:
    from proxy_daemon.store.cassette.cassette import Cassette, Reading

_MOST_TOLD = 5
OURS, PROMPTECHO, ASGI_REPLAY = "llmproxy", "promptecho", "asgi-replay"


@frozen(eq=False)
class Opener:
    """``run`` calls in a thread, ``call_in_reactor`` on the reactor thread; ``tell`` is for lines of the log."""

    settings: Settings
    dialects: Sequence[Dialect]
    clock: Clock
    run: Callable[..., Awaitable[Any]]
    call_in_reactor: Callable[..., None]
    tell: Callable[[str], None]

    def shelves(self, store: Store) -> Shelves:
        """All of them; the cassette of the settings is opened. Raises `SettingsError`, `StartError`. Blocks."""
        settings = self.settings
        _check(settings)
        mode = MODES["none"] if settings.mode == ONCE else MODES[settings.mode]
        shelves = Shelves(
            Shelf(store, mode),
            settings.cassette_dir,
            settings.mode,
            lambda binding: self.run(self.opened, binding),
            JSON if settings.cassette_format == ASGI_REPLAY else YAML,
            settings.increment,
        )
        if settings.cassette:
            try:
                shelves.adopt(self.opened(Binding(settings.cassette)), settings.cassette)
            except Unavailable as error:
                raise StartError(f"--cassette {error}") from error
        return shelves

    def opened(self, binding: Binding) -> Opened:
        """The file, read; may run in a thread. Raises `Unavailable`."""
        matcher = self._matcher(binding)
        cassette = self._cassette(binding, matcher)
        cassette.on_trouble = cassette.on_notice = self.tell
        if cassette.foreign:  # it is only read
            cassette.on_trouble = lambda trouble: self.tell(trouble or f"{binding.file} can be read again")
        damaged = (f"{one.line}: {one.reason}" for one in cassette.damaged)
        for line in (cassette.notice, *damaged, *_not_served(cassette)):
            if line:
                self.call_in_reactor(self.tell, f"{binding.file}: {line}")
        return Opened(cassette, not cassette.empty_at_start, lambda: self.run(cassette.close), matcher)

    def _matcher(self, binding: Binding) -> Matcher | None:
        """None: the settings'. promptecho's files hold requests as it compares them: only its own keys find them."""
        if self.settings.cassette_format != PROMPTECHO:
            return binding.matcher
        return evolve(binding.matcher or Matcher.of(self.settings), keys=PROMPTECHO_KEYS)

    def _cassette(self, binding: Binding, matcher: Matcher | None) -> Cassette:
        from proxy_daemon.store.cassette.cassette import (  # noqa: PLC0415  (many use none: a quick start)
            Cassette,
            CassetteError,
        )

        form, reading = self.settings.cassette_format, self._reading(binding, matcher)
        try:
            if form == OURS:
                return Cassette.open(binding.file, reading, call_in_reactor=self.call_in_reactor)
            from proxy_daemon.store.cassette.foreign_cassette import ForeignCassette  # noqa: PLC0415  (as above)

            call, increment = self.call_in_reactor, self.settings.increment
            return ForeignCassette.open_as(form, binding.file, reading, call_in_reactor=call, increment=increment)
        except CassetteError as error:
            raise Unavailable(500, str(error)) from error

    def _reading(self, binding: Binding, matcher: Matcher | None) -> Reading:
        from proxy_daemon.store.cassette.cassette import Reading  # noqa: PLC0415  (as above)
        from proxy_daemon.store.cassette.recognised import Recognised  # noqa: PLC0415  (as above)

        settings = self.settings
        redactor = NumberedRequests(redactor_of(settings).rules)
        return Reading(
            Ids(self.clock),
            binding.mode or settings.mode,
            Recognised(matcher or Matcher.of(settings), self.dialects, redactor),
            Adopter(dialects=self.dialects, record_errors=True, record_broken=True, redactor=redactor),
            tolerate_damage=settings.tolerate_damage,
            force=settings.force,
        )


def _not_served(cassette: Cassette) -> list[str]:
    """Of a file of another tool: which entries no request is answered from, and why; the first of many."""
    lines = [f"its entry {one.entry} is not served: {one.reason}" for one in cassette.left_out]
    more = len(lines) - _MOST_TOLD
    return lines if more <= 0 else [*lines[:_MOST_TOLD], f"{more} more of its entries are not served"]


def _check(settings: Settings) -> None:
    """What no cassette can have. Raises `SettingsError`."""
    if settings.mode == ONCE and not settings.cassette and not settings.cassette_dir:
        raise SettingsError("mode once belongs to cassettes: give --cassette or --cassette-dir, or another --mode")
    if settings.increment and settings.cassette_format != ASGI_REPLAY:
        raise SettingsError(
            f"--increment: one file for each exchange is made with --cassette-format {ASGI_REPLAY} only"
        )
