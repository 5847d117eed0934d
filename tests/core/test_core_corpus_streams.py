"""What is assembled from each stream of the corpus is what the stream itself, or its vendor's SDK, says it is."""

from collections import Counter
from contextlib import suppress

import orjson
import pytest
import recorded
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from proxy_daemon.core.conversation import Choice, Reasoning, Text, ToolCall
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.messages import Unknown
from proxy_daemon.core.wire.coding import decoder_for
from proxy_daemon.core.wire.sse import SSEReader

ENDINGS = ("response.completed", "response.incomplete", "response.failed")
RESPONSES, CHAT, MESSAGES = "openai-responses", "openai-chat", "anthropic"
TWO_IN_ONE = ["vercel-ai/packages/anthropic/src/__fixtures__/anthropic-tool-search-deferred-bm25.chunks.txt"]
NAMED = {dialect.name: dialect for dialect in BUILT_IN}


@pytest.fixture(scope="module")
def streams():
    """(file, what it is a stream of, its JSON events, the answer that is read from its octets)."""
    recorded.needed()
    found = [each for file, _, one in recorded.exchanges() if (each := stream(file, one))]
    print(dict(Counter(kind for _, kind, *_ in found)))
    return found


def stream(file, one):
    data = one.response.body.whole()
    data = decoder_for(b"gzip").piece(data) if data.startswith(b"\x1f\x8b") else data
    if not data.lstrip().startswith((b"event:", b"data:", b":")):
        return None
    told = list(events(data))
    kind = next(filter(None, map(kind_of, told)), "")
    if not kind:
        return None
    is_bare = Unknown.REQUEST in one.unknown  # then the API is known by its events alone
    dialect = NAMED[kind] if is_bare else recognise(one.request, BUILT_IN)
    answer, problem = read_answer(dialect, one.request, one.response)
    assert not problem, file.name
    return file.name, kind, told, answer


def events(data):
    """Those that are JSON; recorders strip the blank line at the end."""
    for event in SSEReader().feed(data.rstrip() + b"\n\n"):
        if event.data[:1] == b"{":
            with suppress(orjson.JSONDecodeError):  # of another API, whose events are words
                yield orjson.loads(event.data)


def kind_of(event):
    if event.get("type") == "message_start":
        return MESSAGES
    if str(event.get("type")).startswith("response."):
        return RESPONSES
    return CHAT if str(event.get("object")).startswith("chat.completion.") else ""


def of(streams, kind):
    return [(name, told, answer) for name, each, told, answer in streams if each == kind]


# --- Responses -------------------------------------------------------------------------------------------------------


def test_each_response_stream_says_what_its_own_last_event_says(streams):
    counts = Counter()
    for name, told, answer in of(streams, RESPONSES):
        ended = [event["response"] for event in told if event["type"] in ENDINGS]
        counts["ended" if ended else "broken off"] += 1
        if not ended:
            assert not answer.complete, name
        elif output := ended[-1].get("output"):  # some servers leave it out
            assert answer.text == text_in(output), name
            theirs = calls_in(output)
            functions = {called for called, _ in theirs}  # others are tools of the API's own
            assert [call for call in calls_of(answer.choices[0]) if call[0] in functions] == theirs, name
            counts["compared"] += 1
            counts["with text"] += bool(answer.text)
    print(dict(counts))
    assert counts["compared"] > 70
    assert counts["with text"] > 50
    assert counts["broken off"] < 5


def text_in(output):
    """A plain second reading of `response.completed`."""
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    return "".join(part["text"] for part in parts if part["type"] == "output_text")


def calls_in(output):
    return [(item["name"], item["arguments"]) for item in output if item["type"] == "function_call"]


def calls_of(choice):
    return [(part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)]


