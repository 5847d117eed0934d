"""Matching and redaction over real traffic: what is equal is found, what differs is not, nothing else is changed."""

import json
import os
from collections import defaultdict
from urllib.parse import parse_qsl

import corpus
import orjson
import pytest
from attrs import evolve
from counted import counted

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.matching.nearness.difference import request_differences
from proxy_daemon.core.redact import REDACTED, Redactor
from proxy_daemon.core.redacted_response import redacted_response
from proxy_daemon.core.secret_names import FORM_FIELDS, MEMBERS, is_secret_field, plain_name
from proxy_daemon.core.upstreams import parse_upstream

REDACTOR, MATCHER = Redactor(), Matcher()
HOMES = {"https://api.openai.com": "openai", "https://api.anthropic.com": "anthropic"}
HOMES["https://generativelanguage.googleapis.com"] = "google"
STRICT = json.JSONDecoder(parse_float=lambda text: ("number", text), parse_int=lambda text: ("number", text))
REWRITTEN = json.JSONDecoder(parse_float=orjson.Fragment, parse_int=orjson.Fragment)


@pytest.fixture(scope="module")
def traffic():
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    found = list(corpus.interactions())
    assert len(found) > 2000
    return found


def taken(one, request=None):
    """As the pipeline takes it: from the redacted request, by its dialect."""
    request = request or one.request
    dialect = recognise(request, BUILT_IN)
    return MATCHER.fingerprint(REDACTOR.request(request), dialect, parse_upstream(one.host), b"")


def parsed(data):
    """The body's meaning with each number by its text; the octets where it has none."""
    try:
        return STRICT.decode(data.decode()) if data[:1] in (b"{", b"[") else data
    except ValueError:
        return data


def meaning(one, request=None):
    """What must be equal in equal requests, by a second and slower rule."""
    return counted(one.host, REDACTOR.request(request or one.request))


def json_bodies(traffic):
    return [one for one in traffic if isinstance(parsed(one.request.body.data), dict)]


def with_body(one, data):
    return evolve(one.request, body=Bytes(data))


def test_requests_share_a_fingerprint_exactly_where_they_are_equal(traffic):
    by_meaning, by_fingerprint = defaultdict(set), defaultdict(set)
    for one in traffic:
        by_meaning[meaning(one)].add(taken(one))
        by_fingerprint[taken(one)].add(meaning(one))
    assert len(by_meaning) > 1000
    assert [key for key, values in by_meaning.items() if len(values) > 1] == []
    assert [keys for keys in by_fingerprint.values() if len(keys) > 1] == []


def test_key_order_spacing_and_headers_do_not_change_it(traffic):
    for one in json_bodies(traffic):
        members = REWRITTEN.decode(one.request.body.data.decode())
        backwards = orjson.dumps(dict(reversed(members.items())), option=orjson.OPT_INDENT_2)
        other = evolve(with_body(one, backwards), headers=one.request.headers.plus((b"X-Try", b"2")))
        assert taken(one, other) == taken(one), one.file


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body | {"llmproxy": 0},
        lambda body: dict(list(body.items())[1:]),
        lambda body: {**body, list(body)[-1]: [body[list(body)[-1]]]},
        lambda body: [body],
    ],
    ids=["a member more", "a member less", "one value changed", "wrapped"],
)
def test_a_changed_body_has_another(traffic, change):
    """But where the change is one that does not count: a dropped null, a block of text around a text."""
    passed_over = 0
    for one in json_bodies(traffic):
        if parsed(one.request.body.data):
            changed = orjson.dumps(change(REWRITTEN.decode(one.request.body.data.decode())))
            other = with_body(one, changed)
            same = taken(one, other) == taken(one)
            assert same == (meaning(one, other) == meaning(one)), one.file
            passed_over += same
    assert passed_over < 40


