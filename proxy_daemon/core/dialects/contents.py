"""What an answer's body may hold, by its framing: items of a stream, a document, words, or octets of a sound.

Each takes decoded octets in any cut and gives the answer as far as it has come. Made by `AnswerReader` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from attrs import evolve

from proxy_daemon.core.conversation import Answer, Choice, Media, Text
from proxy_daemon.core.dialects.dialect import Dialect, error_text
from proxy_daemon.core.dialects.framing import FAILED, Framing, framing_of, is_media, may_be_words, media_type
from proxy_daemon.core.dialects.json_shapes import text_at
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.wire import Item, Malformed, Reader
from proxy_daemon.core.wire.event_stream import EventStreamReader, Frame
from proxy_daemon.core.wire.json_array import JSONArrayReader
from proxy_daemon.core.wire.json_text import BOM, NotJSON, parse
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import Event, SSEReader

LONGEST_TEXT = 1024 * 1024  # octets of a body of no known framing that are taken for words
_BLANKS = b" \t\r\n"
_MAYBE_JSON = b'{["-0123456789tfnNI \t\r\n'
_READERS: dict[Framing, Callable[[], Reader]] = {
    Framing.EVENTS: SSEReader,
    Framing.FRAMES: EventStreamReader,
    Framing.ARRAY: JSONArrayReader,
}


class Content(Protocol):
    """Takes a body."""

    @property
    def problem(self) -> str:
        """With some part of it, where the rest can be read."""

    @property
    def as_it_is(self) -> bool:
        """Whether the answer is the body itself, words or octets: the dialect has found nothing of its own in it."""

    def feed(self, data: bytes) -> None:
        """The next octets. Raises `Malformed` and `NotJSON` where no more can be read."""

    def end(self) -> None:
        """There are no more. Raises as `feed`."""

    def answer(self) -> Answer:
        """What there is by now."""


def content_for(dialect: Dialect, request: Request, head: ResponseHead, first: bytes) -> Content:
    """For a body that begins with ``first``, which is to be fed to it."""
    stated = head.headers.get(b"content-type")
    form = framing_of(stated, first, status=head.status, streams=dialect.streams(request))
    if form in _READERS:
        return Items(dialect, _READERS[form]())
    whole = Whole(dialect, head, is_json=form is not Framing.OPAQUE)
    return Lines(Items(dialect, LineReader()), whole) if form is Framing.LINES else whole


class Items:
    """A stream: the dialect's assembler gets each item that says something."""

    as_it_is = False

    def __init__(self, dialect: Dialect, reader: Reader) -> None:
        self.problem = ""
        self._reader = reader
        self._assembler = dialect.assembler()
        self._failure = ""
        self._begun = False

    def feed(self, data: bytes) -> None:
        """See `Content`."""
        if not self._begun and isinstance(self._reader, JSONArrayReader | LineReader):
            data = data.removeprefix(BOM)
        self._begun = True
        self._add(self._reader.feed(data))

    def end(self) -> None:
        """See `Content`."""
        self._add(self._reader.feed(b""))  # a fault that is known already has its say
        try:
            self._add(self._reader.end())
        except Malformed as fault:
            # Recorders strip the blank line at the end; what is whole without it was an event.
            last = Event(self._reader.rest + b"\n\n", fault.at)
            if not isinstance(self._reader, SSEReader) or (last.data[:1] == b"{" and not _is_json(last.data)):
                raise
            self._add([last])

    def answer(self) -> Answer:
        """See `Content`. An exception among the frames is the answer's error, whatever the dialect makes of it."""
        answer = self._assembler.answer()
        if not self._failure:
            return answer
        return evolve(answer, error=answer.error or self._failure, complete=False)

    def _add(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Frame) and item.failure:
                self._failure = self._failure or _message(item.failure)
            if data := item.data:
                self._assembler.add(item.name, self._said(data, item.start))

    def _said(self, data: bytes, at: int) -> Any:
        """JSON, or the text itself."""
        if data[:1] in _MAYBE_JSON:
            try:
                return parse(data)
            except NotJSON as error:
                if data.startswith(b"{") and not self.problem:
                    self.problem = f"the item at octet {at} is no JSON: {error.reason}"
        return data.decode("utf-8", "replace")


