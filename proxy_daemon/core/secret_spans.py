"""Where secrets stand in a body: values of members of JSON, of fields of forms, of parts of multipart forms.

What a body is, is told by its octets first: content types are often absent or wrong. It must be told fast, as most
bodies hold no secret; every pattern is possessive, so hostile text costs no more than other text. Called by
`core/redact.py`.
"""

from __future__ import annotations

import re
import sys

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.secret_names import (
    LONGEST,
    is_secret_form_field,
    is_secret_member,
    may_hold_member,
    names_form_field,
    names_member,
)

Spans = list[tuple[int, int]]

_HEAD = 4096  # octets within which a form shows that it is one
_STRING = rb'"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)'
_GAP = rb"(?:\s++|(?<=[\r\n])data:)*+"  # an event may be cut into lines wherever JSON has space
# A JSON string and, where it is a key, the string behind its colon. It matches at every quote, closed or not.
_MEMBER = re.compile(rb"%b(%b:%b%b)?" % (_STRING, _GAP, _GAP, _STRING), re.DOTALL)
_VALUE = re.compile(rb'\s*+:\s*+\{[^{}]*?"value"\s*+:\s*+"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_LIST = re.compile(rb"\s*+:\s*+\[(?=\s*+\")")
_ITEM = re.compile(rb"[\s,]*+%b" % _STRING, re.DOTALL)
_LINE = re.compile(rb"[^\r\n]++")
# Lines too: `text/plain` is a coding of forms as well (HTML, "text/plain form data").
_FORM = re.compile(rb"(?:\A(?:\xef\xbb\xbf)?|[&;\r\n])([^=&;\r\n]*+)=")
_FORM_VALUE = re.compile(rb"(?:[^&;]++|;(?![^=&;]*+=))*+")
_LOOKS_FORM = re.compile(rb'(?!--)(?:\xef\xbb\xbf)?\s*+[^\x00-\x20"<=>{}\x7f-\xff]{0,%d}+=' % _HEAD)
_BOUNDARY = re.compile(rb'(?i);\s*boundary=(?:"([^"]*)"|([^;\s]*))')
_FIRST_BOUNDARY = re.compile(rb"(--[^\s]{1,200}+)\s*?\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_PART_NAME = re.compile(rb'(?i)[;\s]name=(?:"([^"]*)"|([^;\s]*))')
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# JSON begins with ASCII: of two octets, one is zero (RFC 4627 section 3).
_WIDE = _MARKS | {b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be"}


def wide_coding(data: bytes) -> str:
    """The codec of text whose first octets show that it is UTF-16; empty for all else."""
    return _WIDE.get(data[:2], "") if b"\0" in data[:4] else ""


def secret_spans(content_type: bytes, data: bytes) -> Spans:
    """(start, end) of each secret value, in order; no two of them touch the same octet."""
    if data[:2] in _WIDE and (codec := wide_coding(data)):
        return _wide_spans(content_type, data, codec)
    return _narrow_spans(content_type, data)


def withholds(content_type: bytes, body: Body) -> bool:
    """Whether a body that is too large to be looked through carefully names a secret anywhere."""
    head = body.read(0, _HEAD)
    wide, form = wide_coding(head), _is_form(content_type.lower(), head.replace(b"\0", b""))
    before = b""
    for part in chunks(body, 1024 * 1024):
        window = before + (part.replace(b"\0", b"") if wide else part)
        if names_member(window) or (form and names_form_field(window)):
            return True
        before = window[-LONGEST:]
    return False


def _is_form(kind: bytes, head: bytes) -> bool:
    named = b"form-urlencoded" in kind or b"multipart/" in kind
    return named or head.startswith(b"--") or _LOOKS_FORM.match(head) is not None


def _narrow_spans(content_type: bytes, data: bytes) -> Spans:
    kind = content_type.lower()
    spans: Spans = []
    if data.startswith(b"--") or b"multipart/" in kind:
        spans = _multipart_spans(content_type, data)
    if not spans and (b"form-urlencoded" in kind or _LOOKS_FORM.match(data) is not None):
        spans = _form_spans(data)
    return _merged(spans + _member_spans(data)) if may_hold_member(data) else spans


def _wide_spans(content_type: bytes, data: bytes, codec: str) -> Spans:
    """Each unit of two octets becomes one of ASCII, so that places are known."""
    start = 2 if data[:2] in _MARKS else 0
    text = data[start : len(data) - (len(data) - start) % 2].decode(codec, "surrogatepass")
    narrow = _ASTRAL.sub("??", text).encode("ascii", "replace")
    return [(start + 2 * first, start + 2 * last) for first, last in _narrow_spans(content_type, narrow)]


def _merged(spans: Spans) -> Spans:
    merged: Spans = []
    for start, end in sorted(set(spans)):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# --- JSON ------------------------------------------------------------------------------------------------------------


def _member_spans(data: bytes) -> Spans:
    """As one text, and line by line: a quote that is left open in one event must not hide the next."""
    spans = _json_spans(data)
    if b"\n" in data or b"\r" in data:
        spans += [span for line in _LINE.finditer(data) for span in _json_spans(data, *line.span())]
    return spans


def _json_spans(data: bytes, position: int = 0, end: int = sys.maxsize) -> Spans:
    """Strings in turn: each is passed over whole, so text inside one is never taken for a key."""
    spans = []
    while (found := _MEMBER.search(data, position, end)) is not None:
        secret = is_secret_member(found[1])
        if found[2] is not None and secret:
            spans.append(found.span(3))
            position = found.end()
        elif secret and (inner := _VALUE.match(data, found.end(), end)) is not None:
            spans.append(inner.span(1))  # {"client_secret": {"value": "..."}}
            position = inner.end()
        elif secret and (items := _item_spans(data, found.end(), end)):
            spans += items
            position = items[-1][1] + 1
        else:
            position = found.start(2) if found[2] is not None else found.end()
    return spans


def _item_spans(data: bytes, position: int, end: int) -> Spans:
    """{"Authorization": ["...", "..."]}: so header fields are written where a name may have several values."""
    found, spans = _LIST.match(data, position, end), []
    while found is not None and (found := _ITEM.match(data, found.end(), end)) is not None:
        spans.append(found.span(1))
    return spans


# --- forms -----------------------------------------------------------------------------------------------------------


def _form_spans(data: bytes) -> Spans:
    spans, end = [], 0
    for found in _FORM.finditer(data):
        if found.start() < end or not is_secret_form_field(found[1].strip()):
            continue
        value = _FORM_VALUE.match(data, found.end())
        if value is not None and value[0]:
            spans.append(value.span())
            end = value.end()
    return spans


def _multipart_spans(content_type: bytes, data: bytes) -> Spans:
    """The contents of the parts that are named so (RFC 7578 section 4)."""
    mark, spans = _mark(content_type, data), []
    start = data.find(mark) if mark else -1
    while start >= 0:
        end = data.find(mark, start + len(mark))
        stop = end if end >= 0 else len(data)
        head = _HEAD_END.search(data, start, stop)
        name = None if head is None else _PART_NAME.search(data, start, head.start())
        if head is not None and name is not None and is_secret_form_field(name[1] or name[2] or b""):
            spans.append((head.end(), _before_line_end(data, stop) if end >= 0 else stop))
        start = end
    return [span for span in spans if span[0] < span[1]]


def _before_line_end(data: bytes, stop: int) -> int:
    stop -= data[stop - 1 : stop] == b"\n"
    return stop - (data[stop - 1 : stop] == b"\r")


def _mark(content_type: bytes, data: bytes) -> bytes:
    """What stands before each part: as the type says, or, where it says nothing that is true, as the body begins."""
    told, first = _BOUNDARY.search(content_type), _FIRST_BOUNDARY.match(data)
    mark = b"" if told is None else b"--" + (told[1] or told[2] or b"")
    return mark if mark in data and mark else first[1] if first is not None else b""
