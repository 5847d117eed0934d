"""What secrets look like: keys of well-known services by their shape, wherever they stand in a text.

One automaton looks for all of them (RE2: linear in the text, whatever it holds), and a check in Python passes over
words and hashes that only look so. Shapes are those that the services' own pages and the public rules of secret
scanners (https://github.com/gitleaks/gitleaks) tell. Called by `core/secret_spans.py` and whatever reports secrets.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

import re2
from attrs import frozen

from proxy_daemon.core.secret_names import unescaped_with_places

API_KEY, TOKEN, PRIVATE_KEY, PASSWORD = "API_KEY", "TOKEN", "PRIVATE_KEY", "PASSWORD"
# What may stand before one: no letter or digit, but the end of an escape (`\n`, `\u003d`, `%3D`) looks like one.
BEFORE = rb"(?:^|[^0-9A-Za-z]|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})"
_DIGITS = frozenset(b"0123456789")
_FEWEST = 8  # different octets in what is drawn at random
_JSON_HEAD = 1024  # octets of the head of a JWT that are looked at
_AGAIN = 128  # octets at the end of what only looked like a secret: another may begin there; prefixes are shorter


WORD, QUOTED, NOTHING = range(3)  # a word; one in quotes, for a JSON value that had none; a part of what another began


class Found(NamedTuple):
    """A secret from ``start`` to ``end``. ``kind``: the word in its placeholder; ``what``: in words, for people.

    ``form``: how what takes its place is written.
    """

    start: int
    end: int
    kind: str
    what: str
    form: int = WORD
    whole: bytes = b""  # all of it, where this is a part


@frozen
class Shape:
    """``begins``: what the quick look searches for. ``pattern``: its group is the secret. ``holds``: the check.

    ``judged``: how many octets of it the check goes by. All checks but those of short texts and of JWT say yes to what
    holds a part to which they say yes.
    """

    what: str
    kind: str
    begins: bytes
    pattern: bytes
    holds: Callable[[bytes], bool]
    judged: Callable[[bytes], int] = len


def is_mixed(text: bytes) -> bool:
    """Letters and digits, and many of them different: no word, no row of `x`, no number."""
    return not _DIGITS.isdisjoint(text) and len(set(text)) >= _FEWEST and not text.isdigit()


def is_drawn(text: bytes) -> bool:
    """`is_mixed`, or letters of both cases: behind a prefix that nothing else has, chance may draw no digit."""
    return len(set(text)) >= _FEWEST and (not _DIGITS.isdisjoint(text) or not (text.islower() or text.isupper()))


def is_varied(text: bytes) -> bool:
    """Many different octets: no row of `X`."""
    return len(set(text)) >= _FEWEST


def is_token(text: bytes) -> bool:
    """The first part of a JWT is JSON that names its algorithm (RFC 7515 section 4.1.1)."""
    head = text.partition(b".")[0][:_JSON_HEAD]
    try:
        decoded = base64.urlsafe_b64decode(head[: len(head) - len(head) % 4])
    except binascii.Error:
        return False
    return b'"alg"' in decoded


def is_basic(text: bytes) -> bool:
    """A user, a colon and a password in base64 (RFC 7617)."""
    try:
        user, colon, password = base64.b64decode(text + b"=" * (-len(text) % 4)).partition(b":")
    except binascii.Error:
        return False
    return bool(colon and password) and (user + password).isascii() and (user + password).decode().isprintable()


def _key(what: str, begins: bytes, rest: bytes, holds: Callable[[bytes], bool] = is_mixed) -> Shape:
    return Shape(what, API_KEY, begins, b"(" + begins + rest + b")", holds)


def _token(what: str, begins: bytes, rest: bytes, holds: Callable[[bytes], bool] = is_mixed) -> Shape:
    return Shape(what, TOKEN, begins, b"(" + begins + rest + b")", holds)


# Signed, not signed, encrypted with and without a key of its own (RFC 7515 section 7.1, RFC 7516 section 7.1).
_PART = rb"\.[A-Za-z0-9_-]+"
_PARTS = rb"(?:%b(?:(?:%b){1,3}|\.)|\.(?:%b){3})" % (_PART, _PART, _PART)
_LINES = rb"(?:[A-Za-z0-9+/=\s:,.]|\\+[nrt]|-[A-Za-z0-9])*"
KEYS = (
    # `sk-` alone is OpenAI's old form, and what DeepSeek, Moonshot, LiteLLM and others use.
    _key("Anthropic key", rb"sk-ant-", rb"[A-Za-z0-9]{2,16}-[A-Za-z0-9_-]{20,}"),
    _key("OpenRouter key", rb"sk-or-v1-", rb"[A-Za-z0-9]{32,}"),
    _key("OpenAI key", rb"sk-(?:proj|svcacct|admin|None|service)-", rb"[A-Za-z0-9_-]{20,}"),
    _key("Langfuse key", rb"[sp]k-lf-", rb"[0-9a-f]{8}-[0-9a-f-]{27}"),
    _key("OpenAI key", rb"sk-[A-Za-z0-9]", rb"[A-Za-z0-9]{19,}"),
    _key("OpenAI client secret", rb"ek_[A-Za-z0-9]", rb"[A-Za-z0-9]{19,}"),
    _key("Google key", rb"AIza", rb"[0-9A-Za-z_-]{35}"),
    _key("Google key", rb"AQ\.[A-Z]", rb"[0-9A-Za-z_-]{30,}"),
    _token("Google token", rb"ya29\.", rb"[0-9A-Za-z_-]{20,}"),
    _key("Google client secret", rb"GOCSPX-", rb"[0-9A-Za-z_-]{20,}"),
    _key("AWS key id", rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]", rb"[A-Z0-9]{15}\b", is_varied),
    _key("AWS Bedrock key", rb"ABSK[A-Za-z0-9+/]", rb"[A-Za-z0-9+/]{60,}={0,2}"),
    _token("GitHub token", rb"gh[pousr]_", rb"[A-Za-z0-9]{36,}", is_drawn),
    _token("GitHub token", rb"github_pat_", rb"[A-Za-z0-9_]{30,}"),
    _token("GitLab token", rb"glpat-", rb"[A-Za-z0-9_-]{20,}", is_drawn),
    # Of letters only (the rule of gitleaks: `hf_[a-zA-Z]{34}`).
    _token("Hugging Face token", rb"(?:hf|api_org)_[A-Za-z]", rb"[A-Za-z0-9]{29,}", is_drawn),
    _key("Groq key", rb"gsk_[A-Za-z0-9]", rb"[A-Za-z0-9]{39,}"),
    _token("Replicate token", rb"r8_[A-Za-z0-9]", rb"[A-Za-z0-9]{29,}"),
    _key("xAI key", rb"xai-[A-Za-z0-9]", rb"[A-Za-z0-9]{39,}"),
    _key("Perplexity key", rb"pplx-[A-Za-z0-9]", rb"[A-Za-z0-9]{31,}"),
    _key("Cerebras key", rb"csk-[a-z0-9]", rb"[a-z0-9]{39,}"),
    _key("NVIDIA key", rb"nvapi-", rb"[A-Za-z0-9_-]{40,}"),
    _key("Together key", rb"tgp_v1_", rb"[A-Za-z0-9_-]{30,}"),
    _key("Fireworks key", rb"fw_[A-Za-z0-9]", rb"[A-Za-z0-9]{21,}"),
    _key("Tavily key", rb"tvly-", rb"[A-Za-z0-9-]{24,}"),
    _key("LangSmith key", rb"lsv2_(?:pt|sk)_", rb"[0-9a-f]{32}_[0-9a-f]{10}"),
    _key("Azure key", rb"[A-Za-z0-9]{52}JQQJ99", rb"[A-Za-z0-9]{26}"),
    _token("Slack token", rb"xox[abeoprs]-", rb"[A-Za-z0-9-]{10,}"),
    _token("Slack token", rb"xapp-[0-9]-", rb"[A-Za-z0-9-]{20,}"),
    _key("Stripe key", rb"[rs]k_(?:live|test)_", rb"[A-Za-z0-9]{16,}", is_drawn),
    _key("Stripe key", rb"whsec_", rb"[A-Za-z0-9]{24,}"),
    _key("SendGrid key", rb"SG\.[A-Za-z0-9_-]", rb"[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{30,}"),
    _token("npm token", rb"npm_[A-Za-z0-9]", rb"[A-Za-z0-9]{35}", is_drawn),
    _token("PyPI token", rb"pypi-AgEI", rb"[A-Za-z0-9_-]{40,}"),
    _token("Databricks token", rb"dapi[0-9a-f]", rb"[0-9a-f]{31}"),
    Shape(
        "JWT",
        TOKEN,
        rb"eyJ[A-Za-z0-9_-]{8}",
        b"(eyJ[A-Za-z0-9_-]{8,}" + _PARTS + b")",
        is_token,
        lambda text: text.find(b"."),
    ),
    Shape(
        "private key",
        PRIVATE_KEY,
        rb"-----BEGIN [A-Z ]{0,24}PRIVATE KEY",
        rb"(-----BEGIN [A-Z ]{0,24}PRIVATE KEY(?: BLOCK)?-----" + _LINES + rb"(?:-----END [A-Z ]{1,40}-----)?)",
        lambda text: len(text) > 100,  # noqa: PLR2004  (a head and a foot without a key between are no secret)
    ),
)
# What goes on behind a `=` is of it: else it would be a value in its turn, behind the word that takes the place of it.
_VALUE = rb"((?:[A-Za-z0-9._~+/-]|\\/){20,}(?:=(?:[A-Za-z0-9._~+/=-]|\\/)*)?)"
_GAP = rb"""[\\"'\s]{0,8}[:=][\\"'\s]{0,8}"""
_NAMED = rb"(?i:(?:api|secret|access|auth|account)[-_ ]?(?:access[-_ ]?)?(?:key|token)|client[-_ ]?secret)"
# A word before it says what it is: where a service's keys have no shape (Azure, Cohere, Mistral), this finds them.
WORDS = (
    Shape("bearer token", TOKEN, rb"(?i:bearer)\s", rb"(?i:bearer)\s{1,4}" + _VALUE, is_mixed),
    Shape("basic credentials", PASSWORD, rb"(?i:basic)\s", rb"(?i:basic)\s{1,4}([A-Za-z0-9+/]{8,}={0,2})", is_basic),
    Shape("named key", API_KEY, _NAMED + _GAP, _NAMED + _GAP + _VALUE, is_mixed),
)
SHAPES = KEYS + WORDS


def options() -> re2.Options:
    """For patterns over octets, in RE2's syntax."""
    chosen = re2.Options()
    chosen.encoding = re2.Options.Encoding.LATIN1
    chosen.log_errors = False
    return chosen


def _together(shapes: tuple[Shape, ...], before: bytes) -> re2._Regexp:
    return re2.compile(before + b"(?:" + b"|".join([shape.pattern for shape in shapes]) + b")", options=options())


_KEYS = _together(KEYS, BEFORE)
_WORDS = _together(WORDS, b"")


def shapes_in(data: bytes) -> list[Found]:
    """All of them in order. Where a word stands before a key that has a shape, the shape says what it is."""
    found = [each for shapes, pattern in ((KEYS, _KEYS), (WORDS, _WORDS)) for each in _found(shapes, pattern, data)]
    found.sort()
    return found


def shapes_unescaped(data: bytes) -> list[Found]:
    r"""Those of which an octet is written as \u00xx: in the places where they stand."""
    plain, places, left_out = unescaped_with_places(data)
    if len(plain) == len(data):
        return []

    def place(at: int) -> int:
        return at + left_out[bisect_right(places, at) - 1]

    return [each._replace(start=place(each.start), end=place(each.end)) for each in shapes_in(plain)]


def _found(shapes: tuple[Shape, ...], pattern: re2._Regexp, data: bytes) -> list[Found]:
    found, place = [], 0
    while (match := pattern.search(data, place)) is not None:
        number = next(number for number in range(len(shapes)) if match.start(number + 1) >= 0)
        shape, (start, end) = shapes[number], match.span(number + 1)
        if shape.holds(data[start:end]):
            found.append(Found(start, end, shape.kind, shape.what))
            place = end
        else:  # in it, or over its end, another may begin
            place = max(match.start() + 1, start + shape.judged(data[start:end]) - _AGAIN)
    return found
