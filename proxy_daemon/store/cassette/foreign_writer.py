"""The thread of a cassette in another tool's format: the recordings are its file's to write.

Invariant: as that of `writer.py`. Called by `foreign_cassette.py`.
"""

from __future__ import annotations

from proxy_daemon.store.cassette.foreign_file import ForeignFile
from proxy_daemon.store.cassette.replacing import Document, Plan
from proxy_daemon.store.cassette.values import Write
from proxy_daemon.store.cassette.writer import Writer


class ForeignWriter(Writer):
    """As `Writer`, of a `ForeignFile`."""

    def _document(self, write: Write) -> Document:
        assert isinstance(self.file, ForeignFile)
        return self.file.document(write)

    def _write(self) -> None:
        assert isinstance(self.file, ForeignFile)
        with self.file.held() as descriptor:
            self.file.refresh(descriptor, repair=True)
            plan = Plan(self.file, descriptor, self._turns, self.same_answer, self.force)
            for document in self._waiting:
                plan.add(document)
            plan.commit()
        self.kept += plan.kept
