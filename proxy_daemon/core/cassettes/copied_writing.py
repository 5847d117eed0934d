"""One request as a command for curl, or a program for Python: `core/inspecting/copying.py` writes them.

Invariant: what is written sends the octets that were sent, and holds no secret; a body that is too long for an argument
stands in a file beside, which is found from the folder of both. Called as two of `writers.py`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod

from attrs import evolve

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.cassettes.foreign_text import WrittenEntry, left_out
from proxy_daemon.core.cassettes.whole_exchange import ODD_REQUEST, TARGET, address, told
from proxy_daemon.core.inspecting.copying import LONGEST_ARGUMENT, curl, python
from proxy_daemon.core.inspecting.opened import Opened, opened
from proxy_daemon.core.inspecting.sent import Sent, sent
from proxy_daemon.core.messages import Recording, Unknown

ANSWER = "the answer: who sends the request gets another one"
HOST = "the host that was asked: the API's own home stands there"
ONE_FIELD = "header fields of one name apart from each other: they are one field"
PATTERN = "that its answer is one to other requests, too"
NO_TYPE = "that no field says the type of the body: an empty one does"
LOSSES = (ANSWER, HOST, PATTERN, TARGET, ONE_FIELD, NO_TYPE)
_NO_REQUEST = {Unknown.REQUEST, Unknown.REQUEST_BODY}


class _Copied(ABC):
    """What both have in common."""

    single = True
    head = between = tail = empty = b""

    @abstractmethod
    def _text(self, request: Sent) -> str:
        """What sends it."""

    def entry(self, recording: Recording) -> WrittenEntry:
        """The text, and the file that its body stands in. Raises OSError where a body cannot be read."""
        if not recording.unknown.isdisjoint(_NO_REQUEST) or not recording.request.method:
            return left_out("its request is not known")
        if not recording.request.target.startswith(b"/"):
            return left_out(ODD_REQUEST)
        if recording.cut and not recording.request.body.size:
            return left_out("its request is not whole")
        read = opened(evolve(recording, response=None, delivered=None))
        request = sent(read, LONGEST_ARGUMENT)
        files = _beside(read) if request.body is None else {}
        text = self._text(evolve(request, file=next(iter(files), request.file)))
        return WrittenEntry(text.encode("utf-8", "replace"), self._losses(recording), files)

    def _losses(self, recording: Recording) -> list[str]:
        facts = {
            ANSWER: recording.response is not None,
            HOST: recording.upstream.scheme not in ("http", "https"),
            PATTERN: recording.pattern is not None,
            TARGET: TARGET in address(recording).losses,
        }
        return told(facts)


def _beside(read: Opened) -> dict[str, bytes]:
    """The body by the name of a file: the hash of its octets, as beside our own cassettes."""
    data = b"".join(chunks(read.recording.request.body))
    return {f"{hashlib.sha256(data).hexdigest()}.bin": data}


class CurlWriter(_Copied):
    """A command."""

    name = "curl"
    suffix = ".sh"

    def _text(self, request: Sent) -> str:
        return curl(request)


class PythonWriter(_Copied):
    """A program."""

    name = "python"
    suffix = ".py"

    def _text(self, request: Sent) -> str:
        return python(request)

    def _losses(self, recording: Recording) -> list[str]:
        names = [name.lower() for name, _ in recording.request.headers.pairs]
        facts = {
            ONE_FIELD: len(set(names)) < len(names),
            NO_TYPE: bool(recording.request.body.size) and b"content-type" not in names,
        }
        return [*super()._losses(recording), *told(facts)]
