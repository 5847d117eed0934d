"""Writes answers as OpenAI's Responses do: a document, or named events, each with its number.

Words and refusals that follow each other are one message; each thought and each call is an item of its own. Ids of
items come from the answer's. Called by `render` of the dialect openai-responses.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Declined, Finish, Part, Reasoning, Text, ToolCall
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Piece
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.dialects.json_writing import event
from proxy_daemon.core.dialects.openai.items import CLIENT_TOOLS
from proxy_daemon.core.dialects.openai.told import call_id, custom_tools, unsaid, usage_document
from proxy_daemon.core.messages import Request

Step = tuple[str, dict[str, Any], bool]  # an event's name without "response.", its members, whether it is spoken

_REASONS = {Finish.LENGTH: "max_output_tokens", Finish.FILTERED: "content_filter"}
# Members of the request that a response repeats: the types under which, and what stands there else.
_ECHOED: dict[str, tuple[tuple[type, ...], Any]] = {
    "instructions": ((str, list), None),
    "max_output_tokens": ((int,), None),
    "max_tool_calls": ((int,), None),
    "metadata": ((dict,), {}),
    "parallel_tool_calls": ((bool,), True),
    "previous_response_id": ((str,), None),
    "prompt_cache_key": ((str,), None),
    "reasoning": ((dict,), {"effort": None, "summary": None}),
    "safety_identifier": ((str,), None),
    "service_tier": ((str,), "default"),
    "store": ((bool,), True),
    "temperature": ((int, float), 1.0),
    "text": ((dict,), {"format": {"type": "text"}, "verbosity": "medium"}),
    "tool_choice": ((str, dict), "auto"),
    "tools": ((list,), []),
    "top_logprobs": ((int,), 0),
    "top_p": ((int, float), 1.0),
    "truncation": ((str,), "disabled"),
    "user": ((str,), None),
}


def document_of(answer: Answer, request: Request) -> dict[str, Any]:
    """The answer as a response object. Raises `CannotRender`."""
    choice = only_choice(answer)
    status = _status(choice)
    reason = _reason(choice)
    return {
        "id": answer.id,
        "object": "response",
        "created_at": answer.created or 0,
        "status": status,
        "background": False,
        "error": {"code": "server_error", "message": answer.error} if answer.error else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": answer.model or _model(request),
        "output": _output(answer, choice, request, "incomplete" if status == "incomplete" else "completed"),
        "usage": None if answer.usage is None else usage_document(answer.usage, "input", "output"),
        **{name: _echo(request.body_field(name), *allowed) for name, allowed in _ECHOED.items()},
    }


def events_of(answer: Answer, request: Request) -> Iterator[Piece]:
    """The answer as events. Raises `CannotRender`. One that broke off ends with what it has said."""
    number = 0
    for number, (kind, members, spoken) in enumerate(_steps(answer, document_of(answer, request))):
        name = "response." + kind
        yield event({"type": name, **members, "sequence_number": number}, name, spoken=spoken)
    if answer.error and only_choice(answer).finish is not Finish.ERROR:
        yield error_event("server_error", answer.error, number + 1)


def error_event(code: str, message: str, number: int = 0) -> Piece:
    """See https://platform.openai.com/docs/api-reference/responses-streaming/error ."""
    told = {"type": "error", "code": code, "message": message, "param": None, "sequence_number": number}
    return event(told, "error")


def only_choice(answer: Answer) -> Choice:
    """Responses have one choice. Raises `CannotRender`."""
    if len(answer.choices) > 1:
        raise CannotRender("a response of OpenAI's has one choice")
    return answer.choices[0] if answer.choices else Choice()


def _model(request: Request) -> str:
    model = request.body_field("model")
    return model if isinstance(model, str) else ""


def _echo(value: Any, kinds: tuple[type, ...], default: Any) -> Any:
    return value if type(value) in kinds else default


def _status(choice: Choice) -> str:
    if choice.finish is Finish.ERROR:
        return "failed"
    return "incomplete" if _reason(choice) else "completed"


def _reason(choice: Choice) -> str | None:
    return _REASONS.get(choice.finish)


