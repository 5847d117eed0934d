"""`llmproxy lint FILES...`: what is wrong with cassettes, a line for each finding: `file:line: kind: text`.

It changes nothing. Exit codes: 0 nothing was found, 1 something was, or a file could not be read, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from attrs import define, field, frozen

from proxy_daemon.cli.asking import NoAnswer
from proxy_daemon.cli.extensions import PluginError
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.tending import Tending, add_use, directory_of, line_of, on_use, parser_of, unused_of
from proxy_daemon.core.care.findings import KINDS, ORPHAN, SECRET, VERSION, Finding, findings, told_of
from proxy_daemon.core.care.unused import NoUse, Unused
from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.secret_report import Report, Told
from proxy_daemon.settings import SettingsError
from proxy_daemon.store.cassette.care import Looked, looked_through
from proxy_daemon.store.cassette.orphans import orphans
from proxy_daemon.store.cassette.values import CassetteError

DESCRIPTION = "Look through cassettes for what is wrong with them, or not needed. Nothing is changed."
_WIDTH = max(map(len, KINDS))
EXAMPLES = f"""kinds of findings, each a line "file:line: kind: text":
{chr(10).join(f"  {kind:{_WIDTH}}  {text}" for kind, text in KINDS.items())}

for example:
  llmproxy lint tests/cassettes/*.yaml                          in CI, or before a commit
  llmproxy lint --ignore duplicate,orphan tests/cassettes/*.yaml
  llmproxy lint --used-by http://127.0.0.1:8910 tests/llm.yaml  after the tests, while their daemon runs
  llmproxy verdict --json > verdict.json; llmproxy lint --used-by verdict.json tests/llm.yaml

exit codes: 0 nothing was found, 1 something was, or a file could not be read, 2 wrong usage
what to do then: llmproxy prune removes, llmproxy sort orders, docs/cassette-care.md tells"""


@frozen
class Lint:
    """One call of the command."""

    tending: Tending
    unused: Unused | None
    ignored: Collection[str]

    def file(self, name: str) -> Iterator[Finding]:
        """What is found in a cassette. Raises `CassetteError`."""
        try:
            looked = looked_through(name, self.tending.reading)
        except CassetteError as error:
            if VERSION in self.ignored or not _is_version(error):
                raise
            yield Finding(1, VERSION, str(error).partition(": ")[2])
            return
        found = [told_of(one) for one in looked.stray]
        unused = () if self.unused is None else self.unused.among(looked.documents)
        found += findings(looked.documents, self.tending.dialects, unused)
        found += [] if SECRET in self.ignored else self._secrets(looked)
        yield from sorted((one for one in found if one.kind not in self.ignored), key=lambda one: one.line)

    def _secrets(self, looked: Looked) -> Iterator[Finding]:
        report = Report(self.tending.rules)
        for each in looked.documents:
            if each.entry is not None:
                for told in report.recording(each.entry.recording):
                    yield Finding(each.entry.line, SECRET, _secret(told))
        for told in report.text(looked.text):
            line = told.where.removeprefix("line ").partition(",")[0]
            yield Finding(int(line) if line.isdecimal() else 1, SECRET, _secret(told))


@define
class Outcome:
    """Of all files. ``wrong``: lines for standard error."""

    found: int = 0
    wrong: list[str] = field(factory=list)

    def tell(self, file: str, finding: Finding) -> None:
        """A line of standard output."""
        sys.stdout.write(line_of(file, finding))
        self.found += 1


def run(arguments: list[str]) -> int:
    """Look. Returns the exit code."""
    try:
        said = _parser().parse_args(arguments)
        ignored = _kinds(said.ignore)
        lint = Lint(Tending.of(said), unused_of(said), ignored)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (NoAnswer, Unreadable, NoUse) as error:
        return _complain(error, 1)
    except (SettingsError, PluginError, ValueError) as error:
        return _complain(error, 2)
    outcome = Outcome()
    for name in said.files:
        try:
            for finding in lint.file(name):
                outcome.tell(name, finding)
        except CassetteError as error:
            outcome.wrong.append(str(error))
    if ORPHAN not in ignored:
        _tell_orphans(said.files, outcome)
    return _ended(outcome, on_use(lint.unused))


def _tell_orphans(files: Sequence[str], outcome: Outcome) -> None:
    for directory in sorted({directory_of(name) for name in files if Path(name).exists()}):
        try:
            for orphan in orphans(directory):
                outcome.tell(orphan.path, Finding(1, ORPHAN, f"{orphan.size} octets that no cassette here names"))
        except OSError as error:
            outcome.wrong.append(f"{directory}: which files no cassette names cannot be told: {error}")


def _ended(outcome: Outcome, more: Sequence[str]) -> int:
    for reason in (*outcome.wrong, *more):
        sys.stderr.write(f"llmproxy lint: {one_line(reason)}\n")
    return 1 if outcome.found or outcome.wrong or more else 0


def _is_version(error: CassetteError) -> bool:
    cause = error.__cause__
    return isinstance(cause, Unreadable) and "version" in cause.reason


def _secret(told: Told) -> str:
    """As `llmproxy scan` tells it."""
    shown = f" ({told.shown}...)" if told.shown else ""
    return f"{told.where}: {told.what}{shown}"


def _kinds(text: str) -> frozenset[str]:
    """Raises ValueError."""
    kinds = frozenset(text.split(",")) if text else frozenset()
    if unknown := sorted(kinds - KINDS.keys()):
        raise ValueError(f"--ignore: {unknown[0]!r} is not one of {', '.join(KINDS)}")
    return kinds


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"llmproxy lint: {one_line(str(error))}\n")
    return code


def _parser() -> Parser:
    parser = parser_of("lint", DESCRIPTION, EXAMPLES)
    parser.add_argument("files", metavar="FILE", nargs="+", help="a cassette")
    parser.add_argument(
        "--ignore", metavar="KINDS", default="", help="kinds of findings to leave out, with commas between"
    )
    add_use(parser)
    return parser
