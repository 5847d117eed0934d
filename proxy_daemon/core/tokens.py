"""Tokens: who a client is (`[client-tokens]` of the configuration file), and who may look below `/_llmproxy/`.

The daemon knows tokens by their hash only, and compares hashes in constant time. Random octets come from the caller.
`core/access.py` holds a `Tokens`, `net/guard.py` asks it, `cli/token.py` makes tokens.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest

from attrs import field, frozen

from proxy_daemon.core.headers import Headers

PREFIX = b"llmp_"  # so that a token is known for what it is, by us and by scanners for secrets
SIZE = 32  # octets of chance: enough that a plain hash of them cannot be searched
OWN_FIELD = b"x-llmproxy-token"
# Where SDKs put an API key.
KEY_FIELDS = frozenset((b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"))
KEY_PARAMETER = b"key="
SHORTEST, LONGEST = 16, 512  # characters of an admin token, which people choose

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"sha256:([0-9a-fA-F]{64})")
_KEY = re.compile(rb"(?:Bearer +)?(\S+)", re.IGNORECASE)
_BASIC = re.compile(rb"Basic +([A-Za-z0-9+/=]{1,8192})", re.IGNORECASE)
_OURS = re.compile(rb"(?:^|[^A-Za-z0-9])" + PREFIX)


@frozen
class Tokens:
    """``clients``: digests by name; None where clients need no token, empty where none has one. ``admin``: a digest.

    ``page``: the digest of the token that our own pages get from `api/token`, and no page of another origin can read:
    who changes something below `/_llmproxy/` shows it.
    """

    # Kept out of the repr, as all that has to do with credentials.
    clients: Mapping[str, bytes] | None = field(default=None, repr=False)
    admin: bytes = field(default=b"", repr=False)
    page: bytes = field(default=b"", repr=False)

    @property
    def needed(self) -> bool:
        """Whether clients of other machines must carry one."""
        return self.clients is not None

    def client(self, headers: Headers, target: bytes = b"") -> str:
        """The name of the token that the request carries; empty where it carries none that is known."""
        token = _client_token(headers) or _query_token(target)
        if not token:
            return ""
        given = _digest(token)
        found = [name for name, digest in (self.clients or {}).items() if compare_digest(digest, given)]
        return found[0] if found else ""

    def is_admin(self, headers: Headers, *, password: bool = True) -> bool:
        """Whether the request carries the admin token, in `X-LLMProxy-Token`, or as `Authorization: Bearer` or `Basic`.

        A page whose requests get it from a reverse proxy, or from the browser, has its own token in our field.
        ``password``: whether Basic will do. A browser sends that by itself, whatever page has made it ask.
        """
        given = _own_token(headers)
        if not given or self._is_of_page(given):
            given = (_admin_key if password else _key)(headers.get(b"authorization"))
        return compare_digest(self.admin, _digest(given))

    def without_admin(self, headers: Headers) -> Headers:
        """The fields that go to an upstream: a browser sends the admin token wherever it is asked for one."""
        if not self.admin or b"authorization" not in headers:
            return headers
        kept = [pair for pair in headers.pairs if not self._carries_admin(*pair)]
        return headers if len(kept) == len(headers.pairs) else Headers(kept)

    def _carries_admin(self, name: bytes, value: bytes) -> bool:
        return name.lower() == b"authorization" and compare_digest(self.admin, _digest(_admin_key(value)))

    def may_change(self, headers: Headers) -> bool:
        """Whether the request may change something below `/_llmproxy/`: it has the token of our pages, or the admin's.

        That it may come there at all is decided before.
        """
        return self._is_of_page(_own_token(headers)) or self.is_admin(headers, password=False)

    def _is_of_page(self, given: bytes) -> bool:
        return compare_digest(self.page, _digest(given))


NO_TOKENS = Tokens()


def passed_on(headers: Headers) -> Headers:
    """The fields without API keys that are tokens of ours: no upstream ever sees one."""
    if KEY_FIELDS.isdisjoint(name.lower() for name, _ in headers.pairs):
        return headers
    kept = [pair for pair in headers.pairs if pair[0].lower() not in KEY_FIELDS or not _OURS.search(pair[1])]
    return headers if len(kept) == len(headers.pairs) else Headers(kept)


def target_passed_on(target: bytes) -> bytes:
    """The target without such keys in its query: Google's clients may put theirs there."""
    if PREFIX not in target:
        return target
    path, _, query = target.partition(b"?")
    kept = [parameter for parameter in query.split(b"&") if not parameter.startswith(KEY_PARAMETER + PREFIX)]
    if len(kept) == query.count(b"&") + 1:
        return target
    return b"?".join([path, b"&".join(kept)] if kept else [path])


