"""`at_every_split` of the test kit: it plays every split, finds a transform that minds one, and shows it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting.editor import editor_for
from proxy_daemon.core.rewriting.ready import READY
from proxy_daemon.testing import at_every_split, played, splits

OPEN, CLOSE = "<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
HEAD = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
ASKED = Request(b"POST", b"/v1/chat/completions")


class Upper:
    """Minds no split."""

    def piece(self, data):
        return data.upper()

    def end(self):
        return b"."


class Naive:
    """Replaces within a piece only."""

    def piece(self, data):
        return data.replace(b"ab", b"x")

    def end(self):
        return b""


@pytest.mark.parametrize(
    ("text", "cuts", "expected"),
    [
        ("", 1, [[""]]),
        ("a", 1, [["a"]]),
        ("ab", 1, [["ab"], ["a", "b"]]),
        (b"abc", 0, [[b"abc"], [b"a", b"b", b"c"]]),
        (b"abc", 1, [[b"abc"], [b"a", b"bc"], [b"ab", b"c"], [b"a", b"b", b"c"]]),
        ("abc", 2, [["abc"], ["a", "bc"], ["ab", "c"], ["a", "b", "c"]]),
    ],
)
def test_all_splits(text, cuts, expected):
    assert list(splits(text, cuts)) == expected


@given(st.binary(max_size=12), st.integers(0, 3))
def test_each_split_is_the_text_again_and_comes_once(text, cuts):
    found = list(splits(text, cuts))
    assert all(b"".join(pieces) == text for pieces in found)
    assert len({tuple(pieces) for pieces in found}) == len(found)


def test_a_transform_that_minds_no_split():
    assert at_every_split(Upper, b"abc\n") == b"ABC\n."
    assert played(Upper(), [b"a", b"b"]) == b"AB."


def test_one_that_does_is_found_and_shown():
    with pytest.raises(AssertionError, match=r"cut as b'ca' \| b'bd': b'cabd', but in one piece: b'cxd'"):
        at_every_split(Naive, b"cabd")


def test_only_what_is_read_counts():
    assert at_every_split(Naive, b"cabd", read=lambda octets: octets[:1]) == b"c"


def test_one_octet_each_is_said_in_words():
    class FirstPiece(Upper):
        def piece(self, data):
            return b"!" if len(data) == 1 else b""

    with pytest.raises(AssertionError, match="one octet each"):
        at_every_split(FirstPiece, b"abcd", cuts=0)


# --- the built-in rules, through it ----------------------------------------------------------------------------------


def editor():
    return editor_for(READY["gpt-oss"].rules, OpenAIChat(), ASKED, HEAD)


def event(text, index=0):
    chunk = {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def said(octets):
    """The joined text of the first choice."""
    lines = [line[6:] for line in octets.decode().splitlines() if line.startswith("data: {")]
    choices = [choice for line in lines for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.mark.parametrize("mark", [OPEN, CLOSE], ids=["open", "close"])
def test_a_mark_cut_at_every_pair_of_places(mark):
    text = {OPEN: f"{OPEN}thought", CLOSE: f"{OPEN}thought{CLOSE}answer"}[mark]
    at = text.index(mark)
    for words in splits(text[at : at + len(mark)], cuts=2):
        stream = b"".join([*map(event, [text[:at], *words, text[at + len(mark) :]]), b"data: [DONE]\n\n"])
        expected = text.replace(OPEN, "<think>").replace(CLOSE, "</think>")
        assert said(played(editor(), [stream])) == expected


def test_a_stream_cut_at_every_octet():
    stream = b"".join([event(OPEN[:7]), event(OPEN[7:] + "thought"), event(CLOSE), event("yes"), b"data: [DONE]\n\n"])
    assert said(at_every_split(editor, stream)) == "<think>thought</think>yes"
