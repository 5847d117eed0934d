"""Whatever JSON comes: an answer or an error in the API's shape, never an exception."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import Request
from proxy_daemon.core.model import answer

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text(max_size=12)
)


def split(text):
    return text.split()


NAMES = st.sampled_from(
    split("""type role content text name function parameters schema json_schema format input output properties required
    items enum const anyOf allOf $ref minItems minLength minimum exclusiveMinimum multipleOf tool_use_id input_schema
    include_usage $defs a""")
)
WORDS = st.sampled_from(
    split("""user assistant tool system function tool_result tool_use function_call_output message object array string
    integer number json_schema json_object auto any none required custom enabled # #/a #/$defs/a get_weather weather""")
)
JSON = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6),
    max_leaves=25,
)
FIELDS = split("""n max_tokens max_completion_tokens max_output_tokens stop stop_sequences stream stream_options tools
    tool_choice response_format text instructions previous_response_id input messages system thinking output_config
    dimensions encoding_format metadata prompt parallel_tool_calls reasoning""")
PATHS = ["chat/completions", "responses", "responses/input_tokens", "embeddings", "messages", "messages/count_tokens"]
OTHERS = [
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:streamGenerateContent",
    "/v1beta/models/m:countTokens",
    "/v1beta/models/m:batchEmbedContents",
    "/v1/models/m:predict",
    "/v1/models/embed-1:predict",
    "/model/m/converse",
    "/model/m/converse-stream",
    "/model/anthropic.m/invoke-with-response-stream",
    "/model/cohere.m/invoke",
    "/model/m/count-tokens",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/v2/chat",
    "/v2/embed",
    "/v1/chat",
    "/v1/generate",
    "/v1/completions",
    "/v1/complete",
    "/fim/completions",
    "/v1/conversations",
    "/generate",
    "/generate_stream",
    "/openai/deployments/d/chat/completions",
    "/openai/deployments/d/embeddings",
    "/api/v1/services/aigc/text-generation/generation",
    "/v1/predictions",
]
GOOD = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "weather"}], "input": "weather"}
NAMED = {"name": "get_weather", "type": "function"}
SCHEMAS = st.dictionaries(NAMES, JSON, max_size=6)


def check(path, body):
    target = path if path.startswith("/") else "/v1/" + path
    script = answer(Request(b"POST", target.encode(), body=Bytes(body)))
    assert script.head.status in ((200, 400, 404) if path in OTHERS else (200, 400))
    octets = b"".join(piece for _, piece in script.pieces)
    if script.head.headers.get(b"content-type") == b"application/json":
        whole = orjson.loads(octets)
        assert script.head.status == 200 or path in OTHERS or whole["error"]["message"]
    elif path not in OTHERS:
        assert octets.endswith(b"\n\n")
    assert octets
    assert all(delay >= 0 for delay, _ in script.pieces)


@pytest.mark.parametrize("path", PATHS)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
def test_wrong_fields_in_a_good_request(path, changes):
    check(path, orjson.dumps({**GOOD, **changes}))


@pytest.mark.parametrize("path", PATHS)
@given(body=JSON)
@settings(max_examples=40)
def test_any_json(path, body):
    check(path, orjson.dumps(body))


FURTHER = split("""contents content generationConfig inferenceConfig options parameters toolConfig message prompt inputs
    texts requests instances format raw suffix chat_history preamble systemInstruction tool_config agent_id""")
PARTS = [{"text": "weather", "role": "user"}]
GOOD_ELSEWHERE = {
    **GOOD,
    "contents": [{"parts": PARTS}],
    "content": {"parts": PARTS},
    "inputs": "weather",
    "prompt": "weather",
    "texts": ["weather"],
}


@pytest.mark.parametrize("path", OTHERS)
@given(changes=st.dictionaries(st.sampled_from(FIELDS + FURTHER), JSON, max_size=5))
@settings(max_examples=25)
def test_wrong_fields_elsewhere(path, changes):
    check(path, orjson.dumps({**GOOD_ELSEWHERE, **changes}))


@pytest.mark.parametrize("path", OTHERS)
@given(schema=SCHEMAS)
@settings(max_examples=20)
def test_any_schema_of_a_tool_elsewhere(path, schema):
    function = {"name": "get_weather", "parameters": schema, "inputSchema": {"json": schema}}
    tools = [{"function": function, "toolSpec": function, "functionDeclarations": [function], **function}]
    check(path, orjson.dumps({**GOOD_ELSEWHERE, "tools": tools, "toolConfig": {"tools": tools}}))


@pytest.mark.parametrize("path", PATHS)
@given(schema=SCHEMAS, stream=st.booleans())
@settings(max_examples=60)
def test_any_schema_of_a_tool(path, schema, stream):
    nested = {**NAMED, "parameters": schema, "input_schema": schema}
    tool = {**nested, "function": nested}
    if path.startswith("messages"):
        tool["type"] = "custom"
    check(path, orjson.dumps({**GOOD, "stream": stream, "tools": [tool]}))


@pytest.mark.parametrize("path", PATHS)
@given(data=st.binary(max_size=60))
@settings(max_examples=40)
def test_any_octets(path, data):
    check(path, data)


@given(
    path=st.text(alphabet="/vmodelschat%ff?# é", max_size=30),
    method=st.sampled_from([b"GET", b"POST", b"HEAD", b"\xff"]),
)
def test_any_target(path, method):
    assert answer(Request(method, path.encode())).head.status in (200, 400, 404, 405)


@pytest.mark.parametrize("path", PATHS + OTHERS)
def test_long_names_and_values_do_not_multiply(path):
    long = "x" * 100_000
    body = {**GOOD, "stream": True, "n": 128, "messages": [{"role": "user", "content": long}], "input": long}
    body |= {"candidateCount": 128, "num_generations": 128, "prompt": long, "inputs": long, "texts": [long]}
    target = path if path.startswith("/") else "/v1/" + path
    script = answer(Request(b"POST", target.encode(), body=Bytes(orjson.dumps(body))))
    assert sum(len(octets) for _, octets in script.pieces) < 4_000_000