def _query_token(target: bytes) -> bytes:
    parameters = target.partition(b"?")[2].split(b"&") if PREFIX in target else []
    found = [each for each in parameters if each.startswith(KEY_PARAMETER + PREFIX)]
    return found[0].removeprefix(KEY_PARAMETER) if len(found) == 1 else b""


def _client_token(headers: Headers) -> bytes:
    keys = [_key(value) for name, value in headers.pairs if name.lower() in KEY_FIELDS]
    return _own_token(headers) or next((key for key in keys if key.startswith(PREFIX)), b"")


def _own_token(headers: Headers) -> bytes:
    """Of `X-LLMProxy-Token`; of two nobody could say which one was checked."""
    given = headers.all(OWN_FIELD)
    return given[0] if len(given) == 1 else b""


def _key(value: bytes) -> bytes:
    found = _KEY.fullmatch(value)
    return found[1] if found else b""


def _admin_key(value: bytes) -> bytes:
    """Of `Authorization`: a bearer's, or the password of RFC 7617, whose name may be any."""
    basic = _BASIC.fullmatch(value)
    if basic is None:
        return _key(value)
    try:
        return base64.b64decode(basic[1], validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()


def page_digest(token: str) -> bytes:
    """What `Tokens.page` is for this token of our pages."""
    return _digest(token.encode())


# --- what people write -----------------------------------------------------------------------------------------------


def new_token(chance: bytes) -> str:
    """A token of `SIZE` random octets."""
    return PREFIX.decode() + base64.urlsafe_b64encode(chance).decode().rstrip("=")


def table_line(name: str, token: str) -> str:
    """The line of a client's token below `[client-tokens]`. Raises ValueError for a name that is none."""
    key = _checked_name(name)
    quoted = f'"{key}"' if "." in key else key  # a bare dot would begin a table in TOML
    return f'{quoted} = "sha256:{sha256(token.encode()).hexdigest()}"'


def parse_client_tokens(table: Mapping[str, object]) -> dict[str, bytes]:
    """Digests by name, of a table NAME = "sha256:HEX". Raises ValueError with a sentence."""
    digests = {_checked_name(name): _parse_hash(name, value) for name, value in table.items()}
    for name, digest in digests.items():
        same = [other for other in digests if digests[other] == digest]
        if len(same) > 1:
            raise ValueError(f"{same[0]} and {same[1]} have the same token: {name} must have one of its own")
    return digests


def admin_digest(text: str) -> bytes:
    """Of the admin token as its file holds it, with its line end. Raises ValueError with what is wrong."""
    token = text.strip()
    if not SHORTEST <= len(token) <= LONGEST or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"must hold one word of {SHORTEST} to {LONGEST} ASCII characters")
    return _digest(token.encode())


def _checked_name(name: str) -> str:
    if name.startswith(PREFIX.decode()):  # not quoted: it is a secret
        raise ValueError('a name begins as tokens do; a line is NAME = "sha256:...", as llmproxy token NAME prints it')
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a token: up to 64 letters, digits and .-_")
    return name


def _parse_hash(name: str, value: object) -> bytes:
    """The value is not quoted in errors: it may be the token itself."""
    found = _HASH.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{name} must be "sha256:" and 64 hexadecimal digits, as llmproxy token {name} prints it')
    return bytes.fromhex(found[1])
