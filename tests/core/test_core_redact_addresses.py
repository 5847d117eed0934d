"""Addresses, in targets and in fields: keys behind `;`, passwords before `@`, and addresses within addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.redact import REDACTED, Redactor
from proxy_daemon.core.redacted_address import redacted_address

SECRET = b"s3kr1t-V4lue"
REDACTOR = Redactor()
LONG = 300_000
FIELDS = [b"Location", b"Content-Location", b"Refresh", b"Link", b"Referer", b"Origin", b"X-Upload"]

PARAMETERS = [
    b"/x?a=1;key=%b",
    b"/x?key=%b;a=1",
    b"/x?key=a;%b",
    b"/x?key=a;%b;b=1",
    b"/x;key=%b?a=1",
    b"/x?a=1;k%%65y=%b#c",
    b"/x?a=b?key=%b",
    b"/x?X-Amz-Security-Token=%b",
    b"/x?x-amz-security%%2Dtoken=%b",
    b"/x?X-Goog-Credential=%b",
    b"/x?authorization=%b",
    b"/x?auth_token=%b",
    b"/x?bearer_token=%b",
    b"/login?next=https%%3A%%2F%%2Fh%%2Fx%%3Fkey%%3D%b",
    b"/login?next=%%2Fx%%3fa%%3d1%%26access%%255Ftoken%%3d%b%%26b%%3d1&c=2",
    b"/login?next=%%2Fx%%23id_token%%3D%b",
]
USERS = [
    (b"https://u:%b@x/", b"https://u:REDACTED@x/"),
    (b"https://u:%b@x:8080/p?a=1#b", b"https://u:REDACTED@x:8080/p?a=1#b"),
    (b"https://%b@x/", b"https://REDACTED@x/"),
    (b"https://%b:@x", b"https://REDACTED:@x"),
    (b"https://%b:x-oauth-basic@x", b"https://REDACTED:REDACTED@x"),
    (b"https://:%b@x", b"https://:REDACTED@x"),
    (b"https://x-access-token:%b@x", b"https://x-access-token:REDACTED@x"),
    (b"https://u:a@%b@x", b"https://u:REDACTED@x"),
    (b"https://u%%3A%b@x", b"https://REDACTED@x"),
    (b"https://u:%b%%40@x", b"https://u:REDACTED@x"),
    (b"//u:%b@x", b"//u:REDACTED@x"),
    (b"postgres://u:%b@x/db", b"postgres://u:REDACTED@x/db"),
    (b"/x?next=https://u:%b@x/", b"/x?next=https://u:REDACTED@x/"),
    (b"/x?next=https%%3A%%2F%%2Fu%%3A%b%%40x&a=1", b"/x?next=https%%3A%%2F%%2FREDACTED%%40x&a=1"),
    (b"/x?next=https%%3a//%b%%40x", b"/x?next=https%%3a//REDACTED%%40x"),
]
IN_FIELDS = [
    (b"5; url=https://u:%b@x/", b"5; url=https://u:REDACTED@x/"),
    (b'5;url="https://u:%b@x/"', b'5;url="https://u:REDACTED@x/"'),
    (b'<https://u:%b@x/>; rel="next"', b'<https://u:REDACTED@x/>; rel="next"'),
    (b"<//a/>; rel=a,<https://%b@x/>; rel=b", b"<//a/>; rel=a,<https://REDACTED@x/>; rel=b"),
]
PLAIN = [
    b"https://x/a@b",
    b"https://x/?m=a@b.example",
    b"https://git@host/x.git",
    b"ssh://user1@host",
    b"/v1/models/m@20250514:predict",
    b"/a//b:c@d/",
    b"//@x/",
    b"mailto:a:b@c",
    b"@",
    b"//",
    b"a@b//c",
    b"/x?next=https%3A%2F%2Fgit%40x%2Fy%3Fa%3Db",
    b"/x?a%3Dkey=b",
    b"/x;v=1;w=2",
    b"/x?a=%3Fkey%3D",
    b"/x?a=1;key",
    b"/x?a=1; key=2",
]
HOSTILE = [
    b"//",
    b"://",
    b"@",
    b"//@",
    b"//a",
    b":@",
    b";",
    b";a",
    b";=",
    b";key=",
    b"%3f",
    b"%3fkey",
    b"%3d",
    b"%40",
    b"%2f",
]


@pytest.mark.parametrize("target", PARAMETERS)
def test_parameters(target):
    redacted = REDACTOR.target(target % SECRET)
    assert SECRET not in redacted
    assert redacted == REDACTOR.target(redacted) != target % SECRET
    for kept in (b"a=1", b"b=1", b"%3d1", b"b%3d1", b"c=2", b"#c"):
        assert redacted.count(kept) == (target % SECRET).count(kept)


@pytest.mark.parametrize(("address", "redacted"), USERS)
def test_passwords_and_tokens_before_a_host(address, redacted):
    redacted = redacted.replace(b"%%", b"%")
    assert REDACTOR.target(address % SECRET) == redacted
    assert REDACTOR.target(redacted) is redacted
    for name in FIELDS:
        assert REDACTOR.headers(Headers([(name, address % SECRET)])).pairs == ((name, redacted),)


@pytest.mark.parametrize(("value", "redacted"), IN_FIELDS)
@pytest.mark.parametrize("name", FIELDS)
def test_addresses_within_the_text_of_a_field(name, value, redacted):
    fields = Headers([(b"A", b"b"), (name, value % SECRET), (b"Set-Cookie", SECRET)])
    assert REDACTOR.headers(fields).pairs == ((b"A", b"b"), (name, redacted), (b"Set-Cookie", REDACTED))


@pytest.mark.parametrize("address", PLAIN)
def test_what_is_no_secret_stays(address):
    assert REDACTOR.target(address) is address
    headers = Headers([(b"Location", address)])
    assert REDACTOR.headers(headers) is headers


@pytest.mark.parametrize("start", [b"", b"/x?", b"//", b"/x?key=", b"https://u:"])
@pytest.mark.parametrize("end", [b"", b"=x", b"@x", b"%40"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition_ends(unit, end, start):
    """Each would take hours if the search went back over what it has read."""
    text = start + unit * (LONG // len(unit)) + end
    assert redacted_address(redacted_address(text)) == redacted_address(text)


@given(st.text(st.sampled_from("ab1/:@?&#;=%3dDfF240 <>\"'\\"), max_size=60))
def test_any_text_is_redacted_once(text):
    once = redacted_address(text.encode())
    assert redacted_address(once) == once


@given(st.text(st.sampled_from("abcXYZ019-._~!$&'()*+,;=:@%"), min_size=1, max_size=30))
def test_no_password_stays(password):
    secret = ("S3kr1t" + password + "S3kr1t").encode()
    assert b"S3kr1t" not in redacted_address(b"https://user:" + secret + b"@host/path")
