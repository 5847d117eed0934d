"""The requests that a recording answers where these are more than one: values only.

Matched by `core/matching/patterns/patterns.py`; kept with the recording (`store/codec.py`).
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Pattern:
    """What a request must be like. A member that is empty asks for nothing.

    ``path``: percent-decoded; `*` stands for any octets of one segment, `**` for any.
    ``query``: parameters that must be there with these values, percent-decoded; `*` as above.
    ``body``: JSON; each member and element in it must be in the request's body; a string `*` in it, or in a part of a
    string, stands for any text (`wild` is what stands for it instead, such as `**REDACTED**`).
    ``whole``: the body must have nothing besides.
    """

    method: str = ""
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    wild: tuple[str, ...] = ()
    whole: bool = False
