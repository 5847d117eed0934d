"""What the commands that care for cassettes share: how they read one, what a verdict calls unused, lines of findings.

Called by `lint`, `prune` and `sort`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from proxy_daemon.cli.asking import NoAnswer, address, ask
from proxy_daemon.cli.extensions import Extensions
from proxy_daemon.cli.given import Parser, add_options, octets, settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.judgement import is_verdict
from proxy_daemon.core.care.findings import Finding
from proxy_daemon.core.care.unused import Unused
from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.numbered import NumberedRequests
from proxy_daemon.core.secret_rules import Rules
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.settings.secrets import token_in
from proxy_daemon.store.cassette.opening import Reading
from proxy_daemon.store.cassette.recognised import Recognised

PAGE = "/_llmproxy/api/verdict"
MOST_UNUSED = "2000"  # that a daemon lists


class Clock:
    """The machine's."""

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def seconds(self) -> float:
        """It never goes back."""
        return time.monotonic()


@frozen
class Tending:
    """As the settings have it."""

    reading: Reading
    dialects: Sequence[Dialect]
    rules: Rules

    @classmethod
    def of(cls, said: argparse.Namespace) -> Tending:
        """Raises `SettingsError` and `PluginError`."""
        chosen = settings(said)
        dialects = Extensions(chosen).dialects()
        recognised = Recognised(Matcher.of(chosen), dialects, NumberedRequests(redactor_of(chosen).rules))
        return cls(Reading(Ids(Clock()), "none", recognised), dialects, chosen.redact)


def parser_of(name: str, description: str, examples: str) -> Parser:
    """With what all of them take. ``examples``: stand below the options."""
    parser = Parser(f"llmproxy {name}", description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = examples
    add_options(parser)
    return parser


def add_use(parser: Parser) -> None:
    """The options that say what was used."""
    parser.add_argument(
        "--used-by",
        metavar="WHAT",
        help="the run that used the cassettes: the address of its daemon, or a file that llmproxy verdict --json wrote",
    )
    parser.add_argument(
        "--cassette", metavar="NAME", help="with an address: the cassette's name there [its --cassette]"
    )
    parser.add_argument("--admin-token-file", metavar="PATH", help="the admin token, for a daemon of another machine")


def unused_of(said: argparse.Namespace) -> Unused | None:
    """None where --used-by is not given. Raises ValueError for wrong usage, `NoAnswer`, `Unreadable`, `NoUse`."""
    if said.used_by is None:
        if said.cassette or said.admin_token_file:
            raise ValueError("--cassette and --admin-token-file go with --used-by")
        return None
    if said.used_by.startswith(("http://", "https://")):
        token = "" if said.admin_token_file is None else token_in(said.admin_token_file)
        wanted = {"unused": MOST_UNUSED} | ({"cassette": said.cassette} if said.cassette else {})
        found = ask(address(said.used_by, token), "GET", PAGE, wanted)
    else:
        found = _in_file(said.used_by)
    if not is_verdict(found):
        raise NoAnswer(f"{said.used_by}: this is no verdict of an llmproxy of this version")
    return Unused.of(found)


def _in_file(name: str) -> object:
    try:
        found: object = json.loads(octets(name))
    except (ValueError, RecursionError):
        raise Unreadable(name, "no JSON: llmproxy verdict --json writes a verdict") from None
    return found


def line_of(file: str, finding: Finding) -> str:
    """`file:line: kind: text`, with its line end."""
    return one_line(f"{file}:{finding.line}: {finding.kind}: {finding.text}") + "\n"


def directory_of(file: str) -> str:
    """Where the files beside a cassette stand: behind links."""
    return str(Path(file).resolve().parent)


def on_use(unused: Unused | None) -> list[str]:
    """What a verdict says of recordings that cannot be found in the files that were named."""
    if unused is None:
        return []
    lines = [
        (unused.elsewhere, "that the verdict calls unused are in none of these files: is it of another cassette?"),
        (unused.apart, "that the verdict calls unused are like others that were used: they stay"),
        (unused.unlisted, "are unused that the verdict does not list: run again, or use the daemon's address"),
    ]
    return [f"{count} recordings {text}" for count, text in lines if count]
