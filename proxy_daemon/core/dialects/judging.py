"""Whether an answer of a good status is one of the operation that was asked for, and whole: by what its dialect reads.

Invariant: an API that is not known has no answer that is wrong. Called by
`core/adopting.py` for imports, and by `pipeline/good_ends.py` for live traffic.
"""

from __future__ import annotations

import re

from proxy_daemon.core.conversation import Answer, Operation
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.reading import AnswerReader, read_whole
from proxy_daemon.core.messages import Request, Response

_STREAMS = (b"text/event-stream", b"application/x-ndjson", b"application/vnd.amazon.eventstream")
# The rest is answered in words or octets too: sounds, images, what was heard, the content of files.
_NEVER_AS_IT_IS = frozenset(
    {
        Operation.CHAT,
        Operation.COMPLETION,
        Operation.EMBEDDINGS,
        Operation.MODERATION,
        Operation.RERANK,
        Operation.COUNT_TOKENS,
        Operation.MODELS,
    }
)
# What there is of the others differs from model to model: no dialect reads all of it.
_ALWAYS_TELLING = frozenset(
    {
        Operation.CHAT,
        Operation.COMPLETION,
        Operation.EMBEDDINGS,
        Operation.IMAGE,
        Operation.SPEECH,
        Operation.TRANSCRIPTION,
    }
)
# Bedrock and Vertex hand on what any model says, in words of its own.
_OF_ANY_MODEL = re.compile(rb"/invoke(?:-with-response-stream)?/?\Z|:(?:rawPredict|streamRawPredict|predict)\Z")


def fault(dialect: Dialect, request: Request, response: Response) -> str:
    """Why the answer is not a good one; empty where it is. Raises what the questions of a plugin's dialect raise."""
    if dialect is GENERIC:
        return ""
    generates = dialect.generates(request)
    if not response.body.size:
        return "the answer is empty" if generates else ""
    reader = read_whole(dialect, request, response)
    return reader.problem or _not_whole(reader, response, generates) or _not_of_it(reader, dialect, request, generates)


def _not_whole(reader: AnswerReader, response: Response, generates: bool) -> str:
    answer, kind = reader.answer(), response.head.headers.get(b"content-type").lower()
    if not answer.complete and kind.startswith(_STREAMS):
        return "the stream was broken off"
    if not answer.complete and generates:
        return "the answer is not whole"
    return "the answer tells of an error" if generates and answer.error else ""


def _not_of_it(reader: AnswerReader, dialect: Dialect, request: Request, generates: bool) -> str:
    operation = dialect.operation(request)
    strange = reader.as_it_is and operation in _NEVER_AS_IT_IS
    empty = generates and operation in _ALWAYS_TELLING and _says_nothing(reader.answer())
    if not (strange or empty) or not _reads(dialect, request):
        return ""
    return f"not decodable as an answer of {dialect.name} ({operation.value})"


def _says_nothing(answer: Answer) -> bool:
    """Where a filter leaves no choice, there is still a model that has answered, or what it costs."""
    return not answer.choices and not answer.model and answer.usage is None


def _reads(dialect: Dialect, request: Request) -> bool:
    """Whether the dialect knows what answers look like: one of a plugin may do no more than recognise requests."""
    if _OF_ANY_MODEL.search(request.path) is not None:
        return False
    kind = type(dialect)
    return kind.assembler is not Dialect.assembler if dialect.streams(request) else kind.whole is not Dialect.whole
