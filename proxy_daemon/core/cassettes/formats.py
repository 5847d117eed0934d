"""Which format a file of recordings has, by its content.

Invariant: the first of the list that recognises a file reads it; so the narrower stands before the wider. Called by
`llmproxy import` and `llmproxy show`, with `BUILT_IN` and what `llmproxy_formats()` adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.asgi_replay import AsgiReplay
from proxy_daemon.core.cassettes.bare_sse import RawSse, SseDataLines
from proxy_daemon.core.cassettes.dd_test_agent import DatadogTestAgent
from proxy_daemon.core.cassettes.go_vcr import GoVcr
from proxy_daemon.core.cassettes.har import Har
from proxy_daemon.core.cassettes.httprr import Httprr
from proxy_daemon.core.cassettes.llmproxy import LlmproxyCassette
from proxy_daemon.core.cassettes.mitmproxy import Mitmproxy
from proxy_daemon.core.cassettes.packed import NotUnpacked, unpacked
from proxy_daemon.core.cassettes.parallel_lists import ParallelLists
from proxy_daemon.core.cassettes.promptecho import Promptecho
from proxy_daemon.core.cassettes.pydantic import Pydantic
from proxy_daemon.core.cassettes.refused import Refused
from proxy_daemon.core.cassettes.vcr_r import VcrR
from proxy_daemon.core.cassettes.vcr_ruby import VcrRuby
from proxy_daemon.core.cassettes.vcrpy import Vcrpy
from proxy_daemon.core.messages import Recording

BUILT_IN: tuple[Format, ...] = (
    LlmproxyCassette(),
    Httprr(),
    Mitmproxy(),
    Har(),
    DatadogTestAgent(),
    AsgiReplay(),
    Promptecho(),
    Pydantic(),
    GoVcr(),
    Vcrpy(),
    VcrR(),
    VcrRuby(),
    ParallelLists(),
    Refused(),
    RawSse(),
    SseDataLines(),
)


def read(file: str, data: bytes, formats: Sequence[Format] = BUILT_IN) -> Iterator[Recording | Skipped]:
    """All entries of a file, in their order. ``file``: its name, for messages; ``data``: all of it, packed or not.

    Raises `Unreadable`, at once or after some entries have been given.
    """
    try:
        plain = unpacked(data)
    except NotUnpacked as error:
        raise Unreadable(file, str(error)) from None
    yield from chosen(file, plain, formats).read(file, plain)


def chosen(file: str, data: bytes, formats: Sequence[Format] = BUILT_IN) -> Format:
    """The format of an unpacked file. Raises `Unreadable` where no format recognises it."""
    for one in formats:
        if one.recognises(file, data):
            return one
    raise Unreadable(file, "no recording of a known format" if data else "an empty file")
