"""What INDEX.csv gives to LLMs is recognised, with its model and whether it streams; usage is what bodies state."""

import base64
from collections import Counter

import orjson
import pytest
import recorded

from proxy_daemon.core.conversation import GENERATING, Answer, Operation
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.messages import Unknown
from proxy_daemon.core.wire.coding import decoder_for
from proxy_daemon.core.wire.event_stream import EventStreamReader, begins_event_stream
from proxy_daemon.core.wire.sse import SSEReader

# What a request need not name: the place or the API's default decides, or what came before.
UNNAMED = {"cohere", "cohere-v1", "openai-images", "openai-moderations", "openai-responses", "tgi"}
# The index goes by content types: results of batches are lines and no stream, and this API is not among ours.
NOT_ASKED_FOR = ("batch_with_anthropic_", "bedrock_cassettes/agent_invoke")
SPEAKING = GENERATING - {Operation.RERANK}


@pytest.fixture(scope="module")
def asked():
    """(file, number in it, recording, dialect) of each request to an LLM."""
    recorded.needed()
    assert all(recognise(one.request, BUILT_IN) is slowly(one.request) for _, _, one in recorded.exchanges())
    return [(file, at, one, recognise(one.request, BUILT_IN)) for file, at, one in recorded.asked_of_llms()]


def slowly(request):
    """As each dialect says itself, without what is remembered of paths."""
    return next((each for each in BUILT_IN if each.recognises(request)), GENERIC)


def generating(asked):
    return [each for each in asked if each[3] is not GENERIC and each[3].generates(each[2].request)]


def plain(one):
    """The octets of the answer; recorders store some decoded and keep the field, which the formats take away."""
    data = one.response.body.whole()
    return decoder_for(b"gzip").piece(data) if data.startswith(b"\x1f\x8b") else data


def test_at_least_97_of_100_are_recognised(asked, capsys):
    names = Counter(dialect.name for *_, dialect in asked)
    with capsys.disabled():
        print(f"\n{len(asked)} requests to LLMs", *(f"\n{name:20} {count:5}" for name, count in names.most_common()))
        unknown = {(one.upstream.host, one.request.path.decode()) for _, _, one, each in asked if each is GENERIC}
        print("not recognised:", *(f"\n  {host} {path}" for host, path in sorted(unknown)))
    assert len(asked) > 2300
    assert names["generic"] <= 0.03 * len(asked)


def test_their_models_are_known(asked):
    for file, at, one, dialect in generating(asked):
        body = one.request.json if isinstance(one.request.json, dict) else {}
        is_named = bool(dialect.model(one.request))
        is_known = Unknown.REQUEST_BODY not in one.unknown
        assert is_named or not is_known or (dialect.name in UNNAMED and not body.get("model")), (file.name, at)
    assert len(generating(asked)) > 1600


def test_the_index_names_the_providers_whose_dialects_are_found(asked):
    """A provider with an API of its own is spoken to in it; several are spoken to in OpenAI's too."""
    own = {"anthropic": "anthropic", "bedrock": "bedrock", "cohere": "cohere", "gemini": "google", "ollama": "ollama"}
    own |= {"openai": "openai", "openrouter": "openrouter|cohere", "vertex": "google|vertex"}
    also_openais = ("bedrock", "cohere", "ollama", "openrouter")
    checked = 0
    for file, at, one, dialect in generating(asked):
        provider = file.row["providers"]
        if provider in own and b"/openai/" not in one.request.path:
            names = (*own[provider].split("|"), *["openai"] * (provider in also_openais))
            assert dialect.name.startswith(names), (file.name, at)
            checked += 1
    assert checked > 1300


def test_a_stream_is_asked_for_where_the_index_has_one(asked):
    told = 0
    streaming = {file.name for file, _, one, dialect in asked if dialect.streams(one.request)}
    for file in {file.name: file for file, *_ in asked}.values():
        is_mixed = "other" in file.row["providers"].split()  # then others may have streamed
        if file.row["streaming"] != "no" and not is_mixed and not any(each in file.name for each in NOT_ASKED_FOR):
            assert file.name in streaming, file.name
            told += 1
    assert told > 310


