import orjson
import pytest

PATH = "/v1/chat/completions"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TRAINS = {"type": "function", "function": {"name": "find_trains"}}


def body(text="What is the capital of France?", **more):
    return {"model": "demo-fast", "messages": [{"role": "user", "content": text}], **more}


def test_an_answer_whole(document):
    whole = document(PATH, body())
    (choice,) = whole["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Paris.", "refusal": None}
    assert choice["finish_reason"] == "stop"
    assert whole["object"] == "chat.completion"
    assert whole["model"] == "demo-fast"
    assert (whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]) == (7 + 4, 2)
    assert whole["usage"]["total_tokens"] == 13


def test_an_answer_streamed_says_the_same(document, told):
    text = "Tell me about tea"
    *chunks, done = told(PATH, body(text, stream=True))
    assert done == ("", "[DONE]")
    deltas = [chunk["choices"][0]["delta"] for _, chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(delta.get("content", "") for delta in deltas) == content(document(PATH, body(text)))
    assert [chunk["choices"][0]["finish_reason"] for _, chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert len({chunk["id"] for _, chunk in chunks}) == 1
    assert all("usage" not in chunk for _, chunk in chunks)


def content(whole, index=0):
    return whole["choices"][index]["message"]["content"]


def test_usage_comes_last_where_it_is_asked_for(document, told):
    *chunks, last, _ = told(PATH, body(stream=True, stream_options={"include_usage": True}))
    assert all(chunk["usage"] is None for _, chunk in chunks)
    assert last[1]["choices"] == []
    assert last[1]["usage"] == document(PATH, body())["usage"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_of_tokens(document, name):
    whole = document(PATH, body("count to 9", **{name: 3}))
    assert content(whole) == "1, 2"
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 3


def test_a_limit_that_is_just_enough_cuts_nothing(document):
    assert document(PATH, body(max_tokens=2))["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("stop", "text"), [(" 3", "1, 2,"), ([" 4", " 2"], "1,"), (["x"], "1, 2, 3, 4."), (None, "1, 2, 3, 4."), ("1", "")]
)
def test_stop(document, stop, text):
    whole = document(PATH, body("count to 4", stop=stop))
    assert content(whole) == text
    assert whole["choices"][0]["finish_reason"] == "stop"


def test_several_choices_whole_and_streamed(document, told):
    whole = document(PATH, body("Tell me about tea", n=3))
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert len({content(whole, index) for index in range(3)}) == 3
    texts = ["", "", ""]
    for _, chunk in told(PATH, body("Tell me about tea", n=3, stream=True))[:-1]:
        (choice,) = chunk["choices"]
        texts[choice["index"]] += choice["delta"].get("content", "")
    assert texts == [content(whole, index) for index in range(3)]


def test_a_call_whole_and_streamed(document, told):
    (choice,) = document(PATH, body("weather in Paris", tools=[WEATHER]))["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    chunks = [
        chunk["choices"][0] for _, chunk in told(PATH, body("weather in Paris", tools=[WEATHER], stream=True))[:-1]
    ]
    deltas = [chunk["delta"]["tool_calls"][0] for chunk in chunks if "tool_calls" in chunk["delta"]]
    assert deltas[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert deltas[0]["id"].startswith("call_")
    assert len(deltas) > 3
    assert "".join(delta["function"]["arguments"] for delta in deltas) == '{"city":"Paris"}'
    assert chunks[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("auto", []),
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "find_trains"}}, ["find_trains"]),
    ],
)
def test_tool_choice(document, choice, called):
    whole = document(PATH, body("Tell me about tea", tools=[WEATHER, TRAINS], tool_choice=choice))
    calls = whole["choices"][0]["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == called


def test_none_wins_over_the_text(document):
    whole = document(PATH, body("weather", tools=[WEATHER], tool_choice="none"))
    assert "tool_calls" not in whole["choices"][0]["message"]


def test_parallel_calls_have_ids_of_their_own(document):
    request = body("weather and trains", tools=[WEATHER, TRAINS])
    calls = document(PATH, request)["choices"][0]["message"]["tool_calls"]
    assert len({call["id"] for call in calls}) == 2
    (one,) = document(PATH, {**request, "parallel_tool_calls": False})["choices"][0]["message"]["tool_calls"]
    assert one["function"]["name"] == "get_weather"


def test_after_a_result_it_speaks(document):
    request = body("weather in Paris", tools=[WEATHER], tool_choice="required")
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    request["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "18 °C"},
    ]
    assert content(document(PATH, request)) == "Here is what came back: 18 °C"


def test_structured_answers(document):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert orjson.loads(content(document(PATH, body("42", response_format=shape)))) == {"n": 42}
    shape = {"type": "json_object"}
    assert orjson.loads(content(document(PATH, body(response_format=shape)))) == {"answer": "Paris."}


def test_several_turns_and_parts(document):
    messages = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "I like tea."}, {"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": "Good."},
        {"role": "user", "content": "What did I say?"},
    ]
    assert content(document(PATH, {"model": "m", "messages": messages})) == "You said: “I like tea.”."


@pytest.mark.parametrize(
    ("change", "param", "words"),
    [
        ({"messages": None}, "messages", "must be a list, but it is null"),
        ({"messages": []}, "messages", "empty"),
        ({"messages": ["x"]}, "messages[0]", "must be an object, but it is a string"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing"),
        ({"messages": [{"role": "king"}]}, "messages[0].role", "one of system"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content", "string or a list"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0]", "an object"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages[0].content[0].text", "a string"),
        ({"n": 10**9}, "n", "from 1 to 128"),
        ({"n": 0}, "n", "from 1 to 128"),
        ({"n": True}, "n", "an integer, but it is a boolean"),
        ({"max_tokens": 1e30}, "max_tokens", "an integer, but it is a number"),
        ({"stop": [1]}, "stop[0]", "a string"),
        ({"stop": ["x"] * 65}, "stop", "64 items at most"),
        ({"tools": [{}] * 513}, "tools", "512 items at most"),
        ({"stream": "yes"}, "stream", "a boolean"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name", "1 to 256"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", "not in 'tools'"),
        ({"model": "x" * 257}, "model", "1 to 256"),
    ],
)
def test_what_is_wrong_is_named(document, change, param, words):
    error = document(PATH, body() | change, status=400)["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert words in error["message"]


@pytest.mark.parametrize("name", ["model", "messages"])
def test_what_is_missing_is_named(document, name):
    request = body()
    del request[name]
    error = document(PATH, request, status=400)["error"]
    assert (error["param"], error["code"]) == (name, "missing_required_parameter")
