"""The parts of a message as lines under a heading, in a `<blockquote>`: what `parts.py` reads.

Invariant: what is written comes back as it was, but for what is counted in `losses`. Called by `writing.py`.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import define, field

from proxy_daemon.core.conversation import Declined, Media, Message, Other, Part, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.inspecting.inline import is_inline
from proxy_daemon.core.talk import quoting
from proxy_daemon.core.talk.headings import ROLES
from proxy_daemon.core.talk.parts import FAILED, PART, looks_like_python

OPAQUE = "signatures of thoughts, and thoughts that are encrypted"
LARGE_MEDIA = f"images, sounds and files of more than {32 * 1024} characters: their hash is there"
NUMBERS = "numbers in an answer, such as embeddings"
LARGEST = 32 * 1024  # characters of a data URL that is written out
_UNFIT = re.compile(r'[<>"\n\t]')
_RUN = re.compile(r"`{3,}")
_PLAIN_URL = re.compile(r"[\x21\x23-\x25\x27\x2a-\x3b\x3d\x3f-\x5b\x5d-\x7e]+\Z")  # what needs no quoting


@define
class Messages:
    """Writes messages. ``inline``: the octets of media still to come. ``pattern``: `{{*}}` is meant as itself.

    ``losses``: what is not said of them.
    """

    inline: Iterator[bytes | None] = field(factory=lambda: iter(()))
    pattern: bool = True
    losses: dict[str, None] = field(factory=dict)
    _largest: float = field(default=LARGEST, init=False)

    def message(self, message: Message) -> str:
        """Heading and body."""
        parts = self._said(message.parts)
        if message.role == "tool":
            return self._tool(parts)
        role = message.role if message.role in ROLES[:4] else f"message {quoting.word(message.role)}"
        return self.under(role, parts)

    def answer(self, parts: Sequence[Part], number: int, count: int) -> str:
        """One choice of an answer; ``number``: from 1. What is to be served is there whole, however large it is."""
        self._largest = math.inf
        return self.under(f"assistant choice {number}" if count > 1 else "assistant", self._said(parts))

    def under(self, heading: str, parts: Sequence[Part]) -> str:
        """These parts under a heading."""
        items = list(self._items(parts))
        alone = parts[0] if len(parts) == 1 else None
        if isinstance(alone, Text) and looks_like_python(alone.text):
            items.insert(0, PART)
        return _block(heading, items)

    def _tool(self, parts: Sequence[Part]) -> str:
        """The result that stands first is in the heading; the sign of a part says that there is none."""
        if not parts or not isinstance(parts[0], ToolResult):
            return _block("tool", [PART, *self._items(parts)])
        first, words = parts[0], _words(parts[0])
        items = [self._quoted(first.text)] if first.text else []
        rest = list(self._items(parts[1:]))
        if len(parts) > 1 and isinstance(parts[1], Text):
            items.append(PART)
            words = words or "-"
        return _block(f"tool {words}".rstrip(), [*items, *rest])

    def _said(self, parts: Sequence[Part]) -> list[Part]:
        """Those that can be written."""
        self._lose(OPAQUE, any(isinstance(part, Reasoning) and part.opaque for part in parts))
        return [part for part in parts if not (isinstance(part, Reasoning) and not part.text and part.opaque)]

    def _items(self, parts: Sequence[Part]) -> Iterator[str]:
        """Signs and words; words that follow on words are parted."""
        if parts:
            yield from self._item(parts[0])
        for before, part in pairwise(parts):
            if isinstance(part, Text) and isinstance(before, Text | ToolResult):
                yield PART
            yield from self._item(part)

    def _item(self, part: Part) -> Iterator[str]:
        match part:
            case Text(text):
                yield self._quoted(text)
            case Reasoning(text) | Declined(text):
                yield _details(part, self._quoted(text))
            case ToolCall():
                yield from self._call(part)
            case ToolResult(text=text):
                yield f"#### result {_words(part)}".rstrip()
                if text:
                    yield self._quoted(text)
            case Media():
                yield self._medium(part)
            case Other(kind):
                yield f"#### other {quoting.word(kind)}"
            case _:
                self._lose(NUMBERS, True)

    def _call(self, call: ToolCall) -> Iterator[str]:
        yield f"#### call {quoting.word(call.name)}" + (f" {quoting.word(call.id)}" if call.id else "")
        fence = "`" * max([3, *(len(run) + 1 for run in _RUN.findall(call.arguments))])
        kind = "json" if isinstance(parsed(call.arguments), dict) else "text"
        said = quoting.quoted_json(call.arguments) if self.pattern else self._quoted(call.arguments)
        yield f"{fence}{kind}\n{said}\n{fence}"

    def _quoted(self, text: str) -> str:
        return quoting.quoted(text, pattern=self.pattern)

    def _medium(self, medium: Media) -> str:
        octets = (medium.data or next(self.inline, None)) if is_inline(medium) else None
        source = medium.source if octets is None else self._source(medium, octets)
        kind = medium.kind if medium.kind in quoting.MEDIA else "file"
        size = f"{medium.size} octets" if medium.size is not None else ""
        title = ", ".join(filter(None, (medium.media_type, size)))
        told = f' "{_within(title)}"' if title else ""
        url = source if source and _PLAIN_URL.match(source) else f"<{_within(source)}>"
        return f"![{kind}]({url}{told})"

    def _source(self, medium: Media, octets: bytes) -> str:
        if (medium.size or 0) > self._largest:
            self._lose(LARGE_MEDIA, True)
            return f"sha256:{hashlib.sha256(octets).hexdigest()}"
        return f"data:{medium.media_type};base64,{base64.b64encode(octets).decode()}"

    def _lose(self, what: str, holds: bool) -> None:
        if holds:
            self.losses[what] = None


def _block(heading: str, items: Sequence[str]) -> str:
    body = "\n\n".join(items)
    return (
        f"### {heading}\n<blockquote>\n\n{body}\n\n</blockquote>\n"
        if items
        else (f"### {heading}\n<blockquote>\n\n</blockquote>\n")
    )


def _details(part: Reasoning | Declined, text: str) -> str:
    is_open, kind = ("", "reasoning") if isinstance(part, Reasoning) else (" open", "declined")
    words = f"{text}\n\n" if part.text else ""
    return f"<details{is_open}><summary>{kind}</summary>\n\n{words}</details>"


def _words(result: ToolResult) -> str:
    """`NAME ID failed`, as far as there is something to say."""
    words = [quoting.word(result.name), quoting.word(result.id), FAILED if result.failed else "-"]
    while words and words[-1] == "-":
        words.pop()
    return " ".join(words)


def _within(text: str) -> str:
    """Between `<` and `>`, or quotes, on one line."""
    return _UNFIT.sub(lambda found: f"&#{ord(found[0])};", quoting.odd_quoted(text))
