"""Recordings written in a format and read again: in which of their facts the two differ. For tests over the corpus.

A fact of a recording is compared with that of its copy after both were adopted, as an import does it.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

import recorded
from attrs import evolve, frozen

from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.cassettes.foreign_text import WrittenEntry, plain_body
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.llmproxy import read as read_ours
from proxy_daemon.core.conversation import Media, Text, Vector
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.inspecting.opened import Opened, opened
from proxy_daemon.core.messages import Recording, Unknown
from proxy_daemon.core.redacted_parts import redacted_parts
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.json_text import NotJSON, parse

MOST = 1 << 30
ADOPTER = Adopter(record_errors=True, record_broken=True)
_FRAMING = (b"content-length", b"transfer-encoding")


@frozen
class Copied:
    """A recording of the corpus, what a writer made of it, and its copy; None where it was left out.

    ``differs``: in which facts, where there is a copy.
    """

    place: str
    recording: Recording
    entry: WrittenEntry
    copy: Recording | None
    differs: tuple[str, ...]


@lru_cache(maxsize=1)
def adopted():
    """[(file's name, its recordings as they are imported)] of the whole corpus."""
    return [(file.name, [one for each in file.entries if (one := _adopted(each))]) for file in recorded.files()]


def _adopted(found):
    try:
        return ADOPTER.adopt(found)[0]
    except NotOurs:
        return None


def copies(writer):
    """`Copied` of each recording of the corpus: a file of this format for each file, or for each recording."""
    for name, recordings in adopted():
        entries = [writer.entry(one) for one in recordings]
        found = iter(list(_read_again(writer, [one for one in entries if one.text])))
        for at, (recording, entry) in enumerate(zip(recordings, entries, strict=True)):
            copy = next(found) if entry.text else None
            differs = differences(recording, copy, said=writer.name == "markdown") if copy else ()
            yield Copied(f"{name}#{at}", recording, entry, copy, tuple(differs))
        assert next(found, None) is None, f"{name}: more is read than was written"


def _read_again(writer, entries):
    groups = [[one] for one in entries] if writer.single else [entries] if entries else []
    for group in groups:
        text = writer.head + writer.between.join(one.text for one in group) + writer.tail
        files = {name: octets for one in group for name, octets in one.files.items()}
        yield from map(_adopted, _read(writer, text, files))


def _read(writer, text, files):
    if writer.name != "llmproxy":
        return read(f"copy{writer.suffix}", text)
    return [entry.recording for entry in read_ours("copy.yaml", text, files.__getitem__, BUILT_IN)]


# --- facts -----------------------------------------------------------------------------------------------------------


def _octets(body):
    return b"".join(chunks(body))


def _decoded(response):
    try:
        return plain_body(response, MOST)
    except CodingError:
        return _octets(response.body)


def _fields(headers):
    """In any order, names in any case, without framing and what of a connection is."""
    return sorted((name.lower(), value) for name, value in headers.end_to_end().without(_FRAMING).pairs)


def _order(headers):
    return [name for name, _ in headers.end_to_end().without(_FRAMING).pairs]


def meaning(data):
    """Of JSON its value, numbers by their text; of the rest the octets."""
    try:
        return parse(data)
    except NotJSON:
        return data


FACTS: dict[str, Callable[[Recording], object]] = {
    "method": lambda one: one.request.method,
    "target": lambda one: one.request.target,
    "host": lambda one: (one.upstream.scheme, one.upstream.authority),
    "request fields": lambda one: _fields(one.request.headers),
    "order of request fields": lambda one: _order(one.request.headers),
    "request body": lambda one: _octets(one.request.body),
    "request body's value": lambda one: meaning(_octets(one.request.body)),
    "status": lambda one: one.response.head.status,
    "reason": lambda one: one.response.head.reason,
    "fields": lambda one: _fields(one.response.head.headers),
    "order of fields": lambda one: _order(one.response.head.headers),
    "body": lambda one: _octets(one.response.body),
    "decoded body": lambda one: _decoded(one.response),
    "decoded body's value": lambda one: meaning(_decoded(one.response)),
    "trailers": lambda one: one.response.trailers.pairs,
    "pieces": lambda one: list(one.response.pieces.sizes),
    "times of pieces": lambda one: list(one.response.pieces.times),
    "ending": lambda one: one.ending,
    "time": lambda one: one.started if Unknown.TIME not in one.unknown else None,
    "time of the head": lambda one: one.head_time,
    "duration": lambda one: one.duration,
    "found by": lambda one: one.fingerprint,
    # The placeholder of a secret, which the copy holds too, stands for any value to who reads it.
    "pattern": lambda one: one.pattern or redacted_parts(one.request, one.request),
    "served again": lambda one: one.replayable,
}


def _parts(parts):
    """Without empty texts, and what a reader makes out of octets."""
    kept = [part for part in parts if part != Text("")]
    kept = [evolve(part, media_type="", size=0) if isinstance(part, Media) else part for part in kept]
    return [repr(part) if isinstance(part, Vector) else part for part in kept]  # what is no number equals nothing


def _joined(messages):
    """Some APIs have a message for each result of a tool, others one for all."""
    groups = groupby(messages, key=lambda message: message.role)
    return [(role, [part for each in group for part in _parts(each.parts)]) for role, group in groups]


def _of_choices(fact):
    return lambda one: one.answer and [fact(choice) for choice in one.answer.choices]


# What is said, as the dialects read it: for a format that holds no more than that.
MEANINGS: dict[str, Callable[[Opened], object]] = {
    "question": lambda one: _joined(one.conversation.messages),
    "tools": lambda one: one.conversation.tools,
    "model": lambda one: one.model,
    "answer": _of_choices(lambda choice: _parts(choice.parts)),
    "why it ended": _of_choices(lambda choice: (choice.finish, choice.said, choice.stopped_by)),
    "usage": lambda one: one.answer and one.answer.usage,
    "error": lambda one: one.answer and one.answer.error,
}
MORE, LESS = "more is unknown", "less is unknown"


def differences(one, other, *, said=False):
    """Names of the facts in which they differ. ``said``: also of those that are said."""
    found = [name for name, fact in FACTS.items() if fact(one) != fact(other)]
    if said:
        ours, others = opened(one), opened(other)
        found += [name for name, fact in MEANINGS.items() if fact(ours) != fact(others)]
    more, less = _unknown(other) - _unknown(one), _unknown(one) - _unknown(other)
    # Octets that are the same, though the file does not tell that they are, are no loss.
    more -= {octets for octets, fact in _OCTETS.items() if fact not in found}
    return found + [MORE] * bool(more) + [LESS] * bool(less)


_OCTETS = {Unknown.REQUEST_OCTETS: "request body", Unknown.RESPONSE_OCTETS: "body"}


def _unknown(recording):
    """Pieces are facts of their own."""
    return recording.unknown - {Unknown.PIECES, Unknown.PIECE_TIMES}
