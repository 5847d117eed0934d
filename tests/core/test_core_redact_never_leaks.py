"""What must never reach the disk: one table of requests, each with a secret somewhere, and none with it afterwards."""

import orjson
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.redact import REDACTED, Redactor

SECRET = b"s3kr1t-V4lue"
JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
REDACTOR = Redactor()

FIELDS = [
    b"Authorization",
    b"AUTHORIZATION",
    b"Proxy-Authorization",
    b"x-api-key",
    b"X-Api-Key",
    b"api-key",
    b"x-goog-api-key",
    b"X-Goog-Api-Key",
    b"Cookie",
    b"Set-Cookie",
    b"OpenAI-Organization",
    b"OpenAI-Project",
    b"anthropic-organization-id",
    b"X-Goog-User-Project",
    b"anthropic-workspace-id",
    b"org-id",
    b"dg-project-id",
    b"llm_provider-openai-organization",
    b"x-organisation",
    b"x-amz-security-token",
    b"x-llmproxy-token",
    b"xi-api-key",
    b"x-functions-apikey",
    b"ocp-apim-client-secret",
    b"X-Auth-Token",
    b"token",
    b"Ocp-Apim-Subscription-Key",
    b"cf-aig-authorization",
    b"Helicone-Auth",
    b"X-Auth-Key",
    b"X-Functions-Key",
    b"X-Access-Key",
    b"Authentication",
    b"X-Authorization",
    b"X-Forwarded-Authorization",
    b"x-portkey-virtual-key",
    b"x-user-jwt",
    b"X-My-Key",
    b"x-key",
    b"Key",
    b"X_API_KEY",
    b"x-db-password",
]

TARGETS = [
    b"/v1?key=%b",
    b"/v1?KEY=%b",
    b"/v1?a=1&key=%b&b=2",
    b"/v1?key=1&key=%b",
    b"/v1?api_key=%b",
    b"/v1?api-key=%b#part",
    b"/v1?apikey=%b",
    b"/v1?dd-api-key=%b",
    b"/v1?x_api_key=%b",
    b"/v1?subscription-key=%b",
    b"/v1?access_token=%b",
    b"/v1?refresh_token=%b",
    b"/v1?id_token=%b",
    b"/v1?token=%b",
    b"/v1?sig=%b",
    b"/v1?client_secret=%b",
    b"/v1?X-Amz-Signature=%b",
    b"/v1?X-Amz-Credential=%b",
    b"/v1?X-Amz-Security-Token=%b",
    b"/v1?X-Goog-Signature=%b",
    b"/v1?k%%65y=%b",
    b"/v1?%%4Bey=%b",
    b"/v1?access%%5Ftoken=%b",
    b"/v1?key==%b",
    b"/v1?key=a?key=%b",
    b"https://host/v1?key=%b",
    b"/v1?apiKey=%b",
    b"/v1?accessToken=%b",
    b"/v1?code=%b",
    b"/done#access_token=%b&token_type=bearer",
    b"/done?x=1#state=a&id_token=%b",
    b"/v1?foo#?key=%b",
]

JSON_BODIES = [
    b'{"access_token":"%b"}',
    b'{"refresh_token":"%b"}',
    b'{"id_token":"%b"}',
    b'{"client_secret":"%b"}',
    b'{"client_assertion":"%b"}',
    b'{"api_key":"%b"}',
    b'{ "access_token" \r\n:\t "%b" }',
    b'[{"a":{"b":[{"access_token":"%b"}]}}]',
    b'{"access_token":"%b","access_token":"x"}',
    b'{"access_token":"x","access_token":"%b"}',
    b'{"access_token":"\\"%b"}',
    b'{"access_token":"\\\\\\"%b\\\\"}',
    b'{"access_token":"\\u0022%b"}',
    b'{"access\\u005ftoken":"%b"}',
    b'{"\\u0061ccess_token":"%b"}',
    b'{"cli\\u0065nt\\u005Fsecret":"%b"}',
    b'{"text":"\\"access_token\\":","access_token":"%b"}',
    b'{"a\\\\":"b","access_token":"%b"}',
    b'{"token_type":"bearer","expires_in":3600,"access_token":"%b","scope":"a b"}',
    b'\xef\xbb\xbf{"access_token":"%b"}',
    b')]}\'\n{"access_token":"%b"}',
    b'{"x":"\xff\xfe","access_token":"%b"}',
    b'{"n":NaN,"access_token":"%b"}',
    b'{"n":1e999999,"access_token":"%b"}',
    b'{"a":"access_token":"%b"}',
    b'{"access_token":"%b',
    b'{"access_token":"%b\\',
    b'{"access_token":"a\nb%b"}',
    b"[" * 5000 + b'{"access_token":"%b"}' + b"]" * 5000,
    b'{"pad":"' + b"a" * 100_000 + b'","access_token":"%b"}',
    b'{"a":1}\n{"access_token":"%b"}',
    b'{"apiKey":"%b"}',
    b'{"accessToken":"%b"}',
    b'{"API_KEY":"%b"}',
    b'{"api-key":"%b"}',
    b'{"tools":[{"type":"mcp","authorization":"%b"}]}',
    b'{"tools":[{"headers":{"Authorization":"Bearer %b"}}]}',
    b'{"mcp_servers":[{"authorization_token":"%b"}]}',
    b'{"client_secret":{"value":"%b","expires_at":1}}',
    b'{"client_secret" : {"expires_at":1, "value" : "%b"}}',
]

