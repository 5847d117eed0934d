"""Tokens: who is known by which field, what never goes upstream, and what people may write."""

import tomllib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.tokens import (
    NO_TOKENS,
    SIZE,
    Tokens,
    admin_digest,
    new_token,
    page_digest,
    parse_client_tokens,
    passed_on,
    table_line,
    target_passed_on,
)

RED, BLUE, ADMIN = b"llmp_red", b"llmp_blue", b"a-word-of-the-admin"
PAGE = b"a-token-of-our-pages"
TOKENS = Tokens(
    {"red": sha256(RED).digest(), "blue": sha256(BLUE).digest()}, sha256(ADMIN).digest(), page_digest(PAGE.decode())
)


def fields(*pairs):
    return Headers([tuple(pair) for pair in pairs])


KNOWN = {
    "our field": ([(b"X-LLMProxy-Token", RED)], "red"),
    "another": ([(b"x-llmproxy-token", BLUE)], "blue"),
    "as OpenAI's key": ([(b"Authorization", b"Bearer " + RED)], "red"),
    "the scheme in any case": ([(b"Authorization", b"bEARER   " + RED)], "red"),
    "as Anthropic's key": ([(b"x-api-key", RED)], "red"),
    "as Azure's key": ([(b"Api-Key", RED)], "red"),
    "as Google's key": ([(b"x-goog-api-key", RED)], "red"),
    "our field beside the upstream's key": ([(b"Authorization", b"Bearer sk-1"), (b"X-LLMProxy-Token", RED)], "red"),
    "behind the upstream's key": ([(b"Authorization", b"Bearer sk-1"), (b"x-api-key", RED)], "red"),
    "our field rules": ([(b"Authorization", b"Bearer " + RED), (b"X-LLMProxy-Token", BLUE)], "blue"),
    "a wrong one in our field rules": ([(b"Authorization", b"Bearer " + RED), (b"X-LLMProxy-Token", b"no")], ""),
    "two in our field are none": ([(b"X-LLMProxy-Token", RED), (b"X-LLMProxy-Token", RED)], ""),
    "nothing": ([], ""),
    "an empty one": ([(b"X-LLMProxy-Token", b"")], ""),
    "one that is none": ([(b"X-LLMProxy-Token", RED + b"x")], ""),
    "a part of one": ([(b"X-LLMProxy-Token", RED[:-1])], ""),
    "its hash": ([(b"X-LLMProxy-Token", sha256(RED).hexdigest().encode())], ""),
    "another scheme": ([(b"Authorization", b"Basic " + RED)], ""),
    "the admin's": ([(b"X-LLMProxy-Token", ADMIN)], ""),
    "the admin's as a key": ([(b"Authorization", b"Bearer " + ADMIN)], ""),
    "another field": ([(b"X-Token", RED)], ""),
}


@pytest.mark.parametrize(("pairs", "name"), KNOWN.values(), ids=KNOWN.keys())
def test_who_a_client_is(pairs, name):
    assert TOKENS.client(fields(*pairs)) == name


def test_nothing_is_no_token_even_where_its_hash_stands_there():
    tokens = Tokens({"empty": sha256(b"").digest()})
    assert tokens.client(Headers()) == tokens.client(fields((b"X-LLMProxy-Token", b""))) == ""


@pytest.mark.parametrize(
    ("pairs", "admin"),
    [
        ([(b"X-LLMProxy-Token", ADMIN)], True),
        ([(b"Authorization", b"Bearer " + ADMIN)], True),
        ([(b"x-api-key", ADMIN)], False),
        ([(b"X-LLMProxy-Token", RED)], False),
        ([(b"X-LLMProxy-Token", RED), (b"Authorization", b"Bearer " + ADMIN)], False),
        ([(b"X-LLMProxy-Token", PAGE), (b"Authorization", b"Bearer " + ADMIN)], True),  # a reverse proxy adds it
        ([(b"X-LLMProxy-Token", PAGE)], False),
        ([], False),
    ],
)
def test_who_is_the_admin(pairs, admin):
    assert TOKENS.is_admin(fields(*pairs)) is admin


CHANGES = {
    "the token of our pages": ([(b"X-LLMProxy-Token", PAGE)], True),
    "the admin's": ([(b"X-LLMProxy-Token", ADMIN)], True),
    "the admin's as a key": ([(b"Authorization", b"Bearer " + ADMIN)], True),
    "both": ([(b"X-LLMProxy-Token", PAGE), (b"Authorization", b"Bearer " + ADMIN)], True),
    "nothing": ([], False),
    "an empty one": ([(b"X-LLMProxy-Token", b"")], False),
    "a wrong one": ([(b"X-LLMProxy-Token", PAGE + b"x")], False),
    "a part of it": ([(b"X-LLMProxy-Token", PAGE[:-1])], False),
    "two": ([(b"X-LLMProxy-Token", PAGE), (b"X-LLMProxy-Token", PAGE)], False),
    "its hash": ([(b"X-LLMProxy-Token", sha256(PAGE).hexdigest().encode())], False),
    "where a key stands": ([(b"Authorization", b"Bearer " + PAGE)], False),
    "a cookie, which a foreign page's requests have too": ([(b"Cookie", b"X-LLMProxy-Token=" + PAGE)], False),
    "a client's": ([(b"X-LLMProxy-Token", RED)], False),
}


@pytest.mark.parametrize(("pairs", "may"), CHANGES.values(), ids=CHANGES.keys())
def test_who_may_change_something(pairs, may):
    assert TOKENS.may_change(fields(*pairs)) is may


