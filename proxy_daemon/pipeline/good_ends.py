"""Whether a live answer may be served again: only one that came to a good end, as its dialect knows it.

A stream that tells of an error, or that lacks its last event, is recorded and not replayed, unless that is asked for
by name (`--on-broken-stream record`). Called by `pipeline/keeping.py`; imports are judged by `core/adopting.py`.
"""

from __future__ import annotations

from attrs import frozen
from twisted.logger import Logger

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.glance import is_good_stream
from proxy_daemon.core.dialects.judging import fault
from proxy_daemon.core.messages import Ending, Exchange, Request, Response
from proxy_daemon.core.services import Worker
from proxy_daemon.pipeline.tape import Taped
from proxy_daemon.pipeline.terminal import is_event_stream, seen_terminal
from proxy_daemon.settings import Settings

log = Logger()

PARTIAL_CONTENT, NOT_MODIFIED, ERRORS = 206, 304, 400  # RFC 9110 section 15
_COMPLETE = Ending.COMPLETE  # a look-up in the enum takes ten times as long as this name
SMALL = 32 * 1024  # octets of a stream that are read at once; a longer one is read in a thread
_JUDGED = (
    b"text/event-stream",
    b"application/x-ndjson",
    b"application/ndjson",
    b"application/jsonl",
    b"application/stream+json",
    b"application/vnd.amazon.eventstream",
    b"text/html",  # a page in the place of an answer is some gateway's, or a hotel's
)


@frozen
class GoodEnds:
    """``record_errors`` and ``record_broken``: what is replayed all the same; ``longest``: octets of a request."""

    worker: Worker
    record_errors: bool
    record_broken: bool
    longest: int

    @classmethod
    def of(cls, settings: Settings, worker: Worker) -> GoodEnds:
        """By these settings. ``worker``: for streams that are long, or coded."""
        return cls(
            worker,
            settings.on_error_response == "record",
            settings.on_broken_stream == "record",
            settings.record_max_body,
        )

    async def is_good(self, exchange: Exchange, response: Response, tape: Taped, ending: Ending) -> bool:
        """Whether this answer may be served again. What speaks against a stream stands in the exchange's detail."""
        settled = self.settled(exchange, response, tape, ending)
        if settled is not None:
            return settled
        why = await self._fault(exchange, response, tape)
        if why:
            exchange.detail = exchange.detail or f"not to be replayed: {why}"
        return not why

    def settled(self, exchange: Exchange, response: Response, tape: Taped, ending: Ending) -> bool | None:
        """The same, where it needs no look into the body; else None."""
        shelf = exchange.shelf
        if ending is not _COMPLETE or tape.cut or exchange.directives.no_store:
            return False
        if shelf is not None and not shelf.mode.keeps:
            return False
        status = response.head.status
        if exchange.request.body.size > self.longest or status in (PARTIAL_CONTENT, NOT_MODIFIED):
            return False
        if status >= ERRORS:
            own = None if shelf is None else shelf.on_error_response
            return self.record_errors if own is None else own == "record"
        if self.record_broken or not response.head.headers.get(b"content-type").lower().startswith(_JUDGED):
            return True
        return None

    async def _fault(self, exchange: Exchange, response: Response, tape: Taped) -> str:
        dialect, request = exchange.dialect, exchange.request
        if _may_be_cut_off(exchange, response, tape):
            return "its last event is missing"
        try:
            if dialect is GENERIC or not dialect.generates(request):
                return ""
            in_memory = response.body.whole() is not None
            if in_memory and is_good_stream(dialect, response.head.headers, response.body):
                return ""
            if in_memory and response.body.size <= SMALL and b"content-encoding" not in response.head.headers:
                return fault(dialect, request, response)
            found: str = await self.worker.run(_looked_at, dialect, request, response)
        except Exception:  # noqa: BLE001  (a plugin's dialect; the answer must be recorded all the same)
            log.failure("the dialect {name} cannot tell whether an answer is whole", name=dialect.name)
            return "its dialect failed"
        return found


def _looked_at(dialect: Dialect, request: Request, response: Response) -> str:
    """What is wrong with an answer that is long, or coded; in a thread."""
    return "" if is_good_stream(dialect, response.head.headers, response.body) else fault(dialect, request, response)


def _may_be_cut_off(exchange: Exchange, response: Response, tape: Taped) -> bool:
    """A stream that ends with its connection looks whole wherever that broke: only its last event tells."""
    headers, dialect = response.head.headers, exchange.dialect
    framed = b"content-length" in headers or b"chunked" in headers.tokens(b"transfer-encoding")
    if framed or not dialect.terminal or not is_event_stream(headers):
        return False
    return not seen_terminal(dialect, headers, tape)
