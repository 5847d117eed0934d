"""A client program that takes all from the environment: one call of an SDK, then each address that it went to.

`run_calls.py SDK`. Knows nothing of the proxy, and takes any refusal. Run by test_clients_run.py.
"""

import importlib
import os
import sys

MESSAGES = [{"role": "user", "content": "How is the weather in Zürich?"}]
ASKED = {"model": "model-1", "messages": MESSAGES}
PLACES = set()


def openai():
    importlib.import_module("openai").OpenAI(max_retries=0).chat.completions.create(**ASKED)


def azure():
    client = importlib.import_module("openai").AzureOpenAI(api_version="2024-10-21", max_retries=0)
    client.chat.completions.create(**ASKED)


def anthropic():
    importlib.import_module("anthropic").Anthropic(max_retries=0).messages.create(max_tokens=9, **ASKED)


def google():
    client = importlib.import_module("google.genai").Client()  # closes what it holds when it goes
    client.models.generate_content(model="model-1", contents="Zürich?")


def ollama():
    importlib.import_module("ollama").chat(**ASKED)


def cohere():
    importlib.import_module("cohere").ClientV2().chat(**ASKED)


def mistral():
    """The one that reads no variable."""
    url = os.environ.get("MISTRAL_BASE_URL")
    importlib.import_module("mistralai.client").Mistral(os.environ["MISTRAL_API_KEY"], server_url=url).chat.complete(
        **ASKED
    )


def mistral_without_a_word():
    importlib.import_module("mistralai.client").Mistral(os.environ["MISTRAL_API_KEY"]).chat.complete(**ASKED)


def heard(event, arguments):
    if event == "socket.connect":
        PLACES.add(str(arguments[1][0]))
    elif event == "socket.getaddrinfo":
        PLACES.add(str(arguments[0]))


if __name__ == "__main__":
    sys.addaudithook(heard)
    try:
        globals()[sys.argv[1]]()
    except Exception as error:  # noqa: BLE001  (each SDK has its own for a refusal)
        print("refused:", type(error).__name__, str(error)[:300], file=sys.stderr)
    print(*sorted(PLACES))
