"""What a filter looks at: one exchange, as lazily as can be.

Invariant: no property raises, and what is not known is empty, 0, False or None. `recorded.py` makes one of a recording;
who has an index makes one of its rows. Asked by `terms.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Subject(Protocol):
    """Bodies are decoded and bounded; header lines are "name: value", as sent."""

    @property
    def url(self) -> str:
        """The whole URL as it was asked of the upstream; the target alone where its host is not known."""

    @property
    def method(self) -> str:
        """GET, POST, ..."""

    @property
    def status(self) -> int:
        """What the client got; 0 for nothing."""

    @property
    def host(self) -> str:
        """The upstream's host, without its port."""

    @property
    def request_lines(self) -> Sequence[bytes]:
        """Header lines of the request."""

    @property
    def response_lines(self) -> Sequence[bytes]:
        """Header lines of the response."""

    @property
    def request_body(self) -> bytes:
        """Decoded."""

    @property
    def response_body(self) -> bytes:
        """Decoded."""

    @property
    def request_types(self) -> Sequence[bytes]:
        """Values of the request's `Content-Type`."""

    @property
    def response_types(self) -> Sequence[bytes]:
        """Values of the response's `Content-Type`."""

    @property
    def has_response(self) -> bool:
        """Whether a response has come."""

    @property
    def error(self) -> str:
        """What went wrong, in words (`recorded.error_of`); empty for nothing."""

    @property
    def model(self) -> str:
        """The model asked for."""

    @property
    def dialect(self) -> str:
        """Its name."""

    @property
    def outcome(self) -> str:
        """One of `core.messages.Outcome`."""

    @property
    def tools(self) -> Sequence[str]:
        """Names of the tools that are called in the answer."""

    @property
    def tokens(self) -> int | None:
        """In total; None: not told."""

    @property
    def seconds(self) -> float | None:
        """How long it took; None: not known."""

    @property
    def session(self) -> str:
        """Whose run it belongs to."""

    @property
    def said(self) -> Sequence[str]:
        """What is new in its words, passage by passage (`said.said_of`). A text is looked for in each by itself."""

    @property
    def mark(self) -> str:
        """By which a person marked it."""

    @property
    def comment(self) -> str:
        """A person's remark."""

    @property
    def pinned(self) -> bool:
        """Whether limits of size and age pass it by."""

    @property
    def edited(self) -> bool:
        """Whether a person wrote its answer."""

    @property
    def cassette(self) -> str:
        """Its name or file."""
