"""For tests of dialects: answers made up by hypothesis, JSON of any shape, and an answer read back from its octets."""

import re

import orjson
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Reasoning, ToolCall
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

NAMES = re.findall(
    r"\S+",
    "type text content role messages system parts candidates index delta content_block message usage error choices id "
    "input output result results custom_id completion bytes stopReason contentBlockIndex toolUse reasoningContent name "
    "args functionCall function_call inlineData contents requests instances predictions embedding embeddings tools "
    "promptFeedback usageMetadata finishReason thought thoughtSignature stop_reason generation outputs source data "
    "input_tokens tool_use_id toolResult json generateContentRequest converse invokeModel body prompt texts statistics",
)
WORDS = re.findall(
    r"\S+",
    "message_start message_delta message_stop content_block_start content_block_delta content_block_stop ping error "
    "text text_delta thinking thinking_delta signature_delta input_json_delta tool_use tool_result redacted_thinking "
    "image document user assistant model system message completion messageStart contentBlockDelta contentBlockStart "
    "messageStop metadata chunk throttlingException STOP end_turn succeeded base64 eyJ0eXBlIjoiZXJyb3IifQ== "
    "eyJjb21wbGV0aW9uIjoxfQ== eyJtZXNzYWdlU3RhcnQiOjF9 [DONE]",
)
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=24,
)
arguments = st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), texts | st.booleans()).map(
    lambda value: orjson.dumps(value).decode()
)
counts = st.integers(0, 10**9)


def ids(prefix):
    """Ids as an API mints them."""
    return st.from_regex(prefix + r"[0-9A-Za-z]{1,12}", fullmatch=True)


def calls(prefix):
    """Calls of tools with ids of that prefix."""
    return st.builds(ToolCall, ids(prefix), names, arguments)


def alternating(parts):
    """Tuples of parts, of which no two of a kind stand side by side: without marks between them, APIs join them."""
    return st.lists(parts, max_size=5).map(
        lambda found: tuple(part for at, part in enumerate(found) if not at or type(part) is not type(found[at - 1]))
    )


def thoughts(**fields):
    """Thoughts in words. ``fields``: as of `Reasoning`."""
    return st.builds(Reasoning, texts, **fields)


def answers(choices, usage, **fields):
    """Whole answers. ``choices``: a strategy for tuples of them."""
    return st.builds(Answer, choices, usage=usage, **fields)


def ending(parts, pairs):
    """Choices of ``parts``, a strategy; ``pairs``: of a finish and the API's word."""
    return st.builds(
        lambda found, pair: Choice(found, *pair), parts, st.sampled_from([(finish, said) for said, finish in pairs])
    )


def read_back(dialect, request, rendered):
    """The answer that a rendered one tells."""
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", rendered.content_type)]))
    answer, problem = read_answer(dialect, request, Response(head, Bytes(rendered.body)))
    assert not problem
    return answer


def post(target, body=None, fields=()):
    """A request with a body of JSON."""
    return Request(b"POST", target, Headers(fields), Bytes(b"" if body is None else orjson.dumps(body)))


def assemble(dialect, *items):
    """The answer of a stream of (name, data)."""
    assembler = dialect.assembler()
    for name, data in items:
        assembler.add(name, data)
    answer = assembler.answer()
    assert assembler.answer() == answer
    return answer
