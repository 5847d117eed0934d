"""The parts of Gemini's contents as parts of ours, in requests and in answers; its words for usage and endings.

Names stand in camel case or with underscores: the API reads both, and SDKs write both. Called by the files of the
dialect beside this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import Any

from proxy_daemon.core.conversation import (
    Finish,
    Media,
    Other,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from proxy_daemon.core.dialects.json_shapes import count_at, member, objects, text_at, written

# What the model wrote for Google to run, and what that gave.
CODE, OUTPUT = "executableCode", "codeExecutionResult"
# Tools that Google runs; a client has nothing to do with their calls.
SERVER_TOOLS = frozenset(
    ("GOOGLE_SEARCH_WEB", "GOOGLE_SEARCH_IMAGE", "URL_CONTEXT", "GOOGLE_MAPS", "FILE_SEARCH", "MCP_SERVER")
)
FILTERED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR")
_FINISHES = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    **dict.fromkeys(FILTERED, Finish.FILTERED),
    **dict.fromkeys([f"IMAGE_{word}" for word in ("SAFETY", "RECITATION", "PROHIBITED_CONTENT")], Finish.FILTERED),
    "MALFORMED_FUNCTION_CALL": Finish.ERROR,
    "UNEXPECTED_TOOL_CALL": Finish.ERROR,
    "TOO_MANY_TOOL_CALLS": Finish.ERROR,
    "MISSING_THOUGHT_SIGNATURE": Finish.ERROR,
    "MALFORMED_RESPONSE": Finish.ERROR,
}
_HUMP = re.compile(r"(?<=[a-z])([A-Z])")


def named(value: Any, name: str) -> Any:
    """A member by its name in camel case, or else by the same with underscores."""
    found = member(value, name)
    return member(value, _underscored(name)) if found is None else found


@cache
def _underscored(name: str) -> str:
    return _HUMP.sub(r"_\1", name).lower()


def text_named(value: Any, name: str) -> str:
    """The same, where it is text; else empty."""
    found = named(value, name)
    return found if isinstance(found, str) else ""


def finish_of(said: str, parts: Iterable[Part]) -> Finish:
    """See https://ai.google.dev/api/generate-content#FinishReason . Calls of functions end in "STOP" as well."""
    finish = _FINISHES.get(said, Finish.OTHER) if said else Finish.UNKNOWN
    return Finish.CALLS if finish is Finish.STOP and any(map(_is_call, parts)) else finish


def _is_call(part: Part) -> bool:
    """Whether the client is to run something."""
    return isinstance(part, ToolCall) and part.name != CODE and part.name not in SERVER_TOOLS


def usage_of(stated: Any) -> Usage | None:
    """See https://ai.google.dev/api/generate-content#UsageMetadata ; None where nothing is stated."""
    usage = Usage(
        input=count_at(stated, "promptTokenCount"),
        output=count_at(stated, "candidatesTokenCount"),
        total=count_at(stated, "totalTokenCount"),
        cached=count_at(stated, "cachedContentTokenCount"),
        reasoning=count_at(stated, "thoughtsTokenCount"),
    )
    return usage if usage != Usage() else None


def parts_of(content: Any) -> Iterator[Part]:
    """The parts of a `Content`; some clients write one part without its list, or text alone."""
    if isinstance(content, str):
        yield Text(content)
    parts = member(content, "parts")
    for part in [parts] if isinstance(parts, dict) else parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            yield from _parts_of(part)


def joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts of a stream's pieces: words that follow on words go on, and thoughts on thoughts."""
    found: list[Part] = []
    for kind, run in groupby(parts, _run):
        pieces = list(run)
        if kind is Text:
            found.append(Text("".join(each.text for each in pieces if isinstance(each, Text))))
        elif kind is Reasoning:
            found += _thoughts([each for each in pieces if isinstance(each, Reasoning)])
        else:
            found += pieces
    return tuple(found)


def _run(part: Part) -> type | None:
    return type(part) if isinstance(part, Text | Reasoning) and part.text else None


def _thoughts(pieces: list[Reasoning]) -> Iterator[Part]:
    """A signature ends a thought."""
    words: list[str] = []
    for piece in pieces:
        words.append(piece.text)
        if piece.opaque:
            yield Reasoning("".join(words), piece.opaque)
            words = []
    if words:
        yield Reasoning("".join(words))


def _parts_of(part: dict[str, Any]) -> Iterator[Part]:
    """A signature that stands at words or a call is of the thoughts before it: a part of its own."""
    text, signature = part.get("text"), text_named(part, "thoughtSignature")
    if part.get("thought") is True:
        if text or signature:
            yield Reasoning(text_at(part, "text"), signature)
        return
    if signature:
        yield Reasoning(opaque=signature)
    if isinstance(text, str):
        if text:
            yield Text(text)
    else:
        yield from _data(part)


def _data(part: dict[str, Any]) -> Iterator[Part]:
    """The member that says what the part is."""
    for name, reader in _READERS.items():
        value = named(part, name)
        if isinstance(value, dict):
            yield from reader(value)
            return
    if known := [name for name in part if "ignature" not in name]:
        yield Other(known[0])


def _call(value: dict[str, Any]) -> Iterator[Part]:
    name = text_at(value, "name") or text_named(value, "toolType")
    args = value.get("args")
    yield ToolCall(text_at(value, "id"), name, written({} if args is None else args))


def _response(value: dict[str, Any]) -> Iterator[Part]:
    """What a function gave, and the media that came with it."""
    name = text_at(value, "name") or text_named(value, "toolType")
    given = value.get("response")
    yield ToolResult(text_at(value, "id"), "" if given is None else written(given), name)
    yield from parts_of({"parts": [part for part in objects(value.get("parts")) if _is_media(part)]})


def _is_media(part: Any) -> bool:
    return isinstance(named(part, "inlineData") or named(part, "fileData"), dict)


def _code(value: dict[str, Any]) -> Iterator[Part]:
    yield ToolCall(text_at(value, "id"), CODE, written(value))


def _output(value: dict[str, Any]) -> Iterator[Part]:
    failed = text_at(value, "outcome") not in ("OUTCOME_OK", "")
    yield ToolResult(text_at(value, "id"), text_at(value, "output"), OUTPUT, failed=failed)


def _media(value: dict[str, Any]) -> Iterator[Part]:
    kind, data = text_named(value, "mimeType"), value.get("data")
    size = len(data.encode("utf-8", "replace")) if isinstance(data, str) else None
    yield Media(kind_of(kind), kind, text_named(value, "fileUri"), size)


def kind_of(media_type: str) -> str:
    """What a medium of that type is; a file, where that is no image, sound or film."""
    main = media_type.partition("/")[0]
    return main if main in ("image", "audio", "video") else "file"


_READERS = {
    "functionCall": _call,
    "functionResponse": _response,
    "inlineData": _media,
    "fileData": _media,
    CODE: _code,
    OUTPUT: _output,
    "toolCall": _call,
    "toolResponse": _response,
}
