"""Takes secrets out of what is written: header fields, addresses, texts, and bodies.

A body is redacted in its octets: only the text of a value changes. Runs before fingerprints are taken and before
anything is stored (`pipeline/keeping.py`), so what is looked for must be found fast: most bodies hold none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from attrs import frozen

from proxy_daemon.core.bodies import Body, Bytes
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Request
from proxy_daemon.core.redacted_address import REDACTED, redacted_address
from proxy_daemon.core.secret_names import is_secret_field
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.secret_shapes import NOTHING, QUOTED, Found
from proxy_daemon.core.secret_spans import Spans, apart, secrets_in, wide_coding, withholds

_MOST_FIELDS = 64  # of a head whose names are remembered
_LONGEST_TARGET = 1024  # octets of one that is remembered


@frozen(slots=False)
class Redactor:
    """The lists, applied. ``rules``: those that somebody added."""

    rules: Rules = NO_RULES

    def headers(self, headers: Headers) -> Headers:
        """The fields with the values of secret ones replaced; the same object where there are none."""
        pairs: Sequence[Pair] = headers.pairs
        places = self._secret_places(pairs)
        if places:
            pairs = [(name, REDACTED) if at in places else (name, value) for at, (name, value) in enumerate(pairs)]
        # All at once: most fields hold no address and no key, and this is cheaper than to ask each.
        if self.rules.in_values(b"\n".join([pair[1] for pair in pairs])):
            pairs = [(name, self.value(value)) for name, value in pairs]
        elif not places:
            return headers
        return headers if tuple(pairs) == headers.pairs else Headers(pairs)

    def _secret_places(self, pairs: Sequence[Pair]) -> frozenset[int]:
        names = tuple([pair[0] for pair in pairs])
        return (_places if len(names) <= _MOST_FIELDS else _looked_up)(names, self.rules)

    def target(self, target: bytes) -> bytes:
        """The target with secret parameters, passwords of addresses, and keys replaced; else the same object."""
        safe = _safe_target(target, self.rules) if len(target) <= _LONGEST_TARGET else _redacted(target, self.rules)
        return target if safe == target else safe

    def value(self, value: bytes) -> bytes:
        """Of a field, or a text: fields such as `Location` and `X-Goog-Upload-URL` hold addresses, and these keys."""
        return self.target(value) if self.rules.in_values(value) else value

    def text(self, text: str) -> str:
        """A text for people, such as why an exchange failed; the same object where it holds no secret."""
        if not text:  # as of nearly all exchanges
            return text
        data = text.encode("utf-8", "surrogatepass")
        safe = self.value(data)
        return text if safe is data else safe.decode("utf-8", "surrogatepass")

    def body(self, content_type: bytes, data: bytes) -> bytes:
        """The body with its secrets replaced; the same object where there are none."""
        found = self.secrets(content_type, data)
        return replaced(data, found, self.words(data, found)) if found else data

    def spans(self, content_type: bytes, data: bytes) -> Spans:
        """(start, end) of each value that `body` replaces, in order. The type counts less than the octets."""
        return [(each.start, each.end) for each in self.secrets(content_type, data)]

    def secrets(self, content_type: bytes, data: bytes) -> list[Found]:
        """The same, with what each is."""
        return secrets_in(content_type, data, self.rules)

    def words(self, data: bytes, found: Sequence[Found]) -> list[bytes]:
        """What comes in the place of each that was found in a body."""
        coding = wide_coding(data) or "ascii"
        return [written(REDACTED, each, coding) for each in found]

    def request(self, request: Request) -> Request:
        """The request without its secrets; the same object where there are none."""
        headers = _safe_fields(request.headers, self.rules) or request.headers
        target = self.target(request.target)
        data = request.body.whole()
        safe = data if data is None else self.body(request.headers.get(b"content-type"), data)
        if headers is request.headers and target is request.target and safe is data:
            return request
        if safe is data or safe is None:
            return request.with_head(target, headers)
        return Request(request.method, target, headers, Bytes(safe))

    def withholds(self, content_type: bytes, body: Body) -> bool:
        """Whether a body that is too large to be rewritten names a secret, and so must not be stored at all."""
        return withholds(content_type, body, self.rules)


@lru_cache(maxsize=64)
def _safe_fields(headers: Headers, rules: Rules) -> Headers | None:
    """None where all are safe. Of requests only: a client's fields are mostly those of its last request."""
    safe = Redactor(rules).headers(headers)
    return None if safe is headers else safe


def _looked_up(names: tuple[bytes, ...], rules: Rules) -> frozenset[int]:
    """Which of these fields hold secrets by name."""
    own = rules.fields
    return frozenset([at for at, name in enumerate(names) if is_secret_field(name) or (own and name.lower() in own)])


_places = lru_cache(maxsize=128)(_looked_up)  # an upstream's answers mostly have the fields of its last ones


def _redacted(text: bytes, rules: Rules) -> bytes:
    if b"=" in text or b"@" in text or b"%" in text:
        text = redacted_address(text, rules.parameters)
    if not rules.in_values(text):
        return text
    found = apart(rules.found(text))
    return replaced(text, found, [REDACTED] * len(found)) if found else text


_safe_target = lru_cache(maxsize=256)(_redacted)


def written(word: bytes, found: Found, coding: str = "ascii") -> bytes:
    """A word as it stands in the place of what was found."""
    text = b"" if found.form == NOTHING else b'"%b"' % word if found.form == QUOTED else word
    return text if coding == "ascii" else text.decode().encode(coding)


def replaced(data: bytes, found: Sequence[Found], new: Sequence[bytes]) -> bytes:
    """The octets with ``new`` in the places of what was found."""
    out, end = [], 0
    for each, word in zip(found, new, strict=True):
        out += [data[end : each.start], word]
        end = each.end
    return b"".join([*out, data[end:]])
