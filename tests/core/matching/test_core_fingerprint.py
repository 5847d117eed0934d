"""Fingerprints: equal for equal requests, different for all others, and the same in every release."""

import json
from hashlib import sha256

import orjson
import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import fingerprint
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("https://api.openai.com/v1")
BODY = b'{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}'
REQUEST = Request(b"POST", b"/v1/chat/completions?a=1", Headers([(b"Host", b"x")]), Bytes(BODY))


def taken(request=REQUEST, upstream=UPSTREAM, streams=False, scope=b""):
    return fingerprint(request, upstream, streams, scope)


def with_body(data):
    return evolve(REQUEST, body=Bytes(data))


@frozen
class Spooled:
    """A body that does not lie in memory."""

    data: bytes

    @property
    def size(self):
        return len(self.data)

    def whole(self):
        return None

    def read(self, offset, size):
        return self.data[offset : offset + size]


VECTORS = [
    (taken(), "1adca84e56394925a6599d65"),
    (taken(streams=True), "1ddab892264ab9bcea871928"),
    (taken(scope=b"k" * 32), "8355d27be8b8dff96142dec9"),
    (taken(with_body(b"")), "4acf253b38249cd0cf5a8fb5"),
    (taken(with_body(b"\x00\xff not json")), "40bb2cd0e7fafeb617fb8910"),
    (taken(upstream=parse_upstream("east=https://host:8443/api/v1")), "5e4d21b3237f4f1b47116d92"),
]
SAME = [
    ("headers", taken(evolve(REQUEST, headers=Headers([(b"User-Agent", b"other"), (b"Content-Type", b"x")])))),
    ("spacing", taken(with_body(b' { "model" : "gpt-5", "messages":[ {"role":"user","content":"hi"} ] }\n'))),
    ("key order", taken(with_body(b'{"messages":[{"content":"hi","role":"user"}],"model":"gpt-5"}'))),
    ("escapes", taken(with_body(BODY.replace(b"hi", b"\\u0068\\u0069")))),
    ("a short path", taken(evolve(REQUEST, target=b"/chat/completions?a=1"))),
]
CHANGED = [
    ("method", taken(evolve(REQUEST, method=b"PUT"))),
    ("method's case", taken(evolve(REQUEST, method=b"post"))),
    ("path", taken(evolve(REQUEST, target=b"/v1/chat/completion?a=1"))),
    ("path's end", taken(evolve(REQUEST, target=b"/v1/chat/completions/?a=1"))),
    ("query", taken(evolve(REQUEST, target=b"/v1/chat/completions?a=2"))),
    ("query's order", taken(evolve(REQUEST, target=b"/v1/chat/completions?a=1&b=2"))),
    ("query's order back", taken(evolve(REQUEST, target=b"/v1/chat/completions?b=2&a=1"))),
    ("no query", taken(evolve(REQUEST, target=b"/v1/chat/completions"))),
    ("empty query", taken(evolve(REQUEST, target=b"/v1/chat/completions?"))),
    ("encoded path", taken(evolve(REQUEST, target=b"/v1/chat%2Fcompletions?a=1"))),
    ("streaming", taken(streams=True)),
    ("scope", taken(scope=b"a")),
    ("another scope", taken(scope=b"b")),
    ("upstream's name", taken(upstream=parse_upstream("x=https://api.openai.com/v1"))),
    ("upstream's host", taken(upstream=parse_upstream("https://api.example.com/v1"))),
    ("upstream's port", taken(upstream=parse_upstream("https://api.openai.com:444/v1"))),
    ("upstream's scheme", taken(upstream=parse_upstream("http://api.openai.com/v1"))),
    ("the built-in model", taken(upstream=parse_upstream("demo:"))),
    ("no body", taken(with_body(b""))),
    ("model", taken(with_body(BODY.replace(b"gpt-5", b"gpt-4")))),
    ("text", taken(with_body(BODY.replace(b"hi", b"hi ")))),
    ("a new member", taken(with_body(BODY[:-1] + b',"seed":1}'))),
    ("a number", taken(with_body(BODY[:-1] + b',"seed":2}'))),
    ("a number's text", taken(with_body(BODY[:-1] + b',"seed":2.0}'))),
    ("a null", taken(with_body(BODY[:-1] + b',"seed":null}'))),
    ("a duplicate key", taken(with_body(BODY[:-1] + b',"model":"gpt-5"}'))),
    ("a cut body", taken(with_body(BODY[:-1]))),
    ("a byte order mark", taken(with_body(b"\xef\xbb\xbf" + BODY))),
    ("two texts", taken(with_body(BODY + BODY))),
    ("the text as a string", taken(with_body(orjson.dumps(BODY.decode())))),
]
# Where there is no canonical form, each octet counts.
OCTETS = [
    (b'{"a":1,"a":2}', b'{"a":1, "a":2}'),
    (b'{"a":NaN}', b'{"a": NaN}'),
    (b'{"a":"\xff"}', b'{"a": "\xff"}'),
    (b'"a"', b' "a"'),
    (b"1", b"1 "),
    (b"null", b""),
    (b"a=1&b=2", b"b=2&a=1"),
    (b"[" * 5000 + b"]" * 5000, b"[" * 5000 + b" " + b"]" * 5000),
    (b"json:{}", b"{}"),
    (b"octets:{}", b"{}"),
    (b"--x\r\n\r\n{}", b"--x\r\n\r\n{ }"),
    (b'["\\ud800"]', b'["\\uD800"]'),
    (b"{}{}", b"{} {}"),
]


