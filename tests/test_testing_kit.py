"""The kit that plugin authors test with (`proxy_daemon/testing.py`): what it promises them."""

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

import proxy_daemon.testing as public
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.pipeline.faults import PluginFault, Refusal, StartError
from proxy_daemon.settings import SettingsError
from proxy_daemon.testing import START, Kit, MemoryClient, MemoryStore, Script, script

PATH = "/v1/chat/completions"
CHAT = {"model": "demo-1", "messages": [{"role": "user", "content": "hi"}]}


def plugin(hook, function):
    return type("Mine", (), {hook: hookimpl(function)})()


def answer(request):
    return script(b"{}")


def newest(store, fingerprint):
    """The newest recording that may answer, or None."""
    candidates = store.candidates(fingerprint)
    return store.get(candidates[-1].id) if candidates else None


def pieces(*parts):
    """An upstream whose answers come in these (seconds, octets)."""
    return lambda request: Script(script(b"").head, parts)


def test_all_that_is_named_is_there():
    assert all(hasattr(public, name) for name in public.__all__)


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "kind", "body"),
    [
        ({"body": b"\xff"}, 200, b"application/json", b"\xff"),
        ({"body": "ü"}, 200, b"application/json", b"\xc3\xbc"),
        ({"body": "", "status": 429}, 429, b"application/json", b""),
        ({"body": "data: 1\n\n", "content_type": "text/event-stream"}, 200, b"text/event-stream", b"data: 1\n\n"),
    ],
)
def test_a_script_of_one_piece(arguments, status, kind, body):
    result = Kit(answer=lambda request: script(**arguments)).send(PATH, CHAT)
    assert (result.status, result.headers.all(b"content-type"), result.body, result.whole) == (
        status,
        [kind],
        body,
        True,
    )


def test_the_built_in_model_answers():
    result = Kit().send(PATH, CHAT)
    assert result.json["choices"][0]["message"]["role"] == "assistant"
    assert result.exchange.model == "demo-1"


def test_a_stream_takes_the_kits_time_and_no_other():
    kit = Kit(answer=pieces((60.0, b"a"), (0.0, b"b"), (600.0, b"c")))
    result = kit.send(PATH, CHAT)
    assert (result.pieces, result.body) == ((b"a", b"b", b"c"), b"abc")
    assert kit.clock.seconds() == pytest.approx(660, abs=1)
    assert result.exchange.duration == pytest.approx(660_000_000, abs=1_000_000)


def test_the_answer_is_made_from_the_request():
    kit = Kit(answer=lambda request: script(request.target))
    assert kit.send("/v1/x?y=1", {}).body == b"/v1/x?y=1"


def test_a_broken_answer_is_not_whole():
    def failing():
        yield 0.0, b"a"
        raise OSError("torn")

    result = Kit(answer=lambda request: Script(script(b"").head, failing())).send(PATH, CHAT)
    assert (result.body, result.whole, result.exchange.ending) == (b"a", False, Ending.BROKEN_OFF)


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "method", "kind", "body"),
    [
        ({}, b"GET", b"", b""),
        ({"body": CHAT}, b"POST", b"application/json", None),
        ({"body": []}, b"POST", b"application/json", b"[]"),
        ({"body": b"raw", "headers": {"Content-Type": "text/plain"}}, b"POST", b"text/plain", b"raw"),
        ({"method": "DELETE"}, b"DELETE", b"", b""),
        ({"body": {}, "method": "PUT"}, b"PUT", b"application/json", b"{}"),
    ],
)
def test_what_goes_upstream(arguments, method, kind, body):
    kit = Kit(answer=answer)
    kit.send("/v1/x", **arguments)
    ((upstream, request),) = kit.sent
    assert (upstream.name, upstream.scheme, request.method) == ("default", "demo", method)
    assert request.headers.get(b"content-type") == kind
    assert request.json == CHAT if body is None else request.body.whole() == body


