"""Rules in a daemon of its own: streams that wait for nothing, reloads, codings, and a start that wrong rules end."""

import gzip
import json
import queue
from signal import SIGHUP

import pytest
from rig import LIMIT, SSE_HEAD, chunk, json_answer

PATH = "/v1/chat/completions"
OPEN, CLOSE = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
RULE = '[[rule]]\nname = "swap"\ntext = {{ replace = "{}", by = "{}" }}\n'


@pytest.fixture
def rules(tmp_path):
    file = tmp_path / "rules.toml"

    def write(text):
        file.write_text(text)
        return str(file)

    return write


def event(text):
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode()


def document(text):
    return {"model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


def log_lines(proxy, tmp_path):
    proxy.stop()
    return [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]


def content(body):
    return json.loads(body)["choices"][0]["message"]["content"]


def test_a_delta_that_cannot_be_part_of_a_match_leaves_before_the_next_is_sent(daemon, upstream):
    words = ["one", " two", " <b>", "three"]
    came = queue.Queue()

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD)
        for word in words:
            peer.send(chunk(event(word)))
            assert came.get(timeout=LIMIT) == word  # else both wait for each other
        peer.send(chunk(b"data: [DONE]\n\n") + chunk(b""))
        peer.rest()

    client = daemon("--upstream", upstream(play).url, "--rewrite", "gpt-oss").connect()
    body = json.dumps({"model": "m", "stream": True, "messages": []}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    client.send(head.encode() + b"\r\n\r\n" + body)
    for word in words:
        client.until(event(word))
        came.put(word)
    client.until(b"[DONE]")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_the_length_follows_and_the_coding_comes_off(daemon, upstream, rules, tmp_path, coding):
    def play(peer):
        peer.request()
        body = json.dumps(document("a cat")).encode()
        coded = gzip.compress(body) if coding == "gzip" else body
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(coded)}\r\n"
        head += f"Content-Encoding: {coding}\r\n" if coding == "gzip" else ""
        peer.send(head.encode() + b"\r\n" + coded)

    proxy = daemon("--upstream", upstream(play).url, "--rewrite", rules(RULE.format("cat", "crocodile")))
    status, headers, body = proxy.chat(headers={"Accept-Encoding": "gzip"})[:3]
    assert (status, content(body)) == (200, "a crocodile")
    assert "content-encoding" not in {name.lower() for name in dict(headers)}
    assert [line["rules"] for line in log_lines(proxy, tmp_path)] == [["swap"]]


def test_a_reload_takes_new_rules_and_a_bad_file_keeps_the_old(daemon, upstream, rules):
    def play(peer):
        while peer.request():
            peer.send(json_answer(document("a cat")))

    proxy = daemon("--upstream", upstream(play).url, "--mode", "off", "--rewrite", rules(RULE.format("cat", "dog")))
    assert content(proxy.chat()[2]) == "a dog"
    rules("[[rule]]\nname = 7\n")
    proxy.process.send_signal(SIGHUP)
    while b"the settings stay as they were" not in b"".join(proxy.said):
        assert content(proxy.chat()[2]) == "a dog"
    assert b"rules.toml:1: rule 1: a rule needs a name" in b"".join(proxy.said)
    assert content(proxy.chat()[2]) == "a dog"
    rules(RULE.format("cat", "cow"))
    proxy.process.send_signal(SIGHUP)
    assert "a cow" in (content(proxy.chat()[2]) for _ in range(2000))  # until the signal has arrived


def test_wrong_rules_end_the_start_with_one_line(daemon, rules):
    with pytest.raises(AssertionError) as ended:
        daemon("--upstream", "demo:", "--rewrite", rules("\n" + RULE.format("", "dog")))
    assert "rules.toml:2: rule 'swap': find is empty" in str(ended.value)


def test_it_is_a_drop_in_for_the_relay(daemon, upstream):
    def play(peer):
        peer.request()
        peer.send(json_answer(document(f"{OPEN}hm{CLOSE}4")))
        peer.rest()

    port = upstream(play).url.rpartition(":")[2]
    proxy = daemon("--rewrite", "gpt-oss", env={"UPSTREAM_HOST": "127.0.0.1", "UPSTREAM_PORT": port})
    assert content(proxy.chat()[2]) == "<think>hm</think>4"
