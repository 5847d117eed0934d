"""Plugins that raise, hang or return the wrong type, in each hook: each is named and counted, and the contract holds.

By the kit, but for the hooks of the start and a few whole ways through a real daemon.
"""

import asyncio

import pytest
from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.hookspecs import CONTRACTS, hookimpl
from proxy_daemon.testing import Kit, MemoryClient, Script, script

CHAT = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
PATH = "/v1/chat/completions"
SSE = "text/event-stream"
STREAM = b"data: 1\n\ndata: [DONE]\n\n"


def plugin(hook, function):
    """A plugin called "Bad" that implements one hook by a function of no arguments."""
    return type("Bad", (), {hook: hookimpl(lambda self: function())})()


def raising():
    raise KeyError("boom")


async def raising_later():
    raise KeyError("boom")


async def hanging():
    await Deferred()


WAYS = {
    "raises": (raising, "KeyError: 'boom'"),
    "raises in a coroutine": (raising_later, "KeyError: 'boom'"),
    "hangs": (hanging, "no result within its deadline"),
    "hangs with a Deferred": (Deferred, "no result within its deadline"),
    "returns a text": (lambda: "text", ""),
    "returns True": (lambda: True, "returned bool"),
}
CLOSED = ["llmproxy_request", "llmproxy_route", "llmproxy_response_head", "llmproxy_transform"]
OPEN = ["llmproxy_lookup", "llmproxy_observe"]


def good(request):
    return script(STREAM, content_type=SSE)


@pytest.mark.parametrize("hook", CLOSED)
@pytest.mark.parametrize(("function", "words"), WAYS.values(), ids=WAYS)
def test_closed_hooks_end_the_exchange_and_name_the_plugin(hook, function, words):
    kit = Kit(plugin(hook, function), answer=good)
    result = kit.send(PATH, CHAT)
    if result.status == 502:
        assert f"The plugin 'Bad' failed in {hook}: " in result.json["error"]["message"]
        assert words in result.json["error"]["message"]
    else:  # the head was on its way before the fault showed
        assert (hook, function()) == ("llmproxy_transform", "text")
        assert not result.whole
    assert STREAM not in result.body
    assert kit.hooks.faults == {"Bad": 1}
    assert len(kit.sent) == (hook in ("llmproxy_response_head", "llmproxy_transform"))
    assert result.exchange.ending is Ending.FAILED
    if hook == "llmproxy_transform" and result.status == 200:  # what upstream said is recorded as it was said
        assert [each.response.body.whole() for each in kit.store.recordings.values()] == [STREAM]
    else:
        assert not any(recording.replayable for recording in kit.store.recordings.values())


@pytest.mark.parametrize("hook", OPEN)
@pytest.mark.parametrize(("function", "words"), WAYS.values(), ids=WAYS)
def test_open_hooks_are_skipped(hook, function, words):
    kit = Kit(plugin(hook, function), answer=good)
    result = kit.send(PATH, CHAT)
    assert (result.status, result.body, result.whole) == (200, STREAM, True)
    assert kit.hooks.faults == {"Bad": 1}
    assert [recording.replayable for recording in kit.store.recordings.values()] == [True]


@pytest.mark.parametrize(("function", "words"), WAYS.values(), ids=WAYS)
def test_a_broken_look_up_leaves_the_store_to_answer(function, words):
    kit = Kit(plugin("llmproxy_lookup", function), answer=good)
    assert [kit.send(PATH, CHAT).exchange.outcome for _ in range(2)] == ["miss", "hit"]
    assert kit.hooks.faults == {"Bad": 2}


@pytest.mark.parametrize(("function", "words"), WAYS.values(), ids=WAYS)
def test_a_broken_explanation_leaves_the_built_in_one(function, words):
    kit = Kit(plugin("llmproxy_fuzzy_match", function), mode="none")
    result = kit.send(PATH, CHAT)
    assert result.status == 424
    assert "Nothing recorded is near it." in result.json["error"]["message"]
    assert kit.hooks.faults == {"Bad": 1}


@pytest.mark.parametrize(("function", "words"), WAYS.values(), ids=WAYS)
def test_a_broken_record_hook_stores_nothing_and_the_answer_goes_on(function, words):
    kit = Kit(plugin("llmproxy_record", function), answer=good)
    for number in (1, 2):
        result = kit.send(PATH, CHAT)
        assert (result.status, result.body, result.whole, result.exchange.outcome) == (200, STREAM, True, "miss")
        assert kit.hooks.faults == {"Bad": number}
    assert not kit.store.recordings


