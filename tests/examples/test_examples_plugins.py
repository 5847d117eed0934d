"""The plugins of examples/: each does what its docstring says, in the kit and together in one real daemon."""

import importlib.util
import json
from pathlib import Path

import pytest
from rig import SSE_HEAD, answering, chunk, json_answer

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.script import Script
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.testing import Kit, script

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hi"}]


def example(name):
    """A fresh module of that example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def events(*pieces):
    """An upstream that answers with these pieces of a stream."""
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
    return lambda request: Script(head, tuple((0.01, piece) for piece in pieces))


# --- count_events ----------------------------------------------------------------------------------------------------

CUTS = [
    ([b"data: 1\n\n", b"data: 2\n\n"], 2),
    ([b"data: 1\n\ndata: 2\n\n"], 2),
    ([b"data: 1\n", b"\ndata: 2\n", b"\n"], 2),
    ([b"data: 1\n\n", b"data: 2"], 1),
]


@pytest.mark.parametrize(("pieces", "count"), CUTS)
def test_count_events_counts_what_the_client_gets(capsys, pieces, count):
    kit = Kit(example("count_events"), answer=events(*pieces))
    result = kit.send(CHAT, {"model": "demo-1", "messages": MESSAGES, "stream": True})
    assert result.body == b"".join(pieces)
    assert capsys.readouterr().out.startswith(f"demo-1: {count} events, begun after ")


def test_count_events_is_silent_without_a_stream(capsys):
    kit = Kit(example("count_events"))
    assert kit.send(CHAT, {"model": "demo-1", "messages": MESSAGES}).whole
    assert capsys.readouterr().out == ""
    assert not kit.hooks.faults


# --- model_alias -----------------------------------------------------------------------------------------------------

BODIES = [
    (b'{"model":"small", "n": 1.0}', b'{"model":"gpt-4o-mini", "n": 1.0}'),
    (b'{ "model" : "large"}', b'{ "model" : "gpt-4o"}'),
    (b'{"model":"smaller"}', b'{"model":"smaller"}'),
    (b'{"model":"demo-1","messages":["small"]}', b'{"model":"demo-1","messages":["small"]}'),
    (b'{"model":"demo-1","tool":{"model":"small"}}', b'{"model":"demo-1","tool":{"model":"small"}}'),
    (b'{"tool":{"model":"small"},"model":"small"}', b'{"tool":{"model":"small"},"model":"gpt-4o-mini"}'),
    (b'{"model":["small"]}', b'{"model":["small"]}'),
    (b"not JSON", b"not JSON"),
]


@pytest.mark.parametrize(("sent", "forwarded"), BODIES)
def test_model_alias_changes_the_name_and_nothing_else(sent, forwarded):
    kit = Kit(example("model_alias"), answer=lambda request: script("{}"))
    kit.send(CHAT, sent, headers={"Content-Type": "application/json"})
    assert [request.body.whole() for _, request in kit.sent] == [forwarded]
    assert not kit.hooks.faults


def test_model_alias_comes_before_the_fingerprint():
    kit = Kit(example("model_alias"))
    first = kit.send(CHAT, {"model": "small", "messages": MESSAGES})
    second = kit.send(CHAT, {"model": "gpt-4o-mini", "messages": MESSAGES})
    assert second.body == first.body
    assert len(kit.sent) == 1


# --- stay_local ------------------------------------------------------------------------------------------------------

UPSTREAMS = (parse_upstream("https://cloud.example/v1"), parse_upstream("local=http://127.0.0.1:11434/v1"))


@pytest.mark.parametrize(
    ("model", "name"),
    [("local-llama", "local"), ("gpt-4o", "default"), ("my-local-", "default"), ("localllama", "default")],
)
def test_stay_local_routes_by_the_models_name(model, name):
    kit = Kit(example("stay_local"), answer=lambda request: script("{}"), upstream=UPSTREAMS)
    kit.send(CHAT, {"model": model, "messages": MESSAGES})
    assert [upstream.name for upstream, _ in kit.sent] == [name]


def test_stay_local_wants_an_upstream_called_local():
    with pytest.raises(StartError, match=r"stay_local.*add --upstream local=URL"):
        Kit(example("stay_local"))


def test_stay_local_fails_closed():
    module = example("stay_local")
    kit = Kit(module, upstream=UPSTREAMS)
    module.LOCAL.clear()
    assert kit.send(CHAT, {"model": "local-llama", "messages": MESSAGES}).status == 502
    assert kit.sent == []


# --- all three in one daemon -----------------------------------------------------------------------------------------


def answer_json_or_events(peer):
    while (request := peer.request())[0]:
        if json.loads(request[1]).get("stream"):
            peer.send(SSE_HEAD + chunk(b"data: 1\n\n") + chunk(b"data: [DONE]\n\n") + chunk(b""))
        else:
            peer.send(json_answer({"from": "local"}))


def test_in_a_daemon(daemon, upstream):
    cloud, local = upstream(answering(json_answer({"from": "cloud"}))), upstream(answer_json_or_events)
    plugins = [word for path in sorted(EXAMPLES.glob("*.py")) for word in ("--plugin", str(path))]
    proxy = daemon("--upstream", cloud.url, "--upstream", f"local={local.url}", *plugins)
    assert json.loads(proxy.chat(model="large")[2]) == {"from": "cloud"}
    assert [json.loads(body)["model"] for _, body in cloud.requests] == ["gpt-4o"]
    assert json.loads(proxy.chat(model="local-llama")[2]) == {"from": "local"}
    assert proxy.chat(model="local-llama", stream=True)[2] == b"data: 1\n\ndata: [DONE]\n\n"
    assert len(cloud.requests) == 1
    assert proxy.get("/_llmproxy/api/stats")["plugin_faults"] == {}
