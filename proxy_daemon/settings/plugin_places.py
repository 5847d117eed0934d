"""Where a plugin of `--plugin` stands, what it is called, and its code: for the daemon and for the other commands.

Called by `pipeline/discovery.py` and `cli/extensions.py`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


class NotLoaded(Exception):
    """One line: which plugin, and why."""


def plugin_name(place: str) -> str:
    """Of a module, its dotted name; of a file, its name without the suffix."""
    return Path(place).stem if place.endswith(".py") else place


def loaded(name: str, load: Callable[[], Any]) -> Any:
    """The plugin that ``load`` gives; of a class, one made of it. Raises `NotLoaded`, whatever its code raises.

    Also where it leaves by `sys.exit`: that would end the command as if all were done.
    """
    try:
        plugin = load()
        return plugin() if isinstance(plugin, type) else plugin
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise NotLoaded(f"plugin {name!r} cannot be loaded: {reason}") from error


def imported(place: str) -> ModuleType:
    """The module of that dotted name, or of that .py file. Raises whatever its code raises."""
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place).expanduser().resolve(strict=True)
    spec = importlib.util.spec_from_file_location(f"llmproxy_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look for it there
    spec.loader.exec_module(module)
    return module
