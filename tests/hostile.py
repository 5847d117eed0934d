"""Hostile requests and the answer to each: the data of `net/test_hostile_front.py`, and of the table in the docs.

A row of `ROWS` is a row of the table in docs/hostile-http.md: what a request has, the status of the answer, whether the
next request on the connection is served, and requests that have it.
"""

from typing import NamedTuple

HELLO = b"hello"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
LENGTH = b"Content-Length: 5"
CHUNKED = b"Transfer-Encoding: chunked"
HOST = b"Host: localhost"


class Row(NamedTuple):
    what: str
    status: int
    served_on: bool  # whether the connection stays, and the next request on it is answered
    requests: list[bytes]


def post(*fields, body=b"", method=b"POST", target=b"/v1/x", rest=b" HTTP/1.1", host=HOST):
    lines = [method + b" " + target + rest, *([host] if host else []), *fields]
    return b"\r\n".join([*lines, b"", body])


def sized(*fields, **more):
    return post(LENGTH, *fields, body=HELLO, **more)


def chunked(body, *fields):
    return post(CHUNKED, *fields, body=body)


def coded(*fields):
    return post(*fields, body=CHUNKS)


def get(target=b"/v1/x", rest=b" HTTP/1.1"):
    return post(method=b"GET", target=target, rest=rest)


def refused(what, requests, status=400):
    return Row(what, status, False, requests)


def passed(what, requests, *, served_on=True):
    return Row(what, 200, served_on, requests)


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"  # what an attacker wants an upstream to see

FRAMING = [
    refused(
        "Content-Length and Transfer-Encoding",
        [coded(LENGTH, CHUNKED), coded(CHUNKED, LENGTH, b"Expect: 100-continue")],
    ),
    refused(
        "more than one Content-Length, equal or not",
        [sized(LENGTH), sized(b"Content-Length: 6"), sized(b"content-length: 0"), post(b"Content-Length: 0", LENGTH)],
    ),
    refused(
        "a Content-Length that is not 1 to 18 digits",
        [
            post(b"Content-Length:" + value, body=HELLO)
            for value in (
                *(b"", b" ", b" +5", b" -5", b" 5 5", b" 5_0", b" 0x5", b" 5.0", b" 5, 5", b" 5,", b" 5;a", b" a"),
                *(b" \xb2", b" 1234567890123456789", b" " + b"9" * 5000),
            )
        ],
    ),
    refused("a Content-Length above --max-body", [post(b"Content-Length: 999999999999999999", body=HELLO)], 413),
    refused(
        "`chunked` twice, with parameters, in quotes, or an empty Transfer-Encoding",
        [
            coded(b"Transfer-Encoding:" + value)
            for value in (
                *(b" chunked, chunked", b" chunked,chunked", b" chunked;q=1", b' "chunked"', b"", b" ,chunked"),
                *(b" chunked,", b" chunked chunked", b" chunked\r\nTransfer-Encoding: chunked"),
            )
        ],
    ),
    refused(
        "a transfer coding other than `chunked`",
        [
            coded(b"Transfer-Encoding: " + value)
            for value in (
                *(b"xchunked", b"identity", b"gzip, chunked", b"chunked, identity", b"identity, chunked", b"gzip"),
                b"identity\r\nTransfer-Encoding: chunked",
            )
        ],
        501,
    ),
    refused("Transfer-Encoding in HTTP/1.0", [post(CHUNKED, body=CHUNKS, rest=b" HTTP/1.0")]),
    refused(
        "`Content_Length` or `Transfer_Encoding`, with underscores",
        [coded(b"Transfer_Encoding: chunked"), post(b"content_length: 5", body=HELLO), sized(b"Content_Length: 0")],
    ),
    passed(
        "spaces and tabs around a length or coding, `Chunked` in other case, a length with leading zeros",
        [
            *(coded(b"Transfer-Encoding:" + value) for value in (b"chunked", b"\tchunked\t", b" Chunked", b" CHUNKED")),
            *(post(b"Content-Length:" + value, body=HELLO) for value in (b"5", b"\t5 ", b" 005")),
        ],
    ),
    passed(
        "a body with GET, HEAD or DELETE (it goes up on a connection that nothing follows on)",
        [sized(method=b"GET"), sized(method=b"HEAD"), sized(method=b"DELETE")],
    ),
]

