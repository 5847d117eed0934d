"""Secrets in bodies that are not what their type says, or are written so that a quick look could pass them by."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.redact import REDACTED, Redactor
from proxy_daemon.core.secret_spans import secret_spans

SECRET = b"s3kr1t-V4lue"
TYPES = [
    *(b"", b"text/plain", b"application/json", b"application/x-www-form-urlencoded", b"text/event-stream"),
    *(b"application/octet-stream", b"application/x-ndjson", b"multipart/form-data; boundary=other"),
]
REDACTOR = Redactor()
LONG = 300_000

BODIES = [
    # forms
    b"a=1&client_secret=%b",
    b"client_secret=%b",
    b"client_secret=%b;a=1",
    b"a=1;client_secret=%b",
    b"a=1;client_secret=%b;b=2",
    b"client_secret=ab;%b",
    b"flag&client%%5fsecret=%b",
    b"a[b]=1&apiKey=%b",
    b"\xef\xbb\xbfclient_secret=%b&a=1",
    b"\n client_secret=%b",
    b"a=1\r\npassword=%b\r\n",
    b"a=1\nclient_secret = %b\n",
    # JSON
    b'{"access_token":"%b"}',
    b'\xef\xbb\xbf [{"access_token" : "%b"}]',
    b'{"access_token"\n:\n"%b"}',
    b'{"a":"open\n{"access_token":"%b"}\n',
    b'{"a":1}\r\n{"access_token":"%b"}\r\n',
    b'\x1e{"a":1}\n\x1e{"access_token":"%b"}\n',
    b'{"n":"a=1&b=2","access_token":"%b"}',
    b'{"openai_api_key":"%b"}',
    b'{"headers":{"Authorization":["%b"]}}',
    b'{"headers":{"Authorization":["a", "%b"],"x":"y"}}',
    b'{"headers":{"Authorization": [ "Bearer %b" }}',
    b'for(;;);{"access_token":"%b"}',
    b'callback({"access_token":"%b"})',
    # events
    b'data: {"access_token":"%b"}\n\n',
    b'event: x\ndata: {"access_token":\ndata:  "%b"}\n\n',
    b'data: {"access_token"\r\ndata:\r\ndata: :\r\ndata:"%b"}\n\n',
    # multipart
    b'--b1\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\n%b\r\n--b1--\r\n',
    b'--b1\nContent-Disposition: form-data; name="client_secret"\n\n%b\n--b1--\n',
    b'--b1\r\nContent-Type: application/json\r\n\r\n{"api_key":"%b"}\r\n--b1--\r\n',
    b'--===1==\r\nContent-Disposition: form-data; name=file\r\n\r\n{"a":1}\n{"api_key":"%b"}\r\n--===1==--\r\n',
]
UNTOUCHED = [
    b'{"Authorization":[],"api_key":[1,"x"],"id_token":[["x"]]}',
    b'{"required":["access_token","api_key"],"x":["y"]}',
    b'{"api_keys":"x","apikeyed":"y"}',
    b"a=1&codes=2;passwords=3",
    b"--b1\r\nno head ends here",
    b"--b1\r\nContent-Disposition: form-data; name=model\r\n\r\npassword\r\n--b1--\r\n",
    b"-- \r\n\r\n",
]
HOSTILE = [
    *(b"=", b";", b";a", b";=", b"a=;", b"\n=", b"\r", b"--", b"--\r\n", b"\r\n\r\n", b" name=", b';name="', b'"'),
    *(b'":["', b'","', b"\ndata:", b"data:", b" ", b"[", b"\n", b"a=1\n", b"\xd8\x00", b"\x00", b"{\x00"),
]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:50])
def test_whatever_the_type_says(body, kind):
    redacted = REDACTOR.body(kind, body % SECRET)
    assert SECRET not in redacted
    assert REDACTED in redacted
    assert REDACTOR.body(kind, redacted) == redacted
    assert REDACTOR.withholds(kind, Bytes(body % SECRET))


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("kind", [b"application/json", b"application/json; charset=utf-16", b""])
@pytest.mark.parametrize("body", ['{"access_token":"%s"}', '{"a":"Ģ\U0001f600\U0001f600é","access_token":"%s","b":[]}'])
def test_json_in_utf_16(body, kind, coding):
    text = body % SECRET.decode()
    data = text.encode(coding)
    assert REDACTOR.body(kind, data).decode(coding) == text.replace(SECRET.decode(), "REDACTED")
    assert REDACTOR.withholds(kind, Bytes(data))
    assert REDACTOR.body(kind, data + b"\xd8").startswith(REDACTOR.body(kind, data)[:-1])


def test_a_form_in_utf_16():
    data = "a=1&client_secret=s3\ud83d".encode("utf-16", "surrogatepass")
    assert REDACTOR.body(b"", data).decode("utf-16") == "a=1&client_secret=REDACTED"


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("body", UNTOUCHED)
def test_what_holds_no_secret_is_the_same_object(body, kind):
    assert REDACTOR.body(kind, body) is body


def test_values_that_overlap_are_replaced_once():
    """A form within JSON within a form: what one look finds ends where another begins, or within it."""
    data = b'a=1&client_secret={"access_token":"x"}&b={"api_key":"y"}'
    assert REDACTOR.body(b"", data) == b'a=1&client_secret=REDACTED&b={"api_key":"REDACTED"}'


def test_other_fields_of_a_form_stay():
    assert REDACTOR.body(b"", b"x=1;api_key=a;model=m&code=b;c") == b"x=1;api_key=REDACTED;model=m&code=REDACTED"


@pytest.mark.parametrize("kind", [b"", b"multipart/form-data; boundary=x"])
@pytest.mark.parametrize(
    "start", [b"a=", b'{"api_key":["', b"--x\n", b'"access_token"', b"\xff\xfe{\x00", b"\xfe\xff\x00{"]
)
@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition_ends(unit, start, kind):
    """Each would take hours if the search went back over what it has read."""
    data = start + unit * (LONG // len(unit))
    REDACTOR.body(kind, data)
    REDACTOR.withholds(kind, Bytes(data))


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0[", b"--", b"a=", b'{"id_token":']),
)
def test_spans_are_in_order_and_apart(data, start):
    for kind in TYPES:
        spans = secret_spans(kind, start + data)
        places = [place for span in spans for place in span]
        assert places == sorted(places)
        assert all(0 <= place <= len(start + data) for place in places)
        assert REDACTOR.body(kind, REDACTOR.body(kind, start + data)) == REDACTOR.body(kind, start + data)


@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_utf_16_is_redacted_as_the_same_text_in_utf_8(before, secret, coding):
    text = json.dumps({"a": before, "api_key": secret, "b": before}, ensure_ascii=False)
    wide = REDACTOR.body(b"", text.encode(coding)).decode(coding)
    assert wide == REDACTOR.body(b"", text.encode()).decode()


FIELDS = [
    *(b"Set-Cookie2", b"Cookie2", b"Proxy-Authorization", b"X-Amz-Security-Token", b"X-Amz-Security-Token-2-Secret"),
    *(b"Sec-WebSocket-Protocol", b"Cf-Access-Jwt-Assertion", b"X-Goog-IAP-JWT-Assertion", b"X-CSRFToken"),
    *(b"access_token", b"user_token", b"X-Amzn-Oidc-Accesstoken", b"X-Db-Passwd", b"X-Passphrase"),
]


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name):
    assert REDACTOR.headers(Headers([(name, SECRET)])).pairs == ((name, REDACTED),)


@pytest.mark.parametrize("name", [b"x-time-per_token", b"x-time_per-token", b"x-assertions", b"x-idtokens", b"cookies"])
def test_fields_that_look_like_them(name):
    headers = Headers([(name, SECRET)])
    assert REDACTOR.headers(headers) is headers


def test_a_body_that_is_coded_is_not_taken_for_text():
    data = gzip.compress(b"a=1&client_secret=" + SECRET)
    assert REDACTOR.body(b"application/x-www-form-urlencoded", data) is data
