"""Which names hold secrets: of header fields, of parameters in addresses, of members of JSON, of fields in forms.

A name is compared without regard to case, and all but fields without `-`, `_` and `.`: `apiKey` is `api_key`. Called by
`core/redact.py`, for what is written, and `core/credentials.py`, for whose request it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# Browsers hand OpenAI's realtime API its key as a subprotocol, as they can send no other field with a WebSocket.
FIELDS = frozenset(
    (b"cookie", b"set-cookie", b"cookie2", b"set-cookie2", b"x-amz-security-token", b"sec-websocket-protocol")
)
HARMLESS = frozenset(
    (
        *(b"idempotency-key", b"x-idempotency-key", b"sec-websocket-key", b"x-ratelimit-key"),
        *(b"cache-key", b"x-cache-key", b"surrogate-key", b"partition-key"),
    )
)
_FIELD = re.compile(
    rb"(^|[-_])(auth|authorization|authentication)($|[-_])"
    rb"|((^|[-_]|api)key|(?<![-_]per)[-_]token|^token|(access|auth|csrf|id|refresh|session|xsrf)token|jwt"
    rb"|(^|[-_])assertion|password|passwd|passphrase|credential|secret.*"
    rb"|(^|[-_])(org|organi[sz]ation|project|workspace)([-_]id)?)$"
)
# As `plain_name` gives them.
MEMBERS = frozenset(
    (
        *(b"accesstoken", b"refreshtoken", b"idtoken", b"authtoken", b"bearertoken", b"authorizationtoken"),
        *(b"clientsecret", b"clientassertion", b"apikey", b"xapikey", b"authorization"),
    )
)
FORM_FIELDS = MEMBERS | {b"password", b"assertion", b"code", b"codeverifier"}
PARAMETERS = MEMBERS | frozenset(
    (
        *(b"key", b"subscriptionkey", b"accesstoken", b"refreshtoken", b"idtoken", b"token", b"sig", b"signature"),
        *(
            b"clientsecret",
            b"xamzsignature",
            b"xamzsecuritytoken",
            b"xamzcredential",
            b"xgoogsignature",
            b"xgoogcredential",
        ),
        *(b"code", b"password", b"clientassertion", b"assertion", b"codeverifier", b"xgoogcredential"),
    )
)
LONGEST = 128  # octets of a name that is looked for, as it is written
WINDOW = 64 * 1024
_LOWER = bytes(range(256)).lower()
_MARKS = tuple(name + b'"' for name in sorted(MEMBERS))
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")


def is_secret_field(name: bytes) -> bool:
    """Whether a header field holds a secret by its name."""
    return _known_field(name) if len(name) <= LONGEST else _secret_field(name)


def _secret_field(name: bytes) -> bool:
    name = name.lower()
    return name in FIELDS or (name not in HARMLESS and _FIELD.search(name) is not None)


_known_field = lru_cache(maxsize=4096)(_secret_field)


def is_secret_parameter(name: bytes) -> bool:
    """Whether a parameter of an address does. ``name`` as it is written, with `%` escapes."""
    plain = plain_name(_decoded(name))
    return plain in PARAMETERS or plain.endswith(b"apikey")


def is_secret_member(name: bytes) -> bool:
    r"""Whether a member of a JSON object does. ``name`` as it is written, with `\u00xx` escapes."""
    plain = plain_name(_unescaped(name))
    return plain in MEMBERS or plain.endswith(b"apikey")


def is_secret_form_field(name: bytes) -> bool:
    """Whether a field of a form does. ``name`` as it is written, with `%` escapes."""
    return plain_name(_decoded(name)) in FORM_FIELDS


def may_hold_member(data: bytes) -> bool:
    """A cheap look at JSON, before the careful one. The quote matters: every answer counts its `prompt_tokens`."""
    if b"\\u00" in data and _ESCAPE.search(data) is not None:
        return True  # ASCII is written so only by somebody who hides a name, or not at all
    return _marked(data) if len(data) <= WINDOW else any(map(_marked, _windows(data)))


def names_member(data: bytes) -> bool:
    """Whether a part of a JSON body that cannot be read whole names a secret anywhere."""
    return any(map(_marked, _windows(_unescaped(data))))


def names_form_field(data: bytes) -> bool:
    """The same of a form, in either of its encodings."""
    plain = plain_name(_decoded(data))
    return any(name + end in plain for name in FORM_FIELDS for end in (b"=", b" =", b'"', b"\r", b"\n"))


def _windows(data: bytes) -> Iterator[bytes]:
    """Parts that overlap by a name: no copy of a large body is made."""
    return (data[at : at + WINDOW + LONGEST] for at in range(0, len(data), WINDOW))


def _marked(window: bytes) -> bool:
    low = window.lower()
    ends = b'token"' in low or b'key"' in low or b'secret"' in low or b'assertion"' in low or b'ization"' in low
    return ends and _holds_mark(plain_name(low))


def _holds_mark(plain: bytes) -> bool:
    return any(mark in plain for mark in _MARKS)


def plain_name(name: bytes) -> bytes:
    """In small letters, without `-`, `_` and `.`."""
    return name.translate(_LOWER, b"-_.")


def _unescaped(text: bytes) -> bytes:
    r"""ASCII letters that are written as \u00xx."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text) if b"\\u00" in text else text


def _decoded(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text) if b"%" in text else text
