"""The corpus as `corpus.py` reads it, with what that leaves out: traces of httprr, and streams without a request.

Read apart from the product's own readers, so that what is served can be held to what the files say.
"""

import bz2
import csv
import gzip
import re
from itertools import groupby

import corpus
from attrs import evolve, frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

_PLACEHOLDER = re.compile(rb"\A<[A-Z_]+>(?=/)")
_PACKED = {b"\x1f\x8b": gzip.decompress, b"BZ": bz2.decompress}
NO_HTTP = ("pydantic-websocket-yaml", "pydantic-grpc-yaml")
ASKED = Request(b"POST", b"/v1/chat/completions", Headers(), Bytes(b'{"stream": true}'))  # of files without a request


@frozen(eq=False)
class File:
    """One file of the corpus. ``count``: interactions by its index; ``interactions``: those with a request."""

    name: str
    format: str
    count: int
    interactions: tuple[corpus.Interaction, ...]

    @property
    def path(self):
        """Where it lies."""
        return corpus.HOME / self.name


def files():
    """All of them, in the order of the index."""
    found = {name: tuple(each) for name, each in groupby(corpus.interactions(), key=lambda one: one.file)}
    for row in rows():
        name, form = row["file"], row["format"]
        given = READ[form](name) if form in READ else found.get(name, ())
        yield File(name, form, int(row["n_interactions"]), tuple(map(_addressed, given)))


def _addressed(one):
    """Where a recorder has put a placeholder for scheme and host, a client asks for what stands behind it."""
    target = _PLACEHOLDER.sub(b"", one.request.target)
    return one if target == one.request.target else evolve(one, request=evolve(one.request, target=target))


def rows():
    """The index."""
    with (corpus.HOME / "INDEX.csv").open() as index:
        return list(csv.DictReader(index))


def _traces(name):
    """httprr: a line with two sizes, the octets of a request and those of its answer; again and again."""
    data = (corpus.HOME / name).read_bytes()
    rest, index = _PACKED.get(data[:2], bytes)(data).partition(b"\n")[2], 0
    while rest:
        sizes, _, rest = rest.partition(b"\n")
        asked, said = map(int, sizes.split())
        yield _interaction(name, index, rest[:asked], rest[asked : asked + said])
        rest, index = rest[asked + said :], index + 1


def _interaction(name, index, asked, said):
    (method, url, _), fields, body = _message(asked)
    scheme, _, rest = url.partition(b"://")
    host, slash, target = rest.partition(b"/")
    (_, status, _), answered, answer = _message(said)
    request = Request(method, slash + target or b"/", fields, Bytes(body))
    response = Response(ResponseHead(int(status), b"", answered), Bytes(answer))
    return corpus.Interaction(name, index, f"{scheme.decode()}://{host.decode()}", request, response)


def _message(data):
    """(the three parts of its first line, fields, body without its chunks)."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = [line.strip(b"\r") for line in head.split(b"\n")]
    pairs = [line.partition(b":") for line in lines if line]
    fields = Headers([(name.strip(), value.strip()) for name, _, value in pairs])
    if b"chunked" in fields.get(b"transfer-encoding").lower():
        body = b"".join(_chunks(body))
    return [*first.split(b" ", 2), b""][:3], fields, body


def _chunks(data):
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        yield data[:length]
        data = data[length + 2 :] if length else b""


def _stream(name):
    """All of the file is the answer."""
    yield _answer(name, (corpus.HOME / name).read_bytes())


def _stream_of_lines(name):
    """Each line is what an event says."""
    lines = (corpus.HOME / name).read_bytes().splitlines()
    yield _answer(name, b"".join(b"data: %b\n\n" % line.strip() for line in lines if line.strip()))


def _answer(name, body):
    """Such files have no status: a stream of events has 200."""
    return corpus.Interaction(name, 0, "", ASKED, Response(ResponseHead(200), Bytes(body)))


READ = {"httprr": _traces, "raw-sse": _stream, "sse-data-lines-txt": _stream_of_lines}
