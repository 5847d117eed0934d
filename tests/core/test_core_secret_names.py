"""Names of secrets, and names that look like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import secret_names
from proxy_daemon.core.secret_look import may_hold_member, names_member
from proxy_daemon.core.secret_names import (
    FORM_FIELDS,
    LONGEST,
    MEMBERS,
    is_secret_field,
    is_secret_form_field,
    is_secret_member,
    is_secret_parameter,
    names_form_field,
)

WINDOW = 64 * 1024
PLAIN_FIELDS = [
    b"accept",
    b"content-type",
    b"x-request-id",
    b"x-ratelimit-remaining-tokens",
    b"x-ratelimit-limit-tokens",
    b"x-ratelimit-key",
    b"x-time-per-token",
    b"x-project-count",
    b"organizer",
    b"anthropic-version",
    b"openai-beta",
    b"openai-processing-ms",
    b"idempotency-key",
    b"Idempotency-Key",
    b"Sec-WebSocket-Key",
    b"surrogate-key",
    b"x-litellm-key-spend",
    b"monkey",
    b"access-control-allow-credentials",
    b"www-authenticate",
    b":authority",
    b"author",
    b"x-author-id",
    b"tokenizer",
    b"x-api-keyboard",
    b"",
]


@pytest.mark.parametrize("name", PLAIN_FIELDS)
def test_other_fields_are_no_secrets(name):
    assert not is_secret_field(name)
    assert not is_secret_field(name.upper())


@pytest.mark.parametrize("name", [b"x" * LONGEST + b"-api-key", b"secret" * 10_000])
def test_long_names_are_looked_at_and_not_remembered(name):
    before = secret_names._known_field.cache_info().currsize
    assert is_secret_field(name)
    assert secret_names._known_field.cache_info().currsize == before


@pytest.mark.parametrize("name", [b"max_tokens", b"page_token", b"keys", b"monkey", b"encode", b"", b"%", b"k%zzy"])
def test_other_parameters_are_no_secrets(name):
    assert not is_secret_parameter(name)


@pytest.mark.parametrize("name", [b"token", b"tokens", b"key", b"code", b"password", b"secret", b"authorized", b"\\u"])
def test_other_members_are_no_secrets(name):
    """Logprobs have a `token` each, tools and errors a `code` and a `key`."""
    assert not is_secret_member(name)


def spelt(name):
    """The ways in which one name is written."""
    text = name.decode()
    return st.tuples(*[st.sampled_from(["", "-", "_", "."]) for _ in text], st.booleans()).map(
        lambda drawn: "".join(
            mark + (letter.upper() if drawn[-1] else letter) for mark, letter in zip(drawn, text, strict=False)
        ).encode()
    )


@given(st.sampled_from(sorted(MEMBERS)).flatmap(spelt))
def test_however_a_member_is_spelt(name):
    assert is_secret_member(name)
    assert is_secret_member(b"".join(b"\\u%04X" % octet for octet in name))


@given(st.sampled_from(sorted(FORM_FIELDS)).flatmap(spelt))
def test_however_a_form_field_is_spelt(name):
    assert is_secret_form_field(name)
    assert is_secret_form_field(b"".join(b"%%%02x" % octet for octet in name))


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_the_cheap_look_finds_every_name(name):
    assert may_hold_member(b'{"' + name + b'":')
    assert may_hold_member(b'{"' + name.upper() + b'":')
    assert names_member(b'{"' + name + b'":')


@pytest.mark.parametrize("name", [b"access_token", b"A-P-I.Key", b"x_api_key"])
@pytest.mark.parametrize("before", [0, WINDOW - 12, WINDOW - 5, WINDOW - 1, WINDOW, 2 * WINDOW - 3])
def test_across_windows(name, before):
    data = b" " * before + b'"' + name + b'":' + b" " * WINDOW
    assert names_member(data)
    assert may_hold_member(data)


@pytest.mark.parametrize(
    "data", [b"", b'"token":', b'"prompt_tokens":1', b"access_token", b'"key":"a"', b'"secret"', b'"caf\\u00e9"']
)
def test_most_bodies_are_passed_over(data):
    assert not may_hold_member(data)
    assert not names_member(data)


@pytest.mark.parametrize("data", [b"code=1", b'name="code"\r\n', b"name=code\r\n", b"a=b&Client%5fSecret=x"])
def test_forms_that_name_one(data):
    assert names_form_field(data)


@pytest.mark.parametrize("data", [b"", b"code", b'a="x"&codes=1', b"grant_type=client_credentials"])
def test_forms_that_name_none(data):
    assert not names_form_field(data)
