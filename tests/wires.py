"""What tests without sockets stand on: transports in memory, and the front on them.

Time is a `task.Clock`. Nothing here waits, and nothing touches the reactor.
"""

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from proxy_daemon.core.access import Access
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.heads import error_answer
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.limits import Limits
from proxy_daemon.net.site import FrontSite

DONE = Failure(ConnectionDone())


class Wire(StringTransport):
    """A transport in memory. It remembers how it was closed, and lets a pull producer run."""

    def __init__(self, local="127.0.0.1", peer="127.0.0.1"):
        peer = IPv4Address("TCP", peer, 50000) if isinstance(peer, str) else peer
        super().__init__(IPv4Address("TCP", local, 8910), peer, lenient=True)
        self.half_closed = False

    def loseWriteConnection(self):
        self.half_closed = True

    def unregisterProducer(self):
        """Twice is once, as with a socket's transport."""
        self.producer = self.streaming = None

    def taken(self):
        """What was written since the last call."""
        data = self.value()
        self.clear()
        return data

    def pump(self, most=1000):
        """Ask a pull producer for more until it is done."""
        for _ in range(most):
            if self.producer is None:
                return
            self.producer.resumeProducing()
        raise AssertionError("the producer never ends")


class Root(Resource):
    """Stands where the pipeline stands: remembers each request, and answers at once or when it is told to."""

    isLeaf = True

    def __init__(self, *, at_once=True):
        super().__init__()
        self.at_once = at_once
        self.requests, self.turned_away = [], []

    def render(self, request):
        self.requests.append(request)
        if self.at_once:
            answer(request)
        return NOT_DONE_YET

    def turn_away(self, request, client, refusal):
        """As the pipeline answers who may not come in."""
        self.turned_away.append((request, client, refusal))
        head, body = error_answer(GENERIC, refusal.status, refusal.kind, refusal.message)
        return head, b"Cache-Status: llmproxy; fwd=bypass; detail=refused\r\n", body

    @property
    def seen(self):
        """(method, target, fields, body) of each request."""
        return [seen(request) for request in self.requests]


def seen(request):
    return request.method, request.uri, request.fields.pairs, request.spool.read(0, request.spool.size)


def answer(request, body=b"ok"):
    """A whole answer, in few octets."""
    client = FrontClient(request)
    client.begin(HEAD_200, b"")
    client.write(body)
    client.finish()


HEAD_200 = ResponseHead(200, b"OK", Headers(((b"Content-Length", b"2"),)))


class Front:
    """A `FrontSite` on a clock, and its connections."""

    def __init__(self, root=None, *, at_once=True, access=Access(), max_body=1000, timeout=60.0, **limits):  # noqa: B008
        self.clock, self.root = Clock(), root or Root(at_once=at_once)
        self.site = FrontSite(self.root, access, max_body, timeout, self.clock.seconds, Limits(**limits))
        self.site.reactor = self.clock

    def connect(self, local="127.0.0.1", peer="127.0.0.1", *, turns=True):
        """(channel, wire) of a new client. ``turns``: after each read the reactor turns until all is done."""
        wire = Wire(local, peer)
        channel = self.site.buildProtocol(wire.getPeer())
        channel.makeConnection(wire)
        if turns:
            channel.dataReceived = self._turning(channel.dataReceived)
        return channel, wire

    def _turning(self, read):
        under_way = False

        def turning(data):
            nonlocal under_way
            if under_way:
                read(data)
                return
            under_way = True
            read(data)
            self.turn()
            under_way = False

        return turning

    def turn(self):
        """Let the reactor turn until nothing is due."""
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def known(self, local="127.0.0.1", *, peer_is_local=True):
        """The heads that are known on one of our addresses."""
        return self.site.known_heads(local, peer_is_local)
