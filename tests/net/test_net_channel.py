"""Heads that are known: they change nothing but the time it takes. And what may never become known."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from octets import BEGUN, CHUNKED, FIELDS, GET, head, post
from wires import Front, answer

from proxy_daemon.core.access import Access
from proxy_daemon.net import channel as module

ODD = b"GET /v1/odd?a=/../b HTTP/1.1\r\nHost: localhost\r\nX-A: 1 # \\\xff\r\n\r\n"
REQUESTS = [
    GET,
    post(),
    post(b"[]"),
    post(b""),
    post(b"three\r\n\r\nlines\r\n"),
    post(GET),  # a body that looks like a request
    CHUNKED,
    ODD,
    head(b"GET / HTTP/1.1"),
    head(b"DELETE /v1/files/%252e%252e/x HTTP/1.1", (b"X-Long", b"x" * 300)),
    head(b"GET /_llmproxy HTTP/1.1"),
    head(b"GET /v1/x HTTP/1.1", fields=((b"Host", b"evil.example"),)),  # refused, and the connection goes on
    post(b"x", (b"Expect", b"100-continue")),
]


def play(octets, cuts=(), *, known=()):
    """(requests, what was answered) of a connection that reads the octets in these parts, where heads are known."""
    front = Front()
    for request in known:
        front.connect()[0].dataReceived(request)
    front.root.requests.clear()
    channel, wire = front.connect()
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        channel.dataReceived(octets[start:end])
    return front.root.seen, wire.value().replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")


def places(length):
    return st.lists(st.integers(0, length), max_size=6).map(sorted)


@st.composite
def streams(draw):
    requests = draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5))
    gaps = draw(st.lists(st.sampled_from([b"", b"", b"\r\n"]), min_size=len(requests), max_size=len(requests)))
    octets = b"".join(gap + request for gap, request in zip(gaps, requests, strict=True))
    ends = [sum(len(r) + len(g) for r, g in zip(requests[:n], gaps, strict=False)) for n in range(1, len(requests))]
    return octets, draw(st.one_of(places(len(octets)), st.just(ends)))


class TestKnownOrNot:
    @given(streams())
    @example((b"\r\n" + GET + b"\r\n" + GET, [2, 2 + len(GET)]))
    @example((head(b"GET /_llmproxy HTTP/1.1") + post(), []))
    @example((BEGUN + GET, [len(BEGUN)]))
    @example((BEGUN + b"X-A: 1\r\n\r\n" + GET, [len(BEGUN)]))
    def test_the_same_requests_come_of_the_same_octets(self, stream):
        octets, cuts = stream
        plain = play(octets)
        assert play(octets, cuts) == plain
        assert play(octets, cuts, known=REQUESTS) == plain

    @given(st.integers(0, len(post(b"three\r\n\r\nlines\r\n"))))
    def test_a_request_cut_in_two(self, cut):
        request = post(b"three\r\n\r\nlines\r\n")
        fields = (*FIELDS, (b"Content-Length", b"16"))
        expected = [(b"POST", b"/v1/x?a=b", fields, b"three\r\n\r\nlines\r\n")]
        assert play(request, [cut])[0] == expected
        assert play(request, [cut], known=[request])[0] == expected

    def test_a_known_head_is_taken_and_not_parsed(self, monkeypatch):
        """Else the other tests here would compare the parser with itself."""
        front = Front()
        channel, _wire = front.connect()
        channel.dataReceived(post(b"{}"))
        monkeypatch.setattr(module.WatchedChannel, "dataReceived", None)
        channel.dataReceived(post(b"[]"))
        front.connect()[0].dataReceived(post(b"()"))  # known to the site, not to one connection
        assert [body for *_, body in front.root.seen] == [b"{}", b"[]", b"()"]
        assert front.root.requests[0].fields is front.root.requests[2].fields

    @pytest.mark.parametrize(
        "octets",
        [post(b"{}")[:-1], post(b"{}") + b"\r", post(b"{}").replace(b"X-B", b"X-b")],
        ids=["a part", "more", "other octets"],
    )
    def test_all_else_is_parsed(self, monkeypatch, octets):
        front = Front()
        channel, _ = front.connect()
        channel.dataReceived(post(b"{}"))
        monkeypatch.setattr(module.FrontChannel, "_take", None)
        channel.dataReceived(octets)
        assert len(front.root.requests) == 1 + octets.count(b"{}")

    def test_one_that_comes_while_an_answer_is_under_way_waits_its_turn(self):
        front = Front(at_once=False)
        channel, wire = front.connect()
        channel.dataReceived(post(b"1"))
        for body in (b"2", b"3"):
            channel.dataReceived(post(body))
        assert [body for *_, body in front.root.seen] == [b"1"]
        for number in range(3):
            answer(front.root.requests[number])
            front.turn()
        assert [body for *_, body in front.root.seen] == [b"1", b"2", b"3"]
        assert wire.value().count(b"HTTP/1.1 200 OK") == 3


ACCESS = Access(allow_hosts=("llm.example",))
NEVER_KNOWN = {
    "a foreign host": post(fields=((b"Host", b"evil.example"),)),
    "a foreign host without a body": head(fields=((b"Host", b"evil.example"),)),
    "no host": head(fields=()),
    "two hosts": head(fields=FIELDS[:1] * 2),
    "a foreign origin": head(b"GET /v1/x HTTP/1.1", (b"Origin", b"https://evil.example")),
    "a foreign origin with a body": post(b"{}", (b"Origin", b"null")),
    "an upgrade": head(b"GET /v1/x HTTP/1.1", (b"Upgrade", b"websocket")),
    "too large": post(b"x" * 1001),
    "chunks": CHUNKED,
    "HTTP/1.0": head(b"GET /v1/x HTTP/1.0"),
    "the last of its connection": head(b"GET /v1/x HTTP/1.1", (b"Connection", b"close")),
    "one of our own pages": head(b"GET /_llmproxy/api HTTP/1.1"),
    "malformed": b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
    "a length that is none": head(b"POST /v1/x HTTP/1.1", (b"Content-Length", b"1x")),
    "very long": head(b"GET /v1/x HTTP/1.1", (b"X-Long", b"x" * module.LARGEST_KNOWN)),
}


class TestWhatNeverBecomesKnown:
    @pytest.mark.parametrize("octets", NEVER_KNOWN.values(), ids=NEVER_KNOWN.keys())
    @pytest.mark.parametrize("behind", [b"", GET, post(), GET[:9]], ids=["alone", "get", "post", "a part"])
    def test_its_octets_are_not_kept(self, octets, behind):
        """Also where another request stands behind it in the same read."""
        front = Front(access=ACCESS)
        channel, _ = front.connect()
        channel.dataReceived(octets + behind)
        channel.dataReceived(GET[9:] if behind == GET[:9] else b"")
        end = octets.find(b"\r\n\r\n") + 4
        assert octets[:end] not in front.known()
        for start, known in front.known().items():
            command, path = start.split(b" ")[:2]
            assert (known.command, known.path) == (command, path)

    @pytest.mark.parametrize("octets", NEVER_KNOWN.values(), ids=NEVER_KNOWN.keys())
    def test_the_second_time_ends_as_the_first(self, octets):
        front = Front(access=ACCESS)
        answers = []
        for _ in range(3):
            channel, wire = front.connect()
            channel.dataReceived(octets)
            answers.append((wire.value(), wire.disconnecting, wire.half_closed))
        assert answers[0] == answers[1] == answers[2]
        assert front.known() == {}

    def test_what_may_is_known(self):
        """Else these tests would pass where nothing is ever known."""
        front = Front(access=ACCESS)
        allowed = [post(fields=((b"Host", b"llm.example"),)), GET, post(b"x" * 1000), ODD]
        for octets in allowed:
            front.connect()[0].dataReceived(octets)
        assert list(front.known()) == [octets[: octets.find(b"\r\n\r\n") + 4] for octets in allowed]


class TestBounds:
    def test_addresses_of_ours_are_kept_apart(self):
        """A Host that is our own address on one connection is a foreign name on another."""
        front = Front()
        octets = head(b"GET /v1/x HTTP/1.1", fields=((b"Host", b"192.0.2.1"),))
        statuses = []
        for local in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
            channel, wire = front.connect(local)
            channel.dataReceived(octets)
            statuses.append(wire.value()[9:12])
        assert statuses == [b"200", b"403", b"200"]
        assert (len(front.known("192.0.2.1")), len(front.known("192.0.2.2"))) == (1, 0)

    def test_so_many_heads_and_no_more(self):
        front = Front()
        channel, _ = front.connect()
        for number in range(2 * module.MAX_KNOWN + 10):
            channel.dataReceived(head(b"GET /v1/%d HTTP/1.1" % number))
            assert 1 <= len(front.known()) <= module.MAX_KNOWN
        assert len(front.known()) == 10  # begun anew when they were full, twice
        assert len(front.root.requests) == 2 * module.MAX_KNOWN + 10

    @pytest.mark.parametrize(("more", "kept"), [(0, 1), (1, 0)])
    def test_so_long_and_no_longer(self, more, kept):
        front = Front()
        octets = head(b"GET /v1/x HTTP/1.1", (b"X-Long", b""))
        room = module.LARGEST_KNOWN - len(octets) + more
        octets = head(b"GET /v1/x HTTP/1.1", (b"X-Long", b"x" * room))
        front.connect()[0].dataReceived(octets)
        assert (len(octets), len(front.known())) == (module.LARGEST_KNOWN + more, kept)

    @pytest.mark.parametrize("target", [b"/", b"/v1/" + b"x" * 100_000])
    def test_a_long_line_passes(self, target):
        front = Front()
        value = b"x" * 100_000
        octets = head(b"GET %b HTTP/1.1" % target, (b"X-Long", value))
        front.connect()[0].dataReceived(octets)
        ((_, seen_target, fields, _),) = front.root.seen
        assert (seen_target, dict(fields)[b"X-Long"]) == (target, value)

    @pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
    @pytest.mark.parametrize("start", [b"GET /", BEGUN + b"X-Long: "])
    def test_a_line_that_is_too_long_is_answered(self, start, end):
        front = Front()
        channel, wire = front.connect()
        for part in (start, b"x" * 150_000, b"x" * 150_000 + end, GET):
            channel.dataReceived(part)
        assert wire.value().startswith(b"HTTP/1.1 4")
        assert wire.value().count(b"\r\n\r\n") == 1
        assert (wire.half_closed, front.root.requests) == (True, [])
