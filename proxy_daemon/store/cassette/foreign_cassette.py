"""A cassette that is written in another tool's format (`--cassette-format`), as the daemon's store.

Invariant: as that of `cassette.py`; and what is served later is what the file says, read back as it is written. What
the format cannot say is told: a recording that cannot be in it is trouble, what is lost of one is a notice. Opened in
`tap.py`.

promptecho writes requests as it compares them, so its cassettes are found by its keys: the daemon's matcher must be one
of `--match-keys promptecho-2`, here and for live requests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.asgi_replay_writing import AsgiReplayText
from proxy_daemon.core.cassettes.foreign_text import ForeignText
from proxy_daemon.core.cassettes.llmproxy.checking import same_answer
from proxy_daemon.core.cassettes.promptecho.writing import PromptechoText
from proxy_daemon.store.cassette.beside import Beside
from proxy_daemon.store.cassette.cassette import Cassette
from proxy_daemon.store.cassette.foreign import Foreign
from proxy_daemon.store.cassette.foreign_file import ForeignFile
from proxy_daemon.store.cassette.foreign_writer import ForeignWriter
from proxy_daemon.store.cassette.numbered_files import NumberedFiles
from proxy_daemon.store.cassette.opening import MODES, RECORDING, Opened, Reading
from proxy_daemon.store.cassette.scanning import Numbers, Scanner
from proxy_daemon.store.cassette.values import CassetteError

PROMPTECHO, ASGI_REPLAY = PromptechoText.name, AsgiReplayText.name
FORMATS = (PROMPTECHO, ASGI_REPLAY)  # of `--cassette-format`, beside our own


class ForeignCassette(Cassette):
    """Use `open_as`."""

    def __init__(self, found: Opened, file: ForeignFile, reading: Reading, call: Callable[..., None]) -> None:
        super().__init__(found, reading, call)
        self._foreign_file = file
        self._writer = ForeignWriter(
            file,
            lambda report: call(self._settle, report),
            lambda old, new: same_answer(old, new, self._dialects),
            found.records,
            reading.force,
        )

    @classmethod
    def open_as(
        cls, form: str, path: str, reading: Reading, *, call_in_reactor: Callable[..., None], increment: bool = False
    ) -> ForeignCassette:
        """The cassette in this file; it is made with its first recording. Raises `CassetteError`.

        ``form``: one of `FORMATS`. ``increment``: one file for each exchange, for `asgi-replay`. The rest: as `open`.
        """
        if form not in FORMATS:
            raise CassetteError(f"{path}: no format {form!r}: there are {', '.join(('llmproxy', *FORMATS))}")
        if increment and form != ASGI_REPLAY:
            raise CassetteError(f"{path}: only {ASGI_REPLAY} has one file for each exchange (--increment)")
        if reading.mode not in MODES:
            raise CassetteError(f"{path}: no mode {reading.mode!r}: there are {', '.join(MODES)}")
        file = _file(form, os.path.realpath(path), reading, increment=increment)
        try:
            found = _opened(file, reading.mode)
        except (OSError, Unreadable) as error:
            text = str(error)
            raise CassetteError(text if file.path in text else f"{file.path}: {text}") from error
        return cls(found, file, reading, call_in_reactor)

    def _is_other(self) -> bool:
        """Numbered files are read again with each write."""
        return not isinstance(self._foreign_file, NumberedFiles) and super()._is_other()

    def stats(self) -> dict[str, Any]:
        """Numbers since the start, and how often what could not be said."""
        return super().stats() | {"format": self._foreign_file.form.name, "losses": dict(self._foreign_file.losses)}


def _file(form: str, path: str, reading: Reading, *, increment: bool) -> ForeignFile:
    written: ForeignText = PromptechoText() if form == PROMPTECHO else AsgiReplayText()
    numbers = Numbers(reading.ids)
    scanner = Scanner(path, reading.recognised, numbers.next, Beside(os.path.dirname(path)))
    reader = Foreign(reading.recognised, reading.adopter, reading.formats, numbers.next)
    kind = NumberedFiles if increment else ForeignFile
    return kind(path, scanner, form=written, reader=reader)


def _opened(file: ForeignFile, mode: str) -> Opened:
    file.read()
    file.run = 1
    records = mode in RECORDING and not (mode == "once" and file.slots)
    return Opened(file, file.changes(), records, left_out=file.left_out)
