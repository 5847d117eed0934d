"""What of a request is compared with another: its parts, whatever the API calls them.

Read from the JSON itself, by the names that APIs give their messages, instructions and tools: what is none of these
is a parameter, and nothing is left out but the dialect's volatile members. Called by `sketch` and `similarity`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from attrs import frozen

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.hashing import digest
from proxy_daemon.core.matching.nearness.paths import member
from proxy_daemon.core.messages import Request

COMPARED_SIZE = 4 * 1024 * 1024  # octets of a body that is parsed to be compared; larger ones are equal or are not
MOST_ITEMS = 2_000  # messages, and tools, that are looked at
MOST_PARAMETERS = 1_000
DEEPEST = 2  # how far within objects messages and tools are looked for: `input.messages`, `toolConfig.tools`
# Images, sounds, files, signatures: long strings of signs without a blank.
_OPAQUE = re.compile(rb'"([!#-\[\]-~]{128,})"')
_OPAQUE_TEXT = re.compile(r"[!#-\[\]-~]{128,}")
_MESSAGES = frozenset(
    (
        "messages",
        "contents",
        "content",
        "input",
        "inputs",
        "prompt",
        "suffix",
        "message",
        "chat_history",
        "query",
        "documents",
        "text",
        "texts",
    )
)
_SYSTEM = frozenset(("system", "instructions", "systemInstruction", "system_instruction", "preamble"))
_TOOLS = frozenset(("tools", "functions"))
PROMPTS, TOOLS = _MESSAGES | _SYSTEM, _TOOLS  # names of members that hold what is said, and tools
_WHOLE = _SYSTEM | {"content"}  # an object of that name is a message itself


@frozen
class Item:
    """A message or a tool: the value, and its octets, which are equal where the values are."""

    octets: bytes
    value: Any


@frozen
class Subject:
    """A request's parts. ``cut``: there was more than is compared."""

    address: tuple[bytes, ...]  # method, segments of the path, members of the query
    model: str
    parameters: dict[str, bytes]  # JSON by path
    system: tuple[Item, ...]
    messages: tuple[Item, ...]
    tools: tuple[Item, ...]
    media: tuple[bytes, ...]  # digests
    cut: bool = False


def subject(request: Request, dialect: Dialect) -> Subject:
    """The parts of a request. A body that is no JSON object, or nested deeper than orjson writes, is one parameter."""
    address = (request.method, *request.path.split(b"/"), *(request.query.split(b"&") if request.query else ()))
    read = _Reading(dialect.volatile)
    body = request.json if request.body.size <= COMPARED_SIZE else None
    octets = b""
    try:
        if isinstance(body, dict):
            octets = orjson.dumps(body)
            read.members(body, "", 0)
    except (TypeError, ValueError, RecursionError):
        octets = b""
    if not octets:
        read = _Reading(())
        read.parameters["body"] = digest(*chunks(request.body)) if request.body.size else b""
    for name in dialect.deciding_fields:
        if name in request.headers:
            read.parameters[f"header {name.decode('latin-1')}"] = b",".join(request.headers.all(name))
    return Subject(
        address=address,
        model=dialect.model(request),
        parameters=read.parameters,
        system=tuple(read.system),
        messages=tuple(read.messages),
        tools=tuple(read.tools),
        media=tuple(digest(found) for found in islice(_OPAQUE.findall(octets), MOST_ITEMS)),
        cut=read.cut or (not octets and request.body.size > COMPARED_SIZE),
    )


class _Reading:
    """Sorts the members of a body."""

    def __init__(self, volatile: tuple[str, ...]) -> None:
        self.parameters: dict[str, bytes] = {}
        self.system: list[Item] = []
        self.messages: list[Item] = []
        self.tools: list[Item] = []
        self.cut = False
        self._volatile = frozenset(volatile)

    def members(self, body: dict[str, Any], under: str, depth: int) -> None:
        """Sort the members of an object; raises what orjson does on what it cannot write."""
        for name, value in body.items():
            path = member(under, name)
            if path not in self._volatile and not _is_empty(value):
                self._member(path, name, value, depth)

    def _member(self, path: str, name: str, value: Any, depth: int) -> None:
        if name in _TOOLS and isinstance(value, list):
            self._put(self.tools, value)
        elif name in _SYSTEM and not _is_plain(value):
            self._put(self.system, value if isinstance(value, list) else [value])
        elif name in _MESSAGES and (isinstance(value, str | list) or (name in _WHOLE and isinstance(value, dict))):
            self._put_messages(value if isinstance(value, list) else [value])
        elif isinstance(value, dict) and depth < DEEPEST:
            self.members(value, path, depth + 1)
        elif path != "model":
            self._parameter(path, value)

    def _put_messages(self, values: list[Any]) -> None:
        self._put(self.system, [value for value in values if _is_system(value)])
        self._put(self.messages, [value for value in values if not _is_system(value)])

    def _put(self, items: list[Item], values: list[Any]) -> None:
        room = MOST_ITEMS - len(items)
        self.cut = self.cut or len(values) > room
        items.extend(Item(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), value) for value in values[:room])

    def _parameter(self, path: str, value: Any) -> None:
        if len(self.parameters) < MOST_PARAMETERS:
            self.parameters[path] = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        else:
            self.cut = True


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, list | dict) and not value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _is_system(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in ("system", "developer", "SYSTEM")


def words_of(value: Any, left_out: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """(name, text) of each leaf in document order, without what is opaque; other values than texts as JSON.

    ``left_out``: names of members that do not count.
    """
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((key, value[key]) for key in sorted(value, reverse=True) if key not in left_out)
        elif isinstance(value, list):
            waiting.extend((name, member) for member in reversed(value))
        elif not isinstance(value, str):
            yield name, orjson.dumps(value).decode()
        elif _OPAQUE_TEXT.fullmatch(value) is None:
            yield name, value
