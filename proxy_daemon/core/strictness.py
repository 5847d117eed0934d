"""What a request may look like on the wire: one rule, one answer. What is refused is never guessed at.

Every peer must read the same requests out of the same octets; where two could differ, the request is refused and the
connection is closed. Called by `net/channel.py` for each head; `docs/hostile-http.md` lists the answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.secret_names import is_secret_field

Values = Mapping[bytes, list[bytes]]

MAX_LENGTH_DIGITS = 18
MAX_CHUNK = 1 << 60
MAX_CONNECTION = 1024  # octets of all its lines: each member is looked for in each request
KEPT = 1024  # octets of a target or Host whose verdict is remembered: longer ones would fill the memory

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"  # RFC 9110 section 5.6.2
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*+"  # RFC 9110 section 5.5, without line folding
# Octets that a plain head does not hold. Some may stand in values: then each line is looked at.
_SUSPECT = bytes(octet for octet in range(32) if octet not in b"\t\r\n") + b"\x7f#\\"
# A table and one comparison are the fastest look at each octet: a third of the time of a regular expression.
_OTHERWISE = bytes.maketrans(_SUSPECT, b"?" * len(_SUSPECT))
_REQUEST_LINE = re.compile(rb"(%b) ([^ ]*) (HTTP/1\.[01])" % _TOKEN)
_SHOWN = re.compile(rb"([\x21-\x7e]+) ([\x21-\x7e]+) [\x20-\x7e]*")
_FIELD = re.compile(rb"(%b):%b" % (_TOKEN, _VALUE))
_TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*")
_SLASH = rb"(?:/|\\|%2f|%5c)"
# RFC 3986 section 5.2.4, also as it looks once somebody has decoded it, or cut it off at `;`, `?`, `#` or NUL.
_DOTS = re.compile(rb"(?i)%b(?:\.|%%2e){1,2}(?:%b|;|%%(?:3b|3f|23|00)|\Z)" % (_SLASH, _SLASH))
# What `core.access` reads. A name has at most 255 octets (RFC 1035 section 2.3.4).
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::[0-9]{1,5})?")
_CODINGS = re.compile(rb"%b(?:[ \t]*,[ \t]*%b)*" % (_TOKEN, _TOKEN))

# RFC 9110 section 7.6.1: never a connection option. Taken away, the upstream would see another request.
_END_TO_END = frozenset(
    b"authorization cache-control cookie expect forwarded host idempotency-key origin range transfer-encoding"
    b" user-agent via x-real-ip".split()
)
_KEEP_ALIVE = [b"keep-alive"]  # what nearly all clients say
_ECHOED = frozenset((b"TRACE", b"TRACK"))
_NOT_PASSED = _ECHOED | {b"CONNECT"}
_ALSO_END_TO_END = (b"content-", b"accept", b"if-", b"x-forwarded-", b"anthropic-", b"openai-")


@frozen
class Wrong:
    """Why a request is refused: the status, and a sentence that says what is wrong and what to do."""

    status: int
    message: str


def _bad(message: str) -> Wrong:
    return Wrong(400, message)


UNCLEAR = _bad("The head of the request is malformed; send it as RFC 9112 says.")
CHUNKS = _bad(
    "The chunked body is malformed: each chunk is its size in hexadecimal digits, CR LF, so many octets, CR LF "
    "(RFC 9112 section 7.1). Trailers are fields like others."
)
BARE = _bad("A line of the head holds a CR or an LF alone; end each line with CR LF (RFC 9112 section 2.2).")
_PREFACE = _bad("This is HTTP/2 without TLS, which is not spoken here; use HTTP/1.1.")
REQUEST_LINE = _bad(
    "The request line is malformed; it is a method, a target and HTTP/1.1, with one space between them "
    "(RFC 9112 section 3)."
)
_FORM = _bad("The request target must begin with '/': this is a reverse proxy, set it as the base URL.")
_ECHO = Wrong(501, "The method asks for a copy of the request as it arrives, with the keys in it; it is not passed on.")
_OCTETS = _bad("The request target holds a space, a '#', a control octet or one outside ASCII; percent-encode it.")
_BACKSLASH = _bad("The path holds a backslash, which some servers read as a slash; write it as %5C.")
_DOT_SEGMENT = _bad("The path has a segment '.' or '..', which may lead elsewhere; send the path that is meant.")
_FOLDED = _bad("A field begins with a space: lines are not folded any more; write it on one line (RFC 9112 5.2).")
_NO_COLON = _bad("A line of the head has no colon; a field is NAME: VALUE (RFC 9112 section 5).")
_NAME = _bad("A field name is empty, or holds a space or a character that names may not have (RFC 9110 5.1).")
_CONTROL = _bad("A field value holds a control octet; only tab, and what can be seen, may stand there (RFC 9110 5.5).")
_UNDERSCORE = _bad("A field is named like one that tells the length, with '_' for '-'; leave it out.")
_LENGTHS = _bad("The request has more than one Content-Length; send one (RFC 9112 section 6.3).")
_NO_LENGTH = _bad(f"The Content-Length is not a number of 1 to {MAX_LENGTH_DIGITS} digits (RFC 9110 section 8.6).")
_BOTH = _bad("The request has a Content-Length and a Transfer-Encoding; send one of them (RFC 9112 section 6.1).")
_OLD = _bad("A request in HTTP/1.0 has a Transfer-Encoding; use HTTP/1.1 (RFC 9112 section 6.1).")
_CODING = _bad("The Transfer-Encoding is malformed; the word 'chunked', once, is all that it may say (RFC 9112 6.3).")
_UNKNOWN = Wrong(501, "The Transfer-Encoding names a coding that llmproxy does not know; send 'chunked' alone.")
_HOSTS = _bad("The request names more than one Host.")
_NO_HOST = _bad("The request names no Host, which HTTP/1.1 demands.")
_ODD_HOST = _bad("The Host of the request is malformed; it is a name or an address, and a port if need be.")
_LONG = _bad(f"The field Connection has more than {MAX_CONNECTION} octets; it names the few fields of this hop.")
_EXPECT = Wrong(417, "The request expects something else than 100-continue; leave the field Expect out.")


def wrong_lines(head: bytes, size: int, method: bytes, target: bytes) -> Wrong | None:
    """What is wrong with the lines of a whole head that the parser has passed; None where nothing is.

    ``method``, ``target`` and ``size`` are what the parser made of it: it folds lines, and lets no CR or LF into one.
    """
    plain = (
        len(head) == size
        and head.translate(_OTHERWISE) == head
        and method not in _NOT_PASSED
        and (_known_target if len(target) <= KEPT else _wrong_target)(target) is None
    )
    return None if plain else first_wrong_line(head)


def first_wrong_line(head: bytes) -> Wrong | None:
    """The same, line by line; also for a head that the parser has refused."""
    first, *fields = head.split(b"\r\n")
    return wrong_request_line(first) or next(filter(None, map(wrong_field_line, filter(None, fields))), None)


def shown(line: bytes) -> tuple[bytes, bytes]:
    """Method and target of a request line that is refused, for the log; "-" where they cannot be told or shown."""
    found = _SHOWN.fullmatch(line)
    return (found[1], found[2]) if found else (b"-", b"-")


def wrong_request_line(line: bytes) -> Wrong | None:
    """What is wrong with a request line (RFC 9112 section 3); None where it may pass."""
    if line == b"PRI * HTTP/2.0":
        return _PREFACE
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        return _wrong_parts(line)
    if found[1] in _NOT_PASSED:
        return _ECHO if found[1] in _ECHOED else _FORM
    return _wrong_target(found[2])


def _wrong_parts(line: bytes) -> Wrong:
    if has_bare_end(line + b"."):
        return BARE
    found = re.fullmatch(rb"%b (/.*) HTTP/1\.[01]" % _TOKEN, line, re.DOTALL)
    return REQUEST_LINE if found is None else _OCTETS


def _wrong_target(target: bytes) -> Wrong | None:
    """Only the origin form of RFC 9112 section 3.2.1 reaches an upstream."""
    if not target.startswith(b"/"):
        return _FORM
    if _TARGET.fullmatch(target) is None:
        return _OCTETS
    return wrong_path(target.partition(b"?")[0])


def wrong_path(path: bytes) -> Wrong | None:
    """What is wrong with a path that may lead elsewhere than it says; also asked for what rules make of one."""
    if b"\\" in path:
        return _BACKSLASH
    return _DOT_SEGMENT if _DOTS.search(path) else None


_known_target = lru_cache(maxsize=256)(_wrong_target)


def wrong_field_line(line: bytes) -> Wrong | None:
    """What is wrong with a field line (RFC 9112 section 5), as it is written; None where it may pass."""
    return None if _FIELD.fullmatch(line) else _wrong_field(line)


def _wrong_field(line: bytes) -> Wrong:
    if has_bare_end(line + b"."):
        return BARE
    if line.startswith((b" ", b"\t")):
        return _FOLDED
    name, colon, _ = line.partition(b":")
    if not colon:
        return _NO_COLON
    return _CONTROL if re.fullmatch(_TOKEN, name) else _NAME


def wrong_head(version: bytes, fields: Headers) -> Wrong | None:
    """What is wrong with the fields of a whole head together; None where it may pass."""
    values = fields.by_name
    hosts, lengths, connection = values.get(b"host"), values.get(b"content-length"), values.get(b"connection")
    rare = (
        b"transfer-encoding" in values
        or b"expect" in values
        or b"content_length" in values
        or b"transfer_encoding" in values
    )
    return (
        (_wrong_rarity(version, values) if rare else None)
        or (None if lengths is None else _wrong_length(lengths))
        or (_wrong_host(hosts[0]) if hosts is not None and len(hosts) == 1 else _wrong_number(version, hosts))
        or (None if connection is None or connection == _KEEP_ALIVE else _wrong_options(b",".join(connection)))
    )


def _wrong_rarity(version: bytes, values: Values) -> Wrong | None:
    """RFC 9112 sections 6.1 to 6.3: where the body ends must be beyond doubt. And whether it is waited for."""
    codings, expect = values.get(b"transfer-encoding"), values.get(b"expect")
    if b"content_length" in values or b"transfer_encoding" in values:
        return _UNDERSCORE
    if codings is not None and b"content-length" in values:
        return _BOTH
    wrong = None if codings is None else _wrong_coding(version, codings)
    return wrong or (None if expect is None else _wrong_expectation(version, expect))


def _wrong_length(lengths: list[bytes]) -> Wrong | None:
    if len(lengths) > 1:
        return _LENGTHS
    return None if lengths[0].isdigit() and len(lengths[0]) <= MAX_LENGTH_DIGITS else _NO_LENGTH


def _wrong_coding(version: bytes, values: list[bytes]) -> Wrong | None:
    if version != b"HTTP/1.1":
        return _OLD
    value = b",".join(values).lower()
    if value == b"chunked":
        return None
    if _CODINGS.fullmatch(value) is None or {each.strip() for each in value.split(b",")} == {b"chunked"}:
        return _CODING
    return _UNKNOWN


def _wrong_number(version: bytes, hosts: Sequence[bytes] | None) -> Wrong | None:
    """RFC 9112 section 3.2: of Hosts, where there is not one."""
    return _HOSTS if hosts else (_NO_HOST if version == b"HTTP/1.1" else None)


def _wrong_host(host: bytes) -> Wrong | None:
    """Which names may ask is up to `core.access`."""
    return _ODD_HOST if len(host) > KEPT else _known_host(host)


@lru_cache(maxsize=256)
def _known_host(host: bytes) -> Wrong | None:
    return None if _HOST.fullmatch(host) else _ODD_HOST


def _wrong_options(connection: bytes) -> Wrong | None:
    return _LONG if len(connection) > MAX_CONNECTION else _wrong_members(connection)


@lru_cache(maxsize=256)
def _wrong_members(connection: bytes) -> Wrong | None:
    named = next(filter(_is_end_to_end, _members(connection)), None)
    if named is None:
        return None
    return _bad(f"Connection names {named.decode('latin-1')!r}, which is meant for the upstream; leave it out there.")


def _is_end_to_end(name: bytes) -> bool:
    return name in _END_TO_END or name.startswith(_ALSO_END_TO_END) or is_secret_field(name)


def _members(value: bytes) -> list[bytes]:
    return [member.strip().lower() for member in value.split(b",")]


def _wrong_expectation(version: bytes, values: list[bytes]) -> Wrong | None:
    """RFC 9110 section 10.1.1; HTTP/1.0 knows no expectations."""
    met = version != b"HTTP/1.1" or [value.lower() for value in values] == [b"100-continue"]
    return None if met else _EXPECT


def are_trailers(lines: list[bytearray]) -> bool:
    """Whether these are well-formed trailer fields (RFC 9112 section 7.1.2). They go no further."""
    return not any(wrong_field_line(bytes(line)) for line in lines)


def has_bare_end(part: bytes | bytearray) -> bool:
    """Whether a line that is not whole yet, so without CR LF, holds a CR or an LF that ends nothing."""
    return b"\n" in part or -1 < part.find(b"\r") < len(part) - 1


def closes(connection: Sequence[bytes]) -> bool:
    """Whether these lines of Connection ask for its end behind this answer (RFC 9112 section 9.6)."""
    return connection != _KEEP_ALIVE and _says_close(b",".join(connection)[: MAX_CONNECTION + 1])


@lru_cache(maxsize=256)
def _says_close(connection: bytes) -> bool:
    return b"close" in _members(connection)
