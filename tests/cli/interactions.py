"""Interactions as vcrpy writes them, of chats that an import takes in, and what a store holds behind it."""

import json
from contextlib import closing

from proxy_daemon.store.database import SQLiteStore

KEY = "sk-verysecret0123456789"
ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]}
SAID = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
}
CHUNK = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]}
LAST = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
STREAM = "".join(f"data: {json.dumps(each)}\n\n" for each in (CHUNK, LAST))
JSON, SSE = "application/json", "text/event-stream"


def entry(
    body=ASKED, answer=SAID, *, status=200, url="https://api.openai.com/v1/chat/completions", kind=JSON, method="POST"
):
    """One interaction as vcrpy writes it."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return {
        "request": {
            "method": method,
            "uri": url,
            "body": json.dumps(body),
            "headers": {"content-type": [JSON], "authorization": [f"Bearer {KEY}"]},
        },
        "response": {
            "status": {"code": status, "message": "OK"},
            "headers": {"content-type": [kind], "set-cookie": ["session=verysecret0123456789"]},
            "body": {"string": text},
        },
    }


def recordings(path="s.db"):
    """All that the store holds, in the order in which it came."""
    store = SQLiteStore.open(
        str(path), max_bytes=1 << 40, max_age=1e10, wall=lambda: 0.0, call_in_reactor=lambda f, *a: f(*a)
    )
    with closing(store):
        found = [store.get(each.id) for each in reversed(store.page(1000))]
        return [(each, each.response.body.read(0, 1 << 20)) for each in found]
