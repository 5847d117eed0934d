"""What stands behind the site: the pipeline for all that is not ours, and our own pages.

Each request that is let in becomes an exchange and runs. Mounted by `tap.py`, called by `FrontRequest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.resource import Resource

from proxy_daemon.core.messages import MAY_MAKE, Request, ResponseHead
from proxy_daemon.core.routing import RESERVED
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.json_pages import Branch
from proxy_daemon.pipeline.admission import Admission
from proxy_daemon.pipeline.exchange import Pipeline
from proxy_daemon.pipeline.faults import Refusal
from proxy_daemon.waiting import begun, tell, waits

if TYPE_CHECKING:
    from proxy_daemon.net.request import FrontRequest

log = Logger()


def _nobody(*_: object) -> bool:
    return False


@frozen(slots=False)
class Front:
    """What stands behind the site for all that is not ours: makes exchanges and runs them."""

    admission: Admission
    pipeline: Pipeline
    is_ours: Callable[[str, int, str, int], bool] = _nobody  # whether a connection with these ends is our own way out

    def run(self, request: FrontRequest) -> None:
        """Answer one request by the pipeline."""
        channel = request.channel
        if self.is_ours(*channel.ends):
            request.refuse(Loop())
            return
        try:
            exchange = self.admission.admit(
                request.method,
                request.uri,
                request.relayed_fields,
                request.spool,
                request.channel.peer_host,
                request.caller.name,
            )
        except Refusal as refusal:
            request.refuse(refusal)
            return
        except BaseException:  # noqa: BLE001  (a plugin's dialect; its client must not wait for ever)
            log.failure("a request cannot be read: a defect of a plugin's dialect, or of llmproxy")
            request.refuse(Refusal(502, "llmproxy failed on this request; its log says where."))
            return
        if exchange.cassette:
            exchange.notes[MAY_MAKE] = request.is_ours
        running = begun(self.pipeline.run(exchange, FrontClient(request)))
        if waits(running):  # else it has ended: most hits have
            request.running, request.exchange = running, exchange
            tell(running, _ended)

    def turn_away(self, request: Request, client: str, refusal: Refusal) -> tuple[ResponseHead, bytes, bytes]:
        """Head, our own fields and body of the answer to a request that may not come in.

        It is logged, not stored: nobody from outside may push recordings out of the store.
        """
        exchange = self.admission.turned_away(request, client)
        return self.pipeline.turn_away(exchange, refusal)


class Loop(Refusal):
    """A request that we have sent ourselves. 508 is what it would end in (RFC 5842 section 7.2)."""

    def __init__(self) -> None:
        super().__init__(
            508, "This request comes from llmproxy itself: its upstream leads back to it. Set --upstream to the API."
        )


def _ended(result: object) -> None:
    if isinstance(result, Failure) and not result.check(CancelledError):
        log.failure("a defect in llmproxy, please report it", result)


class FrontResource(Resource):
    """The root: renders what is not ours by the pipeline. Below `_llmproxy` stand our own pages."""

    def __init__(self, front: Front, mounts: Mapping[str, Any]) -> None:
        super().__init__()
        self._front = front
        own = Branch()
        for segment, resource in mounts.items():
            own.putChild(segment.encode(), resource)
        self.putChild(RESERVED[1:], own)

    def render(self, request: Any) -> int:
        """Any method."""
        self._front.run(request)
        return server.NOT_DONE_YET

    def turn_away(self, request: Request, client: str, refusal: Refusal) -> tuple[ResponseHead, bytes, bytes]:
        """See `Front`."""
        return self._front.turn_away(request, client, refusal)
