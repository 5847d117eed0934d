"""Bodies as people like to read them: JSON by lines, forms by fields, streams by events; all else as it is.

Invariant: part by part, linear, and nothing raises; what could not be read is shown as it is, and is a `problem`.
Called by `bodies.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import parse_qsl

from proxy_daemon.core.inspecting.charsets import Decoded, is_text
from proxy_daemon.core.inspecting.kinds import Kind
from proxy_daemon.core.inspecting.pretty_json import MOST_TOKENS, PrettyJSON
from proxy_daemon.core.rewriting.packed import payload_of
from proxy_daemon.core.wire import Item, Malformed, Reader
from proxy_daemon.core.wire.event_stream import EventStreamReader, Frame
from proxy_daemon.core.wire.multipart import MultipartReader, Part, boundary_of
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import Event, SSEReader

LONGEST = 8 * 1024 * 1024  # octets of JSON that are made pretty
MOST_FIELDS = 10_000  # of a form
LONGEST_PART = 256 * 1024  # octets of a part of a form that are shown
_READERS: dict[Kind, Callable[[], Reader]] = {
    Kind.SSE: SSEReader,
    Kind.LINES: LineReader,
    Kind.FRAMES: EventStreamReader,
}


class Pretty:
    """The text of one body. ``problem``: what is not as it should be, as far as it was read."""

    def __init__(self, kind: Kind, content_type: bytes, first: bytes) -> None:
        self.problem = ""
        self._kind, self._type = kind, content_type
        self._decoded = Decoded(content_type, first)
        self._tokens = MOST_TOKENS  # that may still be read

    def parts(self, octets: Iterable[bytes]) -> Iterator[str]:
        """The text of these octets."""
        if self._kind is Kind.JSON:
            yield from self._document(octets)
        elif self._kind in _READERS:
            yield from self._items(octets, _READERS[self._kind]())
        elif self._kind is Kind.MULTIPART:
            yield from self._multipart(octets)
        elif self._kind is Kind.FORM:
            yield from self._form(octets)
        else:
            yield from self._decoded.parts(octets)
        self.problem = self.problem or self._decoded.problem

    # --- JSON --------------------------------------------------------------------------------------------------------

    def _document(self, octets: Iterable[bytes]) -> Iterator[str]:
        """One of JSON. What is too long for that is shown as it is."""
        held: list[str] = []
        size = 0
        texts = self._decoded.parts(octets)
        for text in texts:
            held.append(text)
            size += len(text)
            if size > LONGEST:
                self.problem = f"more than {LONGEST} characters of JSON: shown as it is"
                yield from held
                yield from texts
                return
        yield from self._json("".join(held))

    def _json(self, text: str) -> Iterator[str]:
        made = PrettyJSON(text, self._tokens)
        yield from made
        self.problem = self.problem or made.problem

    # --- streams -----------------------------------------------------------------------------------------------------

    def _items(self, octets: Iterable[bytes], reader: Reader) -> Iterator[str]:
        rest = iter(octets)
        try:
            for part in rest:
                yield from map(self._item, reader.feed(part))
            yield from map(self._item, reader.end())
        except Malformed as fault:
            yield self._left(reader.rest, fault)
            yield from map(self._text, rest)

    def _left(self, octets: bytes, fault: Malformed) -> str:
        """What belongs to no item. Recorders strip the blank line behind the last event: then it is one."""
        if self._kind is Kind.SSE and octets.startswith((b"data:", b"event:", b"id:")):
            return self._item(Event(octets + b"\n\n"))
        self.problem = self.problem or f"not as the framing wants it: {fault}"
        return self._text(octets)

    def _item(self, item: Item) -> str:
        name = f"event: {item.name}\n" if item.name and self._kind is not Kind.LINES else ""
        data = payload_of(item) if isinstance(item, Frame) else item.data
        if not data:
            return name + self._text(item.raw) if self._kind is not Kind.FRAMES else name + "\n"
        end = "\n" if self._kind is Kind.LINES else "\n\n"
        return f"{name}{self._pretty(data)}{end}"

    def _pretty(self, data: bytes) -> str:
        """Of an item: pretty JSON, within what may be read at all; else the text as it is."""
        text = self._text(data)
        if data[:1] not in (b"{", b"[") or self._tokens <= 0:
            return text
        made = PrettyJSON(text, self._tokens)
        pretty = "".join(made)
        self._tokens -= min(len(pretty), 1 + pretty.count("\n"))
        return text if made.problem else pretty

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.problem = self.problem or "not all of it is UTF-8"
            return data.decode("utf-8", "replace")

    # --- forms -------------------------------------------------------------------------------------------------------

    def _form(self, octets: Iterable[bytes]) -> Iterator[str]:
        text = "".join(self._decoded.parts(octets))
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
        except ValueError:
            self.problem = f"more than {MOST_FIELDS} fields: shown as it is"
            yield text
            return
        for name, value in pairs:
            yield f"{name} = {value}\n"

    def _multipart(self, octets: Iterable[bytes]) -> Iterator[str]:
        reader = MultipartReader(boundary_of(self._type))
        rest = iter(octets)
        try:
            for part in rest:
                yield from map(self._part, reader.feed(part))
            yield from map(self._part, reader.end())
        except Malformed as fault:
            self.problem = f"not as the framing wants it: {fault}"
            yield self._text(reader.rest)
            yield from map(self._text, rest)

    def _part(self, part: object) -> str:
        """Its head and its text, or how large it is."""
        if not isinstance(part, Part):
            return ""
        head = "".join(f"{self._text(name)}: {self._text(value)}\n" for name, value in part.headers.pairs)
        if not is_text(part.data[:4096]):
            return f"{head}\n({len(part.data)} octets)\n\n"
        shown = self._pretty(part.data[:LONGEST_PART])
        left = len(part.data) - LONGEST_PART
        return f"{head}\n{shown}\n{f'(and {left} octets more)' if left > 0 else ''}\n"
