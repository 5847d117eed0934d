"""What an upstream may send that is not an honest answer, and what must come of it: docs/hostile-upstreams.md as data.

Played against a connection in memory (`net/upstream/test_upstream_hostile.py`) and through a daemon
(`net/test_hostile_upstreams.py`).
"""

from attrs import frozen
from talks import http

ANSWER = "the answer"
REFUSED = "502"
BROKEN = "the answer, broken off"
LATE = "502; broken off where it had begun"  # what is wrong comes behind the head

LENGTH, CHUNKS = b"Content-Length: 3", b"Transfer-Encoding: chunked"
CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"
EVIL = b"HTTP/1.1 200 EVIL\r\nContent-Length: 4\r\n\r\nEVIL"
HUGE = 600_000
LONG = b"X-A: " + b"x" * 50_000
LONG_LINE, TRAILED = LONG + b"\r\n", b"3\r\nabc\r\n0\r\n%b\r\n"


@frozen
class Trick:
    """``octets``: all that upstream sends. ``replayed``: whether it may answer again, where the client got it whole.

    ``reused``: whether the connection may be asked again; None: either does no harm. It never is after a fault.
    """

    name: str
    octets: bytes
    client: str = REFUSED
    replayed: bool = False
    reused: bool | None = False
    head_only: bool = False
    body: bytes = b"abc"


def whole(name, octets, *, reused=True, replayed=True, **more):
    return Trick(name, octets, ANSWER, replayed, reused, **more)


def bodiless(name, octets, **more):
    """What stands behind its head is no part of it."""
    return whole(name, octets, reused=False, body=b"", **more)


def fields(*lines, body=b"abc", line=b"HTTP/1.1 200 OK"):
    return http(*lines, line=line, body=body)


def first(line):
    return fields(LENGTH, line=line)


def length(value):
    return fields(b"Content-Length:" + value)


def coding(*values):
    return fields(*[b"Transfer-Encoding:" + value for value in values], body=CHUNKED)


def chunks(body):
    return fields(CHUNKS, body=body)


