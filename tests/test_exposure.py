"""What other machines can reach: keys that are not for them, recordings, and what a reload opens or closes."""

import pytest

from proxy_daemon.exposure import guard_keys, interface, opened, scopes_by_key
from proxy_daemon.settings import Settings, SettingsError

HERE, OPEN = "tcp:8910:interface=127.0.0.1", "tcp:8910"

INTERFACES = {
    OPEN: "",
    HERE: "127.0.0.1",
    r"tcp:8910:interface=\:\:1": "::1",
    "tcp:8910:127.0.0.1": "",
    r"ssl:443:privateKey=/a\:interface=127.0.0.1:certKey=b": "",
}


@pytest.mark.parametrize(("description", "found"), INTERFACES.items())
def test_the_interface_of_an_endpoint(description, found):
    assert interface(description) == found


KEYS = {
    "a key": (True, (), OPEN, None, "--upstream-key"),
    "a client certificate": (False, (("lab", "x.pem"),), OPEN, None, "--upstream-cert"),
    "with tokens": (True, (("lab", "x.pem"),), OPEN, {}, ""),
    "on loopback": (True, (("lab", "x.pem"),), HERE, None, ""),
    "neither": (False, (), OPEN, None, ""),
}


@pytest.mark.parametrize(("has_keys", "certificates", "listen", "tokens", "option"), KEYS.values(), ids=KEYS.keys())
def test_what_we_have_of_our_own_is_not_for_everybody(has_keys, certificates, listen, tokens, option):
    settings = Settings(listen=(HERE, listen), upstream_cert=certificates, client_tokens=tokens)
    if not option:
        guard_keys(settings, has_keys)
        return
    with pytest.raises(SettingsError, match=f"^{option}: with --listen tcp:8910 everybody"):
        guard_keys(settings, has_keys)


@pytest.mark.parametrize(
    ("listen", "tokens", "given", "scoped"),
    [
        (HERE, None, "", False),
        (HERE, {}, "", True),
        (OPEN, None, "", True),
        ("unix:/run/llmproxy.sock", None, "", False),
        (OPEN, {}, "all", False),
        (HERE, None, "key", True),
    ],
)
def test_whose_recordings_answer(listen, tokens, given, scoped):
    assert scopes_by_key(Settings(listen=(listen,), client_tokens=tokens, replay_scope=given)) is scoped


def test_a_table_of_tokens_that_is_gone_is_told_where_others_can_connect():
    line, hint = opened(Settings(listen=(HERE, OPEN)))
    assert line.endswith("whoever can connect to tcp:8910 can use the upstreams")
    assert "empty table" in hint
    assert opened(Settings(listen=(HERE,))) == []
