"""Changes the texts of an answer that is one JSON document: it is held until its end, up to a limit.

Called by `editor.py`.
"""

from __future__ import annotations

from proxy_daemon.core.rewriting.carriers import document
from proxy_daemon.core.rewriting.looking import parsed
from proxy_daemon.core.rewriting.machine import Entry, Machine, TooMany
from proxy_daemon.core.wire import json_text

LONGEST = 16 * 1024 * 1024  # octets of a document that is edited


class DocumentEditor:
    """One document. A `Transform`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._held = bytearray()
        self._passes = False

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        if self._passes:
            return data
        self._held += data
        if len(self._held) <= LONGEST:
            return b""
        self._passes = True
        self._machine.say(f"the document is over the limit of {LONGEST} octets, and passes as it came")
        held, self._held = bytes(self._held), bytearray()
        return held

    def end(self) -> bytes:
        """See `Transform`."""
        octets, self._held = bytes(self._held), bytearray()
        if self._passes or not self._machine.matters(octets):
            return octets
        try:
            entry = Entry(octets, parsed(octets.strip()), lambda: document(octets), cuts_in_two=False)
            self._machine.add_document(entry)
        except (json_text.NotJSON, TooMany) as error:
            self._machine.say(f"the document passes as it came: {error}")
            return octets
        return self._machine.write(entry)