class Lines:
    """Lines of JSON; or one document, where the first line is no JSON: errors are written so under any type."""

    def __init__(self, items: Items, whole: Whole) -> None:
        self._items, self._whole = items, whole
        self._held = bytearray()  # up to the end of the first line
        self._begun = False  # something but blanks is held
        self._chosen: Items | Whole | None = None

    @property
    def problem(self) -> str:
        """See `Content`."""
        return self._chosen.problem if self._chosen else ""

    @property
    def as_it_is(self) -> bool:
        """See `Content`."""
        return self._chosen.as_it_is if self._chosen else False

    def feed(self, data: bytes) -> None:
        """See `Content`."""
        if self._chosen is not None:
            self._chosen.feed(data)
            return
        self._held += data
        text = data if self._begun else data.removeprefix(BOM).lstrip(_BLANKS)
        self._begun = self._begun or bool(text)
        if b"\n" in text:
            self._choose()

    def end(self) -> None:
        """See `Content`."""
        if self._chosen is None:
            self._choose()
        if self._chosen is not None:
            self._chosen.end()

    def answer(self) -> Answer:
        """See `Content`."""
        return (self._chosen or self._items).answer()

    def _choose(self) -> None:
        held = bytes(self._held)
        self._held.clear()
        line = held.removeprefix(BOM).lstrip(_BLANKS).partition(b"\n")[0]
        self._chosen = self._items if _is_json(line) else self._whole
        self._chosen.feed(held)


class Whole:
    """A body that is read at its end: a JSON document, words, or octets of which only type and size are told."""

    def __init__(self, dialect: Dialect, head: ResponseHead, *, is_json: bool) -> None:
        self.problem = ""
        self.as_it_is = False
        self._dialect, self._status, self._is_json = dialect, head.status, is_json
        self._type = head.headers.get(b"content-type")
        self._most = 0 if is_media(self._type) else LONGEST_TEXT
        self._octets = bytearray()
        self._size = 0
        self._answer = Answer(complete=False)

    def feed(self, data: bytes) -> None:
        """See `Content`."""
        self._size += len(data)
        if self._is_json or self._size <= self._most:
            self._octets += data

    def end(self) -> None:
        """See `Content`."""
        self._answer = self._document() if self._is_json else self._opaque()

    def answer(self) -> Answer:
        """See `Content`."""
        return self._answer

    def _document(self) -> Answer:
        octets = bytes(self._octets)
        try:
            return self._dialect.whole(parse(octets))
        except NotJSON:
            if (lines := _lines(octets)) is not None:
                return self._assembled(lines)
            if not may_be_words(self._type):
                raise
            return self._opaque()

    def _assembled(self, values: Iterable[Any]) -> Answer:
        assembler = self._dialect.assembler()
        for value in values:
            assembler.add("", value)
        return assembler.answer()

    def _opaque(self) -> Answer:
        text = self._text()
        if text is not None:
            return self._worded(text)
        stated = media_type(self._type).decode("latin-1")
        kind = stated.partition("/")[0]
        kind = kind if kind in ("image", "audio", "video") else "file"
        self.as_it_is = True
        return Answer((Choice((Media(kind, stated, size=self._size),)),))

    def _worded(self, text: str) -> Answer:
        answer = self._dialect.whole(text)
        fails = self._status >= FAILED and text.strip()  # else the words of an error were a transcript
        if answer.error or not text.strip() or (answer.choices and not fails):
            return answer
        self.as_it_is = True
        return Answer(error=text.strip(), complete=False) if fails else Answer((Choice((Text(text),)),))

    def _text(self) -> str | None:
        """The words; None where it holds none."""
        if self._size > self._most or b"\0" in self._octets:
            return None
        try:
            return self._octets.decode()
        except UnicodeDecodeError:
            return None


def _lines(octets: bytes) -> list[Any] | None:
    """What the lines of JSON say; None where they are none, or where there is only one."""
    lines = [line for line in octets.removeprefix(BOM).split(b"\n") if line.strip(_BLANKS)]
    try:
        return [parse(line) for line in lines] if len(lines) > 1 else None
    except NotJSON:
        return None


def _is_json(octets: bytes) -> bool:
    try:
        parse(octets)
    except NotJSON:
        return False
    return True


def _message(failure: str) -> str:
    """The message within the payload of an exception's frame."""
    try:
        document = parse(failure.encode("utf-8", "replace"))
    except NotJSON:
        return failure
    return error_text(document) or text_at(document, "message", "Message") or failure
