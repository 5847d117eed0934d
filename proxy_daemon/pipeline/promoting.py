"""Copies an exchange into a cassette, as it would stand there had it been recorded into it.

Invariant: only a good, complete answer is copied, without secrets, and never twice. Called by `pipeline/acting.py`.
"""

from __future__ import annotations

from attrs import define, evolve, field
from twisted.internet.defer import DeferredLock

from proxy_daemon.core.acts import Promoted, Refused
from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.bodies import Body, Bytes, chunks
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.messages import Recording, id_text
from proxy_daemon.core.numbered import NumberedRequests, numbered
from proxy_daemon.core.services import Clock, InFile, Store, Worker
from proxy_daemon.core.shelves import Shelf, Unavailable
from proxy_daemon.pipeline.keeping import hostless
from proxy_daemon.pipeline.shelves import Shelves

MOST = 64 * 1024 * 1024  # octets of a body
MOST_COPIES = 1000  # that are known as such
ONLY_READ = (
    "the cassette {} is only read in mode {}: start the daemon in a mode that records, such as new_episodes, "
    "or take another name"
)


@define(eq=False)
class Promoter:
    """``adopter``: judges whether an answer is good. ``anew``: how fingerprints of recordings are taken."""

    shelves: Shelves
    clock: Clock
    worker: Worker
    adopter: Adopter
    anew: Anew
    _ids: Ids = field(init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    # Those of this run, with their fingerprints: a cassette does not serve them to it.
    _copies: dict[tuple[str, int], tuple[int, bytes]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        redactor = NumberedRequests(self.anew.redactor.rules)
        self.anew = evolve(self.anew, redactor=redactor, hostless=True)
        self.adopter = evolve(self.adopter, redactor=redactor)
        self._ids = Ids(self.clock)

    async def promote(self, recording: Recording, name: str) -> Promoted:
        """Copy it into the cassette of this name. Raises `Refused`."""
        await self._turn.acquire()
        try:
            return await self._promoted(recording, await self._shelf(name), name)
        finally:
            self._turn.release()

    async def _shelf(self, name: str) -> Shelf:
        default = self.shelves.default
        if default.cassette and default.cassette == name:
            return default
        try:
            return await self.shelves.named(name, may_make=True)
        except Unavailable as error:
            raise Refused(error.status, str(error)) from None

    async def _promoted(self, recording: Recording, shelf: Shelf, name: str) -> Promoted:
        store = shelf.store
        places = store.places if isinstance(store, InFile) else lambda ids: {}
        for known in (recording.id, self._copies.get((name, recording.id), (0, b""))[0]):
            if place := places({known}).get(known):
                return Promoted(place, before=True)
        if not getattr(store, "records", True):
            raise Refused(409, ONLY_READ.format(name, shelf.mode.name))
        copy: Recording = await self.worker.run(self._copied, in_memory(recording, MOST), shelf)
        same = self._same(copy, store, name)
        if same is not None:
            return Promoted(places({same}).get(same, name), before=True)
        if not await store.put(copy):
            raise Refused(503, f"the cassette {name} was not written: {store.trouble or 'the disk is too slow'}")
        if len(self._copies) >= MOST_COPIES:
            self._copies.clear()
        self._copies[name, recording.id] = copy.id, copy.fingerprint
        return Promoted(places({copy.id}).get(copy.id, name))

    def _copied(self, recording: Recording, shelf: Shelf) -> Recording:
        """In a thread. Raises `Refused`."""
        own = f"exchange {id_text(recording.id)} is not copied"
        try:
            copy, why = self.adopter.adopt(numbered(hostless(recording), self.anew.redactor.rules))
            fingerprint = evolve(self.anew, matcher=shelf.matcher or self.anew.matcher)(copy, True)
        except NotOurs as error:
            raise Refused(409, f"{own}: {error}") from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's dialect raises anything)
            raise Refused(409, f"{own}: its dialect failed with {type(error).__name__}") from None
        if why:
            raise Refused(409, f"{own}: {why}")
        return evolve(
            copy,
            id=self._ids.next(),
            fingerprint=fingerprint,
            session="",
            scope=b"",
            served_from=0,
            imported=0.0,
            rules=(),
            delivered=None,
        )

    def _same(self, copy: Recording, store: Store, name: str) -> int | None:
        """The recording there that answers the same request with the same octets."""
        served = store.candidates(copy.fingerprint) if copy.fingerprint else ()
        own = [
            number
            for (into, _), (number, fingerprint) in self._copies.items()
            if into == name and fingerprint == copy.fingerprint
        ]
        for number in [*(each.id for each in served), *own]:
            other = store.get(number)
            if other is not None and _equal(other, copy):
                return number
        return None


def in_memory(recording: Recording, most: int) -> Recording:
    """With its bodies in memory: other threads read them. Raises `Refused` where one is larger than ``most`` octets."""
    request, response = recording.request, recording.response
    if max(request.body.size, 0 if response is None else response.body.size) > most:
        raise Refused(
            409, f"exchange {id_text(recording.id)} has a body of more than {most} octets: too large for that"
        )
    try:
        request = evolve(request, body=_read(request.body))
        response = None if response is None else evolve(response, body=_read(response.body))
    except OSError as error:
        raise Refused(503, f"exchange {id_text(recording.id)} cannot be read: {error}") from None
    return evolve(recording, request=request, response=response)


def _read(body: Body) -> Body:
    return body if isinstance(body, Bytes) else Bytes(b"".join(chunks(body)))


def _equal(one: Recording, other: Recording) -> bool:
    before, after = one.response, other.response
    if one.fingerprint != other.fingerprint or before is None or after is None or before.body.size != after.body.size:
        return False
    try:
        same = b"".join(chunks(before.body)) == b"".join(chunks(after.body))
    except OSError:
        return False
    return same and (one.status, one.written) == (other.status, other.written)
