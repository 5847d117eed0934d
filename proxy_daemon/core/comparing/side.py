"""One of the recordings that are compared, and one that could not be read. Values only.

Invariant: what is compared and shown has no secrets in it; the fingerprint is that of a cassette, whatever the host.
"""

from __future__ import annotations

from attrs import field, frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.subject import Subject, subject
from proxy_daemon.core.messages import Recording


@frozen(eq=False)
class Side:
    """``place``: where it stands, for people; ``recording``: redacted; ``edited``: a person wrote its answer."""

    place: str
    recording: Recording
    dialect: Dialect
    fingerprint: bytes
    _subject: list[Subject] = field(factory=list, init=False, repr=False)

    @property
    def subject(self) -> Subject:
        """The parts of its request. Raises what a plugin's dialect raises."""
        if not self._subject:
            self._subject.append(subject(self.recording.request, self.dialect))
        return self._subject[0]

    @property
    def title(self) -> str:
        """Method, target and model."""
        request = self.recording.request
        words = (request.method.decode("latin-1"), request.target.decode("latin-1"), self.dialect.model(request))
        return " ".join(filter(None, words))


@frozen
class Unread:
    """An entry that is none, or cannot be read."""

    place: str
    reason: str
