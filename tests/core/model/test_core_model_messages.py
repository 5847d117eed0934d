import orjson
import pytest

PATH = "/v1/messages"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "input_schema": SCHEMA}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def body(text="What is the capital of France?", **more):
    return {"model": "demo-fast", "max_tokens": 1024, "messages": [{"role": "user", "content": text}], **more}


def text(whole):
    return whole["content"][-1]["text"]


def test_an_answer_whole(document):
    whole = document(PATH, body(system=[{"type": "text", "text": "Be kind."}]))
    assert whole["content"] == [{"type": "text", "text": "Paris."}]
    assert (whole["type"], whole["role"], whole["stop_reason"]) == ("message", "assistant", "end_turn")
    assert (whole["usage"]["input_tokens"], whole["usage"]["output_tokens"]) == (7 + 4 + 3 + 4, 2)


def test_the_events_of_a_text(document, told):
    events = told(PATH, body(stream=True))
    assert [name for name, _ in events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(name == data["type"] for name, data in events)
    whole = document(PATH, body())
    start = events[0][1]["message"]
    assert (start["content"], start["stop_reason"]) == ([], None)
    assert start["usage"]["input_tokens"] == whole["usage"]["input_tokens"]
    assert "".join(data["delta"]["text"] for name, data in events if name == "content_block_delta") == text(whole)
    assert events[-2][1]["usage"] == whole["usage"]
    assert events[-2][1]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}


def test_a_call_whole_and_streamed(document, told):
    whole = document(PATH, body("weather in Paris", tools=[SEARCH, WEATHER]))
    (block,) = whole["content"]
    assert (block["type"], block["name"], block["input"]) == ("tool_use", "get_weather", {"city": "Paris"})
    assert whole["stop_reason"] == "tool_use"
    events = told(PATH, body("weather in Paris", tools=[SEARCH, WEATHER], stream=True))
    assert events[1][1]["content_block"]["input"] == {}
    deltas = [data["delta"] for name, data in events if name == "content_block_delta"]
    assert {delta["type"] for delta in deltas} == {"input_json_delta"}
    assert orjson.loads("".join(delta["partial_json"] for delta in deltas)) == {"city": "Paris"}
    assert events[-2][1]["delta"]["stop_reason"] == "tool_use"


def test_thinking_comes_first_and_is_signed(document, told):
    request = body(thinking={"type": "enabled", "budget_tokens": 1024})
    thinking, answer = document(PATH, request)["content"]
    assert answer["text"] == "Paris."
    deltas = [data for name, data in told(PATH, {**request, "stream": True}) if name == "content_block_delta"]
    thoughts = [delta["delta"] for delta in deltas if delta["index"] == 0]
    assert "".join(delta["thinking"] for delta in thoughts[:-1]) == thinking["thinking"]
    assert thoughts[-1] == {"type": "signature_delta", "signature": thinking["signature"]}
    assert {delta["delta"]["type"] for delta in deltas if delta["index"] == 1} == {"text_delta"}


def test_no_thinking_where_it_is_disabled(document):
    assert document(PATH, body(thinking={"type": "disabled"}))["content"][0]["type"] == "text"


@pytest.mark.parametrize(
    ("more", "reason", "sequence", "said"),
    [
        ({"max_tokens": 3}, "max_tokens", None, "1, 2"),
        ({"stop_sequences": ["9", " 3"]}, "stop_sequence", " 3", "1, 2,"),
        ({"stop_sequences": [" 3"], "max_tokens": 2}, "max_tokens", None, "1,"),
        ({"stop_sequences": []}, "end_turn", None, "1, 2, 3, 4."),
    ],
)
def test_ends(document, more, reason, sequence, said):
    whole = document(PATH, body("count to 4", **more))
    assert (whole["stop_reason"], whole["stop_sequence"], text(whole)) == (reason, sequence, said)


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"type": "any"}, ["get_weather"]),
        ({"type": "tool", "name": "find_trains"}, ["find_trains"]),
        ({"type": "none"}, []),
        ({"type": "auto"}, []),
    ],
)
def test_tool_choice(document, choice, called):
    tools = [WEATHER, {"name": "find_trains", "type": "custom"}]
    whole = document(PATH, body("Tell me about tea", tools=tools, tool_choice=choice))
    assert [block["name"] for block in whole["content"] if block["type"] == "tool_use"] == called


@pytest.mark.parametrize("content", ["18 °C", [{"type": "text", "text": "18 °C"}]])
def test_after_a_result_it_speaks(document, content):
    request = body("weather in Paris", tools=[WEATHER])
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    request["messages"] += [
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result, {"type": "text", "text": "weather?"}]},
    ]
    assert text(document(PATH, request)) == "Here is what came back: 18 °C"


@pytest.mark.parametrize("where", ["output_config", "output_format"])
def test_structured_answers(document, where):
    shape = {"type": "json_schema", "schema": SCHEMA}
    request = body("go to Rome", **{where: {"format": shape} if where == "output_config" else shape})
    assert orjson.loads(text(document(PATH, request))) == {"city": "Rome"}


def test_counting_counts_what_the_answer_counts(document):
    request = body("one two", system="Be kind.", tools=[WEATHER])
    counted = document(PATH + "/count_tokens", request)["input_tokens"]
    assert counted == document(PATH, request)["usage"]["input_tokens"]
    assert counted > document(PATH + "/count_tokens", body("one two"))["input_tokens"] == 6


def test_a_shape_that_is_no_object_stays_an_object_for_tools(document):
    whole = document(PATH, body("weather", tools=[{"name": "get_weather", "input_schema": {"type": "integer"}}]))
    assert whole["content"][0]["input"] == {"value": 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_tokens": None}, "'max_tokens' must be an integer"),
        ({"max_tokens": 0}, "'max_tokens' must be from 1"),
        ({"messages": []}, "'messages' is empty"),
        ({"messages": [{"role": "tool", "content": ""}]}, "'messages[0].role' must be one of user"),
        ({"messages": [{"role": "user"}]}, "'messages[0].content' is missing"),
        ({"system": 5}, "'system' must be a string or a list"),
        ({"stop_sequences": "x"}, "'stop_sequences' must be a list"),
        ({"tools": [{}]}, "'tools[0].name' is missing"),
        ({"thinking": True}, "'thinking' must be an object"),
    ],
)
def test_what_is_wrong_is_named(document, change, words):
    whole = document(PATH, body() | change, status=400)
    assert (whole["type"], whole["error"]["type"]) == ("error", "invalid_request_error")
    assert words in whole["error"]["message"]
    assert whole["request_id"].startswith("req_")
