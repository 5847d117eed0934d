"""The head of a request as upstream gets it: the client's own, but for `Host` and the length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream.request_head import is_last, request_head

HTTP, HTTPS = parse_upstream("http://api.example:8080"), parse_upstream("https://api.example/v1")


def head(*fields, upstream=HTTP, method=b"POST", target=b"/v1/x?a=b", body=b""):
    return request_head(upstream, Request(method, target, Headers(fields), Bytes(body))).split(b"\r\n")


HOST = (b"hOST", b"localhost:8910")
CASES = {
    "Host stays in its place": ([(b"A", b"1"), HOST, (b"B", b"2")], b"", [b"A: 1", b"hOST: api.example:8080", b"B: 2"]),
    "no Host": ([(b"A", b"1")], b"", [b"Host: api.example:8080", b"A: 1"]),
    "two Hosts": ([HOST, (b"A", b"1"), (b"Host", b"b")], b"", [b"hOST: api.example:8080", b"A: 1"]),
    "order, case, repetitions": (
        *([HOST, (b"x-B", b"1"), (b"X-b", b"2"), (b"E", b""), (b"x-B", b"1")], b""),
        [b"hOST: api.example:8080", b"x-B: 1", b"X-b: 2", b"E: ", b"x-B: 1"],
    ),
    "the length in its place": (
        *([HOST, (b"content-LENGTH", b"9"), (b"A", b"1")], b"abc"),
        [b"hOST: api.example:8080", b"content-LENGTH: 3", b"A: 1"],
    ),
    "a length of nothing stays": (
        *([HOST, (b"Content-Length", b"0"), (b"A", b"1")], b""),
        [b"hOST: api.example:8080", b"Content-Length: 0", b"A: 1"],
    ),
    "a body without a length": ([HOST], b"abc", [b"hOST: api.example:8080", b"Content-Length: 3"]),
    "two lengths": (
        *([(b"Content-Length", b"9"), HOST, (b"content-length", b"9")], b"abc"),
        [b"Content-Length: 3", b"hOST: api.example:8080"],
    ),
    "octets that are no ASCII": ([HOST, (b"A", b"\xe4\xff")], b"", [b"hOST: api.example:8080", b"A: \xe4\xff"]),
}


@pytest.mark.parametrize(("fields", "body", "lines"), CASES.values(), ids=CASES.keys())
def test_fields(fields, body, lines):
    assert head(*fields, body=body) == [b"POST /v1/x?a=b HTTP/1.1", *lines, b"", b""]


def test_the_base_path_and_a_port_that_goes_without_saying():
    lines = head(HOST, upstream=HTTPS, target=b"/chat?x=/v1")
    assert lines[:2] == [b"POST /v1/chat?x=/v1 HTTP/1.1", b"hOST: api.example"]


def test_the_same_fields_with_another_body_get_another_length():
    """What comes of the fields is kept; the length is not."""
    fields = [HOST, (b"Content-Length", b"1")]
    lengths = [head(*fields, body=b"x" * size)[2] for size in (1, 2, 0, 1)]
    assert lengths == [b"Content-Length: 1", b"Content-Length: 2", b"Content-Length: 0", b"Content-Length: 1"]


def test_the_same_fields_for_another_upstream_method_or_target():
    ways = [{}, {"upstream": HTTPS}, {"method": b"GET"}, {"target": b"/"}]
    starts = [tuple(head(HOST, **way)[:2]) for way in ways * 2]
    assert starts[:4] == starts[4:]
    assert len(set(starts)) == 4


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"POST", b"PUT", b"PATCH", b"QUERY", b"X"])
@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_body_where_few_expect_one_is_the_last_on_its_connection(method, body):
    last = bool(body) and method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS")
    assert is_last(Request(method, b"/", Headers(), Bytes(body))) == last
    assert (b"Connection: close" in head(HOST, (b"Content-Length", b"0"), method=method, body=body)) == last


EVIL = [b"a\r\nX-Evil: 1", b"a\nb", b"a\rb", b"a\0b", b"\r\n\r\nGET / HTTP/1.1"]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("place", ["name", "value", "method", "target", "length"])
def test_a_line_break_is_never_written(evil, place):
    """Not at the first time, and not out of what is kept."""
    request = {
        "name": lambda: head(HOST, (evil, b"1")),
        "value": lambda: head(HOST, (b"A", evil)),
        "method": lambda: head(HOST, method=evil),
        "target": lambda: head(HOST, target=b"/" + evil),
        "length": lambda: head(HOST, (b"Content-Length", b"1"), (b"B", evil), body=b"x"),
    }[place]
    for _ in range(2):
        with pytest.raises(ValueError, match="line break or NUL"):
            request()


SECRET = b"sk-secret-0123456789"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ([(b"Authorization", b"Bearer %b\n" % SECRET)], "b'Authorization'"),
        ([(b"X-Api-Key", b"a: b: %b\r" % SECRET)], "b'X-Api-Key'"),
        ([(b"Content-Length", b"1"), (b"X-Api-Key", b"%b\0" % SECRET)], "b'X-Api-Key'"),
    ],
)
def test_what_is_said_names_the_field_and_not_its_value(fields, name):
    """It goes into the log and to the client."""
    with pytest.raises(ValueError, match="line break or NUL") as raised:
        head(HOST, *fields)
    assert name in str(raised.value)
    assert SECRET.decode() not in str(raised.value)


texts = st.binary(max_size=12)
BODILESS = (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE")


@given(st.lists(st.tuples(texts, texts), max_size=5), texts, texts, texts)
def test_there_is_one_head_or_none(fields, method, target, body):
    try:
        lines = head(*fields, method=method, target=target, body=body)
    except ValueError:
        return
    assert lines[-2:] == [b"", b""]
    assert not any(b"\n" in line or b"\r" in line or b"\0" in line for line in lines)
    named = sum(name.lower() == b"content-length" for name, _ in fields)
    hosts = sum(name.lower() == b"host" for name, _ in fields)
    expected = 1 + len(fields) - max(0, named - 1) - max(0, hosts - 1) + (not hosts) + (not named and bool(body))
    last = method in BODILESS and bool(body)  # its connection is closed behind it
    assert len(lines) - 2 == expected + last
