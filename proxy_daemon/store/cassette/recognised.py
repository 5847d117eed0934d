"""Under which key a recording of a cassette is found: its host does not count, nor whose credential asked.

Invariant: the key of a recording is the same when it is put and when it is read from the file. A daemon that serves
cassettes takes fingerprints of live requests in the same way: upstream None, scope empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, field, frozen

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.redact import Redactor


@frozen
class Recognised:
    """As the daemon's settings have them."""

    matcher: Matcher = field(factory=Matcher)
    dialects: Sequence[Dialect] = BUILT_IN
    redactor: Redactor = field(factory=Redactor)

    def __call__(self, recording: Recording, number: int) -> Recording:
        """With this id, its fingerprint and its model. Raises whatever a plugin's dialect raises."""
        request = self.redactor.request(recording.request)
        dialect = recognise(request, self.dialects)
        by_pattern = recording.answers_by_pattern_only
        fingerprint = b"" if by_pattern else self.matcher.fingerprint(request, dialect, None, b"")
        model = recording.model or dialect.model(request)
        return evolve(recording, id=number, fingerprint=fingerprint, model=model, scope=b"")
