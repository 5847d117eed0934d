"""Images and sounds that are to be written: their octets in base64, and what an answer must have for that.

An answer that was read holds none (`Media.data`): it cannot be written again, unless the image stands behind a URL.
Called by the `render` of the dialects beside this.
"""

from __future__ import annotations

import base64
import re

from proxy_daemon.core.conversation import Choice, Media
from proxy_daemon.core.dialects.dialect import CannotRender

_SUBTYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")  # RFC 6838, section 4.2


def only(choice: Choice, kind: str) -> Media:
    """The one medium of a choice, of the kind wanted. Raises `CannotRender`."""
    found = [part for part in choice.parts if isinstance(part, Media)]
    if len(found) != 1 or found[0].kind != kind:
        raise CannotRender(f"one {kind} is needed, and there are {len(found)} media")
    subtype_of(found[0])
    return found[0]


def alone(choice: Choice, kind: str) -> Media:
    """The same where nothing may stand beside it. Raises `CannotRender`."""
    if len(choice.parts) > 1:
        raise CannotRender(f"there is no place for anything beside the {kind}")
    return only(choice, kind)


def octets_of(medium: Media) -> bytes:
    """Its octets. Raises `CannotRender` where there are none."""
    if not medium.data:
        raise CannotRender(f"the octets of the {medium.kind} are needed: an answer that was read does not hold them")
    return medium.data


def in_base64(medium: Media) -> str:
    """The same as text. Raises `CannotRender`."""
    return base64.b64encode(octets_of(medium)).decode()


def subtype_of(medium: Media) -> str:
    """What its media type says behind "image/" or "audio/"; empty where none is stated. Raises `CannotRender`."""
    stated = medium.media_type
    main, _, subtype = stated.partition("/")
    if stated and (main != medium.kind or _SUBTYPE.fullmatch(subtype) is None):
        raise CannotRender(f"{stated[:100]!r} is no media type of the kind {medium.kind}")
    return subtype