# --- chat completions ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::UserWarning")  # the SDK's models are given members that they do not have
def test_each_chat_stream_says_what_the_sdk_makes_of_it(streams):
    counts, failed = Counter(), []
    for name, told, answer in of(streams, CHAT):
        chunks = [each for each in told if kind_of(each) == CHAT]
        if any(map(has_blocks, chunks)):  # Mistral's thoughts: the SDK loses the words behind them
            counts["blocks"] += 1
            continue
        try:
            theirs = accumulated(chunks)
        except Exception as error:  # noqa: BLE001  (what the SDK cannot read is not compared, and counted)
            failed.append(f"{name}: {type(error).__name__}: {error}")
            continue
        counts["compared"] += 1
        for choice, their in zip(answer.choices, theirs.choices, strict=True):
            compare(name, choice, their, counts)
    print(dict(counts), *failed, sep="\n")
    assert counts["compared"] > 150
    assert min(counts["texts"], counts["calls"]) > 50
    assert len(failed) < 8


def has_blocks(chunk):
    return any(isinstance((choice.get("delta") or {}).get("content"), list) for choice in chunk["choices"])


def accumulated(chunks):
    state = ChatCompletionStreamState()
    for chunk in chunks:
        list(state.handle_chunk(construct_type(type_=ChatCompletionChunk, value=chunk)))
    return state.current_completion_snapshot


def compare(name, ours, theirs, counts):
    assert ours.text == (theirs.message.content or ""), name
    counts["texts"] += bool(ours.text)
    calls = calls_of(ours)
    their_calls = [(call.function.name, call.function.arguments or "") for call in theirs.message.tool_calls or ()]
    if legacy := theirs.message.function_call:
        their_calls.append((legacy.name, legacy.arguments))
    for (called, arguments), (their_name, their_arguments) in zip(calls, their_calls, strict=True):
        assert arguments == their_arguments, name
        # a server that repeats the name in each fragment: the SDK joins them
        assert their_name == called * (len(their_name) // len(called)), name
    counts["calls"] += len(calls)
    assert ours.said == (theirs.finish_reason or ""), name


# --- Anthropic's messages --------------------------------------------------------------------------------------------


def test_each_anthropic_stream_says_what_the_sdk_makes_of_it(streams):
    streaming = pytest.importorskip("anthropic.lib.streaming._messages")
    compared = 0
    for name, told, answer in of(streams, MESSAGES):
        if len([event for event in told if event["type"] == "message_start"]) > 1:
            assert name in TWO_IN_ONE
            continue
        theirs, buffers = None, {}
        for event in told:
            if event["type"] not in ("ping", "message_stop", "error"):
                theirs = streaming.accumulate_event(event=event, current_snapshot=theirs, json_bufs=buffers)
        assert_same(name, answer, theirs)
        compared += 1
    print(compared, "streams as the SDK has them")
    assert compared > 65


def assert_same(name, answer, message):
    (choice,) = answer.choices
    assert isinstance(choice, Choice)
    assert (answer.id, answer.model, choice.said) == (message.id, message.model, message.stop_reason), name
    of_ours = [comparable(part) for part in choice.parts if isinstance(part, Text | Reasoning | ToolCall)]
    of_theirs = [each for block in message.content if (each := known(block)) is not None]
    assert of_ours == of_theirs, name
    assert len(choice.parts) == len(message.content), name
    usage, stated = answer.usage, message.usage
    assert (usage.input, usage.output) == (stated.input_tokens, stated.output_tokens), name
    assert (usage.cached, usage.cache_written) == (stated.cache_read_input_tokens, stated.cache_creation_input_tokens)


def comparable(part):
    if isinstance(part, ToolCall):
        return part.id, part.name, orjson.loads(part.arguments)
    return (part.text,) if isinstance(part, Text) else (part.text, part.opaque)


def known(block):
    match block.type:
        case "text":
            return (block.text,)
        case "thinking":
            return block.thinking, block.signature
        case "redacted_thinking":
            return "", block.data
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            return block.id, block.name, block.input
    return None
