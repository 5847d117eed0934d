"""Files of recordings in every format that is read, each with secrets in it. Made up; for tests of what is written.

`FILES` gives by a format's name the file's name and its octets; `SECRETS` are what must be nowhere behind an import.
"""

import gzip
import json

import yaml

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.writers import writer_named
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

SECRETS = {
    "key": "sk-proj-Xw81TzqPl0aVnM4rYc7JdKe92HsUbGfq7RtN5",
    "bearer": "Qz83nVtLkWm02RyXcB7pHsJd5aGfUeq1",
    "cookie": "c8Yt1PzLwQ5nVm3RkXbD7sHjG2fUaE9q",
    "set cookie": "Tn4Wq8ZrLp1XyVc6MbKd3HsJg7FuAe2Q",
    "query": "Jk5Rt9WmQz2XnLc7VbPy4HsDg1FuTe8A",
    "member": "Mv6Bx3NqLz8KwPc1RtYj5HdSg9FuGe4T",
    "said": "sk-ant-api03-Lp9Wq2ZxTn5VyRc8MbKd1HsJg4FuAe7QzXw3",
}
ASKED = {
    "model": "gpt-4o-mini",
    "api_key": SECRETS["member"],
    "messages": [{"role": "user", "content": f"my key is {SECRETS['key']}, is it good?"}],
}
MESSAGE = {"role": "assistant", "content": f"take this one: {SECRETS['said']} instead"}
SAID = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
}
CHUNK = {
    "id": "c",
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "delta": MESSAGE, "finish_reason": "stop"}],
}
TARGET = f"/v1/chat/completions?key={SECRETS['query']}"
URL = f"https://api.openai.com{TARGET}"
SENT = {
    "Content-Type": "application/json",
    "Authorization": f"Bearer {SECRETS['bearer']}",
    "Cookie": f"session={SECRETS['cookie']}",
}
GOT = {"Content-Type": "application/json", "Set-Cookie": f"session={SECRETS['set cookie']}; Secure"}


def _fields(given):
    return Headers([(name.encode(), value.encode()) for name, value in given.items()])


def _lists(given):
    return {name: [value] for name, value in given.items()}


def _json(value):
    return json.dumps(value).encode()


def _yaml(value):
    return yaml.safe_dump(value).encode()


def unsafe():
    """As it would be if nothing had been replaced."""
    return Recording(
        1,
        Request(b"POST", TARGET.encode(), _fields(SENT), Bytes(_json(ASKED))),
        Response(ResponseHead(200, b"OK", _fields(GOT)), Bytes(_json(SAID))),
        parse_upstream("openai=https://api.openai.com"),
        Ending.COMPLETE,
        Outcome.LIVE,
        1_800_000_000.0,
        status=200,
        replayable=True,
    )


def _written(name):
    """By our own writer, which is given what is not safe."""
    writer = writer_named(name)
    return writer.head + writer.entry(unsafe()).text + writer.tail


def _httprr():
    sent = "".join(f"{name}: {value}\r\n" for name, value in SENT.items())
    got = "".join(f"{name}: {value}\r\n" for name, value in GOT.items())
    asked = f"POST {URL} HTTP/1.1\r\nHost: api.openai.com\r\n{sent}\r\n".encode() + _json(ASKED)
    said = f"HTTP/1.1 200 OK\r\n{got}\r\n".encode() + _json(SAID)
    return b"httprr trace v1\n%d %d\n" % (len(asked), len(said)) + asked + said


def _entry(**changes):
    request = {"method": "POST", "uri": URL, "headers": _lists(SENT), "body": json.dumps(ASKED)}
    response = {
        "status": {"code": 200, "message": "OK"},
        "headers": _lists(GOT),
        "body": {"string": json.dumps(SAID)},
    }
    return {"request": request | changes.get("request", {}), "response": response | changes.get("response", {})}