@pytest.mark.parametrize(("function", "words"), WAYS.values(), ids=WAYS)
def test_a_broken_log_hook_costs_its_line(function, words):
    kit = Kit(plugin("llmproxy_log", function), answer=good)
    result = kit.send(PATH, CHAT)
    assert (result.body, result.whole) == (STREAM, True)
    kit.clock.advance(CONTRACTS["llmproxy_log"].deadline)
    expected = 4 if words else 0  # begun, matched, first byte, ended; a text that nobody uses is no fault
    assert kit.hooks.faults["Bad"] == expected


class TestStreams:
    """What a transform or an observer does wrong later, piece by piece."""

    class Good:
        def piece(self, data):
            return data

        def end(self):
            return b""

    def bound(self, hook, **wrong):
        """A plugin that hands out one with these methods."""
        made = type("Made", (self.Good,), wrong)
        return plugin(hook, made)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"piece": lambda self, data: raising()},
            {"end": lambda self: raising()},
            {"piece": lambda self, data: "text"},
            {"piece": lambda self, data: None},
            {"end": lambda self: None},
            {"piece": lambda self, data: Deferred()},
            {"piece": None},
        ],
        ids=" ".join,
    )
    def test_a_broken_transform_breaks_the_answer(self, wrong):
        kit = Kit(self.bound("llmproxy_transform", **wrong), answer=good)
        result = kit.send(PATH, CHAT)
        assert result.status == 502 or not result.whole
        assert kit.hooks.faults == {"Bad": 1}
        assert result.exchange.ending is Ending.FAILED

    @pytest.mark.parametrize(
        "wrong",
        [{"piece": lambda self, data: raising()}, {"end": lambda self: raising()}, {"piece": None}, {"end": 7}],
        ids=" ".join,
    )
    def test_a_broken_observer_is_dropped(self, wrong):
        kit = Kit(self.bound("llmproxy_observe", **wrong), answer=good)
        result = kit.send(PATH, CHAT)
        assert (result.status, result.body, result.whole) == (200, STREAM, True)
        assert kit.hooks.faults == {"Bad": 1}

    @pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), CancelledError(), GeneratorExit()])
    @pytest.mark.parametrize("method", ["piece", "end"])
    @pytest.mark.parametrize("hook", ["llmproxy_transform", "llmproxy_observe"])
    def test_what_is_no_exception_is_a_fault_too(self, hook, method, error):
        def throw(*_):
            raise error

        kit = Kit(self.bound(hook, **{method: throw}), answer=good)
        result = kit.send(PATH, CHAT)
        assert result.whole is (hook == "llmproxy_observe")
        assert kit.hooks.faults == {"Bad": 1}

    def test_what_a_broken_transform_cut_short_is_not_replayed(self):
        def many(request):
            return Script(good(request).head, ((0.0, b"data: 1\n\n"), (1.0, b"data: 2\n\n")))

        kit = Kit(self.bound("llmproxy_transform", piece=lambda self, data: raising()), answer=many)
        assert not kit.send(PATH, CHAT).whole
        assert [recording.replayable for recording in kit.store.recordings.values()] == [False]

    def test_a_broken_transform_breaks_a_replay_too(self):
        kit = Kit(answer=good)
        kit.send(PATH, CHAT)
        broken = Kit(self.bound("llmproxy_transform", piece=lambda self, data: raising()), answer=good)
        broken.store.recordings.update(kit.store.recordings)
        result = broken.send(PATH, CHAT)
        assert result.exchange.outcome in ("hit", "failed")
        assert result.status == 502 or not result.whole
        assert not broken.sent


