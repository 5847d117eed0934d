"""An address, or a text that holds some, without its secrets: values of parameters, and what stands before an `@`.

Every pattern is possessive: hostile text costs no more than other text. Called by `core/redact.py` for targets and for
fields such as `Location`, `Link` and `Referer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container

from proxy_daemon.core.secret_names import is_secret_parameter

REDACTED = b"REDACTED"
Word = Callable[[bytes, bytes], bytes]  # what takes the place of a secret: by the name before it, and the secret

_PARAMETER = re.compile(rb"[?&#;]([^=&#?;]*+)=")
# A `;` ends a value where a parameter follows it: a key may hold one.
_VALUE = re.compile(rb"(?:[^&#;]++|;(?![^=&#?;]*+=))*+")
# The same within an address that is a value of another (`?next=https%3A%2F%2Fhost%2F%3Fkey%3D...`).
_INNER = re.compile(
    rb"(?i)(%(?:3f|26|23)((?:[^=&#;%]++|%(?!26|23|3[df]))*+)%3d)((?:[^&#;%]++|%(?!26|23))++)",
)
# RFC 3986 section 3.2: an authority stands behind `//`, and user and password up to its last `@`.
_AUTHORITY = re.compile(rb"""(?<![^\s:=<"',;(])//([^/?#\s<>"]++)""")
_INNER_USER = re.compile(rb"(?i)(?:(?<=%2f%2f)|(?<=%3a//))((?:[^%/&#;\s]++|%(?!2f|40|3f|23|26))++)(?=%40)")
_PLAIN_USER = re.compile(rb"[A-Za-z._-]{0,15}|[A-Za-z0-9._-]{0,6}")  # what is longer, or odd, may be a token


def _redacted(_name: bytes, _secret: bytes) -> bytes:
    return REDACTED


def redacted_address(text: bytes, also: Container[bytes] = (), word: Word = _redacted) -> bytes:
    """The text with the values of secret parameters, passwords, and users that may be tokens, replaced.

    ``also``: plain names of parameters that somebody added.
    """
    if b"=" in text:
        text = _parameters(text, also, word)
    if b"@" in text and b"//" in text:
        text = _AUTHORITY.sub(lambda found: _authority(found, word), text)
    return _within(text, also, word) if b"%" in text else text


def _parameters(text: bytes, also: Container[bytes], word: Word) -> bytes:
    out, end, query = [], 0, text.find(b"?")
    for found in _PARAMETER.finditer(text):
        if found.start() < end or not is_secret_parameter(found[1], also):
            continue
        stop = query if found.start() < query else len(text)  # a parameter of the path ends with the path
        value = _VALUE.match(text, found.end(), stop)
        if value is not None and value[0]:
            out += [text[end : found.end()], word(found[1], value[0])]
            end = value.end()
    return b"".join([*out, text[end:]]) if out else text


def _authority(found: re.Match[bytes], word: Word) -> bytes:
    before, at, host = found[1].rpartition(b"@")
    return b"//" + _user(before, word) + at + host if at else found[0]


def _user(text: bytes, word: Word) -> bytes:
    user, colon, password = text.partition(b":")
    safe = user if _PLAIN_USER.fullmatch(user) else word(b"user", user)
    return safe + colon + (word(b"password", password) if password else b"")


def _within(text: bytes, also: Container[bytes], word: Word) -> bytes:
    """What is escaped once more, because it is an address in the value of a parameter."""
    low = text.lower()
    if b"%3d" in low:
        text = _INNER.sub(lambda found: _hidden(found, also, word), text)
    if b"%40" in low:
        text = _INNER_USER.sub(lambda found: _hidden_user(found, word), text)
    return text


def _hidden(found: re.Match[bytes], also: Container[bytes], word: Word) -> bytes:
    name = found[2].replace(b"%25", b"%")
    return found[1] + word(name, found[3]) if is_secret_parameter(name, also) else found[0]


def _hidden_user(found: re.Match[bytes], word: Word) -> bytes:
    return found[0] if _PLAIN_USER.fullmatch(found[0]) else word(b"user", found[0])
