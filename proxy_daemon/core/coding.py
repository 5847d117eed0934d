"""Content codings: which of them a client accepts, and decoding them piece by piece (RFC 9110 sections 8.4, 12.5.3)."""

from __future__ import annotations

import zlib
from typing import Any, Protocol

import brotli
import zstandard


class CodingError(ValueError):
    """Damaged, cut, too large when decoded, or of an unknown coding; the message says which."""


class Decoder(Protocol):
    """Decodes one body."""

    def piece(self, data: bytes) -> bytes:
        """What ``data`` adds. Raises `CodingError`."""

    def end(self) -> bytes:
        """What was held back. Raises `CodingError` where the body is cut."""


class _Gzip:
    """gzip of one or more members, and zlib; raw deflate where the first octets are no zlib header."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = False
        self._inner: Any = zlib.decompressobj(31 if name == "gzip" else 15)

    def piece(self, data: bytes) -> bytes:
        if not self._begun and data and self._name == "deflate" and not _is_zlib(data):
            self._inner = zlib.decompressobj(-15)
        out = []
        while data:
            if self._inner.eof:
                if self._name != "gzip":
                    raise CodingError("octets stand behind the end of the deflate data")
                self._inner = zlib.decompressobj(31)
            self._begun = True
            out.append(self._decompressed(data))
            data = self._inner.unused_data
        return b"".join(out)

    def _decompressed(self, data: bytes) -> bytes:
        try:
            return bytes(self._inner.decompress(data))
        except zlib.error as error:
            raise CodingError(f"damaged {self._name} data: {error}") from error

    def end(self) -> bytes:
        if self._begun and not self._inner.eof:
            raise CodingError(f"the {self._name} data is cut")
        return b""


def _is_zlib(data: bytes) -> bool:
    """RFC 1950: method 8, and with the second octet a multiple of 31. One octet alone is taken for zlib."""
    return data[0] & 0x0F == 8 and (len(data) < 2 or (data[0] << 8 | data[1]) % 31 == 0)  # noqa: PLR2004  (RFC 1950)


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self._begun = False

    def piece(self, data: bytes) -> bytes:
        self._begun = self._begun or bool(data)
        try:
            return bytes(self._inner.process(data)) if data else b""
        except brotli.error as error:
            raise CodingError(f"damaged br data: {error}") from error

    def end(self) -> bytes:
        if self._begun and not self._inner.is_finished():
            raise CodingError("the br data is cut")
        return b""


class _Zstd:
    """One or more frames."""

    def __init__(self) -> None:
        self._inner: Any = None

    def piece(self, data: bytes) -> bytes:
        out = []
        while data:
            if self._inner is None or self._inner.eof:
                self._inner = zstandard.ZstdDecompressor().decompressobj()
            try:
                out.append(self._inner.decompress(data))
            except zstandard.ZstdError as error:
                raise CodingError(f"damaged zstd data: {error}") from error
            data = self._inner.unused_data if self._inner.eof else b""
        return b"".join(out)

    def end(self) -> bytes:
        if self._inner is not None and not self._inner.eof:
            raise CodingError("the zstd data is cut")
        return b""


class _Chain:
    """Several codings, the last applied undone first; no more than ``limit`` octets come out of any."""

    def __init__(self, decoders: list[Decoder], limit: int) -> None:
        self._decoders = decoders
        self._limit = limit
        self._size = 0

    def piece(self, data: bytes) -> bytes:
        return self._counted(self._through(self._decoders, data))

    def end(self) -> bytes:
        out = b""
        for number, decoder in enumerate(self._decoders):
            out += self._through(self._decoders[number + 1 :], decoder.end())
        return self._counted(out)

    def _through(self, decoders: list[Decoder], data: bytes) -> bytes:
        for decoder in decoders:
            data = decoder.piece(data)
        return data

    def _counted(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._limit and self._size > self._limit:
            raise CodingError(f"the decoded body is over the limit of {self._limit} octets")
        return data


_CODINGS: dict[str, Any] = {
    "gzip": lambda: _Gzip("gzip"),
    "x-gzip": lambda: _Gzip("gzip"),
    "deflate": lambda: _Gzip("deflate"),
    "br": _Brotli,
    "zstd": _Zstd,
}


def decoder_for(codings: bytes, *, limit: int = 0) -> Decoder:
    """A decoder for a `Content-Encoding` value. ``limit``: most octets that may come out; 0 for any. `CodingError`."""
    names = [name.strip().lower() for name in codings.decode("latin-1").split(",")]
    names = [name for name in names if name and name != "identity"]
    unknown = [name for name in names if name not in _CODINGS]
    if unknown:
        raise CodingError(f"the content coding {unknown[0]!r} is unknown")
    return _Chain([_CODINGS[name]() for name in reversed(names)], limit)


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
