"""Which upstream: by the name in the path, by the settings, by the dialect. Nothing else has a say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.routing import NAMED, UnknownUpstream, choose, is_reserved, split_named
from proxy_daemon.core.upstreams import parse_upstream

ONE, TWO, DEFAULT = (parse_upstream(text) for text in ("one=http://a", "two=http://b", "http://c"))
HOMES = ", ".join(dict.fromkeys(each.upstream_name for each in BUILT_IN))


@pytest.mark.parametrize(
    ("target", "split"),
    [
        (b"/_llmproxy/to/one/v1/x", ("one", b"/v1/x")),
        (b"/_llmproxy/to/one/v1/x?a=/b?c", ("one", b"/v1/x?a=/b?c")),
        (b"/_llmproxy/to/one", ("one", b"/")),
        (b"/_llmproxy/to/one/", ("one", b"/")),
        (b"/_llmproxy/to/one?a", ("one", b"/?a")),
        (b"/_llmproxy/to/one/?", ("one", b"/?")),
        (b"/_llmproxy/to/one//evil.example/x", ("one", b"//evil.example/x")),
        (b"/_llmproxy/to/one/_llmproxy/to/two/x", ("one", b"/_llmproxy/to/two/x")),
        (b"/_llmproxy/to/one/../x", ("one", b"/../x")),
        (b"/_llmproxy/to/one/%2F\xff", ("one", b"/%2F\xff")),
        (b"/_llmproxy/to/a.b-c_1/x", ("a.b-c_1", b"/x")),
    ],
)
def test_a_name_in_the_path_is_taken_off(target, split):
    assert split_named(target) == split


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/x",
        b"/",
        b"",
        b"*",
        b"/_llmproxy/to/",
        b"/_llmproxy/to",
        b"/_llmproxy/to//x",
        b"/_llmproxy/to/?x",
        b"/_LLMPROXY/to/one/x",
        b"//_llmproxy/to/one/x",
        b"/x/_llmproxy/to/one/x",
        b"/_llmproxy/to/http:%2F%2Fevil/x",
        b"/_llmproxy/to/evil:80/x",
        b"/_llmproxy/to/user@evil/x",
        b"/_llmproxy/to/one%20/x",
        b"/_llmproxy/to/one\n/x",
        b"/_llmproxy/to/\xf6ne/x",
        b"http://evil.example/_llmproxy/to/one/x",
    ],
)
def test_any_other_target_names_none(target):
    assert split_named(target) is None


@given(st.from_regex(r"[A-Za-z0-9._-]+", fullmatch=True), st.binary(max_size=20), st.binary(max_size=20))
def test_what_is_behind_the_name_stays(name, path, query):
    rest = b"/" + path.replace(b"?", b"") + b"?" + query
    assert split_named(NAMED + name.encode() + rest) == (name, rest)


@given(st.binary(max_size=40))
def test_any_octets_behind_the_prefix_are_split_or_not(text):
    found = split_named(NAMED + text)
    assert found is None or (text.startswith(found[0].encode()) and found[1].startswith(b"/"))


@pytest.mark.parametrize(
    "target",
    [
        b"/_llmproxy",
        b"/_llmproxy/",
        b"/_llmproxy?x=1",
        b"/_llmproxy/to/one/v1",
        b"/_llmproxy//x",
        b"/%5fllmproxy/",
        b"/%5Fllmproxy",
        b"/_%6C%6cmproxy/to/one/x",
        b"/%5f%6c%6c%6d%70%72%6f%78%79?x",
    ],
)
def test_a_path_of_the_daemons_own_however_it_is_written(target):
    assert is_reserved(target)


@pytest.mark.parametrize(
    "target",
    [
        b"/_llmproxyish",
        b"/_llmproxyish/x",
        b"/_llmprox",
        b"/_LLMPROXY/",
        b"/x/_llmproxy/",
        b"//_llmproxy/",
        b"/x?/_llmproxy/",
        b"/?_llmproxy",
        b"/_llmproxy%2Fx",
        b"/%255fllmproxy/",
        b"/%5",
        b"/",
        b"",
        b"*",
    ],
)
def test_any_other_path_is_not_the_daemons_own(target):
    assert not is_reserved(target)


@given(st.binary(max_size=20), st.lists(st.booleans(), min_size=9, max_size=9))
def test_any_spelling_of_the_first_segment_is_ours(rest, encoded):
    octets = zip(b"_llmproxy", encoded, strict=True)
    name = b"".join(b"%%%02x" % octet if hidden else bytes([octet]) for octet, hidden in octets)
    assert is_reserved(b"/" + name + b"/" + rest)


@pytest.mark.parametrize(
    ("upstreams", "name", "chosen"),
    [
        ([ONE, TWO], "", ONE),
        ([ONE, DEFAULT, TWO], "", DEFAULT),
        ([ONE, TWO], "two", TWO),
        ([ONE, DEFAULT], "one", ONE),
        ([ONE, DEFAULT], "default", DEFAULT),
        ([DEFAULT], "", DEFAULT),
    ],
)
@pytest.mark.parametrize("dialect", [*BUILT_IN, GENERIC], ids=lambda dialect: dialect.name)
def test_the_settings_choose_whatever_the_dialect(upstreams, name, chosen, dialect):
    assert choose(upstreams, name, dialect) is chosen


@pytest.mark.parametrize(
    ("dialect", "host"),
    [
        ("openai-chat", "api.openai.com"),
        ("openai-state", "api.openai.com"),
        ("anthropic", "api.anthropic.com"),
        ("google", "generativelanguage.googleapis.com"),
        ("cohere-v1", "api.cohere.com"),
        ("generic", "api.openai.com"),
    ],
)
def test_without_settings_the_dialect_goes_home(dialect, host):
    known = {each.name: each for each in (*BUILT_IN, GENERIC)}
    upstream = choose([], "", known[dialect])
    assert (upstream.name, upstream.scheme, upstream.host) == (known[dialect].upstream_name, "https", host)


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)
def test_without_settings_an_api_may_be_named(dialect):
    assert choose([], dialect.upstream_name, GENERIC) is choose([], "", dialect)


@pytest.mark.parametrize(
    ("upstreams", "name", "listed"),
    [
        ([ONE, TWO], "three", "one, two"),
        ([ONE], "openai", "one"),
        ([ONE], "ONE", "one"),
        ([ONE], "default", "one"),
        ([], "one", HOMES),
        ([], "generic", HOMES),
        ([], "openai-chat", HOMES),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(upstreams, name, listed):
    with pytest.raises(UnknownUpstream) as raised:
        choose(upstreams, name, GENERIC)
    assert str(raised.value) == f"No upstream is called {name!r}; there are: {listed} (--upstream NAME=URL)."
