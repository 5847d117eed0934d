"""What is recorded of exchanges that rules have changed; and a recording gets the rules of the day it is served on."""

import gzip
import json

import pytest
from attrs import evolve

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, ResponseHead
from proxy_daemon.testing import Kit, Script, script

PATH = "/v1/chat/completions"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
OPEN = "<|channel|>analysis<|message|>"
TO_LLAMA = '[[rule]]\nname = "alias"\nrequest.model = { "gpt-4o" = "llama" }\n'


@pytest.fixture
def rules(tmp_path):
    """`rules(text)`: the name of a new file with these rules."""
    files = []

    def write(text):
        files.append(tmp_path / f"{len(files)}.toml")
        files[-1].write_text(text)
        return str(files[-1])

    return write


def word(by, name="word"):
    return f'[[rule]]\nname = "{name}"\ntext = {{ replace = "cat", by = "{by}" }}\n'


def document(text="a cat", model="llama"):
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"model": model, "choices": [choice]}).encode()


def event(text):
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': text}}]})}\n\n".encode()


def stream(*words, end=b"data: [DONE]\n\n"):
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
    return Script(head, (*((0.5, event(text)) for text in words), (0.5, end)))


def joined(octets):
    lines = [json.loads(line[6:]) for line in octets.splitlines() if line.startswith(b"data: {")]
    return "".join(line["choices"][0]["delta"].get("content") or "" for line in lines)


def turned(kit, *given):
    """The same daemon, with these rules from now on."""
    calls = kit.hooks._hooks["llmproxy_reload"].calls
    mine = next(each.function.__self__ for each in calls if each.plugin == "rewriting")
    mine.llmproxy_reload(evolve(kit.settings, rewrite=given))


def said(result):
    return result.json["choices"][0]["message"]["content"]


def kept(kit, result):
    return kit.store.get(result.exchange.id)


def octets(body):
    return body.read(0, body.size)


# --- replay ----------------------------------------------------------------------------------------------------------


def test_a_recording_gets_the_rules_of_today(rules):
    kit = Kit(answer=lambda request: script(document()), rewrite=(rules(word("dog")),))
    first = kit.send(PATH, ASKED)
    turned(kit, rules(word("cow", "other")))
    second = kit.send(PATH, ASKED)
    turned(kit)
    third = kit.send(PATH, ASKED)
    assert [said(each) for each in (first, second, third)] == ["a dog", "a cow", "a cat"]
    assert [each.exchange.outcome for each in (second, third)] == [Outcome.HIT] * 2
    assert len(kit.sent) == 1
    assert [kept(kit, each).rules for each in (first, second, third)] == [("word",), ("other",), ()]
    assert octets(kept(kit, first).response.body) == third.body == document()


def test_a_recorded_stream_gets_the_rules_of_today(rules):
    kit = Kit(answer=lambda request: stream("a c", "at"), rewrite=(rules(word("dog")),))
    asked = ASKED | {"stream": True}
    live = kit.send(PATH, asked)
    turned(kit, rules(word("cow")))
    hit = kit.send(PATH, asked)
    assert (joined(live.body), joined(hit.body), hit.exchange.outcome) == ("a dog", "a cow", "hit")
    for each in (live, hit):
        assert octets(kept(kit, each).delivered.body) == each.body


def test_a_recording_of_a_daemon_without_rules_gets_rules(rules):
    kit = Kit(answer=lambda request: script(document()))
    plain = kit.send(PATH, ASKED)
    turned(kit, rules(word("dog")))
    assert (said(plain), said(kit.send(PATH, ASKED))) == ("a cat", "a dog")
    assert (kept(kit, plain).delivered, kept(kit, plain).rules) == (None, ())


