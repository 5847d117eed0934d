"""Where the octets of images, sounds and documents stand in a recording: `Media` that was read says only how many.

Each string of a body that is as long as one of them is replaced by one of a length of its own, and the dialect reads
the body again: by the length that a medium then has, one knows which string it is. So this is right for every dialect,
in whatever order it reads. Called by `chat.py` and `media.py`.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import define, field, frozen

from proxy_daemon.core.conversation import Answer, Conversation, Media
from proxy_daemon.core.dialects import forms
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.framing import Framing
from proxy_daemon.core.inspecting.items import Items, data_of, value_of
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.unpacked import Unpacked
from proxy_daemon.core.messages import JSON_LIMIT, Request, Response
from proxy_daemon.core.wire import json_text

MOST_STRINGS = 2000  # of one body
_NEVER = frozenset(("type", "role", "object", "status"))  # members by which dialects tell what something is
_PIECES = frozenset(("data", "audio"))  # those in which streams bring a sound piece by piece
_DATA_URL = re.compile(r"data:([^,]{0,200}),")
_FIRST = 1_000  # the length of the first replaced string, without its head; each is one longer
_NAMES = 6  # of a path that tell what a string is
_Path = tuple[object, ...]


@frozen
class Found:
    """A string that may hold a medium. ``path``: within its item; ``head``: of a data URL, up to its comma."""

    path: _Path
    head: str
    text: str

    def octets(self) -> bytes | None:
        """None where they cannot be had. What is no base64 is a text by itself, as in Anthropic's documents."""
        if self.head:
            return _decoded(self.text) if ";base64" in self.head.lower() else unquote_to_bytes(self.text)
        decoded = _decoded(self.text)
        return self.text.encode("utf-8", "replace") if decoded is None else decoded


class _Walk:
    """A container, and what in it is to be looked into."""

    def __init__(self, holder: Any, path: _Path) -> None:
        self.holder, self.path = holder, path
        pairs = list(holder.items()) if isinstance(holder, dict) else enumerate(holder.copy())
        self.steps = ((key, each) for key, each in pairs if _is_looked_into(each))


def _is_looked_into(value: Any) -> bool:
    return isinstance(value, str | dict | list) and bool(value)


@define
class Strings:
    """What was replaced in one body, or in the items of one stream. ``sizes``: of the media that are looked for."""

    sizes: frozenset[int | None]
    found: list[Found] = field(factory=list)

    def marked(self, value: Any) -> Any:
        """The value with such strings replaced, and nothing else; without recursion."""
        root = [value]
        waiting = [_Walk(root, ())]
        while waiting:
            step = next(waiting[-1].steps, None)
            if step is None:
                waiting.pop()
                continue
            key, each = step
            path = (*waiting[-1].path[-_NAMES:], key if isinstance(key, str) else "*")
            if isinstance(each, str):
                waiting[-1].holder[key] = each if key in _NEVER else self._marked(each, path)
            else:
                copy = waiting[-1].holder[key] = each.copy()
                waiting.append(_Walk(copy, path))
        return root[0]

    def _marked(self, text: str, path: _Path) -> str:
        url = _DATA_URL.match(text)
        head = url[0] if url else ""
        if not self._is_wanted(text, len(head), path[-1]) or len(self.found) >= MOST_STRINGS:
            return text
        self.found.append(Found(path, head, text[len(head) :]))
        return head + "A" * (_FIRST + len(self.found) - 1)

    def _is_wanted(self, text: str, at: int, name: object) -> bool:
        if name in _PIECES or len(text) - at in self.sizes:
            return True
        return not text.isascii() and len(text[at:].encode("utf-8", "replace")) in self.sizes

    def of_size(self, size: int) -> bytes | None:
        """The octets of the medium that the dialect read with that length; of several pieces those of all."""
        at = size - _FIRST
        if 0 <= at < len(self.found):
            return self.found[at].octets()
        pieces = self._together(size)
        return _joined([each.octets() for each in pieces]) if pieces else None

    def _together(self, size: int) -> list[Found]:
        """The strings of one path, where their lengths together are that."""
        groups: dict[_Path, list[int]] = {}
        for at, each in enumerate(self.found):
            groups.setdefault(each.path, []).append(at)
        for places in groups.values():
            if sum(_FIRST + at for at in places) == size:
                return [self.found[at] for at in places]
        return []