@pytest.mark.parametrize("pairs", [[], [(b"X-LLMProxy-Token", b"")], [(b"X-LLMProxy-Token", PAGE)]])
def test_where_our_pages_have_no_token_nothing_is_one(pairs):
    assert not NO_TOKENS.may_change(fields(*pairs))


def test_where_there_is_no_admin_token_nobody_has_it():
    assert not NO_TOKENS.is_admin(Headers())
    assert not NO_TOKENS.is_admin(fields((b"X-LLMProxy-Token", b"")))


def test_a_table_makes_tokens_needed_even_when_it_is_empty():
    assert (NO_TOKENS.needed, Tokens({}).needed, TOKENS.needed) == (False, True, True)


def test_digests_are_kept_out_of_tracebacks():
    assert repr(TOKENS) == "Tokens()"


PASSED = {
    "keys of upstreams": ([(b"Authorization", b"Bearer sk-1"), (b"x-api-key", b"sk-ant")], 2),
    "other fields, whatever they hold": ([(b"X-Text", b"llmp_red"), (b"Host", b"a")], 2),
    "a word with our letters within": ([(b"Authorization", b"Bearer sk-allmp_x")], 1),
    "a bearer": ([(b"Authorization", b"Bearer llmp_red"), (b"A", b"1")], 1),
    "a key": ([(b"X-API-Key", b"llmp_red")], 0),
    "one that is not known": ([(b"api-key", b"llmp_old")], 0),
    "in another scheme": ([(b"Authorization", b"Basic llmp_red")], 0),
    "in quotes": ([(b"Authorization", b'Token token="llmp_red"')], 0),
    "behind another": ([(b"Authorization", b"Bearer sk-1, Bearer llmp_red")], 0),
}


@pytest.mark.parametrize(("pairs", "kept"), PASSED.values(), ids=PASSED.keys())
def test_what_goes_upstream(pairs, kept):
    headers = fields(*pairs)
    passed = passed_on(headers)
    assert len(passed.pairs) == kept
    assert (passed is headers) is (kept == len(pairs))


QUERIES = {
    b"/v1?a=b": b"/v1?a=b",
    b"/v1?key=llmp_red": b"/v1",
    b"/v1?a=b&key=llmp_red&c=d": b"/v1?a=b&c=d",
    b"/v1?key=llmp_red&key=llmp_old": b"/v1",
    b"/v1?key=AIza&text=llmp_red": b"/v1?key=AIza&text=llmp_red",
    b"/llmp_red": b"/llmp_red",
    b"/llmp_red?": b"/llmp_red?",
    b"/v1?text=llmp_red&&": b"/v1?text=llmp_red&&",
}


@pytest.mark.parametrize(("target", "passed"), QUERIES.items())
def test_what_goes_upstream_of_a_target(target, passed):
    assert target_passed_on(target) == passed


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (b"/v1?key=llmp_q", "query"),
        (b"/v1?a&key=llmp_q", "query"),
        (b"/v1?key=llmp_q&key=llmp_q", ""),
        (b"/llmp_q", ""),
    ],
)
def test_a_token_in_the_query(target, name):
    """Where Google's clients put their key. Of two nobody could say which one was checked."""
    tokens = Tokens({"query": sha256(b"llmp_q").digest()})
    assert tokens.client(fields(), target) == name


@given(st.binary(min_size=SIZE, max_size=SIZE))
def test_a_token_that_was_made_is_known_and_stays_here(chance):
    token = new_token(chance)
    table = tomllib.loads(table_line("a.b-c_1", token))
    headers = fields((b"Authorization", b"Bearer " + token.encode()))
    assert Tokens(parse_client_tokens(table)).client(headers) == "a.b-c_1"
    assert passed_on(headers).pairs == ()
    assert token not in table_line("a", token)


WRONG = {
    "the token itself": ({"a": "llmp_secret"}, "a must be"),
    "the token for a name": ({"llmp_secret": "a"}, "a name begins as tokens do"),
    "the token for a name that is none": ({"llmp_secret ": "a"}, "a name begins as tokens do"),
    "too short": ({"a": "sha256:00"}, "a must be"),
    "another hash": ({"a": "md5:" + 64 * "0"}, "a must be"),
    "a table": ({"a": {"b": "sha256:" + 64 * "0"}}, "a must be"),
    "a name with a space": ({"a b": "sha256:" + 64 * "0"}, "'a b' is no name"),
    "a line break in a name": ({"a\n": "sha256:" + 64 * "0"}, "is no name"),
    "no name": ({"": "sha256:" + 64 * "0"}, "'' is no name"),
    "a long name": ({65 * "a": "sha256:" + 64 * "0"}, "is no name"),
    "two of one token": ({"a": "sha256:" + 64 * "0", "b": "sha256:" + 64 * "0"}, "a and b have the same token"),
}


@pytest.mark.parametrize(("table", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_table_is_said_without_quoting_it(table, words):
    with pytest.raises(ValueError, match=words) as error:
        parse_client_tokens(table)
    assert "llmp_secret" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "short", 15 * "x", 513 * "x", "two words of the admin", "ünicode-" * 3, 20 * "\x01"]
)
def test_an_admin_token_that_is_none(text):
    with pytest.raises(ValueError, match="16 to 512 ASCII"):
        admin_digest(text)


@pytest.mark.parametrize("text", [ADMIN.decode(), ADMIN.decode() + "\n", f"  {ADMIN.decode()}\r\n"])
def test_the_line_end_of_the_admin_token_does_not_count(text):
    assert admin_digest(text) == sha256(ADMIN).digest()
