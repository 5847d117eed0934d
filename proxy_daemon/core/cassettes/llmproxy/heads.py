"""Header fields as lines of one literal block; as a list of pairs where lines could not say them exactly.

Invariant: names, values, order, case and repetition come back as they were. Called by `messages.py`.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.cassettes.llmproxy.scalars import octets, scalar
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong
from proxy_daemon.core.headers import Headers, Pair

# RFC 9110 section 5.6.2 for names; a value has no blanks at its ends (section 5.5).
_LINES = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:(?: [^\s](?:[^\r\n\0]*[^\s])?)?(?:\n|\Z))+", re.ASCII)
_BREAKS = re.compile(rb"[\r\n\0]")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_PAIR = 2


def written(name: str, headers: Headers) -> str:
    """The member's lines; none where there are no fields."""
    if not headers.pairs:
        return ""
    lines = b"\n".join([b"%b: %b" % pair if pair[1] else b"%b:" % pair[0] for pair in headers.pairs])
    whole = _text(lines)
    if whole is not None and lines.count(b"\n") == len(headers.pairs) - 1 and _LINES.fullmatch(lines):
        return f"\n  {name}:{scalar(whole + chr(10), '    ')}"
    pairs = [f"\n  - -{octets(first, '      ')}\n    -{octets(second, '      ')}" for first, second in headers.pairs]
    return f"\n  {name}:{''.join(pairs)}"


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def read(value: Any, name: str) -> Headers:
    """The fields of the member ``name``. Raises `Wrong`, which never quotes a value."""
    if value is None:
        return Headers()
    if type(value) is str:
        return Headers([_of_line(line, name) for line in value.encode("utf-8", "replace").split(b"\n") if line])
    if type(value) is list:
        return Headers([_of_pair(pair, name) for pair in value])
    raise Wrong("no lines `Name: value`", name)


def _of_line(line: bytes, name: str) -> Pair:
    found, colon, value = line.partition(b":")
    if not colon or not _NAME.match(found) or _BREAKS.search(value):
        raise Wrong("a line that is no header field `Name: value`", name)
    return found, value.strip(b" \t")


def _of_pair(pair: Any, name: str) -> Pair:
    if type(pair) is not list or len(pair) != _PAIR or not {str, bytes}.issuperset(map(type, pair)):
        raise Wrong("a header field that is no pair of texts", name)
    first, second = (each.encode("utf-8", "replace") if type(each) is str else each for each in pair)
    if not first or _BREAKS.search(first) or _BREAKS.search(second):
        raise Wrong("a header field with a line end in it", name)
    return first, second
