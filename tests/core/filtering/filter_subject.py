"""An exchange for filters, of plain values; and trees that hypothesis makes."""

import re2
from attrs import define
from hypothesis import strategies as st

from proxy_daemon.core.filtering import TERMS, And, Comparison, Kind, Not, Or, Pattern, Term, Wants
from proxy_daemon.core.filtering.terms import OUTCOMES


@define
class Plain:
    """A `Subject`."""

    url: str = "https://api.openai.com/v1/chat/completions?x=1"
    method: str = "POST"
    status: int = 200
    host: str = "api.openai.com"
    request_lines: tuple = (b"Content-Type: application/json", b"User-Agent: curl/8.5")
    response_lines: tuple = (b"content-type: text/event-stream", b"Retry-After: 3")
    request_body: bytes = '{"model":"gpt-4o","seed": 7,"name":"Café"}'.encode()
    response_body: bytes = b'data: {"choices":[]}\n\ndata: [DONE]\n\n'
    request_types: tuple = (b"application/json",)
    response_types: tuple = (b"text/event-stream",)
    has_response: bool = True
    error: str = ""
    model: str = "gpt-4o-mini"
    dialect: str = "openai-chat"
    outcome: str = "live"
    tools: tuple = ("get_weather", "search")
    tokens: int | None = 1200
    seconds: float | None = 3.5
    session: str = "nightly-7"
    said: tuple = ("What about the INVOICE?", "It costs 3 (three) Straße\nand more.")
    mark: str = ""
    comment: str = ""
    pinned: bool = False
    edited: bool = False
    cassette: str = "login.yaml"


EMPTY = Plain(
    url="",
    method="",
    status=0,
    host="",
    request_lines=(),
    response_lines=(),
    request_body=b"",
    response_body=b"",
    request_types=(),
    response_types=(),
    has_response=False,
    model="",
    dialect="",
    outcome="",
    tools=(),
    tokens=None,
    seconds=None,
    session="",
    said=(),
    cassette="",
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
# Without a ?, no text is a look-around.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="?\\"), max_size=6) | st.sampled_from(
    ["chat", "invoice", "three", "&", "!x", "|", "a b", "'", '"', "'\"", "~", "(", "C++", "\n\t"]
)
PATTERNS = TEXTS.map(re2.escape) | st.sampled_from(
    ["", "a|b", "^p", "gpt-[0-9]", "o$", "(a|b)+", "\\d", "a\\.b", "'\"\\\\"]
)
NUMBERS = st.integers(0, 10**15 - 1) | st.integers(0, 10**12).map(lambda number: number / 1000)
COMPARISONS = st.builds(Comparison, st.sampled_from(["<", "<=", "=", ">=", ">"]), NUMBERS)
OPERANDS = {
    Wants.NOTHING: st.none(),
    Wants.PATTERN: st.builds(Pattern, PATTERNS, st.none()),
    Wants.CODE: COMPARISONS,
    Wants.AMOUNT: COMPARISONS,
    Wants.OUTCOME: st.sampled_from(OUTCOMES),
    Wants.TEXT: TEXTS,
}


def _term(kind):
    operand = st.builds(Pattern, WORDS, st.none()) if kind is Kind.WORD else OPERANDS[TERMS[kind].wants]
    return st.builds(Term, st.just(kind), operand)


def _joined(join, parts):
    """As the parser joins them: parts of the same kind are taken apart."""
    return join(tuple(each for part in parts for each in (part.parts if isinstance(part, join) else (part,))))


def _joins(trees):
    some = st.lists(trees, min_size=2, max_size=3)
    return trees.map(Not) | some.map(lambda parts: _joined(And, parts)) | some.map(lambda parts: _joined(Or, parts))


# Their patterns are not compiled: two are equal by their sources.
TREES = st.recursive(st.sampled_from(list(Kind)).flatmap(_term), _joins, max_leaves=8)
