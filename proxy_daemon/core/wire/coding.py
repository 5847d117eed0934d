"""Content codings: which of them a client accepts, undoing and applying them (RFC 9110 sections 8.4, 12.5.3).

Both go piece by piece. What is decoded has a limit; the same octets are always encoded alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli
import zstandard

PART = 256 * 1024  # octets: about what one step of a decoder may give, however small its input
ZSTD_STEP = 256  # octets that zstd gets at once: it can make 32 KiB of each
ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659
BROTLI_QUALITY = 5  # of 11: what is served at once has no time for the highest
MOST_CODINGS = 5
MOST_WITHIN = 8 * 1024 * 1024  # octets that one coding within another may hold
MOST_EMPTY = 1000  # gzip members or zstd frames in a row of which nothing comes: whoever reads on waits for long


class CodingError(ValueError):
    """Damaged, cut, too large when decoded, or of an unknown coding; the message says which."""


class TooLarge(CodingError):
    """More came out than the limit, or more would have to be read than it is worth: the rest is not known."""


class Decoder(Protocol):
    """Decodes one body."""

    def parts(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` adds, in parts of bounded size. Read it to its end. Raises `CodingError`."""

    def piece(self, data: bytes) -> bytes:
        """What ``data`` adds, at once: for callers with a limit. Raises `CodingError`."""

    def end(self) -> None:
        """Raises `CodingError` where the body is cut."""


