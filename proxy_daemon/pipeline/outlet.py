"""One exchange's way out: transforms, then observers, then its client. A relay feeds one or more of these.

A transform that fails ends the client's response as broken; an observer that fails is dropped. Where there are
transforms, `Delivery` sees what comes of each piece; an exchange without them pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proxy_daemon.core.heads import FRAMING, own_fields
from proxy_daemon.core.messages import Ending, Exchange, Outcome, ResponseHead
from proxy_daemon.pipeline.delivery import Delivery
from proxy_daemon.pipeline.dispatch import Dispatcher
from proxy_daemon.pipeline.ports import Client, Flow
from proxy_daemon.waiting import Promise


class Outlet:
    """Where a relay writes. ``position``: octets of the answer taken so far; ``paused``: the client is too slow."""

    def __init__(
        self,
        exchange: Exchange,
        client: Client,
        transforms: Sequence[tuple[str, Any]],
        observers: Sequence[tuple[str, Any]],
        hooks: Dispatcher,
        delivery: Delivery | None = None,
    ) -> None:
        self.exchange = exchange
        self.position = 0
        self.paused = False
        self.done: Promise[Ending] = Promise(lambda _: self.end(exchange.if_cancelled))
        self.left: Callable[[Outlet], None] = _stays  # called as it ends, before who waits for that
        self._client = client
        self._transforms = transforms
        self._observers = observers
        self._hooks = hooks
        self._delivery = delivery

    def begin(self, head: ResponseHead, age: int) -> None:
        """Send the head; its own Content-Length holds only where nothing changes the body."""
        if self._transforms and head.length:
            head = ResponseHead(head.status, head.reason, head.headers.without(FRAMING))
        if self._delivery is not None:
            self._delivery.head = head
        self._client.begin(head, own_fields(self.exchange, bool(self._transforms), age))

    def flush(self) -> None:
        """Nothing of the body has come with the head."""
        self._client.flush()

    def feed_from(self, flow: Flow | None) -> None:
        """Whom to hold up while the client reads too slowly."""
        self._client.feed_from(flow)

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Octets of the answer, in order. ``last``: `end` follows in the same turn."""
        self.position += len(data)
        if self._transforms:
            came, data = data, self._transformed(data)
            if self._delivery is not None:
                self._delivery.piece(came, data)
        if data:
            self._send(data, more=last)

    def end(self, ending: Ending, why: str = "") -> None:
        """The answer is over. The client sees a whole response only where it is `COMPLETE`."""
        if self.done.called:
            return
        if ending is Ending.COMPLETE and self._transforms:
            ending = self._flushed()
        self._client.feed_from(None)
        if ending is Ending.COMPLETE:
            self._client.finish()
        else:
            self._client.break_off()
            self._broken_off()
            self.exchange.detail = self.exchange.detail or why
        if not self.done.called:
            self._close(ending)

    def _close(self, ending: Ending) -> None:
        self.exchange.ending = ending
        for name, observer in self._observers:
            self._observed(name, observer, "end")
        self.left(self)
        self.done.callback(ending)

    def _send(self, data: bytes, *, more: bool) -> None:
        self.exchange.response_size += len(data)
        self._client.write(data, more=more)
        if self._observers:
            for name, observer in tuple(self._observers):
                self._observed(name, observer, "piece", data)

    def _transformed(self, data: bytes) -> bytes:
        for name, transform in self._transforms:
            try:
                data = transform.piece(data)
                if type(data) is not bytes:  # in each event: this costs less than a call
                    data = _octets(data)
            except BaseException as error:  # noqa: BLE001  (whatever a plugin raises)
                self._failed(name, error)
                return b""
        return data

    def _flushed(self) -> Ending:
        """What the transforms held back: each one's rest passes through those behind it."""
        data = b""
        for name, transform in self._transforms:
            try:
                data = (_octets(transform.piece(data)) if data else b"") + _octets(transform.end())
            except BaseException as error:  # noqa: BLE001  (whatever a plugin raises)
                self._failed(name, error)
                return Ending.FAILED
        if data:
            if self._delivery is not None:
                self._delivery.piece(b"", data)
            self._send(data, more=True)
        return Ending.COMPLETE

    def _broken_off(self) -> None:
        """Tell the transforms that want to know; what they held back goes nowhere."""
        for name, transform in self._transforms:
            try:
                getattr(transform, "broken_off", _nothing)()
            except BaseException as error:  # noqa: BLE001  (whatever a plugin raises)
                self._hooks.fault(name, "llmproxy_transform", error)
        self._transforms = []

    def _failed(self, plugin: str, error: BaseException) -> None:
        fault = self._hooks.fault(plugin, "llmproxy_transform", error)
        self._transforms = [pair for pair in self._transforms if pair[0] != plugin]
        self.exchange.outcome, self.exchange.detail = Outcome.FAILED, fault.message
        self.end(Ending.FAILED)

    def _observed(self, name: str, observer: Any, method: str, *args: Any) -> None:
        try:
            getattr(observer, method)(*args)
        except BaseException as error:  # noqa: BLE001  (whatever a plugin raises)
            self._hooks.fault(name, "llmproxy_observe", error)
            self._observers = [pair for pair in self._observers if pair[0] != name]


def _nothing() -> None:
    pass


def _stays(outlet: Outlet) -> None:
    """Nobody has joined it to anything."""


def _octets(result: Any) -> bytes:
    if not isinstance(result, bytes):
        raise TypeError(f"returned {type(result).__name__}, where bytes are due")
    return result
