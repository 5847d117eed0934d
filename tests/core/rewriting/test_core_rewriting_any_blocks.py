"""Streams of blocks in any order of their events: where text moves, no word is lost or said twice."""

import re
from collections import Counter

import pytest
from edited import CLOSE, HEAD, MOVE, OPEN, asked, editor, event, run
from hypothesis import given, settings
from hypothesis import strategies as st
from said_in_blocks import (
    CALLED,
    FRAMES,
    LAST,
    STOPPED,
    added,
    converse,
    delta,
    ended,
    mused,
    of_message,
    other,
    plain,
    said,
    start,
    stop,
    word,
)

from proxy_daemon.core.rewriting.channels.shapes import MOVED

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
STEP = st.tuples(
    st.sampled_from(["start", "said", "said", "said", "stop", "other", "last"]), st.integers(0, 2), st.integers(0, 4)
)


def stream_of(api, steps):
    """(octets, letters): any order of events; each letter is said once, between marks or not."""
    out, letters = [], iter(LETTERS)
    for kind, index, shape in steps:
        one = next(letters, "")
        text = [one, f"{OPEN}{one}", f"{CLOSE}{one}", "", f"{OPEN}{one}{CLOSE}"][shape]
        out.append(_MADE[api](kind, index, text))
    return b"".join(out)


def _message(kind, index, text):
    made = {
        "start": start(index),
        "said": said(text, index),
        "stop": stop(index),
        "other": other(index),
        "last": STOPPED,
    }
    return made[kind]


def _cohere(kind, index, text):
    def content(**members):
        return {"message": {"content": members}}

    made = {
        "start": {"type": "content-start", "index": index, "delta": content(type="text", text="")},
        "said": {"type": "content-delta", "index": index, "delta": content(text=text)},
        "stop": {"type": "content-end", "index": index},
        "other": {"type": "tool-call-start", "index": index},
        "last": {"type": "message-end", "delta": {}},
    }
    return event(**made[kind])


def _bedrock(kind, index, text):
    made = {"start": CALLED, "said": word(text, index), "stop": ended(index), "other": mused("", index), "last": LAST}
    return converse(made[kind])


def _responses(kind, index, text):
    made = {
        "start": added(index),
        "said": delta(text, index),
        "stop": {"type": "response.output_item.done", "output_index": index, "item": {"type": "message"}},
        "other": of_message("refusal.delta", index),
        "last": {"type": "response.incomplete"},
    }
    return event(**made[kind], sequence_number=0)


_MADE = {"anthropic": _message, "cohere": _cohere, "bedrock": _bedrock, "responses": _responses}


def letters_in(octets):
    """All that is said in pieces, by what it is; each letter counts."""
    found = Counter()
    for name in ("text", "thinking", "delta"):
        for text in re.findall(rb'"%b": ?"((?:[^"\\]|\\.)*)"' % name.encode(), octets):
            plain_text = text.decode().replace(OPEN, "").replace(CLOSE, "")
            found.update(plain_text)
    return found


@pytest.mark.parametrize("api", _MADE)
@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=14), st.data())
def test_in_any_order_each_word_is_said_once(api, steps, data):
    octets = stream_of(api, steps)
    head = FRAMES if api == "bedrock" else HEAD
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=4))
    edits = editor(MOVE, asked(api), head)
    out = run(edits, octets, cuts)
    assert MOVED.encode() not in out
    assert OPEN.encode() not in out or OPEN.encode() in octets
    assert without_done(letters_in(out), out) == letters_in(octets)
    if OPEN.encode() not in octets:
        assert out == octets


def without_done(found, out):
    """Without what the ends of thoughts repeat."""
    for each in plain(out) if b"response." in out else ():
        if each["type"] == "response.reasoning_text.done":
            found -= Counter(3 * each["text"].replace(OPEN, "").replace(CLOSE, ""))
    return found
