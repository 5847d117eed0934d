"""AWS event streams (`application/vnd.amazon.eventstream`): frames with header fields, a payload and two checksums.

Both CRC-32 of each frame are checked, and its length before anything is kept of it. Read by `core/dialects/reading.py`
and by whoever shows a stream; written by the dialects that render Bedrock's answers.

Source: AWS, "Event stream encoding" (Amazon Transcribe and S3 Select), and the model of Smithy, `aws.protocols`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any
from uuid import UUID
from zlib import crc32

from attrs import frozen

from proxy_daemon.core.wire import LONGEST_ITEM, Malformed

_PRELUDE = struct.Struct(">III")  # of the frame, of its header fields, and the CRC of these two
PRELUDE = _PRELUDE.size
_LENGTHS = struct.Struct(">II")
_WORD = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_FRAMING = PRELUDE + _WORD.size  # octets of a frame that holds nothing
LONGEST_HEADERS = 128 * 1024  # octets, as the SDKs have it


class Kind(IntEnum):
    """Of a header field's value. An octet string and a text have a length, the others have a fixed one."""

    TRUE = 0
    FALSE = 1
    BYTE = 2
    SHORT = 3
    INTEGER = 4
    LONG = 5
    OCTETS = 6
    TEXT = 7
    TIMESTAMP = 8  # milliseconds since 1970
    UUID = 9


_NUMBERS = {
    Kind.BYTE: struct.Struct(">b"),
    Kind.SHORT: struct.Struct(">h"),
    Kind.INTEGER: struct.Struct(">i"),
    Kind.LONG: struct.Struct(">q"),
    Kind.TIMESTAMP: struct.Struct(">q"),
}
Value = bool | int | bytes | str | UUID


@frozen
class Header:
    """A header field of a frame."""

    name: str
    kind: Kind
    value: Value


@frozen
class Frame:
    """One message of an event stream."""

    raw: bytes
    start: int
    headers: tuple[Header, ...]
    data: bytes

    @property
    def name(self) -> str:
        """The type of the event or of the exception, or the error's code."""
        return self.text(":event-type") or self.text(":exception-type") or self.text(":error-code")

    @property
    def failure(self) -> str:
        """What went wrong, where this frame is an exception or an error rather than an event; else empty."""
        if self.text(":message-type") not in ("exception", "error"):
            return ""
        return self.text(":error-message") or self.data.decode("utf-8", "replace") or self.name or "unknown"

    def text(self, name: str) -> str:
        """The first header field of that name that is a text; empty without."""
        found = (header.value for header in self.headers if header.name == name)
        return next((value for value in found if isinstance(value, str)), "")


class EventStreamReader:
    """See `Reader`. Frames that stand before damage are given first; the next call raises."""

    def __init__(self, limit: int = LONGEST_ITEM) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0  # of the buffer, in the stream
        self._needed = PRELUDE  # octets in the buffer before there is anything to do
        self._fault: Malformed | None = None

    @property
    def rest(self) -> bytes:
        """See `Reader`."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Sequence[Frame]:
        """The frames that are whole with ``data``. Raises `Malformed`."""
        self._raise_fault()
        self._buffer += data
        frames: list[Frame] = []
        if len(self._buffer) >= self._needed:
            self._read(frames)
        if not frames:
            self._raise_fault()
        return frames

    def end(self) -> Sequence[Frame]:
        """Nothing more. Raises `Malformed` within a frame."""
        self._raise_fault()
        if self._buffer:
            raise Malformed("the stream ends within a frame", self._start + len(self._buffer))
        return ()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _read(self, frames: list[Frame]) -> None:
        """All whole frames of the buffer. A fault is kept for the call that has nothing else to say."""
        at = 0
        try:
            while (size := self._size(at)) and at + size <= len(self._buffer):
                frames.append(_frame(bytes(self._buffer[at : at + size]), self._start + at))
                at += size
        except Malformed as fault:
            self._fault = fault
        else:
            self._needed = size or PRELUDE
        del self._buffer[:at]
        self._start += at

    def _size(self, at: int) -> int:
        """Of the frame that begins there in the buffer; 0 while that is not known. Raises `Malformed`."""
        if len(self._buffer) - at < PRELUDE:
            return 0
        fault, size = _prelude_fault(self._buffer, at, self._limit)
        if fault:
            raise Malformed(fault, self._start + at)
        return size


def begins_event_stream(data: bytes) -> bool:
    """Whether these first octets of a body are a frame's prelude with the right CRC. Needs `PRELUDE` of them."""
    return len(data) >= PRELUDE and not _prelude_fault(data, 0, LONGEST_ITEM)[0]


