import orjson
import pytest

PATH = "/v1/responses"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def body(given="What is the capital of France?", **more):
    return {"model": "demo-fast", "input": given, **more}


def text(whole):
    return whole["output"][0]["content"][0]["text"]


def test_an_answer_whole(document):
    whole = document(PATH, body(instructions="Be kind.", previous_response_id="resp_1", metadata={"a": "b"}))
    assert text(whole) == "Paris."
    assert whole["status"] == "completed"
    assert (whole["instructions"], whole["previous_response_id"]) == ("Be kind.", "resp_1")
    assert whole["metadata"] == {"a": "b"}
    assert (whole["usage"]["input_tokens"], whole["usage"]["output_tokens"]) == (7 + 4 + 3 + 4, 2)


def test_the_events_of_a_text(document, told):
    events = told(PATH, body(stream=True))
    assert [name.removeprefix("response.") for name, _ in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [data["sequence_number"] for _, data in events] == list(range(10))
    assert all(name == data["type"] for name, data in events)
    assert "".join(data["delta"] for name, data in events if name.endswith("delta")) == "Paris."
    last = events[-1][1]["response"]
    assert last["output"] == [events[-2][1]["item"]]
    assert text(last) == text(document(PATH, body()))
    assert last["usage"] == document(PATH, body())["usage"]
    first = events[0][1]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)


def test_the_events_of_a_call(told):
    events = told(PATH, body("weather in Paris", tools=[WEATHER], stream=True))
    kinds = [name.removeprefix("response.") for name, _ in events]
    assert kinds[2] == "output_item.added"
    assert events[2][1]["item"]["arguments"] == ""
    deltas = [data["delta"] for name, data in events if name.endswith("arguments.delta")]
    assert len(deltas) > 3
    assert "".join(deltas) == '{"city":"Paris"}'
    assert kinds[-3:] == ["function_call_arguments.done", "output_item.done", "completed"]
    (call,) = events[-1][1]["response"]["output"]
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "get_weather", '{"city":"Paris"}')


def test_a_cut_answer_is_incomplete(document, told):
    whole = document(PATH, body("count to 9", max_output_tokens=3))
    assert (whole["status"], whole["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert text(whole) == "1, 2"
    assert told(PATH, body("count to 9", max_output_tokens=3, stream=True))[-1][0] == "response.incomplete"


def test_after_a_result_it_speaks(document):
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "weather in Paris"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "18 °C"},
    ]
    assert text(document(PATH, body(items, tools=[WEATHER]))) == "Here is what came back: 18 °C"


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        ("required", "function_call"),
        ({"type": "function", "name": "get_weather"}, "function_call"),
        ("none", "message"),
        ({"type": "web_search"}, "message"),
    ],
)
def test_tool_choice(document, choice, kind):
    tools = [{"type": "web_search"}, WEATHER]
    assert document(PATH, body("tea", tools=tools, tool_choice=choice))["output"][0]["type"] == kind


def test_structured_answers(document):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    shape = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    assert orjson.loads(text(document(PATH, body("42", text=shape)))) == {"n": 42}


def test_counting(document):
    assert document(PATH + "/input_tokens", body("one two")) == {"object": "response.input_tokens", "input_tokens": 6}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": 5}, "input"),
        ({"input": []}, "input"),
        ({"input": [[]]}, "input[0]"),
        ({"input": [{"role": "tool"}]}, "input[0].role"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"tools": {}}, "tools"),
        ({"text": {"format": 1}}, "text.format"),
        ({"tool_choice": 1}, "tool_choice"),
    ],
)
def test_what_is_wrong_is_named(document, change, param):
    assert document(PATH, body() | change, status=400)["error"]["param"] == param


def test_fields_of_the_wrong_type_are_not_echoed(document):
    whole = document(PATH, body(temperature="hot", metadata=[], top_p=None))
    assert (whole["temperature"], whole["metadata"], whole["top_p"]) == (1.0, {}, 1.0)
