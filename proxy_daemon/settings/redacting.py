"""The `[[redact]]` tables of a settings file: rules of one's own for what is a secret. The grammar: docs/redaction.md.

Called by `settings/sources.py`. Every error names the file, the line and the rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_leftovers import POLICIES, RECORD
from proxy_daemon.core.secret_rules import MOST, NO_RULES, Rule, Rules
from proxy_daemon.settings.values import choice, option

if TYPE_CHECKING:
    from proxy_daemon.settings import Settings

TABLE = "redact"
_NAMES = ("header", "query", "form", "json")
_KEYS = ("name", "pattern", *_NAMES)


class RedactError(ValueError):
    """One line that names the file, the line, the rule, and what to do."""


def on_secret(group: str) -> Any:
    """The setting."""
    return option(
        "redact",
        "what looks like a key: redact (in text; what cannot be altered is told in the log), refuse (an exchange with "
        "something left is recorded without bodies), record (keys in text stay, and are told)",
        "refuse",
        choice(*POLICIES),
        group,
    )


def rules_of(tables: Any, text: str, file: str) -> Rules:
    """The rules of ``tables``, which stand in ``text``. Raises `RedactError`."""
    if tables is None:
        return NO_RULES
    if not isinstance(tables, list):
        raise RedactError(f"{file}: redact must be tables: each rule begins with a line [[redact]]")
    if len(tables) > MOST:
        raise RedactError(f"{file}: there are {len(tables)} [[redact]] tables; {MOST} are the most")
    from proxy_daemon.core.rewriting.reading import lines_of  # noqa: PLC0415  (few have such tables: a quick start)

    lines = lines_of(text, len(tables), TABLE)
    rules = [_rule(table, f"{file}:{lines[at]}", at + 1) for at, table in enumerate(tables)]
    names = [rule.name for rule in rules]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise RedactError(f"{file}:{lines[at]}: rule {name!r}: there is another of that name")
    paths = sum("." in name for rule in rules for name in rule.json)
    if paths > MOST:
        raise RedactError(f"{file}: the [[redact]] tables have {paths} paths; {MOST} are the most")
    return Rules(tuple(rules))


def redactor_of(settings: Settings) -> Redactor:
    """What takes secrets out, by these settings."""
    return Redactor(evolve(settings.redact, by_shape=settings.on_secret != RECORD))


def _rule(table: Any, place: str, number: int) -> Rule:
    name = table.get("name") if isinstance(table, dict) else None
    called = f"rule {name[:60]!r}" if isinstance(name, str) else f"rule {number}"
    try:
        return _made(table)
    except ValueError as error:
        raise RedactError(f"{place}: {called}: {' '.join(str(error).splitlines())}") from None


def _made(table: Any) -> Rule:
    if not isinstance(table, dict):
        raise ValueError("a rule is a table: [[redact]]")  # noqa: TRY004  (what is wrong is the file, not our call)
    from proxy_daemon.core.rewriting.toml_values import text_of, texts_of, unknown  # noqa: PLC0415  (as above)

    for key in table:
        if key not in _KEYS:
            raise ValueError(unknown(key, _KEYS))
    if "name" not in table:
        raise ValueError("it has no name: the word of its placeholders")
    names = {key: texts_of(key, table[key]) for key in _NAMES if key in table}
    return Rule(text_of("name", table["name"]), text_of("pattern", table.get("pattern", "")), **names)
