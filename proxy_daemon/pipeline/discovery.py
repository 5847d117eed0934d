"""Finds plugins and registers them: the built-in ones, entry points of the group "llmproxy", modules and files.

All come through the same door. Built-ins are registered first, so third parties' implementations are called before
them. A plugin that cannot be loaded stops the start with one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

import pluggy

from proxy_daemon import hookspecs
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.settings.plugin_places import NotLoaded, imported, loaded, plugin_name


class _Manager(pluggy.PluginManager):
    """It looks at each attribute of a plugin, at those of `object` too, which takes most of its time."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """None for what is no hook."""
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


def load_plugins(
    built_in: Sequence[tuple[str, Any]], extra: Sequence[str], blocked: Sequence[str]
) -> pluggy.PluginManager:
    """A manager with all plugins registered. ``extra``: module names or paths of .py files. Raises `StartError`."""
    manager = _Manager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in blocked:
        manager.set_blocked(name)
    for name, plugin in built_in:
        _register(manager, name, plugin)
    for point in entry_points(group=hookspecs.PROJECT):
        if not manager.is_blocked(point.name):
            _register(manager, point.name, _loaded(point.name, point.load))
    for place in extra:
        _register(manager, plugin_name(place), _loaded(place, lambda place=place: imported(place)))
    _check_names(manager)
    _check_blocked(blocked, {*(name for name, _ in built_in), *map(plugin_name, extra), *_names(manager)})
    return manager


def _register(manager: pluggy.PluginManager, name: str, plugin: Any) -> None:
    if manager.has_plugin(name):
        raise StartError(f"two plugins are called {name!r}; rename one, or block it with --block-plugin {name}")
    try:
        manager.register(plugin, name)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise StartError(f"plugin {name!r}: {error}".replace("\n", " ")) from error
    if manager.has_plugin(name) and not manager.get_hookcallers(plugin):
        raise StartError(f"plugin {name!r} has no hook: is there a @hookimpl above a function of a hook's name?")


def _check_blocked(blocked: Sequence[str], known: set[str]) -> None:
    """A misspelt name would leave the plugin in."""
    if not blocked:  # as mostly: all that is installed is searched for entry points
        return
    known |= {point.name for point in entry_points(group=hookspecs.PROJECT)}
    for name in blocked:
        if name not in known:
            raise StartError(f"--block-plugin {name}: no plugin is called so; there are {', '.join(sorted(known))}")


def _names(manager: pluggy.PluginManager) -> list[str]:
    return [name for name, plugin in manager.list_name_plugin() if plugin is not None]


def _check_names(manager: pluggy.PluginManager) -> None:
    """A misspelt hook must not be silently never called."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise StartError(f"{error}".replace("\n", " ") + "; docs/plugins.md lists the hooks") from error


def _loaded(name: str, load: Any) -> Any:
    try:
        return loaded(name, load)
    except NotLoaded as error:
        raise StartError(str(error)) from error
