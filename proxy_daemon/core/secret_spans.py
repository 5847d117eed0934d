"""Where secrets stand in a body: values of members of JSON, of fields of forms, of parts of multipart forms, by name.

What a body is, is told by its octets first: content types are often absent or wrong. It must be told fast, as most
bodies hold no secret; every pattern is possessive, so hostile text costs no more than other text. What stands there by
its shape is found by `secret_shapes.py`, what is cut in two by `secret_streams.py`. Called by `core/redact.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.secret_look import names_member
from proxy_daemon.core.secret_members import member_secrets
from proxy_daemon.core.secret_names import LONGEST, is_secret_form_field, kind_of, names_form_field
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.secret_shapes import Found, shapes_unescaped
from proxy_daemon.core.secret_streams import split_secrets

Spans = list[tuple[int, int]]

_OVERLAP = 16 * 1024  # octets that two parts of a large body share: a name, a key or a token is not longer
_SHORTEST = 16  # octets of a value that may be a key and a sign that is coded
_HEAD = 4096  # octets within which a form shows that it is one
# Lines too: `text/plain` is a coding of forms as well (HTML, "text/plain form data").
_FORM = re.compile(rb"(?:\A(?:\xef\xbb\xbf)?|[&;\r\n])([^=&;\r\n]*+)=")
_FORM_VALUE = re.compile(rb"(?:[^&;]++|;(?![^=&;]*+=))*+")
# Up to the end of its line: each line may be a field.
_CODED_VALUE = re.compile(rb"(?:[^&;\r\n%]|%(?![0-9A-Fa-f]{2}))*+%[^&;\r\n]*+")
_LOOKS_FORM = re.compile(rb'(?!--)(?:\xef\xbb\xbf)?\s*+[^\x00-\x20"<=>{}\x7f-\xff]{0,%d}+=' % _HEAD)
_BOUNDARY = re.compile(rb'(?i);\s*boundary=(?:"([^"]*)"|([^;\s]*))')
_FIRST_BOUNDARY = re.compile(rb"(--[^\s]{1,200}+)\s*?\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_PART_NAME = re.compile(rb'(?i)[;\s]name=(?:"([^"]*)"|([^;\s]*))')
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
# How a JSON document begins that is neither a form nor of two octets a letter.
_DOCUMENTS = frozenset((b'{"', b"{\n", b"{\r", b"{ ", b"{\t"))
_STREAMS = (b"data:", b"event:", b"[{", b"[\n", b"[\r\n", b": ", b"id:", b"retry:")
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# JSON begins with ASCII: of two octets, one is zero (RFC 4627 section 3).
_WIDE = _MARKS | {b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be"}


def wide_coding(data: bytes) -> str:
    """The codec of text whose first octets show that it is UTF-16; empty for all else."""
    return _WIDE.get(data[:2], "") if b"\0" in data[:4] else ""


def secret_spans(content_type: bytes, data: bytes) -> Spans:
    """(start, end) of each secret, in order; no two of them touch the same octet."""
    return [(each.start, each.end) for each in secrets_in(content_type, data)]


def secrets_in(content_type: bytes, data: bytes, rules: Rules = NO_RULES) -> list[Found]:
    """Each secret, in order; no two of them touch the same octet."""
    said = _said(content_type) if len(content_type) <= LONGEST else _told(content_type)
    if data[:2] in _DOCUMENTS and not any(said):  # as nearly all bodies are
        return apart(_careful(data, rules)) if rules.in_body(data) else []
    if data[:2] in _WIDE and (codec := wide_coding(data)):
        return _wide(content_type, said, data, codec, rules)
    return apart(_narrow(content_type, said, data, rules))


class _Said(NamedTuple):
    """What a content type says, as far as it counts."""

    parts: bool
    form: bool
    stream: bool


def _told(content_type: bytes) -> _Said:
    kind = content_type.lower()
    stream = any(word in kind for word in (b"event-stream", b"ndjson", b"jsonl", b"jsonlines", b"stream+json"))
    return _Said(b"multipart/" in kind, b"form-urlencoded" in kind, stream)


_said = lru_cache(maxsize=256)(_told)


def withholds(content_type: bytes, body: Body, rules: Rules = NO_RULES) -> bool:
    """Whether a body that is too large to be looked through carefully holds a secret anywhere."""
    head = body.read(0, _HEAD)
    wide, form = wide_coding(head), _is_form(content_type.lower(), head.replace(b"\0", b""))
    before = b""
    for part in chunks(body, 1024 * 1024):
        window = before + (part.replace(b"\0", b"") if wide else part)
        if names_member(window) or (form and names_form_field(window)) or _holds(window, rules):
            return True
        before = window[-_OVERLAP:]
    return False


def _holds(window: bytes, rules: Rules) -> bool:
    """Whether a key stands in it by its shape, or what somebody's own rule says."""
    return rules.in_body(window) and bool(_careful(window, rules))


