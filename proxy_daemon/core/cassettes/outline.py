"""What kind of a document of interactions a text is, from its beginning.

Invariant: it never raises, and reads YAML no further than the first request, JSON within the limits of `json_text.py`.
Called by the `recognises` of the formats of this folder that are one document.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import yaml
from attrs import frozen

from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.cassettes.yaml_text import DEPTH, NotYaml, checked, events

_LISTS = ("interactions", "http_interactions", "requests")
_NAMES = tuple(name.encode() for name in _LISTS)
_WORDS = (*_NAMES, b"request")
_BLANKS = 4096  # octets in which the first that is no blank stands
_MOST_EVENTS = 20_000
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


@frozen
class Outline:
    """``top``: the member that lists what was recorded, empty where none does, "-" where the document is the list.

    ``entry`` and ``request``: the keys of the first one and of its request, as far as they were looked for.
    """

    top: str = ""
    entry: frozenset[str] = frozenset()
    request: frozenset[str] = frozenset()


_LAST: dict[tuple[int, int], Outline] = {}  # by hash and size: each of the formats asks about the same file


def outline(data: bytes) -> Outline:
    """Of a whole file. That of the last file is remembered, the file is not."""
    key = hash(data), len(data)
    found = _LAST.get(key)
    if found is None:
        found = _outline(data)
        _LAST.clear()
        _LAST[key] = found
    return found


def _outline(data: bytes) -> Outline:
    first = data[:_BLANKS].lstrip()[:1]
    if not any(word in data for word in (_WORDS if first in (b"[", b"-") else _NAMES)):
        return Outline()
    return (_of_json(data) if first in (b"{", b"[") else None) or _of_yaml(data)


def _of_json(data: bytes) -> Outline | None:
    """None where it is no JSON: YAML's flow style begins alike."""
    try:
        document = load(data)
    except NotJson:
        return None
    top = "-" if isinstance(document, list) else next((name for name in _LISTS if name in document), "")
    listed = document if isinstance(document, list) else document.get(top)
    entry = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    request = entry.get("request")
    return Outline(top, frozenset(entry), frozenset(request if isinstance(request, dict) else ()))


def _of_yaml(data: bytes) -> Outline:
    found: dict[str, set[str]] = {"entry": set(), "request": set()}
    top = [""]
    # What was found until then counts: `read` says what is wrong.
    with suppress(yaml.YAMLError, ValueError, StopIteration):
        _walk(_bounded(checked(data)), top, found)
    return Outline(top[0], frozenset(found["entry"]), frozenset(found["request"]))


def _bounded(data: bytes) -> Iterator[Any]:
    for number, event in enumerate(events(data)):
        if number > _MOST_EVENTS:
            return
        yield event


def _walk(stream: Iterator[Any], top: list[str], found: dict[str, set[str]]) -> None:
    """Fills ``top`` and ``found`` as it goes."""
    event = next(stream)
    while type(event) not in _OPENS:
        event = next(stream)
    if type(event) is yaml.SequenceStartEvent:
        top[0] = "-"
    else:
        _down_to(_LISTS, stream, top)
        if type(next(stream)) is not yaml.SequenceStartEvent:
            return
    if type(next(stream)) is yaml.MappingStartEvent:
        _keys(stream, found["entry"], found["request"])


def _down_to(names: tuple[str, ...], stream: Iterator[Any], top: list[str]) -> None:
    """Past the members of a mapping until behind the key that is one of ``names``; StopIteration where none is."""
    while True:
        key = _name(next(stream), stream)
        if key in names:
            top[0] = key
            return
        _skip(next(stream), stream)


def _keys(stream: Iterator[Any], keys: set[str], inner: set[str] | None) -> None:
    """The keys of a mapping whose start has been read; ``inner`` takes those of its member `request`, and ends it."""
    while type(event := next(stream)) is not yaml.MappingEndEvent:
        key = _name(event, stream)
        keys.add(key)
        value = next(stream)
        if inner is not None and key == "request" and type(value) is yaml.MappingStartEvent:
            _keys(stream, inner, None)
            return
        _skip(value, stream)


def _name(event: Any, stream: Iterator[Any]) -> str:
    if type(event) is yaml.ScalarEvent:
        return str(event.value)
    if type(event) in _CLOSES:
        raise StopIteration
    _skip(event, stream)
    return ""


def _skip(event: Any, stream: Iterator[Any]) -> None:
    """The rest of the value that begins with ``event``."""
    depth = int(type(event) in _OPENS)
    while depth:
        kind = type(next(stream))
        depth += (kind in _OPENS) - (kind in _CLOSES)
        if depth > DEPTH:
            raise NotYaml("too deep")
