"""`llmproxy_request` in the way of an exchange: who is asked, at what cost, and whose API a changed request is."""

import pytest
from attrs import evolve
from exchanges import CHAT, PATH, answering, plugin, recordings

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.hookspecs import hookimpl, only_where
from proxy_daemon.pipeline import exchange as module
from proxy_daemon.testing import Kit

MESSAGES = "/v1/messages"


def changing(change, wanted=None, name="Changing"):
    """A plugin that changes requests by ``change(request)``, where ``wanted(plugin, exchange)`` says so."""

    def implementation(self, exchange):
        return change(exchange.request)

    mark = only_where(wanted) if wanted else lambda function: function
    return type(name, (), {"llmproxy_request": hookimpl(mark(implementation))})()


def to(target):
    return lambda request: evolve(request, target=target.encode())


def unfolded(kit, monkeypatch):
    """The names of the hooks that are folded from now on: each fold is a coroutine."""
    names, fold = [], kit.hooks.fold
    monkeypatch.setattr(kit.hooks, "fold", lambda name, *rest: names.append(name) or fold(name, *rest))
    return names


# --- who is asked ----------------------------------------------------------------------------------------------------


def test_without_rules_requests_are_not_asked_about(monkeypatch):
    kit = Kit(answer=answering())
    names = unfolded(kit, monkeypatch)
    result = kit.send(PATH, CHAT)
    assert (result.status, names) == (200, [])
    assert kit.hooks.has("llmproxy_request"), "a plugin has it, and does not want it"


def test_with_rules_they_are(monkeypatch, tmp_path):
    (tmp_path / "r.toml").write_text('[[rule]]\nname = "r"\nrequest.remove = "x"\n')
    kit = Kit(answer=answering(), rewrite=(str(tmp_path / "r.toml"),))
    names = unfolded(kit, monkeypatch)
    kit.send(PATH, CHAT)
    assert names == ["llmproxy_request"]


@pytest.mark.parametrize(("path", "sent"), [("/mine", b"/there"), ("/other", b"/other")])
def test_only_where_a_plugin_wants_it(monkeypatch, path, sent):
    kit = Kit(changing(to("/there"), lambda plugin, exchange: exchange.request.path == b"/mine"), answer=answering())
    names = unfolded(kit, monkeypatch)
    kit.send(path, {})
    assert kit.sent[0][1].target == sent
    assert bool(names) is (path == "/mine")


def test_one_that_wants_it_does_not_call_one_that_does_not():
    never = changing(to("/never"), lambda plugin, exchange: False, name="Never")
    kit = Kit(never, changing(to("/there")), answer=answering())
    kit.send("/mine", {})
    assert kit.sent[0][1].target == b"/there"


def test_it_is_asked_of_its_own_plugin():
    seen = []
    mine = changing(to("/there"), lambda plugin, exchange: seen.append(plugin) or False)
    Kit(mine, answer=answering()).send("/", {})
    assert [each is mine for each in seen] == [True]


def test_a_raise_of_what_asks_is_one_of_the_implementation():
    kit = Kit(changing(to("/there"), lambda plugin, exchange: 1 / 0), answer=answering())
    assert (kit.send("/", {}).status, kit.hooks.faults, kit.sent) == (502, {"Changing": 1}, [])


def test_what_a_hook_leaves_stays_the_same_object():
    seen = []
    kit = Kit(changing(seen.append), answer=answering())
    result = kit.send(PATH, CHAT)
    assert result.exchange.request is seen[0] is kit.sent[0][1]


# --- whose API -------------------------------------------------------------------------------------------------------

MAPPED = [
    (PATH, PATH, "openai-chat"),
    (PATH, MESSAGES, "anthropic"),
    (MESSAGES, PATH, "openai-chat"),
    (PATH, "/nobody/knows", "generic"),
    ("/nobody/knows", MESSAGES, "anthropic"),
    ("/nobody/knows", "/somebody", "generic"),
    (PATH, f"{MESSAGES}?beta=true", "anthropic"),
]


@pytest.mark.parametrize(("came", "goes", "expected"), MAPPED)
def test_a_request_is_of_the_api_to_which_it_goes(came, goes, expected):
    kit = Kit(changing(to(goes)), answer=answering())
    found, same = kit.send(came, CHAT).exchange, Kit(answer=answering()).send(goes, CHAT).exchange
    assert found.dialect.name == same.dialect.name == expected
    assert (found.fingerprint, found.model) == (same.fingerprint, same.model)


def test_its_stream_is_judged_by_the_api_to_which_it_goes():
    """Without the last event of Anthropic's streams it is not replayed, whatever the path was that it came for."""
    begun = b'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n'
    pieces = ((0.1, begun),)

    def answer(request):
        made = answering(pieces=pieces)(request)
        fields = ((b"Content-Type", b"text/event-stream"),)
        return evolve(made, head=evolve(made.head, headers=type(made.head.headers)(fields)))

    kit = Kit(changing(to(MESSAGES)), answer=answer)
    kit.send("/mapped", CHAT | {"stream": True})
    (recording,) = recordings(kit)
    assert (recording.request.path, recording.replayable) == (MESSAGES.encode(), False)
    assert "not to be replayed" in recording.detail


@pytest.mark.parametrize(
    "change",
    [lambda request: None, lambda request: request, lambda request: evolve(request, method=b"PUT"), to(f"{PATH}?a=1")],
    ids=["left", "the same", "another method", "another query"],
)
def test_at_the_same_path_no_api_is_recognised_again(monkeypatch, change):
    kit = Kit(changing(change), answer=answering())
    monkeypatch.setattr(module, "recognise", lambda *_: pytest.fail("recognised again"))
    assert kit.send(PATH, CHAT).exchange.dialect.name == "openai-chat"


class Mine(Dialect):
    name = "mine"

    def recognises(self, request):
        return request.path == b"/mine"


def test_apis_of_plugins_are_asked_too():
    mine = plugin("llmproxy_dialects", lambda self: [Mine()])
    kit = Kit(changing(to("/mine")), mine, answer=answering())
    assert kit.send(PATH, CHAT).exchange.dialect.name == "mine"


class AtOf(Dialect):
    """Recognises requests at some paths, or with its own key."""

    def __init__(self, name, *paths):
        self.name, self.at = name, paths

    def recognises(self, request):
        return request.path in self.at or self.name.encode() in request.headers


def test_an_api_that_has_both_paths_stays():
    apis = plugin("llmproxy_dialects", lambda self: [AtOf("first", b"/both"), AtOf("second", b"/both", b"/own")])
    kit = Kit(changing(to("/both")), apis, answer=answering())
    assert [kit.send(path, {}).exchange.dialect.name for path in ("/own", "/both", "/other")] == [
        "second",
        "first",
        "first",
    ]


def test_an_api_that_is_known_by_a_field_stays_where_a_rule_takes_that_away():
    def bare(request):
        return evolve(request, headers=request.headers.without((b"mine",)))

    kit = Kit(changing(bare), plugin("llmproxy_dialects", lambda self: [AtOf("mine")]), answer=answering())
    assert kit.send(PATH, CHAT, headers={"mine": "k"}).exchange.dialect.name == "mine"


def test_a_fault_there_is_answered_and_goes_nowhere(defects):
    class Bad(Mine):
        def recognises(self, request):
            return request.path == b"/mine" and 1 / 0

    kit = Kit(changing(to("/mine")), plugin("llmproxy_dialects", lambda self: [Bad()]), answer=answering())
    result = kit.send("/nobody/knows", {})
    assert (result.status, kit.sent, len(defects)) == (502, [], 1)
    assert result.exchange.dialect is GENERIC
