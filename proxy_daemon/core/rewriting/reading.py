"""Rule files: TOML with `[[rule]]` tables, read into rules. The grammar is that of docs/rewriting.md.

    [[rule]]
    name = "our-name-for-it"
    when = { path = "/v1/*", model = "gpt-4o*" }
    request.model = { "gpt-4o" = "llama3.1:70b" }

Invariant: rules that were read can be carried out, and no key of the file was passed over. Called by
`settings/rewriting.py`, with the text of a file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from proxy_daemon.core.rewriting.reading_acts import request_edits, response_edits, text_rule
from proxy_daemon.core.rewriting.reading_when import conditions
from proxy_daemon.core.rewriting.ruleset import Act, Rule
from proxy_daemon.core.rewriting.toml_values import unknown

LONGEST = 1024 * 1024  # characters of a file
MOST = 200  # rules of a file
LONGEST_ERROR = 1000  # characters
_KEYS = ("name", "when", "request", "response", "text")
_ACTS: Mapping[str, Callable[[str, Any], Act]] = {
    "request": lambda name, value: request_edits(value),
    "response": lambda name, value: response_edits(value),
    "text": text_rule,
}
_HEADER = r"^[ \t]*\[\[[ \t]*(?:{0}|\"{0}\"|'{0}')[ \t]*\]\]"
# A string of several lines, which may hold what looks like a table; a comment or a string of one line, which may hold
# what looks like the beginning of such a string.
_STRINGS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
_LONG = ('"""', "'''")
_LINE = re.compile(r"at line (\d+)")


class RuleError(ValueError):
    """One line that names the file, the line, the rule, and what to do."""


def read_rules(text: str, file: str) -> tuple[Rule, ...]:
    """The rules of a file, in its order. Raises `RuleError`."""
    if len(text) > LONGEST:
        raise RuleError(f"{file}: the file has more than {LONGEST} characters")
    table = _table(text, file)
    for key in table:
        if key != "rule":
            raise RuleError(f"{file}: {_short(unknown(key, ('rule',)))}; each rule is a table of its own: [[rule]]")
    rules = table.get("rule")
    if not isinstance(rules, list) or not rules:
        raise RuleError(f"{file}: there is no rule: each begins with a line [[rule]]")
    if len(rules) > MOST:
        raise RuleError(f"{file}: there are {len(rules)} rules; {MOST} are the most")
    lines = lines_of(text, len(rules))
    return tuple(_rule(each, f"{file}:{lines[at]}", at + 1) for at, each in enumerate(rules))


def _table(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RuleError(f"{file}: it is not TOML: it is nested too deeply") from None
    except ValueError as error:
        found = _LINE.search(str(error))
        line = found[1] if found else text.rstrip("\n").count("\n") + 1  # "at end of document"
        raise RuleError(f"{file}:{line}: it is not TOML: {_short(str(error))}") from None


def lines_of(text: str, count: int, table: str = "rule") -> list[int]:
    """The line on which each of so many tables of a name begins; 1 for each where they are not written as tables."""
    plain = _STRINGS.sub(_hidden, text)
    starts = [found.start() for found in re.finditer(_HEADER.format(table), plain, re.MULTILINE)]
    if len(starts) != count:
        return [1] * count
    lines, line, at = [], 1, 0
    for start in starts:
        line += plain.count("\n", at, start)
        lines.append(line)
        at = start
    return lines


def _hidden(found: re.Match[str]) -> str:
    """A string of several lines as blanks that keep its lines; anything else as it is."""
    return re.sub(r"[^\n]", "_", found[0]) if found[0].startswith(_LONG) else found[0]


def _rule(table: Any, place: str, number: int) -> Rule:
    name = table.get("name") if isinstance(table, dict) else None
    called = f"rule {name[:100]!r}" if isinstance(name, str) else f"rule {number}"
    try:
        return _made(table, place)
    except (ValueError, TypeError) as error:
        said = str(error).removeprefix(f"{called}: ")
        raise RuleError(f"{place}: {called}: {_short(said)}") from None


def _short(text: str) -> str:
    """A sentence that quotes the file, which may be long, on one line."""
    return " ".join((text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]}...").splitlines())


def _made(table: Any, place: str) -> Rule:
    if not isinstance(table, dict):
        raise ValueError("a rule is a table: [[rule]]")  # noqa: TRY004  (what is wrong is the file, not our call)
    for key in table:
        if key not in _KEYS:
            raise ValueError(unknown(key, _KEYS))
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 100:  # noqa: PLR2004
        raise ValueError("a rule needs a name: up to 100 printable characters")
    acts = [key for key in _ACTS if key in table]
    if len(acts) != 1:
        raise ValueError(f"a rule has exactly one of {', '.join(_ACTS)}; this one has {' and '.join(acts) or 'none'}")
    return Rule(name, conditions(table.get("when", {})), _ACTS[acts[0]](name, table[acts[0]]), place)
