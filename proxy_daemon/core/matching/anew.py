"""The fingerprint of a recording that is in a store already, as a daemon with these settings takes it of the request.

Invariant: nobody gets what was recorded for another: where it is not known whose a recording is, it gets none. Called
where a store is opened that was written under other rules (`store/refingerprint.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from attrs import field, frozen

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.counting import version_one
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.routing import choose
from proxy_daemon.core.secret_rules import NO_RULES
from proxy_daemon.core.upstreams import Upstream


@frozen
class Anew:
    """``dialects`` and ``upstreams`` as the daemon asks them. ``hostless``: upstreams do not count, as in cassettes."""

    matcher: Matcher
    dialects: Sequence[Dialect] = BUILT_IN
    upstreams: Sequence[Upstream] = ()
    redactor: Redactor = field(factory=Redactor)
    hostless: bool = False

    @property
    def digest(self) -> bytes:
        """Names all rules that fingerprints follow: how requests are compared, and what of them is taken out before."""
        rules = self.redactor.rules
        own = repr((rules.rules, rules.by_shape)).encode()
        return self.matcher.digest if rules == NO_RULES else sha256(self.matcher.digest + own).digest()

    def __call__(self, recording: Recording, scope_known: bool) -> bytes:
        """32 octets; none where the recording must not be served again, or answers by its pattern only.

        Raises whatever a plugin's dialect raises.
        """
        if recording.answers_by_pattern_only:
            return b""
        request = recording.request
        dialect = recognise(request, self.dialects)
        upstream = self._asked(recording, dialect)
        if not scope_known and upstream is not None:
            before = version_one.fingerprint(request, upstream, dialect.streams(request))
            if before != recording.fingerprint:
                return b""
        return self.matcher.fingerprint(self.redactor.request(request), dialect, upstream, recording.scope)

    def either_form(self, recording: Recording) -> bytes:
        """That of its request, whether it asks for a stream or not. None where it is not known. Raises as above."""
        if recording.answers_by_pattern_only:
            return b""
        request, dialect = recording.request, recognise(recording.request, self.dialects)
        upstream = self._asked(recording, dialect)
        return self.matcher.fingerprint(
            self.redactor.request(request), dialect, upstream, recording.scope, either_form=True
        )

    def _asked(self, recording: Recording, dialect: Dialect) -> Upstream | None:
        """Early versions did not write down of whom an import is to be asked: then it is the default upstream."""
        if self.hostless:
            return None
        if recording.asked is None and recording.imported:
            return choose(self.upstreams, "", dialect)
        return recording.asked or recording.upstream