def media_of(read: Opened) -> list[bytes | None]:
    """The octets of each inline medium, in the messages' order, then the answer's; None where they are not there.

    As many as `inline` gives of the same exchange.
    """
    return [*_asked(read), *_answered(read)]


def inline(value: Conversation | Answer | None) -> Iterator[Media]:
    """The media whose octets stand in the body itself, in their order."""
    holders: tuple[Any, ...] = ()
    if isinstance(value, Conversation):
        holders = value.messages
    elif value is not None:
        holders = value.choices
    for holder in holders:
        for part in holder.parts:
            if is_inline(part):
                yield part


def is_inline(part: object) -> bool:
    """Whether it is a medium with octets of its own."""
    return isinstance(part, Media) and not part.source and bool(part.size)


def _asked(read: Opened) -> list[bytes | None]:
    wanted = list(inline(read.conversation))
    request = read.recording.request
    if not wanted:
        return []
    if forms.is_form(request):
        return _fitting(wanted, [part.data for part in forms.parts(request) if part.filename])
    strings = Strings(frozenset(each.size for each in wanted))
    again = Request(request.method, request.target, request.headers, request.body)
    again.__dict__["json"] = strings.marked(request.json)
    try:
        found = list(inline(read.dialect.conversation(again)))
    except (Exception, SystemExit):  # noqa: BLE001  (a plugin's dialect may raise anything)
        return [None] * len(wanted)
    return _fitting(wanted, [strings.of_size(each.size or 0) for each in found])


def _fitting(wanted: list[Media], found: list[bytes | None] | list[bytes]) -> list[bytes | None]:
    """As many as wanted: were it others, nobody knew which is which."""
    return list(found) if len(found) == len(wanted) else [None] * len(wanted)


def _answered(read: Opened) -> list[bytes | None]:
    wanted, response = list(inline(read.answer)), read.recording.response
    if not wanted or response is None:
        return []
    items = Items(read, response)
    if items.framing is Framing.OPAQUE:
        return [_body(response)] if len(wanted) == 1 else [None] * len(wanted)
    strings = Strings(frozenset(each.size for each in wanted))
    try:
        answer = _read_again(read.dialect, items, response, strings)
    except (Exception, SystemExit):  # noqa: BLE001  (see above)
        return [None] * len(wanted)
    return _fitting(wanted, [strings.of_size(each.size or 0) for each in inline(answer)])


def _body(response: Response) -> bytes | None:
    """The body itself."""
    octets = Unpacked(response.head.headers, response.body)
    data = octets.whole(JSON_LIMIT + 1)
    return data if len(data) <= JSON_LIMIT and not octets.problem else None


def _read_again(dialect: Dialect, items: Items, response: Response, strings: Strings) -> Answer:
    octets = Unpacked(response.head.headers, response.body)
    if not items.is_stream:
        return dialect.whole(strings.marked(json_text.parse(octets.whole(JSON_LIMIT))))
    assembler = dialect.assembler()
    for item in items.of(octets):
        value = value_of(item)
        if value is not None:
            assembler.add(item.name, strings.marked(value))
        elif data := data_of(item):
            assembler.add(item.name, data.decode("utf-8", "replace"))
    return assembler.answer()


def _joined(pieces: list[bytes | None]) -> bytes | None:
    known = [each for each in pieces if each is not None]
    return b"".join(known) if len(known) == len(pieces) else None


def _decoded(text: str) -> bytes | None:
    """Base64 in either alphabet, with blanks and without padding, as APIs take it."""
    plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
