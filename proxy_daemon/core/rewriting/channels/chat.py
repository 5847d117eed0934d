"""Chat completions and legacy completions, of OpenAI and of all who speak like them: `choices` with deltas or texts.

See `core/dialects/openai/choices.py`, which reads the same. vLLM, DeepSeek and others write thoughts as
`reasoning_content`, newer vLLM and OpenRouter as `reasoning`, Mistral as blocks of the content.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.spot import (
    ARGUMENTS,
    CONTENT,
    EVERYTHING,
    NOTHING,
    REASONING,
    Key,
    Path,
    Spot,
    arguments,
    in_list,
    index_of,
    listed,
    texts,
)


class Chat:
    """``thoughts``: the member for thoughts, into which text is moved; empty: there is none.

    ``blocks``: thoughts are blocks of the content instead, as with Mistral.
    """

    def __init__(self, thoughts: str = "reasoning_content", *, blocks: bool = False) -> None:
        self._thoughts, self._blocks = thoughts, blocks

    @property
    def moves(self) -> bool:
        """See `Channels`."""
        return self._blocks or bool(self._thoughts)

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        choices = item.get("choices") if isinstance(item, dict) else None
        if not isinstance(choices, list):
            return []
        found: list[Spot] = []
        for at, choice in enumerate(choices):
            if isinstance(choice, dict):
                self._choice(choice, ("choices", at), (index_of(choice, "index", at),), found)
        return found

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        return self.spots("", document)

    def _choice(self, choice: dict[str, Any], path: Path, channel: Key, found: list[Spot]) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            self._said(delta, (*path, "delta"), channel, found)
            if isinstance(message, dict):  # Perplexity: all that was said so far
                repeated: list[Spot] = []
                self._said(message, (*path, "message"), channel, repeated)
                found += [spot._replace(so_far=True, channel=(*spot.channel, "message")) for spot in repeated]
        elif isinstance(message, dict) and message:
            self._said(message, (*path, "message"), channel, found)
        else:
            found += texts(choice, path, channel, CONTENT, "text")

    def _said(self, said: dict[str, Any], path: Path, channel: Key, found: list[Spot]) -> None:
        for name, value in said.items():
            if name == "content":
                self._content(said, path, channel, found)
            elif name in ("reasoning_content", "reasoning") and isinstance(value, str):
                found += texts(said, path, channel, REASONING, name)
            elif name in _MORE and value:
                found += _MORE[name](said, path, channel)

    def _content(self, said: dict[str, Any], path: Path, channel: Key, found: list[Spot]) -> None:
        content = said[CONTENT]
        if content.__class__ is str:
            if content:
                thought = (*path, self._member(said)) if self._thoughts else None
                spot = Spot((*channel, CONTENT), (*path, CONTENT), CONTENT, content, thought=thought)
                found += in_list([spot], spot.path, "mistral") if self._blocks else [spot]
        elif isinstance(content, list):
            inner: list[Spot] = []
            for at, block in enumerate(content):
                inner += blocks(block, (*path, CONTENT, at), (*channel, CONTENT))
            found += in_list(inner, (*path, CONTENT), "mistral") if self._blocks else inner

    def _member(self, said: dict[str, Any]) -> str:
        """Where thoughts stand already, as readers take one of both; else where this API has them."""
        if not said.get(self._thoughts):
            for name in ("reasoning_content", "reasoning"):
                if isinstance(said.get(name), str) and said[name]:
                    return name
        return self._thoughts

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        if not isinstance(item, dict):
            return EVERYTHING if isinstance(item, str) and item.strip() == "[DONE]" else NOTHING
        choices = listed(item, "choices")
        return [(index_of(choice, "index", at),) for at, choice in choices if choice.get("finish_reason")]


def blocks(block: Any, path: Path, channel: Key) -> list[Spot]:
    """A block of content: words, or Mistral's thoughts, which hold blocks themselves."""
    if not isinstance(block, dict):
        return []
    if block.get("type") != "thinking":
        return texts(block, path, channel, CONTENT, "text")
    found = texts(block, path, channel, REASONING, "thinking")
    for at, inner in listed(block, "thinking"):
        found += texts(inner, (*path, "thinking", at), (*channel, "thinking"), REASONING, "text")
    return found


def _calls(said: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    found: list[Spot] = []
    for at, call in listed(said, "tool_calls"):
        place, key = (*path, "tool_calls", at), (*channel, "tool_calls", index_of(call, "index", at))
        for kind, name in (("function", "arguments"), ("custom", "input")):
            found += arguments(call.get(kind), (*place, kind), key, name)
    return found


def _legacy_call(said: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    return texts(said["function_call"], (*path, "function_call"), (*channel, "function_call"), ARGUMENTS, "arguments")


def _details(said: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    """See https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks ."""
    name = "reasoning_details"
    return [
        spot
        for at, detail in listed(said, name)
        for spot in texts(
            detail, (*path, name, at), (*channel, name, index_of(detail, "index", at)), REASONING, "text", "summary"
        )
    ]


def _spoken(said: dict[str, Any], path: Path, channel: Key) -> list[Spot]:
    """The words of a sound; the sound itself stays."""
    return texts(said["audio"], (*path, "audio"), (*channel, "audio"), CONTENT, "transcript")


_MORE = {
    "tool_calls": _calls,
    "function_call": _legacy_call,
    "reasoning_details": _details,
    "audio": _spoken,
}
