"""`Recording.scope`: what scoped a fingerprint is kept with the recording, so that it can be taken anew."""

import pytest
from attrs import evolve

from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.counting.match_on import parse_match_on
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Outcome
from proxy_daemon.testing import Kit

CHAT = "/v1/chat/completions"
BODY = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
SECRET = BODY | {"api_key": "sk-abcdefghijklmnopqrstuvwxyz0123456789"}


def sent(scope, body, key):
    """The kit, and what it recorded of this request."""
    kit = Kit(replay_scope=scope)
    result = kit.send(CHAT, body, headers={"Authorization": f"Bearer {key}"} if key else {})
    return kit, kit.store.get(result.exchange.id)


@pytest.mark.parametrize(
    ("scope", "body", "key", "scoped"),
    [
        ("all", BODY, "a", False),
        ("all", SECRET, "a", False),
        ("key", BODY, "", False),
        ("key", BODY, "a", True),
        ("key", SECRET, "", True),
        ("key", SECRET, "a", True),
    ],
    ids=range(6),
)
def test_a_recording_tells_what_scoped_it(scope, body, key, scoped):
    _, found = sent(scope, body, key)
    assert bool(found.scope) is scoped
    assert b"sk-" not in found.scope
    assert found.fingerprint == Anew(Matcher())(found, True), "it can be taken anew"


def test_two_keys_have_two_scopes_and_one_key_has_one():
    scopes = [sent("key", BODY, key)[1].scope for key in ("a", "b", "a")]
    assert scopes[0] != scopes[1]
    assert scopes[0] == scopes[2]


def test_taken_anew_under_other_settings_it_is_still_its_makers_own():
    kit, found = sent("key", BODY, "a")
    matcher = Matcher(on=parse_match_on("model,messages"))
    kit.pipeline.keeper.recogniser = evolve(kit.pipeline.keeper.recogniser, matcher=matcher)
    kit.store.recordings[found.id] = evolve(found, fingerprint=Anew(matcher)(found, True))
    outcomes = [kit.send(CHAT, BODY, headers={"Authorization": f"Bearer {key}"}).exchange.outcome for key in ("a", "b")]
    assert outcomes == [Outcome.HIT, Outcome.MISS]


def test_without_its_scope_it_would_be_anybodys():
    _, found = sent("key", BODY, "a")
    assert Anew(Matcher())(evolve(found, scope=b""), True) == sent("all", BODY, "")[1].fingerprint
