"""langchain's cassettes: `requests: [...]` and `responses: [...]`, paired by position; gzip around it.

Invariant: see `documents.py`; one without its other half is `Skipped`. Entries are vcrpy's. Source: `CustomSerializer`
in langchain's `langchain_tests/conftest.py`. Called by `formats.py`, which unpacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.documents import document, each
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.vcrpy import said
from proxy_daemon.core.messages import Recording

_NAMES = ("requests", "responses")


class ParallelLists:
    """The format."""

    name = "parallel-lists"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `requests` at the top."""
        return outline(data).top == "requests"

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries, as many as the longer list has."""
        found = document(file, data)
        requests, responses = (found.get(name) if isinstance(found, dict) else None for name in _NAMES)
        if not isinstance(requests, list) or not isinstance(responses, list):
            raise Unreadable(file, "its 'requests' and 'responses' are not two lists")
        return each(_pairs(requests, responses), said)


def _pairs(requests: list[Any], responses: list[Any]) -> Iterator[dict[str, Any]]:
    for request, response in zip_longest(requests, responses):
        yield {"request": request, "response": response}
