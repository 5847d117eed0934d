"""What streams of blocks say, by event: for the tests of text that moves in them."""

import orjson
from edited import event

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.wire.event_stream import event as frame

FRAMES = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"application/vnd.amazon.eventstream")]))
PING = event(type="ping")


def start(index=0, kind="text", **more):
    return event(type="content_block_start", index=index, content_block={"type": kind, kind: "", **more})


def said(text, index=0):
    return event(type="content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def thinks(text, index=0):
    return event(type="content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": text})


def opened(index=0):
    return start(index, "thinking", signature="")


def stop(index=0):
    return event(type="content_block_stop", index=index)


def other(index=0, **delta):
    return event(type="content_block_delta", index=index, delta={"type": "citations_delta", **delta})


STOPPED = event(type="message_stop")


def plain(octets):
    return [orjson.loads(line[5:]) for line in octets.splitlines() if line.startswith(b"data:")]


# --- Bedrock ----------------------------------------------------------------------------------------------------------


def converse(*events):
    return b"".join(frame(name, orjson.dumps(value)) for name, value in events)


def word(text, index=0):
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": text}}


def mused(text, index=0):
    return "contentBlockDelta", {"delta": {"reasoningContent": {"text": text}}, "contentBlockIndex": index}


def ended(index=0):
    return "contentBlockStop", {"contentBlockIndex": index}


CALLED = "contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}
LAST = "messageStop", {"stopReason": "end_turn"}


# --- Responses --------------------------------------------------------------------------------------------------------


def of_message(kind, index=0, **members):
    place = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    return {"type": f"response.{kind}", **place, **members}


def added(index=0, kind="message"):
    return {"type": "response.output_item.added", "output_index": index, "item": {"id": f"msg_{index}", "type": kind}}


def delta(text, index=0):
    return of_message("output_text.delta", index, delta=text)


def responses(*told, numbers=True):
    return b"".join(event(**each, **({"sequence_number": at} if numbers else {})) for at, each in enumerate(told))
