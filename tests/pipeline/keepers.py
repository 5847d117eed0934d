"""A keeper in memory, and what it keeps of an exchange. Called by test_pipeline_keeping*.py."""

from test_dispatch import dispatcher, now
from twisted.internet.defer import succeed

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Ending, Exchange, Request, Response, ResponseHead
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import OnlyStore, Shelf
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.bodies import Spool
from proxy_daemon.pipeline.good_ends import GoodEnds
from proxy_daemon.pipeline.keeping import Keeper
from proxy_daemon.pipeline.recognising import Recogniser
from proxy_daemon.pipeline.tape import Tape
from proxy_daemon.testing import MemoryStore

HERE, THERE = parse_upstream("here=http://here"), parse_upstream("there=http://there")
JSON = (b"Content-Type", b"application/json")
SECRET = (b"Authorization", b"Bearer sk-1")
BODY = b'{"model": "m-1", "messages": []}'
TOKENS = b'{"access_token": "sk-2", "expires_in": 1}'


class CountingWorker:
    """Calls at once, and counts: ``calls`` holds the functions' names."""

    def __init__(self):
        self.calls = []

    def run(self, function, *args):
        self.calls.append(function.__name__)
        return succeed(function(*args))


def keeper(*plugins, mode="new_episodes", scope_by_key=False, record_errors=False, record_max_body=1000):
    hooks, worker = dispatcher(*plugins), CountingWorker()
    store = MemoryStore()
    return Keeper(
        store,
        Redactor(),
        hooks,
        worker,
        OnlyStore(Shelf(store, MODES[mode])),
        scope_by_key,
        GoodEnds(worker, record_errors, False, record_max_body),
        record_max_body,
        Recogniser(Redactor(), Matcher(), b"k" * 32),
    )


def exchange(keeper, body=BODY, *, fields=(JSON,), target=b"/v1/chat/completions", **parts):
    """An exchange that the keeper has recognised."""
    body = Bytes(body) if isinstance(body, bytes) else body
    request = Request(b"POST", target, Headers(fields), body)
    made = Exchange(7, request, HERE, recognise(request, BUILT_IN), 1.0, **parts)
    made.shelf = keeper.shelves.default
    keeper.recognise(made)
    return made


def fired(deferred):
    """Its result, which must be there."""
    results = []
    deferred.addCallback(results.append)
    return results[0]


def kept(keeper, made, data=b"{}", *, status=200, fields=(JSON,), ending=Ending.COMPLETE, limit=1000, memory=1000):
    """The recording of this answer."""
    tape = Tape(Spool(memory), limit)
    tape.add(data, 0)
    response = Response(ResponseHead(status, b"OK", Headers(fields)), tape.body, tape.pieces)
    committed = fired(keeper.keep(made, response, tape, THERE, ending))
    assert committed is bool(keeper.store.recordings)
    return keeper.store.recordings.get(7)


def octets(recording):
    """All that a recording holds of its messages."""
    response = recording.response or Response(ResponseHead(0))
    pairs = [b": ".join(pair) for each in (recording.request, response.head) for pair in each.headers.pairs]
    return b"\n".join([recording.request.target, *pairs, recording.request.body.whole(), response.body.whole()])


def noted(keeper, made):
    now(keeper.note(made))
    return keeper.store.recordings.get(7)
