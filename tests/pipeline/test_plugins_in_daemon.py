"""Plugins in a real daemon: a start that a plugin stops, faults in traffic, the trace of hook calls, blocking."""

import json
import subprocess
import sys

import pytest
from rig import LIMIT, answering, json_answer

GOOD = json_answer({"ok": True})
HEAD = "from proxy_daemon.hookspecs import deadline, hookimpl\nfrom twisted.internet.defer import Deferred\n"
TRAFFIC = """
@hookimpl
def llmproxy_request(exchange):
    if b"x-raise" in exchange.request.headers:
        raise KeyError("boom")

@hookimpl
@deadline(0.2)
async def llmproxy_route(exchange):
    if b"x-hang" in exchange.request.headers:
        await Deferred()

@hookimpl
def llmproxy_response_head(exchange, head):
    return "text" if b"x-wrong" in exchange.request.headers else None

class Breaks:
    def piece(self, data):
        raise ValueError("no such piece")
    def end(self):
        return b""

@hookimpl
def llmproxy_transform(exchange):
    return Breaks() if b"x-break" in exchange.request.headers else None

@hookimpl
def llmproxy_observe(exchange):
    return Breaks()

@hookimpl
def llmproxy_log(exchange, event):
    raise ValueError("no line")
"""


@pytest.fixture
def plugin(tmp_path):
    """`plugin(code)` writes a plugin's file; its path."""

    def write(code, name="bad"):
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD + code)
        return str(path)

    return write


def start_fails(tmp_path, *options):
    """What a daemon says that does not start."""
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", "tcp:0:interface=127.0.0.1"]
    command += ["--store", str(tmp_path / "s.db"), "--log", "off", *options]
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert b"listening" not in done.stderr
    return [line for line in done.stderr.decode().splitlines() if line.startswith("llmproxy: ")]


START = {"llmproxy_configure": "settings", "llmproxy_dialects": "", "llmproxy_stores": "", "llmproxy_resources": ""}
WAYS = [
    ("raises", "def", "raise ValueError('no such file')", "ValueError: no such file"),
    ("hangs", "@deadline(0.1)\nasync def", "await Deferred()", "no result within its deadline of 0.1 s"),
    ("wrong type", "def", "return 7", "returned int"),
]


# what configure returns is not looked at
STOPPED = [
    pytest.param(hook, *way[1:], id=f"{hook} {way[0]}")
    for hook in START
    for way in WAYS
    if (hook, way[0]) != ("llmproxy_configure", "wrong type")
]


@pytest.mark.parametrize(("hook", "kind", "body", "words"), STOPPED)
def test_a_plugin_stops_the_start(tmp_path, plugin, hook, kind, body, words):
    path = plugin(f"@hookimpl\n{kind} {hook}({START[hook]}):\n    {body}\n")
    lines = start_fails(tmp_path, "--plugin", path)
    assert len(lines) == 1
    assert f"'bad' failed in {hook}: " in lines[0]
    assert words in lines[0]


NOT_LOADED = [
    ("no such file", None, "cannot be loaded"),
    ("a fault in it", "1 / 0", "ZeroDivisionError"),
    ("no Python", "def def", "SyntaxError"),
    ("a misspelt hook", "@hookimpl\ndef llmproxy_reqest(exchange): pass", "llmproxy_reqest"),
    ("an unknown argument", "@hookimpl\ndef llmproxy_request(request): pass", "request"),
    ("a wrapper", "@hookimpl(wrapper=True)\ndef llmproxy_request(exchange):\n    yield", "wrapper"),
]


@pytest.mark.parametrize(("code", "words"), [case[1:] for case in NOT_LOADED], ids=[case[0] for case in NOT_LOADED])
def test_what_cannot_be_loaded_stops_the_start(tmp_path, plugin, code, words):
    path = str(tmp_path / "bad.py") if code is None else plugin(code)
    lines = start_fails(tmp_path, "--plugin", path)
    assert len(lines) == 1
    assert "bad" in lines[0]
    assert words in lines[0]


def test_faults_in_traffic(daemon, upstream, plugin):
    server = upstream(answering(GOOD))
    proxy = daemon("--upstream", server.url, "--plugin", plugin(TRAFFIC))
    for field, hook in [
        ("x-raise", "llmproxy_request"),
        ("x-hang", "llmproxy_route"),
        ("x-wrong", "llmproxy_response_head"),
    ]:
        status, _, body = proxy.chat(headers={field: "1"})
        assert status == 502
        assert f"The plugin 'bad' failed in {hook}: " in json.loads(body)["error"]["message"]
    assert len(server.requests) == 1  # what could not be routed went nowhere
    status, _, body = proxy.chat("another")
    assert (status, json.loads(body)) == (200, {"ok": True})
    assert proxy.get("/_llmproxy/api/stats")["plugin_faults"]["bad"] > 4
    assert [line["replayable"] for line in proxy.exchanges()] == [True, False, False, False]
    assert any(b"plugin bad failed in llmproxy_request" in line for line in proxy.said)


def test_a_broken_transform_breaks_the_response(daemon, upstream, plugin):
    proxy = daemon("--upstream", upstream(answering(GOOD)).url, "--plugin", plugin(TRAFFIC))
    client = proxy.connect()
    client.send(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Break: 1\r\n\r\n")
    answer = client.rest()
    assert b"X-LLMProxy-Body: edited\r\n" in answer
    assert b"ok" not in answer.partition(b"\r\n\r\n")[2]
    assert not answer.endswith(b"0\r\n\r\n")
    assert proxy.exchanges()[0]["status"] == 200


@pytest.mark.parametrize(("value", "printed"), [("1", True), ("0", False), ("", False)])
def test_the_switch_prints_each_hook_call(daemon, upstream, plugin, value, printed):
    path = plugin("@hookimpl\ndef llmproxy_request(exchange): pass\n", "mine")
    server = upstream(answering(GOOD))
    proxy = daemon("--upstream", server.url, "--plugin", path, env={"LLMPROXY_TRACE_HOOKS": value})
    proxy.chat("very private", headers={"Authorization": "Bearer sk-1"})
    proxy.stop()
    proxy.reader.join(LIMIT)
    said = b"".join(proxy.said)
    assert b"sk-1" not in said
    assert b"very private" not in said
    for call in (b"llmproxy_configure [replay]", b"llmproxy_request [mine]", b"llmproxy_lookup [replay]"):
        assert (call in said) is printed


class TestBlocking:
    def test_a_blocked_built_in_does_nothing(self, daemon, upstream):
        server = upstream(answering(GOOD))
        proxy = daemon("--upstream", server.url, "--block-plugin", "replay", "--block-plugin", "request-log")
        assert [proxy.chat()[1]["Cache-Status"] for _ in range(2)] == ["llmproxy; fwd=miss"] * 2
        proxy.settle()
        assert not (proxy.store.parent / "requests.log").exists()

    def test_a_blocked_plugin_of_a_third_party(self, daemon, upstream, plugin):
        path = plugin(TRAFFIC)
        proxy = daemon("--upstream", upstream(answering(GOOD)).url, "--plugin", path, "--block-plugin", "bad")
        assert proxy.chat(headers={"x-raise": "1"})[0] == 200
