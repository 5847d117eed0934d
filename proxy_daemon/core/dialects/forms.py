"""What stands in a request's form (RFC 7578): the fields, and what is known of its files.

For the dialects that take sounds and images. What cannot be read is not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy_daemon.core.conversation import Media
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.wire import Malformed
from proxy_daemon.core.wire.multipart import MultipartReader, Part, boundary_of

LONGEST_FIELD = 1024 * 1024  # octets of a value that is read as text


def is_form(request: Request) -> bool:
    """Whether the body says that it is a form."""
    return request.headers.get(b"content-type").lstrip().lower().startswith(b"multipart/form-data")


def field(request: Request, name: str) -> str:
    """The first value under that name: of a form, or of a JSON object; empty where there is none that is text."""
    if not is_form(request):
        found = request.body_field(name)
        return found if isinstance(found, str) else ""
    for part in parts(request):
        if part.name == name and not part.filename and len(part.data) <= LONGEST_FIELD:
            return part.data.decode("utf-8", "replace").strip()
    return ""


def flag(request: Request, name: str) -> bool | None:
    """Whether yes or no is said under that name; None: neither."""
    if not is_form(request):
        found = request.body_field(name)
        return found if isinstance(found, bool) else None
    return {"true": True, "1": True, "false": False, "0": False}.get(field(request, name).lower())


def files(request: Request, kind: str) -> tuple[Media, ...]:
    """The files of a form, in their order; ``kind`` of each."""
    found = parts(request) if is_form(request) else ()
    return tuple(Media(kind, part.content_type, size=len(part.data)) for part in found if part.filename)


def parts(request: Request) -> Iterator[Part]:
    """Those of a form, as far as they can be read, within the limit of what is parsed at all."""
    reader = MultipartReader(boundary_of(request.headers.get(b"content-type")))
    try:
        yield from _found(reader.feed(request.body.read(0, JSON_LIMIT)))
        yield from _found(reader.end())
    except Malformed:
        return


def _found(items: object) -> Iterator[Part]:
    return (item for item in items if isinstance(item, Part))  # type: ignore[attr-defined]