class TestOthersGoOn:
    def test_a_good_plugin_beside_a_bad_one(self):
        seen = []
        beside = type("Beside", (), {"llmproxy_log": hookimpl(lambda self, exchange, event: seen.append(event.kind))})()
        kit = Kit(beside, plugin("llmproxy_log", raising), answer=good)
        kit.send(PATH, CHAT)
        assert seen == ["begun", "matched", "first_byte", "ended"]

    def test_a_failed_exchange_is_told_of_once(self):
        seen = []
        beside = type("Beside", (), {"llmproxy_log": hookimpl(lambda self, exchange, event: seen.append(event.kind))})()
        Kit(beside, plugin("llmproxy_request", raising), answer=good).send(PATH, CHAT)
        assert seen == ["begun", "failed"]

    def test_the_next_exchange_is_a_new_one(self):
        def once(calls=iter([1, 0])):  # noqa: B008  (the state of the plugin)
            return raising() if next(calls) else None

        kit = Kit(plugin("llmproxy_request", once), answer=good)
        assert [kit.send(PATH, CHAT).status for _ in range(2)] == [502, 200]

    def test_a_header_with_a_line_break_does_not_become_two(self):
        def split(self, exchange, head):
            return evolve(head, headers=Headers([*head.headers.pairs, (b"X-Bad", b"1\r\nX-Smuggled: 2")]))

        kit = Kit(type("Bad", (), {"llmproxy_response_head": hookimpl(split)})(), answer=good)
        result = kit.send(PATH, CHAT)
        assert b"x-smuggled" not in result.headers
        assert result.headers.get(b"x-bad") == b"1 X-Smuggled: 2"


class TestFraming:
    """What a plugin makes of a body or a head, with the framing that fits what is really sent."""

    LENGTH, CHUNKED = (b"Content-Length", b"%d" % len(STREAM)), (b"Transfer-Encoding", b"chunked")

    @pytest.fixture
    def framed(self, monkeypatch):
        """The values of both fields in each head that a client was given, to be framed by."""
        begin, seen = MemoryClient.begin, []

        def note(client, head, own):
            seen.append(
                [value for name in (b"content-length", b"transfer-encoding") for value in head.headers.all(name)]
            )
            begin(client, head, own)

        monkeypatch.setattr(MemoryClient, "begin", note)
        return seen

    @pytest.mark.parametrize("real", [(LENGTH,), (CHUNKED,), ()], ids=["length", "chunked", "to the end"])
    @pytest.mark.parametrize(
        "claimed",
        [
            [(b"Content-Length", b"3")],
            [(b"content-length", b"99"), (b"Content-Length", b"3")],
            [(b"Transfer-Encoding", b"chunked")],
            [(b"TRANSFER-ENCODING", b"gzip, chunked"), (b"Content-Length", b"3")],
            [],
        ],
    )
    def test_a_head_does_not_change_it(self, framed, real, claimed):
        """Live and replayed: what stands behind a length that is wrong would be read as the next answer."""

        def claim(self, exchange, head):
            return evolve(head, headers=Headers(((b"X-New", b"1"), *claimed)))

        def answer(request):
            head = ResponseHead(200, b"OK", Headers(((b"Content-Type", b"application/json"), *real)))
            return Script(head, ((0.0, STREAM),))

        kit = Kit(type("Bad", (), {"llmproxy_response_head": hookimpl(claim)})(), answer=answer)
        for outcome in ("miss", "hit"):
            result = kit.send(PATH, CHAT)
            assert (result.exchange.outcome, result.body, result.whole) == (outcome, STREAM, True)
            assert result.headers.get(b"x-new") == b"1"
        assert framed == [[self.LENGTH[1]] if self.LENGTH in real else []] * 2

    @pytest.mark.parametrize("body", [b'{"name": "longer than before"}', b"{}"], ids=["longer", "shorter"])
    @pytest.mark.parametrize("hook", [(), ("llmproxy_observe",)], ids=["short way", "long way"])
    def test_a_changed_recording_is_replayed_whole(self, framed, body, hook):
        def edit(self, exchange, recording):
            return evolve(recording, response=recording.response and evolve(recording.response, body=Bytes(body)))

        looking = {name: hookimpl(lambda self: TestStreams.Good()) for name in hook}
        kit = Kit(type("Bad", (), {"llmproxy_record": hookimpl(edit)} | looking)(), answer=good)
        assert kit.send(PATH, CHAT).body == STREAM
        result = kit.send(PATH, CHAT)
        assert (result.exchange.outcome, result.pieces, result.whole) == ("hit", (body,), True)
        assert framed == [[b"%d" % len(STREAM)], [b"%d" % len(body)]]
        assert not kit.hooks.faults


def test_a_client_that_leaves_is_no_fault_of_the_plugin():
    kit = Kit(plugin("llmproxy_route", Deferred), answer=good)
    exchange, client, running = kit.begin(PATH, CHAT)
    running.cancel()
    assert client.head is None
    assert exchange.ending is Ending.CLIENT_GONE
    assert not kit.hooks.faults


def test_a_blocked_plugin_is_not_called():
    kit = Kit(answer=good, block_plugin=("replay",))
    assert [kit.send(PATH, CHAT).exchange.outcome for _ in range(2)] == ["miss", "miss"]
