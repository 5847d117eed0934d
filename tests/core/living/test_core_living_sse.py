"""Server-sent events as octets: one event whatever its data holds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening import parsed

from proxy_daemon.core.living.sse import HEARTBEAT, event, opening


def test_an_event():
    assert event("mode", {"mode": "none"}, "ab-1") == b'id: ab-1\nevent: mode\ndata: {"mode":"none"}\n\n'


def test_an_event_without_a_place_leaves_the_last_one_standing():
    assert event("ended", {}) == b"event: ended\ndata: {}\n\n"


def test_the_opening_tells_a_place_and_no_event():
    assert opening("ab-7") == b"retry: 1000\nid: ab-7\n\n"
    assert opening() == b"retry: 1000\n\n"
    assert parsed(opening("ab-7")) == []


def test_a_heartbeat_is_a_comment():
    assert parsed(HEARTBEAT) == [("", None, "")]


@pytest.mark.parametrize("value", [10**30, -(10**20), "\ud800", {"a": [{"b": "x\udfff"}]}, {1: 2}, object])
def test_what_a_hostile_api_sends_does_not_break_the_stream(value):
    octets = event("answer", {"value": value})
    assert octets.count(b"\n") == 3
    json.loads(octets.split(b"data: ")[1])


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5))
def test_no_value_ends_its_event(value):
    octets = event("answer", value, "ab-1") + event("ended", {})
    assert b"\r" not in octets
    assert [(kind, at) for kind, _, at in parsed(octets)] == [("answer", "ab-1"), ("ended", "ab-1")]
    assert parsed(octets)[0][1] == value
