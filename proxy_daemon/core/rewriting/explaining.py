"""Which rule changes what in one request or answer, rule by rule: what a person asks before the rules go to work.

Invariant: the octets that come out are those that the daemon would send. Called by `llmproxy rewrite`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting.passage import Passage
from proxy_daemon.core.rewriting.ruleset import Rule, parted
from proxy_daemon.core.wire import json_text

MOST_CHANGES = 20  # of one rule that are shown
LONGEST_VALUE = 200  # characters of a value that are shown
_MOST_LINES = 20_000  # of a stream that are compared line by line
_NOTHING = "nothing"


@frozen
class Change:
    """``where``: a path in JSON, a line, a header field. ``before``, ``after``: as they are written."""

    where: str
    before: str
    after: str


@frozen
class Explained:
    """What one rule did. ``why``: one line, where it did nothing; ``left_off``: changes that are not shown."""

    rule: Rule
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()
    why: str = ""
    left_off: int = 0


def explain_request(
    rules: Sequence[Rule], request: Request, dialect: Dialect, upstream: str
) -> tuple[list[Explained], Request]:
    """(Of each rule what it does to the request, the request that goes on)."""
    out, asked = [], request
    for rule in rules:
        if not rule.when.hold(asked, dialect, upstream):
            out.append(Explained(rule, why="its conditions do not hold"))
            continue
        if not parted([rule]).requests:
            out.append(Explained(rule, why="it is for answers"))
            continue
        passage = Passage(parted([rule]), dialect)
        before, request = request, passage.request(request)
        out.append(_explained(rule, list(_request_changes(before, request)), passage))
    return out, request


def explain_answer(
    rules: Sequence[Rule], request: Request, dialect: Dialect, upstream: str, answer: tuple[ResponseHead, bytes]
) -> tuple[list[Explained], tuple[ResponseHead, bytes]]:
    """(Of each rule what it does to the answer to that request, the answer that goes on). Texts go before fields.

    Rules for the request are done first, unseen: they may lead to another API.
    """
    out: dict[int, Explained] = {}
    asking = parted([rule for rule in rules if rule.when.hold(request, dialect, upstream)]).requests
    for number in _in_turn(rules):
        rule = rules[number]
        if not rule.when.hold(request, dialect, upstream):
            out[number] = Explained(rule, why="its conditions do not hold")
        elif parted([rule]).requests:
            out[number] = Explained(rule, why="it is for requests")
        else:
            passage = Passage(parted([*asking, rule]), dialect)
            passage.request(request)
            passage.problems.clear()  # those are the request's
            before, answer = answer, _answered(passage, *answer)
            out[number] = _explained(rule, list(_answer_changes(before, answer)), passage)
    return [out[number] for number in range(len(rules))], answer


def _in_turn(rules: Sequence[Rule]) -> list[int]:
    return sorted(range(len(rules)), key=lambda number: bool(parted([rules[number]]).responses))


def _answered(passage: Passage, head: ResponseHead, body: bytes) -> tuple[ResponseHead, bytes]:
    head = passage.head(head)
    if passage.transform is not None:
        body = passage.transform.piece(body) + passage.transform.end()
    return head, body


def _explained(rule: Rule, changes: list[Change], passage: Passage) -> Explained:
    passage.gather()
    shown = tuple(changes[:MOST_CHANGES])
    why = "" if changes or passage.problems else "it finds nothing to change"
    return Explained(rule, shown, tuple(passage.problems), why, len(changes) - len(shown))


# --- what is different -----------------------------------------------------------------------------------------------


def _request_changes(before: Request, after: Request) -> Iterator[Change]:
    if before.target != after.target:
        yield Change("target", before.target.decode("latin-1"), after.target.decode("latin-1"))
    yield from _header_changes(before.headers, after.headers)
    yield from body_changes(before.body.whole() or b"", after.body.whole() or b"")


def _answer_changes(before: tuple[ResponseHead, bytes], after: tuple[ResponseHead, bytes]) -> Iterator[Change]:
    (head, body), (new_head, new_body) = before, after
    if head.status != new_head.status:
        yield Change("status", str(head.status), str(new_head.status))
    yield from _header_changes(head.headers, new_head.headers)
    yield from body_changes(body, new_body)


def _header_changes(before: Headers, after: Headers) -> Iterator[Change]:
    for name in sorted({*before.by_name, *after.by_name}):
        old, new = before.all(name), after.all(name)
        if old != new:
            yield Change(f"header {name.decode('latin-1')}", _lines(old), _lines(new))


def _lines(values: Sequence[bytes]) -> str:
    return _cut(b", ".join(values).decode("latin-1")) if values else _NOTHING


def body_changes(before: bytes, after: bytes) -> Iterator[Change]:
    """What is different between two bodies: by path in JSON documents, else by line."""
    if before == after:
        return
    try:
        yield from _json_changes(json_text.parse(before), json_text.parse(after))
    except json_text.NotJSON:
        yield from _line_changes(before, after)


def _json_changes(before: Any, after: Any) -> Iterator[Change]:
    """Without recursion: bodies are nested as deep as their senders like."""
    left: list[tuple[str, Any, Any]] = [("", before, after)]
    while left:
        where, old, new = left.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            names = [*old, *(name for name in new if name not in old)]
            pairs = [(name, old.get(name, _Missing), new.get(name, _Missing)) for name in names]
            left += [(f"{where}.{name}".lstrip("."), one, other) for name, one, other in reversed(pairs)]
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            numbered = list(enumerate(zip(old, new, strict=True)))
            left += [(f"{where}.{number}".lstrip("."), *pair) for number, pair in reversed(numbered)]
        elif type(old) is not type(new) or isinstance(old, list) or old != new:
            yield Change(where or "body", _shown(old), _shown(new))


class _Missing:
    """What is not there."""


def _shown(value: Any) -> str:
    if value is _Missing:
        return _NOTHING
    try:
        return _cut(json_text.write(value).decode())
    except (ValueError, RecursionError):
        return "a value that cannot be shown"


def _line_changes(before: bytes, after: bytes) -> Iterator[Change]:
    """Of streams. Empty lines are all alike and say nothing."""
    old, new = (
        [line for line in body.decode("utf-8", "replace").split("\n") if line.strip()] for body in (before, after)
    )
    if max(len(old), len(new)) > _MOST_LINES:
        yield Change("body", f"{len(old)} lines", f"{len(new)} lines")
        return
    for kind, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind != "equal":
            yield Change(f"line {first + 1}", _several(old[first:last]), _several(new[new_first:new_last]))


def _several(lines: Sequence[str]) -> str:
    return _cut(" | ".join(line.strip() for line in lines)) if lines else _NOTHING


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}... ({len(text)} characters)"


def request_of(method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> Request:
    """A request as a client would send it. Raises ValueError for what cannot stand in one."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if b"content-type" not in Headers(pairs):
        pairs.append((b"Content-Type", b"application/json"))
    return Request(method.encode("latin-1"), path.encode("latin-1"), Headers(pairs), Bytes(body))
