"""The quick look says yes wherever a careful one finds something, and no for what most bodies are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import NAMED, SHAPES

from proxy_daemon.core.secret_look import in_body, in_values, looking, may_hold_member, member, names_member
from proxy_daemon.core.secret_names import MEMBERS

PLAIN = [
    b"",
    b'{"model":"m","messages":[{"role":"user","content":"Question 1?"}],"max_tokens":5}',
    b'{"usage":{"prompt_tokens":1,"total_tokens":2},"token":"a","tokens":["b"],"key":"c","keys":[]}',
    b'{"content":"caf\\u00e9, a task-1, a risk-2, monkeys"}',
    b'data: {"choices":[{"index":0,"delta":{"content":" words"}}]}\n\n',
]


@pytest.mark.parametrize("data", PLAIN)
def test_most_bodies_are_passed_over(data):
    assert not in_body(data)


@pytest.mark.parametrize("secret", [*SHAPES.values(), *("".join(pair) for pair in NAMED.values())])
def test_each_shape(secret):
    assert in_body(b"x " + secret.encode())
    assert in_values(b"x " + secret.encode())


@pytest.mark.parametrize("value", [b"/v1?a=b", b"#a", b"https://a@b"])
def test_values_that_may_be_addresses(value):
    assert in_values(value)
    assert not in_values(b"application/json\n12\nkeep-alive")


def test_names_and_patterns_of_ones_own():
    body, values = looking([b"tenantid"], [b"acme-[0-9]"])
    for data in (b'{"tenant_ID":1}', b'"Tenant.Id"', b"acme-1", b'"api_key":'):
        assert body(data)
        assert not in_body(data) or data == b'"api_key":'
    assert values(b"acme-1")
    assert not body(b"tenantid")


@given(st.sampled_from(sorted(MEMBERS)), st.lists(st.sampled_from("-_."), max_size=30), st.booleans())
def test_however_a_name_is_spelt(name, marks, upper):
    spelt = "".join(letter + (marks[at] if at < len(marks) else "") for at, letter in enumerate(name.decode())).encode()
    data = b'{"a":1,"%b":2}' % (spelt.upper() if upper else spelt)
    assert in_body(data)
    assert may_hold_member(data)
    assert names_member(data)
    assert re.search(member(name), data)
