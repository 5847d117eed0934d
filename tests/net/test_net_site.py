"""The front without sockets: who is told no and when, what a body may be, silence, and what is ours."""

import json
from types import SimpleNamespace

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import CancelledError, Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from wires import DONE, Front, Root, answer

from proxy_daemon.core.access import Access
from proxy_daemon.core.messages import MAY_MAKE
from proxy_daemon.net import bodies
from proxy_daemon.net import site as module
from proxy_daemon.net.front import Front as Door
from proxy_daemon.net.front import FrontResource
from proxy_daemon.pipeline.faults import Refusal

GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%b\r\n"
CHUNKS = b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def ask(front, *parts, **where):
    """(status, header lines, body) of what one connection answers."""
    _, wire = send(front, *parts, **where)
    head, _, body = wire.value().partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    return int(lines[0].split()[1]), lines[1:], body


def send(front, *parts, **where):
    channel, wire = front.connect(**where)
    for part in parts:
        channel.dataReceived(part)
    return channel, wire


REFUSED = {
    "foreign host": (b"GET /v1/x HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "--allow-host evil.example"),
    "no host": (b"GET /v1/x HTTP/1.1\r\n\r\n", 400, "names no Host"),
    "two hosts": (b"GET /v1/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "more than one Host"),
    "foreign origin": (b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403, "--allow-origin null"),
    "an upgrade": (b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n", 426, "upgrade"),
    "CONNECT": (b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "must begin with '/'"),
    "a whole URL": (b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "must begin with '/'"),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "must begin with '/'"),
    "too large": (POST % (1001, b""), 413, "1000 octets (--max-body)"),
    "absurdly large": (POST % (10**17, b""), 413, "1000 octets (--max-body)"),
    "chunks too large": (CHUNKS + b"3e9\r\n" + b"x" * 1001, 413, "1000 octets (--max-body)"),
}


class TestRefusals:
    @pytest.mark.parametrize(("octets", "status", "words"), REFUSED.values(), ids=REFUSED.keys())
    def test_with_a_status_and_a_reason(self, octets, status, words):
        front = Front()
        got, lines, body = ask(front, octets)
        assert (got, front.root.requests) == (status, [])
        assert words in json.loads(body)["error"]["message"]
        assert b"Content-Length: %d" % len(body) in lines
        assert b"Cache-Status: llmproxy; fwd=bypass; detail=refused" in lines

    @pytest.mark.parametrize("fields", [b"Host: evil.example", b"Host: localhost\r\nUpgrade: websocket"])
    def test_before_the_body_comes(self, fields):
        channel, wire = send(Front(), b"POST /v1/x HTTP/1.1\r\n%b\r\nContent-Length: 9\r\n\r\n" % fields)
        assert wire.value().startswith(b"HTTP/1.1 4")
        assert b"Connection: close\r\n" in wire.value()
        assert (channel.persistent, wire.half_closed) == (0, True)

    def test_an_upgrade_is_told_what_is_spoken_here(self):
        """And a field of one hop is named as such."""
        _, lines, _ = ask(Front(), REFUSED["an upgrade"][0])
        assert (lines.count(b"Upgrade: HTTP/1.1"), lines.count(b"Connection: Upgrade")) == (1, 1)
        assert not any(line.startswith(b"Upgrade: ") for line in ask(Front(), REFUSED["foreign host"][0])[1])

    @pytest.mark.parametrize(("octets", "status", "words"), REFUSED.values(), ids=REFUSED.keys())
    def test_the_pipeline_learns_who_asked_for_what(self, octets, status, words):
        front = Front(access=Access())
        send(front, octets, peer="10.0.0.7")
        ((request, client, refusal),) = front.root.turned_away
        line, *fields = octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
        assert [request.method, request.target] == line.split(b" ")[:2]
        assert [b"%b: %b" % pair for pair in request.headers.pairs] == [field for field in fields if field]
        assert (client, refusal.status, request.body.size) == ("10.0.0.7", status, 0)
        assert words in refusal.message

    def test_only_one_answer_however_much_comes(self):
        _, wire = send(Front(), CHUNKS, *[b"1f4\r\n" + b"x" * 500 + b"\r\n"] * 6, b"0\r\n\r\n", GET)
        assert wire.value().count(b"HTTP/1.1 ") == 1

    def test_no_body_is_invited_that_will_not_be_read(self):
        _, wire = send(Front(), POST % (1001, b"Expect: 100-continue\r\n"))
        assert wire.value().startswith(b"HTTP/1.1 413 ")
        assert b"100 Continue" not in wire.value()

    def test_a_body_that_will_be_read_is_invited(self):
        front = Front()
        channel, wire = send(front, POST % (2, b"Expect: 100-continue\r\n"))
        assert wire.taken() == b"HTTP/1.1 100 Continue\r\n\r\n"
        channel.dataReceived(b"{}")
        assert front.root.seen[0][3] == b"{}"

    def test_the_limit_itself_passes(self):
        front = Front()
        assert ask(front, POST % (1000, b""), b"x" * 1000)[0] == 200
        assert ask(front, CHUNKS, b"3e8\r\n%b\r\n0\r\n\r\n" % (b"x" * 1000))[0] == 200

    def test_head_is_refused_without_a_body(self):
        status, lines, body = ask(Front(), b"HEAD /v1/x HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert (status, body) == (403, b"")
        assert any(line.startswith(b"Content-Length: ") and line[16:] != b"0" for line in lines)

    def test_a_full_disk_is_said(self, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(bodies, "MEMORY_LIMIT", 0)
        monkeypatch.setattr(bodies.Spool, "write", full)
        status, _, body = ask(Front(), POST % (10, b""), b"x" * 5, b"x" * 5)
        assert status == 507
        assert "No space left on device" in json.loads(body)["error"]["message"]

    @pytest.mark.parametrize("origin", [b"https://app.example", b"HTTPS://App.Example"])
    def test_what_the_settings_allow_passes(self, origin):
        front = Front(access=Access(("llm.example",), ("https://app.example",)))
        octets = b"GET /v1/x HTTP/1.1\r\nHost: llm.example\r\nOrigin: %b\r\n\r\n" % origin
        assert ask(front, octets)[0] == 200


class TestWhatIsOurs:
    @pytest.fixture
    def front(self):
        class Page(Resource):
            isLeaf = True

            def render(self, request):
                return json.dumps([request.args[b"a"][0].decode(), request.content.read().decode()]).encode()

        self.runs = Runs()
        return Front(FrontResource(self.runs, {"page": Page()}))

    @pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
    def test_pages_answer_this_machine(self, front, peer):
        octets = b"GET /_llmproxy/page?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody"
        assert ask(front, octets, peer=peer)[2] == b'["b", "body"]'
        assert self.runs.requests == []

    @pytest.mark.parametrize("peer", ["192.168.1.5", "10.0.0.1", "::ffff:10.0.0.1", ""])
    @pytest.mark.parametrize("target", [b"/_llmproxy/page?a=b", b"/_llmproxy/", b"/_llmproxy/nothing"])
    def test_and_nobody_else(self, front, peer, target):
        status, _, body = ask(front, b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target, peer=peer)
        assert status == 403
        assert "only clients on this machine" in json.loads(body)["error"]["message"]

    @pytest.mark.parametrize(
        "field", [b"Forwarded: for=10.0.0.1", b"X-Forwarded-For: 10.0.0.1", b"x-real-ip: 10.0.0.1"]
    )
    def test_nor_who_comes_by_a_reverse_proxy_here(self, front, field):
        octets = b"GET /_llmproxy/page?a=b HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % field
        assert ask(front, octets)[0] == 403

    def test_a_unix_socket_is_on_this_machine(self, front):
        assert (
            ask(front, b"GET /_llmproxy/page?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", peer=UNIXAddress(b""))[0] == 200
        )

    @pytest.mark.parametrize("target", [b"/%5fllmproxy/nothing", b"/_llmprox%79/to/x/v1"])
    def test_escapes_lead_nowhere_else(self, front, target):
        """What would be ours once it is decoded goes to no upstream."""
        send(front, b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target)
        assert self.runs.requests == []

    @pytest.mark.parametrize("target", [b"/_llmproxyish", b"/_llmproxy/to/x/v1", b"/v1/_llmproxy/page", b"/", b"//"])
    def test_all_else_is_run(self, front, target):
        send(front, b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % target, peer="10.0.0.1")
        assert [request.uri for request in self.runs.requests] == [target]

    @pytest.mark.parametrize("octets", [b"GET /_llmproxy HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nAccept: text/html,*/*\r\n"])
    def test_a_browser_is_led_to_the_pages(self, front, octets):
        status, lines, body = ask(front, octets + b"Host: localhost\r\n\r\n")
        assert (status, body) == (302, b"")
        assert b"Location: _llmproxy/" in lines


class Runs(Root):
    """Stands for `Front`: what would go to the pipeline."""

    def run(self, request):
        self.requests.append(request)
        return NOT_DONE_YET


class TestSilence:
    """The site looks at all connections once a second; here by hand."""

    def look(self, front, seconds):
        front.clock.advance(seconds)
        front.site.look()

    @pytest.mark.parametrize("parts", [[], [GET], [GET, GET], [b"\r\n"]])
    def test_who_is_silent_too_long_is_closed(self, parts):
        front = Front(timeout=60)
        _, wire = send(front, *parts)
        self.look(front, 60)
        assert not wire.disconnecting
        self.look(front, 0.5)
        assert wire.disconnecting

    def test_each_octet_counts(self):
        front = Front(timeout=60, head_timeout=1000)
        channel, wire = send(front)
        for octet in GET[:10]:
            self.look(front, 59)
            channel.dataReceived(bytes([octet]))
        assert not wire.disconnecting

    @pytest.mark.parametrize("known", [False, True])
    def test_an_answer_under_way_takes_as_long_as_it_takes(self, known):
        front = Front(Root(at_once=False), timeout=60)
        if known:
            send(front, GET)
        _, wire = send(front, GET)
        self.look(front, 1000)
        assert not wire.disconnecting
        answer(front.root.requests[-1])
        self.look(front, 60)
        assert not wire.disconnecting
        self.look(front, 1)
        assert wire.disconnecting

    def test_who_does_not_go_is_aborted(self):
        front = Front(timeout=60)
        channel, wire = send(front)
        self.look(front, 61)
        self.look(front, 1)
        front.clock.advance(channel.abortTimeout)
        assert wire.disconnected

    def test_one_look_sees_all_and_leaves_the_others(self):
        front = Front(timeout=60)
        old = [send(front)[1] for _ in range(3)]
        front.clock.advance(30)
        new = send(front, GET)[1]
        self.look(front, 31)
        assert [wire.disconnecting for wire in (*old, new)] == [True, True, True, False]

    def test_without_a_limit_nobody_is_closed(self):
        front = Front(timeout=None)
        _, wire = send(front, GET)
        self.look(front, 1e9)
        assert not wire.disconnecting

    def test_no_timer_a_request(self):
        front = Front()
        send(front, GET, GET, GET)
        assert front.clock.getDelayedCalls() == []


def test_known_heads_of_so_many_addresses_of_ours_and_no_more():
    """Behind a rule of the firewall there may be very many."""
    front = Front()
    tables = []
    for number in range(2 * module.MAX_ADDRESSES + 1):
        send(front, GET.replace(b"localhost", b"10.0.0.%d" % number), local=f"10.0.0.{number}")
        tables.append(len(front.site._known_heads))
    assert max(tables) == module.MAX_ADDRESSES
    assert tables[-1] == 1
    assert len(front.known(f"10.0.0.{number}")) == 1
    assert len(front.root.requests) == 2 * module.MAX_ADDRESSES + 1


class TestTheWayToThePipeline:
    class Pipeline:
        turn_away = staticmethod(lambda _, refusal: Root().turn_away(None, "", refusal))

        def __init__(self):
            self.running, self.cancelled = [], 0

        async def run(self, exchange, client):
            self.running.append(Deferred())
            try:
                await self.running[-1]
            except CancelledError:
                self.cancelled += 1

    class Admission:
        refusal = None
        cassette = ""

        def __init__(self):
            self.notes = {}

        def turned_away(self, request, client):
            return request, client

        def admit(self, *arguments):
            self.arguments = arguments
            if self.refusal is not None:
                raise self.refusal
            return SimpleNamespace(cassette=self.cassette, notes=self.notes)

    @pytest.fixture
    def parts(self):
        admission, pipeline = self.Admission(), self.Pipeline()
        return Front(FrontResource(Door(admission, pipeline), {})), admission, pipeline

    def test_a_request_is_admitted_and_run(self, parts):
        front, admission, pipeline = parts
        send(front, POST % (2, b"X-A: 1\r\n") + b"{}", peer="10.0.0.7")
        method, target, fields, body, client, name = admission.arguments
        assert (method, target, body.whole(), client, name) == (b"POST", b"/v1/x", b"{}", "10.0.0.7", "")
        assert fields.pairs == ((b"Host", b"localhost"), (b"Content-Length", b"2"), (b"X-A", b"1"))
        assert len(pipeline.running) == 1

    @pytest.mark.parametrize(("peer", "may"), [("127.0.0.1", True), ("10.0.0.7", False)])
    def test_who_may_make_new_cassettes(self, parts, peer, may):
        front, admission, _ = parts
        admission.cassette = "mine"
        send(front, GET, peer=peer)
        assert admission.notes == {MAY_MAKE: may}

    def test_what_admission_refuses_is_answered(self, parts):
        front, admission, pipeline = parts
        admission.refusal = Refusal(404, "no such upstream")
        status, _, body = ask(front, GET)
        assert (status, json.loads(body)["error"]["message"]) == (404, "no such upstream")
        assert pipeline.running == []

    @pytest.mark.parametrize(
        "error", [LookupError("secret-1"), UnicodeDecodeError("utf-8", b"", 0, 0, ""), Exception()]
    )
    def test_where_admission_fails_the_client_is_told_and_may_go_on(self, parts, error):
        """A plugin's dialect raises: nobody waits for ever, and nothing of the error gets out."""
        front, admission, pipeline = parts
        admission.refusal = error
        channel, wire = send(front, GET)
        assert wire.value().startswith(b"HTTP/1.1 502 ")
        assert b"secret-1" not in wire.value()
        admission.refusal = None
        channel.dataReceived(GET)
        assert len(pipeline.running) == 1

    @pytest.mark.parametrize("known", [False, True])
    def test_who_hangs_up_cancels_what_runs(self, parts, known):
        front, _, pipeline = parts
        if known:
            send(front, GET)
        channel, _ = send(front, GET)
        channel.connectionLost(DONE)
        assert pipeline.cancelled == 1

    def test_who_hangs_up_in_the_midst_of_a_request_cancels_nothing(self, parts):
        front, _, pipeline = parts
        channel, _ = send(front, (POST % (9, b"")) + b"part")
        channel.connectionLost(DONE)
        assert pipeline.running == []
