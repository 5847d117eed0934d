"""New fingerprints for recordings of a store: as the daemon takes them, and to nobody who may not have them."""

import pytest
from attrs import evolve
from bodies_of_requests import CHAT, UPSTREAM, asked, chat

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.counting import version_one
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import JSON_LIMIT, Ending, Outcome, Recording, Request, Unknown
from proxy_daemon.core.upstreams import parse_upstream

MATCHER = Matcher()
REQUEST = asked(chat())
OTHER = parse_upstream("other=https://other.example/v1")


def before(request=REQUEST, upstream=UPSTREAM, streams=False):
    return version_one.fingerprint(request, upstream, streams)


def recorded(request=REQUEST, **changes):
    """As version 1 wrote it, with no credential."""
    made = Recording(1, request, None, UPSTREAM, Ending.COMPLETE, Outcome.MISS, 0.0, fingerprint=before(request))
    return evolve(made, **changes)


def live(request=REQUEST, upstream=UPSTREAM, scope=b"", dialect=CHAT):
    return MATCHER.fingerprint(request, dialect, upstream, scope)


KNOWN = [
    (recorded(), live()),
    (recorded(scope=b"a"), live(scope=b"a")),
    (recorded(fingerprint=b"anything"), live()),
    (recorded(upstream=OTHER), live(upstream=OTHER)),
    (recorded(unknown=frozenset({Unknown.STATUS})), live()),
    (recorded(unknown=frozenset({Unknown.REQUEST})), b""),
    (recorded(unknown=frozenset({Unknown.REQUEST_BODY})), b""),
    (recorded(asked(b"")), live(asked(b""))),
]


@pytest.mark.parametrize(("recording", "expected"), KNOWN, ids=range(len(KNOWN)))
def test_whose_scope_is_known_gets_the_fingerprint_of_its_request(recording, expected):
    assert Anew(MATCHER)(recording, True) == expected


def test_an_import_is_looked_for_at_the_default_upstream():
    imported = recorded(imported=1.0)
    assert Anew(MATCHER, upstreams=(OTHER,))(imported, True) == live(upstream=OTHER)
    assert Anew(MATCHER, upstreams=(OTHER,))(recorded(), True) == live()


def test_a_secret_does_not_count_though_it_was_stored():
    request = asked(chat(), fields=[(b"Authorization", b"Bearer sk-1")])
    assert Anew(MATCHER)(recorded(request), True) == live()


def test_of_version_one_only_what_had_no_scope_is_served_again():
    assert Anew(MATCHER)(recorded(), False) == live()
    assert Anew(MATCHER)(recorded(fingerprint=b"scoped by somebody"), False) == b""
    assert Anew(MATCHER)(recorded(fingerprint=before(streams=True)), False) == b""
    assert Anew(MATCHER)(recorded(fingerprint=before(upstream=OTHER)), False) == b""


def test_the_dialects_of_plugins_are_asked_first():
    class Own(Dialect):
        name = "own"
        volatile = ("messages",)

    own = Own()
    assert Anew(MATCHER, (own,))(recorded(), True) == live(dialect=own) != live(dialect=GENERIC)


# --- version 1 -------------------------------------------------------------------------------------------------------

# Stores of people hold these: they must never change.
VECTORS = [
    (before(), "7c9ec270e0e9e0263eb6a433"),
    (before(streams=True), "e3ec98e858debfbf18f87771"),
    (before(upstream=OTHER), "c07f61c7c457f0b29f3c9f42"),
    (before(asked(b"")), "06eb595c5dd3b3e83d77c55b"),
    (before(asked(b"\x00\xff not json")), "b0d5f6cfe56f34b54c0b75ac"),
    (before(asked(b' {"b": 1.0, "a": [1e400, -0]}')), "1651d0a2e357683f8fde13cc"),
    (before(asked(b'{"a": 1, "a": 2}')), "e6eb61362c432b875661d9d5"),
    (before(asked(b"", target=b"/v1/models?b=1&a=2", method=b"GET")), "aa3926fa8fca8018a76ff851"),
]


@pytest.mark.parametrize(("found", "expected"), VECTORS, ids=range(len(VECTORS)))
def test_version_one_is_frozen(found, expected):
    assert len(found) == 32
    assert found.hex()[:24] == expected


SAME = [
    (b'{"a": 1, "b": 2}', b' {"b":2,"a":1}'),
    (b'{"a": "\\u0061"}', b'{"a":"a"}'),
]
DIFFERENT = [
    (b'{"a": 1}', b'{"a": 1.0}'),
    (b'{"a": 1}', b'{"a": 1, "b": null}'),
    (b'{"a": 1, "a": 2}', b'{"a": 2}'),
    (b'{"a": NaN}', b'{"a": null}'),
    (b'{"a": "\\ud800"}', b'{"a": "\\ud801"}'),
    (b"[" * 100_000, b"[" * 99_999),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=range(len(SAME)))
def test_what_was_the_same_in_version_one(one, other):
    assert before(asked(one)) == before(asked(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_was_not(one, other):
    assert before(asked(one)) != before(asked(other))


def test_fields_did_not_count_and_large_bodies_did_by_their_octets():
    assert before(evolve(REQUEST, headers=Headers())) == before()
    large = [b'{"a":%b1}' % (b" " * (JSON_LIMIT + blanks)) for blanks in (0, 1)]
    assert before(Request(b"POST", b"/", Headers(), Bytes(large[0]))) != before(
        Request(b"POST", b"/", Headers(), Bytes(large[1]))
    )
