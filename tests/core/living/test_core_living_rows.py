"""Rows of exchanges under way: the members of the list's rows, and nothing secret."""

import json

import pytest
from attrs import evolve
from listening import SECRET, exchange

from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.living.rows import row
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import Shelf
from proxy_daemon.core.upstreams import Upstream

ENDED = {
    "model": "m-1",
    "status": 200,
    "outcome": Outcome.MISS,
    "ending": Ending.COMPLETE,
    "detail": "why",
    "client": "127.0.0.1",
    "session": "run",
    "duration": 1500,
    "head_time": 700,
    "rules": ("one",),
    "served_from": 15,
}
NOT_KNOWN = {"replayable", "cut", "redacted"}
OF_BODIES = {"request_size", "response_size"}


def of(**more):
    return row(exchange(**more), "ended", Redactor())


def test_a_row_is_the_row_of_the_recording():
    one = exchange(**ENDED)
    recorded = Recording(
        id=one.id, request=one.request, response=None, upstream=one.upstream, started=one.started, **ENDED
    )
    live, stored = row(one, "ended", Redactor()), summary(recorded)
    assert live.keys() == stored.keys()
    assert {key for key in stored if stored[key] != live[key]} == NOT_KNOWN
    assert {live[key] for key in NOT_KNOWN} == {None}


def test_it_can_be_sent():
    assert json.loads(json.dumps(of(**ENDED))) == of(**ENDED)


@pytest.mark.parametrize("state", ["begun", "streaming", "ended"])
def test_one_under_way(state):
    found = row(exchange(), state, Redactor())
    assert (found["state"], found["ending"], found["outcome"], found["status"]) == (state, "", "live", 0)
    assert (found["mark"], found["comment"], found["told"], found["served_from"]) == ("", "", None, None)


def test_sizes_are_counted():
    found = of(request_size=7, response_size=9)
    assert [found[key] for key in sorted(OF_BODIES)] == [7, 9]


@pytest.mark.parametrize(
    "more",
    [
        {"target": f"/v1/models?key={SECRET}".encode()},
        {"target": f"/v1/{SECRET}/models".encode()},
        {"detail": f"the upstream said: {SECRET} is wrong"},
        {"detail": f"https://me:{SECRET}@api.example/ is gone"},
    ],
)
def test_secrets_do_not_show(more):
    found = of(**more)
    assert SECRET not in json.dumps(found)
    assert "REDACTED" in json.dumps(found)


def test_the_body_and_the_fields_do_not_show():
    assert "headers" not in of()
    assert not {"request", "response", "body"} & of().keys()


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, ""),
        ({"cassette": "mine"}, "mine"),
        ({"shelf": Shelf(None, MODES["none"], "theirs")}, "theirs"),
        ({"shelf": Shelf(None, MODES["none"])}, ""),
    ],
)
def test_the_cassette(more, name):
    assert of(**more)["cassette"] == name


def test_where_there_is_no_host_the_url_is_the_path():
    one = exchange()
    nowhere = evolve(one, upstream=Upstream("demo", "demo", "", 0, b""))
    assert row(nowhere, "begun", Redactor())["url"] == "/v1/chat/completions"
    assert row(one, "begun", Redactor())["url"] == "http://api.example/v1/chat/completions"


def test_octets_that_are_no_text():
    one = evolve(exchange(), request=Request(b"\xff", b"/\xfe"))
    found = row(one, "begun", Redactor())
    assert (found["method"], found["path"]) == ("\xff", "/\xfe")
