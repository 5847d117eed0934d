"""For tests of talks in Markdown: what a text says as recordings, and recordings of an API to be written."""

import orjson

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.conversation import Message, Reasoning, Text, ToolCall
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.talk.format import Markdown
from proxy_daemon.core.talk.writing import entry

JSON = Headers([(b"Content-Type", b"application/json")])


def read(text):
    """The recordings of a file."""
    return list(Markdown().read("talk.md", text if isinstance(text, bytes) else text.encode()))


def one(text):
    (found,) = read(text)
    return found


def said(recording):
    return recording.pattern.said


def prompt(recording):
    """[(role, words)] of what is asked."""
    return [(each.role, each.text) for each in said(recording).messages]


def answer(recording):
    dialect = recognise(recording.request, BUILT_IN)
    found, problem = read_answer(dialect, recording.request, recording.response)
    assert not problem
    return found


def parts(recording):
    (choice,) = answer(recording).choices
    return choice.parts


def post(path, body):
    return Request(b"POST", path.encode(), JSON, Bytes(orjson.dumps(body)))


def recorded(request, response, status=200, fields=()):
    """An exchange as it was on the wire."""
    head = ResponseHead(status, b"OK", Headers([*JSON.pairs, *fields]))
    body = response if isinstance(response, bytes) else orjson.dumps(response)
    answered = Response(head, Bytes(body))
    model = request.body_field("model") or ""
    return Recording(0, request, answered, NOWHERE, Ending.COMPLETE, Outcome.LIVE, 0.0, status=status, model=model)


def chat(messages, said="Hello", **more):
    """An exchange of chat completions. ``said``: the words, or the message of the answer."""
    message = {"role": "assistant", "content": said} if isinstance(said, str) else said
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    body = {"model": "gpt-4o", "messages": messages, **more}
    document = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return recorded(post("/v1/chat/completions", body), document)


def again(recording):
    """Written, and read."""
    found = entry(recording)
    assert found.text, found.losses
    return one(found.text)


def asked(recording):
    return recognise(recording.request, BUILT_IN).conversation(recording.request).messages


def plain(messages):
    """Without signatures, which are not said."""
    return [Message(each.role, plain_parts(each.parts)) for each in messages]


def plain_parts(given):
    kept = [each for each in given if not isinstance(each, Reasoning) or each.text or not each.opaque]
    return tuple(Reasoning(each.text) if isinstance(each, Reasoning) else each for each in kept)


def unnamed(given):
    """Without ids, which are made for calls that have none."""
    return [ToolCall("", each.name, each.arguments) if isinstance(each, ToolCall) else each for each in given]


def text(words):
    return (Text(words),)
