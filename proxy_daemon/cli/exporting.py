"""`llmproxy export [FILTER] --format F`: exchanges of the store, or of files, in the format of another tool.

Invariant: one recording is held at a time; what is left out and what the format cannot say is told. Exit codes: 0 all
is in, 1 something was left out, nothing was there, or it could not be written; 2 wrong usage; 128 and a signal's
number where one stopped it: then there is no file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from proxy_daemon.cli.export_each import Export
from proxy_daemon.cli.export_options import parser, writer_of
from proxy_daemon.cli.export_outputs import WrongOutput, output_of
from proxy_daemon.cli.export_report import Report
from proxy_daemon.cli.export_safety import Adopted, Safety
from proxy_daemon.cli.export_sources import (
    Exchanges,
    OfFiles,
    OfStore,
    all_ids,
    ids_in,
    matching_ids,
)
from proxy_daemon.cli.export_watch import Stopped, stoppable
from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.import_files import files
from proxy_daemon.cli.wrong_filter import wrong_filter
from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.cassettes.writers import NoWriter, Writer
from proxy_daemon.core.filtering import Filter, FilterError, parse
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.catalogue.source import Source

NUMBERED = ("llmproxy",)  # formats in which secrets are numbered placeholders
NOTHING = "nothing was written: no exchange is there to be exported"


class WrongUsage(ValueError):
    """One line."""


def run(arguments: list[str]) -> int:
    """Export. Returns the exit code."""
    said = None
    try:
        said = parser().parse_args(arguments)
        chosen = settings(said, on_secret=[said.on_secret] if said.on_secret else ())
        extensions = Extensions(chosen)
        writer, tree = writer_of(said.format, extensions), _tree(said)
        _check(said, chosen)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except FilterError as error:
        sys.stderr.write(wrong_filter("export", " ".join(said.filter) if said else "", error))
        return 2
    except (SettingsError, PluginError, NoWriter, WrongUsage) as error:
        return _complain(error, 2)
    try:
        with stoppable(), _exchanges(said, chosen, extensions, tree) as exchanges:
            return _exported(said, chosen, writer, exchanges)
    except Stopped as stopped:
        return stopped.code
    except StoreError as error:
        return _complain(error, 1)


def _exported(said: argparse.Namespace, chosen: Settings, writer: Writer, exchanges: Exchanges) -> int:
    """Raises `StoreError`."""
    safety = Safety(redactor_of(chosen), chosen.on_secret, writer.name in NUMBERED)
    report = Report(writer.name)
    try:
        output = output_of(said.output, writer, force=said.force, dry=said.dry_run)
    except (WrongOutput, OSError) as error:
        return _complain(_why(said, error), 2 if isinstance(error, WrongOutput) else 1)
    try:
        Export(writer, safety, output, report).all(exchanges)
        refused = exchanges.refused if isinstance(exchanges, OfFiles) else []
        if report.written or said.skip_refused:
            output.finish()
    except WrongOutput as error:
        return _complain(error, 2)
    except OSError as error:
        if said.output is None:
            raise  # `output.py` tells of standard output
        return _complain(_why(said, error), 1)
    finally:
        output.abandon()
    return _told(said, report, refused)


def _told(said: argparse.Namespace, report: Report, refused: list[str]) -> int:
    for line in refused:
        _complain(f"not read to its end: {line}", 1)
    into = "standard output" if said.output is None else said.output
    _write(report.lines(into, dry=said.dry_run))
    if not report.written and not said.skip_refused:
        return _complain(NOTHING, 1)
    return 1 if (report.left.count or refused) and not said.skip_refused else 0


# --- what is exported ------------------------------------------------------------------------------------------------


@contextmanager
def _exchanges(
    said: argparse.Namespace, chosen: Settings, extensions: Extensions, tree: Filter | None
) -> Iterator[Exchanges]:
    """Raises `StoreError`."""
    dialects, rules = extensions.dialects(), chosen.redact
    if said.from_:
        adopted = Adopted.of(_adopter(chosen, extensions), numbers=said.format in NUMBERED)
        names = [*files(said.from_, [said.output] if said.output else [])]
        yield OfFiles(names, extensions.formats(), adopted, tree, dialects, rules)
        return
    with closing(Source(chosen.store)) as store:
        if tree is None:
            yield OfStore(store, ids_in(said.filter) or all_ids(store))
        elif (ids := matching_ids(chosen.store, " ".join(said.filter), rules)) is not None:
            yield OfStore(store, ids)
        else:  # no index can be made: each is asked
            yield OfStore(store, all_ids(store), tree, dialects, rules)


def _tree(said: argparse.Namespace) -> Filter | None:
    """None where there is no filter, or ids stand in its place. Raises `FilterError`."""
    q = " ".join(said.filter)
    return parse(q) if q.strip() and not ids_in(said.filter) else None


def _check(said: argparse.Namespace, chosen: Settings) -> None:
    """Raises `WrongUsage`."""
    if said.from_ and ids_in(said.filter):
        raise WrongUsage("ids are of the store; of a file, FILE#n names an entry")
    if "" in (said.from_ or ()):
        raise WrongUsage("'' is no file")
    if not said.from_ and chosen.store == "off":
        raise WrongUsage("there is no store (--store off); name one with --store, or files with --from")


def _adopter(chosen: Settings, extensions: Extensions) -> Adopter:
    """Of imports, but that nothing is too large."""
    return Adopter(
        chosen.upstream, extensions.dialects(), True, True, redactor=redactor_of(chosen), matcher=Matcher.of(chosen)
    )


def _why(said: argparse.Namespace, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{said.output} cannot be written: {error.strerror or error}"
    return str(error)


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stderr.write(f"{one_line(line)}\n")


def _complain(error: Exception | str, code: int) -> int:
    sys.stderr.write(f"llmproxy export: {one_line(str(error))}\n")
    return code
