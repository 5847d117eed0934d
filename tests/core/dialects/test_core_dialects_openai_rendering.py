"""What OpenAI's dialects write is what they read, and what the real SDK reads: as a document and as a stream."""

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from openai_saying import CHAT_ANSWERS, ENDS, WORDS, ask, items, response_answers, spoken
from pydantic import TypeAdapter

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Declined,
    Finish,
    Media,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai_like.azure import Azure
from proxy_daemon.core.dialects.openai_like.mistral import Mistral
from proxy_daemon.core.dialects.openai_like.openrouter import OpenRouter

EVENT = TypeAdapter(ResponseStreamEvent)
CHATS = [
    (OpenAIChat(), "/v1/chat/completions"),
    (Azure(), "/openai/deployments/d/chat/completions"),
    (OpenRouter(), "/api/v1/chat/completions"),
    (Mistral(), "/v1/agents/completions"),
]
WRITERS = [*CHATS, (OpenAIResponses(), "/v1/responses"), (OpenAICompletions(), "/v1/completions")]
SHORT = Answer((Choice((Text("Hi there"),), Finish.STOP, "stop"),), "id-1", "m", 7, Usage(1, 2, 3))
chats = pytest.mark.parametrize(("dialect", "target"), CHATS, ids=lambda one: getattr(one, "name", ""))
writers = pytest.mark.parametrize(("dialect", "target"), WRITERS, ids=lambda one: getattr(one, "name", ""))


def streaming(target, **more):
    return ask(target, {"model": "asked", "stream": True, "stream_options": {"include_usage": True}, **more})


def document(dialect, answer, target, **more):
    rendered = dialect.render(answer, ask(target, {"model": "asked", **more}))
    assert rendered.content_type == b"application/json"
    return orjson.loads(rendered.body)


def opaque_last(answer):
    """Mistral's thoughts are blocks that are joined as they follow each other."""
    return all(sum(isinstance(part, Reasoning) for part in choice.parts) < 2 for choice in answer.choices)


@chats
@given(CHAT_ANSWERS)
def test_a_chat_comes_back_as_it_was_written(dialect, target, answer):
    if dialect.name == "mistral" and not opaque_last(answer):
        return
    assert dialect.whole(document(dialect, answer, target)) == answer
    assert spoken(dialect, dialect.render(answer, streaming(target))) == answer


@given(response_answers())
def test_a_response_comes_back_as_it_was_written(answer):
    dialect, target = WRITERS[4]
    assert dialect.whole(document(dialect, answer, target)) == answer
    assert spoken(dialect, dialect.render(answer, streaming(target))) == answer


@given(WORDS, WORDS)
def test_a_completion_comes_back_as_it_was_written(one, other):
    dialect, target = WRITERS[5]
    choices = tuple(Choice((Text(text),), Finish.LENGTH, "length") for text in (one, other))
    answer = evolve(SHORT, choices=choices)
    found = document(dialect, answer, target)
    assert found["object"] == "text_completion"
    assert [choice["text"] for choice in found["choices"]] == [one, other]
    assert Completion.model_validate(found).choices[1].text == other
    assert dialect.whole(found) == answer
    assert spoken(dialect, dialect.render(answer, streaming(target))) == answer


@given(CHAT_ANSWERS)
def test_the_sdk_reads_a_chat(answer):
    dialect, target = CHATS[0]
    answer = evolve(answer, usage=Usage(1, 2, 3, cached=0, reasoning=1))  # the SDK demands the totals
    told = ChatCompletion.model_validate(document(dialect, answer, target))
    state = ChatCompletionStreamState()
    for _, chunk in items(dialect.render(answer, streaming(target)).body):
        if chunk != "[DONE]":
            list(state.handle_chunk(ChatCompletionChunk.model_validate(chunk)))
    for found in (told, state.current_completion_snapshot):
        assert (found.id, found.model, found.created) == (answer.id, answer.model, answer.created)
        for choice, said in zip(found.choices, answer.choices, strict=True):
            calls = [part for part in said.parts if isinstance(part, ToolCall)]
            assert (choice.message.content or "") == said.text
            assert choice.finish_reason == said.said
            assert [call.function.name for call in choice.message.tool_calls or ()] == [call.name for call in calls]
            assert [call.function.arguments for call in choice.message.tool_calls or ()] == [
                call.arguments for call in calls
            ]


