"""Which names hold secrets: of header fields, of parameters in addresses, of members of JSON, of fields in forms.

A name is compared without regard to case, and all but fields without `-`, `_` and `.`: `apiKey` is `api_key`. Called by
`core/redact.py`, for what is written, and `core/credentials.py`, for whose request it is.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from functools import lru_cache

# What stands for a secret in a cassette: its kind, and which one of its kind it is (`core/numbered.py`).
PLACEHOLDER = re.compile(rb"<[A-Z][A-Z0-9_]*_[1-9][0-9]*>")
SCHEMES = rb"(?i:bearer|basic|token|apikey|digest|negotiate)"  # of credentials, RFC 9110 section 11.1
_LEFT_OUT = re.compile(rb"REDACTED|(?:%b[ \t]+)?%b" % (SCHEMES, PLACEHOLDER.pattern))

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
# The first word that a name holds says its kind; without any it is a key.
_KINDS = (
    *((b"apikey", "API_KEY"), (b"cookie", "COOKIE"), (b"passw", "PASSWORD"), (b"passphrase", "PASSWORD")),
    *(
        (b"authorization", "API_KEY"),
        (b"token", "TOKEN"),
        (b"jwt", "TOKEN"),
        (b"assertion", "TOKEN"),
        (b"code", "TOKEN"),
    ),
    *((b"secret", "SECRET"), (b"organization", "ACCOUNT"), (b"organisation", "ACCOUNT"), (b"project", "ACCOUNT")),
    *((b"workspace", "ACCOUNT"), (b"code", "TOKEN"), (b"sig", "SIGNATURE")),
)
LONGEST = 128  # octets of a name that is looked for, as it is written
_LOWER = bytes(range(256)).lower()
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")


def is_secret_field(name: bytes) -> bool:
    """Whether a header field holds a secret by its name."""
    return _known_field(name) if len(name) <= LONGEST else _secret_field(name)


def _secret_field(name: bytes) -> bool:
    name = name.lower()
    return name in FIELDS or (name not in HARMLESS and _FIELD.search(name) is not None)


_known_field = lru_cache(maxsize=4096)(_secret_field)


def is_secret_parameter(name: bytes, also: Container[bytes] = ()) -> bool:
    """Whether a parameter of an address does. ``name`` as it is written, with `%` escapes.

    ``also``: plain names that somebody added, here and below.
    """
    plain = plain_name(_decoded(name))
    return plain in PARAMETERS or plain in also or plain.endswith(b"apikey")


def is_secret_member(name: bytes, also: Container[bytes] = ()) -> bool:
    r"""Whether a member of a JSON object does. ``name`` as it is written, with `\u00xx` escapes."""
    plain = plain_name(unescaped(name))
    return plain in MEMBERS or plain in also or plain.endswith(b"apikey")


def is_secret_form_field(name: bytes, also: Container[bytes] = ()) -> bool:
    """Whether a field of a form does. ``name`` as it is written, with `%` escapes."""
    plain = plain_name(_decoded(name))
    return plain in FORM_FIELDS or plain in also


def unescaped(text: bytes) -> bytes:
    r"""ASCII letters that are written as \u00xx."""
    return _ESCAPE.sub(_letter, text) if b"\\u00" in text else text


def _letter(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def unescaped_with_places(text: bytes) -> tuple[bytes, list[int], list[int]]:
    """The same, and how to find the way back: from which place on how many octets were left out."""
    places, left_out, parts, at, shift = [0], [0], [], 0, 0
    for found in _ESCAPE.finditer(text):
        parts += [text[at : found.start()], _letter(found)]
        at = found.end()
        shift += at - found.start() - 1
        places.append(at - shift)
        left_out.append(shift)
    return b"".join([*parts, text[at:]]), places, left_out


def names_form_field(data: bytes) -> bool:
    """The same of a form, in either of its encodings."""
    plain = plain_name(_decoded(data))
    return any(name + end in plain for name in FORM_FIELDS for end in (b"=", b" =", b'"', b"\r", b"\n"))


def plain_name(name: bytes) -> bytes:
    """In small letters, without `-`, `_` and `.`."""
    return name.translate(_LOWER, b"-_.")


def _decoded(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text) if b"%" in text else text


def is_left_out(value: bytes) -> bool:
    """Whether a field's value is what redaction has put in its place, in the store or in a cassette."""
    return _LEFT_OUT.fullmatch(value) is not None


def kind_of(name: bytes, own: Mapping[bytes, str] | None = None) -> str:
    """What kind of secret stands under a secret's name: the word of its placeholder. ``own``: kinds of names added."""
    plain = plain_name(unescaped(_decoded(name[:LONGEST])))
    if own and (found := own.get(plain) or own.get(name.lower())):
        return found
    return next((kind for word, kind in _KINDS if word in plain), "API_KEY")