def _prelude_fault(data: bytes | bytearray, at: int, limit: int) -> tuple[str, int]:
    """What is wrong with the prelude there, empty for nothing; and the frame's size."""
    size, headers, checksum = _PRELUDE.unpack_from(data, at)
    if crc32(data[at : at + _LENGTHS.size]) != checksum:
        return "the checksum of a frame's prelude is wrong", size
    if size > limit:
        return f"a frame of {size} octets is over the limit of {limit}", size
    if size < _FRAMING + headers or headers > LONGEST_HEADERS:
        return f"a frame of {size} octets cannot have {headers} of header fields", size
    return "", size


def _frame(raw: bytes, start: int) -> Frame:
    """One frame, whose prelude is good. Raises `Malformed`."""
    end = len(raw) - _WORD.size
    if crc32(memoryview(raw)[:end]) != _WORD.unpack_from(raw, end)[0]:
        raise Malformed("the checksum of a frame is wrong", start + end)
    behind = PRELUDE + _LENGTHS.unpack_from(raw)[1]
    return Frame(raw, start, _headers(raw[PRELUDE:behind], start + PRELUDE), raw[behind:end])


def _headers(data: bytes, start: int) -> tuple[Header, ...]:
    headers: list[Header] = []
    at = 0
    while at < len(data):
        try:
            header, at = _header(data, at)
        except (struct.error, IndexError, ValueError) as error:
            raise Malformed("a frame's header field is damaged", start + at) from error
        headers.append(header)
    return tuple(headers)


def _header(data: bytes, at: int) -> tuple[Header, int]:
    """The field that begins there, and where the next one does. Raises one of several errors where it is none."""
    begin = at + 1
    name, at = _taken(data, begin, data[at])
    kind = Kind(data[at])
    value, at = _value(data, at + 1, kind)
    return Header(name.decode(), kind, value), at


def _value(data: bytes, at: int, kind: Kind) -> tuple[Value, int]:
    if kind in (Kind.TRUE, Kind.FALSE):
        return kind is Kind.TRUE, at
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        return form.unpack_from(data, at)[0], at + form.size
    if kind is Kind.UUID:
        octets, at = _taken(data, at, 16)
        return UUID(bytes=octets), at
    octets, at = _taken(data, at + _SHORT.size, _SHORT.unpack_from(data, at)[0])
    return octets if kind is Kind.OCTETS else octets.decode(), at


def _taken(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    taken = data[at : at + size]
    if len(taken) < size:
        raise IndexError(at)
    return taken, at + size


def write_frame(headers: Iterable[Header], payload: bytes) -> bytes:
    """A frame with both checksums. Raises ValueError where a field or all of it is longer than a frame can say."""
    try:
        fields = b"".join(map(_written, headers))
        lengths = _LENGTHS.pack(_FRAMING + len(fields) + len(payload), len(fields))
    except struct.error as error:
        raise ValueError(f"a frame cannot hold this: {error}") from error
    if len(fields) > LONGEST_HEADERS:
        raise ValueError(f"{len(fields)} octets of header fields are more than a frame may have")
    frame = lengths + _WORD.pack(crc32(lengths)) + fields + payload
    return frame + _WORD.pack(crc32(frame))


def event(name: str, payload: bytes, content_type: str = "application/json") -> bytes:
    """An event as AWS writes it: with its type, the type of its payload, and that it is an event."""
    said = {":event-type": name, ":content-type": content_type, ":message-type": "event"}
    return write_frame([Header(field, Kind.TEXT, value) for field, value in said.items()], payload)


def exception(name: str, payload: bytes, content_type: str = "application/json") -> bytes:
    """An exception as AWS writes it; a stream ends with it."""
    said = {":exception-type": name, ":content-type": content_type, ":message-type": "exception"}
    return write_frame([Header(field, Kind.TEXT, value) for field, value in said.items()], payload)


def _written(header: Header) -> bytes:
    name = header.name.encode()
    return struct.pack(">B", len(name)) + name + bytes([header.kind]) + _written_value(header.kind, header.value)


def _written_value(kind: Kind, value: Any) -> bytes:
    if kind in (Kind.TRUE, Kind.FALSE):
        return b""
    if kind in _NUMBERS:
        return _NUMBERS[kind].pack(value)
    if kind is Kind.UUID:
        return bytes(value.bytes)
    octets = value if isinstance(value, bytes) else value.encode()
    return _SHORT.pack(len(octets)) + octets
