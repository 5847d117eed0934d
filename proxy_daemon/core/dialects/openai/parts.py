"""The content of messages in OpenAI's APIs and in all that speak like them, as parts; and the tools offered.

Nothing here raises on what a client or an upstream wrote. Called by the dialects openai-*, azure, openrouter, mistral.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from proxy_daemon.core.conversation import Declined, Media, Other, Part, Reasoning, Text, Tool
from proxy_daemon.core.dialects.json_shapes import member, object_at, objects, text_at, written

ROLES = {"developer": "system", "model": "assistant", "function": "tool"}


def parts_of(content: Any) -> Iterator[Part]:
    """The parts of a message's ``content``: text, or a list of blocks, of which some vendors have own kinds.

    See https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages and, for the blocks of
    Responses, https://platform.openai.com/docs/api-reference/responses/create#responses-create-input .
    """
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for block in content if isinstance(content, list) else ():
        if isinstance(block, str):
            yield Text(block)
        elif isinstance(block, dict):
            yield from parts_of_block(block)


def parts_of_block(block: dict[str, Any]) -> Iterator[Part]:
    """The parts of one block; nothing where its text is empty, `Other` where its kind is not known."""
    kind = text_at(block, "type")
    if kind in _WORDS:
        yield from _words(block)
    elif kind == "refusal":
        yield Declined(text_at(block, "refusal"))
    elif kind == "thinking":
        yield from thinking_of(block)
    else:
        yield _MEDIA.get(kind, _other)(block)


def _words(block: dict[str, Any]) -> Iterator[Part]:
    if text := text_at(block, "text"):
        yield Text(text)


def thinking_of(block: dict[str, Any]) -> Iterator[Reasoning]:
    """Mistral's block of thoughts holds blocks of text, Anthropic's by way of LiteLLM text and a signature."""
    given = block.get("thinking")
    text = given if isinstance(given, str) else "".join(text_at(each, "text") for each in objects(given))
    opaque = text_at(block, "signature")
    if text or opaque:
        yield Reasoning(text, opaque)


def media(kind: str, url: str, media_type: str = "") -> Media:
    """What a URL points to, or what stands in it (RFC 2397)."""
    if not url.startswith("data:"):
        return Media(kind, media_type, url)
    head, _, data = url[5:].partition(",")
    return Media(kind, head.partition(";")[0] or media_type, size=_size(data))


def inline(kind: str, data: str, media_type: str = "") -> Media:
    """What stands in a message itself, in base64."""
    return Media(kind, media_type, size=_size(data))


def _size(data: str) -> int:
    return len(data) if data.isascii() else len(data.encode("utf-8", "replace"))


def _image(block: dict[str, Any]) -> Part:
    given = member(block, "image_url")
    url = given if isinstance(given, str) else text_at(given, "url")
    return media("image", url or text_at(block, "file_id"))


def _video(block: dict[str, Any]) -> Part:
    given = member(block, "video_url")
    return media("video", given if isinstance(given, str) else text_at(given, "url"))


def _audio(block: dict[str, Any]) -> Part:
    """Mistral has the sound's text itself, or its URL, in place of an object."""
    given = member(block, "input_audio")
    if isinstance(given, str):
        return media("audio", given) if given.startswith(("http:", "https:", "data:")) else inline("audio", given)
    kind = text_at(given, "format")
    return inline("audio", text_at(given, "data"), f"audio/{kind}" if kind else "")


def _file(block: dict[str, Any]) -> Part:
    inner = object_at(block, "file") or block
    if data := text_at(inner, "file_data"):
        return media("file", data) if data.startswith(("data:", "http")) else inline("file", data)
    return media("file", text_at(inner, "file_id", "file_url"))


def _document(block: dict[str, Any]) -> Part:
    given = member(block, "file_url")
    return media("file", text_at(given, "url") or text_at(block, "document_url", "file_url"))


def _other(block: dict[str, Any]) -> Part:
    return Other(text_at(block, "type"))


_WORDS = frozenset(("text", "input_text", "output_text", "summary_text", "reasoning_text", ""))
_MEDIA: dict[str, Callable[[dict[str, Any]], Part]] = {
    "image_url": _image,
    "input_image": _image,
    "video_url": _video,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "document_url": _document,
    "file_url": _document,
}


def plain_text(content: Any) -> str:
    """The words of a content; JSON where it is another value, as a tool's result may be."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(part.text for part in parts_of(content) if isinstance(part, Text))
    return written(content)


def arguments_of(value: Any) -> str:
    """A call's arguments: text of JSON as it came; some servers write the object itself."""
    return value if isinstance(value, str) else "" if value is None else written(value)


def role_of(said: str) -> str:
    """In our words."""
    return ROLES.get(said, said)


def tools_of(given: Any) -> tuple[Tool, ...]:
    """The tools offered, in the form of chat (an inner `function` or `custom`) or of Responses (flat)."""
    return tuple(_tool(each) for each in objects(given))


def _tool(item: dict[str, Any]) -> Tool:
    kind = text_at(item, "type")
    inner = object_at(item, "function") or object_at(item, "custom") or item
    return Tool(text_at(inner, "name") or kind, text_at(inner, "description"), inner.get("parameters"))
