"""Requests read off a wire by the letter of RFC 9112, with none of the daemon's code: what a client has really sent."""

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
FIELD = rb"(?:%b:[\t\x20-\x7e\x80-\xff]*\r\n)" % TOKEN
HEAD = re.compile(rb"(?:\r\n)?(%b) (/[\x21-\x7e]*) HTTP/1\.([01])\r\n(%b*)\r\n" % (TOKEN, FIELD))
CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
END = re.compile(rb"0+(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n%b*\r\n" % FIELD)


class Unclear(Exception):
    """Where the body ends is not said, or it is not all there."""


def requests(octets):
    """(method, target, body) of each request, up to the first octet that is not clear or not whole."""
    while head := HEAD.match(octets):
        method, target, minor, lines = head.groups()
        values = {}
        for line in lines.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            values.setdefault(name.lower(), []).append(value.strip(b" \t"))
        try:
            body, octets = _body(values, minor, octets[head.end() :])
        except Unclear:
            return
        yield method, target, body
        members = b",".join(values.get(b"connection", [])).lower().split(b",")
        if minor == b"0" or b"close" in [member.strip() for member in members]:
            return


def _body(values, minor, octets):
    """(the body, what is behind it)."""
    lengths, codings = values.get(b"content-length", []), values.get(b"transfer-encoding", [])
    if codings:
        if lengths or minor == b"0" or [coding.lower() for coding in codings] != [b"chunked"]:
            raise Unclear
        return _chunks(octets)
    if not lengths:
        return b"", octets
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]) or int(lengths[0]) > len(octets):
        raise Unclear
    return octets[: int(lengths[0])], octets[int(lengths[0]) :]


def _chunks(octets):
    body = b""
    while (end := END.match(octets)) is None:
        found = CHUNK.match(octets)
        size = int(found[1], 16) if found else 0
        if not size or octets[found.end() + size :][:2] != b"\r\n":
            raise Unclear
        body += octets[found.end() : found.end() + size]
        octets = octets[found.end() + size + 2 :]
    return body, octets[end.end() :]


def in_order(some, every):
    """Whether all of ``some`` are in ``every``, in this order."""
    rest = iter(every)
    return all(each in rest for each in some)
