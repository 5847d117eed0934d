"""`--rewrite`: names of ready rules, and files with rules, read into the rules of a daemon.

Called by the plugin that rewrites, at the start and at each reload, and by `llmproxy rewrite`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from proxy_daemon.core.rewriting.conditions import Conditions
from proxy_daemon.core.rewriting.reading import LONGEST, RuleError, read_rules
from proxy_daemon.core.rewriting.ready import READY
from proxy_daemon.core.rewriting.ruleset import Rule, RuleSet, fights
from proxy_daemon.settings import SettingsError

_OPTION = "--rewrite"


def rules_of(given: Iterable[str]) -> RuleSet:
    """The rules of ``given``, in order: each a ready name or a file. Raises `SettingsError`."""
    rules = tuple(rule for text in given for rule in _rules(text))
    for rule, why in fights(rules):
        raise SettingsError(f"{_OPTION}: {rule.place}: rule {rule.name!r}: {why}")
    return RuleSet(rules)


def _rules(text: str) -> tuple[Rule, ...]:
    if text in READY:
        return tuple(Rule(rule.name, Conditions(), rule, f"the ready {text}") for rule in READY[text].rules)
    try:
        return read_rules(_text(text), text)
    except RuleError as error:
        raise SettingsError(f"{_OPTION}: {error}") from None


def _text(file: str) -> str:
    try:
        path = Path(file).expanduser()
        with path.open("rb") as opened:
            octets = opened.read(4 * LONGEST + 1)
        return octets.decode()
    except FileNotFoundError:
        raise SettingsError(f"{_OPTION}: there is no file {file!r}, nor ready rules: {', '.join(READY)}") from None
    except RuntimeError:
        raise SettingsError(f"{_OPTION}: {file} is in the home of somebody unknown") from None
    except OSError as error:
        raise SettingsError(f"{_OPTION}: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{_OPTION}: {file} is not TOML: it is not UTF-8") from None
    except ValueError as error:
        raise SettingsError(f"{_OPTION}: {file!r} is no name of a file: {error}") from None