class _Stage(Protocol):
    """One coding."""

    def parts(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` adds; some parts may be empty."""

    def end(self) -> None:
        """Raises `CodingError` where the body is cut."""


class _Gzip:
    """gzip of one or more members, and zlib; raw deflate where the first octets are no zlib header."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = False
        self._empty = 0
        self._inner: Any = zlib.decompressobj(31 if name == "gzip" else 15)

    def parts(self, data: bytes) -> Iterator[bytes]:
        if not self._begun and data and self._name == "deflate" and not _is_zlib(data):
            self._inner = zlib.decompressobj(-15)
        while data:
            if self._inner.eof:
                if self._name != "gzip":
                    raise CodingError("octets stand behind the end of the deflate data")
                self._empty = _one_more(self._empty)
                self._inner = zlib.decompressobj(31)
            self._begun = True
            for part in self._decompressed(data):
                self._empty = 0 if part else self._empty
                yield part
            data = self._inner.unused_data

    def _decompressed(self, data: bytes) -> Iterator[bytes]:
        """Up to the end of the data or of the member. A full part may have left more inside."""
        try:
            while data:
                yield (part := bytes(self._inner.decompress(data, PART)))
                while len(part) == PART and not self._inner.unconsumed_tail:
                    yield (part := bytes(self._inner.decompress(b"", PART)))
                data = self._inner.unconsumed_tail
        except zlib.error as error:
            raise CodingError(f"damaged {self._name} data: {error}") from error

    def end(self) -> None:
        if self._begun and not self._inner.eof:
            raise CodingError(f"the {self._name} data is cut")


def _one_more(empty: int) -> int:
    """Another member or frame begins, behind so many of which nothing came. Raises `TooLarge`."""
    if empty >= MOST_EMPTY:
        raise TooLarge(f"more than {MOST_EMPTY} parts in a row hold nothing")
    return empty + 1


def _is_zlib(data: bytes) -> bool:
    """RFC 1950: method 8, and with the second octet a multiple of 31. One octet alone is taken for zlib."""
    return data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0)  # noqa: PLR2004  (RFC 1950)


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self._begun = False

    def parts(self, data: bytes) -> Iterator[bytes]:
        if not data:
            return
        self._begun = True
        try:
            yield (part := bytes(self._inner.process(data, output_buffer_limit=PART)))
            # It may hold more even where it has taken all of the data, and would take more.
            while part or not self._inner.can_accept_more_data():
                yield (part := bytes(self._inner.process(b"", output_buffer_limit=PART)))
        except brotli.error as error:
            raise CodingError(f"damaged br data: {error}") from error

    def end(self) -> None:
        if self._begun and not self._inner.is_finished():
            raise CodingError("the br data is cut")


class _Zstd:
    """One or more frames."""

    def __init__(self) -> None:
        self._inner: Any = None
        self._empty = 0

    def parts(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), ZSTD_STEP):
            yield from self._decompressed(data[at : at + ZSTD_STEP])

    def _decompressed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner is None or self._inner.eof:
                self._empty = _one_more(self._empty)
                self._inner = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
            try:
                part = self._inner.decompress(data)
            except zstandard.ZstdError as error:
                raise CodingError(f"damaged zstd data: {error}") from error
            self._empty = 0 if part else self._empty
            yield part
            data = self._inner.unused_data if self._inner.eof else b""

    def end(self) -> None:
        if self._inner is not None and not self._inner.eof:
            raise CodingError("the zstd data is cut")


class _Within:
    """A coding whose octets are coded too. They are counted: a little can unfold to very much, and that to nothing."""

    def __init__(self, inner: _Stage) -> None:
        self._inner = inner
        self._left = MOST_WITHIN

    def parts(self, data: bytes) -> Iterator[bytes]:
        for part in self._inner.parts(data):
            self._left -= len(part)
            if self._left < 0:
                raise TooLarge(f"the body is coded several times, and more than {MOST_WITHIN} octets stand within")
            yield part

    def end(self) -> None:
        self._inner.end()


class _Chain:
    """Several codings, the last applied undone first; no more than ``limit`` octets come out at the end."""

    def __init__(self, stages: list[_Stage], limit: int) -> None:
        self._stages: list[_Stage] = [*map(_Within, stages[:-1]), *stages[-1:]]
        self._limit = limit
        self._size = 0

    def parts(self, data: bytes) -> Iterator[bytes]:
        for part in _through(self._stages, data):
            self._size += len(part)
            if self._limit and self._size > self._limit:
                raise TooLarge(f"the decoded body is over the limit of {self._limit} octets")
            yield part

    def piece(self, data: bytes) -> bytes:
        return b"".join(self.parts(data))

    def end(self) -> None:
        for stage in self._stages:
            stage.end()


def _through(stages: list[_Stage], data: bytes) -> Iterator[bytes]:
    """Depth first: what one stage gives is gone before it gives more."""
    if not stages:
        yield data
        return
    for part in stages[0].parts(data):
        if part:
            yield from _through(stages[1:], part)


_CODINGS: dict[str, Any] = {
    "gzip": lambda: _Gzip("gzip"),
    "x-gzip": lambda: _Gzip("gzip"),
    "deflate": lambda: _Gzip("deflate"),
    "br": _Brotli,
    "zstd": _Zstd,
}


def decoder_for(codings: bytes, *, limit: int = 0) -> Decoder:
    """A decoder for a `Content-Encoding` value. ``limit``: most octets that may come out; 0 for any. `CodingError`."""
    return _Chain([_CODINGS[name]() for name in reversed(_names(codings))], limit)


def _names(codings: bytes) -> list[str]:
    """Of a `Content-Encoding` value, in the order in which they were applied. Raises `CodingError`."""
    names = [name.strip().lower() for name in codings.decode("latin-1").split(",")]
    names = [name for name in names if name and name != "identity"]
    unknown = [name for name in names if name not in _CODINGS]
    if unknown:
        raise CodingError(f"the content coding {unknown[0]!r} is unknown")
    if len(names) > MOST_CODINGS:
        raise CodingError(f"{len(names)} content codings are more than anybody applies")
    return names


class Encoder:
    """Encodes one body, by each coding in turn."""

    def __init__(self, packers: list[_Packer]) -> None:
        self._packers = packers

    def piece(self, data: bytes) -> bytes:
        """The next octets of the encoded body, from which all of ``data`` can be decoded at once."""
        for packer in self._packers:
            data = packer.piece(data) if data else b""
        return data

    def end(self) -> bytes:
        """The last octets of the encoded body."""
        data = b""
        for packer in self._packers:
            data = packer.last(data)
        return data


class _Packer:
    """One coding. ``inner`` has its library's `compress` and `flush`, ``passing`` what makes it hold nothing back."""

    def __init__(self, inner: Any, passing: tuple[int, ...]) -> None:
        self._inner, self._passing = inner, passing

    def piece(self, data: bytes) -> bytes:
        return bytes(self._inner.compress(data) + self._inner.flush(*self._passing))

    def last(self, data: bytes) -> bytes:
        return bytes(self._inner.compress(data) + self._inner.flush())


class _BrotliPacker(_Packer):
    def __init__(self) -> None:
        super().__init__(brotli.Compressor(quality=BROTLI_QUALITY), ())

    def piece(self, data: bytes) -> bytes:
        return bytes(self._inner.process(data) + self._inner.flush())

    def last(self, data: bytes) -> bytes:
        return bytes(self._inner.process(data) + self._inner.finish())


def _gzip_packer() -> _Packer:
    return _Packer(zlib.compressobj(wbits=31), (zlib.Z_SYNC_FLUSH,))


_PACKERS: dict[str, Callable[[], _Packer]] = {
    "gzip": _gzip_packer,
    "x-gzip": _gzip_packer,
    "deflate": lambda: _Packer(zlib.compressobj(wbits=15), (zlib.Z_SYNC_FLUSH,)),
    "br": _BrotliPacker,
    "zstd": lambda: _Packer(zstandard.ZstdCompressor().compressobj(), (zstandard.COMPRESSOBJ_FLUSH_BLOCK,)),
}


def encoder_for(codings: bytes) -> Encoder:
    """An encoder for a `Content-Encoding` value, the first named applied first. Raises `CodingError`."""
    return Encoder([_PACKERS[name]() for name in _names(codings)])


def encode(codings: bytes, data: bytes) -> bytes:
    """A whole body as a `Content-Encoding` value has it. Raises `CodingError`."""
    for name in _names(codings):
        data = _PACKERS[name]().last(data)
    return data


def accepts(accept_encoding: bytes | None, coding: bytes) -> bool:
    """Whether an `Accept-Encoding` value admits a coding. None (no such field) admits any."""
    if accept_encoding is None:
        return True
    coding = coding.strip().lower()
    weights = dict(_weight(member) for member in accept_encoding.lower().split(b",") if member.strip())
    if coding in weights:
        return weights[coding] > 0
    if coding in (b"identity", b""):
        return weights.get(b"*", 1.0) > 0
    return weights.get(b"*", 0.0) > 0


def _weight(member: bytes) -> tuple[bytes, float]:
    name, _, parameters = member.partition(b";")
    weight = 1.0
    for parameter in parameters.split(b";"):
        key, _, value = parameter.strip().partition(b"=")
        if key == b"q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
    return name.strip(), weight
