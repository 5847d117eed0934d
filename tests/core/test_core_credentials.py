"""Whose request it is: equal for equal credentials, different for different ones, and never the credential."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy_daemon.core.credentials import credential, with_secrets
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.redact import REDACTED, Redactor

KEY = bytes(range(16))
SECRET = b"sk-proj-0123456789"
FIELDS = [
    b"authorization",
    b"x-api-key",
    b"api-key",
    b"x-goog-api-key",
    b"cookie",
    b"openai-organization",
    b"openai-project",
    b"x-auth-token",
    b"x-amz-security-token",
]


def _of(*pairs, target=b"/v1/x", key=KEY):
    return credential(Headers(pairs), target, key)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_counts_however_it_is_spelled(name):
    found = _of((name, SECRET))
    assert len(found) == 16
    assert found == _of((name.upper(), SECRET), (b"Other", b"1"))
    assert found != _of((name, SECRET + b"x"))
    assert SECRET not in found


@pytest.mark.parametrize(
    "target",
    [
        b"/x?key=%b",
        b"/x?KEY=%b",
        b"/x?a=1&key=%b&b=2",
        b"/x?a?b&key=%b",
        b"/x?api_key=%b",
        b"/x?api-key=%b",
        b"/x?apikey=%b",
        b"/x?access_token=%b",
        b"/x?token=%b",
        b"/x?X-Amz-Signature=%b",
        b"/x?client_secret=%b",
        b"/x?key=1&key=%b",
    ],
)
def test_keys_in_the_query_count(target):
    found = _of(target=target % SECRET)
    assert len(found) == 16
    assert found == _of(target=target % SECRET + b"&more=1")
    assert found != _of(target=target % b"another")


@pytest.mark.parametrize(
    "target",
    [
        b"/x",
        b"/x?",
        b"/key=abc",
        b"/x?monkey=abc",
        b"/x?keys=abc",
        b"/x?model=a;key",
        b"/x?key",
        b"*",
        b"",
    ],
)
def test_no_credential_is_empty(target):
    assert _of((b"Host", b"h"), (b"X-Api-Keys", SECRET), target=target) == b""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([(b"authorization", b"a")], [(b"x-api-key", b"a")]),
        ([(b"authorization", b"a"), (b"authorization", b"b")], [(b"authorization", b"ab")]),
        ([(b"authorization", b"a"), (b"authorization", b"b")], [(b"authorization", b"b"), (b"authorization", b"a")]),
        ([(b"authorization", b"a"), (b"x-api-key", b"b")], [(b"authorization", b"ax-api-key:1:b")]),
        ([(b"authorization", b"a"), (b"x-api-key", b"b")], [(b"authorization", b"ax-api-key:0:b")]),
        ([(b"authorization", b"a"), (b"x-api-key", b"b")], [(b"authorization", b"a")]),
        ([(b"authorization", b"a"), (b"openai-project", b"p")], [(b"authorization", b"a"), (b"openai-project", b"q")]),
        ([(b"authorization", b"")], []),
        ([(b"authorization", b"a ")], [(b"authorization", b"a")]),
        ([(b"authorization", b"A")], [(b"authorization", b"a")]),
    ],
)
def test_different_credentials_differ(first, second):
    assert _of(*first) != _of(*second)


def test_a_key_in_the_query_is_not_one_in_a_field():
    assert _of((b"api-key", SECRET)) != _of(target=b"/x?api-key=" + SECRET)


def test_the_order_of_different_fields_does_not_count():
    pairs = [(b"X-Api-Key", b"1"), (b"Authorization", b"2"), (b"Cookie", b"3")]
    assert _of(*pairs) == _of(*reversed(pairs))


def test_another_store_gives_another_hash():
    assert _of((b"cookie", SECRET)) != _of((b"cookie", SECRET), key=KEY[::-1])


GIVEN = st.lists(st.tuples(st.sampled_from(FIELDS), st.binary(max_size=20)), max_size=4)


@given(GIVEN, GIVEN)
def test_equal_only_where_each_field_has_equal_values(first, second):
    values = [{name: Headers(pairs).all(name) for name in FIELDS} for pairs in (first, second)]
    assert (_of(*first) == _of(*second)) is (values[0] == values[1])


@given(st.binary(max_size=60))
def test_what_redaction_takes_out_of_a_target_makes_a_credential(text):
    target = b"/x?" + text
    redacted = Redactor().target(target)
    assert len(_of(target=target)) == (16 if redacted != target else 0)


@pytest.mark.parametrize("name", [b"X-Auth-Token", b"My-Api-Key", b"X-Client-Secret", *FIELDS])
def test_two_clients_that_redaction_makes_alike_are_told_apart(name):
    first, second = Headers([(name, b"first")]), Headers([(name, b"second")])
    assert Redactor().headers(first) == Redactor().headers(second)
    assert credential(first, b"/", KEY) != credential(second, b"/", KEY)


def test_a_client_that_writes_the_redacted_form_is_nobody_elses():
    assert _of(target=b"/x?key=" + REDACTED) != _of(target=b"/x?key=" + SECRET)


@given(st.binary(min_size=1, max_size=20))
def test_the_path_does_not_count(secret):
    assume(not {b"&"[0], b"#"[0]} & set(secret) and secret != REDACTED)
    assert _of(target=b"/x?key=" + secret) == _of(target=b"/y?z=1&key=" + secret)


def test_secrets_of_a_body_count_each_for_itself():
    given = [(b"", [b"a"]), (b"", [b"b"]), (b"", [b"a", b"b"]), (b"", [b"ab"]), (b"c", [b"a"]), (b"", [])]
    found = [with_secrets(credential, secrets, KEY) for credential, secrets in given]
    assert len(set(found)) == len(given)
    assert with_secrets(b"", [b"a"], KEY[::-1]) != found[0]
