"""A recording for people: what was asked, what was said, how it ended, what is not known.

Invariant: nothing that others wrote steers the terminal (`harmless.py`). Called by `show.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from proxy_daemon.cli.exhibit import Exhibit
from proxy_daemon.cli.harmless import harmless, one_line
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Declined,
    Finish,
    Media,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)
from proxy_daemon.core.messages import Delivered

INDENT = "    "


def text(shown: Exhibit) -> str:
    """All of it, with a line feed at its end."""
    return "".join(f"{line}\n" for line in (*_head(shown), *_messages(shown), *_answer(shown), *_end(shown)))


def _head(shown: Exhibit) -> Iterator[str]:
    recording, request = shown.recording, shown.recording.request
    yield f"{one_line(shown.place)}: {one_line(shown.request_line)}"
    facts = [shown.dialect.name, shown.dialect.operation(request).value, shown.dialect.model(request)]
    facts += ["stream"] if shown.dialect.streams(request) else []
    yield f"  {one_line(', '.join(fact for fact in facts if fact))}"
    got = recording.delivered or recording.response
    reason = got.head.reason.decode("latin-1") if got else ""
    status = one_line(f"status {recording.status} {reason}".strip()) if recording.status else "no status"
    yield f"  {status}, {recording.ending.value}{', cut' if recording.cut else ''}"
    if shown.started:
        yield f"  recorded {shown.started}"
    if recording.rules:
        yield f"  changed by: {one_line(', '.join(recording.rules))}"
    if recording.delivered is not None:
        yield f"  {_delivered(recording.delivered)}"


def _delivered(delivered: Delivered) -> str:
    """The answer that follows is upstream's."""
    if delivered.body is None:
        return "the client got another head"
    cut = ", of which these are the first" if delivered.cut else ""
    return f"the client got another body: --delivered, {delivered.body.size} octets{cut}"


def _messages(shown: Exhibit) -> Iterator[str]:
    if shown.conversation.tools:
        yield f"  tools: {one_line(', '.join(tool.name for tool in shown.conversation.tools))}"
    for message in shown.conversation.messages:
        yield f"  {one_line(message.role)}:"
        yield from _parts(message.parts)


def _answer(shown: Exhibit) -> Iterator[str]:
    answer = shown.answer
    if answer is None:
        yield "  no answer"
        return
    for number, choice in enumerate(answer.choices):
        yield f"  answer{f' {number}' if len(answer.choices) > 1 else ''}:"
        yield from _parts(choice.parts)
        yield f"  finish: {_finish(choice)}"
    yield from _facts(answer)


def _facts(answer: Answer) -> Iterator[str]:
    if answer.model:
        yield f"  answered by: {one_line(answer.model)}"
    if answer.usage is not None:
        yield f"  usage: {_usage(answer.usage)}"
    if answer.error:
        yield f"  error: {one_line(answer.error)}"
    if not answer.complete:
        yield "  the answer is not complete"


def _finish(choice: Choice) -> str:
    finish = choice.finish.value if choice.finish is not Finish.UNKNOWN else "not said"
    said = f" ({one_line(choice.said)})" if choice.said and choice.said != finish else ""
    return f"{finish}{said}{f', by {one_line(choice.stopped_by)}' if choice.stopped_by else ''}"


def _usage(usage: Usage) -> str:
    told = {field.name: getattr(usage, field.name) for field in attrs.fields(Usage)}
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in told.items() if count is not None)


def _end(shown: Exhibit) -> Iterator[str]:
    recording = shown.recording
    if recording.detail:
        yield f"  detail: {one_line(recording.detail)}"
    if shown.problem:
        yield f"  {one_line(shown.problem)}"
    if recording.unknown:
        yield f"  not known: {'; '.join(sorted(each.value for each in recording.unknown))}"
    if shown.not_served:
        yield f"  not to be served: {one_line(shown.not_served)}"


def _parts(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        for line in harmless(_part(part)).split("\n"):
            yield INDENT + line


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Declined):
        return f"[refusal] {part.text}"
    if isinstance(part, Reasoning):
        sealed = f", {len(part.opaque)} characters opaque" if part.opaque else ""
        return f"[reasoning{sealed}] {part.text}"
    if isinstance(part, ToolCall):
        return f"[call of {part.name}, {part.id}] {part.arguments}"
    return _rest(part)


def _rest(part: Part) -> str:
    if isinstance(part, ToolResult):
        return f"[{'failed ' if part.failed else ''}result of {part.name or 'the call'}, {part.id}] {part.text}"
    if isinstance(part, Media):
        size = f"{part.size} octets of text" if part.size is not None else ""
        return f"[{', '.join(fact for fact in (part.kind, part.media_type, part.source, size) if fact)}]"
    if isinstance(part, Vector):
        return f"[vector of {len(part.values)} numbers]"
    return f"[{getattr(part, 'kind', 'something')}]"
