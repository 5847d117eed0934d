"""A relay with everything a test turns by hand: the answer's pieces, the commit, and clients in memory."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, ResponseHead
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.relay import Drain, Relay
from proxy_daemon.pipeline.outlet import Outlet
from proxy_daemon.pipeline.tape import Tape
from proxy_daemon.testing import MemoryClient

SSE = Headers(((b"Content-Type", b"text/event-stream"),))


class FakeAnswer:
    """An answer whose pieces the test sends. Starting it lets it flow, as with a live one."""

    def __init__(self, head=None):
        self.head = head or ResponseHead(200, b"OK", SSE)
        self.trailers = Headers()
        self.why_broken = ""
        self.paused = False
        self.aborted = False
        self.receiver = None

    def start(self, receiver):
        self.receiver = receiver
        self.paused = False

    def pause(self):
        assert not self.paused
        self.paused = True

    def resume(self):
        assert self.paused
        self.paused = False

    def abort(self):
        self.aborted = True

    def send(self, data, ending=None):
        self.receiver.received(data, ending)


class FakeExchange:
    def __init__(self):
        self.response_size = 0
        self.id = 1
        self.outcome = Outcome.MISS
        self.ending = None
        self.if_cancelled = Ending.CLIENT_GONE
        self.detail = ""
        self.likeness = 0.0
        self.fitted = False


class StrictOutlet(Outlet):
    """Writes of nothing fail: a relay that does them does them for ever."""

    def write(self, data, *, last=False):
        assert data or last, "nothing was written"
        super().write(data, last=last)


class FullClient(MemoryClient):
    """A client whose transport is full already."""

    def feed_from(self, flow):
        super().feed_from(flow)
        if flow is not None:
            flow.pause()


class Play:
    """``commit`` fires when the store has written. ``limit``: octets that the tape takes."""

    def __init__(self, *, limit=10_000, drain=Drain(), keep=True, dialect=None, answer=None):  # noqa: B008
        self.answer, self.clock = answer or FakeAnswer(), Clock()
        self.tape = Tape(Spool(64), limit)
        self.kept, self.commit = [], Deferred()
        self.clients, self.outlets, self.endings = [], [], []

        def keeping(response, ending):
            self.kept.append((response, ending))
            return self.commit

        self.relay = Relay(
            self.answer,
            self.clock,
            tape=self.tape,
            keep=keeping if keep else None,
            dialect=dialect or OpenAIChat(),
            drain=drain,
        )

    def join(self, client=None):
        client = client or MemoryClient()
        outlet = StrictOutlet(FakeExchange(), client, [], [], None)
        outlet.begin(ResponseHead(200), -1)
        ending = []
        self.clients.append(client)
        self.outlets.append(outlet)
        self.endings.append(ending)
        self.relay.join(outlet).addBoth(ending.append)
        return client

    def leave(self, number=0):
        self.outlets[number].done.cancel()

    def got(self, number=0):
        return b"".join(self.clients[number].pieces)
