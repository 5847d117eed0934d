"""Binds files to names, for as long as a test runs, by `/_llmproxy/api/cassettes`: PUT binds, DELETE releases.

    PUT ?name=NAME&file=/path/of/a.yaml[&mode=][&repeat=][&match_on=][&on_error_response=]

A request then names the cassette by `/_llmproxy/cassette/NAME/...` or `X-LLMProxy-Cassette`. Used by the pytest plugin;
the page answers this machine and the admin's token only, as all below `/_llmproxy/` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy_daemon.core.cassettes import is_talk
from proxy_daemon.core.matching.counting.match_on import parse_match_on
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.matching.sequence import parse_repeat
from proxy_daemon.core.modes import NAMES
from proxy_daemon.core.routing import CASSETTE_NAME
from proxy_daemon.core.services import Services
from proxy_daemon.core.shelves import Binding, Unavailable
from proxy_daemon.hookspecs import JsonPage, hookimpl
from proxy_daemon.settings import Settings

PARAMETERS = ("name", "file", "mode", "repeat", "match_on", "on_error_response")
_MODES = {True: "none", False: ""}  # of talks, and of what may be recorded, where none is given
ON_ERROR = ("skip", "record", "refuse")


class Cassettes:
    """The page."""

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Keep the shelves, and show their numbers."""
        self._settings, self._shelves = settings, services.shelves
        services.facts["cassettes"] = services.shelves.stats

    @hookimpl
    def llmproxy_resources(self) -> dict[str, Any]:
        """One page."""
        return {"api/cassettes": JsonPage({"GET": self.shown, "PUT": self.bind, "DELETE": self.release})}

    def shown(self, parameters: Mapping[str, str]) -> tuple[int, Any]:
        """GET: the open cassettes by their names."""
        return 200, self._shelves.stats()

    async def bind(self, parameters: Mapping[str, str]) -> tuple[int, Any]:
        """PUT: open a file under a name; answers with what is in it."""
        try:
            shelf = await self._shelves.bind(parameters.get("name", ""), self._binding(parameters))
        except ValueError as error:
            return 400, {"error": str(error)}
        except Unavailable as error:
            return error.status, {"error": str(error)}
        return 200, {"mode": shelf.mode.name, "forwards": shelf.mode.forwards}

    async def release(self, parameters: Mapping[str, str]) -> tuple[int, Any]:
        """DELETE: write what waits, and forget the name."""
        await self._shelves.release(parameters.get("name", ""))
        return 200, {}

    def _binding(self, parameters: Mapping[str, str]) -> Binding:
        """Raises ValueError, with what is wrong."""
        if unknown := sorted(set(parameters) - set(PARAMETERS)):
            raise ValueError(f"there is no parameter {unknown[0]}: there are {', '.join(PARAMETERS)}")
        if CASSETTE_NAME.match(parameters.get("name", "").encode()) is None:
            raise ValueError("name must be letters, digits, `.`, `-` and `_`")
        if not Path(parameters.get("file", "")).is_absolute():
            raise ValueError("file must be an absolute path: the daemon's own directory is another one")
        repeat, match_on = parameters.get("repeat"), parameters.get("match_on")
        return Binding(
            parameters["file"],
            _one_of("mode", parameters.get("mode", _MODES[is_talk(parameters["file"])]), ("", *NAMES)),
            None if match_on is None else self._matcher(match_on),
            None if repeat is None else parse_repeat(repeat),
            _one_of("on_error_response", parameters.get("on_error_response", ""), ("", *ON_ERROR)) or None,
        )

    def _matcher(self, match_on: str) -> Matcher:
        settings = self._settings
        stamps = (*(stamp for named in settings.volatile for stamp in named), *settings.stamps)
        return Matcher(parse_match_on(match_on), (), stamps, settings.match_keys)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is unknown: one of {', '.join(filter(None, known))}")
    return value
