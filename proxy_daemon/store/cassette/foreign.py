"""Cassettes of other tools, served as they are: read once, never written.

Called by `cassette.py` where a file is none of ours. Raises `Unreadable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import evolve, field, frozen

from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.cassettes import Format, Skipped
from proxy_daemon.core.cassettes.formats import BUILT_IN, read
from proxy_daemon.core.cassettes.llmproxy import Entry
from proxy_daemon.core.messages import Recording
from proxy_daemon.store.cassette.recognised import Recognised
from proxy_daemon.store.cassette.values import Held


@frozen
class LeftOut:
    """An entry that is not served. ``entry``: its number in the file, from 0."""

    entry: int
    reason: str


def _known(given: Sequence[Format] | None) -> Sequence[Format]:
    return BUILT_IN if given is None else given


@frozen
class Foreign:
    """How they are read: ``adopter`` as for `llmproxy import`; ``formats``: None for the built-in ones."""

    recognised: Recognised
    adopter: Adopter
    formats: Sequence[Format] = field(converter=_known)
    numbers: Callable[[], int]

    def entries(self, path: str, data: bytes) -> Iterator[Held | LeftOut]:
        """All of the file, in its order; what is not served again is left out, with the reason."""
        for number, found in enumerate(read(path, data, self.formats)):
            if isinstance(found, Skipped):
                yield LeftOut(found.entry, found.reason)
                continue
            yield self._adopted(number, found)

    def _adopted(self, number: int, found: Recording) -> Held | LeftOut:
        try:
            recording, why = self.adopter.adopt(found)
            if why:
                return LeftOut(number, why)
            recording = self.recognised(recording, self.numbers())
        except NotOurs as error:
            return LeftOut(number, str(error))
        except Exception as error:  # noqa: BLE001  (a plugin's dialect raises anything: it costs this recording)
            return LeftOut(number, f"it cannot be recognised: {error!r}")
        return Held(Entry(evolve(recording, session=""), edited=False, start=0, end=0, line=0), b"", 0)