FORM_BODIES = [
    b"access_token=%b",
    b"grant_type=refresh_token&refresh_token=%b",
    b"client_id=me&client_secret=%b&scope=a",
    b"id_token=%b",
    b"client_assertion=%b",
    b"assertion=%b",
    b"api_key=%b",
    b"password=%b",
    b"grant_type=authorization_code&code=%b",
    b"code_verifier=%b",
    b"Client_Secret=%b",
    b"client%%5Fsecret=%b",
    b"%%63lient_secret=%b",
    b"client_secret==%b",
    b"client_secret=a=%b",
    b"client_secret=1&client_secret=%b",
    b"\xff\xfe=1&client_secret=%b",
    b"&&client_secret=%b&",
]

TYPES = [FORM, b"Application/X-WWW-Form-Urlencoded; Charset=UTF-8"]


@pytest.mark.parametrize("name", FIELDS)
def test_no_header_value(name):
    headers = REDACTOR.headers(Headers([(b"accept", b"*/*"), (name, SECRET), (name, b"Bearer " + SECRET)]))
    assert headers.pairs == ((b"accept", b"*/*"), (name, REDACTED), (name, REDACTED))


@pytest.mark.parametrize("target", TARGETS)
def test_no_query_value(target):
    redacted = REDACTOR.target(target % SECRET)
    assert SECRET not in redacted
    assert REDACTED in redacted


ADDRESSES = [
    b"https://host/upload?upload_id=1&key=%b",
    b"/next?access_token=%b",
    b"frame-ancestors 'self'; report-uri https://host/logs?dd-api-key=%b&source=csp",
]


@pytest.mark.parametrize("value", ADDRESSES)
@pytest.mark.parametrize("name", [b"Location", b"X-Goog-Upload-URL", b"Referer"])
def test_no_query_value_of_an_address_in_a_header(name, value):
    headers = REDACTOR.headers(Headers([(name, value % SECRET)]))
    assert headers.get(name.lower()) == value % REDACTED


@pytest.mark.parametrize("body", JSON_BODIES, ids=lambda body: body[:60])
@pytest.mark.parametrize("kind", [JSON, b"application/problem+json", b"text/javascript; json"])
def test_no_member_of_a_json_body(kind, body):
    assert SECRET not in REDACTOR.body(kind, body % SECRET)


@pytest.mark.parametrize("kind", [b"", b"text/plain", b"Application/JSON"])
@pytest.mark.parametrize("body", JSON_BODIES[:20], ids=lambda body: body[:60])
def test_no_member_of_a_json_body_of_a_wrong_type(kind, body):
    assert SECRET not in REDACTOR.body(kind, body % SECRET)


@pytest.mark.parametrize("body", [*JSON_BODIES[:6], *JSON_BODIES[7:9], *JSON_BODIES[-9:]], ids=lambda body: body[:60])
def test_no_member_of_an_event(body):
    lines = b"".join(b"data: %b\n" % line for line in (body % SECRET).split(b"\n"))
    for before in (b"", b'data: "\n', b'data: {"open":"\n\n', b": a comment with 'quotes\"\r\n"):
        assert SECRET not in REDACTOR.body(b"text/event-stream; charset=utf-8", before + lines + b"\n")


@pytest.mark.parametrize("name", [b"client_secret", b"Refresh-Token", b"apiKey", b"password", b"client%5Fsecret"])
@pytest.mark.parametrize("form", [b'name="%b"', b"name=%b", b'name="%b"; filename="x"', b'filename="x"; NAME="%b"'])
def test_no_part_of_a_multipart_form(name, form):
    part = b"Content-Disposition: form-data; %b\r\nContent-Type: text/plain\r\n\r\n%b\r\n" % (form % name, SECRET)
    other = b'Content-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    data = b"".join(b"--b1\r\n" + each for each in (other, part, other, part)) + b"--b1--\r\n"
    for kind in (b"multipart/form-data; boundary=b1", b'Multipart/Form-Data; charset=utf-8; Boundary="b1"'):
        assert SECRET not in REDACTOR.body(kind, data)
        assert REDACTOR.withholds(kind, Bytes(data))


@pytest.mark.parametrize("body", FORM_BODIES)
@pytest.mark.parametrize("kind", TYPES)
def test_no_value_of_a_form(kind, body):
    assert SECRET not in REDACTOR.body(kind, body % SECRET)


@pytest.mark.parametrize("body", JSON_BODIES[:-3], ids=lambda body: body[:60])
def test_a_json_body_that_is_too_large_to_rewrite_is_withheld(body):
    assert REDACTOR.withholds(JSON, Bytes(body % SECRET))


@pytest.mark.parametrize("body", FORM_BODIES)
@pytest.mark.parametrize("kind", TYPES)
def test_a_form_that_is_too_large_to_rewrite_is_withheld(kind, body):
    assert REDACTOR.withholds(kind, Bytes(body % SECRET))


def test_a_whole_request_leaks_from_no_place():
    headers = Headers([(b"content-type", JSON), *[(name, SECRET) for name in FIELDS]])
    body = Bytes(orjson.dumps({"client_secret": SECRET.decode(), "refresh_token": SECRET.decode()}))
    safe = REDACTOR.request(Request(b"POST", b"/token?key=" + SECRET, headers, body))
    wire = b"".join([safe.target, *[name + value for name, value in safe.headers.pairs], safe.body.whole()])
    assert SECRET not in wire
    assert wire.count(REDACTED) == len(FIELDS) + 3


def test_the_text_of_a_request_shows_neither_header_nor_body():
    request = Request(b"POST", b"/", Headers([(b"authorization", SECRET)]), Bytes(SECRET))
    assert SECRET.decode() not in repr(request)
