"""A client program on the unmodified SDKs of Google, Ollama, Mistral and Cohere: what each understood, as JSON lines.

`more_calls.py SDK URL`: one call for a document and one for a stream. Run by test_clients_rendered_more.py.
"""

import importlib
import json
import sys

ASKED = "How is the weather in Zürich?"
MESSAGES = [{"role": "user", "content": ASKED}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": SCHEMA}}


def google(url):
    genai = importlib.import_module("google.genai")
    client = genai.Client(api_key="none", http_options={"base_url": url})
    declared = {"name": "weather", "description": "Tells it", "parameters": {"type": "OBJECT", "properties": {}}}
    asked = {"model": "model-1", "contents": ASKED, "config": {"tools": [{"function_declarations": [declared]}]}}
    for answers in ([client.models.generate_content(**asked)], list(client.models.generate_content_stream(**asked))):
        parts = [part for each in answers for part in each.candidates[0].content.parts or ()]
        called = [part.function_call for part in parts if part.function_call]
        usage, end = answers[-1].usage_metadata, answers[-1].candidates[0].finish_reason
        tell(
            "".join(part.text or "" for part in parts if not part.thought),
            [(each.id, each.name, each.args) for each in called],
            (usage.prompt_token_count, usage.candidates_token_count),
            end.value,
        )


def ollama(url):
    client = importlib.import_module("ollama").Client(host=url)
    asked = {"model": "model-1", "messages": MESSAGES, "tools": [FUNCTION]}
    for answers in ([client.chat(**asked)], list(client.chat(**asked, stream=True))):
        called = [call.function for each in answers for call in each.message.tool_calls or ()]
        assert [each.done for each in answers] == [False] * (len(answers) - 1) + [True]
        tell(
            "".join(each.message.content or "" for each in answers),
            [("call_1", each.name, each.arguments) for each in called],  # this API has no ids
            (answers[-1].prompt_eval_count, answers[-1].eval_count),
            answers[-1].done_reason,
        )


def mistral(url):
    client = importlib.import_module("mistralai.client").Mistral(api_key="none", server_url=url)
    asked = {"model": "model-1", "messages": MESSAGES, "tools": [FUNCTION], "random_seed": 1}
    whole = client.chat.complete(**asked)
    (choice,) = whole.choices
    tell(choice.message.content or "", mistrals_calls([choice.message]), mistrals_usage(whole), choice.finish_reason)
    with client.chat.stream(**asked) as stream:
        told = [event.data for event in stream]
    deltas = [each.choices[0].delta for each in told if each.choices]
    ends = [each.choices[0].finish_reason for each in told if each.choices]
    usage = next(each for each in told if each.usage)
    tell("".join(each.content or "" for each in deltas), mistrals_calls(deltas), mistrals_usage(usage), ends[-1])


def mistrals_calls(messages):
    """In a stream the arguments come in pieces, by the call's index."""
    called = {}
    for call in (call for each in messages for call in each.tool_calls or ()):
        known = called.setdefault(call.index, [call.id, call.function.name, ""])
        known[2] += call.function.arguments
    return [(id_, name, json.loads(arguments)) for id_, name, arguments in called.values()]


def mistrals_usage(answer):
    return answer.usage.prompt_tokens, answer.usage.completion_tokens


def cohere(url):
    client = importlib.import_module("cohere").ClientV2(api_key="none", base_url=url)
    asked = {"model": "model-1", "messages": MESSAGES, "tools": [FUNCTION]}
    whole = client.chat(**asked)
    text = "".join(each.text for each in whole.message.content or () if each.type == "text")
    called = [(each.id, each.function.name, each.function.arguments) for each in whole.message.tool_calls or ()]
    tell(text, decoded(called), coheres_usage(whole), whole.finish_reason)
    told = list(client.chat_stream(**asked))
    text = "".join(each.delta.message.content.text or "" for each in told if each.type == "content-delta")
    called = [each.delta.message.tool_calls for each in told if each.type == "tool-call-start"]
    more = [each.delta.message.tool_calls.function.arguments for each in told if each.type == "tool-call-delta"]
    calls = [(each.id, each.function.name, (each.function.arguments or "") + "".join(more)) for each in called]
    tell(text, decoded(calls), coheres_usage(told[-1].delta), told[-1].delta.finish_reason)


def decoded(calls):
    return [(id_, name, json.loads(arguments)) for id_, name, arguments in calls]


def coheres_usage(answer):
    return answer.usage.tokens.input_tokens, answer.usage.tokens.output_tokens


def cohere_v1(url):
    client = importlib.import_module("cohere").Client(api_key="none", base_url=url)
    whole = client.chat(model="model-1", message=ASKED)
    told = list(client.chat_stream(model="model-1", message=ASKED))
    pieces = "".join(each.text for each in told if each.event_type == "text-generation")
    for text, answer in ((whole.text, whole), (pieces, told[-1].response)):
        called = [("call_1", each.name, each.parameters) for each in answer.tool_calls or ()]  # this API has no ids
        tokens = answer.meta.tokens
        tell(text, called, (tokens.input_tokens, tokens.output_tokens), answer.finish_reason)


def tell(text, calls, usage, end):
    print(json.dumps([text, calls, usage, end]), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