CHUNK_RULES = [
    refused(
        "a chunk size that is signed, empty, not hexadecimal, or above 2^60",
        [
            chunked(size + b"\r\nhello\r\n0\r\n\r\n" + HIDDEN)
            for size in (b"+5", b"-5", b"0x5", b"5 ", b" 5", b"", b"5_0", b"g", b"f" * 16, b"f" * 17, b"1" + b"0" * 15)
        ],
    ),
    refused("a chunk line of more than 1024 octets", [chunked(b"5;" + b"x" * 1100 + b"\r\nhello\r\n0\r\n\r\n")]),
    refused(
        "anything but CR LF behind the data of a chunk",
        [chunked(b"5\r\nhello" + end + b"0\r\n\r\n") for end in (b"XX", b"\n\n", b"\r", b"", b"\n")],
    ),
    refused(
        "a bare CR or LF in a chunk line or a trailer",
        [
            chunked(body)
            for body in (
                *(b"5\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\rhello\r\n0\r\n\r\n"),
                *(
                    b"5;\nxx\r\n4c\r\n0\r\n\r\n" + HIDDEN,
                    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
                    b"5;a\rb\r\nhello\r\n0\r\n\r\n",
                    b"5\r\nhello\r\n0\n\n",
                ),
                *(b"5\r\nhello\r\n0\r\nA: b\n\n" + HIDDEN, b"5\r\nhello\r\n0\r\nA: b\rC: d\r\n\r\n"),
            )
        ],
    ),
    refused(
        "a malformed trailer",
        [chunked(b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n") for line in (b"a", b"A : b", b" A: b", b"A: \0", b": b")],
    ),
    passed(
        "chunk extensions, trailers, sizes with leading zeros (extensions and trailers end here)",
        [
            chunked(body)
            for body in (
                *(b"5;a=b\r\nhello\r\n0\r\n\r\n", b'5;a="b c"\r\nhello\r\n0;x\r\n\r\n', b"0005\r\nhello\r\n00\r\n\r\n"),
                *(b"5\r\nhello\r\n0\r\nA: b\r\n\r\n", b"5\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: evil\r\n\r\n"),
            )
        ],
    ),
]

LINES = [
    refused(
        "a bare LF or CR as a line end, or within a line",
        [
            *(HIDDEN.replace(b"\r\n", b"\n"), HIDDEN.replace(b"\r\n", b"\r"), b"\n" + HIDDEN, b"\r" + HIDDEN),
            *(post(b"A: b" + octet + b"X: y") for octet in (b"\n", b"\r", b"\n\n" + HIDDEN)),
            *(post(b"A: b\r"), post(b"\rA: b"), post(b"\nA: b"), get(rest=b" HTTP/1.1\n"), get(rest=b" HTTP/1.1\r")),
            *(post(b"A: b\nTransfer-Encoding: chunked", body=CHUNKS), b"GET /v1/x HTTP/1.1\r\nHost: localhost\n\n"),
        ],
    ),
    refused(
        "a folded line (a field that begins with a space or tab)",
        [
            *(post(b"A: b\r\n c"), post(b"A: b\r\n\tContent-Length: 5"), post(b"A: b\r\n \r\nX: y"), post(b" A: b")),
            *(coded(b"Transfer-Encoding:\r\n chunked"), b"GET /v1/x HTTP/1.1\r\n Host: localhost\r\n\r\n"),
            *(post(b"\tA: b"), post(b"A: b", b"\x20")),
        ],
    ),
    refused(
        "NUL or another control octet in a value",
        [post(b"A: b" + bytes([octet]) + b"c") for octet in (0, 1, 8, 11, 12, 27, 31, 127)],
    ),
    refused(
        "a name that is empty, has a space (also before the colon), or a character that is none of a token",
        [
            *(post(name + b": b") for name in (b"", b"A b", b"A ", b"A\t", b"A\0", b"A\xff", b"A(", b"A\x01", b'"A"')),
            coded(b"Transfer-Encoding : chunked"),
            sized(b"Content-Length : 0"),
        ],
    ),
    refused("a line without a colon", [post(b"A"), post(b"A b"), post(b"GET /hidden HTTP/1.1")]),
    passed(
        "octets above 127 in a value, tabs, an empty value", [post(b"A: \xc3\xa4\t\xff"), post(b"A:"), post(b"A: ")]
    ),
    passed("one empty line before a request", [b"\r\n" + get()]),
    refused("two empty lines before a request", [b"\r\n\r\n" + get()]),
]

FIRST_LINE = [
    refused(
        "a whole URL, an authority or `*` as the target; CONNECT",
        [
            *(get(b"http://169.254.169.254/"), get(b"http://localhost/v1/x"), get(b"HTTPS://evil.example/")),
            *(get(b"localhost:80"), get(b"*"), post(method=b"OPTIONS", target=b"*"), get(b"v1/x"), get(b"?x=1")),
            *(post(method=b"CONNECT", target=b"evil.example:443"), post(method=b"CONNECT", target=b"/v1/x")),
        ],
    ),
    refused(
        "a space, a control octet, one outside ASCII or `#` in the target",
        [
            get(b"/v1/" + part)
            for part in (b"a b", b"\xc3\xa4", b"\x80", b"a#b", b"?a#b", b"a\tb", b"a\0b", b"a\x7f", b"\x0b")
        ],
    ),
    refused(
        "a path segment `.` or `..`, also written with `%2E`, `%2F`, `%5C`, or cut off by `;`, `%3F`, `%23` or `%00`",
        [
            get(target)
            for target in (
                *(b"/../admin", b"/v1/../admin", b"/v1/..", b"/.", b"/./v1", b"/v1/./x", b"/v1/%2e%2e/admin"),
                *(b"/v1/%2E./x", b"/v1/.%2e/x", b"/v1/..%2fadmin", b"/v1%2f..%2Fadmin", b"/v1/..;/x", b"/v1/..;a=b/x"),
                *(b"/v1/..%5cadmin", b"/%5c..%5cx", b"/x/../_llmproxy/api/stats", b"/_llmproxy/../x"),
                *(b"/_llmproxy/to/default/../x", b"//../x", b"/..?a=b", b"/v1/%2e"),
                *(b"/v1/..%3fa", b"/v1/..%23", b"/v1/%2e%2e%00.x", b"/v1/..%3Ba/x"),
            )
        ],
    ),
    refused(
        "a backslash in the path", [get(b"/v1/a\\b"), get(b"/..\\admin"), get(b"\\v1\\x"), get(b"/\\evil.example/")]
    ),
    passed(
        "other odd targets, passed on as they are",
        [
            get(target)
            for target in (
                *(
                    b"//evil.example/x",
                    b"/v1/a%2Fb",
                    b"/v1/a%2fb",
                    b"/v1/%252e%252e/x",
                    b"/v1/...",
                    b"/v1/..a",
                    b"/v1//x",
                ),
                *(
                    b"/v1/a%00b",
                    b"/v1/a%zz",
                    b"/v1/%",
                    b"/v1/x?a=/../b&c=\\d",
                    b"/v1/x?a[]=b",
                    b'/v1/"<>{|}^`',
                    b"/v1/x?",
                ),
                *(b"/v1/http://evil.example/", b"/v1/a;b=c", b"/v1/a:b@c"),
            )
        ],
    ),
    refused(
        "another version than HTTP/1.0 and HTTP/1.1, or more or fewer than three parts",
        [
            *(b"GET /v1/x\r\n" + HIDDEN, b"GET /\r\n\r\n"),
            *(
                get(rest=rest)
                for rest in (
                    *(b" HTTP/1.2", b" HTTP/0.9", b" HTTP/2", b" HTTP/2.0", b" HTTP/1.10", b" HTTP/01.1", b" http/1.1"),
                    *(b" HTTPS/1.1", b" HTTP/1.1 ", b" HTTP/1.1x", b" HTTP/1.1\t", b"\tHTTP/1.1", b" HTTP/1.1, x"),
                )
            ),
        ],
    ),
    refused("the preface of HTTP/2", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]),
    refused(
        "a method that is no token",
        [
            post(method=method)
            for method in (b"", b" POST", b"PO\xc3ST", b"PO(ST", b"PO\0ST", b"POST\t", b'"POST"', b"PO/ST", b"PO\nST")
        ],
    ),
    refused(
        "TRACE or TRACK, which ask for a copy of the request with the keys in it",
        [post(method=b"TRACE"), post(method=b"TRACK"), post(b"Max-Forwards: 0", method=b"TRACE", rest=b" HTTP/1.0")],
        501,
    ),
    passed(
        "an unknown method, also in small letters",
        [post(method=b"get"), post(method=b"M-SEARCH"), post(method=b"X"), post(method=b"TRACES")],
    ),
    passed(
        "HTTP/1.0, whatever Connection says: one request a connection",
        [
            get(rest=b" HTTP/1.0"),
            post(b"Connection: keep-alive", method=b"GET", rest=b" HTTP/1.0"),
            sized(b"Connection: keep-alive, x", b"Keep-Alive: timeout=9", rest=b" HTTP/1.0"),
            post(method=b"GET", rest=b" HTTP/1.0", host=b""),
        ],
        served_on=False,
    ),
]

FIELDS = [
    refused("more than one Host", [post(HOST), post(b"host: evil.example"), post(HOST, rest=b" HTTP/1.0")]),
    refused("no Host in HTTP/1.1", [post(host=b"")]),
    refused(
        "a Host that is no name or address with a port",
        [
            post(host=b"Host:" + value)
            for value in (
                *(b"", b" ", b" a b", b" localhost/x", b" localhost@evil.example", b" localhost:80:80", b" localhost:"),
                *(
                    b" localhost,evil.example",
                    b" localhost#",
                    b" loc\xc3\xa4l",
                    b" localhost:x",
                    b" [::1",
                    b" localhost?",
                ),
                *(b" http://localhost", b" localhost\\x", b" localhost:999999", b" " + b"a" * 256, b" [::1]x"),
                *(b" [" + b":" * 50 + b"]", b" %6cocalhost", b" localhost\t.x", b" localhost;x", b" " + b"a." * 50_000),
            )
        ],
    ),
    refused(
        "Connection that names a field meant for the upstream (Host, Authorization, Content-..., an API key ...)",
        [
            sized(b"Connection: " + value, b"Authorization: Bearer x", b"X-Api-Key: y")
            for value in (
                *(b"host", b"Host", b"content-length", b"Transfer-Encoding", b"authorization", b"close, Authorization"),
                *(b"x-api-key", b"keep-alive,x-goog-api-key", b"api-key", b"content-type", b"cache-control", b"cookie"),
                *(b"close\r\nConnection: host", b"anthropic-version", b"x-forwarded-for"),
                *(b"x-real-ip", b"idempotency-key", b"User-Agent"),
            )
        ],
    ),
    refused(
        "Connection of more than 1024 octets",
        [
            sized(b"Connection: " + value)
            for value in (b"," * 1025, b"a, " * 342, b"close\r\nConnection: " + b"a" * 1019)
        ],
    ),
    passed(
        "Connection: close, in any list or line: nothing is served behind it",
        [
            sized(b"Connection: " + value)
            for value in (
                b"close",
                b"CLOSE",
                b"close, a",
                b"a,close",
                b"keep-alive\r\nConnection: close",
                b"a" * 1017 + b", close",
            )
        ],
        served_on=False,
    ),
    passed(
        "Connection that names fields of one hop, which end here",
        [sized(b"Connection: keep-alive, TE, hop", b"TE: trailers", b"Hop: 1"), sized(b'Connection: "close"')],
    ),
    refused(
        "Expect with anything but `100-continue`",
        [sized(b"Expect: " + value) for value in (b"x", b"100-continue, x", b"", b"200-ok", b"100-continue;q=1")],
        417,
    ),
    passed("Expect: 100-continue, in any case", [sized(b"Expect: 100-continue"), sized(b"expect: 100-Continue")]),
    passed(
        "an offer of HTTP/2 (`Upgrade: h2c`), with and without a body",
        [
            sized(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"),
            post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"),
        ],
    ),
]

PARTS = {
    "Where a body ends": FRAMING,
    "Chunks": CHUNK_RULES,
    "Lines": LINES,
    "The request line": FIRST_LINE,
    "Single fields": FIELDS,
}
ROWS = [row for rows in PARTS.values() for row in rows]
CASES = [(row, octets) for row in ROWS for octets in row.requests]