def test_fields_of_the_request():
    kit = Kit(answer=answer)
    kit.send(PATH, CHAT, headers={"X-Mine": "1", "Cache-Control": "no-cache", "Host": "elsewhere"})
    request = kit.sent[0][1]
    assert (request.headers.get(b"x-mine"), request.headers.get(b"host")) == (b"1", b"elsewhere")
    assert b"cache-control" not in request.headers


def test_settings():
    kit = Kit(answer=answer, mode="all", upstream=(parse_upstream("a=http://a"), parse_upstream("b=http://b")))
    kit.send("/_llmproxy/to/b" + PATH, CHAT)
    kit.send(PATH, CHAT)
    assert [upstream.name for upstream, _ in kit.sent] == ["b", "a"]
    assert (kit.settings.mode, kit.settings.log) == ("all", "off")


def test_an_upstream_that_does_not_exist_is_refused():
    with pytest.raises(Refusal, match="No upstream is called 'c'"):
        Kit().send("/_llmproxy/to/c/v1", CHAT)


# --- one request in steps --------------------------------------------------------------------------------------------


def test_begin_lets_the_test_turn_the_clock():
    kit = Kit(answer=pieces((1.0, b"a"), (1.0, b"b")))
    exchange, client, running = kit.begin(PATH, CHAT)
    steps = []
    for _ in range(3):
        steps.append((b"".join(client.pieces), client.finished, running.called))
        kit.clock.advance(1)
    assert steps == [(b"", False, False), (b"a", False, False), (b"ab", True, True)]
    assert exchange.ending is Ending.COMPLETE


def test_cancelling_hangs_up():
    kit = Kit(answer=pieces((1.0, b"a"), (1.0, b"b")))
    exchange, client, running = kit.begin(PATH, CHAT)
    running.cancel()
    assert (exchange.ending, client.broken_off, client.finished) == (Ending.CLIENT_GONE, True, False)


def test_a_client_can_hold_up_its_answer():
    kit = Kit(answer=pieces((1.0, b"a"), (1.0, b"b")))
    _, client, _ = kit.begin(PATH, CHAT)
    kit.clock.advance(1)
    client.flow.pause()
    kit.clock.advance(100)
    assert client.pieces == [b"a"]
    client.flow.resume()
    kit.clock.advance(0)
    assert (client.pieces, client.finished, client.flow) == ([b"a", b"b"], True, None)


def test_a_plugin_that_waits_for_ever_meets_its_deadline():
    kit = Kit(plugin("llmproxy_route", lambda self: Deferred()))
    assert "no result within its deadline of 30 s" in kit.send(PATH, CHAT).exchange.detail


# --- plugins ---------------------------------------------------------------------------------------------------------


def test_a_plugin_is_called_by_its_class_or_module():
    bad = plugin("llmproxy_request", lambda self: 1 / 0)
    kit = Kit(bad)
    assert "'Mine' failed" in kit.send(PATH, CHAT).json["error"]["message"]
    assert kit.hooks.faults == {"Mine": 1}
    module = type(public)("my_module")
    module.llmproxy_request = hookimpl(lambda: 1 / 0)
    assert "'my_module' failed" in Kit(module).send(PATH, CHAT).json["error"]["message"]


def test_a_plugin_is_configured_with_services():
    got = []

    def configure(self, settings, services):
        got.append((settings, services))
        services.scheduler.every(1, lambda: got.append("never"))
        services.scheduler.at_stop(lambda: got.append("never"))
        services.worker.run(got.append, "at once")
        services.lines(None)(b"a line\n")

    kit = Kit(plugin("llmproxy_configure", configure), plugin_settings={"mine": {"a": 1}})
    (settings, services), *more = got
    assert (settings, settings.plugin_settings, more) == (kit.settings, {"mine": {"a": 1}}, ["at once"])
    assert services.store is kit.store
    kit.clock.advance(10)
    assert (services.clock.seconds(), services.clock.wall()) == (10, START + 10)
    assert got[1:] == ["at once"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SettingsError("wrong"), "^plugin 'Mine': wrong$"),
        (ValueError("wrong"), "^The plugin 'Mine' failed in llmproxy_configure: ValueError: wrong$"),
    ],
    ids=["settings", "other"],
)
def test_a_start_that_fails(error, words):
    def configure(self):
        raise error

    with pytest.raises(StartError, match=words):
        Kit(plugin("llmproxy_configure", configure))


