"""Fingerprints: equal for equal requests, different for all others, and the same in every release."""

import json
from hashlib import sha256

import orjson
import pytest
from attrs import evolve, frozen
from bodies_of_requests import CHAT, MESSAGES, as_octets
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import LOOKED_AT, Matcher
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("https://api.openai.com/v1")
BODY = b'{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}'
REQUEST = Request(b"POST", b"/v1/chat/completions?a=1", Headers([(b"Host", b"x")]), Bytes(BODY))
VERSIONED = evolve(REQUEST, headers=Headers([(b"Anthropic-Version", b"2023-06-01")]))
STREAM = evolve(REQUEST, body=Bytes(BODY[:-1] + b',"stream":true}'))
MATCHER = Matcher()


def taken(request=REQUEST, upstream=UPSTREAM, scope=b"", dialect=CHAT, matcher=MATCHER):
    return matcher.fingerprint(request, dialect, upstream, scope)


def with_body(data, *fields):
    return evolve(REQUEST, body=Bytes(as_octets(data)), headers=Headers(fields))


def of_type(kind, data):
    return with_body(data, (b"Content-Type", kind))


def form(boundary, *parts, end=b"\r\n"):
    lines = [b"--%b" % boundary + end + head + end + end + data + end for head, data in parts]
    return of_type(b"multipart/form-data; boundary=" + boundary, b"".join(lines) + b"--%b--" % boundary + end)


