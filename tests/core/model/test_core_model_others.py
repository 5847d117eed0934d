"""The other APIs that the built-in model answers: each dialect reads back what it was asked, said and counted."""

import orjson
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Finish, ToolCall, Vector
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response
from proxy_daemon.core.model import answer

QUESTION = "What is the capital of France?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
GEMINI, CONVERSE = "/v1beta/models/demo-1:", "/model/demo-1/"


def user(text):
    return {"messages": [{"role": "user", "content": text}]}


def gemini(text, **config):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": config}


def converse(text, **config):
    return {"messages": [{"role": "user", "content": [{"text": text}]}], "inferenceConfig": config}


def dashscope(text):
    return {"model": "demo-1", "input": user(text), "parameters": {"result_format": "message"}}


# Dialect, path, and the body that a text makes.
TALKS = {
    "gemini": ("google", GEMINI + "generateContent", gemini),
    "gemini-events": ("google", GEMINI + "streamGenerateContent?alt=sse", gemini),
    "gemini-array": ("google", GEMINI + "streamGenerateContent", gemini),
    "converse": ("bedrock", CONVERSE + "converse", converse),
    "converse-stream": ("bedrock", CONVERSE + "converse-stream", converse),
    "ollama": ("ollama", "/api/chat", lambda text: {"model": "m", "stream": False, **user(text)}),
    "ollama-lines": ("ollama", "/api/chat", lambda text: {"model": "m", **user(text)}),
    "ollama-generate": ("ollama", "/api/generate", lambda text: {"model": "m", "prompt": text}),
    "cohere": ("cohere", "/v2/chat", lambda text: {"model": "m", **user(text)}),
    "cohere-events": ("cohere", "/v2/chat", lambda text: {"model": "m", "stream": True, **user(text)}),
    "cohere-v1": ("cohere-v1", "/v1/chat", lambda text: {"message": text}),
    "cohere-v1-lines": ("cohere-v1", "/v1/chat", lambda text: {"message": text, "stream": True}),
    "legacy": ("openai-completions", "/v1/completions", lambda text: {"model": "m", "prompt": text}),
    "legacy-events": (
        "openai-completions",
        "/v1/completions",
        lambda text: {"model": "m", "prompt": text, "stream": True},
    ),
    "mistral": ("mistral", "/v1/chat/completions", lambda text: {"model": "m", "random_seed": 1, **user(text)}),
    "azure": ("azure", "/openai/deployments/d/chat/completions", user),
    "azure-events": ("azure", "/openai/deployments/d/chat/completions", lambda text: {"stream": True, **user(text)}),
    "openrouter": (
        "openrouter",
        "/api/v1/chat/completions",
        lambda text: {"model": "a/b", "stream": True, **user(text)},
    ),
    "writer": ("writer", "/v1/chat", lambda text: {"model": "m", **user(text)}),
    "tgi": ("tgi", "/generate", lambda text: {"inputs": text}),
    "tgi-events": ("tgi", "/generate_stream", lambda text: {"inputs": text}),
    "dashscope": ("dashscope", "/api/v1/services/aigc/text-generation/generation", dashscope),
    "vertex-claude": (
        "vertex-claude",
        "/v1/projects/p/locations/l/publishers/anthropic/models/claude-1:rawPredict",
        lambda text: {"anthropic_version": "vertex-2023-10-16", "max_tokens": 99, **user(text)},
    ),
    "bedrock-claude": (
        "bedrock",
        "/model/anthropic.claude-1/invoke-with-response-stream",
        lambda text: {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, **user(text)},
    ),
}


def asked(path, body, method=b"POST"):
    request = Request(method, path.encode(), Headers(), Bytes(orjson.dumps(body)))
    script = answer(request)
    octets = b"".join(piece for _, piece in script.pieces)
    return request, Response(script.head, Bytes(octets))


def heard(path, body):
    """The answer, as its dialect reads it."""
    request, response = asked(path, body)
    assert response.head.status == 200, response.body.whole()
    said, problem = read_answer(recognise(request, BUILT_IN), request, response)
    assert (problem, said.error, said.complete) == ("", "", True)
    return said


@pytest.mark.parametrize("name", TALKS)
def test_it_answers_in_the_dialect_that_it_was_asked_in(name):
    dialect, path, body = TALKS[name]
    request, _ = asked(path, body(QUESTION))
    assert recognise(request, BUILT_IN).name == dialect
    said = heard(path, body(QUESTION))
    assert said.text == "Paris."
    assert [choice.finish for choice in said.choices] == [Finish.STOP]


@pytest.mark.parametrize("name", TALKS)
def test_it_is_the_same_each_time(name):
    _, path, body = TALKS[name]
    assert asked(path, body(QUESTION))[1] == asked(path, body(QUESTION))[1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI + "generateContent", gemini("count to 9", maxOutputTokens=3)),
        (CONVERSE + "converse", converse("count to 9", maxTokens=3)),
        ("/api/chat", {"model": "m", "options": {"num_predict": 3}, **user("count to 9")}),
        ("/v2/chat", {"model": "m", "max_tokens": 3, **user("count to 9")}),
        ("/v1/completions", {"model": "m", "max_tokens": 3, "prompt": "count to 9"}),
    ],
)
def test_a_limit_of_tokens(path, body):
    said = heard(path, body)
    assert (said.text, said.choices[0].finish) == ("1, 2", Finish.LENGTH)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI + "generateContent", gemini("count to 9", stopSequences=[" 3"])),
        (CONVERSE + "converse", converse("count to 9", stopSequences=[" 3"])),
        ("/api/generate", {"model": "m", "prompt": "count to 9", "options": {"stop": [" 3"], "num_predict": -1}}),
        ("/v2/chat", {"model": "m", "stop_sequences": [" 3"], **user("count to 9")}),
        ("/v1/completions", {"model": "m", "stop": " 3", "prompt": "count to 9"}),
    ],
)
def test_stops(path, body):
    assert heard(path, body).text == "1, 2,"


