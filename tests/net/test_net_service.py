"""The daemon's service on a reactor in memory: starting, listening, draining, stopping, and starts that fail."""

import pytest
from talks import DONE
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import globalLogPublisher
from wires import Front, answer

from proxy_daemon.net import service as module
from proxy_daemon.net.service import Daemon, DaemonService
from proxy_daemon.pipeline.faults import StartError

GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Port:
    """Stands for a listening port."""

    def __init__(self, address):
        self.address, self.stopped = address, False

    def getHost(self):
        return self.address

    def stopListening(self):
        self.stopped = True


class Reactor(MemoryReactorClock):
    """Keeps its ports, and refuses those that are taken."""

    taken = ()

    def __init__(self):
        super().__init__()
        self.ports = []

    def listenTCP(self, port, factory, backlog=50, interface=""):
        if port in self.taken:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        kind = IPv6Address if ":" in interface else IPv4Address
        self.ports.append(Port(kind("TCP", interface or "0.0.0.0", port)))
        return self.ports[-1]

    def listenUNIX(self, address, *_, **__):
        self.ports.append(Port(UNIXAddress(address)))
        return self.ports[-1]


class Said:
    """What stands in the place of the standard error."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def fileno(self):
        return 2


@pytest.fixture
def said(monkeypatch):
    monkeypatch.setattr(module.sys, "__stderr__", said := Said())
    monkeypatch.setattr(module, "_is_detached", lambda: False)
    return said


class Play:
    """A service whose parts the test holds."""

    def __init__(self, *listen, stops=()):
        self.reactor, self.front, self.stopped = Reactor(), Front(at_once=False), []
        self.stops = stops or (lambda: self.stopped.append("first"), lambda: self.stopped.append("second"))
        self.service = DaemonService(self.reactor, listen or ("tcp:8910:interface=127.0.0.1",), self.assemble)
        self.assembling = succeed(None)

    async def assemble(self):
        await self.assembling
        return Daemon(self.front.site, lambda addresses: [f"listening on {each}" for each in addresses], self.stops)

    def started(self):
        self.service.startService()
        return self

    def stop(self):
        self.done = []
        self.service.stopService().addCallback(self.done.append)
        return self


class TestStarting:
    @pytest.mark.parametrize(
        ("listen", "lines"),
        [
            (("tcp:8910:interface=127.0.0.1",), ["http://127.0.0.1:8910"]),
            (("tcp:1:interface=127.0.0.1", r"tcp:2:interface=\:\:1"), ["http://127.0.0.1:1", "http://[::1]:2"]),
            (("unix:/run/x.sock",), ["/run/x.sock"]),
        ],
    )
    def test_it_listens_and_says_where(self, said, listen, lines):
        play = Play(*listen).started()
        assert said.text.splitlines() == [f"llmproxy: listening on {line}" for line in lines]
        assert len(play.reactor.ports) == len(listen)
        assert play.service.running

    def test_nothing_listens_before_all_is_assembled(self, said):
        play = Play()
        play.assembling = Deferred()
        play.started()
        assert (play.reactor.ports, said.text) == ([], "")
        play.assembling.callback(None)
        assert len(play.reactor.ports) == 1

    def test_without_a_standard_error_it_starts_too(self, monkeypatch):
        monkeypatch.setattr(module.sys, "__stderr__", None)
        assert len(Play().started().reactor.ports) == 1


class TestStartsThatFail:
    def test_a_port_that_is_taken_is_one_line_and_the_parts_are_stopped(self, said):
        play = Play("tcp:8910:interface=127.0.0.1", "tcp:8911")
        play.reactor.taken = (8911,)
        with pytest.raises(SystemExit) as exit_:
            play.started()
        assert exit_.value.code == 1
        assert said.text == "llmproxy: cannot listen on tcp:8911: Address already in use\n"
        assert play.stopped == ["first", "second"]

    @pytest.mark.parametrize("text", ["tcp:no-number", "nothing:1", "tcp:1:odd=2"])
    def test_an_endpoint_that_is_none(self, said, text):
        with pytest.raises(SystemExit):
            Play(text).started()
        assert said.text.startswith(f"llmproxy: cannot listen on {text}: ")
        assert len(said.text.splitlines()) == 1

    def test_the_reason_of_a_part(self, said):
        play = Play()
        play.assembling = fail(StartError("the store is locked"))
        with pytest.raises(SystemExit):
            play.started()
        assert said.text == "llmproxy: the store is locked\n"

    def test_a_defect_comes_with_its_traceback(self, said):
        play = Play()
        play.assembling = fail(ZeroDivisionError("odd"))
        with pytest.raises(SystemExit):
            play.started()
        assert said.text.startswith("llmproxy: cannot start: ")
        assert "ZeroDivisionError" in said.text

    def test_in_the_background_whoever_waits_is_told(self, said, monkeypatch):
        monkeypatch.setattr(module, "_is_detached", lambda: True)
        play = Play()
        play.assembling = fail(StartError("the store is locked"))
        with pytest.raises(StartError, match="llmproxy: the store is locked"):
            play.started()
        assert said.text == ""

    def test_later_the_reactor_is_stopped_and_the_exit_code_is_1(self, said):
        play = Play()
        play.assembling = Deferred()
        play.started()
        play.assembling.errback(StartError("the store is locked"))
        assert said.text == "llmproxy: the store is locked\n"
        assert play.reactor.hasStopped
        assert play.reactor.triggers["after"]["shutdown"] == [(module.os._exit, (1,), {})]


class TestStopping:
    @pytest.fixture
    def play(self, said):
        return Play().started()

    def turn(self, play, seconds=0.0):
        play.reactor.advance(seconds or module.POLL_SECONDS)

    def test_first_nothing_new_then_what_runs_then_the_parts(self, play):
        channel, wire = play.front.connect()
        channel.dataReceived(GET)
        play.stop()
        self.turn(play)
        assert play.reactor.ports[0].stopped
        assert (wire.disconnecting, play.stopped, play.done) == (False, [], [])
        answer(play.front.root.requests[0])
        assert wire.disconnecting
        self.turn(play)
        assert play.stopped == []  # its last octets may still be on their way
        channel.connectionLost(DONE)
        play.reactor.pump([module.POLL_SECONDS] * 2)
        assert (play.stopped, len(play.done)) == (["first", "second"], 1)
        assert not wire.disconnected

    def test_idle_connections_are_closed_at_once(self, play):
        wires = [play.front.connect()[1] for _ in range(3)]
        play.stop()
        assert all(wire.disconnecting for wire in wires)

    def test_after_the_grace_time_connections_are_aborted(self, play):
        channel, wire = play.front.connect()
        channel.dataReceived(GET)
        play.stop()
        play.reactor.pump([1.0] * int(module.GRACE_SECONDS - 1))
        assert not wire.disconnected
        play.reactor.pump([1.0, 1.0])
        assert wire.disconnected
        assert play.stopped == ["first", "second"]

    def test_without_connections_it_is_quick(self, play):
        play.stop()
        play.reactor.advance(0)
        assert (play.stopped, len(play.done)) == (["first", "second"], 1)

    def test_a_part_is_waited_for_and_one_that_fails_does_not_keep_the_others(self, said):
        events = []
        globalLogPublisher.addObserver(events.append)
        order, slow = [], Deferred()
        stops = (lambda: slow, lambda: 1 / 0, lambda: fail(ValueError("odd")), lambda: order.append("last"))
        play = Play(stops=stops).started().stop()
        play.reactor.advance(0)
        assert order == []
        slow.callback(None)
        globalLogPublisher.removeObserver(events.append)
        assert (order, len(play.done)) == (["last"], 1)
        failures = [event for event in events if event.get("log_failure") is not None]
        assert [event["log_failure"].type for event in failures] == [ZeroDivisionError, ValueError]

    def test_a_start_that_failed_can_be_stopped(self, said):
        play = Play()
        play.assembling = fail(StartError("no"))
        with pytest.raises(SystemExit):
            play.started()
        assert play.stop().done == [None]
        assert play.stopped == []


class TestWhetherAnybodyReads:
    def test_nobody_reads_the_null_device(self, monkeypatch):
        with open("/dev/null", "w") as null:  # noqa: PTH123  (a file object is what is asked)
            monkeypatch.setattr(module.sys, "__stderr__", null)
            assert module._is_detached()

    def test_somebody_reads_a_file(self, monkeypatch, tmp_path):
        with (tmp_path / "err").open("w") as file:
            monkeypatch.setattr(module.sys, "__stderr__", file)
            assert not module._is_detached()

    def test_nobody_reads_what_is_not_there(self, monkeypatch):
        monkeypatch.setattr(module.sys, "__stderr__", None)
        assert module._is_detached()
