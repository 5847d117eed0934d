"""Acts on a store and cassettes that a test plays. Used by `test_pipeline_acting.py`."""

import orjson
import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.acts import Refused
from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import Shelf
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.pipeline.acting import Acting
from proxy_daemon.pipeline.promoting import Promoter
from proxy_daemon.pipeline.secret_watch import SecretWatch
from proxy_daemon.pipeline.shelves import Opened, Shelves
from proxy_daemon.testing import MemoryStore

JSON = Headers([(b"Content-Type", b"application/json")])
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
}
OTHER_BODY = orjson.dumps(CHAT | {"id": "chatcmpl-2"})
GONE, OTHER = 99, 98


def recording(number=7, body=None, **changes):
    request = Request(b"POST", b"/v1/chat/completions", JSON, Bytes(b'{"model": "m-1", "messages": []}'))
    answer = Response(ResponseHead(200, b"OK", JSON), Bytes(body or orjson.dumps(CHAT)))
    fields = {"id": number, "request": request, "response": answer, "upstream": parse_upstream("a=http://127.0.0.1:1")}
    fields |= {"ending": Ending.COMPLETE, "outcome": Outcome.MISS, "started": 5.0, "status": 200, "replayable": True}
    return Recording(**(fields | {"fingerprint": b"f" * 32} | changes))


class Notebook(MemoryStore):
    """A curated store in memory. ``good``: what its changes fire with; ``meanwhile``: is called before they do."""

    def __init__(self, *recordings):
        super().__init__()
        self.recordings = {each.id: each for each in recordings}
        self.notes, self.good, self.meanwhile, self.superseded = {}, True, lambda: None, []

    def _done(self, change):
        self.meanwhile()
        if self.good:
            change()
        return succeed(self.good)

    def remark(self, exchange_id, *, mark=None, comment=None, pinned=None):
        def change():
            before = self.notes.get(exchange_id, ("", ""))
            both = zip((mark, comment), before, strict=True)
            self.notes[exchange_id] = tuple(old if new is None else new for new, old in both)
            if pinned is not None:
                self.recordings[exchange_id] = evolve(self.recordings[exchange_id], pinned=pinned)

        return self._done(change)

    def remarks(self, ids):
        return {each: self.notes[each] for each in ids if each in self.notes}

    def remove(self, ids):
        return self._done(lambda: [self.recordings.pop(each) for each in ids])

    def supersede(self, recording, original):
        self.superseded.append((recording, original))
        return self._done(lambda: None)


class File(MemoryStore):
    """A cassette in memory. Its documents are numbered as they come."""

    path = "/tmp/a.yaml"

    def __init__(self, *recordings, records=True):
        super().__init__()
        self.records, self.recordings, self.good, self.runs = records, {each.id: each for each in recordings}, True, 0

    def places(self, ids):
        return {each: f"a.yaml#{place}" for place, each in enumerate(self.recordings) if each in ids}

    def put(self, recording, *, replace=False, run=0):
        if self.good:
            super().put(recording)
        return succeed(self.good)

    def begin_run(self):
        self.runs += 1

    def stats(self):
        return {"recordings": len(self.recordings)}


class Clock:
    def seconds(self):
        return 5.0

    def wall(self):
        return 1_800_000_000.0


class Worker:
    def run(self, function, *arguments):
        done = Deferred()
        try:
            done.callback(function(*arguments))
        except Refused:
            done.errback()
        return done


class Rig:
    """``acts`` over a store, and what was told of them."""

    def __init__(self, store=None, *, cassette=None, opens=None, named=None, on_secret="redact"):
        self.store = Notebook(recording()) if store is None else store
        self.told, self.closed, self.opened = [], [], []
        self.shelves = Shelves(Shelf(self.store, MODES["new_episodes"]), "/tmp", open=self._open)
        self.opens = opens
        if cassette is not None:
            self.shelves.adopt(self._as_opened(cassette), "/tmp/a.yaml")
        for name, each in (named or {}).items():
            self.shelves._shelves[name] = Shelf(each, MODES["new_episodes"], name)
            self.shelves._opened[name] = self._as_opened(each)
        worker, redactor, anew = Worker(), Redactor(), Anew(Matcher())
        promoter = Promoter(self.shelves, Clock(), worker, Adopter(), anew)
        watch = SecretWatch(worker, on_secret)
        self.acts = Acting(
            self.store, self.shelves, Clock(), worker, redactor, BUILT_IN, promoter, watch, "new_episodes"
        )
        self.acts.publish = lambda kind, value: self.told.append((kind, value))

    def _as_opened(self, store):
        async def close():
            self.closed.append(store)

        return Opened(store, bool(store.recordings), close)

    async def _open(self, binding):
        self.opened.append(binding)
        if isinstance(self.opens, Exception):
            raise self.opens
        return self._as_opened(self.opens)

    def do(self, name, *arguments, **more):
        """What an act returns; raises what it raises."""
        results = []
        Deferred.fromCoroutine(getattr(self.acts, name)(*arguments, **more)).addBoth(results.append)
        (result,) = results
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result

    def refused(self, name, *arguments, **more):
        """(status, words) of an act that is refused; nobody is told of anything."""
        with pytest.raises(Refused) as refused:
            self.do(name, *arguments, **more)
        assert self.told == []
        return refused.value.status, str(refused.value)
