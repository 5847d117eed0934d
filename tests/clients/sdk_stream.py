"""A client program that streams: prints one line, at once, for each event that the SDK hands over.

Run by test_clients_causal.py as `sdk_stream.py openai|responses|anthropic`.
"""

import sys

HELLO = [{"role": "user", "content": "hello"}]


def chat():
    import openai  # noqa: PLC0415  (each run has what one SDK needs, in its version)

    for event in openai.OpenAI().chat.completions.create(model="m", messages=HELLO, stream=True):
        yield event.choices[0].delta.content


def responses():
    import openai  # noqa: PLC0415  (each run has what one SDK needs, in its version)

    for event in openai.OpenAI().responses.create(model="m", input="hello", stream=True):
        yield event.delta


def messages():
    import anthropic  # noqa: PLC0415  (each run has what one SDK needs, in its version)

    for event in anthropic.Anthropic().messages.create(model="m", max_tokens=9, messages=HELLO, stream=True):
        yield event.delta.text


if __name__ == "__main__":
    for said in {"chat": chat, "responses": responses, "messages": messages}[sys.argv[1]]():
        print(said, flush=True)
