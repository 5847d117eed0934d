"""Reads an answer from its octets: undoes the content coding, finds the framing, and lets the dialect put it together.

What cannot be read is a `problem`, in words, beside what could be read before: no body makes it raise, and no dialect,
not even a plugin's. Called by whoever records, shows, compares or checks answers; recordings of other tools are read by
it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.dialects import framing
from proxy_daemon.core.dialects.contents import Content, content_for
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Request, Response, ResponseHead
from proxy_daemon.core.wire import LONGEST_ITEM, Malformed
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.json_text import NotJSON
from proxy_daemon.core.wire.uncoding import Uncoder


class AnswerReader:
    """Reads one answer as its octets come. ``limit``: most octets that are read, counted decoded."""

    def __init__(self, dialect: Dialect, request: Request, head: ResponseHead, *, limit: int = LONGEST_ITEM) -> None:
        self._dialect, self._request, self._head = dialect, request, head
        self._uncoder = Uncoder(b",".join(head.headers.all(b"content-encoding")), limit)
        self._first = b""  # decoded octets, while the framing is not known
        self._content: Content | None = None
        self._ended = False
        self._fault = ""  # behind it nothing can be read

    @property
    def problem(self) -> str:
        """What could not be read, as "not decodable: reason"; empty for nothing."""
        reason = self._fault or (self._content.problem if self._content else "")
        return f"not decodable: {reason}" if reason else ""

    @property
    def as_it_is(self) -> bool:
        """Whether the answer is the body itself, words or octets, in which the dialect has found nothing of its own."""
        return self._content is not None and self._content.as_it_is

    def feed(self, octets: bytes) -> None:
        """The next octets of the body as they are on the wire."""
        if not self._fault:
            with self._noting():
                self._take(self._uncoder.piece(octets))

    def end(self) -> None:
        """The body has ended. What stands before a cut is taken too."""
        if self._ended or self._fault:
            return
        self._ended = True
        with self._noting():
            self._take(self._uncoder.end())
        with self._noting():
            self._begin()
        with self._noting():
            if self._content is not None:
                self._content.end()

    def answer(self) -> Answer:
        """What there is by now. May be called at any time, and more than once."""
        answer = Answer(complete=self._ended and self._content is None)
        with self._noting():
            answer = _checked(self._content.answer()) if self._content else answer
        return evolve(answer, complete=False) if self._fault and answer.complete else answer

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except (CodingError, Malformed, NotJSON) as error:
            self._fault = self._fault or str(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's dialect may raise anything)
            # Its name only: what it says may quote the answer.
            self._fault = self._fault or f"the dialect {self._dialect.name} failed with {type(error).__name__}"

    def _take(self, data: bytes) -> None:
        if self._content is not None:
            self._content.feed(data)
            return
        self._first += data
        if framing.tells(self._first):
            self._begin()

    def _begin(self) -> None:
        """With the first octets, if there are any: they tell the framing."""
        if self._content is None and self._first:
            self._content = content_for(self._dialect, self._request, self._head, self._first)
            self._content.feed(self._first)
            self._first = b""


def _checked(answer: object) -> Answer:
    """A plugin's dialect may give anything. Raises TypeError."""
    if not isinstance(answer, Answer):
        raise TypeError(f"{type(answer).__name__} is no Answer")
    return answer


def read_answer(
    dialect: Dialect, request: Request, response: Response, *, limit: int = LONGEST_ITEM
) -> tuple[Answer, str]:
    """The answer that ``response`` holds, and `AnswerReader.problem`."""
    reader = read_whole(dialect, request, response, limit=limit)
    return reader.answer(), reader.problem


def read_whole(dialect: Dialect, request: Request, response: Response, *, limit: int = LONGEST_ITEM) -> AnswerReader:
    """A reader that has read all of ``response``."""
    reader = AnswerReader(dialect, request, response.head, limit=limit)
    for piece in chunks(response.body):
        reader.feed(piece)
    reader.end()
    return reader
