"""What the rewriting cases read: rules, streams and documents that they change, could change, and cannot change.

All are made here. Used by rewriting.py.
"""

import json

from codec_inputs import CONTENT, chunk

OPEN, CLOSE = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
TOKENS = (
    ("<|channel|>", "analysis", "<|message|>"),
    ("<|end|>", "<|start|>", "assistant", "<|channel|>", "final", "<|message|>"),
)
MB = 1_000_000
# Rules of each kind: for other requests, and for all of them but with nothing to do.
IDLE_RULES = """
[[rule]]
name = "another path"
when = { path = "/v1/elsewhere/*" }
request.set = { temperature = 1 }

[[rule]]
name = "another model"
when = { model = "other-*" }
response.set = { model = "other-1" }

[[rule]]
name = "a model that nobody asks for"
request.model = { "nobody-asks" = "lab-1" }

[[rule]]
name = "a word that nobody says"
text = { replace = "a word that nobody says", by = "-" }
"""


def words(count):
    """Tokens of an ordinary text."""
    return [CONTENT[at % 80 : at % 80 + 7] for at in range(count)]


def lesser(count):
    """Tokens that hold what a mark begins with."""
    return ["if a < b: "] * count


def almost(count):
    """Tokens that end in a beginning of a mark, which the next one does not go on."""
    return ["so <|channel|>anal"] * count


def spoken(count):
    """What gpt-oss says: its analysis, then its answer, each mark in tokens."""
    half = words(count // 2)
    return [*TOKENS[0], *half, *TOKENS[1], *half]


def marked(count):
    """Tokens that hold a whole mark each."""
    return [f"{OPEN}so", f"{CLOSE}so"] * (count // 2)


# (what the events are, their texts, ready rules, whether anything changes)
STREAMS = (
    ("of words", words, "gpt-oss", False),
    ("with a lesser sign", lesser, "gpt-oss", False),
    ("that almost matches", almost, "gpt-oss", False),
    ("of an analysis and an answer", spoken, "gpt-oss", True),
    ("with a match", marked, "gpt-oss", True),
    ("of an analysis and an answer", spoken, "gpt-oss-reasoning", True),
)
HOSTILE = {"`<|`": "<|", "almost-matches": OPEN[:-1], "nested opens": OPEN, "matches": OPEN + CLOSE}


def events(texts):
    """Each in an event of its own."""
    return [chunk({"content": text}) for text in texts]


def document(content, *, ascii_only=False):
    """An answer in one piece. ``ascii_only``: its angles are escaped, as Go escapes them."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    body = json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "model": "lab-1", "choices": [choice]})
    return (body.replace("<", "\\u003c").replace(">", "\\u003e") if ascii_only else body).encode()


def long_text(turns):
    """A megabyte of words in so many analyses and answers."""
    part = CONTENT * max(1, MB // len(CONTENT.encode()) // (2 * turns))
    return (OPEN + part + CLOSE + part) * turns
