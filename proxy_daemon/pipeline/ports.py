"""What the pipeline needs from the outside, as types: a client to write to, an upstream to ask, an answer that flows.

Protocols only. `net/` has the real ones, `testing.py` the ones without sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import Upstream

if TYPE_CHECKING:
    from proxy_daemon.pipeline.tape import Tape


class Flow(Protocol):
    """Something that can be held up: back-pressure calls these."""

    def pause(self) -> None:
        """Nothing more for now."""

    def resume(self) -> None:
        """Go on."""


class Client(Protocol):
    """The side that asked. Writes after it is gone are dropped."""

    def begin(self, head: ResponseHead, own: bytes) -> None:
        """Send the head, and the daemon's own fields (lines with their ends).

        The body is as long as the head's Content-Length says, or not known.
        """

    def flush(self) -> None:
        """Send what is held; without this the head may wait for the first part of the body."""

    def write(self, data: bytes, *, more: bool = False) -> None:
        """Send a part of the body. ``more``: the next call comes in the same turn, this part may wait for it."""

    def finish(self) -> None:
        """The body is whole."""

    def break_off(self) -> None:
        """The body will not become whole: the client must be able to tell."""

    def feed_from(self, flow: Flow | None) -> None:
        """Whom to hold up while the client reads too slowly; None: nobody any more."""


class Receiver(Protocol):
    """Where an answer flows to."""

    def received(self, data: bytes, ending: Ending | None) -> None:
        """One read from upstream: the octets of the body in it, and how the answer ended if it did with this read."""


class Answer(Flow, Protocol):
    """A response whose head is there and whose body waits until `start`."""

    head: ResponseHead
    trailers: Headers
    why_broken: str  # what went wrong, where the ending is not COMPLETE

    @property
    def at_hand(self) -> bytes | None:
        """The body, where all of it is there before `start`."""

    def start(self, receiver: Receiver) -> None:
        """Let the body flow."""

    def abort(self) -> None:
        """Nobody wants it any more; nothing is received afterwards."""


class UpstreamClient(Protocol):
    """Sends requests out."""

    async def send(self, upstream: Upstream, request: Request, *, at_once: bool = True) -> Answer:
        """The answer, once its head is there. Raises `UpstreamFault`. Cancelling what awaits it aborts.

        ``at_once``: no octet of it waits for the requests of others.
        """


class Spool(Body, Protocol):
    """A body that grows: in memory first, then in an unnamed file."""

    def write(self, data: bytes) -> None:
        """Append."""


class Timer(Protocol):
    """The part of a reactor that knows time (`IReactorTime`)."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any) -> Any:  # noqa: A002  (Twisted's name)
        """Call it so many seconds from now."""

    def seconds(self) -> float:
        """Now."""


class Whole(Protocol):
    """A small answer that has come (`net/short_relay.py`)."""

    octets: bytes

    def kept(self) -> Deferred[None]:
        """Fires once it is written, or cannot be. Each caller has its own, and may cancel it."""


class Relay(Protocol):
    """An answer on its way to the clients that wait for it (`net/relay.py`)."""

    head: ResponseHead
    age: int  # seconds since it was recorded; -1: it is live
    expected: int  # clients that have it or will join it; `balance` after each change

    @property
    def at_hand(self) -> Response | None:
        """The answer, where all of it has come and nobody has joined yet."""

    @property
    def whole(self) -> Whole | None:
        """The answer, where it is small and all of it has come: who wants no more than its octets need not `join`."""

    def balance(self) -> None:
        """Hold up the answer, or let it go on, by how the clients read."""

    @property
    def joinable(self) -> bool:
        """Whether one who comes now can still get the body from its first octet on."""

    def join(self, outlet: Any) -> Deferred[Ending]:
        """Send it to this client too; fires with how that ended. Cancelling it means that the client is gone."""

    def desert(self, ending: Ending) -> None:
        """Nobody waits for it any more, for this reason: end it or drain it, as the settings say."""


class Stage(Protocol):
    """Makes relays: from an upstream's answer, which is recorded, and from a recording (`net/stage.py`)."""

    def since(self, exchange: Exchange) -> int:
        """Microseconds since the exchange began."""

    def tape(self, exchange: Exchange) -> Tape:
        """Takes as much of a body of this exchange as may be recorded."""

    def record(self, answer: Answer, exchange: Exchange, upstream: Upstream) -> Relay:
        """Relay an answer and keep it when it has ended."""

    def at_once(self, recording: Recording, exchange: Exchange) -> Sequence[bytes] | None:
        """The pieces of a small recording that can be sent as they are and without waiting; None for all others."""

    def age(self, recording: Recording) -> int:
        """Seconds since it was recorded."""

    def replay(self, recording: Recording, exchange: Exchange) -> Relay:
        """Relay a recording, at the speed of the settings, in a coding that the client accepts."""
