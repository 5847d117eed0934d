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
from proxy_daemon.core.cassettes.wiremock.format import WireMock
from proxy_daemon.core.matching.patterns.said import talk
from proxy_daemon.core.messages import SSE, Recording, Unknown
from proxy_daemon.store.cassette.recognised import Recognised
from proxy_daemon.store.cassette.stub_files import stub_files
from proxy_daemon.store.cassette.values import Held

OK = 200  # RFC 9110 section 15.3.1


@frozen
class LeftOut:
    """An entry that is not served. ``entry``: its number in the file, from 0."""

    entry: int
    reason: str


def _known(given: Sequence[Format] | None) -> Sequence[Format]:
    return (WireMock(stub_files), *BUILT_IN) if given is None else given


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
            recording, why = self.adopter.adopt(_with_status(found))
            if why:
                return LeftOut(number, why)
            recording = self.recognised(recording, self.numbers())
            _read_ahead(recording)
        except NotOurs as error:
            return LeftOut(number, str(error))
        except Exception as error:  # noqa: BLE001  (a plugin's dialect raises anything: it costs this recording)
            return LeftOut(number, f"it cannot be recognised: {error!r}")
        return Held(Entry(evolve(recording, session=""), edited=False, start=0, end=0, line=0), b"", 0)


def _read_ahead(recording: Recording) -> None:
    """In this thread, what of a talk its first look-up would read on the reactor's."""
    if recording.pattern is not None and recording.pattern.said is not None:
        talk(recording.pattern.said)


def _with_status(found: Recording) -> Recording:
    """A file that is nothing but a stream of events: what clients take for one has status 200, and no other.

    https://html.spec.whatwg.org/multipage/server-sent-events.html, "processing model". Who names such a file as a
    cassette says that it is the answer.
    """
    response = found.response
    if response is None or not {Unknown.REQUEST, Unknown.STATUS} <= found.unknown:
        return found
    if not response.head.headers.get(b"content-type").lower().startswith(SSE):
        return found
    response = evolve(response, head=evolve(response.head, status=OK, reason=b"OK"))
    return evolve(found, response=response, status=OK, unknown=found.unknown - {Unknown.STATUS})
