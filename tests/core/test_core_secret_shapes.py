"""Keys are found by their shape, wherever they stand, and words and hashes are none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import ALNUM, HEX, NAMED, SHAPES, URL, drawn, jwt, pem

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.redact import REDACTED, Redactor
from proxy_daemon.core.secret_look import in_body
from proxy_daemon.core.secret_shapes import is_basic, is_mixed, is_token, shapes_in

REDACTOR = Redactor()
KINDS = sorted(SHAPES)
PLACES = [
    b"%b",
    b"my key is %b, keep it",
    b'{"role":"user","content":"use %b"}',
    b'{"a":"first\\n%b\\nlast"}',
    b'{"a":"tab\\t%b"}',
    b'{"a":"say \\"%b\\""}',
    b'{"a":"x\\u003d%b"}',
    b"data: %b\n\n",
    b"KEY=%b\nOTHER=1",
    b"(%b)",
    b"<key>%b</key>",
    b"q=a%%20%b&x=y",
    b"user:%b@host",
    b"\xff%b\xfe",
    b"'%b'",
    b"key_%b",
]
# Chance draws no digit now and then, and Hugging Face never.
WITHOUT_DIGITS = [
    b"hf_" + b"aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    b"AKIA" + b"ABCDEFGHIJKLMNOP",
    b"ghp_" + b"aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJ",
    b"glpat-" + b"aBcDeFgHiJkLmNoPqRsT",
    b"sk_live_" + b"aBcDeFgHiJkLmNoPqRsTuVwX",
    b"npm_" + b"aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJ",
]
INNOCENT = [
    "task-1234567890abcdef1234567890abcdef",
    "risk-a1b2c3d4e5f6a7b8c9d0e1f2",
    "desk-proj-" + drawn(40),
    "sk-learn-pipeline-with-many-words-and-1-number",
    "sk-" + "x" * 48,
    "sk-" + "1" * 48,
    "sk-...",
    "sk-proj-****************************1234",
    "sk-test",
    "sk-ant-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "AIzaSy",
    "AKIA",
    "AKIAIOSFODNN7",
    "MAKIA" + "ABCDEFGHIJKLMNO7",
    "AKIAABCDEFGHIJKLMNO7XYZ",
    "ghp_short",
    "ghp_" + "a" * 36,
    "hf_hub_download",
    "hf_" + "a" * 34,
    "hf_" + "abcdefghijklmnopqrstuvwxyzabcdefgh",
    "AKIA" + "X" * 16,
    "gsk_model_name",
    "r8_unorm_srgb",
    "xai-grok-4-fast-reasoning",
    "xoxo-love",
    "sk_live_demo",
    "eyJ",
    "eyJhbGciOi",
    "eyJ" + drawn(30) + "." + drawn(30) + "." + drawn(30),
    "-----BEGIN PUBLIC KEY-----\n" + drawn(200) + "\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\n" + drawn(200) + "\n-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
    "bearer of bad news",
    "Bearer authentication-scheme-is-described-there",
    "the bearer pneumonoultramicroscopicsilicovolcanoconiosis",
    "Basic understanding",
    "Basic authentication",
    "basic internationalization",
    "set your API key: https",
    "api_key = os.environ",
    "set api_key=YOUR_API_KEY_GOES_RIGHT_HERE",
    'access_token: "<put your token in here please>"',
    "secret key: unauthenticatedencryption",
    drawn(64, HEX),
    "sha256:" + drawn(64, HEX),
    "sha512-" + drawn(86, ALNUM + "+/") + "==",
    "chatcmpl-" + drawn(29),
    "msg_" + drawn(24),
    "call_" + drawn(24),
    "toolu_01" + drawn(22),
    "req_" + drawn(32, HEX),
    "resp_" + drawn(48, HEX),
    "fp_44709d6fcb",
    "123e4567-e89b-12d3-a456-426614174000",
    "https://example.com/a/very/long/path/with/2024/numbers/and-words",
    "claude-sonnet-4-5-20250929",
    "data:image/png;base64," + drawn(400, ALNUM + "+/"),
    "gAAAAA" + drawn(200, URL),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_found_in_its_whole_length(kind, place):
    secret = SHAPES[kind].encode()
    data = place % secret
    assert [data[each.start : each.end] for each in shapes_in(data)][:1] == [secret]
    assert in_body(data)
    assert REDACTOR.body(b"", data) == place % REDACTED


@pytest.mark.parametrize("kind", sorted(NAMED))
@pytest.mark.parametrize("place", [b"%b", b"a text: %b and more", b'{"content":"%b"}', b"x\\n%b\\n"])
def test_a_key_is_found_by_the_word_before_it(kind, place):
    before, secret = (each.encode() for each in NAMED[kind])
    assert REDACTOR.body(b"", place % (before + secret)) == place % (before + REDACTED)


@pytest.mark.parametrize("text", INNOCENT)
def test_words_and_hashes_are_none(text):
    for data in (text.encode(), json.dumps({"content": f"it says {text} here"}).encode()):
        assert shapes_in(data) == []
        assert REDACTOR.body(b"application/json", data) is data


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n"])
@pytest.mark.parametrize("kind", ["PRIVATE", "RSA PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE", "ENCRYPTED PRIVATE"])
def test_a_private_key_goes_whole(kind, line_end):
    data = b'{"k":"' + pem(line_end, kind).encode() + b'","z":1}'
    assert REDACTOR.body(b"", data) == b'{"k":"REDACTED","z":1}'


def test_a_private_key_that_is_cut_off_goes_as_far_as_it_is_there():
    data = b'{"k":"' + pem("\\n").encode()[:200] + b'"}'
    assert REDACTOR.body(b"", data) == b'{"k":"REDACTED"}'


def test_two_keys_side_by_side():
    one, two = SHAPES["openai old"].encode(), SHAPES["groq"].encode()
    assert REDACTOR.body(b"", one + b"," + two) == b"REDACTED,REDACTED"


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_written_as_an_escape_hides_nothing(kind):
    secret = SHAPES[kind].encode()
    for at in (0, 1, len(secret) // 2, len(secret) - 1):
        hidden = secret[:at] + b"\\u%04x" % secret[at] + secret[at + 1 :]
        assert REDACTOR.body(b"", b'{"a":"is %b."}' % hidden) == b'{"a":"is REDACTED."}'


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_in_utf_16(coding):
    text = '{"a":"' + SHAPES["anthropic"] + '"}'
    assert REDACTOR.body(b"", text.encode(coding)).decode(coding) == '{"a":"REDACTED"}'


@pytest.mark.parametrize("kind", KINDS)
def test_in_fields_and_addresses(kind):
    secret = SHAPES[kind].encode()
    headers = Headers([(b"x-note", b"was " + secret), (b"accept", b"*/*")])
    assert REDACTOR.headers(headers).pairs == ((b"x-note", b"was REDACTED"), (b"accept", b"*/*"))
    assert REDACTOR.target(b"/v1/" + secret + b"?a=b") == b"/v1/REDACTED?a=b"
    assert REDACTOR.target(b"/v1?note=" + secret) == b"/v1?note=REDACTED"
    assert REDACTOR.text(f"the upstream said: {secret.decode()} is wrong") == "the upstream said: REDACTED is wrong"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [0, (1 << 20) - 30, (1 << 20) - 3, 1 << 20])
def test_a_large_body_with_one_is_withheld(kind, before):
    assert REDACTOR.withholds(b"text/plain", Bytes(b" " * before + SHAPES[kind].encode() + b" " * 100))


def test_octets_are_not_altered():
    data = b"\x89PNG\0\0 " + SHAPES["groq"].encode()
    assert REDACTOR.body(b"image/png", data) is data


def test_checks():
    assert is_mixed(drawn(20).encode())
    assert not is_mixed(b"1234567890123456789")
    assert is_token(jwt().encode())
    assert not is_token(b"eyJ0eXAiOiJ.a.b")
    assert is_basic(b"dXNlcjpwYXNz")
    assert not is_basic(b"understanding")
    assert not is_basic(b"a")


UNITS = [
    *(b"sk-", b"sk-a", b"sk-a1", b"eyJabcdefgh.", b"eyJabcdefgh", b"-----BEGIN PRIVATE KEY-----", b"bearer ", b"a"),
    *(
        b"-----BEGIN PRIVATE KEY----- a-b",
        b"api_key=",
        b"api key: ",
        b"A" * 52 + b"JQQJ99",
        b"\\u0073",
        b"%73",
        b"AKIA",
    ),
]


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_repetition_ends(unit):
    """Each would take hours if the search went back over what it has read."""
    shapes_in(unit * (400_000 // len(unit)))


@given(st.sampled_from(KINDS), st.text(max_size=30), st.text(max_size=30))
def test_whatever_stands_around_it_in_json(kind, before, after):
    document = {"a": f"{before} {SHAPES[kind]} {after}", "b": [1.5, before]}
    for ascii_only in (True, False):
        data = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        safe = REDACTOR.body(b"application/json", data)
        assert SHAPES[kind].encode() not in safe
        assert json.loads(safe.decode("utf-8", "surrogatepass"))["b"][0] == 1.5


@given(st.lists(st.sampled_from([*KINDS, *INNOCENT, " ", "\n", '"', "\\", ":", "="]), max_size=8))
def test_the_quick_look_finds_what_the_careful_one_finds(parts):
    data = "".join(SHAPES.get(each, each) for each in parts).encode()
    assert bool(in_body(data)) or not shapes_in(data)
    once = REDACTOR.body(b"", data)
    assert REDACTOR.body(b"", once) == once


@given(st.binary(max_size=300))
def test_any_octets(data):
    found = shapes_in(data)
    assert all(0 <= each.start < each.end <= len(data) for each in found)
    assert not found or in_body(data)


@pytest.mark.parametrize("key", WITHOUT_DIGITS)
@pytest.mark.parametrize("place", [b"%b", b'{"a":"use %b"}', b"KEY=%b"])
def test_a_key_of_letters_only_is_found_behind_a_prefix_that_nothing_else_has(place, key):
    data = place % key
    assert REDACTOR.body(b"", data) == place % b"REDACTED"
    assert in_body(data)


def test_what_is_glued_behind_a_value_goes_with_it():
    data = b"Bearer abcDEF123456abcDEF123456==task-1234567890abcdef1234567890abcdef"
    once = REDACTOR.body(b"", data)
    assert once == b"Bearer REDACTED"
    assert REDACTOR.body(b"", once) == once


@pytest.mark.parametrize(
    ("before", "secret"),
    [
        (b"secret key: unauthenticatedencryptionsecret key: ", b"0f3a9c1d27b8e4f60a1b2c3d4"),
        (b"secret key: unauthenticatedencryption=unauthenticatedsecret key: ", b"0f3a9c1d27b8e4f60a1b2c3d4"),
        (b"the head -----BEGIN PRIVATE KEY----- alone, ", b"AKIAIOSFODNN7EXAMPLE"),
        (
            b"sk-proj-aaaaaaaaaaaaaaaaaaaaaaaaaaaaa-",
            b"SG.a1b2c3d4e5f6g7h8i9j0.a1b2c3d4e5f6g7h8i9j0a1b2c3d4e5f6g7h8i9j0",
        ),
        (b"eyJub25lc2Vuc2U.", b"sk-proj-a1b2c3d4e5f6g7h8i9j0a1b2c3d4e5f6g7h8i9j0"),
        (b"basic aaaaaaaaaaabasic ", b"dXNlcjpwYXNzd29yZA=="),
    ],
)
def test_what_only_looks_like_a_secret_hides_none(before, secret):
    assert REDACTOR.body(b"", before + secret + b" and so on") == before + b"REDACTED and so on"