@pytest.mark.parametrize(("value", "pinned"), VECTORS, ids=[pinned for _, pinned in VECTORS])
def test_the_key_is_pinned(value, pinned):
    """Where this fails, every store in use is emptied: raise VERSION only with good reason."""
    assert len(value) == 32
    assert value.hex()[:24] == pinned


@pytest.mark.parametrize("value", [value for _, value in SAME], ids=[name for name, _ in SAME])
def test_an_equal_request_has_the_same(value):
    assert value == taken()


def test_every_other_request_has_its_own():
    names = {taken(): "the request", **{value: name for name, value in CHANGED}}
    assert len(names) == len(CHANGED) + 1


@pytest.mark.parametrize(("one", "other"), OCTETS, ids=[one[:20] for one, _ in OCTETS])
def test_without_a_form_each_octet_counts(one, other):
    assert taken(with_body(one)) == taken(with_body(one)) != taken(with_body(other))


def test_a_body_on_disk_is_compared_by_octets():
    spooled = taken(evolve(REQUEST, body=Spooled(BODY)))
    assert spooled == taken(evolve(REQUEST, body=Spooled(BODY)))
    assert spooled != taken(evolve(REQUEST, body=Spooled(BODY + b" ")))


def test_where_a_large_body_lies_does_not_count():
    data = b'{"pad":"' + b"a" * JSON_LIMIT + b'"}'
    assert taken(with_body(data)) == taken(evolve(REQUEST, body=Spooled(data)))
    assert taken(with_body(data)) != taken(with_body(data + b" "))


def test_fields_cannot_run_into_each_other():
    one = taken(evolve(REQUEST, method=b"PO", target=b"/ST"), parse_upstream("http://h"))
    other = taken(evolve(REQUEST, method=b"PO/", target=b"ST"), parse_upstream("http://h"))
    assert one != other
    assert taken(with_body(b""), scope=b"6:octets") != taken(with_body(b"6:octets"))


texts = st.text(max_size=6)
bodies = st.dictionaries(texts, st.integers() | texts | st.booleans() | st.none() | st.lists(texts), max_size=4)


@given(bodies, bodies)
def test_two_bodies_share_a_fingerprint_only_where_they_are_equal(one, other):
    same = _plain(one) == _plain(other)
    assert (taken(with_body(_written(one))) == taken(with_body(_written(other)))) is same


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_octets_have_one(one, other):
    first, second = taken(with_body(one)), taken(with_body(other))
    assert len(first) == 32
    assert first == taken(with_body(one))
    assert one == other or first != second or orjson.loads(one) == orjson.loads(other)


def test_it_is_a_plain_hash_of_what_the_docstring_says():
    parts = (b"llmproxy-fp-1", b"default", b"https://api.openai.com/v1", b"POST", REQUEST.target, b"-", b"")
    expected = sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts) + b"octets:x")
    assert taken(with_body(b"x")) == expected.digest()


def _plain(value):
    """With the type of each member: True is 1 otherwise."""
    return {name: f"{type(member).__name__} {member!r}" for name, member in value.items()}


def _written(value):
    return json.dumps(value).encode()
