"""What redaction does not alter is told: base64 and octets."""

import base64
import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from planted import ALNUM, SHAPES, drawn

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.secret_leftovers import MOST, decoded_runs, leftovers, may_be_left, without_bodies
from proxy_daemon.core.upstreams import parse_upstream

KEY = SHAPES["anthropic"].encode()
CODED = base64.b64encode(b'{"note":"' + KEY + b'"}')


def recording(request=b"", answer=b"", delivered=None):
    return Recording(
        1,
        Request(b"POST", b"/", Headers(), Bytes(request)),
        Response(ResponseHead(200), Bytes(answer)),
        parse_upstream("https://host/v1"),
        Ending.COMPLETE,
        Outcome.MISS,
        0.0,
        replayable=True,
        delivered=delivered,
    )


@pytest.mark.parametrize(
    "coded", [CODED, CODED.rstrip(b"="), base64.urlsafe_b64encode(b"??>" + KEY), CODED.replace(b"/", b"\\/")]
)
@pytest.mark.parametrize("place", [b"%b", b'{"data":"%b"}', b"data:text/plain;base64,%b", b"path/%b", b"x\n%b\ny"])
def test_in_base64(place, coded):
    for where, found in (
        ("the request's body", leftovers(recording(request=place % coded))),
        ("the answer's body", leftovers(recording(answer=place % coded))),
    ):
        assert found
        assert found[0].where.startswith(f"{where}, base64 at ")
        assert found[0].what == "Anthropic key"
        assert KEY.decode() not in repr(found)


def test_a_name_in_base64():
    coded = base64.b64encode(json.dumps({"access_token": "short", "more": "words to fill it"}).encode())
    assert [each.what for each in leftovers(recording(answer=coded))] == ["a value named TOKEN"]


def test_in_octets():
    found = leftovers(recording(answer=b"\x89PNG\0\0 " + KEY + b"\0"))
    assert [each.where for each in found] == ["the answer's body, octets at 7"]


def test_in_what_the_client_got():
    got = Delivered(ResponseHead(200), Bytes(CODED))
    assert leftovers(recording(delivered=got))[0].where.startswith("the delivered answer's body")
    assert leftovers(recording(delivered=Delivered(ResponseHead(200)))) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"a":"b"}',
        drawn(5000, ALNUM + "+/").encode(),
        base64.b64encode(b"an image would be here, and its words " * 40),
        b"a-very-long-name-of-many-words-that-could-be-base64-and-is-none",
        b"\0\1\2" * 300,
    ],
)
def test_nothing_is_left(data):
    assert leftovers(recording(data, data)) == []


@pytest.mark.parametrize("data", [b"", b'{"a":"b"}', b"A" * 39 + b" " + b"A" * 39, b"A" * 39 + b"=" + b"A" * 39])
def test_the_quick_look_passes_over_words(data):
    assert not may_be_left(data)


@pytest.mark.parametrize("data", [b"\0", b" " * 5000 + b"\0", b"A" * 40, b" _-+/" + b"9z" * 19, b"A" * 30 + b"\\/" * 5])
def test_the_quick_look_sees_octets_and_runs(data):
    assert may_be_left(data)


@given(
    st.binary(max_size=60), st.binary(max_size=60), st.sampled_from([CODED, CODED.replace(b"/", b"\\/"), b"\0" + KEY])
)
def test_the_quick_look_misses_nothing(before, after, what):
    data = before + what + after
    if leftovers(recording(answer=data)):
        assert may_be_left(data)


def test_a_run_of_which_each_slash_is_escaped():
    coded = base64.b64encode(b"???" * 12 + b" the key is " + KEY).replace(b"/", b"\\/")
    assert b"Pz8\\/Pz8" in coded
    assert [each.what for each in leftovers(recording(answer=coded))] == ["Anthropic key"]


def test_no_more_are_told_than_a_log_should_hold():
    assert len(leftovers(recording(answer=b"\0" + (KEY + b" ") * 100))) == MOST


def test_without_bodies():
    bare = without_bodies(recording(b"a", b"b", Delivered(ResponseHead(200), Bytes(b"c"))))
    assert bare.request.body is EMPTY
    assert bare.response.body is EMPTY
    assert (bare.delivered.body, bare.delivered.cut) == (EMPTY, True)  # None would be: upstream's own
    assert bare.cut
    assert not bare.replayable
    assert without_bodies(evolve(bare, response=None, delivered=None)).response is None


@pytest.mark.parametrize("unit", [b"A", b"A ", b"A" * 40 + b" ", b"\\/", b"A" * 41 + b"="])
def test_hostile_repetition_ends(unit):
    leftovers(recording(answer=unit * (500_000 // len(unit))))


@given(st.binary(min_size=45, max_size=200))
def test_what_was_encoded_is_decoded(data):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        runs = list(decoded_runs(b'"' + encode(data) + b'"'))
        assert runs[0] == (1, data)
