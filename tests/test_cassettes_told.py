"""What people are told of cassettes: where an entry stands, what was not recorded and why, what nobody used."""

import json
import re
import shutil
import urllib.parse

import pytest
from rig import LIMIT

LEFT = "is not in the cassette talk: "


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "c" / "talk.yaml"


def recorded(daemon, cassette, *texts):
    one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "once")
    for text in texts:
        one.chat(text)
    one.stop()


def said(one):
    """All lines of the log of a daemon that has ended."""
    one.reader.join(LIMIT)
    return b"".join(one.said).decode().splitlines()


def verdict(one, **parameters):
    return one.get(f"/_llmproxy/api/verdict?{urllib.parse.urlencode(parameters)}")


def test_the_nearest_one_and_what_nobody_used_stand_somewhere_in_the_file(daemon, cassette):
    recorded(daemon, cassette, "the first of all", "what is the weather like in Rome")
    one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "none")
    message = json.loads(one.chat("what is the weather like in Oslo")[2])["error"]["message"]
    assert f"Nearest: {cassette}#1 (" in message
    said = verdict(one)["sessions"][0]
    assert [each["place"] for each in said["unused"]["first"]] == [f"{cassette}#0", f"{cassette}#1"]
    assert f"Nearest: {cassette}#1 (" in said["reports"][0]["text"]


def test_the_address_of_the_proxy_is_in_no_cassette(daemon, cassette):
    one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--allow-host", "llm.example")
    for host in (f"127.0.0.1:{one.port}", f"localhost:{one.port}", f"[::1]:{one.port}", "llm.example"):
        one.chat("hi", headers={"Host": host})
    one.stop()
    assert re.findall(r"(?m)^    Host: (.*)$", cassette.read_text()) == ["llm.example"]


class TestTrouble:
    def test_health_and_verdict_say_that_the_file_cannot_be_written(self, daemon, cassette):
        one = daemon("--upstream", "demo:", "--cassette", str(cassette))
        one.chat("a")
        shutil.rmtree(cassette.parent)
        cassette.parent.write_text("no directory any more")
        assert one.chat("b")[0] == 200
        assert one.get("/_llmproxy/health")["status"] == "degraded"
        assert str(cassette) in one.get("/_llmproxy/health")["recording"]
        assert "recording is off" in verdict(one)["trouble"]
        assert "recording is off" in verdict(one, session="")["trouble"]

    def test_where_all_is_well_nothing_is_told(self, daemon, cassette):
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), store="off")
        one.chat("a")
        assert one.get("/_llmproxy/health") == {"status": "ready", "recording": "on", "mode": "new_episodes"}
        assert verdict(one)["trouble"] == ""


class TestLeftOut:
    @pytest.mark.parametrize(
        ("options", "asked", "why"),
        [
            (("--record-max-body", "1KiB"), {"text": "x" * 3000}, "--record-max-body"),
            ((), {"text": "a", "headers": {"Cache-Control": "no-store"}}, "no-store"),
            ((), {"text": "a", "path": "/v1/nothing/here"}, "status is 404"),
        ],
        ids=["large", "no-store", "error"],
    )
    def test_the_log_says_what_is_missing_in_the_file_and_why(self, daemon, cassette, options, asked, why):
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "once", *options)
        one.chat(**asked)
        one.stop()
        told = [line for line in said(one) if LEFT in line]
        assert (len(told), why in told[0]) == (1, True)

    def test_what_is_recorded_or_only_replayed_is_not_told_of(self, daemon, cassette):
        recorded(daemon, cassette, "a")
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "once")
        assert (one.chat("a")[0], one.chat("b")[0]) == (200, 424)
        one.stop()
        assert not [line for line in said(one) if LEFT in line]


class TestSessionsOfCassettes:
    def test_each_has_the_unused_of_its_own_file(self, daemon, tmp_path):
        options = ("--upstream", "demo:", "--cassette-dir", str(tmp_path / "c"), "--mode")
        one = daemon(*options, "once")
        for name, texts in (("first", "ab"), ("second", "abc")):
            for text in texts:
                one.chat(text, headers={"X-LLMProxy-Cassette": name})
        one.stop()
        again = daemon(*options, "none")
        for name in ("first", "second"):
            again.chat("a", headers={"X-LLMProxy-Cassette": name})
        assert {each["session"]: each["unused"]["count"] for each in verdict(again)["sessions"]} == {
            "": 0,
            "first": 1,
            "second": 2,
        }


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "..", "a/../../outside", "(--cassette)"])
def test_no_page_opens_a_file_outside_of_the_directory(daemon, tmp_path, name):
    (tmp_path / "c").mkdir()
    (tmp_path / "outside.yaml").write_text("# llmproxy cassette 1\n")
    one = daemon("--upstream", "demo:", "--cassette-dir", str(tmp_path / "c"))
    for path in ("verdict?cassette=", "verdict?session=s&cassette="):
        status, _, body = one.request("GET", f"/_llmproxy/api/{path}{urllib.parse.quote(name, safe='')}")
        assert (status, b"letters" in body) == (400, True)
    assert one.get("/_llmproxy/api/cassettes") == {}


def test_nobody_closes_the_cassette_of_all(daemon, cassette):
    one = daemon("--upstream", "demo:", "--cassette", str(cassette))
    one.change("DELETE", "/_llmproxy/api/cassettes?name=(--cassette)")
    one.chat("a")
    one.stop()
    assert "content: a" in cassette.read_text()
