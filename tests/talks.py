"""A connection to an upstream in memory: the test is the upstream, and reads what comes of a request."""

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from wires import Wire

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.net.upstream.connection import Connection

SILENCE = 100.0
DONE, LOST = Failure(ConnectionDone()), Failure(ConnectionLost())


class Ears:
    """A receiver that remembers."""

    def __init__(self):
        self.pieces, self.endings = [], []

    def received(self, data, ending):
        assert not self.endings, "something came behind the end"
        self.pieces.append(data)
        if ending is not None:
            self.endings.append(ending)

    @property
    def body(self):
        return b"".join(self.pieces)


class Talk:
    """A connection on a wire, and what comes of a request on it."""

    def __init__(self):
        self.clock, self.wire, self.releases = Clock(), Wire(), []
        self.connection = Connection(self.clock, SILENCE, "test (http://upstream)")
        self.connection.released = lambda _, reusable: self.releases.append(reusable)
        self.connection.makeConnection(self.wire)

    def ask(self, *, head_only=False, body=EMPTY, listen=True):
        self.answer, self.fault, self.ears = None, None, Ears()
        self.asked = self.connection.ask(b"ASK\r\n\r\n", body, head_only)
        self.asked.addCallbacks(self._answered, self._failed, callbackArgs=(listen,))
        return self

    def _answered(self, answer, listen):
        self.answer = answer
        if listen:
            answer.start(self.ears)

    def _failed(self, failure):
        self.fault = failure.value

    def feed(self, *parts):
        """As a reactor does: nothing is read from a connection that was aborted."""
        for part in parts:
            if self.wire.disconnected:
                break
            if part:
                self.connection.dataReceived(part)
        return self

    def end(self, reason=DONE):
        self.connection.connectionLost(reason)
        return self

    @property
    def result(self):
        if self.answer is None:
            return type(self.fault), getattr(self.fault, "status", 0)
        head = self.answer.head
        return (
            (head.status, head.reason, head.headers.pairs),
            self.ears.body,
            self.ears.endings,
            self.answer.trailers.pairs,
        )


def http(*fields, line=b"HTTP/1.1 200 OK", body=b""):
    return b"\r\n".join([line, *fields, b"", body])
