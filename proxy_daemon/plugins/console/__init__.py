"""The console: what a person at the terminal sees (`telling.py`), and nothing at all where there is none.

Without a terminal, and with `--quiet`, none of it is even imported: the daemon starts quicker.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from proxy_daemon.core.messages import Exchange, ResponseHead
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import Event, Observer, events, hookimpl, only_where
from proxy_daemon.settings import Settings, SettingsError

if TYPE_CHECKING:
    from proxy_daemon.plugins.console.telling import Telling

TALK = "console.talk"  # the note with the conversation that is told
FORMS = ("chat", "lines")


def _is_told(_plugin: Any, exchange: Exchange) -> bool:
    return TALK in exchange.notes


class Console:
    """Writes to the standard output where that is a terminal."""

    telling: Telling | None = None  # None: nobody sees it

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Only a terminal gets anything."""
        form = _form(settings)
        output: TextIO | None = sys.__stdout__  # Twisted puts its own log in the place of sys.stdout
        if settings.quiet or output is None or not output.isatty():
            return
        from proxy_daemon.plugins.console.telling import Telling  # noqa: PLC0415  (see above)

        self.telling = Telling(settings, services, form, output)

    @hookimpl
    @events("matched", "explained", "ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """Conversations begin and end, and lines are due."""
        if self.telling is not None:
            self.telling.happened(exchange, event)

    @hookimpl
    @only_where(_is_told)
    def llmproxy_response_head(self, exchange: Exchange, head: ResponseHead) -> None:
        """Of conversations that are told."""
        if self.telling is not None:
            self.telling.answered(exchange, head)

    @hookimpl
    @only_where(_is_told)
    def llmproxy_observe(self, exchange: Exchange) -> Observer | None:
        """Only of conversations that are told."""
        talk: Observer = exchange.notes[TALK]
        return talk


def _form(settings: Settings) -> str:
    """The table `[plugins.console]`. Raises SettingsError."""
    table = settings.plugin_settings.get("console", {})
    form = table.get("form", FORMS[0])
    if set(table) - {"form"} or form not in FORMS:
        raise SettingsError(f"[plugins.console]: it may hold form, which is one of {', '.join(FORMS)}")
    return str(form)
