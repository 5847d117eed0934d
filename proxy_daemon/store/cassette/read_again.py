"""The thread of a cassette that is only read: it reads the file again, and tells what is wrong with the new version.

Invariant: as that of `writer.py`; while there is trouble, the version before it is served. Called by `cassette.py`.
"""

from __future__ import annotations

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.store.cassette.locking import shared
from proxy_daemon.store.cassette.read_file import StillWritten
from proxy_daemon.store.cassette.writer import Writer

SERVED = "what was read of it before is served"


class ReadAgain(Writer):
    """As `Writer`, of a `ReadFile`."""

    def _look(self) -> None:
        try:
            with shared(self.file.path) as descriptor:
                self.file.refresh(descriptor, repair=False)
        except StillWritten:
            return
        except FileNotFoundError:
            self._trouble = f"{self.file.path} is gone; {SERVED}"
        except Exception as error:  # noqa: BLE001  (whatever it is, the thread goes on)
            self._trouble = f"{_told(error, self.file.path)}; {SERVED}"
        else:
            self._trouble = ""
        self._tell(self._report())


def _told(error: Exception, path: str) -> str:
    """Always with the file; a fault that no reader names is one of the reader."""
    text = str(error) if isinstance(error, (OSError, Unreadable)) else f"it cannot be read: {error!r}"
    return text if path in text else f"{path}: {text}"
