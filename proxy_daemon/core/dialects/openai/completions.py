"""OpenAI's legacy completions: a text goes on, or what is missing in its middle is filled in (FIM).

Spoken by vLLM, llama.cpp, Together, DeepSeek and others as well; Mistral's FIM answers in the form of chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import Conversation, Message, Other, Part, Text
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.messages import Request


class OpenAICompletions(OpenAIChat):
    """See https://platform.openai.com/docs/api-reference/completions ."""

    name = "openai-completions"
    paths = re.compile(rb"(?<!/chat)(?<!/fim)(?<!/agents)(?<!/usage)/completions/*\Z")
    operations = re.compile(rb"/(?P<completion>completions)$")
    opaque: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    writes_text = True

    def conversation(self, request: Request) -> Conversation:
        """Each prompt is a message of the user; the text behind the gap is one, too. Tokens are no words."""
        return fill_in_conversation(request)


def fill_in_conversation(request: Request) -> Conversation:
    """What `prompt` and `suffix` say."""
    prompt, suffix = request.body_field("prompt"), request.body_field("suffix")
    parts = [*_prompts(prompt), *([Text(suffix)] if isinstance(suffix, str) and suffix else [])]
    return Conversation(tuple(Message("user", (part,)) for part in parts))


def _prompts(prompt: Any) -> Iterator[Part]:
    """A text, texts, a list of tokens, or lists of tokens."""
    if isinstance(prompt, str):
        yield Text(prompt)
    elif isinstance(prompt, list) and prompt and isinstance(prompt[0], int):
        yield Other("tokens")
    elif isinstance(prompt, list):
        yield from (Text(each) if isinstance(each, str) else Other("tokens") for each in prompt)