def _ruby():
    bodies = [{"encoding": "UTF-8", "string": json.dumps(each)} for each in (ASKED, SAID)]
    one = _entry(request={"body": bodies[0], "method": "post"}, response={"body": bodies[1]})
    return _yaml(
        {"http_interactions": [one | {"recorded_at": "Tue, 14 Nov 2023 21:48:25 GMT"}], "recorded_with": "VCR 6.2.0"}
    )


def _r():
    sent = {"body": {"string": json.dumps(ASKED)}, "headers": SENT}
    got = {"status": 200, "headers": GOT, "body": {"string": json.dumps(SAID)}}
    one = _entry(request=sent, response=got) | {"recorded_at": "2026-08-02 17:43:56"}
    return _yaml({"http_interactions": [one], "recorded_with": "VCR-vcr/2.0.0"})


def _go():
    sent = {"id": 0, "url": URL, "method": "POST", "headers": _lists(SENT), "body": json.dumps(ASKED)}
    got = {"status": "200 OK", "code": 200, "headers": _lists(GOT), "body": json.dumps(SAID), "duration": "1s"}
    return _yaml({"version": 2, "interactions": [{"id": 0, "request": sent, "response": got}]})


def _frames():
    """pydantic-ai: an exchange of HTTP among frames of a WebSocket."""
    frame = {"kind": "message", "direction": "sent", "data": json.dumps({"key": SECRETS["key"]})}
    return _yaml({"interactions": [frame, _entry()], "version": 1})


def _datadog():
    request = {"method": "POST", "url": URL, "headers": SENT, "body": json.dumps(ASKED)}
    return _json({"request": request, "response": {"status": {"code": 200}, "headers": GOT, "body": json.dumps(SAID)}})


def _wiremock():
    stub = {
        "method": "POST",
        "urlPath": "/v1/chat/completions",
        "queryParameters": {"key": {"equalTo": SECRETS["query"]}},
    }
    stub["bodyPatterns"] = [{"equalToJson": json.dumps(ASKED), "ignoreExtraElements": True}]
    return _json({"request": stub, "response": {"status": 200, "headers": GOT, "body": json.dumps(SAID)}})


def _markdown():
    return f"### user\n\nmy key is {SECRETS['key']}\n\n### assistant\n\ntake {SECRETS['said']}\n".encode()


def _aimock():
    match = {"userMessage": f"my key is {SECRETS['key']}"}
    return _json({"fixtures": [{"match": match, "response": {"content": MESSAGE["content"]}}]})


FILES = {
    "llmproxy": ("ours.yaml", lambda: _written("llmproxy")),
    "promptecho": ("promptecho.yaml", lambda: _written("promptecho")),
    "asgi-replay": ("asgi.json", lambda: _written("asgi-replay")),
    "har": ("a.har", lambda: _written("har")),
    "mitmproxy": ("a.flow", lambda: _written("mitmproxy")),
    "httprr": ("a.httprr", _httprr),
    "wiremock": ("stub.json", _wiremock),
    "dd-test-agent-json": ("agent.json", _datadog),
    "pydantic": ("frames.yaml", _frames),
    "go-vcr": ("go.yaml", _go),
    "vcrpy": ("vcr.yaml", lambda: _yaml({"interactions": [_entry()], "version": 1})),
    "vcr-r": ("r.yml", _r),
    "vcr-ruby": ("ruby.yml", _ruby),
    "parallel-lists": (
        "lists.yaml.gz",
        lambda: gzip.compress(_yaml({"requests": [_entry()["request"]], "responses": [_entry()["response"]]})),
    ),
    "markdown": ("talk.md", _markdown),
    "aimock": ("fixtures.json", _aimock),
    "raw-sse": ("stream.sse", lambda: b"data: " + _json(CHUNK) + b"\n\ndata: [DONE]\n\n"),
    "sse-data-lines-txt": ("stream.txt", lambda: _json(CHUNK) + b"\n" + _json(CHUNK | {"id": "d"}) + b"\n"),
}