def test_a_coded_answer_stays_coded_in_the_store(rules):
    coded = gzip.compress(document())
    fields = [(b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")]
    head = ResponseHead(200, b"OK", Headers(fields))
    kit = Kit(answer=lambda request: Script(head, ((0.0, coded),)), rewrite=(rules(word("dog")),))
    for _ in range(2):
        result = kit.send(PATH, ASKED, headers={"Accept-Encoding": "gzip"})
        found = kept(kit, result)
        assert octets(found.delivered.body) == result.body == document("a dog")
        assert b"content-encoding" not in found.delivered.head.headers
    first = next(iter(kit.store.recordings.values()))
    assert (octets(first.response.body), first.response.head.headers.get(b"content-encoding")) == (coded, b"gzip")


# --- fingerprints ----------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_that_of_the_request_as_it_goes_upstream(rules):
    kit = Kit(answer=lambda request: script(document()), rewrite=(rules(TO_LLAMA),))
    first, same = kit.send(PATH, ASKED), kit.send(PATH, ASKED | {"model": "llama"})
    assert (same.exchange.outcome, same.exchange.served_from) == ("hit", first.exchange.id)
    assert first.exchange.fingerprint == same.exchange.fingerprint
    assert kept(kit, first).request.json["model"] == kept(kit, first).model == "llama"


def test_what_other_rules_send_upstream_is_another_request(rules):
    kit = Kit(answer=lambda request: script(document()), rewrite=(rules(TO_LLAMA),))
    kit.send(PATH, ASKED)
    turned(kit, rules(TO_LLAMA.replace('"llama"', '"qwen"')))
    assert kit.send(PATH, ASKED).exchange.outcome == "miss"
    turned(kit, rules(TO_LLAMA))
    assert kit.send(PATH, ASKED).exchange.outcome == "hit"


def test_a_field_that_a_rule_takes_out_tells_no_requests_apart(rules):
    kit = Kit(
        answer=lambda request: script(document()), rewrite=(rules('[[rule]]\nname = "u"\nrequest.remove = "user"\n'),)
    )
    assert kit.send(PATH, ASKED | {"user": "a"}).exchange.outcome == "miss"
    assert kit.send(PATH, ASKED | {"user": "b"}).exchange.outcome == "hit"


def test_a_path_of_another_api_is_read_as_that_apis(rules):
    text = '[[rule]]\nname = "p"\nrequest.path = { prefix = "/chat", to = "/v1/messages" }\n'
    kit = Kit(answer=lambda request: script(b"{}"), rewrite=(rules(text),))
    result = kit.send("/chat", ASKED)
    assert (result.exchange.dialect.name, kit.sent[0][1].path) == ("anthropic", b"/v1/messages")
    assert result.exchange.rules == ("p",)


# --- what is recorded ------------------------------------------------------------------------------------------------


def test_a_status_is_followed_and_upstreams_is_kept(rules):
    text = '[[rule]]\nname = "s"\nresponse.status = { 503 = 429 }\n'
    kit = Kit(answer=lambda request: script(b"{}", status=503), rewrite=(rules(text),))
    result = kit.send(PATH, ASKED)
    found = kept(kit, result)
    assert (result.status, result.exchange.status, found.status, found.response.head.status) == (429, 429, 429, 503)
    assert (found.delivered.head.status, found.delivered.body, found.rules) == (429, None, ("s",))


def test_rules_that_find_nothing_leave_nothing(rules):
    kit = Kit(answer=lambda request: script(document("a bird")), rewrite=(rules(word("dog")),))
    for _ in range(2):
        found = kept(kit, kit.send(PATH, ASKED))
        assert (found.rules, found.delivered) == ((), None)


def test_rules_for_the_request_alone_leave_their_names(rules):
    kit = Kit(answer=lambda request: script(document()), rewrite=(rules(TO_LLAMA),))
    for _ in range(2):
        found = kept(kit, kit.send(PATH, ASKED))
        assert (found.rules, found.delivered) == (("alias",), None)


def test_a_request_that_is_refused_names_its_rules(rules):
    kit = Kit(mode="none", rewrite=(rules(TO_LLAMA),))
    result = kit.send(PATH, ASKED)
    assert (result.status, kept(kit, result).rules) == (424, ("alias",))


@pytest.mark.parametrize("settings", [{}, {"on_client_abort": "record"}], ids=["cancelled", "drained"])
def test_a_client_that_left(settings):
    kit = Kit(answer=lambda request: stream(OPEN, "a", "b"), rewrite=("gpt-oss",), **settings)
    exchange, client, running = kit.begin(PATH, ASKED | {"stream": True})
    kit.clock.advance(0.6)
    running.cancel()
    kit.clock.pump([0.5] * 10)
    found = kit.store.get(exchange.id)
    assert (exchange.ending, found.rules) == (Ending.CLIENT_GONE, ("gpt-oss",))
    assert octets(found.delivered.body) == b"".join(client.pieces)
    assert b"[DONE]" in octets(found.response.body) if settings else found.response.body.size
