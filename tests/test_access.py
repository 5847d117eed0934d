"""Who may ask, with real daemons: tokens from the file to the log line, revoked by a reload; what a start warns of."""

import json
import signal
from hashlib import sha256

import pytest

from proxy_daemon.exposure import exposed
from proxy_daemon.settings import Settings
from proxy_daemon.settings.sources import load
from proxy_daemon.tap import start_lines

AWAY = {"X-Forwarded-For": "10.0.0.7"}  # a reverse proxy on this machine says so
RED, BLUE = "llmp_red-token-of-the-tests", "llmp_blue-token-of-the-tests"
PATH = "/v1/chat/completions"


def table(**tokens):
    lines = [f'{name} = "sha256:{sha256(token.encode()).hexdigest()}"' for name, token in tokens.items()]
    return "\n".join(["[client-tokens]", *lines, ""])


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "llmproxy.toml"
    path.write_text(table(red=RED, blue=BLUE))
    return path


def log_lines(daemon, tmp_path):
    daemon.stop()
    return [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]


def test_a_client_is_known_named_and_answered_by_its_own_recordings(daemon, config, tmp_path):
    proxy = daemon("--upstream", "demo:", "--config", str(config))
    red, blue, key = (
        AWAY | {"X-LLMProxy-Token": RED},
        AWAY | {"X-LLMProxy-Token": BLUE},
        AWAY | {"Authorization": f"Bearer {RED}"},
    )
    told = [proxy.chat(headers=fields)[:2] for fields in (red, red, blue, key, AWAY, {})]
    assert [status for status, _ in told] == [200, 200, 200, 200, 401, 200]
    assert ["hit" in headers["Cache-Status"] for _, headers in told] == [False, True, False, False, False, False]
    assert told[4][1]["WWW-Authenticate"] == 'Bearer realm="llmproxy"'
    assert proxy.get("/_llmproxy/api/stats")["unauthorized"] == 1
    names = [line.get("client_name") for line in log_lines(proxy, tmp_path) if line["path"] == PATH]
    assert names == ["red", "red", "blue", "red", None, None]
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path != config)
    assert RED.encode() not in written
    assert BLUE.encode() not in written


def test_a_token_goes_to_no_upstream(daemon, config, upstream):
    def play(peer):
        head = peer.until(b"\r\n\r\n")
        seen.append(head)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    seen = []
    proxy = daemon("--upstream", upstream(play).url, "--config", str(config), "--mode", "off")
    for fields in ({"X-LLMProxy-Token": RED, "Authorization": "Bearer sk-1"}, {"x-api-key": RED}):
        assert proxy.request("GET", "/v1/models", headers=AWAY | fields)[0] == 200
    assert [b"llmp_" in head for head in seen] == [False, False]
    assert [b"Bearer sk-1" in head for head in seen] == [True, False]


def test_a_reload_takes_a_token_back(daemon, config):
    proxy = daemon("--upstream", "demo:", "--config", str(config))
    fields = AWAY | {"X-LLMProxy-Token": RED}
    assert [proxy.chat(headers=fields)[0] for _ in range(2)] == [200, 200]
    config.write_text(table(blue=BLUE))
    proxy.process.send_signal(signal.SIGHUP)
    assert 401 in (proxy.chat(headers=fields)[0] for _ in range(2000))  # until the signal has arrived
    assert proxy.chat(headers=AWAY | {"X-LLMProxy-Token": BLUE})[0] == 200


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "names"), [("", None), ("[client-tokens]", []), (table(red=RED), ["red"])])
def test_an_empty_table_is_not_the_same_as_none(tmp_path, text, names):
    path = tmp_path / "llmproxy.toml"
    path.write_text(text)
    found = load({"config": [str(path)]}, {"HOME": "/"}).client_tokens
    assert (found if found is None else list(found)) == names


# --- the start -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "named"),
    [
        (["http://127.0.0.1:1", "http://[::1]:1", "/run/llmproxy.sock"], None),
        (["http://0.0.0.0:8910"], "http://0.0.0.0:8910"),
        (["http://127.0.0.1:1", "https://[::]:2", "http://10.0.0.1:3"], "https://[::]:2, http://10.0.0.1:3"),
    ],
)
def test_the_start_warns_of_what_is_open(addresses, named):
    lines = exposed(addresses)
    assert lines == start_lines(Settings(store="off"), addresses)[2:]
    assert start_lines(Settings(store="off", client_tokens={}), addresses)[2:] == []
    assert (
        (f"can connect to {named} can use" in lines[0], "llmproxy token NAME" in lines[1]) == (True, True)
        if named
        else not lines
    )
