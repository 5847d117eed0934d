"""A client program on the unmodified `openai` SDK (2.x and 3.x): every kind of call, each answer as one JSON line.

Knows nothing of the proxy: OPENAI_BASE_URL says where to ask. Run by test_clients_python.py.
"""

import asyncio
import json

import openai

HELLO = [{"role": "user", "content": "What is the capital of France?"}]
WEATHER = [{"role": "user", "content": "How is the weather in Paris?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "The weather in a city", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}


def main():
    with openai.OpenAI() as client:
        for call in (models, chat, stream, tools, tool_stream, tool_result, responses, response_stream, embeddings):
            tell(call.__name__, call(client))
    tell("asynchronous", asyncio.run(asynchronous()))


def models(client):
    return [*client.models.list(), client.models.retrieve("demo-1")]


def chat(client):
    return [client.chat.completions.create(model="demo-fast", messages=HELLO)]


def stream(client):
    options = {"include_usage": True}
    return list(client.chat.completions.create(model="demo-fast", messages=HELLO, stream=True, stream_options=options))


def tools(client):
    return [client.chat.completions.create(model="demo-fast", messages=WEATHER, tools=[TOOL])]


def tool_stream(client):
    return list(client.chat.completions.create(model="demo-fast", messages=WEATHER, tools=[TOOL], stream=True))


def tool_result(client):
    """The second half of a tool call: the answer of the first is part of the request."""
    asked = tools(client)[0].choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in asked.tool_calls]
    messages = [*WEATHER, asked.model_dump(exclude_none=True), *results]
    return [client.chat.completions.create(model="demo-fast", messages=messages, tools=[TOOL])]


def responses(client):
    tool = {"type": "function", "strict": False} | FUNCTION
    return [
        client.responses.create(model="demo-fast", input="What is the capital of France?"),
        client.responses.create(model="demo-fast", input="How is the weather in Paris?", tools=[tool]),
    ]


def response_stream(client):
    return list(client.responses.create(model="demo-fast", input="What is the capital of France?", stream=True))


def embeddings(client):
    plain = client.embeddings.create(model="demo-embedding", input=["one", "two"], encoding_format="float")
    return [plain, client.embeddings.create(model="demo-embedding", input="three")]  # base64, decoded by the SDK


async def asynchronous():
    """Several at once on the asynchronous client."""
    async with openai.AsyncOpenAI() as client:
        texts = ["one", "two", "three", "four"]
        asked = [
            client.chat.completions.create(model="demo-fast", messages=[{"role": "user", "content": text}])
            for text in texts
        ]
        return await asyncio.gather(*asked)


def tell(name, answers):
    print(json.dumps([name, [answer.model_dump(mode="json") for answer in answers]]), flush=True)


if __name__ == "__main__":
    print(json.dumps(["version", openai.__version__]), flush=True)
    main()