STATUS_LINES = [
    whole("a status line without a reason", first(b"HTTP/1.1 200")),
    whole("a reason with octets above 127", first(b"HTTP/1.1 200 \xc3\xa9")),
    whole("a status code from 600 to 999", first(b"HTTP/1.1 999 Odd"), replayed=False),
    whole("an empty line before the status line", b"\r\n" + first(b"HTTP/1.1 200 OK")),
    whole("HTTP/1.0", first(b"HTTP/1.0 200 OK"), reused=False),
    whole("HTTP/1.0 that keeps the connection", fields(b"Connection: keep-alive", LENGTH, line=b"HTTP/1.0 200 OK")),
    Trick("HTTP/0.9 (a body without a head)", b"<html>abc</html>"),
    Trick("a status line of HTTP/0.9", first(b"HTTP/0.9 200 OK")),
    Trick("a status line of HTTP/2", first(b"HTTP/2.0 200 OK")),
    Trick("a status line of HTTP/1.2", first(b"HTTP/1.2 200 OK")),
    Trick("a status line of RTSP", first(b"RTSP/1.0 200 OK")),
    Trick("a status line of ICE", first(b"ICE/1.0 200 OK")),
    Trick("frames of HTTP/2", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80"),
    Trick("a request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Trick("a status code of 000", first(b"HTTP/1.1 000 X")),
    Trick("a status code of 099", first(b"HTTP/1.1 099 X")),
    Trick("a status code of two digits", first(b"HTTP/1.1 99 X")),
    Trick("a status code of four digits", first(b"HTTP/1.1 1000 X")),
    Trick("a status code with a sign", first(b"HTTP/1.1 +20 X")),
    Trick("two spaces before the status code", first(b"HTTP/1.1  200 OK")),
    Trick("a CR in the reason", first(b"HTTP/1.1 200 O\rX-Evil: 1")),
    Trick("an LF in the reason", first(b"HTTP/1.1 200 O\nX-Evil: 1")),
    Trick("a NUL in the reason", first(b"HTTP/1.1 200 O\0K")),
    Trick("a control character in the reason", first(b"HTTP/1.1 200 O\x1bK")),
]

FIELDS = [
    whole("a value with octets above 127", fields(b"X-A: \xff", LENGTH)),
    Trick("a CR in a value", fields(b"X-A: a\rX-Evil: 1", LENGTH)),
    Trick("an LF in a value", fields(b"X-A: a\nX-Evil: 1", LENGTH)),
    Trick("a NUL in a value", fields(b"X-A: a\0b", LENGTH)),
    Trick("a control character in a value", fields(b"X-A: a\x1b[2J", LENGTH)),
    Trick("a NUL in a name", fields(b"X\0A: b", LENGTH)),
    Trick("lines that end with LF alone", fields(LENGTH).replace(b"\r\n", b"\n")),
    Trick("a head that ends with LF alone", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\nabc"),
    Trick("lines that end with CR alone", fields(LENGTH).replace(b"\r\n", b"\r")),
    Trick("a folded line", fields(b"X-A: a", b" b", LENGTH)),
    Trick("a folded length", fields(b"Content-Length:", b" 3")),
    Trick("a space before the first name", fields(b" X-A: a", LENGTH)),
    Trick("a space before the colon", fields(b"Content-Length : 3")),
    Trick("a field without a name", fields(b": 1", LENGTH)),
    Trick("a field without a colon", fields(b"X-A", LENGTH)),
    Trick("more than 1,000 fields", fields(*[b"a: b"] * 1001, LENGTH)),
    Trick("fields of more than 256 KiB", fields(*[LONG] * 6, LENGTH)),
    Trick("a head without an end", fields(b"X-A: " + b"x" * HUGE)),
]

LENGTHS = [
    whole("zeros before a length", length(b" 0003")),
    whole("a space or tab around a length", length(b"\t3 \t")),
    Trick("two lengths that differ", fields(LENGTH, b"Content-Length: 4")),
    Trick("two lengths that are equal", fields(LENGTH, LENGTH)),
    Trick("a list of lengths", length(b" 3, 3")),
    Trick("a length with a plus", length(b" +3")),
    Trick("a length with a minus", length(b" -3")),
    Trick("a length with a space in it", length(b" 1 3")),
    Trick("a length with an underscore", length(b" 1_0")),
    Trick("a hexadecimal length", length(b" 0x3")),
    Trick("an empty length", length(b"")),
    Trick("a length that overflows", length(b" 18446744073709551619")),
    Trick("a close before the length is reached", length(b" 9"), BROKEN),
    Trick("a length of more than 18 digits", length(b" 1000000000000000000")),
    Trick("a length that just does not overflow", length(b" 18446744073709551615")),
]

CODINGS = [
    whole("Transfer-Encoding: Chunked", coding(b" ChunKed ")),
    whole("Transfer-Encoding: identity", fields(b"Transfer-Encoding: identity"), reused=False),
    whole("chunks in HTTP/1.0", fields(CHUNKS, line=b"HTTP/1.0 200 OK", body=CHUNKED), reused=False),
    whole(
        "chunks in HTTP/1.0 that keeps the connection",
        fields(b"Connection: keep-alive", CHUNKS, line=b"HTTP/1.0 200 OK", body=CHUNKED),
        reused=False,
    ),
    Trick("a length and chunks", fields(LENGTH, CHUNKS, body=CHUNKED)),
    Trick("chunks and a length", fields(CHUNKS, LENGTH, body=CHUNKED)),
    Trick("identity and a length", fields(b"Transfer-Encoding: identity", LENGTH)),
    Trick("Transfer-Encoding: gzip", coding(b" gzip")),
    Trick("Transfer-Encoding: gzip, chunked", coding(b" gzip, chunked")),
    Trick("Transfer-Encoding: xchunked", coding(b" xchunked")),
    Trick('Transfer-Encoding: "chunked"', coding(b' "chunked"')),
    Trick("Transfer-Encoding: chunked;q=1", coding(b" chunked;q=1")),
    Trick("Transfer-Encoding: chunked, (an empty member)", coding(b" chunked,")),
    Trick("Transfer-Encoding: ,chunked (an empty member)", coding(b" ,chunked")),
    Trick("Transfer-Encoding: chunked, identity", coding(b" chunked, identity")),
    Trick("Transfer-Encoding: chunked, twice", coding(b" chunked", b" chunked")),
    Trick("an empty Transfer-Encoding", coding(b"")),
    Trick("a vertical tab before chunked", coding(b" \x0bchunked")),
]

CHUNKS_ = [
    whole("zeros before a chunk's size", chunks(b"0" * 30 + CHUNKED)),
    whole("a chunk extension", chunks(b'3;a=b;c="d;e"\r\nabc\r\n0;last\r\n\r\n')),
    Trick("a chunk extension without an end", chunks(b"3;" + b"a" * HUGE), LATE, body=b""),
    Trick("an LF in a chunk extension", chunks(b"3;a\nb\r\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("a CR in a chunk extension", chunks(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("a NUL in a chunk extension", chunks(b"3;a\0b\r\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("a chunk's size with a plus", chunks(b"+" + CHUNKED), LATE, body=b""),
    Trick("a chunk's size with a minus", chunks(b"-" + CHUNKED), LATE, body=b""),
    Trick("a chunk's size with 0x", chunks(b"0x" + CHUNKED), LATE, body=b""),
    Trick("a space before a chunk's size", chunks(b" " + CHUNKED), LATE, body=b""),
    Trick("a space behind a chunk's size", chunks(b"3 \r\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("a chunk without a size", chunks(b"\r\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("a chunk's size that overflows", chunks(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("an LF alone behind a chunk's size", chunks(b"3\nabc\r\n0\r\n\r\n"), LATE, body=b""),
    Trick("an LF alone behind a chunk", chunks(b"3\r\nabc\n0\r\n\r\n"), LATE),
    Trick("an LF alone at the end", chunks(b"3\r\nabc\r\n0\r\n\n"), LATE),
    Trick("a chunk longer than its size", chunks(b"3\r\nabcd\r\n0\r\n\r\n"), LATE),
    Trick("a close before the last chunk", chunks(b"3\r\nabc\r\n"), BROKEN),
]

TRAILERS = [
    whole("a trailer", chunks(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")),
    whole("Connection: close in a trailer", chunks(b"3\r\nabc\r\n0\r\nConnection: close\r\n\r\n"), reused=False),
    whole("Upgrade in a trailer", chunks(b"3\r\nabc\r\n0\r\nConnection: upgrade\r\nUpgrade: h2\r\n\r\n")),
    whole("trailers of 200 KiB behind a head of 200 KiB", http(*[LONG] * 4, CHUNKS, body=TRAILED % (LONG_LINE * 4))),
    Trick("trailers of more than 256 KiB", chunks(TRAILED % (LONG_LINE * 6)), LATE),
    Trick("Content-Length in a trailer", chunks(b"3\r\nabc\r\n0\r\nContent-Length: 4\r\n\r\nEVIL"), LATE),
    Trick("Transfer-Encoding in a trailer", chunks(b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), LATE),
    Trick("a folded trailer", chunks(b"3\r\nabc\r\n0\r\nX-A: y\r\n z\r\n\r\n"), LATE),
    Trick("more than 1,000 trailers", chunks(b"3\r\nabc\r\n0\r\n" + b"a: b\r\n" * 1001 + b"\r\n"), LATE),
    Trick("a trailer without an end", chunks(b"3\r\nabc\r\n0\r\nX-A: " + b"x" * HUGE), LATE),
]

INTERIM = [
    whole("32 interim answers", b"HTTP/1.1 103 Early\r\n\r\n" * 32 + fields(LENGTH)),
    whole("an interim answer with a length", b"HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\n" + fields(LENGTH)),
    Trick("an interim answer with chunks", b"HTTP/1.1 103 E\r\n%b\r\n\r\n" % CHUNKS + CHUNKED + fields(LENGTH)),
    Trick("33 interim answers", b"HTTP/1.1 103 Early\r\n\r\n" * 33 + fields(LENGTH)),
    Trick("an interim answer that closes", b"HTTP/1.1 103 E\r\nConnection: close\r\n\r\n" + fields(LENGTH)),
    Trick("interim answers of more than 256 KiB", (b"HTTP/1.1 103 E\r\nX: %b\r\n\r\n" % (b"x" * 60_000)) * 5),
    Trick("101 with Upgrade", fields(b"Connection: upgrade", b"Upgrade: websocket", line=b"HTTP/1.1 101 X")),
    Trick("101 without Upgrade", first(b"HTTP/1.1 101 X")),
]

ENDS = [
    whole("205 with a body", fields(LENGTH, line=b"HTTP/1.1 205 X")),
    whole("a body until the close", fields(), reused=False),
    whole("Connection: keep-alive, close", fields(b"Connection: keep-alive, close", LENGTH), reused=False),
    whole("an empty line behind the answer", fields(LENGTH) + b"\r\n", reused=None),
    whole("an answer behind the answer", fields(LENGTH) + EVIL, reused=False),
    whole("an answer behind the last chunk", chunks(CHUNKED) + EVIL, reused=False),
    whole("a body longer than its length", fields(LENGTH) + b"EVIL", reused=False),
    whole("octets behind an answer that closes", fields(b"Connection: close", LENGTH) + EVIL, reused=False),
    bodiless("a body with 204", fields(LENGTH, line=b"HTTP/1.1 204 X", body=EVIL)),
    bodiless("chunks with 204", fields(CHUNKS, line=b"HTTP/1.1 204 X", body=CHUNKED)),
    bodiless("a body with 304", fields(LENGTH, line=b"HTTP/1.1 304 X", body=EVIL), replayed=False),
    bodiless("a body for HEAD", fields(LENGTH, body=EVIL), head_only=True),
    bodiless("chunks for HEAD", fields(CHUNKS, body=CHUNKED), head_only=True),
    bodiless("a last chunk for HEAD", fields(CHUNKS, body=b"0\r\n\r\n"), head_only=True),
]

TRICKS = [*STATUS_LINES, *FIELDS, *LENGTHS, *CODINGS, *CHUNKS_, *TRAILERS, *INTERIM, *ENDS]
