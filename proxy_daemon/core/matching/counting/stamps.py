"""What clients stamp into requests and what does not count: dates, UUIDs, marks of coding agents. Off by default.

Invariant: patterns are people's own and texts are hostile: RE2 takes time linear in the text for each match, whatever
the pattern (https://github.com/google/re2), and what all matches of a body may take is bounded. What is struck out
leaves its name, so that a text with a stamp is never one without.
Read from the settings; applied by `rules.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import re2
from attrs import field, frozen

from proxy_daemon.core.matching.counting.exact import NotExact
from proxy_daemon.core.matching.counting.tree import Kind, Rule

MOST_RULES, LONGEST_PATTERN = 100, 4096
MOST_STEPS = 1 << 27  # octets that the searches for one stamp may look at in one body: a third of a second
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_PATH = re.compile(r"[^.\s]+(?:\.[^.\s]+){0,31}")
_ANYWHERE = ""
# Members that name a model, or what lies at a server: no prompts. Only a path that leads there strikes something out.
_NAMES = frozenset(
    (
        "model",
        "models",
        "modelId",
        "model_id",
        "assistant_id",
        "agent_id",
        "thread_id",
        "conversation",
        "conversation_id",
        "previous_response_id",
        "previous_interaction_id",
        "container",
        "container_id",
        "file_id",
        "file_ids",
        "vector_store_ids",
        "cachedContent",
        "cached_content",
        "batch_id",
        "input_file_id",
    )
)
_NO_RULES = Rule()
_IDS = (Kind.RENAMED, Kind.OWN_ID)


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(pattern.encode(), options=options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"{pattern!r} is no pattern that RE2 reads: {reason}") from None


@frozen
class Stamp:
    """``path``: of the member whose texts are looked at, all that are below it; empty: the whole body.

    ``pattern``: what is struck out; where it has groups, only what these matched. Empty: the whole member goes.
    """

    name: str
    path: str = _ANYWHERE
    pattern: str = ""
    quick: bool = field(default=False, eq=False)  # what follows a match never has to be looked at to its end
    expression: Any = field(init=False, eq=False, repr=False)

    @expression.default
    def _compile(self) -> Any:
        return _compiled(self.pattern) if self.pattern else None

    @property
    def drops(self) -> bool:
        """Whether it is a member that goes, and no text."""
        return not self.pattern

    def struck(self, value: Any, rule: Rule = _NO_RULES) -> Any:
        """The body without the stamp; the value itself where it has none. ``rule``: of the body; ids are no texts.

        Raises `NotExact` where a pattern of people's own would have to look too often at too long a text.
        """
        return _Striking(self).below(value, tuple(self.path.split(".")) if self.path else (), rule)


class _Striking:
    """One stamp, one body."""

    def __init__(self, stamp: Stamp) -> None:
        self._stamp, self._left = stamp, MOST_STEPS
        self._left_alone = () if stamp.path else _NAMES

    def below(self, value: Any, path: tuple[str, ...], rule: Rule) -> Any:
        if isinstance(value, str):
            return value if path or rule.kind in _IDS else self._text(value)
        if isinstance(value, list):
            if path and path[0] != "*":
                return value
            each = rule.each or _NO_RULES
            new = [self.below(element, path[1:], each) for element in value]
            return new if any(one is not other for one, other in zip(new, value, strict=True)) else value
        if isinstance(value, dict):
            return self._members(value, path, rule.by_name)
        return value

    def _members(self, value: dict[str, Any], path: tuple[str, ...], rules: Mapping[str, Rule]) -> Any:
        names = [path[0]] if path and path[0] in value else () if path else value
        new = {
            name: self.below(value[name], path[1:], rules.get(name, _NO_RULES))
            for name in names
            if name not in self._left_alone
        }
        changed = {name: member for name, member in new.items() if member is not value[name]}
        return {**value, **changed} if changed else value

    def _text(self, text: str) -> str:
        octets = text.encode("utf-8", "surrogatepass")
        found = [span for match in self._matches(octets) for span in _spans(match)]
        if not found:
            return text
        mark, parts, at = b"\0%b\0" % self._stamp.name.encode(), [], 0
        for start, end in found:
            if start >= at and end > start:  # groups may lie within each other
                parts += [octets[at:start], mark]
                at = end
        return b"".join([*parts, octets[at:]]).decode("utf-8", "surrogatepass")

    def _matches(self, octets: bytes) -> Iterator[Any]:
        """RE2 is linear in each search, and each match has one: `a.*b|a` looks at the whole text for each a."""
        for match in self._stamp.expression.finditer(octets):
            if not self._stamp.quick:
                self._left -= len(octets) - match.start()
                if self._left < 0:
                    raise NotExact(f"too many places of {self._stamp.name}")
            yield match


def _spans(match: Any) -> list[tuple[int, int]]:
    """In their order; of two that begin together the longer first."""
    groups = len(match.groups())
    spans = [match.span(group) for group in range(1, groups + 1)] if groups else [match.span()]
    return sorted(spans, key=_place)


def _place(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], -span[1]


_MONTHS = "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?"
_MONTHS += "|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_DAYS = "(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_ZONE = r"(?: ?(?:[AaPp][Mm]))?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?"
_WRITTEN_OUT = f"{_DAYS}(?:{_MONTHS} [0-9]{{1,2}},? [0-9]{{4}}|[0-9]{{1,2}} {_MONTHS} [0-9]{{4}})"
_DATE = f"(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{_WRITTEN_OUT})"
_CACHE_MARKS = (
    "cache_control",
    "system.*.cache_control",
    "tools.*.cache_control",
    "messages.*.cache_control",
    "messages.*.content.*.cache_control",
    "messages.*.content.*.content.*.cache_control",
)
# The rules that have a name, each with its stamps: (path, pattern).
NAMED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "dates": ((_ANYWHERE, rf"\b{_DATE}(?:(?:[T ]|,? at | - ){_CLOCK}{_ZONE})?\b"),),
    "uuids": ((_ANYWHERE, r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b"),),
    "claude-code": (
        ("system", r"\bcch=[0-9a-f]+;? ?"),
        ("system", r"\bcc_version=[0-9]+\.[0-9]+\.[0-9]+(\.[0-9a-z]+)"),
        ("messages", r"Today's date is (?:now )?([0-9]{4}[-/][0-9]{2}[-/][0-9]{2})"),
        ("system", r"Today's date(?: is|:) ([0-9]{4}[-/][0-9]{2}[-/][0-9]{2})"),
        ("metadata.user_id", ""),
        *((path, "") for path in _CACHE_MARKS),
    ),
    "codex": (
        ("client_metadata", ""),
        ("prompt_cache_key", ""),
        ("input", r"<current_date>([^<]*)</current_date>"),
    ),
    "copilot-cli": (
        ("messages", r"<current_datetime>([^<]*)</current_datetime>"),
        ("input", r"<current_datetime>([^<]*)</current_datetime>"),
    ),
}


def parse_named(text: str) -> tuple[Stamp, ...]:
    """The stamps of a rule that has a name. Raises ValueError that tells the names."""
    if text not in NAMED:
        raise ValueError(f"{text!r} is unknown: one of {', '.join(NAMED)}; [[volatile]] in a file makes others")
    return tuple(Stamp(text, path, pattern, quick=True) for path, pattern in NAMED[text])


def parse_tables(tables: Any) -> tuple[Stamp, ...]:
    """The `[[volatile]]` tables of a file. Raises ValueError with a sentence that says which is wrong."""
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ValueError("must be tables: [[volatile]]")
    if len(tables) > MOST_RULES:
        raise ValueError(f"[[volatile]]: {len(tables)} tables; {MOST_RULES} are the most")
    found = (_table(each, f"[[volatile]] {number}") for number, each in enumerate(tables, 1))
    return tuple(stamp for stamps in found for stamp in stamps)


def _table(table: Mapping[str, Any], place: str) -> tuple[Stamp, ...]:
    """One stamp, or those of a rule that has a name, where that is all that the table says."""
    if unknown := sorted(table.keys() - {"name", "path", "pattern"}):
        raise ValueError(f"{place}: unknown key {unknown[0]!r}: name, path and pattern")
    name, path, pattern = table.get("name"), table.get("path", _ANYWHERE), table.get("pattern", "")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{place}: name must be small letters, digits and dashes")
    if not isinstance(path, str) or (path and not _PATH.fullmatch(path)):
        raise ValueError(f'{place}: path must be the path of a member, such as "messages.*.content"')
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"{place}: pattern must be a text of at most {LONGEST_PATTERN} characters")
    if not path and not pattern and name in NAMED:
        return parse_named(name)
    if not path and not pattern:
        raise ValueError(f"{place}: needs a path, a pattern or both, or the name of one of {', '.join(NAMED)}")
    if not pattern and path.endswith("*"):
        raise ValueError(f"{place}: path: a list goes as a whole: leave out .* at the end, or give a pattern")
    try:
        stamp = Stamp(name, path, pattern)
    except ValueError as error:
        raise ValueError(f"{place}: pattern: {error}") from None
    if stamp.pattern and stamp.expression.search(b"") is not None:
        raise ValueError(f"{place}: pattern: {pattern!r} matches nothing at all: it would stand everywhere")
    return (stamp,)
