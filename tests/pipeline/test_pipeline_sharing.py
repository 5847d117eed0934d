"""What two requests must have in common to be one in flight, and dialects that cannot tell a stream's end."""

import json

import pytest
from exchanges import PATH, Gate, Watch, plugin

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.testing import Kit, Script, script

CHAT = {"model": "m", "messages": []}


def with_token(token):
    return CHAT | {"mcp_servers": [{"authorization_token": token}]}


@pytest.mark.parametrize(
    ("one", "two", "asked"),
    [
        (CHAT, CHAT, 1),
        (with_token("a"), with_token("a"), 1),
        (with_token("a"), with_token("b"), 2),
    ],
    ids=["no secret", "one secret", "two secrets"],
)
def test_whose_secrets_differ_in_the_body_are_two(one, two, asked):
    """The answer to one may hold what the other must not see; both have one fingerprint."""
    gate = Gate()
    kit = Kit(gate, answer=lambda request: script(b"%d" % len(kit.sent)))
    begun = [kit.begin(PATH, body) for body in (one, two)]
    assert begun[0][0].fingerprint == begun[1][0].fingerprint
    for number in range(len(gate.waiting)):
        gate.open(number)
    kit.clock.advance(0)
    assert len(kit.sent) == asked
    assert [json.loads(body) for body in sorted({b"".join(client.pieces) for _, client, _ in begun})] == [
        *range(1, asked + 1)
    ]


class Exits(Dialect):
    """A dialect of a plugin's that knows no end."""

    name, terminal = "exits", (b"[DONE]",)

    def recognises(self, request):
        return True

    def ends_with_terminal(self, tail):
        raise SystemExit(1)


def test_a_dialect_that_cannot_tell_the_end_loses_no_recording():
    watch = Watch()
    head = ResponseHead(200, b"OK", Headers(((b"Content-Type", b"text/event-stream"),)))
    kit = Kit(
        watch,
        plugin("llmproxy_dialects", lambda self: [Exits()]),
        answer=lambda request: Script(head, ((0.0, b"data: [DONE]\n\n"),)),
    )
    result = kit.send(PATH, CHAT)
    assert (result.status, result.whole, watch.of(result.exchange)[-1]) == (200, True, "ended")
    assert [recording.replayable for recording in kit.store.recordings.values()] == [False]


@pytest.mark.parametrize(("scope", "second"), [("key", "miss"), ("all", "hit")])
def test_whose_secrets_differ_in_the_body_are_two_for_recordings_too(scope, second):
    kit = Kit(replay_scope=scope)
    chat = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
    bodies = [chat | {"mcp_servers": [{"authorization_token": token}]} for token in ("a", "a", "b")]
    assert [kit.send(PATH, body).exchange.outcome for body in bodies] == ["miss", "hit", second]
    spaced = json.dumps(bodies[0], indent=1).encode()  # what tells them apart is the secret, not how it is written
    assert kit.send(PATH, spaced).exchange.outcome == "hit"
