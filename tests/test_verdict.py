"""The verdict with a real daemon: a miss that the client swallows still fails CI, and no foreign page may reset it."""

import subprocess
import sys

import pytest
from rig import LIMIT

PAGE = "/_llmproxy/api/verdict"
TOKEN = "an-admin-token-of-ours"


def verdict(daemon, *words):
    """The command as CI calls it."""
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "verdict", "--url", daemon.url, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


@pytest.fixture
def seeded(daemon):
    """A daemon in mode none whose store has two chats of the session s."""
    first = daemon("--upstream", "demo:")
    for text in ("one", "two"):
        assert first.chat(text, headers={"X-LLMProxy-Session": "s"})[0] == 200
    first.settle()
    first.stop()
    return daemon("--upstream", "demo:", "--mode", "none")


def swallowing(daemon, *texts):
    """A client that takes whatever comes, as agents do."""
    for text in texts:
        daemon.chat(text, headers={"X-LLMProxy-Session": "s"})


def test_a_swallowed_miss_fails_ci(seeded):
    swallowing(seeded, "one", "three", "one", "two")
    said = verdict(seeded, "--session", "s")
    assert said.returncode == 1
    assert said.stdout.splitlines()[1].split() == ["s", "3", "0", "1", "1", "0", "0", "0", "0"]
    assert 'incoming "three"' in said.stdout
    assert said.stderr == "llmproxy verdict: session 's' has miss: 1, refused: 1\n"
    assert verdict(seeded).returncode == 1  # it stays


def test_a_good_run_with_all_recordings_used(seeded):
    swallowing(seeded, "one", "two", "two")
    assert verdict(seeded, "--session", "s", "--fail-on", "miss,unused,live,refused,failed,near").returncode == 0


def test_unused_recordings_fail_only_where_asked_for(seeded):
    swallowing(seeded, "one")
    assert verdict(seeded).returncode == 0
    said = verdict(seeded, "--fail-on", "unused")
    assert said.returncode == 1
    assert said.stderr.splitlines() == [
        "llmproxy verdict: the session without a name has unused: 1",
        "llmproxy verdict: session 's' has unused: 1",
    ]
    assert "POST /v1/chat/completions demo-fast" in said.stdout


def test_a_reset_begins_anew(seeded):
    swallowing(seeded, "three")
    assert verdict(seeded, "--reset").returncode == 1
    assert verdict(seeded).returncode == 0
    swallowing(seeded, "one")
    assert verdict(seeded, "--session", "s").returncode == 0


def test_a_session_that_never_was_is_no_success(seeded):
    said = verdict(seeded, "--session", "z")
    assert (said.returncode, "nothing was asked in session 'z'" in said.stderr) == (1, True)


def test_a_live_call_is_told(daemon):
    proxy = daemon("--upstream", "demo:")
    proxy.chat("one")
    assert verdict(proxy, "--fail-on", "live").returncode == 1
    assert verdict(proxy, "--fail-on", "refused,failed,near,unused").returncode == 0


# --- who may ask -----------------------------------------------------------------------------------------------------

FOREIGN = {
    "another site": {"Origin": "https://evil.example"},
    "a page without origin": {"Origin": "null"},
    "a name of its own": {"Host": "evil.example"},
    "a link of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "behind a proxy": {"X-Forwarded-For": "203.0.113.9"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_strangers_neither_read_nor_reset(seeded, headers, method):
    swallowing(seeded, "three")
    status, _, body = seeded.request(method, PAGE, headers=headers)
    assert status == 403
    assert b"three" not in body
    assert verdict(seeded, "--session", "s").returncode == 1


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://pages.example"])
def test_no_page_of_another_origin_is_told_that_it_may_delete(daemon, origin):
    proxy = daemon("--upstream", "demo:", "--allow-origin", "https://pages.example")
    asks = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    status, headers, _ = proxy.request("OPTIONS", PAGE, headers=asks)
    assert status == 405
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_form_resets_nothing(seeded, method):
    swallowing(seeded, "three")
    assert seeded.request(method, f"{PAGE}?_method=DELETE", "_method=DELETE")[0] == 403
    assert seeded.change(method, f"{PAGE}?_method=DELETE")[0] == 405
    assert verdict(seeded).returncode == 1


def test_another_machine_needs_the_token(daemon, tmp_path):
    """A forwarded request is one of another machine; the command sends the token, the field says where from."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    proxy = daemon("--upstream", "demo:", "--admin-token-file", str(tmp_path / "token"))
    away = {"X-Forwarded-For": "203.0.113.9"}
    assert proxy.request("DELETE", PAGE, headers=away)[0] == 401
    assert proxy.request("DELETE", PAGE, headers=away | {"X-LLMProxy-Token": TOKEN})[0] == 200
    assert verdict(proxy, "--admin-token-file", str(tmp_path / "token")).returncode == 0
