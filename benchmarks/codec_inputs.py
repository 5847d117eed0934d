"""What the case `codec` reads: a chat stream, a chat request, a cassette, in the shapes and sizes of recorded traffic.

Made here, so that no recording is needed. Used by codec.py.
"""

import json

import yaml

EVENTS, STREAM = 4835, 1_600_000  # the longest stream in a large collection of recordings: events, octets
PIECE = 65536  # octets that one read from upstream delivers
CONTENT = "The answer is 42, \"of course\": caf\u00e9, na\u00efve,\n\tand `x = {'y': [1, 2]}` -- so much for that. "


def chunk(delta, finish=None):
    """One event of a chat stream."""
    body = {"id": "chatcmpl-0123456789abcdefghijklmnopqrstu", "object": "chat.completion.chunk", "created": 1760000000}
    body |= {"model": "lab-reasoner-2026-10-01", "system_fingerprint": "fp_0123456789"}
    body["choices"] = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def stream():
    """(octets of 4,835 events, the text that they say)."""
    words = [CONTENT[at % 80 : at % 80 + 7] + " " * (at % 3) for at in range(EVENTS - 3)]
    half = len(words) // 2
    events = [chunk({"role": "assistant", "content": "", "reasoning_content": None})]
    events += [chunk({"content": None, "reasoning_content": word}) for word in words[:half]]
    events += [chunk({"content": word, "reasoning_content": None}) for word in words[half:]]
    octets = b"".join([*events, chunk({}, "stop"), b"data: [DONE]\n\n"])
    return octets, "".join(words[half:])


def chat(size=30_000):
    """A request with tools and a conversation."""
    names = ("path", "query", "limit", "offset")
    fields = {name: {"type": "string", "description": f"The {name} to use."} for name in names}
    schema = {"type": "object", "properties": fields, "required": ["path"], "additionalProperties": False}
    tool = {"name": "search_files", "description": CONTENT, "parameters": schema, "strict": True}
    body = {"model": "lab-1", "stream": True, "temperature": 0.2, "messages": []}
    body["tools"] = [{"type": "function", "function": tool | {"name": f"tool_{n}"}} for n in range(12)]
    while len(json.dumps(body)) < size:
        role = ("user", "assistant")[len(body["messages"]) % 2]
        body["messages"].append({"role": role, "content": CONTENT * 6})
    return json.dumps(body).encode()


def cassette(interactions=120):
    """YAML as vcrpy writes it: streams, and JSON in one line."""
    sse = b"".join(chunk({"content": CONTENT[at : at + 6]}) for at in range(40)).decode()
    document = json.dumps({"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": CONTENT * 9}}]})
    fields = {f"x-field-{n}": [f"value of the field {n}"] for n in range(14)}
    found = [
        {
            "request": {
                "body": chat(4000).decode(),
                "headers": fields,
                "method": "POST",
                "uri": "https://api.openai.com/v1/chat/completions",
            },
            "response": {
                "body": {"string": document if at % 2 else sse},
                "headers": fields | {"content-type": ["application/json" if at % 2 else "text/event-stream"]},
                "status": {"code": 200, "message": "OK"},
            },
        }
        for at in range(interactions)
    ]
    written = yaml.dump({"interactions": found, "version": 1}, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    return written.encode()


def pieces(octets):
    """As they come from upstream."""
    return (octets[at : at + PIECE] for at in range(0, len(octets), PIECE))
