"""A small program on the openai package. It knows nothing of llmproxy: its clients read OPENAI_BASE_URL."""

from collections.abc import AsyncIterator

import openai

MODEL = "demo-fast"


def capital(country: str) -> str:
    """What the model says."""
    asked = [{"role": "user", "content": f"What is the capital of {country}?"}]
    answer = openai.OpenAI().chat.completions.create(model=MODEL, messages=asked)
    return answer.choices[0].message.content


def capital_or_nothing(country: str) -> str:
    """The same, but whatever goes wrong is swallowed, as programs do."""
    try:
        return capital(country)
    except openai.OpenAIError:
        return ""


async def told(topic: str) -> AsyncIterator[str]:
    """A story, piece by piece."""
    asked = [{"role": "user", "content": f"Tell me a story about {topic}."}]
    async with openai.AsyncOpenAI() as client:
        async for chunk in await client.chat.completions.create(model=MODEL, messages=asked, stream=True):
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content
