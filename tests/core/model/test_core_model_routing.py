import orjson
import pytest

from proxy_daemon.core.messages import Request
from proxy_daemon.core.model import answer

CHAT = "/v1/chat/completions"
HELLO = {"model": "demo-1", "messages": [{"role": "user", "content": "hello"}], "input": "hello", "max_tokens": 9}
ANTHROPIC = ((b"anthropic-version", b"2023-06-01"),)
ENDPOINTS = [
    "chat/completions",
    "responses",
    "embeddings",
    "messages",
    "messages/count_tokens",
    "responses/input_tokens",
]


@pytest.mark.parametrize("path", ["/v1/%s", "/%s", "/v1/%s/", "/a/b/v1/%s", "/%s?beta=true"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_paths_count_by_their_end(document, path, endpoint):
    document(path % endpoint, HELLO)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/v1",
        "/v1/responses/compact",
        "/v1/images/generations",
        "/v1/threads/t/messages",
        CHAT + "/x",
        "/%ff/\xff",
    ],
)
def test_unknown_paths(document, path):
    assert document(path, HELLO, status=404)["error"]["code"] == "unknown_url"


@pytest.mark.parametrize("operation", ["generateAnswer", "computeTokens", "predict", "batchGenerateContent"])
def test_operations_of_googles_that_nobody_writes(document, operation):
    assert document("/v1beta/models/m:" + operation, HELLO, status=404)["error"]["status"] == "NOT_FOUND"


def test_unknown_paths_in_anthropics_shape(document):
    whole = document("/v1/nothing", HELLO, status=404, headers=ANTHROPIC)
    assert whole["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_other_methods(post, endpoint):
    script = post("/v1/" + endpoint, method=b"GET")
    assert script.head.status == 405
    assert script.head.headers.get(b"allow") == b"POST"


NAMES = ["demo-1", "demo-fast", "demo-slow", "demo-embedding"]


@pytest.mark.parametrize("headers", [(), ANTHROPIC])
def test_models(document, headers):
    whole = document("/v1/models", method=b"GET", headers=headers)
    assert [entry["id"] for entry in whole["data"]] == NAMES
    assert document("/v1/models/demo-1", method=b"GET", headers=headers) == whole["data"][0]
    document("/v1/models/nothing", method=b"GET", status=404, headers=headers)


def test_a_posted_model_list_is_unknown(document):
    document("/v1/models", HELLO, status=404)


def test_head_has_no_body(post):
    script = post("/v1/models", method=b"HEAD")
    assert script.head.status == 200
    assert b"".join(octets for _, octets in script.pieces) == b""


@pytest.mark.parametrize(
    ("model", "path", "status", "kind"),
    [
        ("demo-429", CHAT, 429, "requests"),
        ("demo-500", CHAT, 500, "server_error"),
        ("demo-overloaded", CHAT, 503, "server_error"),
        ("demo-429", "/v1/messages", 429, "rate_limit_error"),
        ("demo-500", "/v1/messages", 500, "api_error"),
        ("demo-overloaded", "/v1/messages", 529, "overloaded_error"),
    ],
)
def test_errors_that_a_models_name_asks_for(post, model, path, status, kind):
    script = post(path, {**HELLO, "model": model})
    assert script.head.status == status
    assert orjson.loads(script.pieces[0][1])["error"]["type"] == kind
    assert (b"retry-after" in script.head.headers) == (status == 429)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"\\ud800"', b"\xff", b"[" * 5000, b"NaN"])
def test_bodies_that_are_no_object(document, endpoint, data):
    assert "JSON object" in document("/v1/" + endpoint, data, status=400)["error"]["message"]


class TooLarge:
    size = 10**9

    def whole(self):
        return None


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "invalid_request_error"), ("/v1/messages", "request_too_large")])
def test_a_body_that_is_too_large(path, kind):
    script = answer(Request(b"POST", path.encode(), body=TooLarge()))
    assert script.head.status == 413
    assert orjson.loads(script.pieces[0][1])["error"]["type"] == kind


@pytest.mark.parametrize("depth", [200, 240, 250, 500])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_deep_bodies(post, endpoint, depth):
    deep = b"[" * depth + b"]" * depth
    data = orjson.dumps({**HELLO, "stream": True})[:-1] + b',"tools":' + deep + b',"metadata":{"a":' + deep + b"}}"
    assert post("/v1/" + endpoint, data).head.status in (200, 400)


@pytest.mark.parametrize(("depth", "status"), [(200, 200), (250, 400)])
def test_metadata_is_echoed_as_deep_as_it_can_be(post, depth, status):
    data = orjson.dumps(HELLO)[:-1] + b',"metadata":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    assert post("/v1/responses", data).head.status == status


def delays(script):
    return [delay for delay, _ in script.pieces]


def test_pace(post):
    request = {**HELLO, "messages": [{"role": "user", "content": "count to 100"}], "stream": True, "max_tokens": None}
    first, *rest = delays(post(CHAT, request))
    assert first == 0.25
    spoken = [delay for delay in rest if delay]
    assert len(spoken) == 200
    assert len(set(spoken)) > 10
    assert 0.03 < sum(spoken) / len(spoken) < 0.05
    assert set(delays(post(CHAT, {**request, "model": "demo-fast"}))) == {0}
    assert delays(post(CHAT, {**request, "model": "demo-slow"}))[0] == 1


def test_several_choices_are_said_at_once(post):
    def said(count):
        body = {**HELLO, "messages": [{"role": "user", "content": "count to 9"}], "stream": True, "max_tokens": None}
        return sum(delay > 0 for delay in delays(post(CHAT, {**body, "n": count})))

    assert said(1) == said(3) == 1 + 18


@pytest.mark.parametrize(("model", "delay"), [("demo-1", 0.3), ("demo-fast", 0), ("anything", 0.3)])
def test_pace_of_a_whole_answer(post, model, delay):
    assert delays(post(CHAT, {**HELLO, "model": model})) == [delay]


def test_heads(post):
    head = post(CHAT, HELLO).head
    assert head.reason == b"OK"
    assert head.headers.get(b"content-type") == b"application/json"
    assert head.headers.get(b"x-request-id").startswith(b"req_")
    assert head.headers.get(b"openai-processing-ms").isdigit()
    head = post("/v1/messages", {**HELLO, "stream": True}).head
    assert head.headers.get(b"content-type") == b"text/event-stream; charset=utf-8"
    assert head.headers.get(b"request-id").startswith(b"req_")
    for name in (b"content-length", b"transfer-encoding"):
        assert name not in head.headers


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_equal_requests_get_equal_answers_and_others_get_other_ids(post, endpoint, stream):
    request = {**HELLO, "stream": stream}
    assert post("/" + endpoint, request) == post("/v1/" + endpoint, request)
    first, second = post("/" + endpoint, request), post("/" + endpoint, {**request, "user": "me"})
    assert first.head.headers != second.head.headers