def test_a_stream_is_asked_for_where_an_answer_is_one(asked):
    counts = Counter()
    for file, at, one, dialect in generating(asked):
        data = plain(one)
        if one.status == 200 and data and dialect.operation(one.request) in (Operation.CHAT, Operation.COMPLETION):
            asks = dialect.streams(one.request)
            counts[asks] += 1
            came = looks_streamed(data, may_be_array=dialect.name != "tgi")
            counts["a server's fault"] += asks is not came
            if asks is not came:  # it said that it would not, or asked and got an error
                assert b'"error"' in data[:400] or one.request.body_field("stream") is asks, (file.name, at)
    print(dict(counts))
    assert min(counts[True], counts[False]) > 350
    assert counts["a server's fault"] < 10


def looks_streamed(data, *, may_be_array):
    first = data.lstrip()
    is_lines = first[:1] == b"{" and b"\n{" in first
    is_array = may_be_array and first.startswith(b"[")
    return is_lines or is_array or first.startswith((b"event:", b"data:", b":")) or begins_event_stream(data)


def test_every_answer_is_read_and_good_ones_say_something(asked):
    counts = Counter()
    for file, at, one, dialect in asked:
        answer, problem = read_answer(dialect, one.request, one.response)
        assert isinstance(answer, Answer)
        counts["problem" if problem else "read"] += 1
        is_good = one.status == 200 and one.response.body.size and dialect.operation(one.request) in SPEAKING
        if is_good and dialect.generates(one.request):
            counts["silent"] += not (answer.choices or answer.error)
        if one.status >= 400 and one.response.body.size and dialect.generates(one.request):
            assert answer.error or problem, (file.name, at)
    print(dict(counts))
    assert counts["silent"] < 5  # one is a server's that answers something else
    assert counts["problem"] <= 0.01 * len(asked)


INPUT = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens", "prompt_eval_count")
OUTPUT = (
    "completion_tokens",
    "output_tokens",
    "candidatesTokenCount",
    "outputTokens",
    "eval_count",
)
METRICS = [("inputTokenCount",), ("outputTokenCount",)]  # of Bedrock, beside those of the model's own API
HOLDERS = {"usage", "usageMetadata", "tokens", "billed_units", "metadata", "message", "response", "delta", "meta"}
HOLDERS |= {"x_groq", "amazon-bedrock-invocationMetrics"}


def test_usage_is_what_the_body_states(asked):
    """By a second and plainer reader: what stands last under these names in the places where APIs state usage."""
    counts = Counter()
    for file, at, one, dialect in generating(asked):
        if one.status != 200 or dialect.operation(one.request) is not Operation.CHAT:
            continue
        body = list(documents(plain(one)))
        stated, metrics = ([last(body, names) for names in pair] for pair in ((INPUT, OUTPUT), METRICS))
        usage = read_answer(dialect, one.request, one.response)[0].usage
        found = [usage and usage.input, usage and usage.output]
        assert found == stated or (found == metrics and dialect.name == "bedrock"), (file.name, at)
        counts[dialect.name] += stated != [None, None]
    print(dict(counts))
    assert sum(counts.values()) > 1200
    assert min(counts[name] for name in ("openai-chat", "openai-responses", "google", "anthropic", "bedrock")) > 140


def documents(data):
    if begins_event_stream(data):
        frames = [orjson.loads(frame.data) for frame in EventStreamReader().feed(data)]
        texts = [base64.b64decode(each["bytes"]) if "bytes" in each else orjson.dumps(each) for each in frames]
    elif data.lstrip().startswith((b"event:", b"data:", b":")):
        texts = [event.data for event in SSEReader().feed(data.rstrip() + b"\n\n")]
    else:
        texts = [data, *data.split(b"\n")]
    for text in texts:
        try:
            yield orjson.loads(text)
        except orjson.JSONDecodeError:
            continue


def last(found, names):
    told = [usage[name] for each in found for usage in usages(each) for name in names if usage.get(name) is not None]
    return told[-1] if told else None


def usages(document, depth=4):
    """Objects where APIs state usage: the document's own members, and those of what it holds."""
    if isinstance(document, list):
        for each in document:
            yield from usages(each, depth - 1) if depth else ()
    if isinstance(document, dict) and depth:
        yield document
        for name, inner in document.items():
            if name in HOLDERS:
                yield from usages(inner, depth - 1)