@given(response_answers())
def test_the_sdk_reads_a_response(answer):
    dialect, target = WRITERS[4]
    usage = evolve(answer, usage=Usage(1, 2, 3, cached=0, cache_written=0, reasoning=0))
    assert Response.model_validate(document(dialect, usage, target)).output_text == answer.text
    events = list(items(dialect.render(usage, streaming(target)).body))
    assert [event["sequence_number"] for _, event in events] == list(range(len(events)))
    for name, event in events:
        assert EVENT.validate_python(event).type == name


@writers
def test_the_same_answer_is_written_in_the_same_octets(dialect, target):
    for request in (ask(target, {}), streaming(target)):
        assert dialect.render(SHORT, request) == dialect.render(SHORT, request)


@writers
def test_words_are_spoken_one_by_one(dialect, target):
    pieces = dialect.render(SHORT, streaming(target)).pieces
    said = [piece.octets for piece in pieces if piece.spoken]
    assert len(said) == 2
    assert b'"Hi"' in said[0]
    assert b'" there"' in said[1]
    assert all(piece.octets.endswith(b"\n\n") and piece.octets.count(b"\n\n") == 1 for piece in pieces)


@writers
def test_a_stream_has_its_terminal_mark_exactly_where_the_answer_is_complete(dialect, target):
    whole = dialect.render(SHORT, streaming(target)).body
    cut = dialect.render(evolve(SHORT, complete=False), streaming(target)).body
    assert dialect.ends_with_terminal(whole[-4096:])
    assert not dialect.ends_with_terminal(cut)
    assert spoken(dialect, dialect.render(evolve(SHORT, complete=False), streaming(target))).complete is False


@writers
def test_what_broke_off_has_no_document(dialect, target):
    with pytest.raises(CannotRender, match="broke off"):
        dialect.render(evolve(SHORT, complete=False), ask(target, {}))


@writers
def test_an_error_in_mid_stream(dialect, target):
    failed = evolve(SHORT, error="no more", complete=False)
    found = spoken(dialect, dialect.render(failed, streaming(target)))
    assert (found.text, found.error, found.complete) == ("Hi there", "no more", False)


@writers
def test_an_error_without_an_answer_is_an_error_document(dialect, target):
    found = document(dialect, Answer(error="no", complete=False), target)
    assert found["error"]["message"] == "no"
    assert dialect.whole(found).error == "no"


@writers
def test_error_events_are_read_as_errors(dialect, target):
    event = dialect.error_event(502, "llmproxy_failed", "gone")
    assert heard_error(dialect, event) == "gone"


def heard_error(dialect, event):
    assembler = dialect.assembler()
    for name, data in items(event):
        assembler.add(name, data)
    return assembler.answer().error


UNSAID = [Media("image", "image/png"), Other("web_search_call"), Vector((1.0,)), ToolResult("id", "x")]


@writers
@pytest.mark.parametrize("part", UNSAID, ids=lambda part: type(part).__name__)
def test_what_has_no_words_is_refused(dialect, target, part):
    answer = evolve(SHORT, choices=(Choice((part,), Finish.STOP),))
    for request in (ask(target, {}), streaming(target)):
        with pytest.raises(CannotRender, match="no words"):
            dialect.render(answer, request)


def test_completions_have_words_only():
    with pytest.raises(CannotRender, match="ToolCall"):
        WRITERS[5][0].render(evolve(SHORT, choices=(Choice((ToolCall("a", "b", "{}"),)),)), ask("/v1/completions", {}))


def test_a_response_has_one_choice():
    with pytest.raises(CannotRender, match="one choice"):
        OpenAIResponses().render(evolve(SHORT, choices=SHORT.choices * 2), ask("/v1/responses", {}))


def test_usage_stands_in_a_stream_where_it_was_asked_for():
    dialect, target = CHATS[0]
    asked = [data for _, data in items(dialect.render(SHORT, streaming(target)).body)][:-1]
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert all(chunk["usage"] is None for chunk in asked[:-1])
    plain = dialect.render(SHORT, ask(target, {"stream": True})).body
    assert b"usage" not in plain
    assert b'"usage"' in OpenRouter().render(SHORT, ask(CHATS[2][1], {"stream": True})).body


