r"""One connection to an upstream: a thin protocol around llhttp (httptools).

States:  idle -> asked -> answering -> idle
                      \-> lost     \-> lost
`asked` to `answering` happens with the response head, which may come while the request body still goes up.
Used by `net/upstream/pool.py` and `net/upstream/client.py`; never two requests at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httptools
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Ending, ResponseHead
from proxy_daemon.net import eager
from proxy_daemon.net.upstream.answer import LiveAnswer
from proxy_daemon.net.upstream.framing import check_count, check_head, check_trailer, has_length, transfer_coding
from proxy_daemon.net.upstream.handshake import Handshake, Tls
from proxy_daemon.net.upstream.unread import Unread
from proxy_daemon.net.upstream.upload import Upload
from proxy_daemon.net.upstream.words import loss_in_words
from proxy_daemon.pipeline.faults import UpstreamFault
from proxy_daemon.pipeline.ports import Timer
from proxy_daemon.waiting import Promise

MAX_HEAD = 256 * 1024  # octets of the fields of one response
MAX_READ = 64 * 1024  # octets that may have come with the head in one read
MAX_INTERIM = 32  # 1xx responses before the real one
NO_BODY = frozenset((204, 304))
_COMPLETE = Ending.COMPLETE  # a look-up in the enum takes ten times as long as this name
BEHIND = "it sent more than it had announced"
START = b"H"  # of HTTP: llhttp reads RTSP and ICE too


class Stale(Exception):
    """A kept-alive connection died before the first octet of the answer; the message says how.

    Upstream had closed it meanwhile, mostly; but it may have read the request, and done what that says.
    """


@implementer(IHandshakeListener)
class Connection(Protocol):
    """``silence``: seconds without an octet after which upstream counts as dead. ``gone`` is called when it is lost."""

    def __init__(self, timer: Timer, silence: float, name: str) -> None:
        self.reused = False
        self.born = timer.seconds()
        self.released: Callable[[Connection, bool], None] = lambda connection, reusable: None
        self._timer = timer
        self._silence = silence
        self._name = name
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: Promise[LiveAnswer] | None = None
        self._answer: LiveAnswer | None = None
        self._upload: Upload | None = None
        self._last_octet = 0.0
        self._watch: Any = None
        self._handshake: Handshake | None = None
        self._unread_octets: Unread | None = None
        self._paused = False
        self._lost = False
        self._reset()

    def _reset(self) -> None:
        """The state of one request."""
        self._head_only = self._last = False
        self._fields: list[Pair] = []
        self._trailers: list[Pair] = []
        self._size = 0
        self._unread = 0  # octets since something came of them: a head, or a part of the body
        self._reason = b""
        self._parts: list[bytes] = []
        self._interim = 0
        self._touched = False
        self._begun = False  # a status line has
        self._head: ResponseHead | None = None
        self._complete = False
        self._keep_alive = False
        self._doubtful = False  # whether the next answer begins where we think
        self._ends_with_connection = False
        self._error = ""

    # --- TLS ---------------------------------------------------------------------------------------------------------

    def secured(self, tls: Tls, left: float) -> Deferred[None]:
        """Wait for the handshake, which has just begun, for ``left`` seconds. Nothing may be asked before."""
        self._handshake = Handshake(self._timer, self._name, tls, left, self.abort)
        return self._handshake.done

    def handshakeCompleted(self) -> None:
        """Twisted calls it, on TLS only."""
        handshake, self._handshake = self._handshake, None
        if handshake is not None:
            handshake.completed(self.transport)

    # --- asking ------------------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Whether a request can be sent."""
        return not self._lost and self._waiter is None and self._answer is None

    @property
    def clean(self) -> bool:
        """Whether it is usable, and nothing waits to be read: the end of it, or octets that nobody has asked for."""
        if not self.usable:
            return False
        if self._unread_octets is None:
            self._unread_octets = Unread(self.transport)
        return not self._unread_octets

    def ask(
        self, head: bytes, body: Body, head_only: bool, *, last: bool = False, at_once: bool = True
    ) -> Deferred[LiveAnswer]:
        """Send a request. Fires with its answer; fails with `Stale` or `UpstreamFault`. Cancelling aborts.

        ``last``: it says so, and the connection is not used again, whatever the answer says (RFC 9112 section 9.6).
        ``at_once``: it does not wait for the end of the reactor's turn (`eager.send_together`).
        """
        self._reset()
        self._head_only, self._last = head_only, last
        self._waiter = Promise(lambda _: self.abort())
        self._watch_silence()
        transport: Any = self.transport
        data = body.whole()
        if data is not None:
            (eager.send if at_once else eager.send_together)(transport, head + data)
        else:
            transport.write(head)
            self._upload = Upload(transport, body, self._moved, self._uploaded)
        return self._waiter

    def _moved(self) -> None:
        """The network has taken a part of the body."""
        self._last_octet = self._timer.seconds()

    def _uploaded(self) -> None:
        self._upload = None
        self._moved()

    # --- the answer as llhttp reads it -------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A status line begins."""
        if self._complete:
            raise ValueError(BEHIND)
        self._fields, self._reason = [], b""

    def on_status(self, reason: bytes) -> None:
        """The reason phrase, perhaps in parts."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field; behind the body: a trailer."""
        self._size += len(name) + len(value) + 4
        if self._size > MAX_HEAD:
            raise ValueError(f"its header fields are larger than {MAX_HEAD} octets")
        if self._head is None:
            self._fields.append((name, value))
        elif self._complete:
            raise ValueError(BEHIND)
        else:
            check_trailer(name)
            self._trailers.append((name, value))

    def on_headers_complete(self) -> None:
        """The end of a head; interim ones are passed over."""
        status, version = self._parser.get_status_code(), self._parser.get_http_version()
        check_head(version, status, self._reason, self._fields)
        if status < 200:  # noqa: PLR2004  (RFC 9110 section 15.2)
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise ValueError(f"it sent more than {MAX_INTERIM} interim responses")
            return
        headers = Headers(self._fields)
        length_known = has_length(headers)
        self._head = ResponseHead(status, self._reason, headers)
        self._size = 0  # trailers are counted anew
        if self._head_only or status in NO_BODY:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()
        else:
            coding = transfer_coding(headers)
            self._doubtful = bool(coding) and version != "1.1"  # RFC 9112 section 6.1
            self._ends_with_connection = coding != b"chunked" and not length_known

    def on_body(self, data: bytes) -> None:
        """Octets of the body, out of their chunks."""
        if self._complete:
            raise ValueError(BEHIND)
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """The end of a message, by its framing."""
        if self._head is None:
            return
        if self._complete and b"transfer-encoding" in self._head.headers:
            raise ValueError(BEHIND)  # a last chunk, where none may be
        if not self._complete:
            check_count(self._trailers)
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive() and not self._doubtful  # llhttp knows it only here

    # --- octets ------------------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """One read: at most one head and one piece come of it.

        An answer ends where its framing says (RFC 9112 section 6.3). What stands behind that is nobody's, however it
        came: it makes the connection useless, and the answer no worse.
        """
        if self.usable or self._lost:
            self._close("it sent octets that nobody had asked for")
            return
        self._touched = True
        self._last_octet = self._timer.seconds()
        self._unread += len(data)
        self._error = self._parsed(data)
        if self._error and not self._complete:
            self._break(f"upstream {self._name} sent what is not HTTP: {self._error}")
        elif self._head is not None and (self._answer is None or self._parts or self._complete):
            self._unread = 0
            self._advance()
        elif self._unread > MAX_HEAD + MAX_READ:
            what = "a head" if self._head is None else "the frame of a chunk"
            self._break(f"upstream {self._name} sent {what} of more than {MAX_HEAD} octets")

    def _parsed(self, data: bytes) -> str:
        """Feed the parser. What is wrong, if anything is."""
        if not self._begun and (start := data.lstrip(b"\r\n")):
            self._begun = True
            if not start.startswith(START):
                return "its answer does not begin with HTTP/"
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return "it switched to another protocol, which nobody had asked for"
        except httptools.HttpParserError as error:
            return _parse_error(error)
        return ""

    def _advance(self) -> None:
        """Hand on what the read brought. A new answer gets its first piece before anybody sees it."""
        piece, self._parts = b"".join(self._parts), []
        answer, waiter = self._answer, self._waiter
        if answer is None:
            assert self._head is not None
            self._answer = answer = LiveAnswer(self, self._head)
            self._waiter = None
        if self._complete:
            if self._trailers:
                answer.trailers = Headers(self._trailers)
            self._release()
            answer.deliver(piece, _COMPLETE)
        elif piece:
            answer.deliver(piece, None)
        if waiter is not None:
            waiter.callback(answer)
            if not answer.started:
                answer.pause()

    def _release(self) -> None:
        """The answer is whole: the connection is free again, or closed where it cannot be used again."""
        reusable = not self._lost and self._upload is None and self._keep_alive and not self._paused and not self._error
        reusable = reusable and not self._last
        reusable = reusable and eager.is_idle(self.transport)  # an early answer: the request still goes up
        if self._head_only or (self._head is not None and self._head.status in NO_BODY):
            self._parser = httptools.HttpResponseParser(self)
        self._answer = None
        if reusable:
            self.reused = True
            self.released(self, True)
        else:
            self._close("")

    # --- the end of the connection -----------------------------------------------------------------------------------

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """By upstream, by the network, or by us."""
        self._lost = True
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
        if self._upload is not None:
            self._upload.stop()
        self.released(self, False)
        if self._handshake is not None:
            self._handshake.lost(self.transport, reason)
            self._handshake = None
        answer, self._answer = self._answer, None
        if answer is not None:
            self._end_answer(answer, reason)
        elif self._waiter is not None:
            self._fail(loss_in_words(self._name, reason), stale=self.reused and not self._touched)

    def _end_answer(self, answer: LiveAnswer, reason: Failure) -> None:
        if self._ends_with_connection and reason.check(ConnectionDone):
            answer.deliver(b"", _COMPLETE)
        else:
            answer.deliver(
                b"", Ending.BROKEN_OFF, f"upstream {self._name} closed the connection before its answer was whole"
            )

    def _break(self, why: str) -> None:
        """Upstream does not speak HTTP, or sends more than it said: nothing of this answer can be trusted."""
        answer, self._answer = self._answer, None
        self._close("")
        if answer is not None:
            answer.deliver(b"".join(self._parts), Ending.BROKEN_OFF, why)
        else:
            self._fail(why)

    def _fail(self, why: str, *, stale: bool = False, status: int = 502) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.errback(Stale(why) if stale else UpstreamFault(status, why))

    def _close(self, why: str) -> None:
        self._lost = True
        transport: Any = self.transport
        transport.abortConnection()

    def abort(self) -> None:
        """Nobody wants the answer any more."""
        self._answer = None
        self._close("")

    def pause(self) -> None:
        """Read nothing for now."""
        if not self._lost and not self._paused:
            self._paused = True
            transport: Any = self.transport
            transport.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        if not self._lost and self._paused:
            self._paused = False
            self._last_octet = self._timer.seconds()
            transport: Any = self.transport
            transport.resumeProducing()

    # --- silence -----------------------------------------------------------------------------------------------------

    def _watch_silence(self) -> None:
        """One timer a connection, moved only when it fires: a request costs none."""
        self._last_octet = self._timer.seconds()
        if self._watch is None or not self._watch.active():
            self._watch = self._timer.callLater(self._silence, self._check_silence)

    def _check_silence(self) -> None:
        if self.usable:
            return
        left = self._last_octet + self._silence - self._timer.seconds()
        if self._paused:
            left = self._silence
        if left > 0:
            self._watch = self._timer.callLater(left, self._check_silence)
            return
        self._give_up(f"upstream {self._name} was silent for {self._silence:g} s (--first-byte-timeout)")

    def _give_up(self, why: str) -> None:
        answer, self._answer = self._answer, None
        self._close(why)
        if answer is not None:
            answer.deliver(b"", Ending.TIMEOUT, why)
        else:
            self._fail(why, status=504)


def _parse_error(error: BaseException) -> str:
    """What llhttp says, or what one of our own checks said behind it."""
    cause = error.__context__
    return str(cause) if isinstance(cause, ValueError) else str(error)
