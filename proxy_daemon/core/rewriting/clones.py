"""Events of our own, made of one that has words and moved text: what says that an answer ends is left to the last.

Called by `edits.py`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.rewriting.channels.spot import Path, Spot
from proxy_daemon.core.rewriting.said import Said

# What an event has besides, and what stands there in a clone: SDKs join roles as they do words, and add up counts.
_ENDINGS: dict[str, Any] = {"finish_reason": None, "stop_reason": None, "done": False}
_COUNTS = (
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
    "total_duration",
    "load_duration",
)
_WORDS = ("reasoning_content", "reasoning", "thinking", "refusal", "content", "response")
_SAID_ONCE = frozenset(("done_reason", *_COUNTS, *_WORDS))


def blank_for(spot: Spot) -> Any:
    """What stands in the place of words that have all gone: in deltas of chats null, as servers with thoughts write."""
    return None if "delta" in spot.path else ""


def clone_of(item: Any, spot: Spot, said: Said) -> Any:
    """An event like ``item`` that says this much."""
    assert spot.thought is not None
    words: dict[Any, Any] = {(spot.thought if said.moved else spot.path)[-1]: said.text}
    if "delta" not in spot.path:  # a whole message, as Ollama has it, lacks neither
        return _bare(item, spot.path[:-1], spot.path[-1], {spot.path[-1]: "", **words}, _SAID_ONCE)
    return _bare(item, spot.path[:-1], spot.path[-1], words, _SAID_ONCE | {"role"})


def _bare(value: Any, path: Path, text: Any, words: dict[Any, Any], without: frozenset[str]) -> Any:
    """Along the path, what is neither a list nor an object; at its end the words in the place of ``text``."""
    if isinstance(value, list):
        return [_bare(value[int(path[0])], path[1:], text, words, without)]
    kept = {name: _ENDINGS.get(name, each) for name, each in value.items() if not isinstance(each, dict | list)}
    kept = {name: each for name, each in kept.items() if name not in without}
    if not path:
        return {name: each for name, each in kept.items() if name != text} | words
    return kept | {path[0]: _bare(value[path[0]], path[1:], text, words, without)}
