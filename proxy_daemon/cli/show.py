"""`llmproxy show FILE[#n]`, `llmproxy show ID`: what is said in recordings, of files and of the store.

Exit codes: 0 all is shown, 1 something could not be read, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from attrs import frozen

from proxy_daemon.cli.exhibit import Exhibit, exhibit
from proxy_daemon.cli.exhibit_text import text
from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import Parser, add_options, is_there, numbered, octets, settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.inspecting.answered import answered
from proxy_daemon.core.messages import Recording, id_number, id_text
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.settings import SettingsError
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.reading import Reading

DESCRIPTION = (
    "Show what is said in recordings: those of a file of any tool that llmproxy import reads, or one of the store."
)


class NotThere(Exception):
    """What was asked for does not exist, or cannot be read. The message says which and why."""


@frozen
class Show:
    """One call of the command."""

    formats: Sequence[Format]
    dialects: Sequence[Dialect]
    parts: Callable[[Recording, Exhibit | None], Iterator[str | bytes]]
    needs_exhibit: bool
    rules: Rules = NO_RULES

    def file(self, name: str, wanted: int | None) -> bool:
        """One entry of a file, or all. Whether none of them was unreadable. Raises `NotThere`."""
        good, shown = True, 0
        for number, entry in self._entries(name):
            if wanted in (None, number):
                shown += 1
                good = self._entry(f"{name}#{number}", entry) and good
                if wanted is not None:
                    break
        if wanted is not None and not shown:
            raise NotThere(f"{name} has no entry {wanted}")
        return good

    def one(self, place: str, recording: Recording, why: str) -> None:
        """Raises `NotThere`, and OSError where standard output takes nothing."""
        for part in self._told(place, recording, why):
            if isinstance(part, str):
                sys.stdout.write(part)
            else:
                sys.stdout.buffer.write(part)
        sys.stdout.flush()

    def _told(self, place: str, recording: Recording, why: str) -> Iterator[str | bytes]:
        """What is wrong with writing it is another's business (`output.py`)."""
        try:
            shown = exhibit(place, recording, self.dialects, why, self.rules) if self.needs_exhibit else None
            yield from self.parts(recording, shown)
        except (Exception, SystemExit) as error:  # a plugin's dialect, or a damaged store
            raise NotThere(f"{place}: {type(error).__name__}: {error}") from error

    def _entries(self, name: str) -> Iterator[tuple[int, Recording | Skipped]]:
        try:
            yield from enumerate(read(name, octets(name), self.formats))
        except Unreadable as error:
            raise NotThere(str(error)) from error
        except (Exception, SystemExit) as error:  # a plugin's format
            raise NotThere(f"{name}: {type(error).__name__}: {error}") from error

    def _entry(self, place: str, entry: Recording | Skipped) -> bool:
        if isinstance(entry, Skipped):
            sys.stderr.write(f"llmproxy: {one_line(place)}: {one_line(entry.reason)}\n")
            return False
        self.one(place, entry, self._why_not_served(entry))
        return True

    def _why_not_served(self, recording: Recording) -> str:
        if not self.needs_exhibit:
            return ""
        try:
            return Adopter(dialects=self.dialects, redactor=Redactor(self.rules)).adopt(recording)[1]
        except NotOurs as error:
            return str(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's dialect may raise anything)
            return f"a dialect failed: {type(error).__name__}: {error}"


def run(arguments: list[str]) -> int:
    """Show. Returns the exit code."""
    try:
        said = _parser().parse_args(arguments)
        if not said.what:
            return _complain("an empty name is neither a file nor an exchange's id", 2)
        chosen = settings(said)
        extensions = Extensions(chosen)
        needs_exhibit = not (said.raw or said.delivered)
        show = Show(extensions.formats(), extensions.dialects(), _parts(said), needs_exhibit, chosen.redact)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (SettingsError, PluginError) as error:
        return _complain(error, 2)
    try:
        return _shown(show, said.what, chosen.store)
    except (NotThere, StoreError) as error:
        return _complain(error, 1)


def _shown(show: Show, what: str, store: str) -> int:
    """A file that there is comes first; a name with `#n` next; then an id."""
    there, entry = is_there(what), numbered(what)
    if not there and entry is not None:
        return 0 if show.file(*entry) else 1
    if not there and (exchange_id := _id(what)) is not None:
        _stored(show, what, exchange_id, store)
        return 0
    return 0 if show.file(what, None) else 1


def _id(what: str) -> int | None:
    try:
        return id_number(what)
    except ValueError:
        return None


def _stored(show: Show, what: str, exchange_id: int, store: str) -> None:
    with closing(Reading(store)) as reading:
        recording = reading.get(exchange_id)
        if recording is None:
            raise NotThere(f"the store {store} has no exchange {what}, and there is no such file")
        show.one(what, answered(recording, reading.get), _why_not_kept(recording))


def _why_not_kept(recording: Recording) -> str:
    if recording.replayable:
        return ""
    source = recording.served_from
    return f"the recording {id_text(source)} has answered it" if source else "it was not kept for that"


def _parts(said: argparse.Namespace) -> Callable[[Recording, Exhibit | None], Iterator[str | bytes]]:
    if said.raw or said.delivered:
        return _raw if said.raw else _delivered
    form = Exhibit.as_json if said.json else text

    def parts(_: Recording, shown: Exhibit | None) -> Iterator[str | bytes]:
        assert shown is not None
        yield form(shown).rstrip("\n") + "\n"

    return parts


def _raw(recording: Recording, _: Exhibit | None) -> Iterator[str | bytes]:
    """The answer's body as it was on the wire: nothing is replaced, nothing decoded."""
    if recording.response is not None:
        yield from chunks(recording.response.body)


def _delivered(recording: Recording, _: Exhibit | None) -> Iterator[str | bytes]:
    """The body that the client got: upstream's own where nothing has changed it."""
    delivered, response = recording.delivered, recording.response
    if delivered is not None and delivered.body is not None:
        yield from chunks(delivered.body)
    elif response is not None:
        yield from chunks(response.body)


def _complain(error: Exception | str, code: int) -> int:
    sys.stderr.write(f"llmproxy: {one_line(str(error))}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser("llmproxy show", DESCRIPTION)
    parser.add_argument("what", metavar="FILE[#n] or ID", help="a file, its entry n (from 0 on), or an exchange's id")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a line of JSON for each")
    form.add_argument("--raw", action="store_true", help="the octets of the answer's body, as they were on the wire")
    form.add_argument("--delivered", action="store_true", help="the same of what the client got, behind all rules")
    add_options(parser)
    return parser
