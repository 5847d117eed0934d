"""From promptecho 0.1.3 and asgi-replay 0.1a0, both real: what they record of the built-in model answers, and back.

promptecho patches httpx, so its clients are of the SDKs that use that. See docs/migrating.md.
"""

import json
import sys
import urllib.request

import pytest
from real_tools import llmproxy, packages, python, served

pytestmark = pytest.mark.more

ECHO = """\
import sys
import httpx
import promptecho

def asked(url, model, **more):
    body = {"model": model, "messages": [{"role": "user", "content": "What is the capital of France?"}]} | more
    return httpx.post(url, json=body, timeout=30).text

with promptecho.use_cassette("echo.yaml", mode=sys.argv[2]):
    print(asked(f"{sys.argv[1]}/v1/chat/completions", "demo-1"))
    print(asked(f"{sys.argv[1]}/v1/chat/completions", "demo-2", stream=True))
    print(asked(f"{sys.argv[1]}/v1/messages", "demo-1", max_tokens=9))
"""
# The same with us: the import and the name change, and where the client asks.
OURS = (
    ECHO.replace("import promptecho", "import proxy_daemon")
    .replace("with promptecho.use_cassette", "with proxy_daemon.use_cassette")
    .replace("mode=sys.argv[2]):", "mode=sys.argv[2]) as echo:")
    .replace("{sys.argv[1]}", "{echo.url}")
)
QUESTION = {"model": "demo-1", "stream": True, "messages": [{"role": "user", "content": "Count to three."}]}


def post(url, **more):
    body = json.dumps(QUESTION | more).encode()
    request = urllib.request.Request(f"{url}/v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as found:
        return found.read()


def texts(said):
    """What stands in the answers, however a tool writes JSON."""
    return [json.loads(each) if each.startswith("{") else each for each in said.splitlines()]


@pytest.fixture
def echo(daemon, tmp_path):
    """(folder with a cassette that promptecho wrote, what was said, the upstream that has gone)"""
    theirs, proxy = packages("predecessors", "promptecho"), daemon("--upstream", "demo:")
    said = python("-c", ECHO, proxy.url, "once", cwd=tmp_path, folder=theirs)
    proxy.stop()
    assert "match_on" in (tmp_path / "echo.yaml").read_text()
    return tmp_path, said, proxy.url


def test_a_cassette_of_promptecho_answers(echo):
    folder, said, _ = echo
    before = (folder / "echo.yaml").read_bytes()
    found = python("-c", OURS, "", "none", cwd=folder, folder=packages("predecessors", "promptecho"))
    assert texts(found) == texts(said)
    assert (folder / "echo.yaml").read_bytes() == before


def test_what_we_record_goes_back_to_promptecho(echo):
    folder, _, url = echo
    theirs = packages("predecessors", "promptecho")
    (folder / "echo.yaml").unlink()
    said = python("-c", OURS, "", "once", cwd=folder, folder=theirs, LLMPROXY_UPSTREAM="demo:")
    llmproxy("export", "--from", "echo.yaml", "--format", "promptecho", "--output", "back.yaml", cwd=folder)
    (folder / "back.yaml").replace(folder / "echo.yaml")
    assert texts(python("-c", ECHO, url, "none", cwd=folder, folder=theirs)) == texts(said)


# --- asgi-replay -----------------------------------------------------------------------------------------------------

TOOL = "import sys; from asgi_replay import asgi_replay; asgi_replay()"
READY = r"running on (http://[0-9.]+:[0-9]+)"


def asgi_replay(what, *words, folder):
    command = [sys.executable, "-c", TOOL, what, *words, "--port", "0"]
    return served(*command, ready=READY, cwd=folder, folder=packages("predecessors", "asgi_replay.py"))


@pytest.fixture
def log(daemon, tmp_path):
    """(a log that asgi-replay wrote of a stream, what was said)"""
    packages("predecessors", "asgi_replay.py")
    with asgi_replay("record", daemon("--upstream", "demo:").url, "log.json", folder=tmp_path) as url:
        said = post(url)
    assert b"[DONE]" in said
    return tmp_path / "log.json", said


def test_a_log_of_asgi_replay_answers_everything(daemon, log):
    proxy = daemon("--cassette", str(log[0]), "--mode", "none")
    assert post(proxy.url) == post(proxy.url, model="other") == log[1]


@pytest.mark.parametrize("way", ["--cassette-format", "export"])
def test_what_we_record_goes_back_to_asgi_replay(daemon, tmp_path, way):
    packages("predecessors", "asgi_replay.py")
    kind = ("--cassette-format", "asgi-replay") if way != "export" else ()
    proxy = daemon("--upstream", "demo:", "--cassette", str(tmp_path / "ours"), *kind)
    said = post(proxy.url)
    proxy.stop()
    if way == "export":
        llmproxy("export", "--from", "ours", "--format", "asgi-replay", "--output", "log", cwd=tmp_path)
        (tmp_path / "log").replace(tmp_path / "ours")
    with asgi_replay("replay", "ours", folder=tmp_path) as url:
        assert post(url, model="other") == said
