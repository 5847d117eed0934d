"""Requests as their octets, for tests of the front."""

FIELDS = ((b"hOST", b"localhost"), (b"X-B", b"1"), (b"x-a", b"two  words"), (b"X-B", b"3"), (b"X-Empty", b""))


def head(line=b"POST /v1/x?a=b HTTP/1.1", *more, fields=FIELDS, length=None):
    lines = [line, *[b"%b: %b" % field for field in (*fields, *more)]]
    if length is not None:
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join([*lines, b"", b""])


def post(body=b"{}", *more, line=b"POST /v1/x?a=b HTTP/1.1", fields=FIELDS):
    return head(line, *more, fields=fields, length=len(body)) + body


GET = head(b"GET /v1/models HTTP/1.1")
CHUNKED = head(b"POST /v1/files HTTP/1.1", (b"Transfer-Encoding", b"chunked")) + b"3\r\nabc\r\n0\r\n\r\n"
BEGUN = b"GET /v1/begun HTTP/1.1\r\nHost: localhost\r\n"  # fields are still to come
