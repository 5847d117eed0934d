"""Replay: which recording answers, and from what age on none does."""

from types import SimpleNamespace

import pytest

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.plugins.replay import Replay
from proxy_daemon.settings import Settings
from proxy_daemon.testing import START, Kit, script

CHAT = "/v1/chat/completions"
BODY = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
DEMO = parse_upstream("demo:")


def recording(age=0.0, response=True):
    answer = Response(ResponseHead(200)) if response else None
    return Recording(7, Request(b"POST", b"/"), answer, DEMO, Ending.COMPLETE, Outcome.MISS, 1000.0 - age)


def lookup(found, **settings):
    """What the plugin answers at second 1000 where the store finds ``found``; and what the store was asked."""
    asked = []
    store = SimpleNamespace(find=lambda fingerprint: asked.append(fingerprint) or found)
    plugin = Replay()
    services = SimpleNamespace(store=store, clock=SimpleNamespace(wall=lambda: 1000.0))
    plugin.llmproxy_configure(Settings(**settings), services)
    exchange = Exchange(1, Request(b"POST", b"/"), DEMO, GENERIC, 1000.0, fingerprint=b"print")
    return plugin.llmproxy_lookup(exchange), asked


def test_the_store_is_asked_for_the_fingerprint():
    found = recording()
    assert lookup(found) == (found, [b"print"])


@pytest.mark.parametrize("found", [None, recording(response=False)], ids=["nothing", "without a response"])
def test_nothing_to_serve(found):
    assert lookup(found)[0] is None


@pytest.mark.parametrize(
    ("age", "limit", "mode", "served"),
    [
        (60, 60, "new_episodes", True),
        (60.001, 60, "new_episodes", False),
        (-5, 60, "new_episodes", True),
        (1e9, Settings().replay_max_age, "new_episodes", True),
        (60.001, 60, "none", True),
        (1e9, 1, "none", True),
    ],
    ids=["just young enough", "too old", "clock set back", "no limit", "none has no limit", "none never has"],
)
def test_the_age_limit(age, limit, mode, served):
    assert (lookup(recording(age), replay_max_age=limit, mode=mode)[0] is not None) is served


# --- through the pipeline --------------------------------------------------------------------------------------------


def test_what_was_recorded_is_served_octet_by_octet():
    kit = Kit()
    first, second = kit.send(CHAT, BODY), kit.send(CHAT, BODY)
    assert (first.exchange.outcome, second.exchange.outcome) == (Outcome.MISS, Outcome.HIT)
    assert second.body == first.body
    assert second.exchange.served_from == first.exchange.id
    assert len(kit.sent) == 1


def test_what_is_too_old_is_forwarded_and_recorded_anew():
    answers = iter([script('{"n": 1}'), script('{"n": 2}')])
    kit = Kit(answer=lambda request: next(answers), replay_max_age=3600)
    kit.send(CHAT, BODY)
    kit.clock.advance(3600 + 1)
    assert kit.send(CHAT, BODY).json == {"n": 2}
    again = kit.send(CHAT, BODY)
    assert (again.exchange.outcome, again.json) == (Outcome.HIT, {"n": 2})


def test_age_is_told_to_the_client():
    kit = Kit()
    kit.send(CHAT, BODY)
    kit.clock.advance(90)
    assert 90 <= int(kit.send(CHAT, BODY).headers.get(b"age")) <= 92
    assert kit.store.recordings[min(kit.store.recordings)].started >= START


@pytest.mark.parametrize(("mode", "sent"), [("new_episodes", 1), ("off", 2), ("all", 2)])
def test_only_modes_that_look_up_are_answered(mode, sent):
    kit = Kit(mode=mode)
    kit.send(CHAT, BODY)
    kit.send(CHAT, BODY)
    assert len(kit.sent) == sent


def test_with_the_plugin_blocked_nothing_is_served():
    kit = Kit(block_plugin=("replay",))
    kit.send(CHAT, BODY)
    assert kit.send(CHAT, BODY).exchange.outcome is Outcome.MISS
