"""Talks in Markdown, as people write them, `llmproxy export` does, and rechat did: read as recordings.

Invariant: each answer of a file is one recording that says which requests it answers (`Pattern.said`); a file that
cannot be understood is `Unreadable`, with its line and the reason. docs/scripting.md is what it reads. Called by
`cassettes/formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve

from proxy_daemon.core.cassettes import MOST, Skipped, Unreadable, is_talk
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.conversation import (
    Message,
    Text,
)
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.messages import Ending, Outcome, Recording, Unknown
from proxy_daemon.core.pattern import ANY_TEXT, Pattern, Said
from proxy_daemon.core.talk.carrying import (
    ERRORS,
    NAMES,
    Carried,
    Unsaid,
    Wanted,
    carried,
    choice,
)
from proxy_daemon.core.talk.documents import Document, documents
from proxy_daemon.core.talk.front_matter import Front, front_of
from proxy_daemon.core.talk.headings import ROLES
from proxy_daemon.core.talk.quoting import literal_json, literal_part
from proxy_daemon.core.talk.talks import Budget, Turn, turns
from proxy_daemon.core.talk.wrong import Wrong
from proxy_daemon.core.wire.json_text import parse, write

BOM = b"\xef\xbb\xbf"
NEVER_COMPARED = frozenset(("stream", "stream_options"))
UNKNOWN = frozenset(
    (Unknown.TIME, Unknown.DURATION, Unknown.PIECES, Unknown.HOST, Unknown.REQUEST_HEADERS, Unknown.REQUEST_OCTETS)
)
_HEADING = re.compile(rb"^(?:### (?:%b)\b|## interaction:)" % "|".join(ROLES).encode(), re.MULTILINE | re.IGNORECASE)
_BEGINNING = re.compile(rb"\s*+(?:###? |# |---\s|<!--)")
_VOLATILE = {each.name: frozenset(path for path in each.volatile if "." not in path) for each in BUILT_IN}
_CHAT = "openai-chat"
_UNSAID = (
    "rechat wrote None: the answer was a call of a tool, which it leaves out; write the call, or words, in its place"
)


class Markdown:
    """The format."""

    name = "markdown"

    def recognises(self, file: str, data: bytes) -> bool:
        """By its name, so that what is wrong is told with its line; or by a heading of a role at the beginning.

        Front matter, titles and comments may stand before that.
        """
        if is_talk(file) and data:
            return True
        begins = _BEGINNING.match(data, len(BOM) if data.startswith(BOM) else 0)
        return begins is not None and _HEADING.search(data) is not None

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """A recording for each answer. Raises `Unreadable`: nothing is given of a file that is wrong at its end."""
        if len(data) > MOST:
            raise Unreadable(file, f"larger than {MOST} octets")
        try:
            budget = Budget()
            read = [recording for each in _answering(data) for recording in _recordings(each, budget)]
        except Wrong as error:
            raise Unreadable(f"{file}:{error.line}", error.reason) from None
        for entry, each in enumerate(read):
            yield each if isinstance(each, Recording) else Skipped(entry, each)


def _answering(data: bytes) -> list[Document]:
    """The documents of a file. Raises `Wrong`, also where they have no answer."""
    found = documents(lines_of(data))
    if not any(each.role in ("assistant", "model") for one in found for each in one.sections):
        raise Wrong(1, "no answer: write '### assistant' behind a message")
    return found


def lines_of(data: bytes) -> list[str]:
    """The lines of a file, whatever ends them. Raises `Wrong`."""
    try:
        text = data.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise Wrong(data.count(b"\n", 0, error.start) + 1, "not UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _recordings(document: Document, budget: Budget) -> Iterator[Recording | str]:
    """Its answers, or why one cannot be served. Raises `Wrong`."""
    front = front_of(document.front, document.line, dumped=document.dumped)
    if front.api and front.api not in NAMES:
        raise Wrong(document.line, f"api: no dialect of that name; there are {', '.join(sorted(NAMES))}")
    for turn in turns(document, front, budget):
        yield f"line {turn.line}: {_UNSAID}" if turn.unsaid else _recording(front, turn)


def _recording(front: Front, turn: Turn) -> Recording:
    """One answer and what it answers. Raises `Wrong`."""
    try:
        found = _carried(front, turn)
    except Unsaid as error:
        raise Wrong(turn.line, str(error)) from None
    return recording(found, Said(*_asked(front, turn)), front, f"line {turn.line}")


def recording(found: Carried, said: Said, front: Front, detail: str) -> Recording:
    """An answer that a person wrote."""
    return Recording(
        id=0,
        request=found.request,
        response=found.response,
        upstream=NOWHERE,
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=0.0,
        model=front.model,
        status=found.response.head.status,
        detail=detail,
        unknown=UNKNOWN,
        pattern=Pattern(said=said),
        written=True,
        pace=front.pace,
    )


def _asked(front: Front, turn: Turn) -> tuple[tuple[Message, ...], bool, bool, str, tuple[tuple[str, str], ...]]:
    """The members of `Said`."""
    return turn.prompt, front.tail, turn.anything, front.api, compared(front)


def compared(front: Front) -> tuple[tuple[str, str], ...]:
    """The parameters that a request must have."""
    volatile = NEVER_COMPARED | _VOLATILE[front.api or _CHAT]
    model = {"model": front.model} if front.model and front.model != ANY_TEXT else {}
    named = model | {name: value for name, value in front.parameters.items() if name not in volatile}
    return tuple((name, write(value).decode()) for name, value in named.items() if value is not None)


def _carried(front: Front, turn: Turn) -> Carried:
    """Raises `Unsaid`, `Wrong`."""
    choices = [tuple(map(literal_part, each)) for each in turn.choices]
    finishes = (*front.finish, *[""] * len(choices))
    wanted = Wanted(
        tuple(choice(each, finish) for each, finish in zip(choices, finishes, strict=False)),
        "".join(part.text for part in choices[0] if isinstance(part, Text)),
    )
    if front.status >= ERRORS and any(not isinstance(part, Text) for part in choices[0]):
        raise Wrong(turn.line, "an error has words only")
    messages = literal_messages(turn.prompt)
    model = "" if ANY_TEXT in front.model else front.model
    parameters = _literal_parameters(front.parameters)
    return carried(messages, evolve(front, model=model, parameters=parameters), wanted)


def literal_messages(messages: Iterable[Message]) -> list[Message]:
    r"""With `\{{*}}` as the signs themselves."""
    return [Message(each.role, tuple(map(literal_part, each.parts))) for each in messages]


def _literal_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = parse(literal_json(write(parameters).decode()).encode())
    return found
