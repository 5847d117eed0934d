"""Redaction changes what it must and not an octet more. What must never leak stands in a file of its own."""

import json
import tracemalloc

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.redact import REDACTED, Redactor
from proxy_daemon.core.secret_names import MEMBERS

JSON, FORM, SSE = b"application/json", b"application/x-www-form-urlencoded", b"text/event-stream"
PARTS = b'Multipart/Form-Data; boundary="x"'
REDACTOR = Redactor()
MIB = 1024 * 1024
NAMES = sorted(MEMBERS)
PLAIN_FIELDS = [b"accept", b"content-type", b"x-project-count", b"organizer", b"openai-beta", b"tokenizer", b""]
PLAIN_TARGETS = [
    b"",
    b"*",
    b"/",
    b"/key=value",
    b"/v1/models?limit=3&after=x",
    b"/v1?monkey=1&keys=2&tokens=3",
    b"/v1?key",
    b"/v1?page_key=1&sort-key=2&apikeys=3",
    b"/v1?key=",
    b"/v1?alt=sse&max_token=1",
    b"/v1?na%20me=1&%=2&%zz=3",
    b"/v1?x=key%3Dvalue",
    b"\xff\xfe?\xff=\xfe",
]
PLAIN_BODIES = [
    (JSON, b""),
    (JSON, b"null"),
    (JSON, b'{"usage":{"prompt_tokens":1,"total_tokens":2},"token":"tok","tokens":["a"]}'),
    (JSON, b'{"text":"my \\"access_token\\":\\"abc\\" is here"}'),
    (JSON, b'{"text":"access_token"}'),
    (JSON, b'["access_token","client_secret"]'),
    (JSON, b'{"required":["access_token"],"api_key":{"type":"string"}}'),
    (JSON, b'{"access_token":null,"refresh_token":12,"id_token":[{"x":"y"}],"api_key":[1]}'),
    (JSON, b'{"client_secret":{"expires_at":"1","type":"x"},"value":"v"}'),
    (JSON, b'{"apikey":{"a":{"value":"deeper is not ours"}}}'),
    (SSE, b'data: {"token":"a"}\n\ndata: access_token\n\n: "access_token": x\n'),
    (JSON, b'{"content":"caf\\u00e9 \\u0041"}'),
    (JSON, b'{"x\\u005faccess_token":"v","access_tokens":"v","my_client_secret":"v"}'),
    (JSON, b"a client_secret=abc"),
    (JSON, b'{"access_token"'),
    (JSON, b'{"access_token":'),
    (JSON, b'"'),
    (JSON, b'\\"\\'),
    (b"text/plain", b'access_token "access_token" : abc'),
    (b"text/html", b'<a href="/x?a=1&code=5&client_secret=abc">here</a>'),
    (b"text/plain", b"if x=1 then\ncode=2"),
    (b"", b"AAAA" * 2000 + b"=="),
    (b"", b"code"),
    (b"", b"\xff\xfea=1"),
    (b"", '\ufeff{"a":"b"}'.encode("utf-16-le")),
    (b"text/x", b"--- a\n+++ b\n-password=1\n"),
    (PARTS, b""),
    (PARTS, b"no boundary"),
    (PARTS, b"--x"),
    (PARTS, b'--x\r\nname="client_secret"'),
    (PARTS, b'--x\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\n\r\n--x--\r\n'),
    (PARTS, b'--x\r\nContent-Disposition: form-data; name="file"; filename="api_key"\r\n\r\nabc\r\n--x--\r\n'),
    (b"application/octet-stream", b"\x00\xff" * 100),
    (FORM, b""),
    (FORM, b"grant_type=client_credentials&scope=a"),
    (FORM, b"client_secret=&codes=1&encode=2"),
    (FORM, b"client_secret"),
    (FORM, b"%&%zz&=&&\xff"),
]
EDITED = [
    (JSON, b'{"a": 1.0, "access_token":"x" ,"b":1e3}', b'{"a": 1.0, "access_token":"REDACTED" ,"b":1e3}'),
    (JSON, b'{"access_token":"a\\"b","z":"\\u0041"}', b'{"access_token":"REDACTED","z":"\\u0041"}'),
    (JSON, b'{"access\\u005ftoken":"x"}', b'{"access\\u005ftoken":"REDACTED"}'),
    (JSON, b'{"id_token":"a","id_token":"b"}', b'{"id_token":"REDACTED","id_token":"REDACTED"}'),
    (JSON, b'{"x-API-key":"a","n":{"value":1}}', b'{"x-API-key":"REDACTED","n":{"value":1}}'),
    (
        JSON,
        b'{"client_secret": {"expires_at": 1, "value": "ek_1"}, "id": "x"}',
        b'{"client_secret": {"expires_at": 1, "value": "REDACTED"}, "id": "x"}',
    ),
    (
        SSE,
        b'data: it is 6" long\n\ndata: {"apiKey":"a"}\r\rdata: {"x":"open\n\ndata: {"id_token":"b"}\n\n',
        b'data: it is 6" long\n\ndata: {"apiKey":"REDACTED"}\r\rdata: {"x":"open\n\ndata: {"id_token":"REDACTED"}\n\n',
    ),
    (
        PARTS,
        b'pre --x\r\nA: b; name="code"\r\n\r\n1\r\n2\r\n--x\r\nA: b; name=model\r\n\r\nm\r\n--x--\r\n',
        b'pre --x\r\nA: b; name="code"\r\n\r\nREDACTED\r\n--x\r\nA: b; name=model\r\n\r\nm\r\n--x--\r\n',
    ),
    (PARTS, b"--x\r\nA: b; name=refresh_token\r\n\r\ncut", b"--x\r\nA: b; name=refresh_token\r\n\r\nREDACTED"),
    (FORM, b"a=%41&client_secret=b%20c&d=+", b"a=%41&client_secret=REDACTED&d=+"),
    (FORM, b"&client%5fsecret=x&&=", b"&client%5fsecret=REDACTED&&="),
]
WITHHELD = [
    b'"access_token"',
    b'client_Secret"',
    b'\\u0061ccess_token"',
    b"".join(b"\\u%04x" % c for c in b'id_token"'),
]

texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.sampled_from([name.decode() for name in NAMES]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def test_fields_without_secrets_are_the_same_object():
    headers = Headers([(name, b"a?b=c&d") for name in PLAIN_FIELDS])
    assert REDACTOR.headers(headers) is headers


def test_order_case_and_repetition_of_fields_stay():
    pairs = [(b"B", b"1"), (b"Authorization", b"x"), (b"a", b"2"), (b"B", b"3"), (b"AUTHORIZATION", b"")]
    redacted = REDACTOR.headers(Headers(pairs))
    assert redacted.pairs == (pairs[0], (b"Authorization", REDACTED), *pairs[2:4], (b"AUTHORIZATION", REDACTED))


@pytest.mark.parametrize("target", PLAIN_TARGETS)
def test_other_targets_are_the_same_object(target):
    assert REDACTOR.target(target) is target


def test_only_the_value_of_a_parameter_changes():
    assert REDACTOR.target(b"/a%20b?x=1&KEY=a%26b&k%65y=c&y#f") == b"/a%20b?x=1&KEY=REDACTED&k%65y=REDACTED&y#f"


@pytest.mark.parametrize(("kind", "data"), PLAIN_BODIES)
def test_other_bodies_are_the_same_object(kind, data):
    assert REDACTOR.body(kind, data) is data
    assert REDACTOR.spans(kind, data) == []


@pytest.mark.parametrize(("kind", "data", "redacted"), EDITED)
def test_only_the_span_of_a_value_changes(kind, data, redacted):
    assert REDACTOR.body(kind, data) == redacted


def test_a_request_without_secrets_is_the_same_object():
    request = Request(b"POST", b"/v1?a=b", Headers([(b"content-type", JSON)]), Bytes(b'{"a":1}'))
    assert REDACTOR.request(request) is request


def test_a_request_is_not_called_redacted_because_an_equal_one_came_before():
    for _ in range(3):
        request = Request(b"GET", b"/", Headers([(b"x-one", b"two")]))
        assert REDACTOR.request(request) is request


def test_a_body_that_is_not_in_memory_stays():
    class Spooled(Bytes):
        def whole(self):
            return None

    body = Spooled(b'{"access_token":"x"}')
    safe = REDACTOR.request(Request(b"POST", b"/?key=x", Headers([(b"content-type", JSON)]), body))
    assert safe.target == b"/?key=REDACTED"
    assert safe.body is body


@pytest.mark.parametrize("name", WITHHELD)
@pytest.mark.parametrize("before", [0, 1, MIB - 40, MIB - 1, MIB, 2 * MIB - 5])
def test_a_name_is_found_across_the_parts_of_a_large_body(name, before):
    assert REDACTOR.withholds(JSON, Bytes(b" " * before + name + b" " * 1000))


@pytest.mark.parametrize("kind", [JSON, FORM])
def test_a_large_body_without_a_name_is_not_withheld(kind):
    assert not REDACTOR.withholds(kind, Bytes(b'{"x":"caf\\u00e9 100%"}' * 100_000))


@pytest.mark.parametrize("size", [1, 200_000])
@pytest.mark.parametrize("unit", [b'"', b"\\", b'"\\', b'{"', b'":"', b'"a":', b'"access_token":', b"\\u0041", b"&="])
def test_hostile_repetition_ends(unit, size):
    """Each would take hours if the search went back over what it has read."""
    data = b'{"api_key"' + unit * size
    assert len(REDACTOR.body(JSON, data)) >= size
    REDACTOR.body(FORM, data)


def test_redaction_needs_no_memory_without_a_secret():
    data = b'{"prompt_tokens":"' + b"a" * (4 * MIB) + b'"}'
    tracemalloc.start()
    try:
        assert REDACTOR.body(JSON, data) is data
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200))
def test_any_octets_pass_and_redaction_is_idempotent(data):
    for kind in (JSON, FORM, SSE, PARTS, b""):
        once = REDACTOR.body(kind, data)
        assert REDACTOR.body(kind, once) == once
    target = REDACTOR.target(data)
    assert REDACTOR.target(target) == target


