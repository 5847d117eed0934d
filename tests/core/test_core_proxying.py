"""Which proxy: from option and environment, and what NO_PROXY takes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.no_proxy import parse_exempt
from proxy_daemon.core.proxying import OFF, Proxies, Proxy, parse_proxy, proxies
from proxy_daemon.core.upstreams import parse_upstream

A, B = Proxy("a.example", 3128), Proxy("b.example", 80)
URL = {A: "http://a.example:3128", B: "http://b.example"}

GOOD = [
    ("http://a.example:3128", A),
    ("a.example:3128", A),
    ("http://b.example/", B),
    ("http://[::1]:3128", Proxy("::1", 3128)),
    ("off", OFF),
    ("http://us%40er:p%3Ass@a.example:3128", Proxy("a.example", 3128, b"Basic dXNAZXI6cDpzcw==")),
    ("http://user@a.example:3128", Proxy("a.example", 3128, b"Basic dXNlcjo=")),
]


@pytest.mark.parametrize(("text", "proxy"), GOOD)
def test_it_is_read(text, proxy):
    assert parse_proxy(text) == proxy


BAD = ["https://u:secret@a:1", "socks5://u:secret@a", "http://", "http://u:secret@a/x", "http://u:secret@a:0"]
BAD += ["http://u:sec\nret@a", "http://u:secret\n@a", "u:a://secret@b", "http://u:secret@a..b"]
BAD += ["http://u:secret@a:99999", "http://u:secret@a b", "http://u:secret@a?x", "http://u:sec/secret@a:1", "http://[u"]


@pytest.mark.parametrize("text", BAD)
def test_it_is_refused_without_the_password(text):
    with pytest.raises(ValueError, match="proxy") as caught:
        parse_proxy(text)
    assert "secret" not in str(caught.value)
    assert "ret@" not in str(caught.value)


def test_the_password_is_in_no_text():
    proxy = parse_proxy("http://user:secret@a.example:3128")
    assert "Basic" not in repr(proxy) + str(proxy) + repr(Proxies({"http": proxy}))
    assert str(proxy) == "http://a.example:3128"


ENVIRONMENTS = [
    ({}, None, None),
    ({"HTTPS_PROXY": URL[A]}, A, None),
    ({"https_proxy": URL[A], "HTTPS_PROXY": URL[B]}, A, None),
    ({"http_proxy": URL[A]}, None, A),
    ({"HTTP_PROXY": URL[A]}, None, None),
    ({"ALL_PROXY": URL[A]}, A, A),
    ({"ALL_PROXY": URL[A], "HTTPS_PROXY": URL[B]}, B, A),
    ({"ALL_PROXY": URL[A], "NO_PROXY": "*"}, None, None),
    ({"ALL_PROXY": URL[A], "no_proxy": "other", "NO_PROXY": "*"}, A, A),
    ({"HTTPS_PROXY": ""}, None, None),
]


@pytest.mark.parametrize(("environ", "https", "http"), ENVIRONMENTS)
def test_the_environment(environ, https, http):
    found = proxies(None, environ)
    assert found.of(parse_upstream("https://api.example")) == https
    assert found.of(parse_upstream("http://api.example")) == http


def test_the_option_rules_but_not_over_no_proxy():
    environ = {"ALL_PROXY": URL[A], "NO_PROXY": "inner.example"}
    assert proxies(B, environ).of(parse_upstream("http://api.example")) == B
    assert proxies(B, environ).of(parse_upstream("https://inner.example")) is None
    assert proxies(OFF, environ) == Proxies()


def test_a_bad_variable_is_named():
    found = proxies(None, {"ALL_PROXY": "socks5://x:1", "HTTPS_PROXY": URL[A], "NO_PROXY": "inner.example"})
    with pytest.raises(ValueError, match=r"^\$ALL_PROXY: .*must be reached by http://.*--upstream-proxy off"):
        found.of(parse_upstream("http://api.example"))
    for url, proxy in [("https://api.example", A), ("http://inner.example", None), ("http://127.0.0.1", None)]:
        assert found.of(parse_upstream(url)) == proxy  # who does not need it is not held up by it


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "LOCALHOST."])
def test_this_machine_is_reached_straight(host):
    assert proxies(A, {}).of(parse_upstream(f"http://{host}:8000")) is None


EXEMPT = [
    ("*", "https://api.example", True),
    ("api.example", "https://api.example", True),
    ("api.example", "https://API.example.", True),
    ("example", "https://api.example", True),
    (".example", "https://api.example", True),
    ("*.example", "https://api.example", True),
    ("pi.example", "https://api.example", False),
    ("api.example:443", "https://api.example", True),
    ("api.example:8443", "https://api.example", False),
    ("other, api.example", "https://api.example", True),
    ("other api.example", "https://api.example", True),
    ("10.0.0.0/8", "http://10.1.2.3", True),
    ("10.0.0.0/8", "http://11.1.2.3", False),
    ("10.0.0.0/8:80", "http://10.1.2.3", True),
    ("10.1.2.3", "http://10.1.2.3", True),
    ("1.2.3", "http://10.1.2.3", False),
    ("2001:db8::/32", "http://[2001:db8::1]", True),
    ("[2001:db8::1]:80", "http://[2001:db8::1]", True),
    ("[2001:db8::]/32", "http://[2001:db8::1]", True),
    ("[2001:db8::1]:81", "http://[2001:db8::1]", False),
    ("", "https://api.example", False),
    (",.,", "https://api.example", False),
]


@pytest.mark.parametrize(("text", "url", "straight"), EXEMPT)
def test_no_proxy(text, url, straight):
    assert (proxies(A, {"NO_PROXY": text}).of(parse_upstream(url)) is None) == straight


@given(st.text())
def test_no_proxy_is_never_an_error(text):
    Proxies({"https": A}, parse_exempt(text)).of(parse_upstream("https://api.example"))


@given(st.text())
def test_a_proxy_is_one_or_a_sentence(text):
    try:
        proxy = parse_proxy(text)
    except ValueError:
        return
    assert proxy == OFF or (proxy.host and 0 < proxy.port <= 65535)
