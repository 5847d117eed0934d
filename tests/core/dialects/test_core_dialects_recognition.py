"""Recognising: what is remembered of a path is what would be said; real traffic finds its dialect and model."""

import os
import re
from collections import Counter
from functools import lru_cache

import corpus
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_saying import ask

from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import LONGEST_KNOWN, Dialect
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.reading import read_answer

SEGMENTS = [
    "v1",
    "v2",
    "api",
    "chat",
    "completions",
    "messages",
    "models",
    "openai",
    "deployments",
    "d",
    "responses",
    "embeddings",
    "images",
    "edits",
    "audio",
    "speech",
    "files",
    "threads",
    "runs",
    "complete",
    "generate",
    "rerank",
    "embed",
    "services",
    "aigc",
    "model",
    "m",
    "invoke",
    "predictions",
    "m:generateContent",
    "files/file_1",
    "fim",
    "agents",
    "conversations",
]
TARGETS = st.lists(st.sampled_from(SEGMENTS), max_size=5).map(lambda names: "/" + "/".join(names))
BODIES = st.dictionaries(
    st.sampled_from(["message", "messages", "inputs", "provider", "models", "random_seed", "max_tokens_to_sample"]),
    st.none() | st.just("x") | st.just([]) | st.just({}),
)
FIELDS = st.lists(
    st.sampled_from([(b"anthropic-version", b"1"), (b"x-goog-api-key", b"k"), (b"api-key", b"k"), (b"accept", b"*/*")])
)
# Hosts that are no LLM's, and paths that LLMs' hosts serve beside their API.
FOREIGN = re.compile(
    rb"datadoghq|datad0g|httpbin|w3\.org|ruby-lang|wikipedia|posthog|smith\.langchain|tavily|agno\.com|traceloop"
    rb"|oauth2\.|crewai|pdfobject|samplelib|online-convert|ftcdn|gstatic|google\.com|githubusercontent|simonwillison"
    rb"|deepwiki|serpapi|imgen\.x\.ai|cdn\.openai|huggingface\.co GET|/traces/ingest|/api/hello|:11434 GET /$"
)


def slowly(request, dialects):
    return next((each for each in dialects if each.recognises(request)), GENERIC)


@given(TARGETS, BODIES, FIELDS, st.sampled_from([b"GET", b"POST"]))
def test_what_is_remembered_is_what_each_would_say(target, body, fields, method):
    request = ask(target, body, method, fields)
    assert recognise(request, BUILT_IN) is slowly(request, BUILT_IN)
    assert recognise(request, list(BUILT_IN)) is slowly(request, BUILT_IN)


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda dialect: dialect.name)
@given(TARGETS, BODIES, FIELDS)
def test_nothing_is_settled_wrongly(dialect, target, body, fields):
    request = ask(target, body, headers=fields)
    left = dialect.left_to_ask(request.path)
    assert (left(request) if callable(left) else left) is dialect.recognises(request)


def test_longer_paths_are_asked_each_time():
    request = ask("/" + "x" * LONGEST_KNOWN + "/v1/chat/completions", {})
    assert recognise(request, BUILT_IN).name == "openai-chat"


class Mine(OpenAIChat):
    """Recognises otherwise than the dialect that it is made of."""

    name = "mine"

    def recognises(self, request):
        return request.body_field("mine") is True


def test_a_plugins_own_rule_counts():
    mine = Mine()
    assert recognise(ask("/x", {"mine": True}), [mine, *BUILT_IN]) is mine
    assert recognise(ask("/v1/chat/completions", {}), [mine, *BUILT_IN]).name == "openai-chat"


def test_a_dialect_without_a_hash():
    class Bare(Dialect):
        __hash__ = None

    bare = Bare()
    assert recognise(ask("/x"), [*BUILT_IN, bare]) is bare
    assert recognise(ask("/v1/messages"), [*BUILT_IN, bare]).name == "anthropic"


def test_most_paths_are_settled():
    """Of the many dialects few are asked about a chat: this is done for each request."""
    left = [each.left_to_ask(b"/v1/chat/completions") for each in BUILT_IN]
    assert sum(each is not False for each in left) <= 6
    assert next(each for each in BUILT_IN if each.left_to_ask(b"/v1/chat/completions") is True).name == "openai-chat"


@lru_cache(maxsize=1)
def traffic():
    return [one for one in corpus.interactions() if not FOREIGN.search(place(one))]


def place(one):
    return one.host.encode() + b" " + one.request.method + b" " + one.request.path


@pytest.fixture
def recorded():
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    return traffic()


def test_real_traffic_has_its_dialect(recorded):
    names = Counter(recognise(one.request, BUILT_IN).name for one in recorded)
    unknown = Counter(place(one) for one in recorded if recognise(one.request, BUILT_IN) is GENERIC)
    print(f"\n{len(recorded)} requests to LLMs: {dict(names.most_common())}\nnot recognised: {dict(unknown)}")
    assert len(recorded) > 2000
    assert sum(unknown.values()) <= len(recorded) * 0.03
    assert all(recognise(one.request, BUILT_IN) is slowly(one.request, BUILT_IN) for one in recorded)


# What a request need not name: the place or the API's default decides, or what came before.
UNNAMED = {"cohere", "cohere-v1", "openai-images", "openai-moderations", "openai-responses", "tgi"}


def test_real_traffic_names_its_model(recorded):
    for one in recorded:
        dialect = recognise(one.request, BUILT_IN)
        if dialect is not GENERIC and dialect.generates(one.request):
            body = one.request.json if isinstance(one.request.json, dict) else {}
            is_named = bool(dialect.model(one.request))
            assert is_named or (dialect.name in UNNAMED and "model" not in body), (one.file, dialect.name)


def test_real_traffic_streams_where_a_stream_came(recorded):
    streams = other = 0
    for one in recorded:
        kind = one.response.head.headers.get(b"content-type").lower()
        dialect = recognise(one.request, BUILT_IN)
        came = kind.startswith((b"text/event-stream", b"application/x-ndjson", b"application/stream+json"))
        if dialect is not GENERIC and came and one.request.method == b"POST":
            streams += 1
            other += not dialect.streams(one.request)
    print(f"\n{streams} streams, of which {other} were not asked for")
    assert streams > 300
    assert other <= streams * 0.01


OWN = {"cohere", "cohere-v1", "dashscope", "ollama", "openai-audio", "openai-embeddings", "openai-images", "replicate"}
OWN |= {"openai-moderations", "openai-state", "tgi", "writer"}


def test_real_answers_are_read(recorded):
    """Those that the smaller dialects read: nothing raises, and each good answer says something."""
    read = Counter()
    for one in recorded:
        dialect = recognise(one.request, BUILT_IN)
        if dialect.name in OWN and one.response.body.size:
            answer, problem = read_answer(dialect, one.request, one.response)
            assert isinstance(answer, Answer)
            if dialect.generates(one.request) and one.response.head.status < 400 and not problem:
                read[dialect.name] += 1
                assert answer.choices, (one.file, one.index)
                assert not answer.error
            if one.response.head.status >= 400 and not problem:
                assert answer.error or not answer.choices, one.file
    print(f"\nanswers read: {dict(read)}")
    assert sum(read.values()) > 80
