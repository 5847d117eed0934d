"""What can go wrong with an exchange, as exceptions that know the answer the client gets.

Raised anywhere below `pipeline/exchange.py`, caught there and nowhere else.
"""

from __future__ import annotations

from proxy_daemon.core.headers import Pair
from proxy_daemon.core.messages import Ending, Outcome


class Fault(Exception):
    """An exchange that ends with an answer of our own: status, a short word for programs, and a sentence."""

    kind = "llmproxy_error"
    outcome = Outcome.FAILED
    ending = Ending.FAILED
    headers: tuple[Pair, ...] = ()

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class UpstreamFault(Fault):
    """The upstream gave no usable answer: 502, or 504 where it was silent for too long."""

    kind = "llmproxy_upstream"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.ending = Ending.TIMEOUT if status == 504 else Ending.FAILED  # noqa: PLR2004  (the status of RFC 9110 15.6.5)


class Busy(UpstreamFault):
    """Every connection that an upstream may have was in use for too long: 503, ask again later."""

    kind = "llmproxy_busy"
    headers = ((b"Retry-After", b"5"),)

    def __init__(self, message: str) -> None:
        super().__init__(503, message)


class PluginFault(Fault):
    """A plugin raised, was too slow or returned the wrong thing, in a hook that fails closed."""

    kind = "llmproxy_plugin"

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        super().__init__(502, f"The plugin {plugin!r} failed in {hook}: {reason}")
        self.plugin = plugin


class Refusal(Fault):
    """The request is not forwarded: by mode, by rule, or because it is malformed."""

    kind = "llmproxy_refused"
    outcome = Outcome.REFUSED
    ending = Ending.REFUSED


class Miss(Refusal):
    """Nothing recorded answers, and nothing may be forwarded. 424, which SDKs are told not to retry."""

    kind = "llmproxy_miss"
    headers = ((b"x-should-retry", b"false"),)

    def __init__(self, message: str) -> None:
        super().__init__(424, message)


class Overdue(Fault):
    """The exchange has taken all the time that it may (`--request-timeout`), and no head of an answer was sent."""

    kind = "llmproxy_timeout"
    ending = Ending.TIMEOUT

    def __init__(self, message: str) -> None:
        super().__init__(504, message)


class StartError(Exception):
    """The daemon cannot start; the message is one line for the person who started it."""


def without_frames(error: BaseException | None) -> None:
    """Take the frames off an error that has had its answer, and off those that it came of.

    A frame knows its callers, some of which know the error: in that circle the exchange, and the file of its body,
    would wait for the garbage collector.
    """
    while error is not None:
        error.__traceback__, error = None, error.__context__
