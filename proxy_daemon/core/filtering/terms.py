"""All terms of the filter language, in one table: it drives the parser, the help, the docs and the tests.

Invariant: each `Kind` stands here once; ``looks`` is given the operand that ``wants`` says, and never raises. Called by
`operands.py`, `parsing.py`, `asking.py` and `explaining.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from proxy_daemon.core.filtering.said import folded
from proxy_daemon.core.filtering.subject import Subject
from proxy_daemon.core.filtering.tree import Comparison, Kind, Pattern
from proxy_daemon.core.messages import Outcome

OUTCOMES = tuple(each.value for each in Outcome)


class Wants(StrEnum):
    """The kind of operand, and so the type in the tree."""

    NOTHING = "nothing"  # None
    PATTERN = "a regular expression"  # Pattern
    CODE = "a status code"  # Comparison, by = where no operator is written
    AMOUNT = "a number"  # Comparison, by > where no operator is written
    OUTCOME = "an outcome"  # str, one of OUTCOMES
    TEXT = "a text"  # str


@frozen
class Spec:
    """``example``: a whole filter; ``shown``: the operand in the help; ``heavy``: it looks at bodies or header lines.

    ``default``: the operand where none is written; None: one must be.
    """

    kind: Kind
    wants: Wants
    looks: Callable[[Subject, Any], bool]
    help: str
    example: str
    shown: str = ""
    heavy: bool = False
    default: Comparison | None = None


def is_said(subject: Subject, text: str) -> bool:
    """Whether ``text`` stands in one passage of what is said, whatever the case of its letters."""
    wanted = folded(text)
    return any(wanted in folded(passage) for passage in subject.said)


def _bare(subject: Subject, pattern: Pattern) -> bool:
    return pattern.found_in(subject.url) or is_said(subject, pattern.source)


def _text(kind: Kind, of: Callable[[Subject], str], help_: str, example: str) -> Spec:
    """A regular expression for one text."""
    return Spec(kind, Wants.PATTERN, lambda subject, pattern: pattern.found_in(of(subject)), help_, example, "RE")


def _bodies(kind: Kind, of: Sequence[Callable[[Subject], bytes]], help_: str, example: str) -> Spec:
    """A regular expression for bodies: the next is decoded only where it does not stand in the one before."""

    def looks(subject: Subject, pattern: Pattern) -> bool:
        return any(pattern.found_in(each(subject)) for each in of)

    return Spec(kind, Wants.PATTERN, looks, help_, example, "RE", heavy=True)


def _texts(
    kind: Kind,
    of: Sequence[Callable[[Subject], Sequence[str] | Sequence[bytes]]],
    help_: str,
    example: str,
    *,
    heavy: bool = False,
) -> Spec:
    """A regular expression for each of some texts."""

    def looks(subject: Subject, pattern: Pattern) -> bool:
        return any(pattern.found_in(text) for each in of for text in each(subject))

    return Spec(kind, Wants.PATTERN, looks, help_, example, "RE", heavy=heavy)


def _flag(kind: Kind, looks: Callable[[Subject], bool], help_: str) -> Spec:
    return Spec(kind, Wants.NOTHING, lambda subject, _: looks(subject), help_, f"~{kind}")


_BODIES = (lambda on: on.request_body, lambda on: on.response_body)
_LINES = (lambda on: on.request_lines, lambda on: on.response_lines)
_TYPES = (lambda on: on.request_types, lambda on: on.response_types)
_SPECS = (
    Spec(Kind.WORD, Wants.PATTERN, _bare, "the URL matches it, or it is said (as by ~said)", "invoice", "WORD"),
    Spec(Kind.SAID, Wants.TEXT, is_said, "in the prompt's new messages, or the answer", "~said 'two words'", "TEXT"),
    _text(Kind.URL, lambda on: on.url, "URL", "~u /chat/completions"),
    _text(Kind.DOMAIN, lambda on: on.host, "host of the upstream", "~d openai.com"),
    _text(Kind.METHOD, lambda on: on.method, "method", "~m post"),
    Spec(Kind.CODE, Wants.CODE, lambda on, wanted: wanted.holds(on.status or None), "status code", "~c 429", "[OP]N"),
    _flag(Kind.NO_RESPONSE, lambda on: not on.has_response, "has no response"),
    _flag(Kind.RESPONSE, lambda on: on.has_response, "has a response"),
    _flag(Kind.ERROR, lambda on: bool(on.error), "went wrong: status 400 and above, broken off, or the API says so"),
    _bodies(Kind.BODY, _BODIES, "body of the request or the response", "~b stream_options"),
    _bodies(Kind.REQUEST_BODY, _BODIES[:1], "body of the request", "~bq '\"seed\": ?7'"),
    _bodies(Kind.RESPONSE_BODY, _BODIES[1:], "body of the response", "~bs logprobs"),
    _texts(Kind.HEADER, _LINES, 'header line "name: value" of either', "~h cf-ray", heavy=True),
    _texts(Kind.REQUEST_HEADER, _LINES[:1], "header line of the request", "~hq '^user-agent: curl'", heavy=True),
    _texts(Kind.RESPONSE_HEADER, _LINES[1:], "header line of the response", "~hs '^retry-after: [1-9]'", heavy=True),
    _texts(Kind.TYPE, _TYPES, "content type of either", "~t json"),
    _texts(Kind.REQUEST_TYPE, _TYPES[:1], "content type of the request", "~tq multipart"),
    _texts(Kind.RESPONSE_TYPE, _TYPES[1:], "content type of the response", "~ts event-stream"),
    _text(Kind.MODEL, lambda on: on.model, "model that was asked for", "~model '^gpt-4o'"),
    _text(Kind.DIALECT, lambda on: on.dialect, "name of the dialect", "~dialect anthropic"),
    Spec(
        Kind.OUTCOME,
        Wants.OUTCOME,
        lambda on, name: on.outcome == name,
        f"where the answer came from: {', '.join(OUTCOMES)}",
        "~outcome hit",
        "NAME",
    ),
    _texts(Kind.TOOL, (lambda on: on.tools,), "name of a tool that the answer calls", "~tool '^get_weather$'"),
    Spec(
        Kind.TOKENS, Wants.AMOUNT, lambda on, wanted: wanted.holds(on.tokens), "tokens in all", "~tokens >1000", "[OP]N"
    ),
    Spec(
        Kind.SLOW,
        Wants.AMOUNT,
        lambda on, wanted: wanted.holds(on.seconds),
        "how many seconds it took; without a number: more than 10",
        "~slow >2.5",
        "[OP]N",
        default=Comparison(">", 10),
    ),
    _text(Kind.SESSION, lambda on: on.session, "name of the session", "~session nightly"),
    _text(Kind.CASSETTE, lambda on: on.cassette, "name of the cassette", "~cassette login"),
    _flag(Kind.MARKED, lambda on: bool(on.mark), "is marked"),
    _text(Kind.MARKER, lambda on: on.mark, "mark", "~marker red"),
    _text(Kind.COMMENT, lambda on: on.comment, "comment", "~comment 'to do'"),
    _flag(Kind.PINNED, lambda on: on.pinned, "is pinned"),
    _flag(Kind.EDITED, lambda on: on.edited, "a person wrote its answer"),
    _flag(Kind.ALL, lambda _: True, "everything"),
)
TERMS = {spec.kind: spec for spec in _SPECS}
