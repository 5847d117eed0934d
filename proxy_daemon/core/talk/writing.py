"""An exchange as a talk in Markdown, which anybody can read on any Git forge and edit.

Invariant: the same recording gives the same octets; what they do not say of it is told in `losses`, in words that hold
nothing of it. What was written is read as the same talk (`format.py`). Called by `cassettes/markdown_writing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import define, field

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.foreign_text import (
    DURATION,
    LOST,
    PATTERN,
    REASON,
    RECORDED,
    WRITTEN,
    CannotSay,
    WrittenEntry,
    answer_of,
    left_out,
    lost,
)
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Message,
    Operation,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Vector,
)
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.google.parts import OUTPUT, SERVER_TOOLS
from proxy_daemon.core.inspecting.inline import media_of
from proxy_daemon.core.inspecting.opened import Opened, opened
from proxy_daemon.core.messages import Recording, Response, Unknown
from proxy_daemon.core.pattern import Said
from proxy_daemon.core.talk.carrying import BODIES, ERRORS, NAMES, default_path, unstreamed
from proxy_daemon.core.talk.format import NEVER_COMPARED, Markdown
from proxy_daemon.core.talk.front_writing import Members, front_text, scalar, usage_text
from proxy_daemon.core.talk.headings import ANYTHING
from proxy_daemon.core.talk.parts_writing import LARGE_MEDIA, NUMBERS, OPAQUE, Messages
from proxy_daemon.core.wire.json_text import NotJSON, parse

RESPONSE_FIELDS = "the answer's header fields"
OCTETS = "the octets: what was said is there"
IDS = "ids that were made for the answer, its time, and its pieces"
HOST = "the host that was asked"
STREAMED = "whether a stream was asked for"
ERROR_SHAPE = "what an error says beside its message"
STOPPED_BY = "the sequence that stopped an answer"
ENDING = "why an answer ended, in its API's own words"
OWN_TOOLS = "what the API's own tools did within an answer"
CARRIED = "the form of both sides: they are kept in the words of another API"
ASKED = "the request's form: what it says is compared, and kept in words that its API reads otherwise"
MISSING = "images and sounds in an answer whose octets are not there"
NOTHING = "its answer says nothing that is said here"
LOSSES = (
    *LOST,
    *(
        RESPONSE_FIELDS,
        REASON,
        RECORDED,
        DURATION,
        HOST,
        OCTETS,
        IDS,
        STREAMED,
        ERROR_SHAPE,
        STOPPED_BY,
        ENDING,
        OWN_TOOLS,
        CARRIED,
        ASKED,
        MISSING,
    ),
    *(OPAQUE, LARGE_MEDIA, MISSING, NUMBERS),
)
_SAID = (PATTERN, WRITTEN)  # a talk that is written again says them
# Members of bodies that hold the conversation, in some API.
_CONVERSATION = frozenset(
    (
        *("messages", "system", "input", "instructions", "contents", "content", "systemInstruction"),
        *("system_instruction", "prompt", "suffix", "message", "chat_history", "preamble", "inputs", "requests"),
        "instances",
    )
)
# Endings that need no word: an answer ends well, or in calls, where it has some.
_USUAL = frozenset(
    (
        *("stop", "end_turn", "STOP", "tool_calls", "function_call", "tool_use", "completed", "COMPLETE", "TOOL_CALL"),
        *("stop_sequence", "eos_token"),
    )
)
_MOST_MEMBERS = 200  # that are looked at, each by reading the conversation without it


def entry(recording: Recording, dialects: Sequence[Dialect] = BUILT_IN) -> WrittenEntry:
    """One document. Raises OSError where a body cannot be read."""
    try:
        response = answer_of(recording)
        read = opened(recording, dialects)
        answer = _said(read)
        talk = _Talk(read, answer)
        text = talk.text().encode()
        talk.compare(_read_again(text))
    except CannotSay as error:
        return left_out(error)
    told = [*_losses(recording, response), *talk.losses]
    return WrittenEntry(text, [what for what in told if not (talk.said and what in _SAID)])


def _read_again(text: bytes) -> Opened:
    """What was written, as it will be read: what it does not say is told. Raises `CannotSay`."""
    try:
        (found,) = Markdown().read("", text)
    except (Unreadable, ValueError):
        raise CannotSay(NOTHING) from None
    assert isinstance(found, Recording)
    return opened(found)


def _losses(recording: Recording, response: Response) -> list[str]:
    facts = {
        RESPONSE_FIELDS: bool(response.head.headers.pairs),
        REASON: bool(response.head.reason),
        RECORDED: Unknown.TIME not in recording.unknown,
        DURATION: Unknown.DURATION not in recording.unknown,
        HOST: Unknown.HOST not in recording.unknown,
    }
    found = [what for what, holds in facts.items() if holds]
    return [*lost(recording, response), *found, OCTETS, IDS]


def _said(read: Opened) -> Answer:
    """The answer, where the exchange is a conversation. Raises `CannotSay`."""
    is_talk = read.recording.pattern is not None and read.recording.pattern.said is not None
    is_asked = read.operation in (Operation.CHAT, Operation.COMPLETION) and read.conversation.messages
    if not is_talk and not is_asked:
        raise CannotSay("it is no conversation")
    answer, is_error = read.answer, read.recording.status >= ERRORS
    if answer is None or read.problem:
        raise CannotSay("its answer cannot be read")
    if not is_error and (answer.error or not answer.complete):
        raise CannotSay("its answer tells of an error, or is not whole")
    if not is_error and not answer.choices:
        raise CannotSay("its answer says nothing")
    if any(isinstance(part, Vector) for choice in answer.choices for part in choice.parts):
        raise CannotSay("its answer is numbers")
    return answer


@define
class _Talk:
    """One document that grows. ``losses``: what it does not say."""

    _read: Opened
    _answer: Answer
    losses: dict[str, None] = field(factory=dict)

    def text(self) -> str:
        """All of it. Raises `CannotSay`."""
        messages = Messages(iter(media_of(self._read)), pattern=self.said is None)
        if self.said is not None and self.said.anything:
            blocks = [f"### {ANYTHING}\n"]
        else:
            blocks = [messages.message(each) for each in self._messages]
        messages.pattern = True
        blocks += self._answers(messages)
        front = self._front()
        self.losses |= messages.losses
        return "\n".join([f"---\n{front}---\n" if front else "---\n", *blocks])

    def _answers(self, messages: Messages) -> Iterator[str]:
        if self._status >= ERRORS:
            self.losses[ERROR_SHAPE] = None
            yield messages.under("assistant", [Text(self._answer.error)] if self._answer.error else [])
            return
        self._lose(STOPPED_BY, any(each.stopped_by for each in self._answer.choices))
        count = len(self._answer.choices)
        for number, each in enumerate(self._answer.choices, 1):
            kept = _of_the_model(each.parts)
            self._lose(OWN_TOOLS, len(kept) < len(each.parts))
            self._lose(MISSING, any(map(_is_missing, kept)))
            kept = [part for part in kept if not _is_missing(part)]
            if each.parts and not kept:
                raise CannotSay(NOTHING)
            yield messages.answer(kept, number, count)

    def compare(self, copy: Opened) -> None:
        """What is another in what will be read."""
        read = self._read
        self._lose(CARRIED, copy.dialect.name != read.dialect.name)
        same = _unsigned(copy.conversation.messages) == _unsigned(read.conversation.messages)
        self._lose(ASKED, not same or copy.conversation.tools != read.conversation.tools)
        if copy.answer is not None and self._status < ERRORS:
            self._lose(ENDING, _endings(copy.answer) != _endings(self._answer))

    def _lose(self, what: str, holds: bool) -> None:
        if holds:
            self.losses[what] = None

    @property
    def said(self) -> Said | None:
        """Of a talk that a person wrote."""
        pattern = self._read.recording.pattern
        return pattern.said if pattern is not None else None

    @property
    def _messages(self) -> Sequence[Message]:
        return self._read.conversation.messages if self.said is None else self.said.messages

    @property
    def _status(self) -> int:
        return self._read.recording.status

    def _front(self) -> str:
        """What stands before the messages, in an order that never changes."""
        read, answer = self._read, self._answer
        found = self._place()
        if any(each.role == "assistant" for each in self._messages):
            found["answers"] = "last"
        if self._status != 200:  # noqa: PLR2004  (what an answer has without a word)
            found |= self._error_head()
        elif finish := self._finish():
            found["finish"] = finish
        if answer.model and answer.model != read.model:
            found["answered by"] = answer.model
        if answer.usage is not None and (usage := usage_text(answer.usage)):
            found["usage"] = usage
        if pace := read.recording.pace:
            found["pace"] = f"{pace:.9f}".rstrip("0").rstrip(".") + " s"
        parameters = self._parameters() if self.said is None else _of_said(self.said)
        return front_text(found, {name: value for name, value in parameters.items() if name != "model"})

    def _place(self) -> Members:
        """Whose words the parameters are, and where they are asked."""
        if self.said is not None:
            named = {name: value for name, value in _of_said(self.said).items() if name == "model"}
            tail = {"match": "last"} if self.said.tail else {}
            return named | ({"api": self.said.api} if self.said.api else {}) | tail
        dialect, request, model = self._read.dialect, self._read.recording.request, self._read.model
        if dialect.name not in NAMES:  # a plugin's: who reads this may not have it
            return {"model": model} if model else {}
        path = unstreamed(request.target.decode("latin-1"))
        found = ({"model": model} if model else {}) | {"api": dialect.name}
        return found if path == default_path(dialect.name, model) else found | {"path": path}

    def _error_head(self) -> Members:
        assert self._read.recording.response is not None
        pairs = self._read.recording.response.head.headers.pairs
        fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
        kept = {name: scalar(fields[name]) for name in ("retry-after",) if name in fields}
        return {"status": self._status} | ({"headers": kept} if kept else {})

    def _finish(self) -> Any:
        """The API's own words; one where all are the same."""
        choices = self._answer.choices
        is_own = self._read.dialect.name in BODIES
        words = [_ending(each, is_own=is_own) for each in choices]
        return None if not any(words) else words[0] if len(words) == 1 else words

    def _parameters(self) -> Members:
        body = self._read.recording.request.json
        if not isinstance(body, dict):
            return {}
        if not NEVER_COMPARED.isdisjoint(body):
            self.losses[STREAMED] = None
        names = [name for name in body if name not in NEVER_COMPARED and name != "model"]
        said = self._conversation_members(names)
        return {name: body[name] for name in names if name not in said}

    def _conversation_members(self, names: Sequence[str]) -> frozenset[str]:
        """Those without which something else is said."""
        known = [name for name in names if name in _CONVERSATION]
        asked = known if self._read.dialect in BUILT_IN else names
        if len(asked) > _MOST_MEMBERS:
            raise CannotSay("its request has too many members")
        return frozenset(name for name in asked if self._without(name) != self._read.conversation.messages)

    def _without(self, name: str) -> tuple[Message, ...]:
        request = self._read.recording.request
        other = request.with_head(request.target, request.headers)
        other.__dict__["json"] = {key: value for key, value in request.json.items() if key != name}
        try:
            return self._read.dialect.conversation(other).messages
        except (Exception, SystemExit):  # noqa: BLE001  (a plugin's dialect may raise anything)
            return ()


