"""`llmproxy scan FILES...`: whether recordings, or any other files, hold what looks like a secret.

A line for each: the file and its entry, or its line, and what it is; of the secret itself four characters. Exit codes:
0 nothing was found, 1 something was, or a file could not be read, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from attrs import define, field

from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import Parser, add_options, octets, settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.secret_report import Report, Told
from proxy_daemon.core.secret_rules import Rules
from proxy_daemon.settings import SettingsError

DESCRIPTION = "Look for secrets in recordings of any tool, and in any other file."


@define
class Scan:
    """One call of the command."""

    formats: Sequence[Format]
    rules: Rules
    found: int = 0
    unreadable: list[str] = field(factory=list)

    def file(self, name: str) -> Iterator[str]:
        """A line for each secret: by entry where it is a file of recordings, and what else is in it by line."""
        try:
            data = octets(name)
        except Unreadable as error:
            self.unreadable.append(str(error))
            return
        report = Report(self.rules)
        for number, told in self._entries(name, data, report):
            yield self._line(f"{name}#{number}", told)
        for told in report.text(data):
            yield self._line(name, told)

    def _entries(self, name: str, data: bytes, report: Report) -> Iterator[tuple[int, Told]]:
        try:
            for number, entry in enumerate(read(name, data, self.formats)):
                if not isinstance(entry, Skipped):
                    yield from ((number, told) for told in report.recording(entry))
        except (Exception, SystemExit):  # noqa: BLE001  (no recordings, damaged ones, a plugin's fault: it is a text)
            return

    def _line(self, place: str, told: Told) -> str:
        self.found += 1
        return one_line(f"{place}: {told.where}: {told.what} ({told.shown}...)") + "\n"


def run(arguments: list[str]) -> int:
    """Scan. Returns the exit code."""
    parser = Parser("llmproxy scan", DESCRIPTION)
    parser.add_argument("files", metavar="FILE", nargs="+", help="a recording, a cassette, or any other file")
    add_options(parser)
    try:
        said = parser.parse_args(arguments)
        chosen = settings(said)
        scan = Scan(Extensions(chosen).formats(), chosen.redact)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (SettingsError, PluginError) as error:
        sys.stderr.write(f"llmproxy: {one_line(str(error))}\n")
        return 2
    for name in said.files:
        for line in scan.file(name):
            sys.stdout.write(line)
    for reason in scan.unreadable:
        sys.stderr.write(f"llmproxy: {one_line(reason)}\n")
    return 1 if scan.found or scan.unreadable else 0
