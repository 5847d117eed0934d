"""Requests without what asks for a stream: an answer that a person wrote answers both forms of its request.

Invariant: two requests that differ in nothing but that have one fingerprint in either form; no other two have, that do
not have one anyway. Called by `plugins/replay.py`, and only where the store holds such answers.

Sources: the dialects; of each, what its `streams` looks at.
"""

from __future__ import annotations

from attrs import Factory, field, frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Recording, Request
from proxy_daemon.core.upstreams import Upstream


@frozen
class EitherForm:
    """``anew``: how fingerprints of recordings are taken."""

    anew: Anew = field(default=Factory(lambda: Anew(Matcher())))

    def of_recording(self, recording: Recording) -> bytes:
        """32 octets; none where it answers no request of its own. Raises whatever a plugin's dialect raises."""
        return self.anew.either_form(recording) if recording.fingerprint else b""

    def of_request(self, request: Request, dialect: Dialect, upstream: Upstream, scope: bytes) -> bytes:
        """32 octets. ``request``: redacted."""
        asked = None if self.anew.hostless else upstream
        return self.anew.matcher.fingerprint(request, dialect, asked, scope, either_form=True)
