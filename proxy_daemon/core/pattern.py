"""The requests that a recording answers where these are more than one: values only.

Matched by `core/matching/patterns/patterns.py`; kept with the recording (`store/codec.py`).
"""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from proxy_daemon.core.conversation import Message

ANY_TEXT = "{{*}}"  # in a written text: stands for any text. `\\{{*}}` is these signs themselves


@frozen
class Said:
    """A conversation that a request must hold, in the words of whatever API it is asked in.

    ``messages``: those of the request, in order; `ANY_TEXT` in a text stands for any. System messages count only where
    one is written here. ``tail``: only the last of the request's messages are compared, as many as there are here.
    ``anything``: any request for a chat's answer; asked after all others.
    ``api``: the dialect in whose words ``parameters`` are; empty: any. ``parameters``: (member of the request's body,
    its JSON) that must be there with these values; "model" is compared in each dialect, `ANY_TEXT` holds there too.
    ``read``: what whoever compares it has made of it, once (`matching/patterns/said.py`); no part of the value.
    """

    messages: tuple[Message, ...] = ()
    tail: bool = False
    anything: bool = False
    api: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    read: Any = field(default=None, init=False, eq=False, repr=False)


@frozen
class Pattern:
    """What a request must be like. A member that is empty asks for nothing.

    ``path``: percent-decoded; `*` stands for any octets of one segment, `**` for any.
    ``query``: parameters that must be there with these values, percent-decoded; `*` as above.
    ``body``: JSON; each member and element in it must be in the request's body; a string `*` in it, or in a part of a
    string, stands for any text (`wild` is what stands for it instead, such as `**REDACTED**`).
    ``whole``: the body must have nothing besides. ``said``: what a request of any API must say.
    ``alone``: the query must have nothing besides. ``leading``: what a list of the body has besides stands behind what
    is said here; else it may stand anywhere.
    """

    method: str = ""
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    wild: tuple[str, ...] = ()
    whole: bool = False
    said: Said | None = None
    alone: bool = False
    leading: bool = False
