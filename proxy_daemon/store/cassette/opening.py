"""Opens a cassette: reads all of it, and says what is wrong with it before anything is served.

Blocks for as long as reading takes; may run in any thread. Raises `CassetteError`. Called by `Cassette.open`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.cassettes import Format, Unreadable, is_talk
from proxy_daemon.core.cassettes.llmproxy import HEADER, Damaged
from proxy_daemon.core.cassettes.llmproxy.splitting import is_ours
from proxy_daemon.core.ids import Ids
from proxy_daemon.store.cassette.beside import Beside
from proxy_daemon.store.cassette.disk import read_from
from proxy_daemon.store.cassette.file import CassetteFile
from proxy_daemon.store.cassette.locking import locked, shared
from proxy_daemon.store.cassette.recognised import Recognised
from proxy_daemon.store.cassette.scanning import Numbers, Scanner
from proxy_daemon.store.cassette.values import CassetteError, Changes

if TYPE_CHECKING:
    from proxy_daemon.store.cassette.foreign import LeftOut

RECORDING = ("once", "new_episodes", "all")
MODES = ("off", "none", *RECORDING)
ADVICE = "repair it, or serve the others with --tolerate-damage"
BARRED = (errno.EACCES, errno.EPERM, errno.EROFS)
_MOST_SHOWN = 5


@frozen
class Reading:
    """How a cassette is read. ``mode``: of `MODES`; ``adopter`` and ``formats``: for files of other tools.

    ``formats``: None for the built-in ones. ``tolerate_damage``: the intact recordings of a damaged file are served.
    ``force``: mode `all` replaces what a person has edited or pinned, too.
    """

    ids: Ids
    mode: str = "new_episodes"
    recognised: Recognised = field(factory=Recognised)
    adopter: Adopter = field(factory=lambda: Adopter(record_errors=True, record_broken=True))
    formats: Sequence[Format] | None = None
    tolerate_damage: bool = False
    force: bool = False


@define
class Opened:
    """A cassette as it was found. ``foreign``: it is of another tool."""

    file: CassetteFile
    found: Changes
    records: bool
    foreign: bool = False
    left_out: Sequence[LeftOut] = ()
    notice: str = ""

    @property
    def damaged(self) -> Sequence[Damaged]:
        """Documents that are not served."""
        return tuple(self.file.damaged)


def opened(path: str, reading: Reading) -> Opened:
    """Read it; it need not be there. Raises `CassetteError`."""
    if reading.mode not in MODES:
        raise CassetteError(f"{path}: no mode {reading.mode!r}: there are {', '.join(MODES)}")
    place = os.path.realpath(path)
    numbers = Numbers(reading.ids)
    file = CassetteFile(place, Scanner(place, reading.recognised, numbers.next, Beside(os.path.dirname(place))))
    try:
        found = _opened(file, reading, numbers)
    except (OSError, Unreadable) as error:
        text = str(error)
        raise CassetteError(text if place in text else f"{place}: {text}") from error
    file.run = 1
    return found


def _opened(file: CassetteFile, reading: Reading, numbers: Numbers) -> Opened:
    try:
        with shared(file.path) as descriptor:
            data = read_from(descriptor, file.path)
            if not is_ours(data) and (is_talk(file.path) or not HEADER.startswith(data)):
                return _foreign(file, descriptor, data, reading, numbers)
    except FileNotFoundError:
        if is_talk(file.path):  # a person writes it: a name that is misspelt must not answer nothing in silence
            raise
        return Opened(file, Changes(), reading.mode in RECORDING)
    _refresh(file, repair=reading.mode in RECORDING)
    if file.damaged and not reading.tolerate_damage:
        raise CassetteError(_told(file))
    records = reading.mode in RECORDING and not (reading.mode == "once" and file.slots)
    notice, file.notice = file.notice, ""
    return Opened(file, file.changes(), records, notice=notice)


def _refresh(file: CassetteFile, *, repair: bool) -> None:
    """In a mode that records, what a crash left is repaired; where the file may not be written, it is only read."""
    try:
        if repair:
            with locked(file.path, make=False) as descriptor:
                file.refresh(descriptor, repair=True)
            return
    except OSError as error:
        if error.errno not in BARRED:
            raise
    with shared(file.path) as descriptor:
        file.refresh(descriptor, repair=False)


def _foreign(file: CassetteFile, descriptor: int, data: bytes, reading: Reading, numbers: Numbers) -> Opened:
    from proxy_daemon.store.cassette.foreign import Foreign  # noqa: PLC0415  (few need it: a quick start)
    from proxy_daemon.store.cassette.read_file import ReadFile  # noqa: PLC0415  (as above)

    reader = Foreign(reading.recognised, reading.adopter, reading.formats, numbers.next)
    found = ReadFile(file.path, file.scanner, reader=reader)
    found.begin(descriptor, data)
    if reading.mode in ("new_episodes", "all") or (reading.mode == "once" and not found.by_fingerprint):
        what = "a talk that a person writes" if is_talk(file.path) else "a cassette of another tool"
        raise CassetteError(f"{file.path} is {what}: it is only read; {_advice(file.path, data, reader.formats)}")
    return Opened(found, found.changes(), records=False, foreign=True, left_out=found.left_out)


def _advice(path: str, data: bytes, formats: Sequence[Format]) -> str:
    """What to do in a mode that records. Some formats can be written."""
    from proxy_daemon.core.cassettes.formats import chosen  # noqa: PLC0415  (few need it: a quick start)
    from proxy_daemon.store.cassette.foreign_cassette import FORMATS  # noqa: PLC0415  (as above)

    name = ""
    with suppress(Unreadable):  # a packed file: it is read, but not written
        name = chosen(path, data, formats).name
    written = f"record into it with --cassette-format {name}, " if name in FORMATS else ""
    return f"{written}use mode none, or record into another file"


def _told(file: CassetteFile) -> str:
    """All that is damaged, or the first of it, in one line."""
    shown = [f"{file.path}:{one.line}: {one.reason}" for one in file.damaged[:_MOST_SHOWN]]
    more = len(file.damaged) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else []), ADVICE])
