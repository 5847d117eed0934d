"""Where secrets stand in recordings and in any text, told without telling them: for `llmproxy scan`.

Invariant: of a secret no more than its first four characters leave this file. What stands for a secret that was taken
out, here or by another tool, is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from attrs import define, field, frozen

from proxy_daemon.core.bodies import Body, Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Recording
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_address import redacted_address
from proxy_daemon.core.secret_leftovers import decoded_runs
from proxy_daemon.core.secret_look import in_body
from proxy_daemon.core.secret_names import is_secret_field, kind_of
from proxy_daemon.core.secret_place import path_at
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.secret_shapes import Found
from proxy_daemon.core.secret_spans import apart, is_binary
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

MOST = 200  # of one body whose places are told
SHOWN = 4  # characters of a secret
_SHORTEST = 8  # characters of what stands under a secret's name and is no placeholder
# What stands for a secret: our words, those of other recorders, variables, what people write into examples.
_STANDS_FOR = re.compile(
    rb"(?i)[<\[{($%*]|.*(?:redacted|filtered|placeholder|example|dummy|fake|your[-_]|secret[-_]here|changeme|xxxx|\*\*\*|"
    rb"\.\.\.)|(?:null|none|true|false|test|bearer|basic)[\w -]{0,12}\Z",
    re.DOTALL,
)
_SCHEME = re.compile(rb"(?i)(?:bearer|basic|token|apikey)[ \t]+")


@frozen
class Told:
    """``where``: a part of a recording, or a line. ``shown``: the first characters."""

    where: str
    what: str
    shown: str


@define
class Report:
    """Of one file. ``seen``: what was found so far, so that nothing is told a second time as a line of the file."""

    rules: Rules = NO_RULES
    seen: set[bytes] = field(factory=set, repr=False)

    def recording(self, recording: Recording) -> Iterator[Told]:
        """All parts of a recording."""
        request, response, delivered = recording.request, recording.response, recording.delivered
        yield from self._value("the request's address", request.target)
        yield from self._fields("the request's field", request.headers)
        yield from self._body("the request's body", request.headers, request.body)
        if response is not None:
            yield from self._fields("the answer's field", response.head.headers)
            yield from self._body("the answer's body", response.head.headers, response.body)
            yield from self._fields("the answer's trailer", response.trailers)
        if delivered is not None:
            yield from self._fields("the delivered answer's field", delivered.head.headers)
            yield from self._body("the delivered answer's body", delivered.head.headers, delivered.body or Bytes())
        yield from self._value("the detail", recording.detail.encode("utf-8", "replace"))

    def text(self, data: bytes) -> Iterator[Told]:
        """Any text, by line; octets, by their place."""
        found = Redactor(self.rules).secrets(b"", data)
        binary = is_binary(data)
        found = apart([*found, *self.rules.found(data)]) if binary else found
        line, at = 1, 0
        for each in found:
            line, at = line + data.count(b"\n", at, each.start), each.start
            yield from self._told(f"octet {each.start}" if binary else f"line {line}", data, each)
        yield from islice(self._runs("", data, lines=not binary), MOST)

    def _value(self, where: str, value: bytes) -> Iterator[Told]:
        hidden: list[tuple[str, bytes]] = []

        def word(name: bytes, secret: bytes) -> bytes:
            hidden.append((kind_of(name, self.rules.parameters), secret))
            return b"REDACTED"

        rest = redacted_address(value, self.rules.parameters, word)
        for kind, secret in hidden:
            yield from self._told(where, secret, Found(0, len(secret), kind, f"a value named {kind}"))
        for each in apart(self.rules.found(rest)):
            yield from self._told(where, rest, each)

    def _fields(self, where: str, headers: Headers) -> Iterator[Told]:
        for name, value in headers.pairs:
            place = f"{where} {name[:80].decode('utf-8', 'replace')}"
            if is_secret_field(name) or name.lower() in self.rules.fields:
                scheme = _SCHEME.match(value)
                kind = kind_of(name, self.rules.fields)
                start = scheme.end() if scheme else 0
                yield from self._told(place, value, Found(start, len(value), kind, f"a value named {kind}"))
            else:
                yield from self._value(place, value)

    def _body(self, where: str, headers: Headers, body: Body) -> Iterator[Told]:
        data = _plain(headers, body)
        kind, redactor = headers.get(b"content-type"), Redactor(self.rules)
        found = redactor.secrets(kind, data)
        if is_binary(data):
            found = apart([*found, *self.rules.found(data)])
        for each in found[:MOST]:  # each costs a look from the beginning, for its path
            yield from self._told(f"{where}, {_safe(path_at(data, each.start))}", data, each)
        if len(found) > MOST:
            yield Told(where, f"{len(found) - MOST} more", "")
        yield from islice(self._runs(f"{where}, ", data), MOST)

    def _runs(self, where: str, data: bytes, *, lines: bool = False) -> Iterator[Told]:
        for start, decoded in decoded_runs(data):
            if not in_body(decoded):
                continue
            place = f"line {data.count(bytes([10]), 0, start) + 1}" if lines else f"octet {start}"
            for each in Redactor(self.rules).secrets(b"", decoded):
                yield from self._told(f"{where}{place}, in base64", decoded, each)

    def _told(self, where: str, data: bytes, found: Found) -> Iterator[Told]:
        secret = found.whole or data[found.start : found.end]
        if found.whole and secret in self.seen:
            return  # another event's part of it
        named = found.what.startswith("a value named")
        if named and (len(secret) < _SHORTEST or _STANDS_FOR.match(secret)):
            return
        if where.startswith("line ") and secret in self.seen:
            return
        self.seen.add(secret)
        yield Told(where, found.what, secret[:SHOWN].decode("ascii", "replace"))


def _safe(text: str) -> str:
    """Names of members may be secrets too."""
    return Redactor().text(text)


def _plain(headers: Headers, body: Body) -> bytes:
    """The body without its coding, as far as it can be undone."""
    out: list[bytes] = []
    uncoder = Uncoder(b",".join(headers.all(b"content-encoding")).lower(), JSON_LIMIT)
    data = body.whole()
    data = body.read(0, body.size) if data is None else data
    try:
        out.append(uncoder.piece(data))
        out.append(uncoder.end())
    except CodingError:
        return b"".join(out) or data
    return b"".join(out)
