"""The plugin that rewrites, in the kit: what goes up, what comes back, what is noted, and where it stands aside."""

import gzip
import json

import pytest
from attrs import evolve

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import hookimpl, only_where
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.settings import SettingsError
from proxy_daemon.testing import Kit, Script, script

PATH = "/v1/chat/completions"
ASKED = {"model": "gpt-4o", "user": "u", "messages": [{"role": "user", "content": "hi"}]}
OPEN, CLOSE = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
RULES = """
[[rule]]
name = "alias"
request.model = { "gpt-4o" = "llama" }
[[rule]]
name = "no user"
when = { path = "/v1/*" }
request.remove = "user"
[[rule]]
name = "back"
when = { model = "gpt-4o" }
response.set = { model = "gpt-4o" }
[[rule]]
name = "cats"
text = { replace = "cat", by = "dog" }
"""


@pytest.fixture
def rules(tmp_path):
    """`rules(text)`: the name of a file with these rules."""

    def write(text=RULES):
        (tmp_path / "rules.toml").write_text(text)
        return str(tmp_path / "rules.toml")

    return write


def document(text="a cat", coding=b"", **more):
    body = json.dumps({"model": "llama", "choices": [{"index": 0, "message": {"content": text}}]} | more).encode()
    if not coding:
        return script(body)
    made = gzip.compress(body)
    fields = [
        (b"Content-Type", b"application/json"),
        (b"Content-Encoding", coding),
        (b"Content-Length", b"%d" % len(made)),
    ]
    return Script(ResponseHead(200, b"OK", Headers(fields)), ((0.0, made),))


def event(text):
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n".encode()


def stream(*words, end=b"data: [DONE]\n\n"):
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
    return Script(head, (*((0.5, event(word)) for word in words), (0.5, end)))


def deltas(octets):
    lines = [json.loads(line[6:]) for line in octets.decode().splitlines() if line.startswith("data: {")]
    return [line["choices"][0]["delta"] for line in lines]


def test_a_request_and_its_answer(rules):
    kit = Kit(answer=lambda request: document(), rewrite=(rules(),))
    result = kit.send(PATH, ASKED)
    assert kit.sent[0][1].json == {"model": "llama", "messages": ASKED["messages"]}
    assert (result.json["model"], result.json["choices"][0]["message"]["content"]) == ("gpt-4o", "a dog")
    assert result.headers.get(b"x-llmproxy-body") == b"edited"
    assert b"content-length" not in result.headers
    assert result.exchange.rules == ("alias", "no user", "cats", "back")
    assert (result.exchange.notes["llmproxy.problems"], kit.hooks.faults) == ([], {})


def test_the_fingerprint_is_that_of_the_request_as_it_goes_up(rules):
    kit = Kit(answer=lambda request: document(), rewrite=(rules(),))
    plain = Kit(answer=lambda request: document())
    same = plain.send(PATH, {"model": "llama", "messages": ASKED["messages"]}).exchange
    found = kit.send(PATH, ASKED).exchange
    assert (found.fingerprint, found.model) == (same.fingerprint, "llama")


def test_a_hit_gets_todays_rules_over_what_upstream_sent(rules):
    kit = Kit(answer=lambda request: document(), rewrite=(rules(),))
    first, second = kit.send(PATH, ASKED), kit.send(PATH, ASKED)
    assert (second.exchange.outcome, second.body) == ("hit", first.body)
    recording = kit.store.get(first.exchange.id)
    assert b"a cat" in recording.response.body.whole()


@pytest.mark.parametrize("name", ["gpt-oss", "gpt-oss-reasoning"])
def test_the_relays_job_in_a_stream(name):
    words = [OPEN[:9], OPEN[9:] + "let me", " see", CLOSE[:20], CLOSE[20:], "4", "2"]
    kit = Kit(answer=lambda request: stream(*words), rewrite=(name,))
    found = deltas(kit.send(PATH, ASKED | {"stream": True}).body)
    said = "".join(delta.get("content") or "" for delta in found)
    thought = "".join(delta.get("reasoning_content") or "" for delta in found)
    expected = ("<think>let me see</think>42", "") if name == "gpt-oss" else ("42", "let me see")
    assert (said, thought) == expected


