"""Reading the settings again (SIGHUP). What is wrong in them changes nothing; what cannot be changed now is named.

Made by `tap.py`, called by `net.service`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import evolve
from twisted.logger import Logger

from proxy_daemon.core.services import Life
from proxy_daemon.settings import OPTIONS, Settings, SettingsError

log = Logger()

RELOADABLE = (*(name for name, (_, option) in OPTIONS.items() if option.reload), "client_tokens")
# Settings that are no options.
_TABLES = {"client_tokens": "[client-tokens]", "plugin_settings": "[plugins]", "redact": "[[redact]]"}


class Reloader:
    """``read`` reads all layers of settings anew; ``apply`` hands them to the parts. Both may raise `SettingsError`."""

    def __init__(
        self,
        settings: Settings,
        life: Life,
        read: Callable[[], Settings],
        apply: Callable[[Settings], Awaitable[None]],
    ) -> None:
        self.settings = settings  # those that hold
        self._life = life
        self._read = read
        self._apply = apply

    @property
    def trouble(self) -> str:
        """What is wrong with the settings, to be put behind a sentence; empty where nothing is."""
        return f"; settings not read again: {self._life.unread}" if self._life.unread else ""

    async def reload(self) -> str:
        """Take over what is reloadable. Gives what has changed, in words; where nothing could, it logs why."""
        try:
            found = self._read()
            settings = evolve(self.settings, **{name: getattr(found, name) for name in RELOADABLE})
            await self._apply(settings)
        except SettingsError as error:
            self._life.unread = str(error)
            log.warn("reload: the settings stay as they were: {error}", error=self._life.unread)  # noqa: G010  (Twisted's)
            return ""
        before, self.settings = self.settings, settings
        self._life.unread = ""
        return _told(before, found)


def _told(before: Settings, found: Settings) -> str:
    """What is different, in words."""
    changed = [name for name in (*OPTIONS, *_TABLES) if getattr(before, name) != getattr(found, name)]
    taken = [_key(name) for name in changed if name in RELOADABLE]
    later = [_key(name) for name in changed if name not in RELOADABLE]
    parts = [f"changed {', '.join(taken)}"] if taken else []
    parts += [f"only a restart changes {', '.join(later)}"] if later else []
    return "; ".join(parts) or "no setting has changed; files were read and opened again"


def _key(name: str) -> str:
    return _TABLES.get(name) or name.replace("_", "-")
