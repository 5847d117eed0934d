"""What OpenAI's assistants say: messages and runs as they are kept, and the events of a run. Reads any JSON.

Called by `state.py`. See https://platform.openai.com/docs/api-reference/assistants-streaming/events .
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Conversation,
    Finish,
    Media,
    Message,
    Other,
    Part,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, objects, objects_at, text_at
from proxy_daemon.core.dialects.openai.told import usage_of

ENDS = {
    "completed": Finish.STOP,
    "requires_action": Finish.CALLS,
    "incomplete": Finish.LENGTH,
    "failed": Finish.ERROR,
    "cancelled": Finish.OTHER,
    "expired": Finish.OTHER,
}
UNDER_WAY = frozenset(("queued", "in_progress", "cancelling", "validating", "finalizing"))
_LISTS = ("messages", "additional_messages", "items")
_ROLES = {"developer": "system", "model": "assistant"}


def written_in(body: Any) -> Conversation:
    """What a request that makes a message, a thread or a run says; tools' results as a message of the tool."""
    said = [Message("system", (Text(text),)) for text in (text_at(body, "instructions"),) if text]
    holders = (object_at(body, "thread"), body)
    listed = [one for holder in holders for name in _LISTS for one in objects_at(holder, name)]
    said += [_message(each) for each in [*listed, *([body] if member(body, "content") is not None else [])]]
    outputs = objects_at(body, "tool_outputs")
    results = tuple(ToolResult(text_at(one, "tool_call_id"), text_at(one, "output")) for one in outputs)
    tools = [Tool(text_at(one, "name"), text_at(one, "description"), one.get("parameters")) for one in _functions(body)]
    return Conversation((*said, *([Message("tool", results)] if results else [])), tuple(tools))


def _functions(body: Any) -> list[dict[str, Any]]:
    return [object_at(tool, "function") for tool in objects_at(body, "tools") if tool.get("type") == "function"]


def _message(message: dict[str, Any]) -> Message:
    role = text_at(message, "role")
    return Message(_ROLES.get(role, role), content_parts(message.get("content")))


def content_parts(content: Any) -> tuple[Part, ...]:
    """Of a message: a text, or a list of texts (bare, or with notes) and images."""
    return (Text(content),) if isinstance(content, str) else tuple(_part(each) for each in objects(content))


def _part(block: dict[str, Any]) -> Part:
    kind = text_at(block, "type")
    if kind in ("text", "input_text", "output_text"):
        return Text(text_at(block, "text") or text_at(block.get("text"), "value"))
    if kind in ("image_url", "image_file"):
        return Media("image", source=text_at(block.get(kind), "url", "file_id"))
    return Other(kind)


def state_of(document: Any) -> Answer:
    """What one thing tells of itself: a message its words, a run its calls; a failed one its error."""
    status = text_at(document, "status")
    error = error_text(document) or text_at(member(document, "last_error"), "message")
    parts = content_parts(member(document, "content")) + tuple(_calls(document))
    begun = bool(parts) or (status in ENDS and text_at(document, "object") == "thread.run")
    return Answer(
        choices=(Choice(parts, ENDS.get(status, Finish.UNKNOWN), status),) if begun else (),
        id=text_at(document, "id"),
        model=text_at(document, "model"),
        created=count_at(document, "created_at", "created"),
        usage=usage_of(member(document, "usage")),
        error=error,
        complete=status not in UNDER_WAY and not error,
    )


def _calls(document: Any) -> list[ToolCall]:
    action = object_at(object_at(document, "required_action"), "submit_tool_outputs")
    return [_call(each) for each in objects_at(action, "tool_calls")]


def _call(call: dict[str, Any]) -> ToolCall:
    function = object_at(call, "function")
    return ToolCall(text_at(call, "id"), text_at(function, "name"), text_at(function, "arguments"))


class RunAssembler:
    """See `Assembler`. Words come as deltas of messages; each state of the run as a whole."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._run: dict[str, Any] = {}
        self._error = ""
        self._done = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._done = self._done or name == "done" or data == "[DONE]"
        self._error = self._error or _fault(name, data)
        if name == "thread.message.delta":
            blocks = objects_at(object_at(data, "delta"), "content")
            self._words += [text_at(member(block, "text"), "value") for block in blocks]
        elif name.startswith("thread.run.") and not name.startswith("thread.run.step") and isinstance(data, dict):
            self._run = data

    def answer(self) -> Answer:
        """See `Assembler`."""
        state, text = state_of(self._run), "".join(self._words)
        calls = state.choices[0].parts if state.choices else ()
        status = text_at(self._run, "status")
        choice = Choice(((Text(text),) if text else ()) + calls, ENDS.get(status, Finish.UNKNOWN), status)
        return Answer(
            choices=(choice,) if choice.parts or self._run else (),
            id=state.id,
            model=state.model,
            created=state.created,
            usage=state.usage,
            error=self._error or state.error,
            complete=self._done and not (self._error or state.error),
        )


def _fault(name: str, data: Any) -> str:
    if name == "error":
        return error_text(data) or text_at(data, "message") or name
    return "" if name.startswith("thread.") else error_text(data)
