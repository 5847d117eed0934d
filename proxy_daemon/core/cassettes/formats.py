"""Which format a file of recordings has, by its content.

Invariant: the first of the list that recognises a file reads it; so the narrower stands before the wider. Called by
`llmproxy import` and `llmproxy show`, with `BUILT_IN` and what `llmproxy_formats()` adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from proxy_daemon.core.cassettes import MOST, Format, Skipped, Streaming, Unreadable
from proxy_daemon.core.cassettes.aimock.format import Aimock
from proxy_daemon.core.cassettes.asgi_replay import AsgiReplay
from proxy_daemon.core.cassettes.bare_sse import RawSse, SseDataLines
from proxy_daemon.core.cassettes.dd_test_agent import DatadogTestAgent
from proxy_daemon.core.cassettes.go_vcr import GoVcr
from proxy_daemon.core.cassettes.har.format import Har
from proxy_daemon.core.cassettes.httprr import Httprr
from proxy_daemon.core.cassettes.llmproxy import LlmproxyCassette
from proxy_daemon.core.cassettes.mitmproxy.format import Mitmproxy
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.packed import NotUnpacked, unpacked
from proxy_daemon.core.cassettes.parallel_lists import ParallelLists
from proxy_daemon.core.cassettes.promptecho.format import Promptecho
from proxy_daemon.core.cassettes.pydantic import Pydantic
from proxy_daemon.core.cassettes.refused import Refused
from proxy_daemon.core.cassettes.streaming.entries import shape
from proxy_daemon.core.cassettes.streaming.source import NotStreamed, opened, tail
from proxy_daemon.core.cassettes.vcr_r import VcrR
from proxy_daemon.core.cassettes.vcr_ruby import VcrRuby
from proxy_daemon.core.cassettes.vcrpy import Vcrpy
from proxy_daemon.core.cassettes.wiremock.format import WireMock
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.talk.format import Markdown

BUILT_IN: tuple[Format, ...] = (
    LlmproxyCassette(),
    Httprr(),
    Mitmproxy(),
    Har(),
    WireMock(),
    Aimock(),
    DatadogTestAgent(),
    AsgiReplay(),
    Promptecho(),
    Pydantic(),
    GoVcr(),
    Vcrpy(),
    VcrR(),
    VcrRuby(),
    ParallelLists(),
    Markdown(),
    Refused(),
    RawSse(),
    SseDataLines(),
)
WHOLE = 8 * 1024 * 1024  # octets of a file, unpacked, that is read at once
_LISTS = ("interactions", "http_interactions")
_TAIL = 4096
_STEP = 1024 * 1024


def read(file: str, data: bytes, formats: Sequence[Format] = BUILT_IN) -> Iterator[Recording | Skipped]:
    """All entries of a file, in their order. ``file``: its name, for messages; ``data``: all of it, packed or not.

    Raises `Unreadable`, at once or after some entries have been given.
    """
    try:
        plain = unpacked(data)
    except NotUnpacked as error:
        raise Unreadable(file, str(error)) from None
    yield from chosen(file, plain, formats).read(file, plain)


def read_stream(
    file: str, source: BinaryIO, formats: Sequence[Format] = BUILT_IN, whole: int = WHOLE
) -> Iterator[Recording | Skipped]:
    """As `read`, of a file of any size: in bounded memory where its format can, else up to `MOST` octets.

    ``source``: can be sought. Raises `Unreadable`, and OSError.
    """
    try:
        yield from _streamed(file, source, formats, whole)
    except NotUnpacked as error:
        raise Unreadable(file, str(error)) from None


def _streamed(file: str, source: BinaryIO, formats: Sequence[Format], whole: int) -> Iterator[Recording | Skipped]:
    begin = opened(source).read(whole + 1)
    if len(begin) <= whole:
        yield from chosen(file, begin, formats).read(file, begin)
        return
    one = _recognised(file, source, _whole_characters(begin), formats)
    del begin
    given, reason = 0, f"{one.name} is read whole"
    if isinstance(one, Streaming):
        try:
            for entry in one.stream(file, opened(source)):
                yield entry
                given += 1
        except NotStreamed as error:
            reason = str(error)
        else:
            return
    yield from islice(_read_whole(file, source, formats, reason), given, None)


def _read_whole(file: str, source: BinaryIO, formats: Sequence[Format], reason: str) -> Iterator[Recording | Skipped]:
    if not _has_end(source):
        raise Unreadable(file, f"larger than {MOST} octets, and cannot be read in parts: {reason}")
    data = opened(source).read()
    return chosen(file, data, formats).read(file, data)


def _has_end(source: BinaryIO) -> bool:
    """Whether it is no larger than `MOST`; nothing of it is kept, since most that is packed so well is no file."""
    inner, size = opened(source), 0
    while size <= MOST and (part := inner.read(_STEP)):
        size += len(part)
    return size <= MOST


def _recognised(file: str, source: BinaryIO, begin: bytes, formats: Sequence[Format]) -> Format:
    """As `chosen`. Formats of lists differ in names that may stand behind a very long value, or at the end."""
    one, name = chosen(file, begin, formats), outline(begin).top
    if name not in _LISTS or one not in BUILT_IN:
        return one
    try:
        names = shape(file, opened(source), name)
    except NotStreamed:
        return one
    last = tail(source, _TAIL) if name == _LISTS[1] else b""
    return chosen(file, b"%b\n%b" % (names, last.decode("utf-8", "replace").encode()), BUILT_IN)


def _whole_characters(data: bytes) -> bytes:
    """The same without the last one, which may be cut."""
    end = len(data) - 1
    while end and data[end] & 0xC0 == 0x80:  # noqa: PLR2004  (UTF-8: within a character)
        end -= 1
    return data[:end]


def chosen(file: str, data: bytes, formats: Sequence[Format] = BUILT_IN) -> Format:
    """The format of an unpacked file. Raises `Unreadable` where no format recognises it."""
    for one in formats:
        if one.recognises(file, data):
            return one
    raise Unreadable(file, "no recording of a known format" if data else "an empty file")
