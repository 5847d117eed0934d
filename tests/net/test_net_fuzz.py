"""Octets that nobody has thought of, from clients and upstreams: no fault of ours, an answer or an end for each."""

import re
from types import SimpleNamespace

import httptools
import pytest
from mutations import dice, mutated, seeds, split
from reference import in_order, requests
from talks import DONE, SILENCE, Talk
from twisted.logger import globalLogPublisher
from wires import Front

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Ending
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream.request_head import is_last, request_head
from proxy_daemon.pipeline.admission import Admission
from proxy_daemon.pipeline.faults import Refusal, UpstreamFault

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUESTS = [
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /_llmproxy/to/x/v1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    HEAD + b"Content-Length: 2\r\n\r\n{}",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 39\r\n\r\nGET /no HTTP/1.1\r\nHost: localhost\r\n\r\n ",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\nGET / HTTP/1.1\r\n",
]
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
]


@pytest.fixture
def defects():
    """What is logged as failed while a test runs."""
    events = []

    def observe(event):
        if event.get("log_failure") is not None:
            events.append(event["log_failure"].getTraceback())

    globalLogPublisher.addObserver(observe)
    yield events
    globalLogPublisher.removeObserver(observe)


class Reading:
    """Reads what a client gets, as strictly as llhttp does."""

    def __init__(self):
        self.statuses = []

    def read(self, octets):
        while octets:
            self.whole = False
            parser = httptools.HttpResponseParser(self)
            size = self._size(octets)
            parser.feed_data(octets[:size])
            self.statuses.append(parser.get_status_code())
            octets = octets[size:]
        return self.statuses

    @staticmethod
    def _size(octets):
        head, _, _ = octets.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        return len(head) + 4 + (int(length[1]) if length else 0)


def test_the_front(defects):
    """Each request is answered by a well-formed answer, and after a refusal that closes nothing is answered."""
    for seed in seeds():
        chance = dice(seed)
        front = Front(max_body=100)
        channel, wire = front.connect()
        for part in split(chance, mutated(chance, REQUESTS)):
            if part and not wire.disconnecting:
                channel.dataReceived(part)
        answered = [status for status in Reading().read(wire.value()) if status != 100]
        served = len(front.root.requests) + len(front.root.turned_away)
        assert served <= len(answered) <= served + 1, seed  # the parser's own 400 is nobody's request
        assert not wire.half_closed or answered[-1] >= 400, seed  # who lingers was refused, and nobody behind it served
        if not wire.disconnecting:
            channel.connectionLost(DONE)
        assert not defects, (seed, defects)


UPSTREAM = parse_upstream("http://upstream.example/base")


def passed_on(front):
    """What an upstream reads of the requests that have come through, on as few connections as may be."""
    clock = SimpleNamespace(wall=front.clock.seconds, seconds=front.clock.seconds)
    admission = Admission([UPSTREAM], BUILT_IN, clock, b"k" * 16, Ids(clock))
    connections = [b""]
    for method, target, fields, body in front.root.seen:
        try:
            request = admission.admit(method, target, Headers(fields), Bytes(body), "127.0.0.1").request
        except Refusal:
            continue  # below /_llmproxy/to/ stands no such upstream
        connections[-1] += request_head(UPSTREAM, request) + body
        if is_last(request):
            connections.append(b"")
    return [read for octets in connections for read in requests(octets)]


def test_no_upstream_sees_what_no_client_sent(defects):
    """Against a reader that has nothing of ours: a request for each that it reads, or none; never another one."""
    passed = 0
    for seed in seeds():
        chance = dice(seed)
        octets = mutated(chance, REQUESTS)
        sent = list(requests(octets))
        front = Front(max_body=100)
        runs = []
        for parts in ([octets], split(chance, octets), [octets]):  # the last one with what is known from the others
            front.root.requests.clear()
            channel, wire = front.connect()
            for part in parts:
                if part and not wire.disconnecting:
                    channel.dataReceived(part)
            seen = [(method, target, body) for method, target, _, body in front.root.seen]
            assert in_order(seen, sent), seed
            upstream = [(method, target.removeprefix(b"/base"), body) for method, target, body in passed_on(front)]
            assert in_order(upstream, [(method, without_name(target), body) for method, target, body in seen]), seed
            runs.append((seen, len(upstream)))
        assert runs[0] == runs[1] == runs[2], seed
        passed += len(runs[0][0])
    assert passed, "nothing came through, so nothing was shown"


def without_name(target):
    return re.sub(rb"^/_llmproxy/to/[A-Za-z0-9._-]+/?", b"/", target)


def test_what_an_upstream_sends(defects):
    """It ends as an answer that is whole, as one that is broken off, or as a fault in words."""
    for seed in seeds():
        chance = dice(seed)
        talk = Talk().ask(head_only=chance.random() < 0.1, body=chance.choice([EMPTY, Bytes(b"{}")]))
        octets = mutated(chance, RESPONSES)
        talk.feed(*split(chance, octets))
        talk.end(DONE)
        talk.clock.advance(2 * SILENCE)
        assert not defects, (seed, defects)
        if talk.answer is None:
            assert isinstance(talk.fault, UpstreamFault), seed
            assert talk.fault.status in (502, 504), seed
        else:
            assert 200 <= talk.answer.head.status <= 999, seed
            assert talk.ears.endings in ([Ending.COMPLETE], [Ending.BROKEN_OFF]), seed
            assert len(talk.ears.body) <= len(octets), seed
        assert len(talk.releases) <= 2, seed


def test_nothing_of_an_answer_becomes_the_next():
    """Where a connection may be asked again, it begins anew."""
    asked_again = 0
    for seed in seeds():
        chance = dice(seed)
        talk = Talk().ask(head_only=chance.random() < 0.3)
        talk.feed(*split(chance, mutated(chance, RESPONSES)))
        if talk.connection.usable and not talk.wire.disconnected:
            asked_again += 1
            talk.ask().feed(b"HTTP/1.1 201 Next\r\nContent-Length: 4\r\n\r\nnext")
            head = talk.answer.head
            assert (head.status, head.reason, len(head.headers.pairs)) == (201, b"Next", 1), seed
            assert (talk.ears.body, talk.ears.endings) == (b"next", [Ending.COMPLETE]), seed
            assert talk.answer.trailers.pairs == (), seed
    assert asked_again