@given(values)
def test_json_without_our_names_as_keys_is_untouched(value):
    for data in (orjson.dumps(value, default=str) if _fits(value) else b"", json.dumps(value).encode()):
        assert REDACTOR.body(JSON, data) is data


@given(values, st.sampled_from(NAMES), st.text(min_size=9), st.booleans())
def test_a_value_of_our_names_is_gone_wherever_it_stands(value, name, secret, ascii_only):
    document = {"first": value, "deep": [{name.decode(): secret, "z": [secret == "", 1.5]}], "last": value}
    redacted = json.loads(REDACTOR.body(JSON, json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "replace")))
    assert redacted["deep"] == [{name.decode(): "REDACTED", "z": [False, 1.5]}]
    assert set(redacted) == set(document)


def _fits(value):
    """What orjson writes: integers of 64 bits, no lone surrogates (Hypothesis makes none)."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (b"MISTRAL_API_KEY%3Da1B2c3D4e5F6g7H8i9J0", True),
        (b"use+sk-proj-%61B1c2D3e4F5g6H7i8J9k0L1", True),
        (b"100%+of+sk%2Dproj-aB1c2D3e4F5g6H7i8J9k0", True),
        (b"a%20plain+text+of+many+words", False),
        (b"%20sk-proj-aB1c2D3e4F5g6H7i8J9k0+API_KEY%3Da1B2c3D4e5F6g7H8i9J0", True),
        (b"100%25+sure+and+nothing+else", False),
        (b"%00%01%02aB1c2D3e4F5g6H7i8J9k0", False),
        (b"short%3D", False),
    ],
)
def test_what_the_coding_of_a_form_hides(value, secret):
    data = b"note=" + value + b"&z=1"
    assert Redactor().body(FORM, data) == (b"note=REDACTED&z=1" if secret else data)


@pytest.mark.parametrize("line", [b"a=b%41\n", b"a=b%\n", b"a=%41;", b"a=b;c=%"])
def test_a_form_of_many_fields_costs_what_it_is_long(line):
    assert Redactor().body(FORM, line * 50_000) == line * 50_000
