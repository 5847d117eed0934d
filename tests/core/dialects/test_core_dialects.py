"""Which dialect has a request: each API's own, in the order in which they are asked, and else the generic one."""

import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import parse_upstream

ANTHROPIC_FIELD = (b"Anthropic-Version", b"2023-06-01")
GOOGLE_FIELD = (b"X-Goog-Api-Key", b"x")
TABLE = [
    (b"/v1/chat/completions", (), "openai-chat"),
    (b"/chat/completions?api-version=1", (), "azure"),
    (b"/openai/deployments/d/chat/completions", (), "azure"),
    (b"/v1/responses/resp_1", (), "openai-responses"),
    (b"/v1/models", (), "openai-state"),
    (b"/v1/models/gpt-5", (), "openai-state"),
    (b"/v1/models", [ANTHROPIC_FIELD], "anthropic"),
    (b"/v1/threads/t/messages", (), "openai-state"),
    (b"/v1/messages", (), "anthropic"),
    (b"/v1/messages/count_tokens", (), "anthropic"),
    (b"/v1/messages/batches", (), "anthropic"),
    (b"/v1/complete", [ANTHROPIC_FIELD], "anthropic"),
    (b"/v1/chat/completions", [ANTHROPIC_FIELD], "anthropic"),
    (b"/v1beta/models/gemini-2.5-pro:generateContent", (), "google"),
    (b"/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", (), "google"),
    (b"/v1/projects/p/locations/l/publishers/google/models/g:predict", (), "google"),
    (b"/v1beta/models", [GOOGLE_FIELD], "google"),
    (b"/v1beta/openai/chat/completions", (), "openai-chat"),
    (b"/v1beta/cachedContents", [GOOGLE_FIELD], "google"),
    (b"/model/anthropic.claude/converse", (), "bedrock"),
    (b"/v2/chat", (), "cohere"),
    (b"/api/generate", (), "ollama"),
    (b"/xmessages", (), "generic"),
    (b"/v1/messagesx", (), "generic"),
    (b"/v1/modelsx", (), "generic"),
    (b"/x?path=/v1/messages", (), "generic"),
    (b"/", (), "generic"),
    (b"", (), "generic"),
    (b"*", (), "generic"),
    (b"/\xff", (), "generic"),
]


@pytest.mark.parametrize(("target", "fields", "name"), TABLE)
def test_the_request_has_its_dialect(target, fields, name):
    assert recognise(Request(b"POST", target, Headers(fields)), BUILT_IN).name == name


def test_host_and_body_do_not_count():
    plain = Request(b"POST", b"/v1/messages")
    other = Request(b"POST", b"/v1/messages", Headers([(b"Host", b"api.openai.com")]), Bytes(b'{"model":"gpt-5"}'))
    assert recognise(plain, BUILT_IN) is recognise(other, BUILT_IN)


def test_the_first_that_says_yes_has_it():
    class Mine(Dialect):
        name = "mine"

    mine = Mine()
    request = Request(b"POST", b"/v1/messages")
    assert recognise(request, [mine, *BUILT_IN]) is mine
    assert recognise(request, [*BUILT_IN, mine]) is not mine
    assert recognise(request, []) is GENERIC


def test_names_are_unique_and_homes_are_upstreams():
    assert len({dialect.name for dialect in (*BUILT_IN, GENERIC)}) == len(BUILT_IN) + 1
    assert all(parse_upstream(dialect.home).scheme == "https" for dialect in (*BUILT_IN, GENERIC))
