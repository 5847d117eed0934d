"""Go's httprr: `httprr trace v1`, then requests and answers as they stood on the wire, each pair behind its two sizes.

Files may be packed with gzip. Go writes both messages anew: their chunks are its own, not the pieces that arrived.
Source: https://pkg.go.dev/golang.org/x/oscar/internal/httprr ("The trace file").
Called by `formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from attrs import evolve

from proxy_daemon.core.cassettes import MOST, Skipped, Unreadable, raw_http
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.packed import NotUnpacked, beginning, unpacked
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Recording

_FIRST = b"httprr trace v1\n"
_SIZES = re.compile(rb"([0-9]{1,12}) ([0-9]{1,12})\n")
_LONGEST_SIZES = 26  # octets: of a line with two of them
_PART_OF_SIZES = re.compile(rb"[0-9]{0,12}(?: [0-9]{0,12})?\Z")


class Httprr:
    """The format."""

    name = "httprr"

    def recognises(self, file: str, data: bytes) -> bool:
        """By its first line, packed or not."""
        return beginning(data, len(_FIRST)) == _FIRST

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All exchanges; the last one of a file that is cut off is `Skipped`. Raises `Unreadable`."""
        try:
            data = unpacked(data)
        except NotUnpacked as error:
            raise Unreadable(file, str(error)) from None
        return self.stream(file, BytesIO(data))

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`, of what is unpacked."""
        source.read(len(_FIRST))
        entry = 0
        while line := source.readline(_LONGEST_SIZES):
            sizes = _SIZES.match(line)
            if not sizes:
                yield _cut(file, line, source.read(1), entry)
                return
            sent, received = int(sizes[1]), int(sizes[2])
            data = source.read(min(sent + received, MOST + 1))
            if len(data) > MOST:
                raise Unreadable(file, f"larger than {MOST} octets", entry)
            if missing := sent + received - len(data):
                yield Skipped(entry, f"cut off: {missing} of its octets are missing")
                return
            yield _exchange(data[:sent], data[sent:], entry)
            entry += 1


def _cut(file: str, line: bytes, behind: bytes, entry: int) -> Skipped:
    """What stands where two sizes should be."""
    if not behind and _PART_OF_SIZES.match(line):
        return Skipped(entry, "cut off: its sizes are not whole")
    raise Unreadable(file, "the sizes of a request and its answer should stand here", entry)


def _exchange(sent: bytes, received: bytes, entry: int) -> Recording | Skipped:
    try:
        request = raw_http.request(sent)
        return _recording(request, raw_http.response(received, bodiless=request.method == b"HEAD"))
    except (raw_http.NotHttp, Broken) as error:
        return Skipped(entry, str(error))


def _recording(request: raw_http.RawRequest, response: raw_http.RawResponse) -> Recording:
    found = recording(
        Said(
            method=request.method.decode("ascii"),
            url=request.url,
            status=response.status,
            request_headers=listed(request.headers),
            # Go leaves the length out where it does not know it, so an empty body may be one that was scrubbed.
            request_body=Stored(request.body) if request.body or b"content-length" in request.headers else ABSENT,
            response_headers=listed(response.headers),
            response_body=Stored(response.body),
        )
    )
    assert found.response is not None
    head = evolve(found.response.head, reason=response.reason)
    return evolve(found, response=evolve(found.response, head=head, trailers=response.trailers))


def listed(headers: Headers) -> list[list[bytes]]:
    """The fields as `Said` takes them."""
    return [list(pair) for pair in headers.pairs]
