"""A cassette's documents as recordings. What is wrong with one is said with its line; the others are read.

Invariant: nothing that a file says is built, called or imported, and no file is opened but by the caller's hand
(`beside`), under a name that is a hash. Called by who keeps a cassette, and by the format (`format.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy_daemon.core.cassettes import yaml_text
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.cassettes.llmproxy import messages, patterns, times
from proxy_daemon.core.cassettes.llmproxy.checking import ADVICE, changed
from proxy_daemon.core.cassettes.llmproxy.editing import edited
from proxy_daemon.core.cassettes.llmproxy.splitting import Part, parts
from proxy_daemon.core.cassettes.llmproxy.values import Beside, Damaged, Entry
from proxy_daemon.core.cassettes.llmproxy.writing import is_sealed
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong, flag, line_of, members, text
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Unknown
from proxy_daemon.core.timing import pace_of
from proxy_daemon.core.upstreams import Upstream, parse_upstream

_ABOUT = ("recorded", "upstream", "ending", "detail", "status", "unknown", "pinned", "cut", "redacted", "replayable")
_MEMBERS = frozenset((*_ABOUT, "written", "pace", "edited", "request", "pattern", "answer", "response"))
_TAB = re.compile(rb"[ ]*\t")
_UPSTREAM = 6
_MOST_STATUS = 9999


def read(file: str, data: bytes, beside: Beside, dialects: Sequence[Dialect] = BUILT_IN) -> Iterator[Entry | Damaged]:
    """Every document of the file ``file`` (a name for messages), in order.

    ``beside``: gives the octets of a file beside the cassette, or raises OSError. Raises `Unreadable` where the whole
    file cannot be read.
    """
    for part in parts(file, data):
        yield read_part(part, data[part.start : part.end], beside, dialects)


def read_part(part: Part, document: bytes, beside: Beside, dialects: Sequence[Dialect]) -> Entry | Damaged:
    """One of a file's parts, whose octets are ``document``."""
    if part.fault:
        return Damaged(part.start, part.end, part.line + document.count(b"\n", 0, part.at), part.fault)
    try:
        document = _unix(document)
        found = yaml_text.load(document, strict=True)
        return _read(part, document, members(found, _MEMBERS), beside, dialects)
    except yaml_text.NotYaml as error:
        line = max(error.line - 1, 0)
        reason = _said(error.reason, document.split(b"\n")[line : line + 1])
    except Wrong as error:
        line = line_of(document, error.path)
        reason = f"{'.'.join(error.path)}: {error.reason}" if error.path else error.reason
    return Damaged(part.start, part.end, part.line + line, reason)


def _said(reason: str, lines: list[bytes]) -> str:
    if lines and _TAB.match(lines[0]):
        return "a tab where blanks are wanted: YAML is indented with blanks"
    return f"no YAML: {reason}"


def _unix(document: bytes) -> bytes:
    """As it was written, where a checkout has made each line end CR LF: a document holds no CR of its own."""
    if b"\r" not in document:
        return document
    if document.count(b"\r\n") == document.count(b"\n") == document.count(b"\r"):
        return document.replace(b"\r\n", b"\n")
    raise Wrong("line ends of two kinds: write LF everywhere (a line `*.yaml text eol=lf` in .gitattributes)")


def _read(part: Part, document: bytes, found: Mapping[str, Any], beside: Beside, dialects: Sequence[Dialect]) -> Entry:
    recording = _recording(found, beside, dialects)
    answer = found.get("answer")
    if "answer" in found and not isinstance(answer, dict):
        raise Wrong("no mapping", "answer")
    is_edited = flag(found, "edited")
    if is_edited:
        recording = edited(recording, answer, dialects)
    entry = Entry(recording, is_edited, part.start, part.end, part.line, sealed=is_sealed(document), answer=answer)
    path = () if entry.sealed else changed(entry, dialects)
    if path:
        raise Wrong(ADVICE, *path)
    return entry


def _recording(found: Mapping[str, Any], beside: Beside, dialects: Sequence[Dialect]) -> Recording:
    request = messages.read_request(found.get("request"), beside)
    response = messages.read_response(found.get("response"), beside)
    started, head, end = times.read_recorded(text(found, "recorded")) if "recorded" in found else (0.0, 0, 0)
    status = found.get("status", response.head.status if response else 0)
    if type(status) is not int or not 0 <= status <= _MOST_STATUS:
        raise Wrong("no status", "status")
    recording = Recording(
        id=0,
        request=request,
        response=response,
        upstream=_upstream(found.get("upstream")),
        ending=_ending(text(found, "ending", Ending.COMPLETE.value)),
        outcome=Outcome.LIVE,
        started=started,
        status=status,
        detail=text(found, "detail"),
        head_time=head,
        duration=end,
        model=_model(recognise(request, dialects), request),
        replayable=flag(found, "replayable", default=True),
        pinned=flag(found, "pinned"),
        cut=flag(found, "cut"),
        redacted=flag(found, "redacted"),
        written=flag(found, "written"),
        pace=_pace(found.get("pace", 0)),
        unknown=_unknown(text(found, "unknown")),
        pattern=patterns.read(found.get("pattern"), beside),
    )
    return _fitting(recording)


def _model(dialect: Dialect, request: Request) -> str:
    """A plugin's dialect may raise anything."""
    try:
        return dialect.model(request)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        raise Wrong(f"the dialect {dialect.name} failed with {type(error).__name__}", "request") from None


def _fitting(recording: Recording) -> Recording:
    """The same, if its pieces are those of its body. Raises `Wrong`."""
    response = recording.response
    if response is None or recording.cut or not response.pieces.sizes:
        return recording
    told, there = sum(response.pieces.sizes), response.body.size
    if told != there:
        raise Wrong(
            f"the pieces have {told} octets, the body has {there}: it was changed or cut off", "response", "pieces"
        )
    return recording


def _pace(value: Any) -> float:
    try:
        return pace_of(value)
    except ValueError as error:
        raise Wrong(str(error), "pace") from None


def _ending(word: str) -> Ending:
    try:
        return Ending(word)
    except ValueError:
        raise Wrong(f"no ending: there are {', '.join(Ending)}", "ending") from None


def _unknown(line: str) -> frozenset[Unknown]:
    words = frozenset(line.split(", ")) if line else frozenset()
    found = frozenset(each for each in Unknown if each.name.lower() in words)
    if len(found) != len(words):
        raise Wrong(f"there are {', '.join(each.name.lower() for each in Unknown)}", "unknown")
    return found


def _upstream(value: Any) -> Upstream:
    """Name and base URL, or all parts in a list."""
    if value is None:
        return NOWHERE
    if isinstance(value, str):
        try:
            return parse_upstream(value.replace(" ", "=", 1))
        except ValueError:
            raise Wrong("no name and base URL such as openai https://api.openai.com/v1", "upstream") from None
    if not isinstance(value, list) or len(value) != _UPSTREAM or not all(type(each) is str for each in value):
        raise Wrong("no name and base URL such as openai https://api.openai.com/v1", "upstream")
    if re.fullmatch(r"[0-9]{1,5}", value[4], re.ASCII) is None:
        raise Wrong("no port", "upstream")
    name, url, scheme, host, port, base = value
    return Upstream(name, url, scheme, host, int(port), base)
