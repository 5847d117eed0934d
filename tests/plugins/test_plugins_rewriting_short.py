"""The plugin that rewrites, where no rule has anything to do: requests and answers take their short ways."""

import orjson
import pytest
from attrs import evolve
from test_plugins_rewriting import ASKED, PATH, document, script

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import Ending
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.net.upstream.answer import LiveAnswer
from proxy_daemon.pipeline.delivery import Delivery
from proxy_daemon.testing import Kit

ALIAS = '[[rule]]\nname = "alias"\nrequest.model = { "gpt-4o" = "llama", "gpt-*" = "other", "x" = "x" }\n'
CATS = '[[rule]]\nname = "cats"\ntext = { replace = "cat", by = "dog" }\n'


class Connection:
    """Stands for the connection of an answer that is whole."""

    def __getattr__(self, name):
        return lambda: None


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """`kit(rules, answer)`: its upstream gives each answer with its head."""

    def make(text, answer=None, *plugins, ending=Ending.COMPLETE, **settings):
        (tmp_path / "rules.toml").write_text(text)
        made = Kit(*plugins, rewrite=(str(tmp_path / "rules.toml"),), **settings)

        async def send(upstream, request):
            made.sent.append((upstream, request))
            given = answer or document()
            live = LiveAnswer(Connection(), given.head)
            live.deliver(b"".join(data for _, data in given.pieces), ending, "why")
            return live

        monkeypatch.setattr(type(made._upstreams), "send", lambda self, *asked, **how: send(*asked))
        return made

    return make


def is_short(result):
    return Delivery.of(result.exchange) is None and result.headers.get(b"x-llmproxy-body") == b"verbatim"


@pytest.mark.parametrize(
    ("text", "coding", "short"),
    [("a cat", b"", False), ("a ca", b"", False), ("a dog", b"", True), ("a dog", b"gzip", False)],
)
def test_an_answer_that_is_there_with_its_head_is_looked_at(kit, text, coding, short):
    made = document(text, coding=coding)
    result = kit(CATS, made).send(PATH, ASKED)
    assert result.whole
    assert is_short(result) is short
    if not coding:
        assert result.body == made.pieces[0][1].replace(b"cat", b"dog")


def test_one_that_broke_off_is_not_whole(kit):
    result = kit(CATS, document("a dog"), ending=Ending.BROKEN_OFF).send(PATH, ASKED)
    assert (result.whole, result.exchange.detail) == (False, "why")


def test_a_rule_for_the_answers_fields_takes_the_long_way(kit):
    result = kit(CATS + '[[rule]]\nname = "r"\nresponse.set = { model = "m" }\n', document("a dog")).send(PATH, ASKED)
    assert result.json["model"] == "m"
    assert result.exchange.rules == ("r",)


@pytest.mark.parametrize(
    ("model", "sent", "called"),
    [("gpt-4o", "llama", True), ("gpt-5", "other", True), ("m", "m", False), ("x", "x", False), (None, None, False)],
)
def test_a_request_whose_model_is_not_mapped_goes_on_as_it_came(kit, monkeypatch, model, sent, called):
    made = kit(ALIAS)
    calls = []
    fold = made.hooks.fold
    monkeypatch.setattr(made.hooks, "fold", lambda name, *args: calls.append(name) or fold(name, *args))
    result = made.send(PATH, ASKED | {"model": model})
    assert made.sent[0][1].json["model"] == sent
    assert ("llmproxy_request" in calls) is called
    assert result.exchange.rules == (("alias",) if called else ())


@pytest.mark.parametrize("more", ["request.set = { a = 1 }", 'request.path = { prefix = "/v1", to = "/v2" }'])
def test_a_rule_with_more_to_do_is_always_asked(kit, more):
    made = kit(ALIAS + more + "\n")
    made.send(PATH, ASKED | {"model": "m"})
    request = made.sent[0][1]
    assert (request.json.get("a"), request.path) in [(1, b"/v1/chat/completions"), (None, b"/v2/chat/completions")]


@pytest.mark.parametrize(("before", "after"), [("m", "gpt-4o"), ("gpt-4o", "m")])
def test_rules_see_the_request_as_plugins_before_them_leave_it(kit, before, after):
    class Before:
        @hookimpl
        def llmproxy_request(self, exchange):
            return evolve(exchange.request, body=Bytes(orjson.dumps(exchange.request.json | {"model": after})))

    made = kit(ALIAS, None, Before())
    made.send(PATH, {"model": before, "messages": []})
    assert made.sent[0][1].json["model"] == ("llama" if after == "gpt-4o" else "m")


def test_models_at_one_path_have_their_own_rules(kit):
    text = '[[rule]]\nname = "m"\nwhen = { model = "a*" }\ntext = { replace = "cat", by = "dog" }\n'
    made = kit(text, document("a cat"), mode="off")
    found = [made.send(PATH, ASKED | {"model": model}).exchange.rules for model in ("a1", "b", "a1", "b", "a2")]
    assert found == [("m",), (), ("m",), (), ("m",)]


def test_header_fields_decide_each_time(kit):
    text = CATS.replace("text =", 'when = { model = "a*", header = { x-a = "1" } }\ntext =').replace('"cats"', '"m"')
    made = kit(text, document("a cat"), mode="off")
    asked = [("a1", "1"), ("a1", "2"), ("b", "1"), ("a1", "1")]
    found = [made.send(PATH, ASKED | {"model": model}, headers={"X-A": value}).exchange.rules for model, value in asked]
    assert found == [("m",), (), (), ("m",)]


def test_a_whole_answer_of_another_kind_passes(kit):
    result = kit(CATS, script(b"\xff cat", content_type="image/png")).send(PATH, ASKED)
    assert result.body == b"\xff cat"
