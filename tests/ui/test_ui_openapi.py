"""The description of the API: it names each page that there is and no other, and what is answered is as it says."""

import json

import pytest
from jsonschema import Draft202012Validator
from rig import Daemons
from ui_parts import services

from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.plugins import built_in
from proxy_daemon.settings import Settings
from proxy_daemon.ui.files import Files
from proxy_daemon.ui.openapi import description
from proxy_daemon.ui.pages import Pages
from proxy_daemon.ui.schemas import SCHEMAS

METHODS = {"get", "put", "delete"}
LIST = "/_llmproxy/api/exchanges"


def pages():
    """All that is built in, by path."""
    found = Pages().llmproxy_resources(Settings(), services())
    for _, plugin in built_in():
        given = getattr(plugin, "llmproxy_resources", None)
        found |= given() if given else {}
    return {path: page for path, page in found.items() if path not in Files().pages()}


def methods(page):
    """What a page answers; resources of their own are read only."""
    return {name.lower() for name in page.answers} if isinstance(page, JsonPage) else {"get"}


# --- what is described -----------------------------------------------------------------------------------------------


def test_each_page_is_described_and_each_that_is_described_is_there():
    there = {f"/{path}": methods(page) for path, page in pages().items()}
    said = {path: set(operations) for path, operations in description()["paths"].items()}
    assert said == there


def test_what_takes_a_body_says_so():
    paths = description()["paths"]
    said = {(path, method) for path in paths for method in paths[path] if "requestBody" in paths[path][method]}
    there = {(f"/{path}", "put") for path, page in pages().items() if getattr(page, "takes_body", False)}
    assert said == there


def operations():
    for path, found in description()["paths"].items():
        yield from (pytest.param(path, method, found[method], id=f"{method} {path}") for method in found)


@pytest.mark.parametrize(("path", "method", "operation"), list(operations()))
def test_an_operation_is_whole(path, method, operation):
    named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
    assert named == {each.strip("{}") for each in path.split("/") if each.startswith("{")}
    assert all(each["required"] for each in operation.get("parameters", []) if each["in"] == "path")
    assert operation["summary"]
    assert ("security" in operation) is (method != "get")
    assert set(operation["responses"]) == {"200", "default"}
    Draft202012Validator.check_schema({"allOf": [each["schema"] for each in operation.get("parameters", [])] or [{}]})


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_and_refers_to_what_is_there(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    texts = json.dumps(SCHEMAS[name]).split('"#/components/schemas/')[1:]
    assert {text.partition('"')[0] for text in texts} <= set(SCHEMAS)


def test_all_that_is_said_can_be_written_as_json():
    said = json.loads(json.dumps(description()))
    assert (said["openapi"], said["servers"]) == ("3.1.0", [{"url": "/_llmproxy"}])
    used = set(json.dumps(said["paths"]).split('"#/components/schemas/')[1:])
    assert used


# --- what is answered ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A daemon with a miss, a hit, a stream, a failure and a secret."""
    daemons = Daemons(tmp_path_factory.mktemp("openapi"))
    daemon = daemons.start("--upstream", "demo:")
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for more in ({}, {}, {"stream": True}, {"tools": [tool]}):
        assert daemon.chat("one", **more)[0] == 200
    daemon.chat("two", path="/v1/nothing?key=hush", headers={"Authorization": "Bearer hush"})
    daemon.request("POST", "/v1/chat/completions", b"no json")
    daemon.settle()
    yield daemon
    daemons.stop()


def held(status, path, method, value):
    """Raises where the answer is not as the description has it."""
    responses = description()["paths"][path][method]["responses"]
    content = responses["200" if status == 200 else "default"]["content"]["application/json"]
    schema = {"$ref": content["schema"]["$ref"], "components": {"schemas": SCHEMAS}}
    Draft202012Validator(schema).validate(value)


ASKED = [
    ("/health", ""),
    ("/api/stats", ""),
    ("/api/token", ""),
    ("/api/openapi.json", ""),
    ("/api/verdict", ""),
    ("/api/cassettes", ""),
    ("/api/mode", ""),
    ("/api/exchanges", ""),
    ("/api/exchanges", "?limit=2"),
    ("/api/exchanges", "?q=one"),
    ("/api/exchanges", "?q=(~u"),
    ("/api/exchanges", "?limit=x"),
]
VIEWS = [
    *("", "/chat", "/request", "/response", "/delivered", "/stream", "/diff", "/copy", "/answer"),
    *("/request?form=raw", "/response?form=hex&limit=100", "/stream?limit=1", "/request?form=x", "/diff?with=x"),
    *("/diff?with=previous", "/diff?with=ID&all=1", "/copy?as=python", "/copy?as=javascript", "/media/0", "/media/x"),
]


@pytest.mark.parametrize(("path", "query"), ASKED, ids="".join)
def test_an_answer_is_as_described(proxy, path, query):
    status, headers, body = proxy.request("GET", f"/_llmproxy{path}{query}")
    assert headers["Content-Type"] == "application/json"
    assert status in (200, 400)
    held(status, path, "get", json.loads(body))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_as_described_for_each_exchange(proxy, view):
    path = "/api/exchanges/{id}" + view.partition("?")[0]
    for each in proxy.exchanges():
        status, headers, body = proxy.request("GET", f"{LIST}/{each['id']}{view.replace('ID', each['id'])}")
        assert status in (200, 400, 404, 409), body
        assert headers["Content-Type"] == "application/json"
        held(status, "/api/exchanges/{id}" if "media" in view else path, "get", json.loads(body))


def test_told_is_as_described(proxy):
    ids = ",".join(each["id"] for each in proxy.exchanges())
    status, _, body = proxy.request("GET", f"/_llmproxy/api/told?ids={ids}")
    held(status, "/api/told", "get", json.loads(body))
    assert status == 200


def test_what_is_changed_is_as_described(proxy):
    first, second = [each["id"] for each in proxy.exchanges() if each["replayable"]][:2]
    asked = [
        ("PUT", "/api/exchanges/{id}/remark", first, {"mark": "x", "comment": "why"}),
        ("PUT", "/api/exchanges/{id}/remark", first, {"mark": 7}),
        ("PUT", "/api/exchanges/{id}/answer", second, {"text": "edited"}),
        ("PUT", "/api/exchanges/{id}/cassette?name=x", first, None),
        ("DELETE", "/api/exchanges/{id}", first, None),
        ("DELETE", "/api/exchanges/{id}", first, None),
        ("PUT", "/api/mode", "", {"mode": "off"}),
        ("PUT", "/api/mode", "", {"mode": "nonsense"}),
        ("DELETE", "/api/verdict", "", None),
    ]
    statuses = []
    for method, path, number, body in asked:
        status, _, said = proxy.change(method, f"/_llmproxy{path.replace('{id}', number)}", body)
        held(status, path.partition("?")[0], method.lower(), json.loads(said))
        statuses.append(status)
    assert statuses == [200, 400, 200, 400, 200, 404, 200, 400, 200]


def test_the_check_of_an_answer_can_fail():
    with pytest.raises(Exception, match="required property"):
        held(200, "/api/mode", "get", {"mode": "x"})
