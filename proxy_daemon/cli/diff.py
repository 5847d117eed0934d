"""`llmproxy diff A B`: how two recordings, or two files of them, differ by what is said in them.

With `--git` it is git's external diff driver (gitattributes(5), git(1) GIT_EXTERNAL_DIFF). Exit codes: 0 they say the
same, 1 they differ or cannot be read, 2 wrong usage; with `--git` always 0, as git wants it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from attrs import frozen

from proxy_daemon.cli.diff_text import HEAD, NEW, OLD, Painter, alone, changed
from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import Parser, settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.operands import NotThere, Operand, Operands
from proxy_daemon.cli.tending import parser_of
from proxy_daemon.core.cassettes.llmproxy import LlmproxyCassette
from proxy_daemon.core.comparing.meaning import lines
from proxy_daemon.core.comparing.pairing import Pair, paired
from proxy_daemon.core.comparing.side import Unread
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.numbered import NumberedRequests
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.store.cassette.beside import Beside
from proxy_daemon.store.cassette.recognised import Recognised

DESCRIPTION = "Say how recordings differ: prompts, tools, parameters, answers; of long texts the words."
EXAMPLES = """A and B are each a file of any tool that llmproxy import reads, an entry of it as FILE#n (from 0 on), or
the id of an exchange in the store. Files are compared entry by entry: those that answer the same request belong
together, then the nearest. What the rules of matching do not count does not differ, nor what a server makes anew each
time; --all shows it.

for example:
  llmproxy diff old.yaml new.yaml
  llmproxy diff tests/llm.yaml#0 tests/llm.yaml#3
  llmproxy diff tests/llm.yaml#0 0002a1f3c5d7e901

in git diff, these two lines:
  echo 'cassettes/*.yaml diff=llmproxy' >> .gitattributes
  git config diff.llmproxy.command 'llmproxy diff --git'

