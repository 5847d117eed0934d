"""The entries of a document that lists them under a name, YAML or JSON, read as a stream.

Invariant: as `documents.entries` gives them of the whole document, or `NotStreamed`. Called by the formats that are one
such document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from proxy_daemon.core.cassettes.streaming import json_items, yaml_items

_BLANKS = 4096  # octets in which the first that is no blank stands


def streamed(file: str, source: BinaryIO, name: str) -> Iterator[Any]:
    """The entries of the list ``name``, one by one. ``source``: as `source.opened` gives it.

    Raises `NotStreamed`, also after some entries, and what reading raises.
    """
    first = source.peek(_BLANKS)[:_BLANKS].lstrip()[:1]  # type: ignore[attr-defined]  # a BufferedReader
    if first in (b"{", b"["):
        return json_items.items(file, source, (name,))
    return yaml_items.items(file, source, name)


def shape(file: str, source: BinaryIO, name: str) -> bytes:
    """A document with the first entry only, its values left out: by these names formats are told from each other.

    Raises as `streamed`.
    """
    entry = next(streamed(file, source, name), None)
    if not isinstance(entry, dict):
        return orjson.dumps({name: []})
    names: dict[str, Any] = dict.fromkeys(entry)
    if isinstance(request := entry.get("request"), dict):
        names["request"] = dict.fromkeys(request)
    return orjson.dumps({name: [names]})
