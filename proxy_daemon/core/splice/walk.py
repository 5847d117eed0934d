"""Walks through a JSON text once and finds what is wanted in it, as cuts. Invariant: every octet is looked at.

So a text that is no JSON gives no cuts at all. Values in which nothing is wanted are skipped (`skip.py`), containers in
which something is are gone through item by item, without recursion.
"""

from __future__ import annotations

import json

from attrs import define, field

from proxy_daemon.core.splice.container import Container, Cut, value_of
from proxy_daemon.core.splice.grammar import BOM, SPACE, NotJSON, plain
from proxy_daemon.core.splice.skip import behind, end_of, named_value, opened
from proxy_daemon.core.splice.wanted import Wanted, encoded


def hits(data: bytes, wanted: Wanted) -> list[Cut]:
    """All cuts, in their order. Raises `NotJSON`."""
    return _Walk(data, plain(data)).all(wanted)


@define
class _Walk:
    data: bytes
    text: bytes  # what `plain` makes of it
    at: int = 0
    containers: list[Container] = field(factory=list)

    def all(self, wanted: Wanted) -> list[Cut]:
        """See `hits`."""
        self._space(len(BOM) if self.data.startswith(BOM) else 0)
        done = self._value(wanted)
        while self.containers:
            container = self.containers[-1]
            done = self._item(container) if done is None else self._behind(container, done)
        self._space(self.at)
        if self.at < len(self.text):
            raise NotJSON("something behind the value", self.at)
        return sorted(done or [], key=_place)

    def _space(self, at: int) -> None:
        found = SPACE.match(self.text, at)
        assert found
        self.at = found.end()

    # Each of these gives the cuts of a value that has come to its end, or None where a container has begun or goes on.

    def _value(self, wanted: Wanted | None) -> list[Cut] | None:
        start = self.at
        if wanted is not None and wanted.within and self.text.startswith((b"[", b"{"), start):
            self.at, closer = opened(self.text, start)
            self.containers.append(Container(closer, self.at, wanted))
            return None
        self.at = end_of(self.text, start)
        leaf = wanted.leaf if wanted else None
        return [Cut(start, self.at, value_of(leaf), leaf.edit)] if leaf else []

    def _item(self, container: Container) -> list[Cut] | None:
        if not container.count and self.text.startswith(container.closer.encode(), self.at):
            self.at += 1
            return self.containers.pop().ended()
        container.item = self.at
        if container.closer == "}":
            found = named_value(self.text, self.at)
            self.at = found.end()
            container.name = meant(self.data[found.start(1) : found.end(1)])
            container.inner = container.wanted.names.get(container.name)
        else:
            container.inner = container.wanted.element(container.count)
        return self._value(container.inner)

    def _behind(self, container: Container, cuts: list[Cut]) -> list[Cut] | None:
        container.take(self.at, cuts)
        self.at, closes = behind(self.text, self.at, container.closer)
        return self.containers.pop().ended() if closes else None


def _place(cut: Cut) -> tuple[int, int]:
    return cut.start, cut.end


def meant(quoted: bytes) -> bytes:
    """The name that stands between these quotes, its escapes resolved."""
    return encoded(json.loads(quoted)) if b"\\" in quoted else quoted[1:-1]
