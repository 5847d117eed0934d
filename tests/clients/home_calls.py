"""A client program: plain calls and streams of one SDK; then each address that the process has asked for.

`home_calls.py SDK`: prints what was said, and at the end where the proxy is and the addresses, as lines of JSON. Takes
its base URL from the environment, or by the line that docs/run.md has for it; any error ends it. Run by
test_clients_home.py.
"""

import asyncio
import importlib
import json
import os
import sys

ASKED = "How is the weather in Zürich?"
MESSAGES = [{"role": "user", "content": ASKED}]
CHAT = {"model": "model-1", "messages": MESSAGES}
CLAUDE = "anthropic.claude-model-1"  # Bedrock knows from the name whose API a model speaks
WATCHED = ("socket.gethostbyname", "socket.gethostbyaddr", "socket.getaddrinfo")
PLACES = set()


def heard(event, arguments):
    """An audit hook: from before the SDK is imported, for some ask the network as they are."""
    if event in ("socket.connect", "socket.sendto"):
        PLACES.add(":".join(map(str, arguments[1][:2])))
    elif event in WATCHED:
        name = arguments[0]
        PLACES.add(f"name {name.decode() if isinstance(name, bytes) else name}")


def openai():
    module = importlib.import_module("openai")
    client = module.OpenAI()
    at_azure = module.AzureOpenAI(api_version="2024-10-21")
    at_once = asyncio.run(chats_async(module.AsyncOpenAI()))
    return chats(client.chat.completions) + responses(client.responses) + chats(at_azure.chat.completions) + at_once


def chats(api):
    plain = api.create(**CHAT).choices[0].message.content
    return [plain, joined(each.choices[0].delta.content for each in api.create(**CHAT, stream=True) if each.choices)]


def responses(api):
    events = api.create(model="model-1", input=ASKED, stream=True)
    streamed = joined(each.delta for each in events if each.type == "response.output_text.delta")
    return [api.create(model="model-1", input=ASKED).output_text, streamed]


async def chats_async(client):
    plain = await client.chat.completions.create(**CHAT)
    streamed = await client.chat.completions.create(**CHAT, stream=True)
    return [
        plain.choices[0].message.content,
        joined([each.choices[0].delta.content async for each in streamed if each.choices]),
    ]


def anthropic():
    return messages(importlib.import_module("anthropic").Anthropic(), "model-1")


def anthropic_bedrock():
    return messages(importlib.import_module("anthropic").AnthropicBedrock(aws_region="us-east-1"), CLAUDE)


def messages(client, model):
    asked = {"model": model, "max_tokens": 99, "messages": MESSAGES}
    events = client.messages.create(**asked, stream=True)
    streamed = joined(each.delta.text for each in events if each.type == "content_block_delta")
    return [client.messages.create(**asked).content[0].text, streamed]


def google_genai():
    client = importlib.import_module("google.genai").Client()  # closes what it holds when it goes
    asked = {"model": "model-1", "contents": ASKED}
    streamed = joined(each.text for each in client.models.generate_content_stream(**asked))
    return [client.models.generate_content(**asked).text, streamed]


def ollama():
    chat = importlib.import_module("ollama").chat
    return [chat(**CHAT).message.content, joined(each.message.content for each in chat(**CHAT, stream=True))]


def mistralai():
    """It reads no variable for its address: this is the line of docs/run.md."""
    made = importlib.import_module("mistralai.client").Mistral
    chat = made(os.environ["MISTRAL_API_KEY"], server_url=os.environ.get("MISTRAL_BASE_URL")).chat
    with chat.stream(**CHAT) as events:
        streamed = joined(each.data.choices[0].delta.content for each in events if each.data.choices)
    return [chat.complete(**CHAT).choices[0].message.content, streamed]


def cohere():
    client = importlib.import_module("cohere").ClientV2()
    events = client.chat_stream(**CHAT)
    streamed = joined(each.delta.message.content.text for each in events if each.type == "content-delta")
    return [client.chat(**CHAT).message.content[0].text, streamed]


def boto3():
    client = importlib.import_module("boto3").client("bedrock-runtime", region_name="us-east-1")
    asked = {"modelId": CLAUDE, "messages": [{"role": "user", "content": [{"text": ASKED}]}]}
    events = client.converse_stream(**asked)["stream"]
    streamed = joined(each["contentBlockDelta"]["delta"]["text"] for each in events if "contentBlockDelta" in each)
    return [client.converse(**asked)["output"]["message"]["content"][0]["text"], streamed]


# --- litellm: an API of its own for each, chosen by the model's name -------------------------------------------------

LITELLM = {
    "openai": {},
    "anthropic": {},
    "gemini": {},
    "ollama_chat": {},
    "mistral": {},
    "azure": {"api_version": "2024-10-21"},
    "bedrock": {"model": f"bedrock/{CLAUDE}", "aws_region_name": "us-east-1"},
}


def litellm():
    module = importlib.import_module("litellm")
    module.suppress_debug_info = True  # it would print what it has to say of an unknown model
    said = []
    for name, more in LITELLM.items():
        asked = CHAT | {"model": f"{name}/model-1"} | more
        said.append(module.completion(**asked).choices[0].message.content)
        said.append(joined(each.choices[0].delta.content for each in module.completion(**asked, stream=True)))
    return [*said, litellm_at_cohere(module), *asyncio.run(litellm_async(module, CHAT | {"model": "openai/model-1"}))]


def litellm_at_cohere(module):
    """By the line of docs/run.md. No stream: what reads it here fails at the first `event:` line of the API's."""
    place = os.environ["CO_API_URL"] + "/v2/chat"
    return module.completion(model="cohere/model-1", messages=MESSAGES, api_base=place).choices[0].message.content


async def litellm_async(module, asked):
    """Asynchronous calls go by another HTTP client."""
    plain = await module.acompletion(**asked)
    streamed = [each.choices[0].delta.content async for each in await module.acompletion(**asked, stream=True)]
    return [plain.choices[0].message.content, joined(streamed)]


def joined(pieces):
    return "".join(piece or "" for piece in pieces)


if __name__ == "__main__":
    sys.addaudithook(heard)
    for said in globals()[sys.argv[1]]():
        print(json.dumps(said))
    home = os.environ["LLMPROXY_URL"].removeprefix("http://")
    print(json.dumps([home, sorted(PLACES)]))
