"""A line of the list of exchanges: what its row in the store tells without looking into a body.

Invariant: a few microseconds each, and no secret. Called by `ui/`, `store/catalogue/` and whoever tells of an exchange
that is still under way.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.messages import Recording, Unknown, id_text
from proxy_daemon.core.redact import Redactor

_REDACTOR = Redactor()
ENDED = "ended"


def summary(
    recording: Recording,
    *,
    redactor: Redactor = _REDACTOR,
    mark: str = "",
    comment: str = "",
    cassette: str = "",
    told: dict[str, Any] | None = None,
    state: str = ENDED,
) -> dict[str, Any]:
    """ROW of the API: all members, always. ``told``: see `told.py`; ``state``: "begun", "streaming" or "ended"."""
    target = redactor.target(recording.request.target)
    return (
        {
            "id": id_text(recording.id),
            "started": recording.started,
            "method": recording.request.method.decode("latin-1"),
            "path": target.decode("latin-1"),
            "url": url_of(recording, target),
            "upstream": recording.upstream.name,
            "model": recording.model,
            "status": recording.status,
            "outcome": recording.outcome.value,
            "ending": recording.ending.value,
        }
        | _numbers(recording)
        | _standing(recording)
        | {
            "detail": redactor.text(recording.detail),
            "mark": mark,
            "comment": comment,
            "cassette": cassette or recording.cassette,
            "told": told,
            "state": state,
        }
    )


def url_of(recording: Recording, target: bytes) -> str:
    """What was asked of the upstream, as a whole URL; the path alone where the host is not known."""
    upstream = recording.upstream
    if not upstream.host or Unknown.HOST in recording.unknown:
        return target.decode("latin-1")
    return f"{upstream.scheme}://{upstream.authority}{upstream.target(target).decode('latin-1')}"


def _numbers(recording: Recording) -> dict[str, Any]:
    response = recording.response
    return {
        "duration_ms": recording.duration / 1000,
        "head_ms": recording.head_time / 1000,
        "request_size": recording.request.body.size,
        "response_size": 0 if response is None else response.body.size,
    }


def _standing(recording: Recording) -> dict[str, Any]:
    """Whose it is, and what may be done with it."""
    return {
        "session": recording.session,
        "client": recording.client,
        "served_from": id_text(recording.served_from) if recording.served_from else None,
        "replayable": recording.replayable,
        "pinned": recording.pinned,
        "edited": recording.written,
        "cut": recording.cut,
        "redacted": recording.redacted,
        "rules": list(recording.rules),
        "imported": recording.imported or None,
        "unknown": sorted(recording.unknown),
    }
