"""Recognising: what is remembered of a path is what would be said. Real traffic: ../test_core_corpus_dialects.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_saying import ask

from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import LONGEST_KNOWN, Dialect
from proxy_daemon.core.dialects.openai.chat import OpenAIChat

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