def test_a_delta_that_cannot_be_part_of_a_match_does_not_wait():
    kit = Kit(answer=lambda request: stream("one", "two<|", "three"), rewrite=("gpt-oss",))
    _, client, running = kit.begin(PATH, ASKED | {"stream": True})
    kit.clock.advance(0.6)
    assert client.pieces == [event("one")]
    kit.clock.advance(0.5)
    assert b"".join(client.pieces) == event("one")
    while not running.called:
        kit.clock.advance(0.5)
    assert b"".join(client.pieces) == b"".join([event("one"), event("two<|"), event("three"), b"data: [DONE]\n\n"])


def test_a_coded_answer_is_sent_uncoded(rules):
    result = Kit(answer=lambda request: document(coding=b"gzip"), rewrite=(rules(),)).send(PATH, ASKED)
    assert b"content-encoding" not in result.headers
    assert result.json["choices"][0]["message"]["content"] == "a dog"


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/embeddings", "gpt-oss"), ("/v1/models", "gpt-oss"), (PATH, "when")], ids=["a", "b", "c"]
)
def test_where_no_rule_is_for_the_answer_its_octets_and_its_head_stay(rules, path, name):
    text = '[[rule]]\nname = "w"\nwhen = { path = "/other" }\ntext = { replace = "cat", by = "dog" }\n'
    chosen = rules(text) if name == "when" else name
    found = Kit(answer=lambda request: document(coding=b"gzip"), rewrite=(chosen,)).send(path, ASKED)
    same = Kit(answer=lambda request: document(coding=b"gzip")).send(path, ASKED)
    assert (found.body, found.headers.get(b"content-encoding")) == (same.body, b"gzip")
    assert found.headers.get(b"x-llmproxy-body") == b"verbatim"


def test_no_match_gives_the_same_octets(rules):
    body = b'{ "model":"gpt-4o" , "choices":[ {"message":{"content":"\\u003c 1.10"}} ]}'
    kit = Kit(answer=lambda request: script(body), rewrite=(rules(),))
    result = kit.send(PATH, ASKED)
    assert result.body == body
    assert result.exchange.rules == ("alias", "no user")


@pytest.mark.parametrize(
    ("name", "coding", "short"),
    [((), b"", True), (("gpt-oss",), b"", True), (("cats",), b"", False), (("gpt-oss",), b"gzip", False)],
)
def test_small_hits_take_the_short_way_unless_a_rule_may_touch_them(rules, name, coding, short):
    text = '[[rule]]\nname = "cats"\ntext = { replace = "cat", by = "dog" }\n'
    chosen = (rules(text),) if name == ("cats",) else name
    kit = Kit(answer=lambda request: document(coding=coding), rewrite=chosen)
    kit.send(PATH, ASKED)
    taken = []
    kit.pipeline.stage.replay = lambda *args, made=kit.pipeline.stage.replay: taken.append(1) or made(*args)
    assert kit.send(PATH, ASKED).exchange.outcome == "hit"
    assert bool(taken) is not short


def test_problems_are_noted(rules):
    text = '[[rule]]\nname = "w"\nrequest.remove = "a"\n[[rule]]\nname = "r"\nresponse.remove = "a"\n'
    kit = Kit(answer=lambda request: script(b"no JSON"), rewrite=(rules(text),))
    result = kit.send(PATH, b"no JSON either")
    assert result.body == b"no JSON"
    assert [problem[:12] for problem in result.exchange.notes["llmproxy.problems"]] == ["rule 'w': th", "rule 'r': no"]


def test_what_fired_in_a_stream_that_is_left_is_noted():
    kit = Kit(answer=lambda request: stream(OPEN, "a", "b"), rewrite=("gpt-oss",))
    exchange, client, running = kit.begin(PATH, ASKED | {"stream": True})
    kit.clock.advance(0.6)
    running.cancel()
    assert (exchange.ending, exchange.rules) == (Ending.CLIENT_GONE, ("gpt-oss",))
    assert client.pieces