FUNCTION = {"name": "get_weather", "description": "", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
SPEC = {"toolSpec": {"name": "get_weather", "inputSchema": {"json": SCHEMA}}}
ASK = "weather in Paris"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI + "generateContent", {**gemini(ASK), "tools": [{"functionDeclarations": [FUNCTION]}]}),
        (CONVERSE + "converse", {**converse(ASK), "toolConfig": {"tools": [SPEC]}}),
        (CONVERSE + "converse-stream", {**converse(ASK), "toolConfig": {"tools": [SPEC]}}),
        ("/api/chat", {"model": "m", "tools": [TOOL], **user(ASK)}),
        ("/v2/chat", {"model": "m", "tools": [TOOL], **user(ASK)}),
        ("/v1/chat/completions", {"model": "m", "random_seed": 1, "tool_choice": "any", "tools": [TOOL], **user("x")}),
    ],
)
def test_it_calls_tools(path, body):
    (call,) = (part for part in heard(path, body).choices[0].parts if isinstance(part, ToolCall))
    assert call.name == "get_weather"
    assert orjson.loads(call.arguments).keys() == {"city"}


def test_results_beside_a_text_are_answered_in_words():
    body = converse(ASK)
    body["toolConfig"] = {"tools": [SPEC]}
    use = {"toolUse": {"toolUseId": "t", "name": "get_weather", "input": {}}}
    result = {"toolResult": {"toolUseId": "t", "content": [{"text": "18 °C"}]}}
    body["messages"] += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result, {"text": ASK}]}]
    assert heard(CONVERSE + "converse", body).text == "Here is what came back: 18 °C"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI + "generateContent", gemini("go to Rome", responseMimeType="application/json", responseSchema=SCHEMA)),
        ("/api/chat", {"model": "m", "format": SCHEMA, **user("go to Rome")}),
    ],
)
def test_structured_answers(path, body):
    assert orjson.loads(heard(path, body).text) == {"city": "Rome"}


def test_any_json():
    assert orjson.loads(heard("/api/chat", {"model": "m", "format": "json", **user(QUESTION)}).text) == {
        "answer": "Paris."
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI + "generateContent", gemini("Tell me about tea", candidateCount=2)),
        ("/v1/completions", {"model": "m", "n": 2, "prompt": "Tell me about tea"}),
        ("/v1/completions", {"model": "m", "n": 2, "prompt": "Tell me about tea", "stream": True}),
    ],
)
def test_several_choices(path, body):
    assert len({choice.text for choice in heard(path, body).choices}) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI + "embedContent", {"content": {"parts": [{"text": "tea"}]}}),
        ("/api/embed", {"model": "m", "input": ["tea"]}),
        ("/v2/embed", {"model": "m", "texts": ["tea"], "input_type": "search_query", "embedding_types": ["float"]}),
        ("/openai/deployments/d/embeddings", {"input": "tea"}),
    ],
)
def test_embeddings(path, body):
    (choice,) = heard(path, body).choices
    (part,) = choice.parts
    assert isinstance(part, Vector)
    assert len(part.values) == 256


@pytest.mark.parametrize(
    ("path", "body", "counted"),
    [
        (GEMINI + "countTokens", gemini("one two"), {"totalTokens": 6}),
        (CONVERSE + "count-tokens", {"input": {"converse": converse("one two")}}, {"inputTokens": 6}),
    ],
)
def test_counting(path, body, counted):
    assert orjson.loads(asked(path, body)[1].body.whole()) == counted


@pytest.mark.parametrize("name", TALKS)
def test_what_says_nothing_is_refused_in_words(name):
    _, path, _ = TALKS[name]
    _, response = asked(path, {"model": "m", "message": "", "messages": [], "max_tokens": 9})
    assert response.head.status in (400, 404)
    assert len(response.body.whole()) > 20


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1beta/models/demo-429:generateContent", 429, b"RESOURCE_EXHAUSTED"),
        ("/model/demo-429/converse", 429, b"ThrottlingException"),
        ("/model/demo-overloaded/converse", 503, b"ServiceUnavailableException"),
        ("/v1beta/models/" + "x" * 257 + ":generateContent", 400, b"1 to 256"),
    ],
)
def test_errors_that_a_models_name_asks_for(path, status, words):
    _, response = asked(path, gemini("x") | converse("x"))
    assert response.head.status == status
    assert words in response.body.whole()


def test_a_body_whose_answer_no_dialect_writes():
    _, response = asked("/v1/conversations", {"model": "m", "inputs": "x", "random_seed": 1})
    assert response.head.status == 400
    assert b"cannot answer this" in response.body.whole()


def test_more_tools_than_anybody_looks_at():
    _, response = asked("/api/chat", {"model": "m", "tools": [TOOL] * 513, **user("x")})
    assert response.head.status == 400


def test_a_model_counts_also_where_none_need_be_named():
    assert asked("/v1/chat", {"message": "x", "model": "demo-429"})[1].head.status == 429
    assert asked("/v1/chat", {"message": "x"})[1].head.status == 200