def _output(answer: Answer, choice: Choice, request: Request, status: str) -> list[dict[str, Any]]:
    custom = custom_tools(request)
    own = answer.id.removeprefix("resp_") or "0"
    items: list[dict[str, Any]] = []
    for is_message, run in groupby(choice.parts, lambda part: isinstance(part, Text | Declined)):
        for parts in [list(run)] if is_message else [[part] for part in run]:
            items.append(_item(parts, f"{own}_{len(items)}", status, custom))
    return items


def _item(parts: list[Part], own: str, status: str, custom: frozenset[str]) -> dict[str, Any]:
    part = parts[0]
    if isinstance(part, Text | Declined):
        message = {"id": "msg_" + own, "type": "message", "status": status, "role": "assistant"}
        return {**message, "content": [_block(each) for each in parts]}
    if isinstance(part, Reasoning):
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        opaque = {"encrypted_content": part.opaque} if part.opaque else {}
        return {"id": "rs_" + own, "type": "reasoning", "summary": summary, **opaque}
    if isinstance(part, ToolCall):
        return _call(part, own, status, custom)
    raise unsaid(part, "responses")


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Declined):
        return {"type": "refusal", "refusal": part.text}
    assert isinstance(part, Text)
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": part.text}


def _call(call: ToolCall, own: str, status: str, custom: frozenset[str]) -> dict[str, Any]:
    named = {"call_id": call_id(call, 0) if call.id else "call_" + own, "name": call.name}
    if call.name in CLIENT_TOOLS:
        told = {CLIENT_TOOLS[call.name]: parsed(call.arguments), "call_id": named["call_id"]}
        return {"id": "tc_" + own, "type": call.name, "status": status, **told}
    if call.name in custom:
        return {"id": "ctc_" + own, "type": "custom_tool_call", "status": status, **named, "input": call.arguments}
    return {"id": "fc_" + own, "type": "function_call", "status": status, **named, "arguments": call.arguments}


# --- events -----------------------------------------------------------------------------------------------------------


def _steps(answer: Answer, whole: dict[str, Any]) -> Iterator[Step]:
    begun = {**whole, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None, "error": None}
    yield "created", {"response": begun}, False
    yield "in_progress", {"response": begun}, False
    for index, item in enumerate(whole["output"]):
        place = {"item_id": item["id"], "output_index": index}
        yield "output_item.added", {"output_index": index, "item": _begun(item)}, False
        for kind, members, spoken in _told(item):
            yield kind, {**place, **members}, spoken
        yield "output_item.done", {"output_index": index, "item": item}, False
    if answer.complete or whole["status"] == "failed":
        yield whole["status"], {"response": whole}, False


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    emptied: dict[str, Any] = {"content": [], "summary": [], "arguments": "", "input": ""}
    fresh = {name: emptied[name] for name in emptied if name in item}
    return {**item, **fresh, **({"status": "in_progress"} if "status" in item else {})}


def _told(item: dict[str, Any]) -> Iterator[Step]:
    """What is said of one item between its beginning and its end."""
    for index, block in enumerate(item.get("content", ())):
        yield from _content(block, {"content_index": index})
    for index, block in enumerate(item.get("summary", ())):
        yield from _summary(block, {"summary_index": index})
    if "arguments" in item:
        whole = {"name": item["name"], "arguments": item["arguments"]}
        yield from _text("function_call_arguments", item["arguments"], {}, whole)
    if "input" in item:
        yield from _text("custom_tool_call_input", item["input"], {}, {"input": item["input"]})


def _content(block: dict[str, Any], place: dict[str, Any]) -> Iterator[Step]:
    is_text = block["type"] == "output_text"
    name = "text" if is_text else "refusal"
    more: dict[str, Any] = {"logprobs": []} if is_text else {}
    yield "content_part.added", {**place, "part": {**block, name: ""}}, False
    yield from _text(block["type"], block[name], {**place, **more}, {name: block[name]})
    yield "content_part.done", {**place, "part": block}, False


def _summary(block: dict[str, Any], place: dict[str, Any]) -> Iterator[Step]:
    yield "reasoning_summary_part.added", {**place, "part": {**block, "text": ""}}, False
    yield from _text("reasoning_summary_text", block["text"], place, {"text": block["text"]})
    yield "reasoning_summary_part.done", {**place, "part": block}, False


def _text(kind: str, text: str, place: dict[str, Any], whole: dict[str, Any]) -> Iterator[Step]:
    for piece in words(text):
        yield kind + ".delta", {**place, "delta": piece}, True
    yield kind + ".done", {**place, **whole}, False