# --- the start, and a reload -----------------------------------------------------------------------------------------


def plugin_of(kit):
    return next(
        each.function.__self__ for each in kit.hooks._hooks["llmproxy_reload"].calls if each.plugin == "rewriting"
    )


@pytest.mark.parametrize("given", [("nothing-like-that",), ("gpt-oss", "gpt-oss-reasoning")])
def test_wrong_rules_stop_the_start(given):
    with pytest.raises(StartError, match="plugin 'rewriting': --rewrite: "):
        Kit(rewrite=given)


def test_an_upstream_that_there_is_not_stops_the_start(rules):
    text = '[[rule]]\nname = "w"\nwhen = { upstream = "locl" }\nresponse.status = 200\n'
    with pytest.raises(StartError, match=r"rules.toml:1: rule 'w': no upstream 'locl', but local"):
        Kit(rewrite=(rules(text),), upstream=(parse_upstream("local=http://h"),))


def test_a_reload_takes_new_rules_and_refuses_wrong_ones(rules):
    kit = Kit(answer=lambda request: document(), mode="off")
    mine = plugin_of(kit)
    assert b"a cat" in kit.send(PATH, ASKED).body
    mine.llmproxy_reload(evolve(kit.settings, rewrite=(rules(),)))
    assert b"a dog" in kit.send(PATH, ASKED).body
    rules(RULES.replace("text =", "txt ="))
    with pytest.raises(SettingsError, match="unknown key 'txt'"):
        mine.llmproxy_reload(evolve(kit.settings, rewrite=(rules(RULES.replace("text =", "txt =")),)))
    assert b"a dog" in kit.send(PATH, ASKED).body
    mine.llmproxy_reload(kit.settings)
    assert b"a cat" in kit.send(PATH, ASKED).body


def test_an_exchange_keeps_the_rules_that_it_began_with():
    kit = Kit(answer=lambda request: stream(OPEN, "a"), rewrite=("gpt-oss",))
    _, client, running = kit.begin(PATH, ASKED | {"stream": True})
    plugin_of(kit).llmproxy_reload(evolve(kit.settings, rewrite=()))
    while not running.called:
        kit.clock.advance(0.5)
    assert b"<think>" in b"".join(client.pieces)


# --- only_where ------------------------------------------------------------------------------------------------------


def shaping(wanted, hook="llmproxy_response_head", **more):
    def implementation(self, exchange, head):
        return evolve(head, status=299)

    return type("Mine", (), {hook: hookimpl(only_where(wanted)(implementation)), **more})()


@pytest.mark.parametrize(("path", "status"), [("/mine", 299), ("/other", 200)])
def test_only_where_a_plugin_wants_it(path, status):
    kit = Kit(shaping(lambda plugin, exchange: exchange.request.path == b"/mine"), answer=lambda request: script(b"{}"))
    result = kit.send(path, {})
    assert result.status == status
    assert kit.hooks.shapes(result.exchange) is (status == 299)


def test_it_is_asked_of_its_own_plugin():
    seen = []
    mine = shaping(lambda plugin, exchange: seen.append(plugin) or False)
    Kit(mine, answer=lambda request: script(b"{}")).send("/", {})
    assert set(map(id, seen)) == {id(mine)}


def test_a_raise_of_what_asks_is_one_of_the_implementation():
    kit = Kit(shaping(lambda plugin, exchange: 1 / 0), answer=lambda request: script(b"{}"))
    assert (kit.send("/", {}).status, kit.hooks.faults) == (502, {"Mine": 1})


def test_other_hooks_cannot_have_it():
    mark = only_where(lambda plugin, exchange: True)
    mine = type("Mine", (), {"llmproxy_lookup": hookimpl(mark(lambda self, exchange: None))})()
    with pytest.raises(StartError, match="llmproxy_lookup cannot have only_where"):
        Kit(mine)


def test_a_plugin_without_it_shapes_all():
    mine = type("Mine", (), {"llmproxy_transform": hookimpl(lambda self, exchange: None)})()
    kit = Kit(mine, answer=lambda request: script(b"{}"))
    assert kit.hooks.shapes(kit.send("/", {}).exchange)
