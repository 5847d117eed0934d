"""Which members of JSON hold secrets by name, in octets: of whole documents, of events, and of what only looks so.

Invariant: text inside a string is never taken for a member, and hostile text costs no more than other text. Called by
`core/secret_spans.py`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from proxy_daemon.core.secret_names import is_secret_member, kind_of, plain_name, unescaped
from proxy_daemon.core.secret_rules import Rules
from proxy_daemon.core.secret_shapes import QUOTED, WORD, Found
from proxy_daemon.core.splice import NotJSON, find_all

_STRING = rb'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)'
_GAP = rb"(?:\s++|(?<=[\r\n])data:)*+"  # an event may be cut into lines wherever JSON has space
# A JSON string and, where it is a key, the string behind its colon. It matches at every quote, closed or not.
_MEMBER = re.compile(rb"%b(%b:%b%b)?" % (_STRING, _GAP, _GAP, _STRING), re.DOTALL)
_VALUE = re.compile(rb'\s*+:\s*+\{[^{}]*?"value"\s*+:\s*+"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_LIST = re.compile(rb"\s*+:\s*+\[(?=\s*+\")")
_ITEM = re.compile(rb"[\s,]*+%b" % _STRING, re.DOTALL)
_LINE = re.compile(rb"[^\r\n]++")
_SCALAR = re.compile(rb"%b:%b(-?[0-9][0-9.eE+-]*+|true|false)" % (_GAP, _GAP))
_OPEN = re.compile(rb"%b:%b(?=[\[{])" % (_GAP, _GAP))
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_DATA = re.compile(rb"(?m)^(?:data:\s*+)?([\[{][^\r\n]*+)")
_MOST_DOCUMENTS = 100_000  # lines of a body that are looked at as JSON for paths


def member_secrets(data: bytes, rules: Rules) -> list[Found]:
    """As one text, and line by line: a quote that is left open in one event must not hide the next."""
    own: Mapping[bytes, str] = rules.members
    found: list[Found] = []
    if rules.paths:
        read = list(_at_paths(data, rules))
        own = own if None not in read else {**own, **rules.last_steps}
        found += [each for each in read if each is not None]
    found += _in_text(data, own)
    if b"\n" in data or b"\r" in data:
        found += [each for line in _LINE.finditer(data) for each in _in_text(data, own, *line.span())]
    return found


def _in_text(data: bytes, own: Mapping[bytes, str], position: int = 0, end: int = sys.maxsize) -> list[Found]:
    """Strings in turn: each is passed over whole, so text inside one is never taken for a key."""
    found: list[Found] = []
    while (member := _MEMBER.search(data, position, end)) is not None:
        position = member.start(2) if member[2] is not None else member.end()
        if not is_secret_member(member[1], own):
            continue
        spans, forms = _value(data, member, end), WORD
        if member[2] is None and plain_name(unescaped(member[1])) in own:
            spans, forms = _other_value(data, member.end(1) + 1, end), QUOTED
        if spans:
            kind = kind_of(member[1], own)
            found += [Found(*span, kind, f"a value named {kind}", forms) for span in spans]
            position = spans[-1][1] + (forms != QUOTED)
    return found


def _value(data: bytes, member: re.Match[bytes], end: int) -> list[tuple[int, int]]:
    if member[2] is not None:
        return [member.span(3)]
    inner = _VALUE.match(data, member.end(), end)
    if inner is not None:
        return [inner.span(1)]  # {"client_secret": {"value": "..."}}
    return _items(data, member.end(), end)


def _items(data: bytes, position: int, end: int) -> list[tuple[int, int]]:
    """{"Authorization": ["...", "..."]}: so header fields are written where a name may have several values."""
    found, spans = _LIST.match(data, position, end), []
    while found is not None and (found := _ITEM.match(data, found.end(), end)) is not None:
        spans.append(found.span(1))
    return spans


def _other_value(data: bytes, position: int, end: int) -> list[tuple[int, int]]:
    """A number, or a whole list or object, that somebody's own rule names."""
    scalar = _SCALAR.match(data, position, end)
    if scalar is not None:
        return [scalar.span(1)]
    opened = _OPEN.match(data, position, end)
    return [] if opened is None else [(opened.end(), _closed(data, opened.end(), end))]


def _closed(data: bytes, position: int, end: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(data, position, end):
        depth += 1 if token[0] in (b"[", b"{") else -1 if token[0] in (b"]", b"}") else 0
        if not depth:
            return token.end()
    return min(end, len(data))


def _at_paths(data: bytes, rules: Rules) -> Iterator[Found | None]:
    """What stands at paths. None for a part that is no JSON: there the last names of the paths count anywhere."""
    documents = [(data, 0)] if _is_json(data, rules) else [(each[1], each.start(1)) for each in _DATA.finditer(data)]
    if not documents or len(documents) > _MOST_DOCUMENTS:
        yield None
        return
    for document, offset in documents:
        try:
            yield from _at(document, offset, rules)
        except NotJSON:
            yield None


def _is_json(data: bytes, rules: Rules) -> bool:
    try:
        find_all(data, rules.paths[0][0])
    except NotJSON:
        return False
    return True


def _at(document: bytes, offset: int, rules: Rules) -> Iterator[Found]:
    for path, kind in rules.paths:
        for span in find_all(document, path):
            text = span.of(document)
            quoted = text.startswith(b'"')
            if text != b"null" and len(text) > 2 * quoted:
                start, end = offset + span.start + quoted, offset + span.end - quoted
                yield Found(start, end, kind, f"a value named {kind}", WORD if quoted else QUOTED)
