"""The rules on heads: the short look at a whole head finds all that the look at each line finds, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import strictness
from proxy_daemon.core.headers import Headers

PARTS = [b"v1", b".", b"..", b"%2e", b"%2F", b"/", b"a b", b"\\", b"#", b"?", b"\xc3", b"\x7f", b"\x01", b";", b"\t"]
VALUES = st.lists(st.sampled_from([*PARTS, b"", b"x", b"\xff", b"\n", b"\r"]), max_size=4).map(b"".join)
NAMES = st.sampled_from([b"A", b"x_y", b"", b"A b", b" A", b"\tA", b"A\x01", b"(", b"\xff"])
FIELDS = st.lists(st.builds(b"%b:%b".__mod__, st.tuples(NAMES, VALUES)) | VALUES.filter(bool), max_size=4)
TARGETS = st.builds(b"/%b".__mod__, VALUES) | VALUES
METHODS = st.sampled_from([b"GET", b"CONNECT", b"get", b"TRACE"])


def parsed(head, fields):
    """How many octets it has to a parser that folds lines, as Twisted's."""
    return len(head) - 2 * sum(line.startswith((b" ", b"\t")) for line in fields)


@given(METHODS, TARGETS, FIELDS)
def test_the_short_look_misses_nothing_that_a_parser_passes(method, target, fields):
    """The parser refuses CR, LF, and names that are none; and it has cut the target out at the spaces."""
    head = b"\r\n".join([method + b" " + target + b" HTTP/1.1", *fields, b"", b""])
    word = strictness.first_wrong_line(head)
    refused_by_parser = (
        any(octet in line.replace(b"\r\n", b"") for line in (target, *fields) for octet in (b"\r", b"\n"))
        or any(octet in target for octet in (b" ", b"\t", b"\x01"))
        or not target
        or any(not line.startswith((b" ", b"\t")) and not name(line) for line in fields)
    )
    if not refused_by_parser:
        assert strictness.wrong_lines(head, parsed(head, fields), method, target) == word


def name(line):
    found, colon, _ = line.partition(b":")
    return bool(colon) and found in (b"A", b"x_y")


@given(st.binary(max_size=60), st.lists(st.binary(max_size=30), max_size=5))
def test_any_octets_have_an_answer(line, fields):
    for wrong in (
        strictness.wrong_request_line(line),
        strictness.first_wrong_line(b"\r\n".join([line, *fields])),
        strictness.wrong_head(b"HTTP/1.1", Headers([(b"Host", line), *[(b"Connection", each) for each in fields]])),
    ):
        assert wrong is None or (400 <= wrong.status <= 501 and wrong.message.endswith((".", ")")))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"GET /a#b HTTP/1.1", "'#'"),
        (b"GET  / HTTP/1.1", "request line is malformed"),
        (b"GET / HTTP/1.1\n", "a CR or an LF alone"),
        (b"PRI * HTTP/2.0", "HTTP/2"),
        (b"GET http://a/ HTTP/1.1", "reverse proxy"),
        (b"CONNECT a:443 HTTP/1.1", "reverse proxy"),
        (b"GET /a/../b HTTP/1.1", "segment"),
    ],
)
def test_the_words_name_the_fault_of_a_request_line(line, words):
    assert words in strictness.wrong_request_line(line).message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([(b"Content-Length", b"1"), (b"Content-Length", b"1")], "more than one Content-Length"),
        ([(b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")], "and a Transfer-Encoding"),
        ([(b"Connection", b"x-api-key")], "Connection names 'x-api-key'"),
        ([(b"Expect", b"x")], "100-continue"),
        ([(b"Connection", b"a" * 600), (b"Connection", b"b" * 600)], "more than 1024 octets"),
    ],
)
def test_the_words_name_the_fault_of_a_head(fields, words):
    assert words in strictness.wrong_head(b"HTTP/1.1", Headers([(b"Host", b"localhost"), *fields])).message


@given(st.lists(st.sampled_from([b"close", b"Close", b"keep-alive", b"close, a", b"a,close", b"closed", b","])))
def test_the_connection_closes_where_any_member_says_so(values):
    members = [member.strip() for value in values for member in value.lower().split(b",")]
    assert strictness.closes(values) == (b"close" in members)


LONG = b"a" * 5000
HOST = (b"Host", b"a")
LOOKS = {
    "target": lambda: strictness.wrong_lines(b"GET /%b HTTP/1.1\r\n\r\n" % LONG, 5018, b"GET", b"/" + LONG),
    "Host": lambda: strictness.wrong_head(b"HTTP/1.1", Headers([(b"Host", LONG)])),
    "Connection": lambda: strictness.wrong_head(b"HTTP/1.1", Headers([HOST, (b"Connection", LONG)])),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_what_is_long_is_not_remembered(look):
    """A few hundred of them would fill the memory."""
    strictness.wrong_head(b"HTTP/1.1", Headers([HOST]))
    caches = (strictness._known_target, strictness._known_host, strictness._wrong_members)
    before = [cache.cache_info().misses for cache in caches]
    look()
    assert [cache.cache_info().misses for cache in caches] == before


@pytest.mark.parametrize(
    ("part", "bare"),
    [(b"", False), (b"a", False), (b"a\r", False), (b"\r", False), (b"\n", True), (b"a\rb", True), (b"\r\r", True)],
)
def test_a_line_that_will_never_be_whole(part, bare):
    assert strictness.has_bare_end(part) is bare
    assert strictness.has_bare_end(bytearray(part)) is bare
