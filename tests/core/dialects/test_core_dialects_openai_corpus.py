"""OpenAI's dialects over real traffic: what they assemble is what the streams themselves and the vendor's SDK say."""

import gzip
import os
from collections import Counter

import corpus
import orjson
import pytest
from openai_saying import heard, items

from proxy_daemon.core.conversation import Finish, Operation, ToolCall
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai_like.azure import Azure
from proxy_daemon.core.dialects.openai_like.mistral import Mistral
from proxy_daemon.core.dialects.openai_like.openrouter import OpenRouter

DIALECTS = [Azure(), OpenRouter(), Mistral(), OpenAICompletions(), OpenAIChat(), OpenAIResponses()]
SPOKEN = (Operation.CHAT, Operation.COMPLETION)
ENDINGS = ("response.completed", "response.incomplete", "response.failed")


@pytest.fixture(scope="module")
def traffic():
    """(interaction, dialect, its decoded answer) of each request that one of ours recognises."""
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    found = []
    for one in corpus.interactions():
        dialect = next((each for each in DIALECTS if each.recognises(one.request)), None)
        if dialect is not None:
            found.append((one, dialect, decoded(one.response.body.data)))
    counts = Counter(dialect.name for _, dialect, _ in found)
    print("recognised:", dict(counts))
    assert len(found) > 900
    assert min(counts[name] for name in ("azure", "openrouter", "openai-chat", "openai-responses")) > 20
    return found


def decoded(data):
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError):
        return data


def is_stream(data):
    return data.lstrip().startswith((b"data:", b"event:", b":"))


def streams(traffic, *, responses):
    """Those of one kind, as (file, dialect, events)."""
    for one, dialect, data in traffic:
        if is_stream(data) and one.request.path.rstrip(b"/").endswith(b"/responses") is responses:
            yield one.file, dialect, list(items(data))


def documents(traffic):
    for one, dialect, data in traffic:
        if not is_stream(data) and dialect.operation(one.request) in SPOKEN:
            try:
                yield one, dialect, orjson.loads(data)
            except orjson.JSONDecodeError:
                continue


def test_model_and_streaming_are_known(traffic):
    known = 0
    for one, dialect, data in traffic:
        if dialect.operation(one.request) not in SPOKEN:
            continue
        known += 1
        # a kept prompt may say the model
        assert dialect.model(one.request) or one.request.body_field("prompt"), one.file
        if one.response.head.status == 200 and (is_stream(data) or data[:1] == b"{"):
            problem = not is_stream(data) and (b'"error"' in data[:400] or one.request.body_field("stream") is True)
            assert dialect.streams(one.request) is is_stream(data) or problem, one.file
    print("model and streaming known:", known)
    assert known > 850


def test_conversations_are_read(traffic):
    counts = Counter()
    for one, dialect, _ in traffic:
        if dialect.operation(one.request) in SPOKEN and isinstance(one.request.json, dict):
            conversation = dialect.conversation(one.request)
            counts.update(type(part).__name__ for message in conversation.messages for part in message.parts)
            assert conversation.messages or one.request.body_field("previous_response_id"), one.file
            tools = one.request.body_field("tools") or one.request.body_field("functions") or []
            assert len(conversation.tools) == len(tools), one.file
    print("parts said:", dict(counts))
    assert counts["Text"] > 1000
    assert min(counts[name] for name in ("ToolCall", "ToolResult", "Media", "Reasoning")) > 10


def test_each_response_stream_says_what_its_own_last_event_says(traffic):
    counts = Counter()
    for file, dialect, told in streams(traffic, responses=True):
        ended = [data["response"] for name, data in told if isinstance(data, dict) and data.get("type") in ENDINGS]
        if not ended:
            assert not heard(dialect, told).complete
            continue
        whole, found = dialect.whole(ended[0]), heard(dialect, told)
        in_pieces = [(name, data) for name, data in told if not is_done(data)]
        assert found.complete is whole.complete, file
        assert (found.id, found.model, found.usage) == (whole.id, whole.model, whole.usage), file
        if ended[0]["output"]:  # some servers leave it out
            assert words_and_calls(found) == words_and_calls(whole), file
            assert words_and_calls(heard(dialect, in_pieces)) == words_and_calls(whole), file
            counts["compared"] += 1
        counts["text"] += bool(found.text)
        counts[found.choices[0].finish.value] += 1
    print("responses streams:", dict(counts))
    assert counts["compared"] > 50
    assert counts["text"] > 40


def is_done(data):
    return isinstance(data, dict) and data.get("type", "").endswith(".done")


def words_and_calls(answer):
    """Of the first choice; what is opaque is encrypted anew in each event."""
    calls = [(part.name, part.arguments) for part in answer.choices[0].parts if isinstance(part, ToolCall)]
    return answer.text, calls, answer.choices[0].finish, answer.choices[0].said


def test_streams_have_their_good_end(traffic):
    counts = Counter()
    for responses in (True, False):
        for file, dialect, told in streams(traffic, responses=responses):
            found = heard(dialect, told)
            ended = told[-1][1] == "[DONE]" or told[-1][1].get("type") in ENDINGS
            perplexity = "perplexity" in file
            assert found.complete is ((ended or perplexity) and not found.error), file
            counts[found.complete] += 1
            if told[:-1]:
                assert not heard(dialect, told[:1]).complete
    print("complete streams:", dict(counts))
    assert counts[True] > 200


def test_usage_is_what_the_body_states(traffic):
    counts = Counter()
    for one, dialect, document in documents(traffic):
        stated = document.get("usage")
        found = dialect.whole(document).usage
        if stated:
            names = [("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens")][
                "input_tokens" in stated
            ]
            assert (found.input, found.output) == tuple(stated.get(name) for name in names), one.file
            assert found.total == stated.get("total_tokens"), one.file
            counts["stated"] += 1
            counts["cached"] += found.cached is not None
            counts["reasoning"] += found.reasoning is not None
    for file, dialect, told in streams(traffic, responses=False):
        stated = [data["usage"] for _, data in told if isinstance(data, dict) and data.get("usage")]
        found = heard(dialect, told).usage
        if stated:
            assert (found.input, found.output) == (stated[-1]["prompt_tokens"], stated[-1]["completion_tokens"]), file
            counts["stated in streams"] += 1
    print("usage:", dict(counts))
    assert counts["stated"] > 550
    assert min(counts["cached"], counts["reasoning"], counts["stated in streams"]) > 100


def test_documents_are_read(traffic):
    counts = Counter()
    for one, dialect, document in documents(traffic):
        found = dialect.whole(document)
        failed = one.response.head.status >= 400
        assert bool(found.error) is failed, one.file
        assert not (failed and found.complete), one.file
        counts[dialect.name, "failed" if failed else "said" if found.choices else "silent"] += 1
        for choice in found.choices:
            assert choice.finish is not Finish.OTHER, (one.file, choice.said)
            counts.update(type(part).__name__ for part in choice.parts)
    print("documents:", dict(counts))
    assert min(counts[name] for name in ("Text", "ToolCall", "Reasoning")) > 50
