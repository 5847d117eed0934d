"""What is said in a hit: it is stored without bodies, and those of the recording that answered it stand for them.

When its pieces came is not told: they were served, not received, and the times of the recording are of another day.
Invariant: of an exchange with `Cache-Control: no-store` nothing is told, though a recording has answered it: such a one
is stored without header fields. Called by who shows an exchange, or looks for words in it.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from proxy_daemon.core.messages import Pieces, Recording


def is_told_by_another(recording: Recording) -> bool:
    """Whether what it says stands in the recording `served_from`."""
    return bool(recording.served_from and recording.response is None and recording.request.headers.pairs)


def answered(recording: Recording, get: Callable[[int], Recording | None]) -> Recording:
    """The same with the bodies that it lacks, where they are there. ``get``: of the store, by id; may raise."""
    source = get(recording.served_from) if is_told_by_another(recording) else None
    return recording if source is None else answered_by(recording, source)


def answered_by(recording: Recording, source: Recording) -> Recording:
    """A request that differs in what does not count is stored with its own body: that one stays."""
    if recording.response is None and source.response is not None:
        recording = evolve(recording, response=evolve(source.response, pieces=Pieces()))
    if not recording.request.body.size:
        recording = evolve(recording, request=evolve(recording.request, body=source.request.body))
    return recording
