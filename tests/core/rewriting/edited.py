"""How the tests of editors ask, and what comes out: octets fed in any cut, answers as the dialects read them."""

from itertools import pairwise

import orjson

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead
from proxy_daemon.core.rewriting.editor import editor_for
from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace

OPEN, CLOSE = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
THINK = (Pair("gpt-oss", OPEN, CLOSE, "<think>", "</think>"),)
MOVE = (Pair("moving", OPEN, CLOSE, moves=True),)
NEVER = (*THINK, Replace("never", "\u2603<never>", "x"), Expression("digits", r"\d{39}z", "x", 40))
HEAD = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
JSON_HEAD = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"application/json")]))

# What is asked for a stream of each API, and where the dialect that writes it cuts texts into words.
APIS = {
    "chat": ("/v1/chat/completions", "openai.choices_writing"),
    "completions": ("/v1/completions", "openai.choices_writing"),
    "responses": ("/v1/responses", "openai.responses_writing"),
    "anthropic": ("/v1/messages", "anthropic.rendering"),
    "ollama": ("/api/chat", "ollama.rendering"),
    "ollama generate": ("/api/generate", "ollama.rendering"),
    "google": ("/v1beta/models/m:streamGenerateContent?alt=sse", "google.rendering"),
    "google array": ("/v1beta/models/m:streamGenerateContent", "google.rendering"),
    "bedrock": ("/model/m/converse-stream", "bedrock.rendering"),
    "cohere": ("/v2/chat", "cohere.rendering"),
    "cohere 1": ("/v1/chat", "cohere.v1"),
    "dashscope": ("/api/v1/services/aigc/text-generation/generation", "dashscope.rendering"),
    "tgi": ("/generate_stream", "tgi.rendering"),
}


def ask(target, **body):
    """A request for an answer; a stream unless the body says otherwise."""
    said = {"message": "hi"} if target == "/v1/chat" else {"messages": [{"role": "user", "content": "hi"}]}
    if target.startswith("/generate"):
        said = {"inputs": "hi"}
    told = {"model": "m", "stream": True, **said, **body}
    fields = [(b"X-DashScope-SSE", b"enable")] if told["stream"] else []
    return Request(b"POST", target.encode(), Headers(fields), Bytes(orjson.dumps(told)))


def asked(api, *, streams=True, **body):
    """The same for an API by its name here: of some the path says whether it streams."""
    target = APIS[api][0]
    if not streams:
        target = target.replace(":streamGenerate", ":generate").replace("-stream", "").replace("_stream", "")
    return ask(target, stream=streams, **body)


def dialect_of(request):
    return recognise(request, BUILT_IN)


def rendered(request, text):
    """(head, octets) of a good answer with that text."""
    answer = Answer((Choice((Text(text),), Finish.STOP),), id="a_1", model="m", created=1)
    made = dialect_of(request).render(answer, request)
    return ResponseHead(200, b"OK", Headers([(b"Content-Type", made.content_type)])), made.body


def cut_at(monkeypatch, api, *places):
    """From now on texts of that API are cut there."""
    module = f"proxy_daemon.core.dialects.{APIS[api][1]}.words"
    monkeypatch.setattr(module, lambda text: pieces(text, *places))


def pieces(whole, *places):
    """Text or octets, cut."""
    ends = [0, *sorted(place for place in places if place <= len(whole)), len(whole)]
    return [whole[start:end] for start, end in pairwise(ends)]


def editor(rules, request, head=HEAD):
    return editor_for(rules, dialect_of(request), request, head)


def run(edits, octets, cuts=()):
    """All that comes out."""
    return b"".join([*map(edits.piece, pieces(octets, *cuts)), edits.end()])


def edited(rules, request, head, octets, cuts=()):
    """What comes out where nothing may go wrong."""
    edits = editor(rules, request, head)
    out = run(edits, octets, cuts)
    assert not edits.problems
    return out


def answer_in(request, head, octets):
    """The answer as the dialect reads it."""
    answer, problem = read_answer(dialect_of(request), request, Response(head, Bytes(octets)))
    assert not problem
    return answer


def event(**data):
    return b"data: " + orjson.dumps(data) + b"\n\n"


def chunk(content, index=0, **choice):
    """An event of a chat's stream."""
    told = {"index": index, "delta": {"content": content}, "finish_reason": None, **choice}
    return event(id="c", object="chat.completion.chunk", created=1, model="m", choices=[told])


def said_by(octets, index=0, member="content"):
    """The joined text of a choice of a chat's stream."""
    found = []
    for line in octets.splitlines():
        if line.startswith(b"data: {"):
            choices = orjson.loads(line[6:])["choices"]
            found += [each["delta"].get(member) or "" for each in choices if each["index"] == index]
    return "".join(found)
