"""Rules that are ready by name: `--rewrite NAME`.

What gpt-oss writes around its analysis: https://cookbook.openai.com/articles/openai-harmony. Read by the settings, and
by the plugin that rewrites.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from proxy_daemon.core.rewriting.rules import Pair, TextRule

_ANALYSIS = "<|channel|>analysis<|message|>"
_FINAL = "<|end|><|start|>assistant<|channel|>final<|message|>"
_THINK, _THOUGHT = "<think>", "</think>"


@frozen
class Ready:
    """``help``: a line that says what it does."""

    help: str
    rules: tuple[TextRule, ...]


READY: Mapping[str, Ready] = {
    "gpt-oss": Ready(
        "gpt-oss: its analysis stands in the content between <think> and </think>, without the marks of its format",
        (Pair("gpt-oss", _ANALYSIS, _FINAL, _THINK, _THOUGHT),),
    ),
    "gpt-oss-reasoning": Ready(
        "gpt-oss: its analysis goes out of the content into the field for reasoning",
        (Pair("gpt-oss-reasoning", _ANALYSIS, _FINAL, moves=True),),
    ),
    "thinking-tags": Ready(
        "any model: what stands in the content between <think> and </think> goes into the field for reasoning",
        (Pair("thinking-tags", _THINK, _THOUGHT, moves=True),),
    ),
}


def ready(name: str) -> Ready:
    """The rules of that name. Raises ValueError that tells all names."""
    if name not in READY:
        raise ValueError(f"{name!r} is no name of ready rules: {', '.join(READY)}")
    return READY[name]