def _is_form(kind: bytes, head: bytes) -> bool:
    named = b"form-urlencoded" in kind or b"multipart/" in kind
    return named or head.startswith(b"--") or _LOOKS_FORM.match(head) is not None


def _careful(data: bytes, rules: Rules) -> list[Found]:
    """By names in JSON, by shapes, and by rules. Of octets that are no text by names only: they would be damaged."""
    found = member_secrets(data, rules)
    if is_binary(data):
        return found
    found += rules.found(data)
    return found + shapes_unescaped(data) if b"\\u00" in data and rules.by_shape else found


def _narrow(content_type: bytes, said: _Said, data: bytes, rules: Rules) -> list[Found]:
    found: list[Found] = []
    if said.parts or data.startswith(b"--"):
        found = _part_secrets(content_type, data, rules)
    if not found and (said.form or _LOOKS_FORM.match(data) is not None):
        found = _form_secrets(data, rules)
    if rules.in_body(data):
        found += _careful(data, rules)
    if said.stream or data.startswith(_STREAMS):
        found += split_secrets(data, rules.in_body, lambda text: _careful(text, rules))
    return found


def is_binary(data: bytes) -> bool:
    """Whether these are octets and no text: what looks like a key there stays, and is told (`secret_leftovers.py`)."""
    return b"\0" in data[:_HEAD]


def _wide(content_type: bytes, said: _Said, data: bytes, codec: str, rules: Rules) -> list[Found]:
    """Each unit of two octets becomes one of ASCII, so that places are known."""
    start = 2 if data[:2] in _MARKS else 0
    text = data[start : len(data) - (len(data) - start) % 2].decode(codec, "surrogatepass")
    narrow = _ASTRAL.sub("??", text).encode("ascii", "replace")
    found = apart(_narrow(content_type, said, narrow, rules))
    return [each._replace(start=start + 2 * each.start, end=start + 2 * each.end) for each in found]


def apart(found: list[Found]) -> list[Found]:
    """Of two that overlap one, as long as both: of the kind of the one that begins first."""
    merged: list[Found] = []
    for each in sorted(found, key=_place):
        if merged and each.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(each.end, merged[-1].end))
        else:
            merged.append(each)
    return merged


def _place(found: Found) -> tuple[int, int, int, bool]:
    return found.start, -found.end, found.form, not found.whole


# --- forms -----------------------------------------------------------------------------------------------------------


def _form_secrets(data: bytes, rules: Rules) -> list[Found]:
    secrets, end = [], 0
    for found in _FORM.finditer(data):
        name = found[1].strip()
        if found.start() < end:
            continue
        named = is_secret_form_field(name, rules.form_fields)
        value = (_FORM_VALUE if named else _CODED_VALUE).match(data, found.end())
        if value is None or not value[0]:
            continue
        secret = _named(name, *value.span(), rules) if named else _hidden(value[0], rules)
        if secret is not None:
            end = value.end()
            secrets.append(secret._replace(start=value.start(), end=end))
    return secrets


def _hidden(value: bytes, rules: Rules) -> Found | None:
    """What shows itself only once a form's value is decoded: then all of the value counts."""
    if len(value) < _SHORTEST:
        return None
    plain = unquote_to_bytes(value.replace(b"+", b" "))
    if is_binary(plain) or not rules.in_body(plain):
        return None
    found = rules.found(plain)
    return found[0] if len(found) > len(rules.found(value)) else None


def _part_secrets(content_type: bytes, data: bytes, rules: Rules) -> list[Found]:
    """The contents of the parts that are named so (RFC 7578 section 4)."""
    mark, secrets = _mark(content_type, data), []
    start = data.find(mark) if mark else -1
    while start >= 0:
        end = data.find(mark, start + len(mark))
        stop = end if end >= 0 else len(data)
        head = _HEAD_END.search(data, start, stop)
        found = None if head is None else _PART_NAME.search(data, start, head.start())
        name = b"" if found is None else found[1] or found[2] or b""
        if head is not None and is_secret_form_field(name, rules.form_fields):
            last = _before_line_end(data, stop) if end >= 0 else stop
            secrets.append(_named(name, head.end(), last, rules))
        start = end
    return [each for each in secrets if each.start < each.end]


def _named(name: bytes, start: int, end: int, rules: Rules) -> Found:
    kind = kind_of(name, rules.form_fields)
    return Found(start, end, kind, f"a value named {kind}")


def _before_line_end(data: bytes, stop: int) -> int:
    stop -= data[stop - 1 : stop] == b"\n"
    return stop - (data[stop - 1 : stop] == b"\r")


def _mark(content_type: bytes, data: bytes) -> bytes:
    """What stands before each part: as the type says, or, where it says nothing that is true, as the body begins."""
    told, first = _BOUNDARY.search(content_type), _FIRST_BOUNDARY.match(data)
    mark = b"" if told is None else b"--" + (told[1] or told[2] or b"")
    return mark if mark in data and mark else first[1] if first is not None else b""
