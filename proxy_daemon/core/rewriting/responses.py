"""What a rule does with an answer: its status, header fields, and fields of its JSON, in documents and in streams.

Invariant: what cannot be edited passes as it came, and a problem is said. An answer with an error status is edited as
any other. Called by `ruleset.py` and by the plugin that rewrites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from attrs import evolve, frozen

from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting.coded import Coded
from proxy_daemon.core.rewriting.field_edits import FieldEdits
from proxy_daemon.core.rewriting.field_streams import FieldEditor, Stated
from proxy_daemon.core.rewriting.header_edits import HeaderEdits
from proxy_daemon.core.wire.coding import CodingError, decoder_for

BODILESS = (204, 205, 304)


@frozen
class ResponseEdits:
    """What is to be done; None: nothing. ``status``: (upstream's, ours); 0: any."""

    status: tuple[tuple[int, int], ...] = ()
    headers: HeaderEdits | None = None
    fields: FieldEdits | None = None

    def head(self, head: ResponseHead) -> ResponseHead:
        """The head that goes on; the same object where nothing is to change."""
        new = next((ours for theirs, ours in self.status if theirs in (0, head.status)), head.status)
        if new != head.status and head.status not in BODILESS:
            head = evolve(head, status=new, reason=_reason(new))
        headers = head.headers if self.headers is None else self.headers.edited(head.headers)
        return head if headers is head.headers else evolve(head, headers=headers)


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b""


class FieldsOfAnswer:
    """The fields of one answer. A `Transform`. ``uncodes``: it takes the content coding off."""

    def __init__(
        self, edits: Sequence[tuple[str, FieldEdits]], stated: Stated, codings: bytes, say: Callable[[str], None]
    ) -> None:
        self._editor = FieldEditor(edits, stated, say)
        self._body: FieldEditor | Coded = Coded(self._editor, codings, say) if codings else self._editor
        self.uncodes = bool(codings)

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        return self._body.piece(data)

    def end(self) -> bytes:
        """See `Transform`."""
        return self._body.end()

    @property
    def fired(self) -> dict[str, int]:
        """How often each rule changed something."""
        return dict(self._editor.fired)


def fields_of(
    edits: Sequence[tuple[str, FieldEdits]],
    request: Request,
    head: ResponseHead,
    *,
    streams: bool,
    say: Callable[[str], None],
) -> FieldsOfAnswer | None:
    """For an answer with that head; None where it has no body, or one that is not read. ``edits``: with their names."""
    if not edits or request.method == b"HEAD" or head.status in BODILESS:
        return None
    stated = Stated(head.headers.get(b"content-type"), head.status, streams)
    if not stated.may_be_json:
        return None
    codings = b",".join(head.headers.all(b"content-encoding"))
    try:
        decoder_for(codings)
    except CodingError as error:
        say(f"the answer passes as it came: {error}")
        return None
    return FieldsOfAnswer(edits, stated, b"" if codings.strip().lower() in (b"", b"identity") else codings, say)
