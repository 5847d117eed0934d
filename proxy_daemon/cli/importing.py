"""`llmproxy import FILES...`: recordings of other tools come into a store, and answer as our own do.

Invariant: nothing is skipped in silence, nothing comes in twice, no secret reaches the disk (`core/adopting.py`). A
line for each file, and one for each entry that is not served. Exit codes: 0 all is in, 1 something was left out or the
report could not be written (`output.py`), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

from attrs import define, evolve, field

from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import Parser, add_options, octets, settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.store.imports import Imports, NotWritten
from proxy_daemon.store.opening import StoreError
from proxy_daemon.store.refingerprint import Rules

DESCRIPTION = "Bring recordings of other tools into a store, from where llmproxy serve answers with them."
SCOPED = "with --replay-scope key imports are served only to clients that bring no key: nobody knows whose they were"
EMPTY_NAME = "''"
ANYTHING = "its request is not in the file, so it answers whatever nothing else answers"


@define
class Result:
    """What became of one file."""

    read: int = 0
    imported: int = 0
    served: int = 0  # of those imported
    known: int = 0
    skipped: int = 0
    refused: str = ""
    stopped: StoreError | None = None
    notes: list[str] = field(factory=list)

    def skip(self, place: str, reason: str) -> None:
        """An entry is left out."""
        self.skipped += 1
        self.notes.append(f"  {place}: skipped: {reason}")

    def add(self, recording: Recording, new: bool) -> None:
        """An entry is in the store; ``new``: since now."""
        self.known += not new
        self.imported += new
        self.served += new and recording.replayable

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not self.skipped and not self.refused and self.stopped is None

    def lines(self, name: str) -> Iterator[str]:
        """For people."""
        counts = [f"read {self.read}", f"imported {self.imported}"]
        for count, what in (
            (self.imported - self.served, "of them not to be served"),
            (self.known, "imported before"),
            (self.skipped, "skipped"),
        ):
            counts += [f"{count} {what}"] if count else []
        refused = f"; refused: {self.refused}" if self.refused else ""
        stopped = f"; stopped at #{self.read - 1}" if self.stopped else ""
        yield f"{name or EMPTY_NAME}: {', '.join(counts)}{refused}{stopped}"
        yield from self.notes


@define
class Importer:
    """Reads files into a store."""

    formats: Sequence[Format]
    adopter: Adopter
    store: Imports
    session: str | None = None  # of all files; None: each file is its own

    def file(self, name: str) -> Result:
        """All of one file, up to where the store cannot go on."""
        result = Result()
        self.store.end_file()
        try:
            for number, entry in enumerate(read(name, octets(name), self.formats)):
                result.read += 1
                self._entry(result, name, number, entry)
        except Unreadable as error:
            result.refused = error.reason if error.entry is None else f"#{error.entry}: {error.reason}"
        except StoreError as error:
            result.stopped = error
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's format may raise anything)
            result.refused = f"{type(error).__name__}: {error}"
        return result

    def _entry(self, result: Result, name: str, number: int, entry: Recording | Skipped) -> None:
        if isinstance(entry, Skipped):
            result.skip(f"{name}#{entry.entry}", entry.reason)
            return
        try:
            recording, why = self._adopted(entry)
            new = self.store.add(evolve(recording, session=_text(name) if self.session is None else self.session))
        except (NotOurs, NotWritten) as error:
            result.skip(f"{name}#{number}", str(error))
            return
        result.add(recording, new)
        if new and why:
            result.notes.append(f"  {name}#{number}: imported, but not to be served: {why}")
        elif new and recording.pattern == Pattern():
            result.notes.append(f"  {name}#{number}: imported; {ANYTHING}")

    def _adopted(self, entry: Recording) -> tuple[Recording, str]:
        try:
            return self.adopter.adopt(entry)
        except NotOurs:
            raise
        except (Exception, SystemExit) as error:
            raise NotOurs(f"a dialect failed: {type(error).__name__}: {error}") from error


def run(arguments: list[str]) -> int:
    """Import. Returns the exit code."""
    parser = _parser()
    try:
        said = parser.parse_args(arguments)
        chosen = settings(said, upstream=said.as_ or ())
        _check_store(chosen)
        extensions = Extensions(chosen)
        formats, adopter = extensions.formats(), _adopter(chosen, extensions)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (SettingsError, PluginError) as error:
        sys.stderr.write(f"llmproxy: {one_line(str(error)).replace('--upstream', '--as')}\n")
        return 2
    if chosen.replay_scope == "key":
        sys.stderr.write(f"llmproxy: {SCOPED}\n")
    try:
        with closing(Imports(chosen.store, _rules(chosen, adopter))) as store:
            return _files(said.files, Importer(formats, adopter, store, said.session).file)
    except StoreError as error:
        sys.stderr.write(f"llmproxy: {one_line(str(error))}\n")
        return 1


def _text(name: str) -> str:
    """A file's name as text: names that are no UTF-8 cannot be written."""
    return name.encode("utf-8", "replace").decode()


def _files(names: Sequence[str], read_one: Callable[[str], Result]) -> int:
    """Raises `StoreError`, after all that was done is told."""
    code = 0
    for number, name in enumerate(names, 1):
        result = read_one(name)
        _write(result.lines(name))
        if result.stopped is not None:
            _write(f"{left}: not read" for left in names[number:])
            raise result.stopped
        code = code if result.whole else 1
    return code


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(one_line(line) + "\n")


def _adopter(chosen: Settings, extensions: Extensions) -> Adopter:
    return Adopter(
        chosen.upstream,
        extensions.dialects(),
        chosen.on_error_response == "record",
        chosen.on_broken_stream == "record",
        chosen.record_max_body,
        redactor=redactor_of(chosen),
        matcher=Matcher.of(chosen),
    )


def _rules(chosen: Settings, adopter: Adopter) -> Rules:
    def tell(line: str) -> None:
        sys.stderr.write(f"llmproxy: {one_line(line)}\n")

    anew = Anew(adopter.matcher, adopter.dialects, chosen.upstream, adopter.redactor)
    return Rules(anew.digest, anew, tell)


def _check_store(chosen: Settings) -> None:
    scheme, separator, _ = chosen.store.partition(":")
    if chosen.store == "off" or (separator and scheme.isidentifier()):
        raise SettingsError(f"--store {chosen.store}: imports go into a file")


def _parser() -> argparse.ArgumentParser:
    parser = Parser("llmproxy import", DESCRIPTION)
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="cassettes, archives and captures, regular files; the content tells the format",
    )
    parser.add_argument(
        "--as",
        dest="as_",
        action="append",
        metavar="NAME=URL",
        help="the upstream whose answers these are, as llmproxy serve has it under --upstream; "
        "else that of the settings, else the home of each API",
    )
    parser.add_argument(
        "--session",
        metavar="NAME",
        help="the session that the recordings belong to: a client that names it in X-LLMProxy-Session gets them before "
        "all others; '' for none [default: the file's name, as given]",
    )
    add_options(parser)
    return parser
