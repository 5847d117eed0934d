"""What `llmproxy diff` compares: an exchange of the store, a file of recordings, or one entry of it.

Called by `diff.py`. Raises `NotThere`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from attrs import evolve, frozen

from proxy_daemon.cli.given import is_there, numbered, octets
from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.comparing.side import Side, Unread
from proxy_daemon.core.dialects import recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.inspecting.answered import answered
from proxy_daemon.core.messages import Recording, id_number
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import redacted_response
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.reading import Reading


class NotThere(Exception):
    """What was asked for does not exist, or cannot be read. The message says which and why."""


@frozen
class Operand:
    """``whole``: all of a file; else one recording."""

    sides: Sequence[Side]
    unread: Sequence[Unread] = ()
    whole: bool = False


@frozen
class Operands:
    """How they are read. ``recognise``: gives a recording its fingerprint."""

    formats: Sequence[Format]
    dialects: Sequence[Dialect]
    recognised: Callable[[Recording, int], Recording]
    redactor: Redactor
    store: str

    def of(self, what: str) -> Operand:
        """A file that there is comes first; a name with `#n` next; then an id."""
        if is_there(what):
            return self.file(what, what)
        if (entry := numbered(what)) is not None:
            return self._entry(*entry)
        try:
            return self._stored(what, id_number(what))
        except ValueError:
            raise NotThere(f"{what}: no such file, and no id of an exchange") from None

    def file(self, name: str, called: str) -> Operand:
        """All of a file. ``called``: its name for people."""
        found = list(self._sides(name, called))
        sides = [one for one in found if isinstance(one, Side)]
        return Operand(sides, [one for one in found if isinstance(one, Unread)], whole=True)

    def _entry(self, name: str, wanted: int) -> Operand:
        for number, one in enumerate(self._sides(name, name)):
            if number == wanted and isinstance(one, Side):
                return Operand([one])
            if number == wanted and isinstance(one, Unread):
                raise NotThere(f"{one.place}: {one.reason}")
        raise NotThere(f"{name} has no entry {wanted}")

    def _stored(self, what: str, number: int) -> Operand:
        try:
            with closing(Reading(self.store)) as reading:
                recording = reading.get(number)
                if recording is None:
                    raise NotThere(f"the store {self.store} has no exchange {what}, and there is no such file")
                kept = _in_memory(answered(recording, reading.get))
        except (StoreError, OSError) as error:
            raise NotThere(str(error)) from error
        return Operand([self._side(what, kept)])

    def _sides(self, name: str, called: str) -> Iterator[Side | Unread]:
        try:
            for number, one in enumerate(read(name, octets(name), self.formats)):
                place = f"{called}#{number}"
                yield Unread(place, one.reason) if isinstance(one, Skipped) else self._read(place, one)
        except Unreadable as error:
            raise NotThere(f"{called}: {error.reason}") from error
        except NotThere:
            raise
        except (Exception, SystemExit) as error:  # a plugin's format
            raise NotThere(f"{called}: {type(error).__name__}: {error}") from error

    def _read(self, place: str, recording: Recording) -> Side | Unread:
        try:
            return self._side(place, recording)
        except NotThere as error:
            return Unread(place, str(error))

    def _side(self, place: str, recording: Recording) -> Side:
        try:
            fingerprint = self.recognised(recording, 0).fingerprint
            request, response = self.redactor.request(recording.request), recording.response
            safe = None if response is None else redacted_response(self.redactor, response)
            shown = evolve(recording, request=request, response=safe)
            return Side(place, shown, recognise(request, self.dialects), fingerprint)
        except (Exception, SystemExit) as error:  # a plugin's dialect, or a damaged store
            raise NotThere(f"{place}: {type(error).__name__}: {error}") from error


def _in_memory(recording: Recording) -> Recording:
    """The same when the store's file is closed: answers are read in parts, when they are needed. Raises OSError."""
    request, response = recording.request, recording.response
    request = evolve(request, body=Bytes(b"".join(chunks(request.body))))
    if response is not None:
        response = evolve(response, body=Bytes(b"".join(chunks(response.body))))
    return evolve(recording, request=request, response=response)
