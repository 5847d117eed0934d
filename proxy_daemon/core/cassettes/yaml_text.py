"""YAML of recordings, read to plain values: text, octets, numbers, lists, mappings with text as keys.

Invariant: nothing that a file says is built, called or imported, whatever its tags; and what comes out is never larger
than `MOST`, aliases counted each time they are used. Called by the formats of this folder that are YAML.

libyaml's events are put together here by hand: a limit is held before anything is built, and tags find no constructor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from attrs import define, field, frozen

from proxy_daemon.core.cassettes import MOST
from proxy_daemon.core.cassettes.fields import base64_octets

DEPTH = 200  # levels; orjson writes at most 254 of them
_VALUE = 64  # octets that a value takes beside its text
_DIRECTIVES = 1000  # libyaml compares each %TAG with all before it
_CORE = "tag:yaml.org,2002:"
_BINARY = frozenset((_CORE + "binary", "!binary", _CORE + "python/bytes"))
_RESOLVED = frozenset(_CORE + kind for kind in ("int", "float", "bool", "null"))
_WORDS = {
    word: value
    for value, words in ((None, ("~", "null", "")), (True, ("true", "yes", "on")), (False, ("false", "no", "off")))
    for lower in words
    for word in (lower, lower.capitalize(), lower.upper())
}
_MAYBE_NUMBER = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,3999})\Z", re.ASCII)
# As PyYAML reads and writes them: 1e5 without point and sign is text, and is written for text without quotes.
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?\Z", re.ASCII)
_NAN = {".nan": float("nan"), ".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf")}


class NotYaml(ValueError):
    """Why a text is not read. The sentence holds nothing of the text. ``line``: where, from 1; 0: not known."""

    def __init__(self, reason: str, mark: Any = None) -> None:
        self.reason, self.line = reason, 0 if mark is None else mark.line + 1
        super().__init__(f"{reason} (line {self.line})" if self.line else reason)


def load(data: bytes, *, strict: bool = False) -> Any:
    """The one document of ``data`` (YAML 1.1, https://yaml.org/spec/1.1/, in UTF-8). Raises `NotYaml`.

    Numbers, true, false and null are those that JSON has, as PyYAML writes them; dates, octals and the like stay the
    text that they are. A key that stands twice has its last value, as in the recorders' own readers. ``strict``: for a
    format of our own: keys that stand twice, aliases, and all tags but `!!binary` are errors.
    """
    try:
        return _read(checked(data), _Builder(strict=strict))
    except yaml.MarkedYAMLError as error:
        raise NotYaml(str(error.problem), error.problem_mark) from None
    except NotYaml:
        raise
    except (yaml.YAMLError, ValueError):
        raise NotYaml("characters that YAML does not allow") from None


def checked(data: bytes) -> bytes:
    """The same, if it may be shown to libyaml. Raises `NotYaml`."""
    if len(data) > MOST:
        raise NotYaml(f"larger than {MOST} octets")
    if data.count(b"%TAG") > _DIRECTIVES:
        raise NotYaml("too many %TAG directives")
    try:
        data.decode()
    except UnicodeDecodeError:
        raise NotYaml("not UTF-8") from None
    return data


@frozen
class _Open:
    """A list or mapping that is being read: ``items`` are its values, in a mapping keys and values in turn."""

    start: Any
    spent: int
    items: list[Any]


@define
class _Builder:
    """What has been read so far. ``spent``: octets of what it takes in memory, about."""

    strict: bool = False
    top: list[Any] = field(factory=list)
    open: list[_Open] = field(factory=list)
    named: dict[str, tuple[Any, int]] = field(factory=dict)  # by anchor: value and what it takes
    spent: int = 0
    mark: Any = None  # where what was ended last begins
    add: Callable[[Any], None] = list[Any]().append  # into the innermost that is open

    def __attrs_post_init__(self) -> None:
        self.add = self.top.append

    def take(self, event: Any) -> None:
        """One event that is no scalar."""
        kind = type(event)
        if kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
            self._begin(event)
        elif kind is yaml.SequenceEndEvent:
            self._end(lambda items: items)
        elif kind is yaml.MappingEndEvent:
            self._end(self._mapping)
        elif kind is yaml.AliasEvent:
            self._refer(event)
        elif kind is yaml.DocumentStartEvent and (event.tags or self.top):
            raise NotYaml("%TAG directives are not read" if event.tags else "more than one document")

    def spend(self, octets: int) -> None:
        """Count; raises `NotYaml` where it is too much."""
        self.spent += octets
        if self.spent > MOST:
            raise NotYaml(f"more than {MOST} octets when its aliases are followed")

    def _begin(self, event: Any) -> None:
        if len(self.open) >= DEPTH:
            raise NotYaml(f"nested deeper than {DEPTH} levels", event.start_mark)
        if self.strict and event.tag is not None:
            raise NotYaml("a tag: none are read here but !!binary", event.start_mark)
        found = _Open(event, self.spent, [])
        self.spend(_VALUE)
        self.open.append(found)
        self.add = found.items.append

    def _end(self, build: Callable[[list[Any]], Any]) -> None:
        done = self.open.pop()
        self.mark = done.start.start_mark
        self.add = self.open[-1].items.append if self.open else self.top.append
        value = build(done.items)
        if done.start.tag is not None:
            value = _untagged(done.start.tag, value)
        self.add(value)
        if done.start.anchor is not None:
            self.named[done.start.anchor] = value, self.spent - done.spent

    def _refer(self, event: Any) -> None:
        if self.strict:
            raise NotYaml("an alias: none are read here", event.start_mark)
        if event.anchor not in self.named:
            raise NotYaml("an alias of nothing, or of what it stands in", event.start_mark)
        value, octets = self.named[event.anchor]
        self.spend(octets)
        self.add(value)

    def tagged(self, event: Any) -> Any:
        """A scalar with a tag."""
        if self.strict and event.tag not in _BINARY:
            raise NotYaml("a tag: none are read here but !!binary", event.start_mark)
        return _tagged(event)

    def _mapping(self, items: list[Any]) -> dict[str, Any]:
        found = _mapping(items)
        if self.strict and len(found) * 2 != len(items):
            raise NotYaml("a key stands twice in the mapping that begins here", self.mark)
        return found


def _read(data: bytes, builder: _Builder) -> Any:
    for event in events(data):
        if type(event) is not yaml.ScalarEvent:
            builder.take(event)
            continue
        text = event.value
        builder.spend(_VALUE + len(text))
        # The first of the pair: the scalar stands without quotes and without a tag.
        value = _plain(text) if event.implicit[0] else text if event.tag is None else builder.tagged(event)
        builder.add(value)
        if event.anchor is not None:
            builder.named[event.anchor] = value, _VALUE + len(text)
    return builder.top[0] if builder.top else None


def events(data: bytes) -> Iterator[Any]:
    """The events of libyaml, as they are read. Raises what libyaml raises: for those who want only the beginning."""
    return iter(yaml.CSafeLoader(data).get_event, None)


def _plain(text: str) -> Any:
    """A scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAYBE_NUMBER:
        return text
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else _NAN.get(text.lower(), text)


def _tagged(event: Any) -> Any:
    if event.tag in _BINARY:
        try:
            return base64_octets(event.value)
        except ValueError:
            raise NotYaml("octets that are not base64", event.start_mark) from None
    return _plain(event.value) if event.tag in _RESOLVED else event.value


def _untagged(tag: str, value: Any) -> Any:
    """What a Python object was made of: multidict's `istr` is a text in a list of one, a frozenset a list in one."""
    if not tag.startswith(_CORE + "python/object/"):
        return value
    inner: Any = value.get("args") if isinstance(value, dict) else value
    is_one = isinstance(inner, list) and len(inner) == 1 and isinstance(inner[0], str | bytes | list)
    return inner[0] if is_one else value


def _mapping(items: list[Any]) -> dict[str, Any]:
    keys = items[::2]
    if not all(type(key) is str for key in keys):
        keys = [key if type(key) is str else _key(key) for key in keys]
    found = dict(zip(keys, items[1::2], strict=True))
    if isinstance(found.get("<<"), dict | list):
        raise NotYaml("merge keys (<<) are not read")
    return found


def _key(key: Any) -> str:
    """A key as JSON would have it."""
    if isinstance(key, list | dict):
        raise NotYaml("a list or mapping as a mapping's key")
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    # By identity: 1 equals true.
    return "null" if key is None else "true" if key is True else "false" if key is False else str(key)
