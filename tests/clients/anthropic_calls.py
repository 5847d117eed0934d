"""A client program on the unmodified `anthropic` SDK: every kind of call, each answer as one JSON line.

Knows nothing of the proxy: ANTHROPIC_BASE_URL says where to ask. Run by test_clients_python.py.
"""

import asyncio
import json

import anthropic

HELLO = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER = [{"role": "user", "content": "How is the weather in Paris?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "get_weather", "description": "The weather in a city", "input_schema": SCHEMA}
COMMON = {"model": "demo-fast", "max_tokens": 200}


def main():
    with anthropic.Anthropic() as client:
        for call in (models, chat, stream, tools, tool_stream, tool_result, tokens):
            tell(call.__name__, call(client))
    tell("asynchronous", asyncio.run(asynchronous()))


def models(client):
    return [*client.models.list(), client.models.retrieve("demo-1")]


def chat(client):
    return [client.messages.create(**COMMON, messages=HELLO, system="Be brief.")]


def stream(client):
    return list(client.messages.create(**COMMON, messages=HELLO, stream=True))


def tools(client):
    return [client.messages.create(**COMMON, messages=WEATHER, tools=[TOOL])]


def tool_stream(client):
    """By the SDK's own helper, which puts the message together from the events."""
    with client.messages.stream(**COMMON, messages=WEATHER, tools=[TOOL]) as events:
        return [events.get_final_message()]


def tool_result(client):
    """The second half of a tool call: the answer of the first is part of the request."""
    asked = tools(client)[0].content
    calls = [block for block in asked if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    said = [block.model_dump(exclude_none=True) for block in asked]
    messages = [*WEATHER, {"role": "assistant", "content": said}, {"role": "user", "content": results}]
    return [client.messages.create(**COMMON, messages=messages, tools=[TOOL])]


def tokens(client):
    return [client.messages.count_tokens(model="demo-fast", messages=HELLO)]


async def asynchronous():
    """Several at once on the asynchronous client."""
    async with anthropic.AsyncAnthropic() as client:
        texts = ["one", "two", "three", "four"]
        asked = [client.messages.create(**COMMON, messages=[{"role": "user", "content": text}]) for text in texts]
        return await asyncio.gather(*asked)


def tell(name, answers):
    print(json.dumps([name, [answer.model_dump(mode="json") for answer in answers]]), flush=True)


if __name__ == "__main__":
    print(json.dumps(["version", anthropic.__version__]), flush=True)
    main()
