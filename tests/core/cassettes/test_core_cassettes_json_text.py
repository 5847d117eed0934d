"""JSON of recordings within limits, and what the formats share: answers alone, pieces of known size."""

import pytest

from proxy_daemon.core.cassettes import MOST, json_text
from proxy_daemon.core.cassettes.answers import NO_REQUEST, answer, with_pieces
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored
from proxy_daemon.core.messages import Unknown


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        (b"\xef\xbb\xbf[]", []),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\u00e9"', "\xe9"),
        (b"[18446744073709551616, -123456789012345678901234567890]", [2**64, -123456789012345678901234567890]),
        (b'\xef\xbb\xbf{"id": 99999999999999999999}', {"id": 10**20 - 1}),
        (b'["123456789012345678901234567890", 1.5]', ["123456789012345678901234567890", 1.5]),
    ],
)
def test_what_is_read(data, expected):
    assert load(data) == expected


@pytest.mark.parametrize(
    "data", [b"", b"{", b"NaN", b'"\xff"', b'"\\ud800"', b"[1] 2", b"[" * 10_000 + b"]" * 10_000, b'{"a"', b"{'a': 1}"]
)
def test_what_is_refused(data):
    with pytest.raises(NotJson, match="not JSON"):
        load(data)


def test_a_long_integer_does_not_make_the_reader_lenient_elsewhere():
    with pytest.raises(NotJson, match="not JSON"):
        load(b"[99999999999999999999, 'a']")
    with pytest.raises(NotJson, match="not JSON"):
        load(b'["99999999999999999999", NaN]')


def test_values_are_counted_outside_of_strings(monkeypatch):
    monkeypatch.setattr(json_text, "MOST_VALUES", 10)
    assert load(b'["' + b",[{" * 50 + b'\\"' + b"," * 50 + b'", 2]')[1] == 2
    assert len(load(b"[0,0,0,0,0,0,0,0,0,0]")) == 10
    with pytest.raises(NotJson, match="more than 10 values"):
        load(b"[0,0,0,0,0,0,0,0,0,0,0]")
    with pytest.raises(NotJson, match="more than 10 values"):
        load(b'["a,b",[],[],[],[],[],[],"' + b"x" * 50)


def test_size_has_a_limit(monkeypatch):
    assert MOST == json_text.MOST
    monkeypatch.setattr(json_text, "MOST", 3)
    assert load(b"[1]") == [1]
    with pytest.raises(NotJson, match="larger than 3 octets"):
        load(b"[1 ]")


def test_a_string_of_millions_of_escapes_is_linear():
    assert len(load(b'["' + b'\\"' * 4_000_000 + b",[" * 4_000_000 + b'"]')[0]) == 12_000_000


def test_an_answer_alone():
    found = answer(200, [[b"A", b"b"]], Stored(b"x"), frozenset((Unknown.RESPONSE_OCTETS,)))
    assert found.request is NO_REQUEST
    assert (found.status, found.response.body.whole()) == (200, b"x")
    assert {Unknown.REQUEST, Unknown.HOST, Unknown.REQUEST_BODY, Unknown.RESPONSE_OCTETS} <= found.unknown
    assert answer(200, None, ABSENT).cut
    with pytest.raises(Broken):
        answer("x", None, ABSENT)


def test_pieces():
    found = answer(200, None, Stored(b"abc"))
    assert Unknown.PIECES in found.unknown
    pieces = with_pieces(found, [1, 0, 2])
    assert (list(pieces.response.pieces.sizes), list(pieces.response.pieces.times)) == ([1, 2], [])
    assert pieces.unknown == found.unknown - {Unknown.PIECES} | {Unknown.PIECE_TIMES}
    assert found.response.pieces.sizes.tolist() == []
