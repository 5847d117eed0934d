"""The pages below `/_llmproxy/` that plugins give (`llmproxy_resources`), put into one tree.

Called by `tap.py` at the start. Who may ask for them is not decided here, but before (`net/request.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from twisted.web.resource import Resource

from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.net.json_pages import Branch, JsonResource
from proxy_daemon.pipeline.faults import StartError

METHODS = frozenset(("GET", "PUT", "DELETE"))  # HTML forms and links of other sites can send GET only, of these
TAKEN = ("to", "cassette")  # below these, requests name an upstream or a cassette
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_WILD = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def mounted(found: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Resources by their first path segment. ``found``: (plugin, its pages by path). Raises `StartError`."""
    pages: dict[str, tuple[str, Any]] = {}
    for plugin, given in found:
        for path, page in given.items():
            _check(plugin, path, page)
            if path in pages:
                raise StartError(f"the plugins {pages[path][0]!r} and {plugin!r} both have a page at /_llmproxy/{path}")
            pages[path] = plugin, page
    root: dict[str, Any] = {}
    for path in sorted(pages):  # what stands above comes first
        _place(root, path, *pages[path])
    return root


def _check(plugin: str, path: Any, page: Any) -> None:
    if not isinstance(path, str) or not _is_path(path):
        raise StartError(
            f"plugin {plugin!r}: {path!r} is no path of a page: segments of letters, digits and .-_~,"
            " and behind the first one {names}"
        )
    if isinstance(page, JsonPage) and not (page.answers and METHODS.issuperset(page.answers)):
        raise StartError(f"plugin {plugin!r}: the page {path!r} answers others than {', '.join(sorted(METHODS))}")


def _is_path(path: str) -> bool:
    """A name stands once, and not in the first place: the daemon has others there (`core/routing.py`)."""
    first, *rest = path.split("/")
    if first in TAKEN:
        return False
    if not rest and not first:
        return True
    names = [each for each in rest if _WILD.fullmatch(each)]
    plain = [first, *(each for each in rest if each not in names)]
    return len(set(names)) == len(names) and all(_SEGMENT.fullmatch(each) and each not in (".", "..") for each in plain)


def _place(root: dict[str, Any], path: str, plugin: str, page: Any) -> None:
    resource = JsonResource(f"{path} of plugin {plugin}", page) if isinstance(page, JsonPage) else page
    first, *rest = path.split("/")
    if not rest:
        root[first] = resource
        return
    above = root.setdefault(first, Branch())
    for segment in rest[:-1]:
        below = _below(above, segment)
        if below is None:
            below = Branch()
            _put(above, segment, below, plugin, path)
        above = below
    _put(above, rest[-1], resource, plugin, path)


def _below(above: Any, segment: str) -> Resource | None:
    """What stands there already."""
    if _WILD.fullmatch(segment) is None:
        found: Resource | None = getattr(above, "children", {}).get(segment.encode())
        return found
    wild = getattr(above, "wild", None)
    return wild[1] if wild is not None and wild[0] == segment[1:-1] else None


def _put(above: Any, segment: str, resource: Any, plugin: str, path: str) -> None:
    wild = _WILD.fullmatch(segment)
    fits: bool = isinstance(above, Branch if wild else Resource)
    if getattr(above, "isLeaf", False) or not fits:
        raise StartError(f"plugin {plugin!r}: nothing can stand at {path!r}, what is above it has no pages below")
    if above.wild is not None if wild else segment.encode() in above.children:
        raise StartError(f"plugin {plugin!r}: another plugin has a page at {path!r}")
    if wild:
        above.wild = wild[1], resource
    else:
        above.putChild(segment.encode(), resource)
