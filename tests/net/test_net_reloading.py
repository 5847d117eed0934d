"""Reading the settings again: what is taken over, what is said, and what a mistake leaves as it was."""

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from proxy_daemon.core.matching.sequence import Repeat
from proxy_daemon.core.services import Life
from proxy_daemon.core.speed import parse_speed
from proxy_daemon.net.reloading import RELOADABLE, Reloader
from proxy_daemon.settings import Settings, SettingsError

FILE = "/etc/llmproxy.toml"
NOTHING = "no setting has changed; files were read and opened again"


class Play:
    """A reloader whose file and parts the test holds."""

    def __init__(self, **settings):
        self.life, self.applied, self.refusal = Life(), [], None
        self.found = Settings(**settings)
        self.reloader = Reloader(self.found, self.life, self.read, self.apply)

    def read(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def apply(self, settings):
        self.applied.append(settings)
        if self.refusal is not None:
            raise self.refusal

    def reload(self, found=None, **settings):
        """What it says when the file says this."""
        self.found = found or Settings(**settings)
        said = []
        Deferred.fromCoroutine(self.reloader.reload()).addCallback(said.append)
        return said[0]


@pytest.fixture
def warned():
    """What is logged."""
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


OTHERS = {
    "replay_max_age": 1.0,
    "repeat": Repeat("exhaust"),
    "replay_speed": parse_speed("2"),
    "log": "x.log",
    "rewrite": ("gpt-oss",),
    "allow_host": ("a",),
    "allow_origin": ("https://a",),
    "admin_token_file": "x",
    "client_tokens": {"team": b"x" * 32},
}


def test_each_that_is_reloadable_is_tried_here():
    assert set(OTHERS) == set(RELOADABLE)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_it_is_taken_over_and_named(name):
    play = Play()
    key = "[client-tokens]" if name == "client_tokens" else name.replace("_", "-")
    assert play.reload(**{name: OTHERS[name]}) == f"changed {key}"
    assert play.applied == [Settings(**{name: OTHERS[name]})] == [play.reloader.settings]
    assert play.reload(**{name: OTHERS[name]}) == NOTHING


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"grace": 1.0}, "grace"),
        ({"listen": ("tcp:1",), "mode": "none"}, "listen, mode"),
        ({"plugin_settings": {"x": {"a": 1}}}, "[plugins]"),
    ],
)
def test_all_else_is_left_and_named_each_time(settings, keys):
    play = Play()
    for _ in range(2):
        assert play.reload(**settings) == f"only a restart changes {keys}"
    assert play.applied == [Settings()] * 2


def test_both_at_once():
    said = Play().reload(allow_host=("a",), log="x.log", grace=1.0)
    assert said == "changed log, allow-host; only a restart changes grace"


def test_the_parts_are_called_where_nothing_has_changed_too():
    """Files that settings name may hold something else."""
    play = Play()
    assert (play.reload(), play.applied) == (NOTHING, [Settings()])


@pytest.mark.parametrize("where", ["read", "apply"])
def test_a_mistake_leaves_all_as_it_was_and_is_told(warned, where):
    play, error = Play(allow_host=("before",)), SettingsError(f"{FILE}: unknown key 'a'")
    if where == "apply":
        play.refusal = error
    assert play.reload(error if where == "read" else Settings(allow_host=("after",))) == ""
    assert play.reloader.settings == Settings(allow_host=("before",))
    assert (play.life.unread, play.reloader.trouble) == (str(error), f"; settings not read again: {error}")
    assert [event["error"] for event in warned if "error" in event] == [str(error)]


def test_the_next_good_one_forgets_it(warned):
    play = Play()
    play.reload(SettingsError("no"))
    assert play.reload(allow_host=("a",)) == "changed allow-host"
    assert (play.life.unread, play.reloader.trouble) == ("", "")


def test_a_defect_is_not_swallowed():
    play = Play()
    play.refusal = ZeroDivisionError()
    failures = []
    Deferred.fromCoroutine(play.reloader.reload()).addErrback(failures.append)
    assert failures[0].check(ZeroDivisionError)
    assert play.reloader.settings == Settings()
