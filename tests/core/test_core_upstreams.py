"""Upstreams: what may be one, and under which target a request goes there."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.upstreams import parse_upstream


@pytest.mark.parametrize(
    ("text", "name", "url", "parts"),
    [
        ("https://api.openai.com/v1", "default", "https://api.openai.com/v1", ("https", "api.openai.com", 443, "/v1")),
        ("http://localhost:1234", "default", "http://localhost:1234", ("http", "localhost", 1234, "")),
        ("http://localhost:1234/", "default", "http://localhost:1234", ("http", "localhost", 1234, "")),
        ("https://host/a/b//", "default", "https://host/a/b", ("https", "host", 443, "/a/b")),
        ("HTTPS://Host/V1", "default", "https://host/V1", ("https", "host", 443, "/V1")),
        ("https://host:443", "default", "https://host", ("https", "host", 443, "")),
        ("http://host:443", "default", "http://host:443", ("http", "host", 443, "")),
        ("http://[::1]:80/v1", "default", "http://[::1]/v1", ("http", "::1", 80, "/v1")),
        ("http://host:", "default", "http://host", ("http", "host", 80, "")),
        ("local=http://127.0.0.1:8", "local", "http://127.0.0.1:8", ("http", "127.0.0.1", 8, "")),
        ("a.b_c-1=https://h", "a.b_c-1", "https://h", ("https", "h", 443, "")),
        ("https://h/a=b", "default", "https://h/a=b", ("https", "h", 443, "/a=b")),
        ("x=https://h/a=b", "x", "https://h/a=b", ("https", "h", 443, "/a=b")),
        ("demo:", "default", "demo:", ("demo", "demo", 0, "")),
        ("toy=demo:", "toy", "demo:", ("demo", "demo", 0, "")),
    ],
)
def test_urls_are_read(text, name, url, parts):
    upstream = parse_upstream(text)
    assert (upstream.name, upstream.url) == (name, url)
    assert (upstream.scheme, upstream.host, upstream.port, upstream.base_path) == parts
    assert parse_upstream(f"{name}={url}") == upstream


@pytest.mark.parametrize(
    "text",
    [
        "https://me:pa55@h",
        "https://me:pa55@h:99999",
        "https://me:pa55#w@h",
        "https://pa55@",
        "ftp://a/pa55@b",
        "x=//pa55@h",
        "https://me:1\npa55@h",
        "https://me:pa55\n@h",
        "https:/me:pa55@h",
    ],
)
def test_a_password_is_not_repeated(text):
    with pytest.raises(ValueError, match="for example") as raised:
        parse_upstream(text)
    assert "pa55" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be an http or https URL with a host"),
        ("api.openai.com", "must be an http or https URL"),
        ("localhost:1234", "must be an http or https URL"),
        ("ftp://h", "must be an http or https URL"),
        ("file:///etc/passwd", "must be an http or https URL"),
        ("demo:x", "must be an http or https URL"),
        ("https://", "with a host"),
        ("https:///v1", "with a host"),
        ("https://:443", "with a host"),
        ("=https://h", "must be an http or https URL"),
        ("a b=https://h", "must be an http or https URL"),
        ("https://user@h", "must not hold credentials"),
        ("https://user:pw@h", "must not hold credentials"),
        ("https://@h", "must not hold credentials"),
        ("https://h/v1?a=b", "a query"),
        ("https://h/#f", "a fragment"),
        ("https://h/a b", "plain ASCII"),
        ("https://h/\r\nX: y", "plain ASCII"),
        ("https://h\n", "plain ASCII"),
        ("https://h/\x00", "plain ASCII"),
        ("https://hö", "plain ASCII"),
        ("https://h:99999", "is not a URL"),
        ("https://h:0", "a port from 1 to 65535"),
        ("https://h:-1", "is not a URL"),
        ("https://h:http", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://[oops]", "is not a URL"),
        ("name\n=https://h", "must be an http or https URL"),
    ],
)
def test_what_is_no_upstream_is_refused_in_a_sentence(text, words):
    with pytest.raises(ValueError, match=words) as raised:
        parse_upstream(text)
    assert "for example https://api.openai.com/v1" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://h", "h"),
        ("http://h", "h"),
        ("https://h:80", "h:80"),
        ("http://h:443", "h:443"),
        ("https://h:8443", "h:8443"),
        ("https://[::1]", "[::1]"),
        ("http://[2001:db8::1]:8080", "[2001:db8::1]:8080"),
    ],
)
def test_the_authority_is_what_host_says(url, authority):
    assert parse_upstream(url).authority == authority


@pytest.mark.parametrize(
    ("base", "target", "sent"),
    [
        # without a path: as it is
        ("", b"/v1/messages", b"/v1/messages"),
        ("/", b"//x", b"//x"),
        # begins with the whole path: as it is
        ("/v1", b"/v1/chat/completions", b"/v1/chat/completions"),
        ("/v1", b"/v1", b"/v1"),
        ("/v1", b"/v1?x", b"/v1?x"),
        ("/api/v1", b"/api/v1/x", b"/api/v1/x"),
        # ends in a version, and the request begins with that: replaced
        ("/api/v1", b"/v1/x", b"/api/v1/x"),
        ("/api/v1", b"/v1", b"/api/v1"),
        ("/api/v1", b"/v1?x=/v1", b"/api/v1?x=/v1"),
        ("/api/v1beta", b"/v1beta/models/m:generateContent", b"/api/v1beta/models/m:generateContent"),
        # otherwise: put before
        ("/v1", b"/chat/completions", b"/v1/chat/completions"),
        ("/azure", b"/azure", b"/azure"),
        ("/azure", b"/azure?x", b"/azure?x"),
        ("/azure", b"/openai/x", b"/azure/openai/x"),
        ("/v1", b"/v10/x", b"/v1/v10/x"),
        ("/v1", b"/v1beta/x", b"/v1/v1beta/x"),
        ("/api/v1", b"/v2/x", b"/api/v1/v2/x"),
        ("/api/v1", b"/V1/x", b"/api/v1/V1/x"),
        ("/api/v1", b"//v1/x", b"/api/v1//v1/x"),
        ("/api/v1", b"/%76%31/x", b"/api/v1/%76%31/x"),
        ("/a/b", b"/b/x", b"/a/b/b/x"),
        ("/api/v1x-y", b"/v1x-y/z", b"/api/v1x-y/v1x-y/z"),
        ("/api/version1", b"/version1/x", b"/api/version1/version1/x"),
        ("/api/dev1", b"/dev1/x", b"/api/dev1/dev1/x"),
        ("/v1", b"/", b"/v1/"),
        ("/v1", b"/?x", b"/v1/?x"),
        ("/v1", b"/x?y=\xff#%00", b"/v1/x?y=\xff#%00"),
    ],
)
def test_the_base_path_goes_by_whole_segments(base, target, sent):
    assert parse_upstream(f"https://h{base}").target(target) == sent


BASES = st.sampled_from(["", "/v1", "/api/v1", "/azure", "/a/v1/b", "/v1beta"])
REST = st.lists(st.sampled_from(["v1", "api", "azure", "x", "", "..", "v1beta", "?", "%2f"]), max_size=5)


@given(BASES, REST)
def test_a_target_ends_under_the_base_path_with_nothing_lost(base, segments):
    target = ("/" + "/".join(segments)).encode()
    upstream = parse_upstream(f"https://h{base}")
    sent = upstream.target(target)
    assert sent.startswith(base.encode())
    assert sent.endswith(target.removeprefix(b"/v1beta").removeprefix(b"/v1"))
    assert upstream.target(sent) == sent


@given(st.text(max_size=40))
def test_any_text_is_an_upstream_or_a_sentence(text):
    with suppress(ValueError):
        assert parse_upstream(text).scheme in {"http", "https", "demo"}


@given(st.text(alphabet="htps:/@[]#?=.v1-\n\t a0\\%", max_size=30))
def test_a_url_that_is_taken_has_no_way_around(text):
    try:
        upstream = parse_upstream("http://" + text)
    except ValueError:
        return
    assert upstream.host
    assert not set("/@?#\r\n\t ") & set(upstream.host)
    assert not set("?#\r\n\t ") & set(upstream.base_path)
