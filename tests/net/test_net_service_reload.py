"""What the daemon's service tells the service manager, and what it does when it is to read its settings again."""

import pytest
from plays import Play
from talks import DONE
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import globalLogPublisher
from wires import answer

from proxy_daemon.net import service as module
from proxy_daemon.net import signals
from proxy_daemon.settings import Settings, SettingsError


class TestTheServiceManager:
    def test_it_is_told_when_the_daemon_listens(self, said):
        play = Play()
        play.assembling = Deferred()
        play.started()
        assert play.manager.taken() == []
        play.assembling.callback(None)
        assert play.manager.taken() == [("ready", "listening on http://127.0.0.1:8910")]

    def test_a_start_that_fails_is_never_ready(self, said):
        play = Play()
        play.reactor.taken = (8910,)
        with pytest.raises(SystemExit):
            play.started()
        assert play.manager.taken() == []

    def test_it_is_told_of_the_stop_and_how_long_it_may_take(self, said):
        play = Play().started()
        play.asked(whole=False)
        play.manager.taken()
        play.stop()
        assert play.manager.taken() == [("stopping", "draining 1 connections", 30.0 + module.STOP_SECONDS)]

    def test_it_gets_signs_of_life_often_enough_until_the_end(self, said):
        play = Play(watchdog=30.0).started()
        assert play.manager.taken()[1:] == [("alive",)]
        play.reactor.pump([10.0, 10.0, 5.0])
        assert play.manager.taken() == [("alive",)] * 2
        channel, _ = play.asked(whole=False)
        play.stop()
        play.manager.taken()
        play.reactor.pump([10.0])
        assert play.manager.taken() == [("alive",)]
        channel.connectionLost(DONE)
        play.reactor.pump([1.0] * 60)
        assert (play.manager.taken(), len(play.done)) == ([], 1)

    def test_without_a_watchdog_there_are_none(self, said):
        play = Play().started()
        play.reactor.pump([1.0] * 100)
        assert [name for name, *_ in play.manager.taken()] == ["ready"]


class TestReloading:
    @pytest.fixture
    def play(self, said):
        play = Play().started()
        play.manager.taken()
        return play

    def test_what_is_reloadable_is_handed_to_the_parts(self, play):
        play.found = Settings(grace=1.0, allow_host=("llm.example.com",))
        play.handlers.send(signals.HUP)
        assert play.adopted == [Settings(grace=30.0, allow_host=("llm.example.com",))]
        assert play.manager.taken() == [("reloading",), ("ready", "listening on http://127.0.0.1:8910")]

    def test_bad_settings_change_nothing_and_are_told(self, play):
        play.found = SettingsError("x.toml: unknown key 'a'")
        play.handlers.send(signals.HUP)
        assert (play.adopted, play.life.unread) == ([], "x.toml: unknown key 'a'")
        status = "listening on http://127.0.0.1:8910; settings not read again: x.toml: unknown key 'a'"
        assert play.manager.taken() == [("reloading",), ("ready", status)]
        play.found = play.settings
        play.handlers.send(signals.HUP)
        assert (len(play.adopted), play.life.unread) == (1, "")
        assert play.manager.taken()[-1] == ("ready", "listening on http://127.0.0.1:8910")

    def test_one_at_a_time_and_the_last_word_counts(self, play):
        play.adopting = Deferred()
        play.handlers.send(signals.HUP)
        for host in ("a", "b", "c"):
            play.found = Settings(grace=30.0, allow_host=(host,))
            play.handlers.send(signals.HUP)
        assert len(play.adopted) == 1
        first, play.adopting = play.adopting, succeed(None)
        first.callback(None)
        assert [settings.allow_host for settings in play.adopted] == [(), ("c",)]

    def test_one_during_the_start_is_not_lost(self, said):
        play = Play()
        play.assembling = Deferred()
        play.started()
        play.handlers.send(signals.HUP)
        assert play.adopted == []
        play.assembling.callback(None)
        assert len(play.adopted) == 1

    def test_during_the_stop_nothing_is_reloaded(self, play):
        play.asked(whole=False)
        play.stop()
        play.manager.taken()
        play.handlers.send(signals.HUP)
        assert (play.adopted, play.manager.taken()) == ([], [])

    def test_a_defect_is_logged_and_the_next_one_works(self, play):
        events = []
        globalLogPublisher.addObserver(events.append)
        play.adopting = fail(ZeroDivisionError("odd"))
        play.handlers.send(signals.HUP)
        globalLogPublisher.removeObserver(events.append)
        assert [event["log_failure"].type for event in events if event.get("log_failure")] == [ZeroDivisionError]
        play.adopting = succeed(None)
        play.handlers.send(signals.HUP)
        assert len(play.adopted) == 2

    def test_who_is_under_way_does_not_notice(self, play):
        _, wire = play.asked(whole=False)
        play.handlers.send(signals.HUP)
        answer(play.front.root.requests[0])
        assert (wire.value()[:15], wire.disconnecting) == (b"HTTP/1.1 200 OK", False)