FILE = (b'Content-Disposition: form-data; name="file"; filename="a.wav"', b"RIFF\0\r\n--")
FIELD = (b'Content-Disposition: form-data; name="model"', b"whisper-1")
QUOTED = (b"content-disposition:form-data; filename=a.wav; name=file", FILE[1])


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
    (taken(), "a44d8b6bc2ebd906f9f3d570"),
    (taken(STREAM), "c09a4f65fd0fd3173f5185ff"),
    (taken(scope=b"k" * 32), "7fa8c417370aceeeb240fcd0"),
    (taken(with_body(b"")), "2f691596b1e58e3cdb358b10"),
    (taken(with_body(b"\x00\xff not json")), "416f37355009652cfeb5563d"),
    (taken(upstream=parse_upstream("east=https://host:8443/api/v1")), "2dfc4b671968324569966bc1"),
    (taken(upstream=None), "3b4593b1e281f1196ab7a8db"),
    (taken(VERSIONED, dialect=MESSAGES), "59cd7f54310e80385861e871"),
    (taken(form(b"x", FIELD, FILE)), "e81f74a5f2a7076794d3c13f"),
    (taken(of_type(b"application/x-www-form-urlencoded", b"a=1&b=%20")), "02c14d3b19bcfc4aa2e9e8ca"),
]
SAME = [
    ("headers", taken(evolve(REQUEST, headers=Headers([(b"User-Agent", b"other"), (b"Content-Type", b"x")])))),
    ("spacing", taken(with_body(b' { "model" : "gpt-5", "messages":[ {"role":"user","content":"hi"} ] }\n'))),
    ("key order", taken(with_body(b'{"messages":[{"content":"hi","role":"user"}],"model":"gpt-5"}'))),
    ("escapes", taken(with_body(BODY.replace(b"hi", b"\\u0068\\u0069")))),
    ("escapes of a digit", taken(with_body(BODY.replace(b"5", b"\\u0035")))),
    ("a short path", taken(evolve(REQUEST, target=b"/chat/completions?a=1"))),
    ("an encoded path", taken(evolve(REQUEST, target=b"/v1/ch%61t/completions?a=1"))),
    ("an encoded query", taken(evolve(REQUEST, target=b"/v1/chat/completions?%61=%31&"))),
    ("a null", taken(with_body(BODY[:-1] + b',"seed":null,"tools":[],"logit_bias":{}}'))),
    ("a block of text", taken(with_body(BODY.replace(b'"hi"', b'[{"type":"text","text":"hi"}]')))),
    ("whom it is for", taken(with_body(BODY[:-1] + b',"user":"u","metadata":{"a":"b"}}'))),
    ("a matcher of its own", taken(matcher=Matcher())),
]
CHANGED = [
    ("method", taken(evolve(REQUEST, method=b"PUT"))),
    ("method's case", taken(evolve(REQUEST, method=b"post"))),
    ("path", taken(evolve(REQUEST, target=b"/v1/chat/completion?a=1"))),
    ("path's end", taken(evolve(REQUEST, target=b"/v1/chat/completions/?a=1"))),
    ("query", taken(evolve(REQUEST, target=b"/v1/chat/completions?a=2"))),
    ("more of a query", taken(evolve(REQUEST, target=b"/v1/chat/completions?a=1&b=2"))),
    ("a name twice", taken(evolve(REQUEST, target=b"/v1/chat/completions?a=1&a=1"))),
    ("no query", taken(evolve(REQUEST, target=b"/v1/chat/completions"))),
    ("no value", taken(evolve(REQUEST, target=b"/v1/chat/completions?a"))),
    ("an empty value", taken(evolve(REQUEST, target=b"/v1/chat/completions?a="))),
    ("an encoded slash", taken(evolve(REQUEST, target=b"/v1/chat%2Fcompletions?a=1"))),
    ("an encoded percent sign", taken(evolve(REQUEST, target=b"/v1/chat%252Fcompletions?a=1"))),
    ("streaming", taken(STREAM)),
    ("scope", taken(scope=b"a")),
    ("another scope", taken(scope=b"b")),
    ("upstream's name", taken(upstream=parse_upstream("x=https://api.openai.com/v1"))),
    ("upstream's host", taken(upstream=parse_upstream("https://api.example.com/v1"))),
    ("upstream's port", taken(upstream=parse_upstream("https://api.openai.com:444/v1"))),
    ("upstream's scheme", taken(upstream=parse_upstream("http://api.openai.com/v1"))),
    ("the built-in model", taken(upstream=parse_upstream("demo:"))),
    ("no upstream", taken(upstream=None)),
    ("a counted field", taken(evolve(REQUEST, headers=Headers([(b"OpenAI-Beta", b"x")])))),
    ("another counted field", taken(evolve(REQUEST, headers=Headers([(b"OpenAI-Beta", b"y")])))),
    ("no body", taken(with_body(b""))),
    ("model", taken(with_body(BODY.replace(b"gpt-5", b"gpt-4")))),
    ("text", taken(with_body(BODY.replace(b"hi", b"hi ")))),
    ("two blocks", taken(with_body(BODY.replace(b'"hi"', b'[{"type":"text","text":"hi"},{"type":"text","text":""}]')))),
    ("another kind of block", taken(with_body(BODY.replace(b'"hi"', b'[{"type":"refusal","text":"hi"}]')))),
    ("a new member", taken(with_body(BODY[:-1] + b',"seed":1}'))),
    ("a number", taken(with_body(BODY[:-1] + b',"seed":2}'))),
    ("a false", taken(with_body(BODY[:-1] + b',"seed":false}'))),
    ("a duplicate key", taken(with_body(BODY[:-1] + b',"model":"gpt-5"}'))),
    ("a cut body", taken(with_body(BODY[:-1]))),
    ("a byte order mark", taken(with_body(b"\xef\xbb\xbf" + BODY))),
    ("two texts", taken(with_body(BODY + BODY))),
    ("the text as a string", taken(with_body(orjson.dumps(BODY.decode())))),
    ("of an API that is not known", taken(with_body(BODY[:-1] + b',"user":"u"}'), dialect=GENERIC)),
]
# Forms, by their fields: pairs that are the same, and pairs that are not.
FORMS = [
    (form(b"x", FIELD, FILE), form(b"another", FIELD, FILE), True),
    (form(b"x", FIELD, FILE), form(b"x", FIELD, QUOTED), True),
    (form(b"x", FIELD, FILE), form(b"x", FILE, FIELD), False),
    (form(b"x", FIELD, FILE), form(b"x", FIELD), False),
    (form(b"x", FIELD), form(b"x", (FIELD[0], b"whisper-2")), False),
    (form(b"x", FIELD), form(b"x", (FIELD[0].replace(b"model", b"mode"), FIELD[1])), False),
    (form(b"x", FILE), form(b"x", (FILE[0].replace(b"a.wav", b"b.wav"), FILE[1])), False),
    (form(b"x", FILE), form(b"x", (FILE[0] + b"\r\nContent-Type: audio/wav", FILE[1])), False),
    (
        of_type(b"application/x-www-form-urlencoded", b"a=1&b=+"),
        of_type(b"Application/X-WWW-form-urlencoded; x", b"%61=1&b=%20&"),
        True,
    ),
    (
        of_type(b"application/x-www-form-urlencoded", b"a=1&b=2"),
        of_type(b"application/x-www-form-urlencoded", b"b=2&a=1"),
        False,
    ),
    (
        of_type(b"application/x-www-form-urlencoded", b"a=1"),
        of_type(b"application/x-www-form-urlencoded", b"a=%2B1"),
        False,
    ),
    (of_type(b"multipart/form-data", b"--x"), of_type(b"multipart/form-data; boundary=x", b"--x"), True),
    (of_type(b"multipart/form-data; boundary=x", b"--x"), of_type(b"multipart/form-data; boundary=x", b"--x "), False),
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


@pytest.mark.parametrize(("one", "other", "same"), FORMS, ids=range(len(FORMS)))
def test_forms_are_compared_by_their_fields(one, other, same):
    assert (taken(one) == taken(other)) is same


def test_a_body_on_disk_is_compared_by_octets():
    spooled = taken(evolve(REQUEST, body=Spooled(BODY)))
    assert spooled == taken(evolve(REQUEST, body=Spooled(BODY)))
    assert spooled != taken(evolve(REQUEST, body=Spooled(BODY + b" ")))


def test_where_a_large_body_lies_does_not_count():
    data = b'{"pad":"' + b"a" * LOOKED_AT + b'"}'
    assert taken(with_body(data)) == taken(evolve(REQUEST, body=Spooled(data)))
    assert taken(with_body(data)) != taken(with_body(data + b" "))


@pytest.mark.parametrize("at", [0, 1, 65_530, 65_536, 65_540, LOOKED_AT])
def test_of_a_large_form_the_boundary_does_not_count(at):
    """Wherever it stands in the pieces that the body is read in."""
    audio = bytes(at) + b"\xff" * LOOKED_AT
    one, other, third = (
        form(name, FIELD, (FILE[0], audio)) for name in (b"boundary-1", b"b-2-longer-than-1", b"short-12")
    )
    assert taken(one) == taken(other) == taken(third)
    assert taken(one) != taken(form(b"boundary-1", FIELD, (FILE[0], audio + b"\xfe")))


@pytest.mark.parametrize("target", [b"?a=1&b=2&a=2", b"?b=2&a=1&a=2"])
def test_the_order_of_a_query_counts_among_equal_names_only(target):
    path = REQUEST.path
    assert taken(evolve(REQUEST, target=path + target)) == taken(evolve(REQUEST, target=path + b"?a=1&a=2&b=2"))
    assert taken(evolve(REQUEST, target=path + target)) != taken(evolve(REQUEST, target=path + b"?a=2&a=1&b=2"))


def test_a_colon_in_a_path_may_be_written_in_two_ways():
    one, other = (b"/model/anthropic.claude-v1%3A0/converse", b"/model/anthropic.claude-v1:0/converse")
    assert taken(evolve(REQUEST, target=one)) == taken(evolve(REQUEST, target=other))


def test_members_of_a_counted_field_have_no_order():
    fields = [(b"b,a",), (b"a", b"b"), (b" a , b",), (b"a,b",)]
    found = {taken(evolve(REQUEST, headers=Headers([(b"openai-beta", each) for each in given]))) for given in fields}
    assert len(found) == 1


def test_what_is_remembered_is_what_was_found():
    matcher = Matcher()
    for body in (BODY, BODY[:-1], b"", b"{}", BODY):
        assert taken(with_body(body), matcher=matcher) == taken(with_body(body), matcher=Matcher())
    as_form, as_json = of_type(b"application/x-www-form-urlencoded", b"a=%31"), with_body(b"a=%31")
    assert taken(as_form, matcher=matcher) != taken(as_json, matcher=matcher)
    assert taken(with_body(BODY), dialect=GENERIC, matcher=matcher) == taken(with_body(BODY), dialect=GENERIC)


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
    first, second = (taken(with_body(_written(each)), dialect=GENERIC) for each in (one, other))
    assert (first == second) is same


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_octets_have_one(one, other):
    first, second = taken(with_body(one)), taken(with_body(other))
    assert len(first) == 32
    assert first == taken(with_body(one))
    assert one == other or first != second or _loaded(one) == _loaded(other)


def test_it_is_a_plain_hash_of_what_the_docs_say():
    parts = [
        b"llmproxy-fp-2",
        MATCHER.digest,
        b"default",
        b"https://api.openai.com/v1",
        b"POST",
        REQUEST.path,
        b"-",
        b"",
    ]
    parts += [b"7:1:a2:=1", b""]
    expected = sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts))
    expected.update(b"octets:" + sha256(b"x").digest())
    assert taken(with_body(b"x")) == expected.digest()


def _loaded(data):
    return {} if (value := orjson.loads(data)) is None else value


def _plain(value):
    """Without what is empty, with the type of each member: True is 1 otherwise."""
    said = {name: member for name, member in value.items() if member is not None and member != []}
    return {name: f"{type(member).__name__} {member!r}" for name, member in said.items()}


def _written(value):
    return json.dumps(value).encode()
