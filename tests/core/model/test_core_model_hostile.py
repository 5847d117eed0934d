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
GOOD = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "weather"}], "input": "weather"}
NAMED = {"name": "get_weather", "type": "function"}
SCHEMAS = st.dictionaries(NAMES, JSON, max_size=6)


def check(path, body):
    script = answer(Request(b"POST", b"/v1/" + path.encode(), body=Bytes(body)))
    assert script.head.status in (200, 400)
    octets = b"".join(piece for _, piece in script.pieces)
    if script.head.headers.get(b"content-type") == b"application/json":
        whole = orjson.loads(octets)
        assert script.head.status == 200 or whole["error"]["message"]
    else:
        assert octets.endswith(b"\n\n")
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


@pytest.mark.parametrize("path", PATHS)
def test_long_names_and_values_do_not_multiply(path):
    long = "x" * 100_000
    body = {**GOOD, "stream": True, "n": 128, "messages": [{"role": "user", "content": long}], "input": long}
    script = answer(Request(b"POST", b"/v1/" + path.encode(), body=Bytes(orjson.dumps(body))))
    assert sum(len(octets) for _, octets in script.pieces) < 4_000_000