exit codes: 0 they say the same, 1 they differ or cannot be read, 2 wrong usage; with --git always 0"""
NOWHERE = "/dev/null"
_GIT_WORDS = (1, 7, 9)  # an unmerged path; path, and of both sides file, hash, mode; of a rename two more


@frozen
class Diff:
    """One call of the command."""

    operands: Operands
    paint: Painter
    everything: bool

    def tell(self, old: Operand, new: Operand) -> bool:
        """Print what differs. Whether anything does."""
        found = False
        unread = (self._unread(old.unread, OLD), self._unread(new.unread, NEW))
        for text in chain(*unread, *map(self._pair, self._pairs(old, new))):
            sys.stdout.write(f"{text}\n")
            found = True
        return found

    def _pairs(self, old: Operand, new: Operand) -> list[Pair]:
        """Of one recording and a file, its partner alone."""
        if old.whole and new.whole:
            return paired(old.sides, new.sides)
        if not old.whole and not new.whole:
            return [(old.sides[0], new.sides[0])]
        found = [pair for pair in paired(old.sides, new.sides, least=0.0) if None not in pair]
        return found or paired(old.sides, new.sides)

    def _pair(self, pair: Pair) -> Iterator[str]:
        old, new = pair
        try:
            if old is not None and new is not None:
                yield from changed(old, new, lines(old, new, everything=self.everything), self.paint)
            elif (side := old or new) is not None:
                yield from alone(side, self.paint, added=old is None)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's dialect, or a body that is gone)
            place = " -> ".join(one.place for one in pair if one is not None)
            yield self.paint(OLD, f"{place}: cannot be compared: {type(error).__name__}: {error}")

    def _unread(self, found: Sequence[Unread], code: str) -> Iterator[str]:
        for one in found:
            yield self.paint(code, f"{one.place}: cannot be read: {one.reason}")


def run(arguments: list[str]) -> int:
    """Compare. Returns the exit code."""
    try:
        said = _parser().parse_args(_guarded(arguments))
        _check(said)
        chosen = settings(said)
        diff = Diff(_operands(said, chosen), Painter(_has_colour(said, os.environ)), said.all)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (SettingsError, PluginError, ValueError) as error:
        return _complain(error, 2)
    if said.git:
        _git(diff, said.operands)
        return 0
    try:
        return 1 if diff.tell(diff.operands.of(said.operands[0]), diff.operands.of(said.operands[1])) else 0
    except NotThere as error:
        return _complain(error, 1)


# --- git's external driver -------------------------------------------------------------------------------------------


def _git(diff: Diff, words: Sequence[str]) -> None:
    """What of a change is said; where a side is none of recordings, its lines, as git shows them."""
    path = words[0]
    sys.stdout.write(
        diff.paint(HEAD, f"llmproxy diff {path}{f' -> {words[7]}' if len(words) > _GIT_WORDS[1] else ''}") + "\n"
    )
    if len(words) == _GIT_WORDS[0]:
        sys.stdout.write("  not merged yet\n")
        return
    _, old, _, old_mode, new, _, new_mode = words[:7]
    if old_mode != new_mode and NOWHERE not in (old, new):
        sys.stdout.write(one_line(f"  mode {old_mode} -> {new_mode}") + "\n")
    try:
        sides = [_git_side(diff, name, f"{letter}/{path}") for name, letter in ((old, "a"), (new, "b"))]
        if not diff.tell(*sides):
            sys.stdout.write("  nothing that is said differs\n")
    except NotThere as error:
        sys.stdout.write(one_line(f"  {error}") + "\n")
        _as_lines(old, new, colour=diff.paint.colour)


def _git_side(diff: Diff, name: str, called: str) -> Operand:
    return Operand((), whole=True) if name == NOWHERE else diff.operands.file(name, called)


def _as_lines(old: str, new: str, *, colour: bool) -> None:
    """By git itself, which has called us."""
    sys.stdout.flush()
    shown = f"--color={'always' if colour else 'never'}"
    words = ["git", "--no-pager", "diff", "--no-index", "--no-ext-diff", "--no-textconv", shown, "--", old, new]
    try:
        subprocess.run(words, check=False, stdout=sys.stdout.fileno())  # noqa: S603  (git names both files, behind `--`)
    except OSError as error:
        sys.stdout.write(one_line(f"  git cannot be called: {error}") + "\n")


def _beside(directory: str) -> Callable[[str], Callable[[str], bytes]]:
    """The files beside a cassette: of its own directory, else of this one. git hands over old ones elsewhere.

    A file's name is the hash of its octets, so both are the same.
    """

    def read(file: str, name: str) -> bytes:
        try:
            return Beside(str(Path(file).parent))(name)
        except FileNotFoundError:
            return Beside(directory)(name)

    return lambda file: lambda name: read(file, name)


# --- the command line ------------------------------------------------------------------------------------------------


def _operands(said: argparse.Namespace, chosen: Settings) -> Operands:
    """Raises `PluginError`."""
    extensions = Extensions(chosen)
    formats, dialects = list(extensions.formats()), extensions.dialects()
    if said.git:
        formats.insert(0, LlmproxyCassette(_beside(str(Path(said.operands[0]).parent))))
    redactor = redactor_of(chosen)
    recognised = Recognised(Matcher.of(chosen), dialects, NumberedRequests(redactor.rules))
    return Operands(formats, dialects, recognised, redactor, chosen.store)


def _has_colour(said: argparse.Namespace, environ: Mapping[str, str]) -> bool:
    if said.color != "auto":
        return bool(said.color == "always")
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":  # no-color.org
        return False
    return sys.stdout.isatty() or (said.git and environ.get("GIT_PAGER_IN_USE") == "true")


def _check(said: argparse.Namespace) -> None:
    """Raises ValueError."""
    count = len(said.operands)
    if said.git and count not in _GIT_WORDS:
        raise ValueError("--git is for git, which adds what it compares: see llmproxy diff --help")
    if not said.git and count != 2:  # noqa: PLR2004  (A and B)
        raise ValueError(f"two are compared, and {count} were given: llmproxy diff A B")


def _guarded(arguments: list[str]) -> list[str]:
    """What git adds are no options, whatever a path begins with."""
    if "--git" not in arguments:
        return arguments
    at = arguments.index("--git") + 1
    return arguments if arguments[at:] in (["--help"], ["-h"]) else [*arguments[:at], "--", *arguments[at:]]


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"llmproxy diff: {one_line(str(error))}\n")
    return code


def _parser() -> Parser:
    parser = parser_of("diff", DESCRIPTION, EXAMPLES)
    parser.add_argument("operands", metavar="A B", nargs="*", help="an exchange's id, a file, or FILE#n")
    parser.add_argument("--all", action="store_true", help="also what does not count: ids, usage, header fields")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="[%(default)s]")
    parser.add_argument("--git", action="store_true", help="as git's external diff driver; it stands last")
    return parser
