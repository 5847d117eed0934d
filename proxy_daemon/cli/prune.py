"""`llmproxy prune FILES...`: takes out of cassettes what is damaged, doubled or unused, and files that nobody names.

Without `--yes` it says what it would take out. Exit codes: 0 fine, 1 a file could not be read or written, or a verdict
does not say what is unused, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from attrs import define, evolve, field

from proxy_daemon.cli.asking import NoAnswer
from proxy_daemon.cli.extensions import PluginError
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.tending import Tending, add_use, directory_of, line_of, on_use, parser_of, unused_of
from proxy_daemon.core.care.findings import DAMAGED, DUPLICATE, MISSING, UNUSED, Finding, findings
from proxy_daemon.core.care.unused import NoUse, Unused
from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.settings import SettingsError
from proxy_daemon.store.cassette.care import Document, looked_through, rewritten
from proxy_daemon.store.cassette.orphans import orphans, removed
from proxy_daemon.store.cassette.values import CassetteError

DESCRIPTION = "Take out of cassettes what is not needed. Without --yes nothing is changed: it says what it would do."
EXAMPLES = """for example:
  llmproxy prune --duplicates --orphans tests/cassettes/*.yaml         what would go
  llmproxy prune --duplicates --orphans --yes tests/cassettes/*.yaml   it goes
  llmproxy prune --used-by http://127.0.0.1:8910 tests/llm.yaml        what the tests did not ask for
  llmproxy prune --damaged --yes tests/llm.yaml                        what is lost anyway

pinned recordings stay, whoever uses them; a decoded answer that was changed without `edited: true` stays too: write it
exit codes: 0 fine, 1 a file could not be read or written, 2 wrong usage"""
_OF_DAMAGE = (DAMAGED, MISSING)


@define
class Prune:
    """One call of the command. ``kinds``: of findings whose documents go."""

    tending: Tending
    unused: Unused | None
    kinds: Collection[str]
    orphans: bool
    yes: bool
    wrong: list[str] = field(factory=list)
    _left: dict[str, bytes] = field(factory=dict)  # what would stand in the files

    def file(self, name: str) -> None:
        """Its documents. Raises `CassetteError`."""
        reading = evolve(self.tending.reading, tolerate_damage=True)
        if self.yes:
            done = rewritten(name, reading, lambda documents: self._kept(name, documents))
            self._say(f"{name}: removed {done.dropped} of {done.kept + done.dropped} recordings")
            return
        looked = looked_through(name, reading)
        kept = self._kept(name, looked.documents)
        self._left[looked.path] = b"".join(each.text for each in kept)
        count = len(looked.documents)
        self._say(f"{name}: would remove {count - len(kept)} of {count} recordings")

    def directory(self, name: str) -> None:
        """Its files that nobody names. Raises OSError."""
        found = removed(name) if self.yes else orphans(name, self._left)
        for one in found:
            self._say(f"{one.path}: {self._word} it: {one.size} octets that no cassette here names")

    @property
    def _word(self) -> str:
        return "removed" if self.yes else "would remove"

    def _kept(self, name: str, documents: Sequence[Document]) -> list[Document]:
        unused = () if self.unused is None else self.unused.among(documents)
        found = findings(documents, self.tending.dialects, unused)
        goes = [one for one in found if one.kind in self.kinds and not _stays(one, documents)]
        for one in goes:
            sys.stdout.write(line_of(name, one))
        gone = {one.document for one in goes}
        return [each for at, each in enumerate(documents) if at not in gone]

    def _say(self, text: str) -> None:
        sys.stdout.write(one_line(text) + "\n")


def _stays(finding: Finding, documents: Sequence[Document]) -> bool:
    """What is pinned is there to stay."""
    entry = None if finding.document is None else documents[finding.document].entry
    return finding.document is None or (entry is not None and entry.recording.pinned)


def run(arguments: list[str]) -> int:
    """Prune. Returns the exit code."""
    try:
        said = _parser().parse_args(arguments)
        kinds = _kinds(said)
        prune = Prune(Tending.of(said), unused_of(said), kinds, said.orphans, said.yes)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (NoAnswer, Unreadable, NoUse) as error:
        return _complain([str(error)], 1)
    except (SettingsError, PluginError, ValueError) as error:
        return _complain([str(error)], 2)
    _prune(prune, said.files)
    if not prune.yes:
        sys.stdout.write("nothing is changed: --yes does it\n")
    return _complain([*prune.wrong, *on_use(prune.unused)], 1)


def _prune(prune: Prune, files: Sequence[str]) -> None:
    for name in files:
        try:
            prune.file(name)
        except CassetteError as error:
            prune.wrong.append(str(error))
    if not prune.orphans:
        return
    for directory in sorted({directory_of(name) for name in files if Path(name).exists()}):
        try:
            prune.directory(directory)
        except OSError as error:
            prune.wrong.append(f"{directory}: which files no cassette names cannot be told: {error}")


def _kinds(said: argparse.Namespace) -> frozenset[str]:
    """Of findings whose documents go. Raises ValueError where nothing goes."""
    kinds = frozenset(
        (
            *(_OF_DAMAGE if said.damaged else ()),
            *((DUPLICATE,) if said.duplicates else ()),
            *((UNUSED,) if said.used_by is not None else ()),
        )
    )
    if not kinds and not said.orphans:
        raise ValueError("say what is to go: --damaged, --duplicates, --used-by WHAT, --orphans")
    return kinds


def _complain(reasons: Sequence[str], code: int) -> int:
    """The code; 0 where there is no reason."""
    for reason in reasons:
        sys.stderr.write(f"llmproxy prune: {one_line(reason)}\n")
    return code if reasons else 0


def _parser() -> Parser:
    parser = parser_of("prune", DESCRIPTION, EXAMPLES)
    parser.add_argument("files", metavar="FILE", nargs="+", help="a cassette")
    parser.add_argument("--damaged", action="store_true", help="documents that cannot be read")
    parser.add_argument(
        "--duplicates", action="store_true", help="all but the first of equal requests with equal answers"
    )
    parser.add_argument("--orphans", action="store_true", help="files beside them that no cassette there names")
    add_use(parser)
    parser.add_argument("--yes", action="store_true", help="do it")
    return parser