@pytest.mark.parametrize(
    ("finish", "said", "written"),
    [
        *((finish, said, said) for said, finish in ENDS.items()),
        (Finish.STOP, "end_turn", "end_turn"),
        (Finish.STOP_SEQUENCE, "\n", "stop"),
        (Finish.LENGTH, "MAX_TOKENS", "length"),
        (Finish.CALLS, "completed", "tool_calls"),
        (Finish.FILTERED, "refusal", "content_filter"),
        (Finish.OTHER, "", "stop"),
        (Finish.ERROR, "", "error"),
        (Finish.UNKNOWN, "", None),
    ],
)
def test_the_reason_is_in_the_words_of_this_api(finish, said, written):
    answer = evolve(SHORT, choices=(Choice((), finish, said),))
    assert document(*CHATS[0][:1], answer, CHATS[0][1])["choices"][0]["finish_reason"] == written


@pytest.mark.parametrize(
    ("dialect", "target", "member"),
    [(CHATS[0][0], CHATS[0][1], "reasoning_content"), (CHATS[2][0], CHATS[2][1], "reasoning")],
)
def test_thoughts_stand_in_the_vendors_member(dialect, target, member):
    answer = evolve(SHORT, choices=(Choice((Reasoning("hm"), Text("x")), Finish.STOP, "stop"),))
    message = document(dialect, answer, target)["choices"][0]["message"]
    assert (message[member], message["content"]) == ("hm", "x")
    assert "reasoning_details" not in message


def test_mistrals_thoughts_are_blocks():
    answer = evolve(SHORT, choices=(Choice((Reasoning("hm"), Text("x")), Finish.STOP, "stop"),))
    content = document(*CHATS[3][:1], answer, CHATS[3][1])["choices"][0]["message"]["content"]
    assert content == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "x"},
    ]


CALL = evolve(SHORT, choices=(Choice((ToolCall("c1", "run", "ls -l"),), Finish.CALLS, ""),))


def test_a_call_is_written_as_the_request_expects_it():
    dialect, target = CHATS[0]
    custom = {"tools": [{"type": "custom", "custom": {"name": "run"}}]}
    [call] = document(dialect, CALL, target, **custom)["choices"][0]["message"]["tool_calls"]
    assert call == {"id": "c1", "type": "custom", "custom": {"name": "run", "input": "ls -l"}}
    assert spoken(dialect, dialect.render(CALL, streaming(target, **custom))).choices[0].parts == CALL.choices[0].parts
    legacy = {"functions": [{"name": "run"}]}
    found = document(dialect, CALL, target, **legacy)["choices"][0]
    assert found["message"]["function_call"] == {"name": "run", "arguments": "ls -l"}
    assert found["finish_reason"] == "function_call"
    [part] = spoken(dialect, dialect.render(CALL, streaming(target, **legacy))).choices[0].parts
    assert part == ToolCall("", "run", "ls -l")


def test_a_responses_call_is_written_as_the_request_expects_it():
    dialect, target = WRITERS[4]
    custom = {"tools": [{"type": "custom", "name": "run"}]}
    [item] = document(dialect, CALL, target, **custom)["output"]
    assert (item["type"], item["call_id"], item["input"]) == ("custom_tool_call", "c1", "ls -l")
    assert spoken(dialect, dialect.render(CALL, streaming(target, **custom))).choices[0].parts == CALL.choices[0].parts
    shell = ToolCall("c2", "shell_call", '{"commands":["ls"]}')
    [item] = document(dialect, evolve(SHORT, choices=(Choice((shell,)),)), target)["output"]
    assert (item["type"], item["action"]) == ("shell_call", {"commands": ["ls"]})
    assert dialect.whole({"output": [item]}).choices[0].parts == (shell,)


def test_a_response_repeats_what_was_asked_where_its_kind_is_right():
    found = document(*WRITERS[4][:1], SHORT, "/v1/responses", temperature=0.5, tools="no", top_p=True)
    assert (found["temperature"], found["tools"], found["top_p"]) == (0.5, [], 1.0)


def test_a_failed_response_ends_in_its_own_event():
    failed = evolve(SHORT, choices=(Choice((), Finish.ERROR, "failed"),), error="gone", complete=False)
    events = list(items(OpenAIResponses().render(failed, streaming("/v1/responses")).body))
    assert events[-1][0] == "response.failed"
    assert spoken(OpenAIResponses(), OpenAIResponses().render(failed, streaming("/v1/responses"))) == failed


def test_refusals_are_deltas_of_their_own():
    answer = evolve(SHORT, choices=(Choice((Declined("I must not."),), Finish.STOP, "stop"),))
    deltas = [
        data["choices"][0]["delta"]
        for _, data in items(CHATS[0][0].render(answer, streaming(CHATS[0][1])).body)
        if data != "[DONE]" and data["choices"]
    ]
    assert "".join(delta.get("refusal") or "" for delta in deltas) == "I must not."