def test_a_changed_character_has_another(traffic):
    """In the middle of the body, wherever that is: within an id or a signature it is passed over."""
    passed_over = 0
    for one in traffic:
        data = one.request.body.data
        middle = len(data) // 2
        changed = data[:middle] + (b"7" if data[middle : middle + 1] != b"7" else b"8") + data[middle + 1 :]
        if data and parsed(changed) != parsed(data):
            same = taken(one, with_body(one, changed)) == taken(one)
            assert same == (meaning(one, with_body(one, changed)) == meaning(one)), one.file
            passed_over += same
    assert passed_over < 200


def test_a_changed_target_or_method_has_another(traffic):
    for one in traffic:
        mark = b"&" if one.request.query else b"?"
        target = one.request.target + mark + b"llmproxy=1"
        assert taken(one, evolve(one.request, target=target)) != taken(one)
        assert taken(one, evolve(one.request, method=b"PATCH" + one.request.method)) != taken(one)


def test_near_misses_are_never_served_for_each_other_and_are_explained(traffic):
    """Exact matching: also those that a fuzzy rule may take for the same."""
    places = {(one.file, one.index): one for one in traffic}
    pairs = [(label, places[a], places[b]) for label, a, b in corpus.labelled_pairs() if a in places and b in places]
    assert {label for label, _, _ in pairs} == {"same", "different", "policy"}
    for label, one, other in pairs:
        equal = meaning(one) == meaning(other)
        assert (taken(one) == taken(other)) is equal
        assert equal == (label == "same") or label == "policy"
        safe, beside = REDACTOR.request(one.request), REDACTOR.request(other.request)
        lines = request_differences(safe, beside)
        assert (lines == []) is (safe.body == beside.body and safe.target == beside.target)
        assert len(lines) <= 14
        assert all(line.isprintable() and len(line) < 500 for line in lines)


def named(value):
    """Whether a member with a secret's name and a string stands anywhere."""
    if isinstance(value, dict):
        return any(
            (plain_name(name.encode()) in MEMBERS and isinstance(inner, str)) or named(inner)
            for name, inner in value.items()
        )
    return isinstance(value, list) and any(map(named, value))


def holds_secret(kind, data):
    if b"form-urlencoded" in kind:
        return any(plain_name(name.encode()) in FORM_FIELDS for name, _ in parse_qsl(data.decode("latin-1")))
    return named(parsed(data))


def test_bodies_without_secrets_stay_to_the_octet(traffic):
    """And those with one change in nothing but its value."""
    edited = 0
    for one in traffic:
        for message in (one.request, one.response):
            headers = message.headers if message is one.request else message.head.headers
            kind, data = headers.get(b"content-type").lower(), message.body.data
            safe = REDACTOR.body(kind, data)
            if holds_secret(kind, data):
                edited += 1
                assert safe != data or REDACTED in data, one.file
                assert not REDACTOR.spans(kind, safe) or set(_values(kind, safe)) == {REDACTED}
            else:
                assert safe is data, one.file
    assert edited > 5


def _values(kind, data):
    return [data[start:end] for start, end in REDACTOR.spans(kind, data)]


def test_recorded_responses_without_secrets_keep_body_and_pieces(traffic):
    for one in traffic:
        kind = one.response.head.headers.get(b"content-type").lower()
        if not holds_secret(kind, one.response.body.data):
            safe = redacted_response(REDACTOR, one.response)
            assert safe.body is one.response.body, one.file
            assert safe.pieces is one.response.pieces


def test_only_secret_fields_change(traffic):
    gone = 0
    for one in traffic:
        for headers in (one.request.headers, one.response.head.headers):
            for before, after in zip(headers.pairs, REDACTOR.headers(headers).pairs, strict=True):
                if is_secret_field(before[0]):
                    gone += 1
                    assert after == (before[0], REDACTED)
                elif b"?" not in before[1]:
                    assert after == before
    assert gone > 1000


def test_dialects_know_their_own_makers(traffic):
    for one in traffic:
        dialect = recognise(one.request, BUILT_IN)
        compatible = b"/openai/" in one.request.path  # Google answers in OpenAI's way there
        if one.host in HOMES and dialect.generates(one.request) and not compatible:
            assert dialect.upstream_name == HOMES[one.host], (one.file, one.request.target)