def test_two_plugins_of_one_name():
    one, two = (plugin("llmproxy_request", lambda self: None) for _ in range(2))
    with pytest.raises(StartError, match="two plugins are called 'Mine'"):
        Kit(one, two)


def test_a_raise_is_not_hidden_where_the_hook_is_called_by_hand():
    kit = Kit(plugin("llmproxy_route", lambda self: 1 / 0))
    with pytest.raises(PluginFault, match="ZeroDivisionError"):
        Kit._now(kit.hooks.first("llmproxy_route", None))


def test_what_is_not_done_is_said():
    with pytest.raises(AssertionError, match="it is not done yet"):
        Kit._now(Deferred())


# --- the client and the store ----------------------------------------------------------------------------------------


class TestMemoryClient:
    def begun(self, *pairs, own=b""):
        client = MemoryClient()
        client.begin(ResponseHead(200, b"OK", Headers(pairs)), own)
        return client

    def test_the_head_is_as_a_client_reads_it(self):
        client = self.begun((b"A", b"1: 2"), (b"Connection", b"close"), own=b"Cache-Status: llmproxy; hit\r\n")
        assert (client.head.status, client.head.reason) == (200, b"OK")
        assert list(client.head.headers.pairs) == [(b"A", b"1: 2"), (b"Cache-Status", b"llmproxy; hit")]

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda client: client.begin(ResponseHead(200), b""),
            lambda client: (client.finish(), client.finish()),
            lambda client: MemoryClient().write(b"x"),
        ],
        ids=["two heads", "two ends", "no head"],
    )
    def test_what_no_answer_may_do(self, wrong):
        with pytest.raises(AssertionError):
            wrong(self.begun())


class TestMemoryStore:
    """It must answer as the real one does (`core.services.Store`)."""

    @pytest.fixture
    def kit(self):
        kit = Kit(answer=answer, mode="all")
        for number, name in enumerate(["a", "b", "a"]):
            kit.send(PATH, CHAT | {"model": name, "n": number})
        return kit

    def test_what_is_found(self, kit):
        last = list(kit.store.recordings.values())[-1]
        assert newest(kit.store, last.fingerprint) is last
        assert newest(kit.store, b"other") is None
        assert (kit.store.get(last.id), kit.store.get(1)) == (last, None)
        assert (kit.store.stats(), kit.store.trouble) == ({"exchanges": 3}, "")

    def test_what_is_similar(self, kit):
        a, b, c = kit.store.recordings.values()
        assert kit.store.similar(PATH.encode(), "b", 9) == [b, c, a]
        assert kit.store.similar(PATH.encode(), "a", 2) == [c, a]
        assert kit.store.similar(b"/other", "a", 9) == []

    def test_pages(self, kit):
        a, b, c = kit.store.recordings.values()
        assert kit.store.page(2) == [c, b]
        assert kit.store.page(2, before=b.id) == [a]

    @pytest.mark.parametrize(("replace", "pinned", "left"), [(False, False, 2), (True, False, 1), (True, True, 2)])
    def test_what_is_replaced(self, kit, replace, pinned, left):
        store, old = MemoryStore(), evolve(next(iter(kit.store.recordings.values())), pinned=pinned, detail="old")
        new = evolve(old, id=old.id + 1, detail="new", pinned=False)
        for recording in (old, new):
            Kit._now(store.put(recording, replace=replace))
        assert newest(store, old.fingerprint).detail == "new"
        assert len(store.similar(PATH.encode(), "a", 9)) == left
        assert len(store.page(9)) == 2

    def test_what_is_only_noted_is_not_served(self):
        kit = Kit(mode="none")
        refused = kit.send(PATH, CHAT).exchange
        assert newest(kit.store, refused.fingerprint) is None
        assert kit.store.get(refused.id).status == 424
