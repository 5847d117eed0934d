"""The order in which `llmproxy sort` puts a cassette's documents: by request, the same for whoever recorded them.

Invariant: what is served stays the same. Equal requests keep their order, for their answers come in turn; so do the
recordings with a pattern and those that a person wrote, of which the first that fits answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from proxy_daemon.core.care.findings import Document
from proxy_daemon.core.cassettes.llmproxy import Entry

Any = TypeVar("Any", bound=Document)
_Key = tuple[int, bytes, bytes, str, bytes]


def in_order(documents: Iterable[Any]) -> list[Any]:
    """The documents by path, method, model and fingerprint; those that answer more than their own request last."""
    return sorted(documents, key=lambda each: _LAST if each.entry is None else _key(each.entry))


_LAST: _Key = (2, b"", b"", "", b"")


def _key(entry: Entry) -> _Key:
    one = entry.recording
    if one.pattern is not None or one.written:
        return 1, b"", b"", "", b""
    return 0, one.request.target, one.request.method, one.model, one.fingerprint
