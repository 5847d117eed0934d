"""Nothing that a client or an upstream writes makes the dialects of OpenAI's family raise, or take long."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_saying import CHAT_ANSWERS, JSON, ask, shaped

from proxy_daemon.core.conversation import Answer, Conversation
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai_like.azure import Azure
from proxy_daemon.core.dialects.openai_like.mistral import Mistral
from proxy_daemon.core.dialects.openai_like.openrouter import OpenRouter

ALL = [OpenAIChat(), OpenAICompletions(), OpenAIResponses(), Azure(), OpenRouter(), Mistral()]
TARGETS = {
    "openai-chat": "/v1/chat/completions",
    "openai-completions": "/v1/completions",
    "openai-responses": "/v1/responses",
    "azure": "/openai/deployments/d/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "mistral": "/v1/conversations",
}
NAMES = """choices delta message index content text finish_reason tool_calls function arguments name id usage error
reasoning reasoning_content reasoning_details type refusal audio images role messages input output item response status
output_index content_index summary_index summary part tools functions custom prompt suffix code detail object
created created_at model x_groq outputs inputs instructions thinking image_url input_audio file data url stop_reason
prompt_tokens_details cached_tokens incomplete_details reason stream stream_options include_usage""".split()  # noqa: SIM905  (sixty lines of one word each say no more)
KINDS = """response.output_text.delta response.output_text.done response.output_item.added response.output_item.done
response.completed response.failed response.function_call_arguments.delta response.reasoning_summary_text.delta error
message function_call reasoning computer_call image_generation_call function_call_output thinking image_url input_audio
input_file file custom assistant tool system user chat.completion.done message.output.delta conversation.response.done
function.call.delta conversation.response.error [DONE]""".split()  # noqa: SIM905  (as above)
VALUES = JSON | shaped(NAMES, KINDS)
EVENT_NAMES = st.sampled_from(["", "error", *KINDS])
dialects = pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)


def sane(answer):
    assert isinstance(answer, Answer)
    assert not (answer.error and answer.complete)
    for choice in answer.choices:
        assert isinstance(choice.text, str)
        assert isinstance(choice.said, str)


@dialects
@given(VALUES)
def test_any_json_is_read_as_a_document(dialect, value):
    sane(dialect.whole(value))


@dialects
@given(st.lists(st.tuples(EVENT_NAMES, VALUES), max_size=8))
def test_any_json_is_read_as_events(dialect, told):
    assembler = dialect.assembler()
    sane(assembler.answer())
    for name, data in told:
        assembler.add(name, data)
        sane(assembler.answer())
    assert assembler.answer() == assembler.answer()


@dialects
@given(VALUES | st.fixed_dictionaries({"messages": VALUES, "input": VALUES, "inputs": VALUES, "prompt": VALUES}))
def test_any_json_is_read_as_a_request(dialect, value):
    request = ask(TARGETS[dialect.name], json.dumps(value).encode("utf-8", "replace"))
    assert isinstance(dialect.conversation(request), Conversation)
    assert isinstance(dialect.model(request), str)
    assert dialect.streams(request) in (True, False)
    assert dialect.generates(request) in (True, False)
    assert dialect.recognises(request) in (True, False)


@pytest.mark.parametrize("dialect", ALL[:1] + ALL[3:5], ids=lambda dialect: dialect.name)
@given(CHAT_ANSWERS, VALUES)
def test_a_hostile_request_does_not_keep_an_answer_from_being_written(dialect, answer, value):
    body = value if isinstance(value, dict) else {"tools": value, "functions": value, "stream_options": value}
    request = ask(TARGETS[dialect.name], json.dumps({**body, "stream": False}).encode("utf-8", "replace"))
    assert orjson.loads(dialect.render(answer, request).body)["id"] == answer.id


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


@dialects
@pytest.mark.parametrize(
    "wrap",
    [
        lambda deep: {"error": {"code": deep}},
        lambda deep: {"detail": deep},
        lambda deep: {"object": "error", "message": deep},
        lambda deep: {"choices": [{"message": {"tool_calls": [{"function": {"arguments": deep}}], "content": deep}}]},
        lambda deep: {"output": [{"type": "function_call", "arguments": deep}, {"type": "message", "content": deep}]},
        lambda deep: {"outputs": [{"type": "function.call", "arguments": deep}]},
        lambda deep: {"type": "error", "code": deep, "message": deep},
    ],
)
def test_depth_is_no_matter(dialect, wrap):
    for depth in (900, 10_000):
        sane(dialect.whole(wrap(nested(depth))))
        assembler = dialect.assembler()
        assembler.add("error", wrap(nested(depth)))
        sane(assembler.answer())


@dialects
def test_many_choices_calls_and_items_are_kept_apart(dialect):
    assembler = dialect.assembler()
    responses = dialect.name == "openai-responses"
    for at in range(20_000):
        if responses:
            assembler.add("", {"type": "response.output_text.delta", "output_index": at, "delta": "x"})
        else:
            assembler.add("", {"choices": [{"index": at, "delta": {"content": "x", "tool_calls": [{"index": at}]}}]})
    answer = assembler.answer()
    assert len(answer.choices) == (1 if responses else 20_000)
    assert sum(len(choice.text) for choice in answer.choices) == 20_000
