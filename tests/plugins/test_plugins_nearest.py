"""Without a child process: which recording is nearest, what is said of it, and that no secret is in it."""

import pytest

from proxy_daemon.core.messages import Outcome
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.plugins.nearest import COMPARED, SHOWN
from proxy_daemon.testing import Kit, script

CHAT = "/v1/chat/completions"


def chat(text, **more):
    return {"model": "demo-fast", "messages": [{"role": "user", "content": text}]} | more


@pytest.fixture
def refused():
    """`refused(recorded, asked)` is the message for a request, in mode none, after others were recorded."""

    def run(recorded, asked, path=CHAT, headers=None, **settings):
        recording = Kit(answer=lambda request: script("{}"))
        for body in recorded:
            recording.send(CHAT, body, headers=headers)
        replaying = Kit(mode="none", **settings)
        replaying.store.recordings.update(recording.store.recordings)
        result = replaying.send(path, asked, headers=headers)
        assert (result.status, result.exchange.outcome, replaying.sent) == (424, Outcome.REFUSED, [])
        assert not replaying.hooks.faults
        return result.json["error"]["message"]

    return run


def test_the_field_that_differs_is_named_with_both_values(refused):
    said = refused([chat("hi", temperature=0)], chat("hi", temperature=1))
    assert "temperature: recorded 0 / incoming 1" in said


def test_the_most_alike_is_chosen_and_not_the_newest(refused):
    said = refused(
        [chat("near", seed=1, top_p=1, n=1), chat("far", seed=2, top_p=0, n=3)], chat("near", seed=1, top_p=1, n=2)
    )
    assert "n: recorded 1 / incoming 2" in said
    assert "seed" not in said
    assert "far" not in said


def test_of_equally_alike_ones_the_newest_is_chosen(refused):
    assert "seed: recorded 2 / incoming 3" in refused([chat("hi", seed=1), chat("hi", seed=2)], chat("hi", seed=3))


def test_a_recording_of_another_model_is_better_than_none(refused):
    said = refused([chat("hi")], chat("hi", model="demo-1"))
    assert 'model: recorded "demo-fast" / incoming "demo-1"' in said


def test_no_more_differences_are_shown_than_one_can_read(refused):
    def odd(value):
        return chat("hi", logit_bias={f"k{number}": value for number in range(SHOWN + 3)})

    said = refused([odd("a")], odd("b"))
    assert said.count(" / incoming ") == SHOWN
    assert "... and 3 more" in said


@pytest.mark.parametrize(
    ("recorded", "path", "settings"),
    [([], CHAT, {}), ([chat("hi")], "/v1/responses", {}), ([chat("hi")], CHAT, {"fuzzy": "off"})],
    ids=["nothing recorded", "another path", "turned off"],
)
def test_nothing_to_compare_with(refused, recorded, path, settings):
    said = refused(recorded, chat("other"), path, **settings)
    assert said.splitlines()[0] == "llmproxy: no recording answers this request, in mode none."
    assert " / incoming " not in said


def test_another_upstream_is_a_difference(refused):
    said = refused([chat("hi")], chat("hi"), upstream=(parse_upstream("http://127.0.0.1:1/v1"),))
    assert "upstream: recorded demo: / incoming http://127.0.0.1:1/v1" in said


@pytest.mark.parametrize("path", [f"{CHAT}?key=hush-hush", CHAT])
def test_no_secret_is_in_what_is_said(refused, path):
    body = chat("hi", client_secret="hush-hush")
    headers = {"Authorization": "Bearer hush-hush", "X-Api-Key": "hush-hush"}
    said = refused([chat("hi", client_secret="hush-older")], body | {"seed": 1}, path, headers)
    assert "seed: recorded <absent> / incoming 1" in said
    assert "hush" not in said


def test_so_many_are_compared_and_no_more():
    asked = []
    kit = Kit(mode="none")
    kit.store.similar = lambda *arguments: asked.append(arguments) or []
    kit.send(f"{CHAT}?a=1", chat("hi"))
    assert asked == [(CHAT.encode(), "demo-fast", COMPARED)]


def test_what_is_no_json_is_compared_as_octets(refused):
    said = refused([b"octets 1"], b"octets 2")
    assert "body: 8 octets recorded / 8 incoming, the first difference at octet 7" in said