def _of_said(said: Said) -> Members:
    """The model and the parameters of a talk. Raises `CannotSay`."""
    try:
        return {name: parse(text.encode()) for name, text in said.parameters}
    except (NotJSON, UnicodeEncodeError):
        raise CannotSay("its parameters cannot be said") from None


def _endings(answer: Answer) -> list[tuple[Finish, str]]:
    return [(each.finish, each.said) for each in answer.choices]


def _unsigned(messages: Iterable[Message]) -> list[Message]:
    """Without what is told as `OPAQUE`."""
    return [Message(each.role, tuple(_without_opaque(each.parts))) for each in messages]


def _without_opaque(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        if not isinstance(part, Reasoning):
            yield part
        elif part.text or not part.opaque:
            yield Reasoning(part.text)


def _ending(choice: Choice, *, is_own: bool) -> str:
    """Why it ended; nothing where an answer of its parts ends so without a word. ``is_own``: in the API's word."""
    calls = any(isinstance(part, ToolCall) for part in choice.parts)
    usual = choice.finish is (Finish.CALLS if calls else Finish.STOP)
    if not is_own or not choice.said:
        return "" if usual else choice.finish.value
    return "" if usual and choice.said in _USUAL else choice.said


def _is_missing(part: Part) -> bool:
    """Whether a medium is named, and is nowhere."""
    return isinstance(part, Media) and not part.source and not part.size


def _of_the_model(parts: Sequence[Part]) -> list[Part]:
    """Without the tools that the API runs itself: their results stand in the answer, which no other API writes."""
    results = [part for part in parts if isinstance(part, ToolResult) and part.name != OUTPUT]
    ids = {part.id for part in results if part.id}
    names = {part.name for part in results} & SERVER_TOOLS
    return [
        part
        for part in parts
        if not (isinstance(part, Other) or part in results)
        and not (isinstance(part, ToolCall) and (part.id in ids or part.name in names))
    ]
