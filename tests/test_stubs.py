"""A mapping file of WireMock as `--cassette`, with a real daemon: its stubs answer, in their order, in mode none."""

import json

import pytest

JSON = {"Content-Type": "application/json"}
CHAT = "/v1/chat/completions"


def answer(text):
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def stub(text, request, **more):
    return {"request": request, "response": {"status": 200, "headers": JSON, "jsonBody": answer(text)}, **more}


ANY = {"method": "POST", "url": CHAT}
GREETED = {**ANY, "bodyPatterns": [{"matchesJsonPath": "$.messages[?(@.content == 'hi')]"}]}
LIMITED = {"method": "POST", "urlPath": "/v1/messages"}
STUBS = [
    stub("anything", ANY, priority=9),
    stub("hello", GREETED),
    {"request": LIMITED, "response": {"status": 429, "headers": JSON, "jsonBody": {"type": "error"}}},
    {"request": {"method": "GET", "urlPathTemplate": "/v1/models/{id}"}, "response": {"bodyFileName": "model.json"}},
    stub("never", ANY, scenarioName="s"),
]


@pytest.fixture
def proxy(daemon, tmp_path):
    (tmp_path / "mappings").mkdir()
    (tmp_path / "__files").mkdir()
    (tmp_path / "__files" / "model.json").write_text('{"id": "from a file"}')
    file = tmp_path / "mappings" / "all.json"
    file.write_text(json.dumps({"mappings": STUBS}))
    return daemon("--cassette", str(file), "--mode", "none")


def said(found):
    assert found[1]["Cache-Status"].startswith("llmproxy; hit"), found
    return json.loads(found[2])["choices"][0]["message"]["content"]


def test_the_narrower_stub_answers_first_and_others_get_the_wider(proxy):
    assert [said(proxy.chat(text)) for text in ("hi", "what?", "hi")] == ["hello", "anything", "hello"]


def test_a_stub_answers_a_stream_too(proxy):
    status, headers, body = proxy.chat("hi", stream=True)
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")
    assert b'"content":"hello"' in body.replace(b" ", b"")


def test_errors_and_files(proxy):
    body = json.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}).encode()
    found = proxy.request("POST", "/v1/messages", body, JSON)
    assert (found[0], json.loads(found[2])) == (429, {"type": "error"})
    assert json.loads(proxy.request("GET", "/v1/models/m-1", b"", {})[2]) == {"id": "from a file"}


def test_what_no_stub_answers_is_a_miss(proxy):
    assert proxy.request("POST", f"{CHAT}?a=b", b"{}", JSON)[0] == 424
    assert proxy.request("GET", "/v1/models/m-1/more", b"", {})[0] == 424
