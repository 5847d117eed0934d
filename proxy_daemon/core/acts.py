"""What people do to exchanges that are recorded, and to the running daemon. Values and a protocol only.

Plugins get it as `Services.acts`; `proxy_daemon/pipeline/acting.py` implements it, `tap.py` puts it in. Called by the
pages of `proxy_daemon/ui/`.
"""

from __future__ import annotations

from typing import Any, Protocol

from attrs import frozen

LONGEST_MARK = 16  # characters
LONGEST_COMMENT = 10_000


class Refused(Exception):
    """An act that was not done. ``status``: that of an HTTP answer which says so; the text says why, for people.

    400 what was given is wrong, 404 there is no such exchange, 409 it cannot be done to this one, 501 the store cannot
    do it, 503 the store could not be written.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@frozen
class Remark:
    """What a person has noted of an exchange; empty where nothing is."""

    mark: str = ""
    comment: str = ""
    pinned: bool = False


@frozen
class Promoted:
    """Where a recording stands in a cassette: `FILE#n`. ``before``: it stood there already, and nothing was written."""

    place: str
    before: bool = False


@frozen
class ModeNow:
    """``mode``: what holds for exchanges that name no cassette; ``configured``: what the settings say."""

    mode: str
    configured: str


class Acts(Protocol):
    """All of them raise `Refused`, and nothing else; what is refused has changed nothing."""

    async def section(self, exchange_id: int) -> dict[str, Any]:
        """What an edit begins with: `answer`, the section that `edit` takes.

        `id` (hexadecimal): whose answer that is; for a hit, the recording that answered. `why_not`: why it cannot be
        edited; empty where it can be.
        """

    async def edit(self, exchange_id: int, section: Any) -> int:
        """Serve another answer from now on. Returns the id of the new recording, which is pinned.

        ``section``: the member `answer` of a cassette's document (docs/cassettes.md), as JSON has it. The exchange
        itself stays as it was on the wire; it is served again once the new recording is deleted.
        """

    async def remark(
        self, exchange_id: int, *, mark: str | None = None, comment: str | None = None, pinned: bool | None = None
    ) -> Remark:
        """Note something of an exchange; None leaves it, an empty text takes it away. Returns what is noted now."""

    async def delete(self, exchange_id: int, *, force: bool = False) -> None:
        """Take it out of the store with all that it holds. One that is pinned only with ``force`` (409)."""

    async def promote(self, exchange_id: int, name: str) -> Promoted:
        """Copy it into the cassette of this name, which is made where there is none."""

    def mode(self) -> ModeNow:
        """The mode that holds now."""

    async def set_mode(self, name: str) -> ModeNow:
        """From the next exchange on, until the daemon stops or another is set. What is under way goes on as it was."""

    def remarks(self, ids: list[int]) -> dict[int, tuple[str, str]]:
        """(mark, comment) of those of these exchanges that have either. Empty where the store keeps none."""
