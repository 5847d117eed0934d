"""What the formats of this folder add to a `Recording`: an answer without its request, and pieces of known size.

Invariant: nothing is made up. Called by the formats that hold such things.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from attrs import evolve

from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.stored_body import Stored
from proxy_daemon.core.messages import Pieces, Recording, Request, Unknown

NO_REQUEST = Request(b"", b"")


def answer(status: Any, headers: Any, body: Stored, unknown: frozenset[Unknown] = frozenset()) -> Recording:
    """Of a file that does not hold the request: it is empty, and `Unknown.REQUEST`. Raises `Broken`."""
    # A method must be said: of POST no answer is without a body for its own sake.
    found = recording(Said("POST", "/", status, response_headers=headers, response_body=body, unknown=unknown))
    return evolve(found, request=NO_REQUEST, unknown=found.unknown | {Unknown.REQUEST})


def with_pieces(found: Recording, sizes: Sequence[int]) -> Recording:
    """With the sizes of the pieces as they arrived; ``found`` has none. When they came stays unknown."""
    assert found.response is not None
    response = evolve(found.response, pieces=Pieces(sizes=array("Q", [size for size in sizes if size])))
    return evolve(found, response=response, unknown=found.unknown - {Unknown.PIECES} | {Unknown.PIECE_TIMES})
