"""Connections for which there is no room: who is told so, how, and that they cost little."""

import json

import pytest
from octets import GET
from twisted.internet.address import UNIXAddress
from wires import DONE, Front

from proxy_daemon.net import crowd as module
from proxy_daemon.net.crowd import LOOKS, LOOKS_A_LINE, NoRoom, client_of

FAR = "192.0.2.7"


def told(wire):
    """The message of a 503."""
    head, _, body = wire.value().partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 503 Service Unavailable"
    assert {b"Retry-After: 5", b"Connection: close", b"Content-Length: %d" % len(body)} <= set(lines)
    return json.loads(body)["error"]["message"]


class TestInAll:
    def test_one_too_many_is_told_and_ended(self):
        front = Front(max_connections=2)
        wires = [front.connect()[1] for _ in range(3)]
        assert [wire.value() for wire in wires[:2]] == [b"", b""]
        assert "--max-connections" in told(wires[2])
        assert (wires[2].half_closed, wires[2].disconnecting) == (True, False)
        assert front.site.met.numbers()["too_many_connections"] == 1
        assert len(front.site.channels) == 2

    def test_nothing_that_it_sends_is_read(self):
        front = Front(max_connections=1)
        front.connect()
        channel, wire = front.connect()
        channel.dataReceived(GET)
        assert told(wire)
        assert front.root.requests == []

    def test_who_goes_makes_room(self):
        front = Front(max_connections=1)
        front.connect()[0].connectionLost(DONE)
        channel, wire = front.connect()
        channel.dataReceived(GET)
        assert wire.value().startswith(b"HTTP/1.1 200 ")

    def test_who_stays_is_reset(self):
        front = Front(max_connections=1)
        front.connect()
        channel, wire = front.connect()
        for _ in range(LOOKS - 1):
            front.site.look()
        assert not wire.disconnected
        front.site.look()
        assert wire.disconnected
        channel.connectionLost(DONE)
        assert front.site._crowd.leaving == set()

    def test_so_many_leave_slowly_and_no_more(self, monkeypatch):
        monkeypatch.setattr(module, "MAX_LEAVING", 2)
        front = Front(max_connections=1)
        wires = [front.connect()[1] for _ in range(5)]
        assert [wire.disconnected for wire in wires] == [False, False, False, True, True]
        assert front.site.met.numbers()["too_many_connections"] == 4
        assert len(front.site._crowd.leaving) == 2

    def test_it_costs_no_timer(self):
        front = Front(max_connections=1)
        front.connect()
        front.connect()
        assert front.clock.getDelayedCalls() == []


class TestOfOneClient:
    def test_one_too_many_of_one_leaves_room_for_others(self):
        front = Front(max_connections_per_client=2)
        wires = [front.connect(peer=FAR)[1] for _ in range(3)]
        assert "--max-connections-per-client" in told(wires[2])
        assert front.connect(peer="192.0.2.8")[1].value() == b""
        assert front.site.met.numbers()["too_many_connections_of_client"] == 1

    @pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1", UNIXAddress(b"")])
    def test_programs_on_this_machine_are_not_counted(self, peer):
        front = Front(max_connections_per_client=1)
        front.connect(peer=FAR)
        for _ in range(3):
            assert not isinstance(front.connect(peer=peer)[0], NoRoom)

    def test_who_goes_makes_room_and_leaves_nothing_behind(self):
        front = Front(max_connections_per_client=1)
        for _ in range(3):
            channel, _ = front.connect(peer=FAR)
            assert not isinstance(channel, NoRoom)
            channel.connectionLost(DONE)
        assert front.site._crowd._by_client == {}

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (FAR, FAR, True),
            (FAR, "192.0.2.8", False),
            ("::ffff:192.0.2.7", FAR, True),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
            ("fe80::1%eth0", "fe80::2%eth1", True),
        ],
    )
    def test_what_is_one_client(self, one, other, same):
        assert (client_of(one) == client_of(other)) is same


class TestTheLog:
    """One line a while: whoever opens connections without end must not fill the log."""

    @pytest.fixture
    def said(self, monkeypatch):
        lines = []
        monkeypatch.setattr(module.log, "warn", lambda line, /, **more: lines.append(line.format(**more)))
        return lines

    def look(self, front, times):
        for _ in range(times):
            front.site.look()

    def test_the_first_ones_are_told_within_a_second_and_the_others_together(self, said):
        front = Front(max_connections=1)
        front.connect()
        for _ in range(3):
            front.connect()
        self.look(front, 1)
        (line,) = said
        assert line.startswith("connections refused with 503: 3. ")
        assert "(--max-connections)" in line
        for _ in range(5):
            front.connect()
            self.look(front, 1)
        assert len(said) == 1
        self.look(front, LOOKS_A_LINE)
        assert said[1].startswith("connections refused with 503: 5. ")
        self.look(front, 2 * LOOKS_A_LINE)
        assert len(said) == 2

    def test_each_limit_by_its_name(self, said):
        front = Front(max_connections=2, max_connections_per_client=1)
        for peer in (FAR, FAR, "192.0.2.8", "192.0.2.9"):
            front.connect(peer=peer)
        self.look(front, 1)
        assert sorted(line.rpartition("(")[2] for line in said) == [
            "--max-connections).",
            "--max-connections-per-client).",
        ]
