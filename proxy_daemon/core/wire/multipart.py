"""Multipart bodies: forms with files (RFC 7578) and mixed content (RFC 2046 section 5.1), read in any cut and written.

A part's octets begin at its delimiter and end where the next one's do; what stands before the first delimiter and from
the last one on are asides. Read by matching and by whoever shows a request; written by tests and plugins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from attrs import frozen

from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.lazy import lazy
from proxy_daemon.core.wire import LONGEST_ITEM, Malformed

LONGEST_BOUNDARY = 256  # octets; RFC 2046 allows 70
LONGEST_HEAD = 64 * 1024  # octets of a part's header fields
MOST_PADDING = 64  # spaces and tabs behind a delimiter; RFC 2046 sets no limit

_PARAMETER = re.compile(rb';[ \t]*([^=;\s]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
_ESCAPED = re.compile(rb'\\(["\\])')
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,256}?)[ \t]*\r?\n")


@frozen
class Aside:
    """What belongs to no part: the preamble, or the last delimiter and the epilogue."""

    raw: bytes
    start: int
    name: str = ""
    data: bytes = b""


@frozen(slots=False)
class Part:
    """One part. ``raw`` begins with the line break before its delimiter."""

    raw: bytes
    start: int
    headers: Headers
    data: bytes

    @lazy
    def _disposition(self) -> dict[bytes, bytes]:
        return parameters(self.headers.get(b"content-disposition"))

    @property
    def name(self) -> str:
        """Of the form's field; empty where the part has none."""
        return _text(self._disposition.get(b"name", b""))

    @property
    def filename(self) -> str:
        """As the client gave it, path and all; empty without."""
        charset, _, coded = self._disposition.get(b"filename*", b"").partition(b"'")
        if charset.lower() == b"utf-8":  # RFC 8187
            return _text(unquote_to_bytes(coded.partition(b"'")[2]))
        return _text(self._disposition.get(b"filename", b""))

    @property
    def content_type(self) -> str:
        """As stated; empty without, which means plain text (RFC 2046 section 5.1)."""
        return _text(self.headers.get(b"content-type").strip())


