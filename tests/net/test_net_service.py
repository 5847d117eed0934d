"""The daemon's service on a reactor in memory: starting, draining, stopping, and starts that fail."""

from types import SimpleNamespace

import pytest
from plays import GET, Play
from talks import DONE
from twisted.internet.defer import Deferred, fail
from twisted.logger import globalLogPublisher
from wires import answer

from proxy_daemon.net import service as module
from proxy_daemon.net import signals
from proxy_daemon.net.channel import QUIET_SECONDS
from proxy_daemon.pipeline.faults import StartError


def broken(_):
    raise BrokenPipeError(32, "Broken pipe")


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

    def test_it_says_so_only_when_signals_find_its_handlers(self, said):
        play = Play()
        running = []
        play.reactor.callWhenRunning = running.append
        play.started()
        assert (said.text, len(play.reactor.ports)) == ("", 1)
        running[0]()
        assert said.text == "llmproxy: listening on http://127.0.0.1:8910\n"

    def test_where_who_reads_has_gone_it_starts_too(self, said, monkeypatch):
        monkeypatch.setattr(said, "write", broken)
        assert Play().started().manager.taken()[0][0] == "ready"

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
        wires = [play.asked()[1] for _ in range(3)]
        play.front.clock.advance(QUIET_SECONDS)
        play.stop()
        assert all(wire.disconnecting for wire in wires)

    def test_what_was_sent_before_the_stop_is_read_first(self, play):
        channel, wire = play.asked()
        play.service.stopService()
        assert not wire.disconnecting
        channel.dataReceived(GET)
        play.reactor.advance(0)
        assert not wire.disconnecting
        answer(play.front.root.requests[-1])
        assert (b"Connection: close" in wire.value(), wire.disconnecting) == (True, True)

    def test_a_new_connection_is_answered_once(self, play):
        channel, wire = play.front.connect()
        play.stop()
        self.turn(play)
        assert not wire.disconnecting
        channel.dataReceived(GET)
        answer(play.front.root.requests[0])
        assert (b"Connection: close" in wire.value(), wire.disconnecting) == (True, True)

    def test_a_new_connection_is_not_waited_for_long(self, play):
        wire = play.front.connect()[1]
        play.stop()
        play.reactor.pump([module.POLL_SECONDS] * 30)
        assert wire.disconnecting

    def test_a_head_that_came_in_two_parts_is_the_last_one_too(self, play):
        channel, wire = play.asked()
        channel.dataReceived(GET[:20])
        play.stop()
        self.turn(play)
        channel.dataReceived(GET[20:])
        answer(play.front.root.requests[-1])
        assert (b"Connection: close" in wire.value(), wire.disconnecting) == (True, True)

    def test_who_asks_after_its_health_learns_that_it_drains(self, play):
        channel, _ = play.asked(whole=False)
        assert not play.life.draining
        play.stop()
        assert play.life.draining
        assert play.done == []
        channel.connectionLost(DONE)

    @pytest.mark.parametrize("number", [signals.TERM, signals.INT])
    def test_a_second_signal_breaks_off_what_is_under_way(self, play, number):
        _, wire = play.asked(whole=False)
        play.stop()
        self.turn(play)
        assert not wire.disconnected
        play.handlers.send(number)
        self.turn(play)
        play.reactor.advance(0)
        assert wire.disconnected
        assert (play.stopped, len(play.done)) == (["first", "second"], 1)

    def test_a_third_signal_is_left_to_the_system(self, play):
        play.asked(whole=False)
        play.stop()
        play.handlers.send(signals.TERM)
        assert [play.handlers.handlers[number] for number in (signals.TERM, signals.INT)] == [None, None]

    def test_a_second_signal_right_behind_the_first_counts(self, play):
        _, wire = play.asked(whole=False)
        closing = Deferred()
        play.reactor.ports[0].stopListening = lambda: closing
        play.stop()
        play.handlers.send(signals.TERM)
        closing.callback(None)
        play.reactor.pump([0, 0, 0])
        assert (wire.disconnected, len(play.done)) == (True, 1)

    def test_after_the_grace_time_connections_are_aborted(self, play):
        channel, wire = play.front.connect()
        channel.dataReceived(GET)
        play.stop()
        play.reactor.pump([1.0] * int(play.settings.grace - 1))
        assert not wire.disconnected
        play.reactor.pump([1.0, 1.0])
        assert wire.disconnected
        assert play.stopped == ["first", "second"]

    def test_what_is_broken_off_says_so_in_its_record(self, play):
        channel, _ = play.asked(whole=False)
        exchange = channel.requests[0].exchange = SimpleNamespace(detail="")
        play.stop()
        play.reactor.pump([1.0] * int(play.settings.grace + 2))
        assert exchange.detail == "llmproxy stopped before the answer was whole (--grace)"

    def test_without_connections_it_is_quick(self, play):
        play.stop()
        play.reactor.pump([0, 0])
        assert (play.stopped, len(play.done)) == (["first", "second"], 1)

    def test_a_part_is_waited_for_and_one_that_fails_does_not_keep_the_others(self, said):
        events = []
        globalLogPublisher.addObserver(events.append)
        order, slow = [], Deferred()
        stops = (lambda: slow, lambda: 1 / 0, lambda: fail(ValueError("odd")), lambda: order.append("last"))
        play = Play(stops=stops).started().stop()
        play.reactor.pump([0, 0])
        assert order == []
        slow.callback(None)
        globalLogPublisher.removeObserver(events.append)
        assert (order, len(play.done)) == (["last"], 1)
        failures = [event for event in events if event.get("log_failure") is not None]
        assert [event["log_failure"].type for event in failures] == [ZeroDivisionError, ValueError]

    def test_a_stop_during_the_start_stops_what_was_put_together_then(self, said):
        play = Play()
        play.assembling = Deferred()
        play.started().stop()
        assert play.done == [None]
        play.assembling.callback(None)
        assert (play.stopped, play.reactor.ports, said.text) == (["first", "second"], [], "")

    def test_a_start_that_fails_during_the_stop_does_not_stop_a_second_time(self, said):
        play = Play()
        play.assembling = Deferred()
        play.started().stop()
        play.assembling.errback(StartError("the store is locked"))
        assert not play.reactor.hasStopped
        assert play.reactor.triggers["after"]["shutdown"] == [(module.os._exit, (1,), {})]

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
