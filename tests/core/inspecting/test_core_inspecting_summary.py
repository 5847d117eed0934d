"""A line of the list: all members, always; no secret; nothing that JSON cannot hold."""

import re

import orjson
import pytest
from inspected import CHAT, UPSTREAM, chat, recorded

from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.messages import Ending, Outcome, Unknown
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.upstreams import parse_upstream

MEMBERS = set(
    re.findall(
        r"\S+",
        "id started method path url upstream model status outcome ending duration_ms head_ms "
        "request_size response_size session client cassette served_from replayable pinned edited cut "
        "redacted rules detail imported unknown mark comment told state ",
    )
)


def test_it_has_all_members_of_the_contract_and_is_json():
    row = summary(recorded(said=chat()))
    assert set(row) == MEMBERS
    assert orjson.loads(orjson.dumps(row)) == row


def test_a_whole_row():
    one = recorded(
        said=b"{}",
        head_time=1500,
        session="s",
        client="127.0.0.1:1",
        served_from=0xFF,
        replayable=True,
        pinned=True,
        written=True,
        rules=("a", "b"),
        detail="why",
        outcome=Outcome.HIT,
        ending=Ending.BROKEN_OFF,
    )
    row = summary(one, mark="red", comment="look", cassette="x.yaml", told={"dialect": "d"}, state="streaming")
    assert row["id"] == "0000000000001a2b"
    assert row["served_from"] == "00000000000000ff"
    assert (row["duration_ms"], row["head_ms"], row["response_size"]) == (5.0, 1.5, 2)
    assert (row["outcome"], row["ending"], row["rules"]) == ("hit", "upstream broke off", ["a", "b"])
    assert (row["replayable"], row["pinned"], row["edited"]) == (True, True, True)
    assert (row["mark"], row["comment"], row["cassette"]) == ("red", "look", "x.yaml")
    assert (row["told"], row["state"]) == ({"dialect": "d"}, "streaming")


def test_what_is_not_there_is_null_or_empty():
    row = summary(recorded())
    assert (row["response_size"], row["served_from"], row["imported"], row["told"]) == (0, None, None, None)
    assert (row["mark"], row["comment"], row["state"]) == ("", "", "ended")


@pytest.mark.parametrize(
    ("upstream", "target", "url"),
    [
        ("https://api.openai.com/v1", CHAT, "https://api.openai.com/v1/chat/completions"),
        ("https://h.example/api/v1", CHAT + b"?a=1", "https://h.example/api/v1/chat/completions?a=1"),
        ("http://127.0.0.1:11434", b"/api/chat", "http://127.0.0.1:11434/api/chat"),
    ],
)
def test_the_url_is_the_whole_one_that_was_asked(upstream, target, url):
    row = summary(recorded(path=target, upstream=parse_upstream(upstream)))
    assert row["url"] == url
    assert row["path"] == target.decode()


def test_the_url_of_an_unknown_host_is_the_path():
    assert summary(recorded(unknown=frozenset((Unknown.HOST,))))["url"] == CHAT.decode()


@pytest.mark.parametrize("member", ["path", "url"])
def test_a_key_in_the_address_is_not_told(member):
    row = summary(recorded(path=b"/v1beta/models/m:generateContent?key=AIzaSyA-very-secret-key-0123456789abcdef"))
    assert "secret" not in row[member]
    assert "key=REDACTED" in row[member]


def test_rules_of_ones_own_are_kept_in_the_detail():
    redactor = Redactor(Rules((Rule("tenant", "acme-[0-9]+"),)))
    assert "acme-12" not in summary(recorded(detail="asked of acme-12"), redactor=redactor)["detail"]


def test_what_is_unknown_is_named_in_order():
    one = recorded(unknown=frozenset((Unknown.TIME, Unknown.DURATION)), upstream=UPSTREAM)
    assert summary(one)["unknown"] == sorted([Unknown.TIME.value, Unknown.DURATION.value])


def test_octets_that_are_no_ascii_are_told():
    assert summary(recorded(path=b"/v1/\xe9"))["path"] == "/v1/\xe9"