class MultipartReader:
    """See `Reader`. Items that stand before damage are given first; the next call raises.

    A line that begins with the boundary and goes on is content. Line breaks may be LF alone, as recorders leave them.
    """

    def __init__(self, boundary: bytes, limit: int = LONGEST_ITEM) -> None:
        dashed = b"--" + re.escape(boundary)
        self._first = re.compile(rb"%b(--)?[ \t]{0,%d}(\r?\n)" % (dashed, MOST_PADDING))
        self._next = re.compile(rb"\n%b(--)?[ \t]{0,%d}(\r?\n)" % (dashed, MOST_PADDING))
        self._last = re.compile(rb"(?:\A|\n)%b(--)[ \t]{0,%d}(\Z)" % (dashed, MOST_PADDING))
        self._longest = len(boundary) + MOST_PADDING + 7  # octets of a delimiter
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0  # of the buffer, in the stream
        self._scan = 0  # in the buffer: no delimiter begins before it
        self._content = -1  # in the buffer: where the part's head begins; -1 within the preamble
        self._feeds_only = False  # this body has LF alone where others have CRLF: a CR before one is content
        self._closed = False  # the last delimiter has been seen
        self._fault = _boundary_fault(boundary)

    @property
    def rest(self) -> bytes:
        """See `Reader`."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Sequence[Part | Aside]:
        """The parts that are whole with ``data``: their end is where the next delimiter stands. Raises `Malformed`."""
        return self._read(data, self._next)

    def end(self) -> Sequence[Part | Aside]:
        """What the end makes whole: the last delimiter and the epilogue. Raises `Malformed` where there is none."""
        items = self._read(b"", self._last)
        if not self._closed:
            where = "the boundary never appears" if self._content < 0 else "the last delimiter is missing"
            raise Malformed(where, self._start + len(self._buffer))
        self._take(items, len(self._buffer))
        return items

    def _read(self, data: bytes, delimiter: re.Pattern[bytes]) -> list[Part | Aside]:
        """Further items. A fault is kept for the call that has nothing else to say."""
        items: list[Part | Aside] = []
        if self._fault is None:
            self._buffer += data
            try:
                self._find(items, delimiter)
            except Malformed as fault:
                self._fault = fault
        if self._fault is not None and not items:
            raise self._fault
        return items

    def _find(self, items: list[Part | Aside], delimiter: re.Pattern[bytes]) -> None:
        """Each delimiter in the buffer ends an item. Raises `Malformed`."""
        while not self._closed and (found := self._delimiter(delimiter)):
            begin = self._line_break(found.start())
            self._take(items, begin)
            self._feeds_only = self._feeds_only or (self._content < 0 and found[2] == b"\n")
            self._closed = found[1] is not None
            self._content = found.end() - begin
            self._scan = self._content - 1
        self._scan = max(self._scan, len(self._buffer) - self._longest)
        if len(self._buffer) > self._limit + self._longest:
            raise self._too_long()

    def _delimiter(self, delimiter: re.Pattern[bytes]) -> re.Match[bytes] | None:
        first = self._first.match(self._buffer) if self._content < 0 else None
        return first or delimiter.search(self._buffer, self._scan)

    def _line_break(self, at: int) -> int:
        """Where the line break that belongs to the delimiter begins, of which the LF stands there."""
        is_pair = not self._feeds_only and self._buffer[max(at - 1, 0) : at] == b"\r"
        return max(at - 1 if is_pair else at, self._content)

    def _take(self, items: list[Part | Aside], end: int) -> None:
        """The octets up to there are an item. Raises `Malformed`."""
        if end > self._limit:
            raise self._too_long()
        raw = bytes(self._buffer[:end])
        if self._content >= 0 and not self._closed:
            head, data = _split(raw[self._content :], self._start + self._content)
            items.append(Part(raw, self._start, _fields(head, self._start + self._content), data))
        elif raw:
            items.append(Aside(raw, self._start))
        del self._buffer[:end]
        self._start += end

    def _too_long(self) -> Malformed:
        return Malformed(f"a part is over the limit of {self._limit} octets", self._start + self._limit)


def _boundary_fault(boundary: bytes) -> Malformed | None:
    if not boundary:
        return Malformed("no boundary is stated", 0)
    is_good = len(boundary) <= LONGEST_BOUNDARY and not re.search(rb"[\r\n]", boundary)
    return None if is_good else Malformed("the boundary is none", 0)


def _split(content: bytes, at: int) -> tuple[bytes, bytes]:
    """Header fields and body of a part. One without an empty line has no body. Raises `Malformed`."""
    if content.startswith((b"\n", b"\r\n")):
        return b"", content[content.index(b"\n") + 1 :]
    found = _EMPTY_LINE.search(content, 0, LONGEST_HEAD)
    if found is None and len(content) > LONGEST_HEAD:
        raise Malformed(f"a part's header fields are over the limit of {LONGEST_HEAD} octets", at)
    return (content[: found.start()], content[found.end() :]) if found else (content, b"")


def _fields(head: bytes, at: int) -> Headers:
    """Raises `Malformed`."""
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head)  # a folded line: RFC 5322 section 2.2.3
    pairs = [line.partition(b":") for line in re.split(rb"\r?\n", lines) if line]
    if not all(colon for _, colon, _ in pairs):
        raise Malformed("a part has a header field without a colon", at)
    return Headers([(name.strip(b" \t"), value.strip(b" \t")) for name, _, value in pairs])


def parameters(value: bytes) -> dict[bytes, bytes]:
    """The parameters behind a media type or a disposition, names in lower case; the first of a name counts.

    RFC 9110 section 5.6.6. Browsers do not escape backslashes, so only those before a quote or a backslash count.
    """
    found: dict[bytes, bytes] = {}
    for name, quoted, token in _PARAMETER.findall(value[:LONGEST_HEAD]):
        found.setdefault(name.lower(), _ESCAPED.sub(rb"\1", quoted) or token.strip(b" \t"))
    return found


def boundary_of(content_type: bytes) -> bytes:
    """The boundary that a `Content-Type` of a multipart body states; empty without, and for other types."""
    if not content_type.strip().lower().startswith(b"multipart/"):
        return b""
    return parameters(content_type).get(b"boundary", b"")


def boundary_in(body: bytes) -> bytes:
    """The boundary with which a body begins, for where its type is not known any more; empty where there is none."""
    found = _FIRST_LINE.match(body, 0, 2 * LONGEST_BOUNDARY)
    return found[1] if found else b""


def normalised(body: bytes, boundary: bytes) -> tuple[tuple[str, str, str, str], ...]:
    """What a body says whatever its boundary: of each part the name, file name, type and SHA-256 of its octets.

    Raises `Malformed`.
    """
    reader = MultipartReader(boundary)
    items = [*reader.feed(body), *reader.end()]
    parts = [part for part in items if isinstance(part, Part)]
    return tuple((part.name, part.filename, part.content_type.lower(), sha256(part.data).hexdigest()) for part in parts)


def form_part(name: str, data: bytes, filename: str = "", content_type: str = "") -> tuple[Headers, bytes]:
    """A field of a form, for `write_multipart`. Quotes and line breaks are written as browsers do (WHATWG, HTML)."""
    disposition = f'form-data; name="{_escaped(name)}"' + (f'; filename="{_escaped(filename)}"' if filename else "")
    pairs = [(b"Content-Disposition", disposition.encode("utf-8", "replace"))]
    if content_type:
        pairs.append((b"Content-Type", content_type.encode("utf-8", "replace")))
    return Headers(pairs), data


def write_multipart(parts: Iterable[tuple[Headers, bytes]], boundary: bytes) -> bytes:
    """A body of these parts. Raises ValueError where the boundary or a header field cannot be one.

    The boundary must not stand within a part; that is a ValueError too.
    """
    if fault := _boundary_fault(boundary):
        raise ValueError(fault.reason)
    inside = re.compile(rb"^--%b(?:--)?[ \t]*\r?$" % re.escape(boundary), re.MULTILINE)
    written = bytearray()
    for headers, data in parts:
        if inside.search(data):
            raise ValueError("the boundary stands within a part")
        written += b"--%b\r\n%b\r\n%b\r\n" % (boundary, b"".join(map(_line, headers.pairs)), data)
    return bytes(written + b"--%b--\r\n" % boundary)


def _line(pair: Pair) -> bytes:
    if any(octet in pair[0] for octet in b"\r\n:") or any(octet in pair[1] for octet in b"\r\n"):
        raise ValueError("a header field has a line break")
    return b"%b: %b\r\n" % pair


def _escaped(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _text(octets: bytes) -> str:
    """Octets that are no UTF-8 stay different from one another."""
    return octets.decode("utf-8", "backslashreplace")
