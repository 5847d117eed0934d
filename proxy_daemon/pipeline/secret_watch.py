"""`--on-secret`: what becomes of an exchange that still holds what looks like a secret when it is about to be written.

Redaction is behind it; what is left stands in octets or in base64, which it does not alter. The log says where, never
what. Called by `pipeline/keeping.py`.
"""

from __future__ import annotations

from attrs import frozen
from twisted.logger import Logger

from proxy_daemon.core.messages import Recording, id_text
from proxy_daemon.core.secret_leftovers import RECORD, REDACT, REFUSE, Left, leftovers, may_be_left, without_bodies
from proxy_daemon.core.services import Worker

log = Logger()

_DONE = {
    REDACT: "recorded as it is: it cannot be altered there",
    REFUSE: "recorded without bodies",
    RECORD: "recorded as it is (--on-secret record)",
}
_AT_ONCE = 64 * 1024  # octets that are looked through without a thread


@frozen
class SecretWatch:
    """``policy``: one of `secret_leftovers.POLICIES`."""

    worker: Worker
    policy: str = REDACT

    def is_clear(self, recording: Recording) -> bool:
        """Whether a quick look shows that nothing can be left in it, as in nearly all: then it need not be `looked`."""
        response, data = recording.response, recording.request.body.whole()
        came = b"" if response is None else response.body.whole()
        if data is None or came is None or self.policy == RECORD or recording.delivered is not None:
            return False
        return len(data) + len(came) <= _AT_ONCE and not may_be_left(b"%b %b" % (data, came))

    async def looked(self, recording: Recording) -> Recording:
        """The recording as it may be written; the same object where nothing is left in it, or it is to stay."""
        left = await self._left(recording)
        if not left:
            return recording
        self._tell(recording, left)
        return without_bodies(recording) if self.policy == REFUSE else recording

    async def _left(self, recording: Recording) -> list[Left]:
        response, delivered = recording.response, recording.delivered
        size = recording.request.body.size + (0 if response is None else response.body.size)
        size += delivered.body.size if delivered is not None and delivered.body is not None else 0
        if size <= _AT_ONCE:
            return leftovers(recording, self.policy) if size else []
        found: list[Left] = await self.worker.run(leftovers, recording, self.policy)
        return found

    def _tell(self, recording: Recording, left: list[Left]) -> None:
        what = _DONE[self.policy]
        log.warn(  # noqa: G010  (a Twisted logger)
            "exchange {id}: looks like a secret, {what}: {places}",
            id=id_text(recording.id),
            what=what,
            places="; ".join(f"{each.where}: {each.what}" for each in left),
        )
