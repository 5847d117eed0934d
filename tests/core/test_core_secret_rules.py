"""Rules of one's own: patterns, names and paths."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import Rule, Rules

JSON, FORM, SSE = b"application/json", b"application/x-www-form-urlencoded", b"text/event-stream"


def redactor(**said):
    return Redactor(Rules((Rule("tenant", **said),)))


@pytest.mark.parametrize(
    ("kind", "data", "safe"),
    [
        (JSON, b'{"a":"is acme-123456."}', b'{"a":"is REDACTED."}'),
        (JSON, b'{"a":"is acme-12345."}', b'{"a":"is acme-12345."}'),
        (FORM, b"a=acme-123456&b=1", b"a=REDACTED&b=1"),
        (b"", b"acme-123456acme-654321", b"REDACTEDREDACTED"),
        (
            SSE,
            b'data: {"delta":"acme-1"}\n\ndata: {"delta":"23456"}\n\n',
            b'data: {"delta":"REDACTED"}\n\ndata: {"delta":""}\n\n',
        ),
    ],
)
def test_a_pattern(kind, data, safe):
    assert redactor(pattern="acme-[0-9]{6}").body(kind, data) == safe


def test_a_pattern_in_fields_addresses_and_texts():
    mine = redactor(pattern="acme-[0-9]{6}")
    assert mine.headers(Headers([(b"x-any", b"of acme-123456")])).pairs == ((b"x-any", b"of REDACTED"),)
    assert mine.target(b"/v1/acme-123456/models") == b"/v1/REDACTED/models"
    assert mine.text("acme-123456 failed") == "REDACTED failed"
    assert mine.withholds(JSON, Bytes(b" " * 3_000_000 + b"acme-123456"))


def test_only_the_groups_of_a_pattern_go():
    assert redactor(pattern="tenant (acme)-([0-9]+)").body(JSON, b'"tenant acme-12"') == b'"tenant REDACTED-REDACTED"'


def test_letters_that_are_not_ascii():
    assert redactor(pattern="[äö]{2}").body(JSON, "x äö ä".encode()) == "x REDACTED ä".encode()


def test_names():
    mine = redactor(header=("X-Tenant",), query=("tenant-id",), form=("tenant",), json=("tenantId",))
    request = Request(
        b"POST",
        b"/v1?Tenant_ID=a&b=c",
        Headers([(b"x-tenant", b"a"), (b"b", b"c")]),
        Bytes(b'{"tenant_id":"a","b":"c"}'),
    )
    safe = mine.request(request)
    assert safe.target == b"/v1?Tenant_ID=REDACTED&b=c"
    assert safe.headers.pairs == ((b"x-tenant", b"REDACTED"), (b"b", b"c"))
    assert safe.body.whole() == b'{"tenant_id":"REDACTED","b":"c"}'
    assert mine.body(FORM, b"tenant=a&b=c") == b"tenant=REDACTED&b=c"


@pytest.mark.parametrize("value", ["12", "-1.5e3", "true", '["a","b"]', '{"a":{"b":"]"}}', "[[1],[2]]", '{"a":"\\"}"}'])
@pytest.mark.parametrize("path", ["ssn", "user.ssn"])
def test_a_named_value_that_is_no_text_becomes_one(path, value):
    data = b'{"user":{"ssn": %b ,"z":[1,"2"]}}' % value.encode()
    assert redactor(json=(path,)).body(JSON, data) == b'{"user":{"ssn": "REDACTED" ,"z":[1,"2"]}}'


@pytest.mark.parametrize("value", ["null", '""'])
@pytest.mark.parametrize("path", ["user.ssn"])
def test_what_is_not_there_stays(path, value):
    data = b'{"user":{"ssn":%b}}' % value.encode()
    assert redactor(json=(path,)).body(JSON, data) is data


@pytest.mark.parametrize(
    ("path", "data", "safe"),
    [
        ("user.email", b'{"user":{"email":"a@b"},"email":"c"}', b'{"user":{"email":"REDACTED"},"email":"c"}'),
        (
            "messages.*.name",
            b'{"messages":[{"name":"a"},{"name":"b"}]}',
            b'{"messages":[{"name":"REDACTED"},{"name":"REDACTED"}]}',
        ),
        (
            "messages.1.name",
            b'{"messages":[{"name":"a"},{"name":"b"}]}',
            b'{"messages":[{"name":"a"},{"name":"REDACTED"}]}',
        ),
        (
            "a.b",
            b'data: {"a":{"b":"c"}}\n\ndata: {"b":"d"}\n\n',
            b'data: {"a":{"b":"REDACTED"}}\n\ndata: {"b":"d"}\n\n',
        ),
        ("a.b", b'{"a":{"b":"c"}}\n{"b":"d"}\n', b'{"a":{"b":"REDACTED"}}\n{"b":"d"}\n'),
    ],
)
def test_paths(path, data, safe):
    assert redactor(json=(path,)).body(b"", data) == safe


@pytest.mark.parametrize(
    "data", [b'{"user":{"email":"s3cret"}', b'x{"user":{"email":"s3cret"}}', b'{"a":"\xff","email":"s3cret"}']
)
def test_what_cannot_be_read_is_redacted_by_the_last_name_of_a_path(data):
    assert b"s3cret" not in redactor(json=("user.email",)).body(JSON, data)


BAD = [
    ({}, "nothing to look for"),
    ({"name": ""}, "name"),
    ({"name": "1a", "pattern": "x"}, "name"),
    ({"pattern": "("}, "no pattern that RE2 reads"),
    ({"pattern": "(?=x)"}, "no pattern that RE2 reads"),
    ({"pattern": "((a{100}){100}){100}"}, "no pattern that RE2 reads"),
    ({"pattern": "x*"}, "matches where nothing stands"),
    ({"pattern": "x" * 5000}, "characters"),
    ({"header": ("",)}, "no name"),
    ({"json": ("a..b",)}, "no path"),
    ({"json": ("a.*",)}, "ends in"),
    ({"json": (".".join("a" * 60),)}, "steps"),
]


@pytest.mark.parametrize(("said", "why"), BAD)
def test_a_bad_rule_is_refused(said, why):
    with pytest.raises(ValueError, match=why):
        Rule(**{"name": "tenant", **said})


def test_rules_are_equal_by_what_they_say():
    assert Rules((Rule("a", "x"),)) == Rules((Rule("a", "x"),))
    assert hash(Rules((Rule("a", "x"),))) == hash(Rules((Rule("a", "x"),)))
    assert Rules((Rule("a", "x"),)) != Rules((Rule("a", "y"),))


@pytest.mark.parametrize("unit", [b'{"ssn":', b'{"ssn":[', b'{"a":{"ssn":{', b'"ssn":"', b"[", b'{"ssn":1}\n'])
@pytest.mark.parametrize("path", ["ssn", "a.ssn", "a.*.ssn"])
def test_hostile_repetition_ends(path, unit):
    redactor(json=(path,)).body(b"", unit * (100_000 // len(unit)))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\é\n', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


@given(values, st.text(min_size=1, max_size=9) | st.integers() | st.lists(st.integers(), min_size=1))
def test_a_named_value_is_gone_and_nothing_else(value, secret):
    document = {"first": value, "user": {"ssn": secret, "z": value}, "last": value}
    for path in ("ssn", "user.ssn"):
        safe = json.loads(redactor(json=(path,)).body(JSON, json.dumps(document).encode()))
        assert safe == {**document, "user": {"ssn": "REDACTED", "z": value}}
