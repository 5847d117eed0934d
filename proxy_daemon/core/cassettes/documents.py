"""Files that are one YAML or JSON document: reading it, and going over its entries.

Invariant: an entry that is no exchange is `Skipped` with its reason, a document that is none is `Unreadable`.
Called by the formats of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from proxy_daemon.core.cassettes import Skipped, Unreadable, json_text, yaml_text
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.messages import Recording


def document(file: str, data: bytes) -> Any:
    """What a file holds. Raises `Unreadable`."""
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return json_text.load(data)
        except json_text.TooLarge as error:
            raise Unreadable(file, str(error)) from None
        except json_text.NotJson:
            pass  # YAML's flow style begins alike
    try:
        return yaml_text.load(data)
    except yaml_text.NotYaml as error:
        raise Unreadable(file, str(error)) from None


def entries(file: str, data: bytes, name: str) -> list[Any]:
    """The list under ``name``, or the document where it is a list itself. Raises `Unreadable`."""
    found = document(file, data)
    listed = found.get(name) if isinstance(found, dict) else found
    if listed is None and isinstance(found, dict) and name in found:
        return []
    if not isinstance(listed, list):
        raise Unreadable(file, f"its {name!r} is no list")
    return listed


def each(listed: Iterable[Any], read: Callable[[Any], Said]) -> Iterator[Recording | Skipped]:
    """One value for each entry, in their order."""
    for number, entry in enumerate(listed):
        try:
            yield recording(read(entry))
        except Broken as error:
            yield Skipped(number, str(error))


def member(entry: Any, name: str) -> dict[str, Any]:
    """A mapping inside an entry. Raises `Broken`."""
    found = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(found, dict):
        raise Broken(f"it holds no {name}")
    return found
