"""Why an exchange is not in the cassette that it was to be recorded in, for the log.

Called by `keeping.py`.
"""

from __future__ import annotations

from twisted.logger import Logger

from proxy_daemon.core.messages import Ending, Exchange, Recording, id_text

log = Logger()


def tell_left_out(exchange: Exchange, final: Recording | None, cassette: str) -> None:
    """A test that is replayed misses it: whoever records must hear of it. ``final``: None where a plugin refused it."""
    log.warn(  # noqa: G010  (a Twisted logger)
        "exchange {id} is not in the cassette {cassette}: {why}",
        id=id_text(exchange.id),
        cassette=cassette,
        why=why(exchange, final),
    )


def why(exchange: Exchange, final: Recording | None) -> str:
    """In words."""
    if final is None:
        return "a plugin does not want it recorded"
    if exchange.directives.no_store:
        return "its request says no-store"
    if final.ending is not Ending.COMPLETE:
        return f"its answer is not whole: {final.ending.value}"
    if final.cut:
        return "a body is larger than --record-max-body, or may hold a secret that cannot be taken out"
    status = 0 if final.response is None else final.response.head.status
    return final.detail or f"its status is {status} (--on-error-response record keeps errors)"
