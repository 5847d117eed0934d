"""`Cache-Control` of a request: three directives are followed and stripped, all else passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cache_control import KNOWN, Directives, read_directives
from proxy_daemon.core.headers import Headers

NO_CACHE, NO_STORE = Directives(no_cache=True), Directives(no_store=True)
ONLY = Directives(only_if_cached=True)


def _headers(*values):
    return Headers([(b"Host", b"h"), *[(b"Cache-Control", value) for value in values], (b"X", b"y")])


@pytest.mark.parametrize(
    ("values", "directives", "rest"),
    [
        ([b"no-cache"], NO_CACHE, []),
        ([b"no-store"], NO_STORE, []),
        ([b"only-if-cached"], ONLY, []),
        ([b"No-Cache"], NO_CACHE, []),
        ([b"\tno-cache "], NO_CACHE, []),
        ([b"no-cache,no-cache"], NO_CACHE, []),
        ([b"no-cache, no-store,only-if-cached"], Directives(True, True, True), []),
        ([b"no-cache", b"no-store"], Directives(no_cache=True, no_store=True), []),
        ([b"max-age=0, no-cache"], NO_CACHE, [b"max-age=0"]),
        ([b"no-cache", b"max-age=0", b"no-transform"], NO_CACHE, [b"max-age=0, no-transform"]),
    ],
)
def test_known_directives_are_read_and_stripped(values, directives, rest):
    read, left = read_directives(_headers(*values))
    assert read == directives
    assert left.all(b"cache-control") == rest
    assert left.without([b"cache-control"]).pairs == ((b"Host", b"h"), (b"X", b"y"))


@pytest.mark.parametrize(
    "values",
    [
        [],
        [b""],
        [b","],
        [b"max-age=0"],
        [b"Max-Stale , Private"],
        [b"no-cache=x"],
        [b"no-caches"],
        [b"xno-store"],
        [b"no cache"],
        [b"no-cache;no-store"],
        [b'"no-cache"'],
        [b"no-store\x00"],
        [b"\xff\xfe"],
    ],
)
def test_what_is_not_known_passes_untouched(values):
    headers = _headers(*values)
    directives, left = read_directives(headers)
    assert directives == Directives()
    assert left is headers


def test_the_field_is_found_however_it_is_spelled():
    directives, left = read_directives(Headers([(b"CACHE-control", b"no-store")]))
    assert directives == NO_STORE
    assert left.pairs == ()


def test_pragma_and_answers_of_others_say_nothing():
    directives, _ = read_directives(Headers([(b"Pragma", b"no-cache"), (b"CDN-Cache-Control", b"no-store")]))
    assert directives == Directives()


@given(
    st.lists(st.lists(st.sampled_from([*KNOWN, b"NO-CACHE", b"max-age=1", b"x", b"", b" "]), max_size=4), max_size=3)
)
def test_nothing_known_is_left_and_nothing_else_is_lost(lines):
    tokens = [token.strip().lower() for line in lines for token in line if token.strip()]
    directives, left = read_directives(_headers(*[b",".join(line) for line in lines]))
    assert directives == Directives(*(name in tokens for name in KNOWN))
    assert list(left.tokens(b"cache-control")) == [token for token in tokens if token not in KNOWN]


@given(st.lists(st.binary(max_size=30), max_size=3))
def test_any_octets_are_read_twice_alike(values):
    _, left = read_directives(_headers(*values))
    again, unchanged = read_directives(left)
    assert again == Directives()
    assert unchanged is left
