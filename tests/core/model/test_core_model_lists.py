"""The models that the built-in model names, as each API lists them, and what Ollama tells of itself."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.model import answer
from proxy_daemon.core.model.catalogue import MODELS

ANTHROPIC = ((b"anthropic-version", b"2023-06-01"),)
GOOGLE = ((b"x-goog-api-key", b"k"),)
NAMES = ["demo-1", "demo-fast", "demo-slow", "demo-embedding"]


@pytest.mark.parametrize("path", ["/v1beta/models", "/v1beta/models?pageSize=2&key=k", "/v1beta/models/", "/v1/models"])
def test_google_lists_models(document, path):
    whole = document(path, method=b"GET", headers=GOOGLE)
    assert [each["name"] for each in whole["models"]] == [f"models/{name}" for name in NAMES]
    assert [each["displayName"] for each in whole["models"]] == list(MODELS.values())
    for each in whole["models"]:
        assert each["supportedGenerationMethods"]
        assert each["inputTokenLimit"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_google_shows_a_model_that_can_be_called(document, post, name):
    shown = document(f"/v1beta/models/{name}", method=b"GET")
    assert shown in document("/v1beta/models", method=b"GET")["models"]
    for method in shown["supportedGenerationMethods"]:
        parts = {"parts": [{"text": "Hello"}]}
        body = {"content": parts} if method == "embedContent" else {"contents": [{"role": "user", **parts}]}
        assert post(f"/v1beta/{shown['name']}:{method}", body).head.status == 200


def test_google_knows_no_other(document):
    error = document("/v1beta/models/gemini", method=b"GET", status=404)["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")


def test_anthropic_lists_models(document):
    whole = document("/v1/models?limit=2", method=b"GET", headers=ANTHROPIC)
    assert [each["id"] for each in whole["data"]] == NAMES
    assert {each["type"] for each in whole["data"]} == {"model"}
    assert (whole["has_more"], whole["first_id"], whole["last_id"]) == (False, NAMES[0], NAMES[-1])
    assert document("/v1/models/none", method=b"GET", headers=ANTHROPIC, status=404)["type"] == "error"


def test_ollama_lists_models(document):
    found = document("/api/tags", method=b"GET")["models"]
    assert [each["name"] for each in found] == [each["model"] for each in found] == NAMES
    assert len({each["digest"] for each in found}) == len(NAMES)
    assert all(len(each["digest"]) == 64 and each["modified_at"] and each["details"] for each in found)


def test_ollama_has_none_in_memory(document):
    assert document("/api/ps", method=b"GET") == {"models": []}


@pytest.mark.parametrize("path", ["/api/version", "/api/version/", "/a/api/version"])
def test_ollama_tells_its_version(document, path):
    assert [part.isdigit() for part in document(path, method=b"GET")["version"].split(".")] == [True] * 3


@pytest.mark.parametrize(
    ("body", "skills"),
    [
        ({"model": "demo-1"}, ["completion", "tools"]),
        ({"model": "demo-fast:latest", "verbose": True}, ["completion", "tools"]),
        ({"name": "demo-slow"}, ["completion", "tools"]),
        ({"model": "demo-embedding"}, ["embedding"]),
    ],
)
def test_ollama_shows_a_model(document, body, skills):
    shown = document("/api/show", body)
    assert shown["capabilities"] == skills
    assert shown["model_info"]["general.basename"] in NAMES
    assert shown.keys() >= {"license", "modelfile", "parameters", "template", "details", "modified_at"}


@pytest.mark.parametrize(
    ("path", "body", "method", "status"),
    [
        ("/api/show", {"model": "llama"}, b"POST", 404),
        ("/api/show", {"model": "demo-1:7b"}, b"POST", 404),
        ("/api/show", {"model": ""}, b"POST", 400),
        ("/api/show", {"model": 5}, b"POST", 400),
        ("/api/show", {}, b"POST", 400),
        ("/api/show", [], b"POST", 400),
        ("/api/show", b"{", b"POST", 400),
        ("/api/show", b"", b"GET", 405),
        ("/api/tags", {}, b"POST", 404),
        ("/api/version", {}, b"DELETE", 404),
        ("/api/pull", {"model": "demo-1"}, b"POST", 404),
        ("/api/delete", {"model": "demo-1"}, b"DELETE", 404),
        ("/api/blobs/sha256:0", b"", b"HEAD", 404),
    ],
)
def test_ollama_says_no_in_its_own_words(post, path, body, method, status):
    script = post(path, body, method=method)
    octets = b"".join(piece for _, piece in script.pieces)
    assert script.head.status == status
    assert (b"allow" in script.head.headers) == (status == 405)
    assert method == b"HEAD" or isinstance(orjson.loads(octets)["error"], str)


@pytest.mark.parametrize("path", ["/api/tags", "/api/version", "/v1beta/models", "/v1beta/models/demo-1"])
def test_a_head_has_no_body(post, path):
    script = post(path, method=b"HEAD")
    assert (script.head.status, b"".join(piece for _, piece in script.pieces)) == (200, b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["demo-1", "x", "", "\u00fc" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "name"]), inner, max_size=2),
    max_leaves=5,
)


@given(JSON, st.sampled_from(["/api/show", "/api/tags", "/v1beta/models/%ff", "/v1/models/a%2Fb"]))
def test_any_body_is_answered(body, path):
    for method in (b"GET", b"POST"):
        request = Request(method, path.encode(), Headers(), Bytes(orjson.dumps(body)))
        script = answer(request)
        assert script.head.status in (200, 400, 404, 405)
        assert orjson.loads(b"".join(piece for _, piece in script.pieces))
