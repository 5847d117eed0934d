"""Streams of Responses in which text moves: items of reasoning, and the numbers of all that follows."""

import pytest
from edited import CLOSE, HEAD, MOVE, OPEN, asked, edited
from said_in_blocks import added, delta, of_message, plain, responses

from proxy_daemon.core.rewriting.blocks import thought
from proxy_daemon.core.rewriting.blocks.items import Items
from proxy_daemon.core.rewriting.channels.shapes import MOVED


def texts_of(out, kind):
    return "".join(each["delta"] for each in plain(out) if each["type"] == f"response.{kind}.delta")


@pytest.mark.parametrize(
    ("came", "words", "thoughts"),
    [
        ([added(), delta(f"{OPEN}a"), delta(f"{CLOSE}b")], "b", "a"),
        ([delta(f"{OPEN}a"), delta(f"{CLOSE}b")], "b", "a"),  # no item was begun
        ([added(), of_message("output_text.done", text=f"{OPEN}a{CLOSE}b")], "", "a"),  # all at once
        ([added(), of_message("content_part.done", part={"type": "output_text", "text": f"{OPEN}a"})], "", "a"),
        ([added(), added(1), delta(f"{OPEN}a", 1), delta(f"b{CLOSE}c", 0), delta("d", 1)], f"b{CLOSE}c", "ad"),
        ([added(), of_message("refusal.delta", delta="no"), delta(f"{OPEN}a")], "", "a"),
    ],
)
def test_events_of_responses(came, words, thoughts):
    out = edited(MOVE, asked("responses"), HEAD, responses(*came))
    assert MOVED.encode() not in out
    assert (texts_of(out, "output_text"), texts_of(out, "reasoning_text")) == (words, thoughts)
    told = plain(out)
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    numbers = [each["output_index"] for each in told if each["type"] == "response.output_item.added"]
    assert len(set(numbers)) == len(numbers)


def test_servers_without_numbers_get_none():
    octets = responses(added(), delta(f"{OPEN}a"), delta(f"{CLOSE}b"), numbers=False)
    assert not any("sequence_number" in each for each in plain(edited(MOVE, asked("responses"), HEAD, octets)))


def test_a_very_long_thought_becomes_two(monkeypatch):
    monkeypatch.setattr(thought, "LONGEST", 3)
    octets = responses(
        added(), *(delta(text) for text in (OPEN, "ab", "cd", "ef")), of_message("output_text.done", text="")
    )
    told = plain(edited(MOVE, asked("responses"), HEAD, octets))
    assert [each["text"] for each in told if each["type"] == "response.reasoning_text.done"] == ["abcd", "ef"]


def test_what_is_held_of_a_message_is_given_at_the_end():
    octets = responses(added(), {"type": "response.other"})
    assert edited(MOVE, asked("responses"), HEAD, octets) == octets
    assert not Items().busy
