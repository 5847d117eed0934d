"""Who may ask: no web page reaches the proxy by a name that it controls, nor across origins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.access import (
    Access,
    _known_host_refusal,
    is_loopback,
    is_own_address,
    parse_allowed_host,
    parse_allowed_origin,
)
from proxy_daemon.core.headers import Headers

OURS = "192.168.1.5"
FOREIGN_HOST, MALFORMED = "is not a Host that llmproxy answers to", "malformed"
FOREIGN_ORIGIN = "may not ask here"


def _refusal(host, origin=None, access=None, local=OURS):
    pairs = [] if host is None else [(b"Host", host)]
    pairs += [] if origin is None else [(b"Origin", origin)]
    return (access or Access()).refusal(Headers(pairs), local, True)


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"localhost:8910",
        b"LocalHost:80",
        b"localhost.",
        b"app.localhost:1",
        b"127.0.0.1",
        b"127.0.0.1:65535",
        b"127.8.9.1",
        b"[::1]",
        b"[::1]:8910",
        b"[0:0:0:0:0:0:0:1]",
        b"[::ffff:127.0.0.1]",
        b"192.168.1.5",
        b"192.168.1.5:8910",
    ],
)
def test_names_of_this_machine_are_answered(host):
    assert _refusal(host) == ""


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"evil.example:8910",
        b"localhost.evil.example",
        b"notlocalhost",
        b"127.0.0.1.evil.example",
        b"127.0.0.1.nip.io",
        b"localhost..",
        b"192.168.1.6",
        b"0.0.0.0",
        b"[::]",
        b"[::2]",
        b"[::ffff:8.8.8.8]",
        b"2130706433",
        b"0x7f.0.0.1",
        b"127.1",
        b"0177.0.0.1",
        b"xn--lcalhost-n4a",
    ],
)
def test_other_names_are_refused_with_the_option_that_would_allow_them(host):
    refusal = _refusal(host)
    assert FOREIGN_HOST in refusal
    assert "--allow-host" in refusal


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b" localhost",
        b"localhost ",
        b"localhost\n",
        b"localhost:",
        b"localhost:x",
        b"localhost:123456",
        b"localhost:80:80",
        b"user@localhost",
        b"localhost/x",
        b"localhost,evil.example",
        b"localhost%00",
        b"localhost\x00.evil.example",
        b"::1",
        b"[::1",
        b"[::1]x",
        b"[localhost]",
        b"[fe80::1%25eth0]",
        b"loc\xe4lhost",
        b"http://localhost",
        b"a" * 263,
    ],
)
def test_a_malformed_host_is_refused_and_not_repeated(host):
    assert _refusal(host, access=Access(allow_hosts=("*",))) == "The Host of the request is malformed."


@pytest.mark.parametrize(
    ("pairs", "version_1_1", "words"),
    [
        ([], True, "names no Host"),
        ([], False, ""),
        ([(b"Host", b"localhost"), (b"host", b"localhost")], True, "more than one Host"),
        ([(b"Host", b"localhost"), (b"host", b"evil.example")], False, "more than one Host"),
        ([(b"Origin", b"https://evil.example")], False, FOREIGN_ORIGIN),
        ([(b"Origin", b"http://localhost")], False, ""),
    ],
)
def test_exactly_one_host_is_demanded_of_http_1_1(pairs, version_1_1, words):
    refusal = Access().refusal(Headers(pairs), OURS, version_1_1)
    assert words in refusal
    assert bool(refusal) is bool(words)


@pytest.mark.parametrize(
    ("allowed", "host", "answered"),
    [
        ("box.lan", b"box.lan:8910", True),
        ("Box.LAN", b"bOX.lan", True),
        ("box.lan", b"box.lan.", True),
        ("box.lan", b"a.box.lan", False),
        ("box.lan", b"xbox.lan", False),
        ("*.lan", b"box.lan", True),
        ("*.lan", b"a.box.lan", True),
        ("*.lan", b"lan", False),
        ("*.lan", b"evillan", False),
        ("*lan", b"box.lan", False),
        ("*.*", b"box.lan", False),
        ("b?x.lan", b"box.lan", False),
        ("*", b"evil.example", True),
        ("[fd00::1]", b"[fd00::1]:1", True),
        ("fd00::1", b"[fd00::1]", True),
        ("FD00::1", b"[fd00::1]", True),
        ("fd00::1", b"[fd00::2]", False),
        ("10.0.0.1", b"10.0.0.1", True),
        ("", b"evil.example", False),
    ],
)
def test_hosts_are_allowed_by_whole_names(allowed, host, answered):
    assert (_refusal(host, access=Access(allow_hosts=("other.example", allowed))) == "") is answered


@pytest.mark.parametrize(
    ("local", "host", "answered"),
    [
        ("fd00::5", b"[fd00:0:0::5]", True),
        ("fd00::5", b"[fd00::6]", False),
        ("10.0.0.1", b"10.0.0.2", False),
        ("::ffff:10.0.0.1", b"10.0.0.1", True),
        ("::ffff:10.0.0.1", b"[::ffff:a00:1]", True),
        ("::ffff:10.0.0.1", b"10.0.0.2", False),
        ("fe80::1%eth0", b"[fe80::1]:8910", True),
        ("fe80::1%eth0", b"[fe80::2]", False),
        ("", b"10.0.0.1", False),
        ("box.lan", b"box.lan", False),
        ("/run/llmproxy.sock", b"localhost", True),
    ],
)
def test_our_own_address_counts_as_an_address_only(local, host, answered):
    assert (_refusal(host, local=local) == "") is answered


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (b"localhost:8910", b"http://localhost:8910"),
        (b"localhost:8910", b"https://LOCALHOST:8910"),
        (b"LocalHost:8910", b"http://localhost:8910"),
        (b"localhost", b"http://localhost"),
        (b"[::1]:8910", b"http://[::1]:8910"),
        (b"localhost:8910", b"http://localhost"),
        (b"localhost:8910", b"http://localhost:3000"),
        (b"localhost:8910", b"https://app.LocalHost.:3000"),
        (b"localhost:8910", b"http://127.0.0.1:5173"),
        (b"localhost:8910", b"http://[::1]:5173"),
    ],
)
def test_pages_of_this_machine_may_ask(host, origin):
    assert _refusal(host, origin) == ""


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"http://localhost.evil.example:8910",
        b"http://127.0.0.1.nip.io:8910",
        b"http://0.0.0.0:8910",
        b"http://10.0.0.1:8910",
        b"http://localhost:8910.evil.example",
        b"http://evil.example/http://localhost:8910",
        b"http://localhost:8910@evil.example",
        b"http://localhost:8910/",
        b"file://localhost:8910",
        b"chrome-extension://localhost:8910",
        b"localhost:8910",
        b"null",
        b"",
        b" ",
        b"*",
        b"http://localhost:8910 http://evil.example",
        b"\xff\x00",
    ],
)
def test_other_pages_may_not(origin):
    assert FOREIGN_ORIGIN in _refusal(b"localhost:8910", origin)


@pytest.mark.parametrize(
    ("allowed", "origin", "answered"),
    [
        ("https://app.example", b"https://app.example", True),
        ("https://App.example", b"https://aPP.example", True),
        ("https://app.example", b"http://app.example", False),
        ("https://app.example", b"https://app.example:8443", False),
        ("https://app.example", b"https://app.example.evil.example", False),
        ("https://*.example", b"https://app.example", False),
        ("*", b"https://evil.example", True),
        ("*", b"null", True),
        ("null", b"null", True),
    ],
)
def test_origins_are_allowed_whole(allowed, origin, answered):
    assert (_refusal(b"localhost", origin, Access(allow_origins=(allowed,))) == "") is answered


def test_two_origins_are_none():
    pairs = [(b"Host", b"localhost"), (b"Origin", b"http://localhost"), (b"Origin", b"http://localhost")]
    assert FOREIGN_ORIGIN in Access(allow_origins=("*",)).refusal(Headers(pairs), OURS, True)


def test_an_allowed_origin_does_not_open_a_foreign_host():
    assert FOREIGN_HOST in _refusal(b"evil.example", b"http://evil.example", Access(allow_origins=("*",)))


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.255.255", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("localhost", False),
        ("127.0.0.1:80", False),
        ("127.0.0.1 ", False),
        ("/run/llmproxy.sock", False),
        ("", False),
    ],
)
def test_loopback_addresses(address, loopback):
    assert is_loopback(address) is loopback


@given(st.binary(max_size=30))
def test_any_host_with_no_name_of_ours_is_refused(host):
    refusal = _refusal(b"evil" + host)
    assert refusal or host.lower().partition(b":")[0].removesuffix(b".").endswith(b".localhost")


@given(st.binary(max_size=40))
def test_any_origin_but_ours_is_refused_in_plain_words(origin):
    refusal = _refusal(b"localhost:8910", origin)
    assert refusal.isprintable()
    assert refusal or b"://localhost" in origin.lower()


def test_long_hosts_and_origins_are_not_remembered():
    """Else a thousand of them would hold as many times the memory of a head."""
    _known_host_refusal.cache_clear()
    is_loopback.cache_clear()
    assert _refusal(b"a" * 60_000)
    assert _refusal(b"localhost", b"http://" + b"a" * 60_000)
    assert _known_host_refusal.cache_info().currsize == 1  # localhost
    assert is_loopback.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("origin", "shown"),
    [(b"chrome-extension://abc", "chrome-extension://abc"), (b"null", "null"), (b"a://\x9b31m", "null")],
)
def test_a_refused_origin_is_named_where_it_is_one(origin, shown):
    assert _refusal(b"localhost", origin).endswith(f"start llmproxy with --allow-origin {shown} if they should.")


# --- pages that name no origin ---------------------------------------------------------------------------------------

DOCUMENT, IMAGE = (b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Dest", b"image")
FETCHED = {
    "no browser": ([], b"localhost", False, ""),
    "typed": ([(b"Sec-Fetch-Site", b"none"), DOCUMENT], b"localhost", False, ""),
    "our own": ([(b"Sec-Fetch-Site", b"same-origin"), IMAGE], b"localhost", False, ""),
    "another port here": ([(b"Sec-Fetch-Site", b"same-site"), IMAGE], b"localhost:8910", False, ""),
    "an image": ([(b"Sec-Fetch-Site", b"cross-site"), IMAGE], b"localhost", False, "other sites"),
    "an image of our own pages": ([(b"Sec-Fetch-Site", b"cross-site"), IMAGE], b"localhost", True, "other sites"),
    "a link": ([(b"Sec-Fetch-Site", b"cross-site"), DOCUMENT], b"localhost", False, "other sites"),
    "a link to our own pages": ([(b"Sec-Fetch-Site", b"cross-site"), DOCUMENT], b"localhost", True, ""),
    "a neighbour": ([(b"Sec-Fetch-Site", b"same-site"), IMAGE], b"llm.example", False, "other sites"),
    "a page that names its origin": ([(b"Sec-Fetch-Site", b"cross-site"), (b"Origin", b"x")], b"localhost", False, ""),
}


@pytest.mark.parametrize(("pairs", "host", "own_page", "words"), FETCHED.values(), ids=FETCHED.keys())
def test_pages_of_other_sites_ask_nothing_without_an_origin(pairs, host, own_page, words):
    headers = Headers([(b"Host", host), *pairs])
    refusal = Access().page_refusal(headers, own_page)
    assert words in refusal
    assert bool(refusal) is bool(words)
    assert Access(allow_origins=("*",)).page_refusal(headers, own_page) == ""


# --- what people write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["box", "box.lan", "*.lan", "*", "10.0.0.1", "fd00::1", "[fd00::1]", "a_b.lan"])
def test_a_host_that_may_be_allowed(text):
    assert parse_allowed_host(text) == text
    assert parse_allowed_host("box.lan.") == "box.lan"


@pytest.mark.parametrize("text", ["", "box:8910", "[fd00::1]:80", "http://box", "box/", "*.", "*lan", "a b", "b" * 300])
def test_a_host_that_nothing_could_match(text):
    with pytest.raises(ValueError, match="is not a Host"):
        parse_allowed_host(text)


@pytest.mark.parametrize(
    "text",
    ["*", "null", "https://app.example", "http://10.0.0.1:8080", "http://[fd00::1]:3000", "chrome-extension://abc"],
)
def test_an_origin_that_may_be_allowed(text):
    assert parse_allowed_origin(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "app.example", "https://app.example/", "https://app.example/x", "https://*.example", "https://"),
        *("https://app.example:443", "HTTP://app.example:80", "https://u@app.example", "https://a b"),
    ],
)
def test_an_origin_that_no_browser_sends(text):
    with pytest.raises(ValueError, match="is not an Origin"):
        parse_allowed_origin(text)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *[
            (host, True)
            for host in ("127.0.0.1:8910", "localhost", "LOCALHOST:1", "a.localhost:2", "[::1]:3", "10.0.0.7:4")
        ],
        *[
            (host, False)
            for host in ("", "llm.example", "llm.example:8910", "api.openai.com", "a b", "[::1", "1.2.3.4.5")
        ],
    ],
)
def test_a_host_that_says_where_the_daemon_listens(host, own):
    assert is_own_address(host) is own


OTHERS = {
    "no browser": ([], True),
    "typed": ([(b"Sec-Fetch-Site", b"none"), DOCUMENT], True),
    "our own": ([(b"Sec-Fetch-Site", b"same-origin"), (b"Sec-Fetch-Dest", b"empty")], True),
    "a link": ([(b"Sec-Fetch-Site", b"cross-site"), DOCUMENT], True),
    "a link of another port here": ([(b"Sec-Fetch-Site", b"same-site"), DOCUMENT], True),
    "an image": ([(b"Sec-Fetch-Site", b"cross-site"), IMAGE], False),
    "a frame": ([(b"Sec-Fetch-Site", b"cross-site"), (b"Sec-Fetch-Dest", b"iframe")], False),
    "another port here": ([(b"Sec-Fetch-Site", b"same-site"), IMAGE], False),
    "another port here that names its origin": (
        [(b"Sec-Fetch-Site", b"same-site"), (b"Sec-Fetch-Dest", b"empty"), (b"Origin", b"http://localhost:3000")],
        False,
    ),
    "that says not what for": ([(b"Sec-Fetch-Site", b"cross-site")], False),
}


@pytest.mark.parametrize(("pairs", "may"), OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("origins", [(), ("*",), ("http://localhost:3000",)])
def test_only_our_own_pages_ask_below_our_path(pairs, may, origins):
    headers = Headers([(b"Host", b"localhost:8910"), *pairs])
    assert (Access(allow_origins=origins).own_page_refusal(headers) == "") is may
