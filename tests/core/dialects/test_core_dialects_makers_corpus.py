"""Anthropic, Google and Bedrock over real recordings: all are understood, and others who can read them agree."""

import os
import re
from collections import Counter

import corpus
import orjson
import pytest

from proxy_daemon.core.conversation import Operation, Usage
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.anthropic.vertex import VertexClaude
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.wire.coding import decoder_for
from proxy_daemon.core.wire.sse import SSEReader

DIALECTS = [Bedrock(), VertexClaude(), Google(), Anthropic()]
TALKS = (Operation.CHAT, Operation.COMPLETION)
# The paths of these APIs, written down a second time: what has one of them must be recognised.
OURS = re.compile(
    rb"/v1/messages(?:$|/)|/model/.+/(?:invoke|converse|count-tokens)|:(?:stream)?(?:generate|embed|batchEmbed|countTok)"
)
THREADS = b"/threads/"


@pytest.fixture(scope="module")
def recorded():
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    return [(each, dialect) for each in corpus.interactions() if (dialect := dialect_of(each.request))]


def dialect_of(request):
    return next((dialect for dialect in DIALECTS if dialect.recognises(request)), None)


def answer_of(each, dialect):
    return read_answer(dialect, each.request, each.response)


def body_of(each):
    """Recorders store some bodies decoded and keep the header: then it is taken as it is."""
    data = each.response.body.whole()
    if data.startswith(b"\x1f\x8b"):
        data = decoder_for(b"gzip").piece(data)
    return data


def documents(data):
    """All JSON objects of a body that is no AWS event stream."""
    if data.lstrip().startswith((b"event:", b"data:")):
        reader = SSEReader()
        events = [*reader.feed(data), *reader.feed(b"\n\n"), *reader.end()]
        return [orjson.loads(event.data) for event in events if event.data]
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return []
    return found if isinstance(found, list) else [found]


def test_all_of_their_paths_are_recognised(recorded):
    counts = Counter((dialect.name, str(dialect.operation(each.request))) for each, dialect in recorded)
    print(*(f"{name:14} {operation:14} {count}" for (name, operation), count in sorted(counts.items())), sep="\n")
    missed = [
        each.request.target
        for each in corpus.interactions()
        if OURS.search(each.request.path) and THREADS not in each.request.path and dialect_of(each.request) is None
    ]
    assert missed == []
    assert counts["anthropic", "chat"] > 150
    assert counts["google", "chat"] > 150
    assert counts["bedrock", "chat"] > 120


def test_model_streaming_and_conversation_are_known(recorded):
    streams = Counter()
    for each, dialect in recorded:
        request = each.request
        if not dialect.generates(request):
            continue
        assert dialect.model(request) or not request.body.size, each
        said = dialect.conversation(request)
        if each.response.head.status == 200 and dialect.operation(request) is not Operation.RERANK:
            said_nothing = request.json is None or request.json.get("contents") == []
            assert bool(said.messages) is not said_nothing, (each.file, each.index)
        streams[dialect.name, dialect.streams(request)] += 1
        if each.response.head.status == 200 and dialect.operation(request) is Operation.CHAT:
            assert looks_streamed(each) is dialect.streams(request), (each.file, each.index)
    print(streams)
    assert sum(streams.values()) > 500


def looks_streamed(each):
    """By the answer: what came, not what was asked for."""
    data = body_of(each).lstrip()
    return data.startswith((b"event:", b"data:", b"[", b"\0"))


def test_every_answer_is_read(recorded):
    counts = Counter()
    for each, dialect in recorded:
        answer, problem = answer_of(each, dialect)
        operation, status = dialect.operation(each.request), each.response.head.status
        counts[dialect.name, "problem" if problem else "error" if answer.error else "read"] += 1
        if not dialect.generates(each.request) or not each.response.body.size:
            continue
        if status >= 400:
            assert answer.error or problem, each
        elif operation is not Operation.RERANK:
            assert answer.choices, (each.file, each.index)
            assert answer.complete, (each.file, each.index)
            assert not problem, (each.file, each.index, problem)
        if status < 400 and operation in TALKS:
            assert all(choice.finish for choice in answer.choices) or dialect.name != "anthropic", each
    print(*(f"{name:14} {what:8} {count}" for (name, what), count in sorted(counts.items())), sep="\n")


def test_usage_is_what_the_body_states(recorded):
    compared = Counter()
    for each, dialect in recorded:
        if dialect.name == "bedrock" or dialect.operation(each.request) is not Operation.CHAT:
            continue
        stated = stated_by(dialect, documents(body_of(each)))
        answer, _ = answer_of(each, dialect)
        assert answer.usage == (stated if stated != Usage() else None), (each.file, each.index)
        compared[dialect.name] += stated != Usage()
    print(compared)
    assert compared["anthropic"] > 100
    assert compared["google"] > 100


def stated_by(dialect, found):
    """What the last statements of each count say: a search through the body for the names that the APIs give them."""
    if dialect.name == "google":
        names = "promptTokenCount candidatesTokenCount totalTokenCount cachedContentTokenCount - thoughtsTokenCount"
    else:
        names = "input_tokens output_tokens - cache_read_input_tokens cache_creation_input_tokens thinking_tokens"
    usages = [usage for each in found for usage in usages_in(each)]
    return Usage(*(last(usages, name) for name in names.split()))


def usages_in(each):
    """The places where the documentation has them."""
    yield from (
        each.get("usageMetadata"),
        each.get("usage"),
        (each.get("message") or {}) if isinstance(each.get("message"), dict) else {},
    )
    if isinstance(each.get("message"), dict):
        yield each["message"].get("usage")


def last(usages, name):
    found = [usage[name] for usage in usages if usage and usage.get(name) is not None]
    details = [(usage.get("output_tokens_details") or {}).get(name) for usage in usages if usage]
    found += [each for each in details if each is not None]
    return found[-1] if found else None


def test_bedrocks_usage_is_what_its_frames_state(recorded):
    compared = 0
    for each, dialect in recorded:
        if dialect.name != "bedrock" or b"converse" not in each.request.path or each.response.head.status != 200:
            continue
        found = re.findall(rb'"(inputTokens|outputTokens|totalTokens)" ?: ?(\d+)', body_of(each))
        stated = {name.decode(): int(count) for name, count in found}
        usage = answer_of(each, dialect)[0].usage
        assert (usage.input, usage.output, usage.total) == tuple(stated[name] for name in sorted(stated)), each
        compared += 1
    print(compared)
    assert compared > 90


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_stream_cut_short_is_never_complete(recorded, cut):
    checked = 0
    for each, dialect in recorded:
        assembler, found = dialect.assembler(), documents(body_of(each))
        if not dialect.streams(each.request) or len(found) < 4 or isinstance(dialect, Bedrock):
            continue
        for item in found[: int(len(found) * cut)]:
            assembler.add("", item)
        assert not assembler.answer().complete, (each.file, each.index)
        checked += 1
    print(checked)
    assert checked > 60
