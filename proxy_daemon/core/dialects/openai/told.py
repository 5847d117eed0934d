"""What OpenAI's APIs and all that speak like them tell beside the words: usage, errors, events; how we write them.

Nothing that reads raises, whatever an upstream wrote. Called by the dialects openai-*, azure, openrouter, mistral.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Answer, Media, Other, Part, ToolCall, Usage
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, objects, text_at, without_none, written
from proxy_daemon.core.messages import Request

DONE = Piece(b"data: [DONE]\n\n")
_NOTHING = Usage()


def usage_of(stated: Any) -> Usage | None:
    """See https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage and what vendors add to it.

    Responses have other names for the same. DeepSeek, Moonshot, DashScope and Perplexity tell details one level up.
    None where nothing is stated.
    """
    if not isinstance(stated, dict):
        return None
    asked = object_at(stated, "prompt_tokens_details") or object_at(stated, "input_tokens_details")
    told = object_at(stated, "completion_tokens_details") or object_at(stated, "output_tokens_details")
    cached = count_at(asked, "cached_tokens")
    written_to = count_at(asked, "cache_write_tokens", "cache_creation_input_tokens")
    thought = count_at(told, "reasoning_tokens")
    usage = Usage(
        count_at(stated, "prompt_tokens", "input_tokens"),
        count_at(stated, "completion_tokens", "output_tokens"),
        count_at(stated, "total_tokens"),
        count_at(stated, "prompt_cache_hit_tokens", "cached_tokens") if cached is None else cached,
        count_at(stated, "cache_creation_input_tokens") if written_to is None else written_to,
        count_at(stated, "reasoning_tokens") if thought is None else thought,
    )
    return usage if usage != _NOTHING else None


def usage_document(usage: Usage, asked: str, told: str) -> dict[str, Any]:
    """The same the other way round. ``asked``, ``told``: "prompt" and "completion", or "input" and "output"."""
    into = without_none(cached_tokens=usage.cached, cache_write_tokens=usage.cache_written)
    out = without_none(reasoning_tokens=usage.reasoning)
    stated: dict[str, Any] = {
        f"{asked}_tokens": usage.input,
        f"{told}_tokens": usage.output,
        "total_tokens": usage.total,
        f"{asked}_tokens_details": into or None,
        f"{told}_tokens_details": out or None,
    }
    return without_none(**stated)


def problem_in(document: Any) -> str:
    """What went wrong, in the shapes of all who speak like OpenAI; empty where nothing did.

    vLLM and Mistral write ``{"object": "error", "message": ...}``, Responses an event of type "error", and servers made
    with FastAPI ``{"detail": ...}``.
    """
    if not isinstance(document, dict):
        return ""
    if found := error_text(document):
        return found
    if "error" in (document.get("object"), document.get("type")):
        return text_at(document, "message", "code") or written(document.get("message")) or "error"
    detail = document.get("detail")
    known = detail and not ({"choices", "object", "output", "outputs"} & document.keys())
    return (detail if isinstance(detail, str) else written(detail)) if known else ""


def event_problem(name: str, data: Any) -> str:
    """The same for an event, which may be named "error", as Groq's is, and then hold anything."""
    found = problem_in(data)
    if found or name != "error":
        return found
    return text_at(data, "message") or (data if isinstance(data, str) else written(data)) or "error"


def is_asked(request: Request, name: str, inner: str) -> bool:
    """Whether the member ``inner`` of the member ``name`` of the request's body is true."""
    return member(request.body_field(name), inner) is True


def custom_tools(request: Request) -> frozenset[str]:
    """The names of tools that take text, not JSON: calls of these are written in another form."""
    tools = objects(request.body_field("tools"))
    custom = [object_at(each, "custom") or each for each in tools if text_at(each, "type") == "custom"]
    return frozenset(text_at(each, "name") for each in custom)


def check_document(answer: Answer) -> None:
    """A document has an end, so an answer that broke off has none. Raises `CannotRender`."""
    if not answer.complete and not answer.error:
        raise CannotRender("the answer broke off: a document cannot say so")


def unsaid(part: Part, api: str) -> CannotRender:
    """To be raised for a part that an API's answers have no words for."""
    what = part.kind if isinstance(part, Media | Other) else type(part).__name__
    return CannotRender(f"{api} has no words for this part of an answer: {what}")


def call_id(call: ToolCall, number: int) -> str:
    """Its id; where it has none, one that is the same each time."""
    return call.id or f"call_{number}"
