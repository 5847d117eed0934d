"""The octets of answers that stream, as clients get them, for a page that may be opened in the midst of one.

Invariant: bounded for each answer and for all together; they are not looked into before somebody asks. Fed by
`plugins/live.py`, read by `living/watching.py`.
"""

from __future__ import annotations

from attrs import define, field

from proxy_daemon.core.messages import Exchange, ResponseHead

MOST_OF_ONE = 2 * 1024 * 1024  # octets
MOST_OF_ALL = 32 * 1024 * 1024
OF_A_PIECE = 64  # octets that a piece takes besides its own
STEP = 4 * 1024  # octets by which room is taken
TOO_MUCH = "this answer is longer than what is kept of one under way: it is shown when it has ended"
TOO_SLOW = "it takes too long to show this answer while it is under way: it is shown when it has ended"
GONE = "nobody watched: this answer is shown when it has ended"


@define
class Room:
    """What all of them have taken together, in steps."""

    taken: int = 0


@define(eq=False)
class Kept:
    """One answer. ``pieces``: those that nobody has read; ``problem``: why there is nothing to read any more.

    ``size``: what they take; ``reserved``: what of the room is for them, until all are read.
    """

    exchange: Exchange
    head: ResponseHead
    room: Room
    pieces: list[bytes] = field(factory=list)
    size: int = 0
    reserved: int = 0
    problem: str = ""

    def piece(self, data: bytes) -> None:
        """The next octets of the body. Called for each event of each stream while somebody follows."""
        self.size += len(data) + OF_A_PIECE
        if self.size > self.reserved and not self._reserve():
            return
        self.pieces.append(data)

    def _reserve(self) -> bool:
        """Take more of the room; where there is none, keep nothing."""
        if self.problem:
            self.size = 0
            return False
        self._take_of_room(self.size - self.size % STEP + STEP)
        if self.size > MOST_OF_ONE or self.room.taken > MOST_OF_ALL:
            self.close(TOO_MUCH)
            return False
        return True

    def end(self) -> None:
        """The body is over: the exchange will say so itself."""

    def take(self, most: int) -> bytes:
        """The next octets, whole pieces, with which ``most`` is reached; they are not kept any longer."""
        size = count = 0
        while count < len(self.pieces) and size < most:
            size += len(self.pieces[count])
            count += 1
        data = b"".join(self.pieces[:count])
        del self.pieces[:count]
        self.size -= size + count * OF_A_PIECE
        if not self.size:
            self._take_of_room(0)
        return data

    def close(self, problem: str = "") -> None:
        """Keep nothing of it any longer, and take no more."""
        self.problem = problem or self.problem or GONE
        self.pieces, self.size = [], 0
        self._take_of_room(0)

    def _take_of_room(self, size: int) -> None:
        self.room.taken += size - self.reserved
        self.reserved = size
