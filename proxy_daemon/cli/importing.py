"""`llmproxy import FILES...`: recordings of other tools come into a store or a cassette, and answer as our own do.

Invariant: nothing is skipped in silence, nothing comes in twice, no secret reaches the disk (`core/adopting.py`). A
line for each file, and one for each entry that is not served. Exit codes: 0 all is in, 1 something was left out (but
with --skip-refused) or the report could not be written (`output.py`), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing

from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import Parser, add_options, settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.import_files import files
from proxy_daemon.cli.import_into import Into, IntoStore
from proxy_daemon.cli.import_reader import Importer
from proxy_daemon.cli.import_result import Result, in_all
from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.store.imported import DryRun
from proxy_daemon.store.imports import Imports
from proxy_daemon.store.opening import StoreError
from proxy_daemon.store.refingerprint import Rules

DESCRIPTION = "Bring recordings of other tools into a store or a cassette, from where llmproxy serve answers with them."
SCOPED = "with --replay-scope key imports are served only to clients that bring no key: nobody knows whose they were"
STORE = "store"


def run(arguments: list[str]) -> int:
    """Import. Returns the exit code."""
    parser = _parser()
    try:
        said = parser.parse_args(arguments)
        chosen = settings(said, upstream=said.as_ or ())
        _check(chosen, said)
        extensions = Extensions(chosen)
        formats, adopter = extensions.formats(), _adopter(chosen, extensions)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (SettingsError, PluginError) as error:
        sys.stderr.write(f"llmproxy: {one_line(str(error)).replace('--upstream', '--as')}\n")
        return 2
    if chosen.replay_scope == "key" and said.into == STORE:
        sys.stderr.write(f"llmproxy: {SCOPED}\n")
    try:
        with closing(_into(said, chosen, adopter)) as into:
            code = _files([*files(said.files, _own(said, chosen))], Importer(formats, into, said.session, said.dry_run))
    except StoreError as error:
        sys.stderr.write(f"llmproxy: {one_line(str(error))}\n")
        return 1
    return 0 if said.skip_refused else code


def _into(said: argparse.Namespace, chosen: Settings, adopter: Adopter) -> Into:
    """Where it goes. Raises `StoreError`."""
    if said.into == STORE:
        return IntoStore(
            DryRun(chosen.store) if said.dry_run else Imports(chosen.store, _rules(chosen, adopter)), adopter
        )
    from proxy_daemon.cli.import_into_cassette import IntoCassette  # noqa: PLC0415  (few need it: a quick start)

    return IntoCassette(said.into, adopter, dry=said.dry_run)


def _own(said: argparse.Namespace, chosen: Settings) -> Sequence[str]:
    """The files that are written: they are not read, where they lie in a folder that is."""
    return (chosen.store, f"{chosen.store}-wal", f"{chosen.store}-shm") if said.into == STORE else (said.into,)


def _files(names: Sequence[str], importer: Importer) -> int:
    """Raises `StoreError` and KeyboardInterrupt, after all that was done is told."""
    results: list[Result] = []
    for number, name in enumerate(names, 1):
        result = importer.file(name)
        results.append(result)
        _write(result.lines(name))
        result.notes.clear()
        if result.stopped is not None or result.interrupted:
            _write(f"{left}: not read" for left in names[number:])
            raise result.stopped or KeyboardInterrupt
    if len(names) > 1:
        sys.stderr.write(f"{in_all(results)}\n")
    return 0 if all(each.whole for each in results) else 1


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


def _check(chosen: Settings, said: argparse.Namespace) -> None:
    if said.into != STORE:
        if not said.into:
            raise SettingsError("--into '': name a cassette, or leave it out for the store")
        if said.session:
            raise SettingsError("--session: a cassette has no sessions")
        return
    scheme, separator, _ = chosen.store.partition(":")
    if chosen.store == "off" or (separator and scheme.isidentifier()):
        raise SettingsError(f"--store {chosen.store}: imports go into a file")


def _parser() -> argparse.ArgumentParser:
    parser = Parser("llmproxy import", DESCRIPTION)
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="cassettes, archives and captures, regular files; the content tells the format. "
        "A folder, written with a / at its end: all files below it",
    )
    parser.add_argument(
        "--into",
        metavar="WHERE",
        default=STORE,
        help="a cassette of llmproxy: they are added to it, and it is made where it is not there; "
        "./store for one of that name [default: store, the one of --store]",
    )
    parser.add_argument("--dry-run", action="store_true", help="report all, write nothing")
    parser.add_argument(
        "--skip-refused", action="store_true", help="exit code 0 although entries were skipped or files refused"
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
