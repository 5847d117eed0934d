"""What plugins add to the commands that read recordings: formats of files, and dialects. Without the daemon's pipeline.

Plugins are found as the daemon finds them: entry points of the group "llmproxy", and `--plugin`. Called by `import`,
`export` and `show`. Only two hooks are ever called here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pluggy

from proxy_daemon import hookspecs
from proxy_daemon.core.cassettes import Format
from proxy_daemon.core.cassettes.formats import BUILT_IN as FORMATS
from proxy_daemon.core.cassettes.llmproxy import LlmproxyCassette
from proxy_daemon.core.cassettes.wiremock.format import WireMock
from proxy_daemon.core.cassettes.writers import Writer, writers_in
from proxy_daemon.core.dialects import BUILT_IN as DIALECTS
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.settings import Settings
from proxy_daemon.settings.plugin_places import NotLoaded, imported, loaded, plugin_name
from proxy_daemon.store.cassette.beside import Beside
from proxy_daemon.store.cassette.stub_files import stub_files


class PluginError(Exception):
    """One line: which plugin, what is wrong."""


class Extensions:
    """All plugins of some settings, loaded. Raises `PluginError`."""

    def __init__(self, settings: Settings) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for name, load in _places(settings):
            self._register(name, load)

    def formats(self) -> Sequence[Format]:
        """Those of plugins, then the built-in ones. Raises `PluginError`."""
        added = (each for each in self._all("llmproxy_formats") if hasattr(each, "recognises"))
        return [*added, LlmproxyCassette(_beside), WireMock(stub_files), *FORMATS]

    def writers(self) -> Sequence[Writer]:
        """What plugins add to `WRITERS` (`core/cassettes/writers.py`). Raises `PluginError`."""
        return writers_in(self._all("llmproxy_formats"))

    def dialects(self) -> Sequence[Dialect]:
        """As the daemon asks them. Raises `PluginError`."""
        return [*self._all("llmproxy_dialects"), *DIALECTS]

    def _register(self, name: str, load: Any) -> None:
        try:
            plugin = loaded(name, load)
        except NotLoaded as error:
            raise PluginError(str(error)) from error
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(_line(name, "cannot be loaded", error)) from error

    def _all(self, hook: str) -> list[Any]:
        """What every plugin gives, third parties' in the daemon's order."""
        found: list[Any] = []
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            name = implementation.plugin_name
            try:
                given = implementation.function()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # `sys.exit` would end the command as if all were done
                raise PluginError(_line(name, f"failed in {hook}", error)) from error
            if not isinstance(given, list | tuple | None):
                raise PluginError(f"plugin {name!r} failed in {hook}: returned {type(given).__name__}")
            found += given or ()
        return found


def _places(settings: Settings) -> Iterator[tuple[str, Any]]:
    """(name, what loads it) of each plugin that is not blocked."""
    for point in entry_points(group=hookspecs.PROJECT):
        if point.name not in settings.block_plugin:
            yield point.name, point.load
    for place in settings.plugin:
        name = plugin_name(place)
        if name not in settings.block_plugin:
            yield name, lambda place=place: imported(place)


def _beside(file: str) -> Beside:
    """The files beside a cassette of ours: those of its own directory."""
    return Beside(str(Path(file).parent))


def _line(name: str, what: str, error: BaseException) -> str:
    return f"plugin {name!r} {what}: {type(error).__name__}: {error}".replace("\n", " ")
