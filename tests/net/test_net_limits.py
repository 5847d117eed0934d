"""What a request may take: octets and fields of its head, time for its head and its body. And that it is counted."""

import json

import pytest
from octets import BEGUN, GET, head, post
from wires import Front

from proxy_daemon.net import limits as module
from proxy_daemon.net.channel import LINGER_SECONDS
from proxy_daemon.net.limits import KINDS, MAX_FIELDS, LimitMet, Met, limits_of, room_for
from proxy_daemon.settings import Settings

MOST = 1000  # octets of a head, here
LONG = b"x" * MOST


def sent(*parts, **limits):
    """(front, channel, wire) after these reads."""
    front = Front(**limits)
    channel, wire = front.connect()
    for part in parts:
        channel.dataReceived(part)
    return front, channel, wire


def answered(wire):
    """(status, message) of the one answer; the connection must be closing."""
    head, _, body = wire.value().partition(b"\r\n\r\n")
    assert (wire.value().count(b"HTTP/1.1 "), wire.half_closed) == (1, True)
    assert b"Connection: close" in head.split(b"\r\n")
    assert b"Content-Length: %d" % len(body) in head.split(b"\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["message"]


def counted(front):
    return {kind: count for kind, count in front.site.met.numbers().items() if count}


def fields(number):
    return tuple((b"X-%d" % each, b"") for each in range(number))


HOST = ((b"Host", b"localhost"),)
TOO_LARGE = {
    "a field": ([head(b"GET / HTTP/1.1", (b"X-Long", LONG))], 431, "head_too_large"),
    "a field without end": ([BEGUN + b"X-Long: " + LONG], 431, "head_too_large"),
    "a field in parts": ([BEGUN + b"X-Long: ", *[b"x" * 100] * 10], 431, "head_too_large"),
    "many fields": ([head(b"GET / HTTP/1.1", *fields(300))], 431, "head_too_large"),
    "a target": ([b"GET /" + LONG + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"], 414, "target_too_long"),
    "a target without end": ([b"GET /", LONG, LONG], 414, "target_too_long"),
    "behind an empty line": ([b"\r\nGET /" + LONG], 414, "target_too_long"),
}


class TestHeads:
    @pytest.mark.parametrize(("parts", "status", "kind"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
    @pytest.mark.parametrize("behind", [[], [GET], [b"\r\n\r\n", GET]], ids=["alone", "get", "the end and get"])
    def test_one_that_is_too_large_is_answered_and_nothing_more_is_read(self, parts, status, kind, behind):
        front, _, wire = sent(*parts, *behind, max_head=MOST)
        got, message = answered(wire)
        assert got == status
        assert "1000 octets (--max-head)" in message
        assert (counted(front), front.root.requests) == ({kind: 1}, [])

    def test_it_is_turned_away_as_others_are(self):
        """So it has a line in the log."""
        front, _, _ = sent(*TOO_LARGE["a field"][0], max_head=MOST)
        ((request, client, refusal),) = front.root.turned_away
        assert (request.method, request.target, client, refusal.status) == (b"GET", b"/", "127.0.0.1", 431)

    @pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
    def test_the_limit_itself_passes(self, more, status):
        """Octets of the lines, without their ends."""
        lines = head(b"GET / HTTP/1.1", fields=(*HOST, (b"X-Long", b""))).split(b"\r\n")
        room = MOST - sum(map(len, lines)) + more
        _, _, wire = sent(head(b"GET / HTTP/1.1", fields=(*HOST, (b"X-Long", b"x" * room))), max_head=MOST)
        assert int(wire.value().split()[1]) == status

    @pytest.mark.parametrize(("number", "status"), [(MAX_FIELDS, 200), (MAX_FIELDS + 1, 431)])
    def test_so_many_fields_and_no_more(self, number, status):
        front, _, wire = sent(head(b"GET / HTTP/1.1", *fields(number - 1), fields=HOST))
        assert int(wire.value().split()[1]) == status
        assert counted(front) == ({"too_many_fields": 1} if status == 431 else {})

    def test_the_second_one_of_a_connection(self):
        front, _, wire = sent(GET + TOO_LARGE["a field"][0][0], max_head=MOST)
        assert wire.value().count(b"HTTP/1.1 200 ") == wire.value().count(b"HTTP/1.1 431 ") == 1
        assert len(front.root.requests) == 1

    def test_a_body_that_is_too_large_is_counted(self):
        front, _, wire = sent(post(b"x" * 1001))
        assert (answered(wire)[0], counted(front)) == (413, {"body_too_large": 1})


POST = post(b"12345")[:-2]
LATE = {
    "a part of a line": ([GET[:7]], 29, "head", "--head-timeout"),
    "lines": ([BEGUN], 29, "head", "--head-timeout"),
    "behind an answer": ([GET + GET[:7]], 29, "head", "--head-timeout"),
    "behind a known one": ([GET, GET, GET[:7]], 29, "head", "--head-timeout"),
    "a body": ([POST], 60, "body", "--client-timeout"),
    "a body behind an answer": ([GET, GET, POST], 60, "body", "--client-timeout"),
}


class TestTime:
    def look(self, front, seconds):
        front.clock.advance(seconds)
        front.site.look()

    @pytest.mark.parametrize(("parts", "seconds", "part", "option"), LATE.values(), ids=LATE.keys())
    def test_what_has_come_in_part_is_answered_408(self, parts, seconds, part, option):
        front, _, wire = sent(*parts, head_timeout=29)
        before = wire.value()
        self.look(front, seconds)
        assert wire.value() == before
        wire.clear()
        self.look(front, 0.5)
        status, message = answered(wire)
        assert status == 408
        assert option in message
        assert f"the {part} of the request" in message
        assert counted(front) == {f"{part}_timeout": 1}

    def test_a_head_that_trickles_in(self):
        """Each octet ends a silence; the whole takes too long all the same."""
        front, channel, wire = sent(head_timeout=29)
        for number in range(30):
            channel.dataReceived(GET[number : number + 1])
            self.look(front, 1)
        assert answered(wire)[0] == 408
        assert counted(front) == {"head_timeout": 1}

    def test_each_head_has_its_own_time(self):
        front, channel, wire = sent(head_timeout=29)
        for _ in range(5):
            channel.dataReceived(GET[:10])
            self.look(front, 20)
            channel.dataReceived(GET[10:] + GET[:10])
            self.look(front, 20)
            channel.dataReceived(GET[10:])
        assert wire.value().count(b"HTTP/1.1 200 ") == 10
        assert counted(front) == {}

    @pytest.mark.parametrize("before", [[], [GET], [GET, GET]], ids=["new", "asked", "known"])
    def test_its_time_begins_with_its_first_octet(self, before):
        front, channel, wire = sent(*before, head_timeout=29)
        self.look(front, 25)
        channel.dataReceived(GET[:7])
        self.look(front, 29)
        wire.clear()
        self.look(front, 1)
        assert answered(wire)[0] == 408

    def test_a_body_that_trickles_in_has_the_time_of_an_exchange(self):
        front, channel, wire = sent(post(b"x" * 500)[:-500], request_timeout=1000)
        for _ in range(20):
            self.look(front, 50)
            channel.dataReceived(b"x")
        assert wire.value() == b""
        self.look(front, 1)
        assert "--request-timeout" in answered(wire)[1]
        assert counted(front) == {"body_timeout": 1}

    def test_who_was_told_is_let_go_once(self):
        front, channel, wire = sent(BEGUN)
        self.look(front, 31)
        self.look(front, 1)
        channel.dataReceived(b"\r\n" + GET)
        assert answered(wire)[0] == 408
        front.clock.advance(LINGER_SECONDS)
        assert wire.disconnected
        assert counted(front) == {"head_timeout": 1}

    @pytest.mark.parametrize("parts", [[], [GET], [GET, GET], [b"\r\n"]])
    def test_where_nothing_has_come_it_is_closed_without_a_word(self, parts):
        front, _, wire = sent(*parts)
        wire.clear()
        self.look(front, 60)
        assert not wire.disconnecting
        self.look(front, 1)
        assert (wire.value(), wire.disconnecting) == (b"", True)
        assert counted(front) == {"idle_timeout": 1}


class TestValues:
    def test_all_kinds_are_shown_from_the_start(self):
        met = Met()
        assert met.numbers() == dict.fromkeys(KINDS, 0)
        met.add("stalled")
        assert met.numbers()["stalled"] == 1

    def test_each_refusal_has_a_kind_that_is_shown(self):
        made = [
            module.head_too_large(1, in_target=True),
            module.head_too_large(1, in_target=False),
            module.too_many_fields(),
            module.body_too_large(1),
            module.spool_failed("full"),
            module.late("head", "head-timeout", 1),
            module.late("body", "client-timeout", 1),
        ]
        assert all(isinstance(each, LimitMet) for each in made)
        assert {each.limit for each in made} <= set(KINDS)

    @pytest.mark.parametrize(
        ("wanted", "descriptors", "most"),
        [(4096, 1 << 20, 4096), (4096, 1024, 480), (4096, 20, 16), (4, 20, 4), (4096, -1, 4096)],
    )
    def test_not_more_connections_than_there_are_descriptors_for(self, wanted, descriptors, most):
        assert room_for(wanted, descriptors) == most

    def test_the_settings_hold(self):
        limits = limits_of(Settings(max_head=7, request_timeout=8.0, max_connections=9))
        assert (limits.max_head, limits.request_timeout, limits.max_connections) == (7, 8, 9)
