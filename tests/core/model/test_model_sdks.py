"""The real SDKs against the built-in model, over a real socket: what it writes is what they read."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import openai
import pydantic
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.model import answer

TEA = "Tell me about tea"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
ASKED = [{"role": "user", "content": TEA}]
WEATHER = [{"role": "user", "content": "How is the weather in Zürich?"}]


class Player(BaseHTTPRequestHandler):
    """Plays scripts, in chunks and without their delays."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def play(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = Headers([(name.lower().encode(), value.encode()) for name, value in self.headers.items()])
        script = answer(Request(self.command.encode(), self.path.encode(), headers, Bytes(body)))
        self.send_response(script.head.status)
        for name, value in script.head.headers.pairs:
            self.send_header(name.decode(), value.decode())
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _, octets in script.pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(octets), octets))
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = play

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """Keeps its faults, other than a client that left: the SDKs hang up behind `[DONE]`."""

    def handle_error(self, request, client_address):
        if not isinstance(error := sys.exception(), ConnectionError):
            self.faults.append(error)


@pytest.fixture(scope="module")
def url():
    server = Server(("127.0.0.1", 0), Player)
    server.faults = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    assert server.faults == []


@pytest.fixture(scope="module")
def oai(url):
    with openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(url):
    with anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
        yield client


class City(pydantic.BaseModel):
    city: str


# --- OpenAI ----------------------------------------------------------------------------------------------------------


def test_chat(oai):
    whole = oai.chat.completions.create(model="demo-1", messages=ASKED)
    stream = oai.chat.completions.create(model="demo-1", messages=ASKED, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == whole.choices[0].message.content
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert whole._request_id.startswith("req_")


def test_chat_stream_with_a_tool(oai):
    with oai.chat.completions.stream(model="demo-1", messages=WEATHER, tools=[FUNCTION]) as stream:
        kinds = {event.type for event in stream}
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    assert "tool_calls.function.arguments.delta" in kinds
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Zürich"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "18 °C"}
    turns = [
        *WEATHER,
        {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
        result,
    ]
    after = oai.chat.completions.create(model="demo-1", messages=turns, tools=[FUNCTION])
    assert "18 °C" in after.choices[0].message.content


def test_chat_stream_usage(oai):
    options = {"include_usage": True}
    with oai.chat.completions.stream(model="demo-1", messages=ASKED, stream_options=options) as stream:
        final = stream.get_final_completion()
    assert final.usage.completion_tokens > 5
    assert final.choices[0].finish_reason == "stop"


def test_chat_parse(oai):
    messages = [{"role": "user", "content": "I go to Zürich"}]
    parsed = oai.chat.completions.parse(model="demo-1", messages=messages, response_format=City)
    assert parsed.choices[0].message.parsed == City(city="Zürich")


def test_responses(oai):
    whole = oai.responses.create(model="demo-1", input=TEA, instructions="Be kind.")
    with oai.responses.stream(model="demo-1", input=TEA, instructions="Be kind.") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert final.output_text == whole.output_text
    assert final.usage == whole.usage
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_responses_with_a_tool(oai):
    tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
    with oai.responses.stream(model="demo-1", input=WEATHER, tools=tools) as stream:
        final = stream.get_final_response()
    (call,) = final.output
    assert (call.type, call.name, call.arguments) == ("function_call", "get_weather", '{"city":"Zürich"}')
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 °C"}
    after = oai.responses.create(model="demo-1", previous_response_id=final.id, input=[result], tools=tools)
    assert "18 °C" in after.output_text


def test_responses_parse(oai):
    assert oai.responses.parse(model="demo-1", input="I go to Zürich", text_format=City).output_parsed == City(
        city="Zürich"
    )


def test_embeddings(oai):
    coded = oai.embeddings.create(model="demo-embedding", input=["tea", "coffee"])
    plain = oai.embeddings.create(model="demo-embedding", input=["tea", "coffee"], encoding_format="float")
    assert [one.embedding for one in coded.data] == [one.embedding for one in plain.data]
    assert len(coded.data[1].embedding) == 256


def test_openai_models(oai):
    assert "demo-fast" in [model.id for model in oai.models.list()]
    assert oai.models.retrieve("demo-1").owned_by == "llmproxy"
    with pytest.raises(openai.NotFoundError, match="'nothing' does not exist"):
        oai.models.retrieve("nothing")


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("demo-429", openai.RateLimitError),
        ("demo-500", openai.InternalServerError),
        ("demo-overloaded", openai.InternalServerError),
        ("", openai.BadRequestError),
    ],
)
def test_openai_errors(oai, model, error):
    with pytest.raises(error) as caught:
        oai.chat.completions.create(model=model, messages=ASKED)
    assert caught.value.request_id.startswith("req_")
    assert caught.value.body["message"]


# --- Anthropic -------------------------------------------------------------------------------------------------------


def test_messages(claude):
    whole = claude.messages.create(model="demo-1", max_tokens=100, messages=ASKED, system="Be kind.")
    with claude.messages.stream(model="demo-1", max_tokens=100, messages=ASKED, system="Be kind.") as stream:
        assert "".join(stream.text_stream) == whole.content[0].text
        final = stream.get_final_message()
    assert final.stop_reason == whole.stop_reason == "end_turn"
    assert final.usage == whole.usage


def test_messages_with_a_tool(claude):
    tools = [{"name": "get_weather", "input_schema": SCHEMA}]
    with claude.messages.stream(model="demo-1", max_tokens=100, messages=WEATHER, tools=tools) as stream:
        final = stream.get_final_message()
    (use,) = final.content
    assert (final.stop_reason, use.name, use.input) == ("tool_use", "get_weather", {"city": "Zürich"})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "18 °C"}
    turns = [*WEATHER, {"role": "assistant", "content": final.content}, {"role": "user", "content": [result]}]
    after = claude.messages.create(model="demo-1", max_tokens=100, messages=turns, tools=tools)
    assert "18 °C" in after.content[0].text


def test_messages_with_thinking(claude):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    whole = claude.messages.create(model="demo-1", max_tokens=2000, messages=ASKED, thinking=thinking)
    with claude.messages.stream(model="demo-1", max_tokens=2000, messages=ASKED, thinking=thinking) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert [block.to_dict() for block in final.content] == [block.to_dict() for block in whole.content]


def test_count_tokens_and_models(claude):
    assert claude.messages.count_tokens(model="demo-1", messages=ASKED).input_tokens == 8
    assert "demo-1" in [model.id for model in claude.models.list()]
    assert claude.models.retrieve("demo-1").created_at.year == 2025


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("demo-429", 429, "rate_limit_error"),
        ("demo-500", 500, "api_error"),
        ("demo-overloaded", 529, "overloaded_error"),
        ("", 400, "invalid_request_error"),
    ],
)
def test_anthropic_errors(claude, model, status, kind):
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.create(model=model, max_tokens=100, messages=ASKED)
    assert (caught.value.status_code, caught.value.body["error"]["type"]) == (status, kind)
    assert caught.value.request_id == caught.value.body["request_id"]
