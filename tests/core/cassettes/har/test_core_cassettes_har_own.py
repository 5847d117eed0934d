"""What our own HAR says beyond HAR, where somebody made it up; and cookies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_exchanges import exchange

from proxy_daemon.core.cassettes import Skipped, formats
from proxy_daemon.core.cassettes.har.cookies import received, sent
from proxy_daemon.core.cassettes.har.writing import HarWriter
from proxy_daemon.core.messages import Ending, Recording, Unknown

WRITER = HarWriter()


def read(own=None, **response):
    """An entry of ours, with members of ``own`` and of its response replaced."""
    made = json.loads(WRITER.entry(exchange(b"abcd", pieces=[(1, 5), (3, 6)])).text)
    made["_llmproxy"] = made["_llmproxy"] | own if isinstance(own, dict) else own if own is not None else {}
    made["response"] |= response
    (found,) = formats.read("c.har", WRITER.head + json.dumps(made).encode() + WRITER.tail)
    return found


REFUSED = [
    ({"unknown": ["NONE"]}, "unknown parts"),
    ({"unknown": [[]]}, "unknown parts"),
    ({"unknown": "TIME"}, "unknown parts"),
    ({"unknown": None}, "unknown parts"),
    ({"ending": "LATER"}, "an ending"),
    ({"ending": ["TIMEOUT"]}, "an ending"),
    ({"trailers": [{"name": "a b", "value": ""}]}, "does not allow"),
    ({"trailers": 5}, "no mapping"),
    ({"trailers": [{"name": "a", "_base64": "!"}]}, "not base64"),
    ({"trailers": [{"name": "a", "_base64": 5}]}, "not base64"),
]


@pytest.mark.parametrize(("own", "why"), REFUSED)
def test_what_is_wrong_is_skipped_with_its_reason(own, why):
    found = read(own)
    assert isinstance(found, Skipped)
    assert why in found.reason


PIECES = [
    None,
    5,
    {},
    {"sizes": [1, 3]},
    {"sizes": [1, 2], "times": [5, 6]},
    {"sizes": [1, 3], "times": [5]},
    {"sizes": [True, 3], "times": [5, 6]},
    {"sizes": [5, -1], "times": [5, 6]},
    {"sizes": [1.0, 3.0], "times": [5, 6]},
    {"sizes": [1 << 70], "times": [5]},
    {"sizes": "13", "times": []},
]


@pytest.mark.parametrize("pieces", PIECES)
def test_pieces_that_are_none_of_the_body(pieces):
    found = read({"pieces": pieces})
    sizes = [1, 3] if pieces == {"sizes": [1, 3]} else []
    assert list(found.response.pieces.sizes) == sizes
    assert (Unknown.PIECES in found.unknown) == (not sizes)


def test_ending_and_cut():
    found = read({"ending": "TIMEOUT", "detail": "x", "cut": True})
    assert (found.ending, found.detail, found.cut) == (Ending.TIMEOUT, "x", True)
    assert (read({"detail": 5}).detail, read({"cut": 1}).cut) == ("", False)


def test_an_entry_of_others_is_read_as_before():
    found = read(5, headers=[])
    assert isinstance(found, Recording)
    assert found.response.head.headers.pairs == ()
    assert read(5, status=0).reason == "no answer came"


@pytest.mark.parametrize("status", [0, None])
def test_no_answer_of_ours_is_an_exchange(status):
    assert read({}, status=status).response is None


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["unknown", "ending", "detail", "cut", "pieces", "trailers"])


@given(own=st.dictionaries(MEMBERS, JSONS, max_size=3) | JSONS)
def test_whatever_it_says_nothing_breaks(own):
    assert isinstance(read(own), Recording | Skipped)


COOKIES = [
    (b"a=1", [{"name": "a", "value": "1"}]),
    (b"a", []),
    (b"", []),
    (b"=x", [{"name": "", "value": "x"}]),
    (
        b" a = b=c ; Path=/x;domain = d ; Secure; HTTPONLY; SameSite=Lax; Max-Age=5",
        [{"name": "a", "value": "b=c", "path": "/x", "domain": "d", "secure": True, "httpOnly": True}],
    ),
    (
        b"a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
        [{"name": "a", "value": "1", "expires": "2015-10-21T07:28:00Z"}],
    ),
    (b"a=1; expires=soon", [{"name": "a", "value": "1"}]),
    (b"a=\xff", [{"name": "a", "value": "\ufffd"}]),
]


@pytest.mark.parametrize(("value", "cookies"), COOKIES)
def test_cookies_of_an_answer(value, cookies):
    assert received([(b"Set-Cookie", value), (b"Cookie", b"z=1")]) == cookies


def test_cookies_of_a_request():
    pairs = [(b"cookie", b"a=1; b=2;c"), (b"X", b"y=1"), (b"Cookie", b"a=\xff=1")]
    told = [(each["name"], each["value"]) for each in sent(pairs)]
    assert told == [("a", "1"), ("b", "2"), ("a", "\ufffd=1")]
