"""Talks by hand: what a person says in them, as recordings, and requests of several APIs that say the same."""

import json

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Message, Text
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.pattern import Pattern, Said
from proxy_daemon.core.upstreams import parse_upstream

JSON = Headers(((b"Content-Type", b"application/json"),))
UPSTREAM = parse_upstream("openai=https://api.openai.com/v1")
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI, GEMINI_STREAM = "/v1beta/models/m:generateContent", "/v1beta/models/m:streamGenerateContent?alt=sse"
COMPLETIONS = "/v1/completions"


def post(path, body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(b"POST", path.encode(), JSON, Bytes(data))


def chat(*messages, **more):
    """(role, content) each; a single text is the user's."""
    pairs = [("user", each) if isinstance(each, str) else each for each in messages]
    return post(CHAT, {"model": "m", "messages": [{"role": role, "content": text} for role, text in pairs]} | more)


def in_all(text, system="", model="m"):
    """Requests of five APIs that say the same, by name."""
    ruled = {"instructions": system} if system else {}
    google = {"systemInstruction": {"parts": [{"text": system}]}} if system else {}
    turns = ([("system", system)] if system else []) + [("user", text)]
    return {
        "openai": chat(*turns, model=model),
        "responses": post(RESPONSES, {"model": model, "input": text} | ruled),
        "anthropic": post(
            MESSAGES,
            {
                "model": model,
                "max_tokens": 9,
                "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
            }
            | ({"system": system} if system else {}),
        ),
        "gemini": post(
            f"/v1beta/models/{model}:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": text}]}]} | google,
        ),
        "ollama": post("/api/chat", {"model": model, "messages": [{"role": r, "content": t} for r, t in turns]}),
    }


def dialect_of(request):
    return recognise(request, BUILT_IN)


def user(text):
    return Message("user", (Text(text),))


def said(*texts, **more):
    """What the user, and the assistant by turns, say."""
    roles = ("user", "assistant")
    return Said(tuple(Message(roles[at % 2], (Text(text),)) for at, text in enumerate(texts)), **more)


def answering(asked, text="hello", *, number=1, status=200, pace=0.0, request=None, answer=None, **more):
    """A recording that a person wrote. ``asked``: a `Said`; ``text``: of its answer, or the message of its error."""
    request = request or chat("carried", model="")
    dialect = dialect_of(request)
    answer = answer or Answer((Choice((Text(text),), Finish.STOP),))
    body = dialect.render(answer, request).body if status < 400 else dialect.error(status, "", text)
    fields = {"ending": Ending.COMPLETE, "outcome": Outcome.LIVE, "started": 0.0, "replayable": True, "written": True}
    return Recording(
        id=number, request=request, response=Response(ResponseHead(status, b"", JSON), Bytes(body)), upstream=UPSTREAM,
        status=status, pattern=Pattern(said=asked), pace=pace, **(fields | more),
    )  # fmt: skip
