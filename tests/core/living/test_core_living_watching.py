"""Answers that grow under the eyes of viewers: read once, told to each at its pace, and never longer than is spared."""

import gzip
from types import SimpleNamespace

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from listening import SECRET, SSE, Page, exchange, words

from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.living.growing import grown
from proxy_daemon.core.living.kept import MOST_OF_ONE, TOO_MUCH, TOO_SLOW, Kept, Room
from proxy_daemon.core.living.sse import HEARTBEAT
from proxy_daemon.core.living.watching import (
    AT_A_LOOK,
    MOST_BEHIND,
    MOST_READ,
    MOST_SECONDS,
    MOST_TOLD,
    SPARED,
    Viewer,
    Watched,
)
from proxy_daemon.core.redact import Redactor

DONE = b"data: [DONE]\n\n"


class Seen:
    """A watched answer, one page that watches it, and a clock that stands still."""

    def __init__(self, *texts, dialect=None, problem="", page=None):
        self.now, self.took = 0.0, 0.0
        self.kept = Kept(evolve(exchange(), dialect=dialect or OpenAIChat()), SSE, Room())
        self.watched = Watched(self.kept, Redactor(), problem)
        self.page = self.join(page or Page())
        self.say(*texts)

    def join(self, page):
        self.watched.viewers.append(Viewer(page, self.now))
        return page

    def say(self, *texts):
        for piece in words(*texts):
            self.kept.piece(piece)

    def seconds(self):
        self.now += self.took
        return self.now

    def look(self):
        """(whether it was the last look, what the page was told)."""
        over = self.watched.look(self.seconds)
        return over, self.page.read()


def text(value):
    return value["answer"]["choices"][0]["parts"][0]["text"]


def test_an_answer_from_its_middle_to_its_end():
    seen = Seen("One ", "two ")
    over, told = seen.look()
    assert (over, [kind for kind, _ in told], text(told[0][1])) == (False, ["answer"], "One two ")
    assert told[0][1]["problem"] == ""
    seen.say("three ")
    assert seen.look() == (False, [("delta", {"changes": [{"choice": 0, "part": 0, "append": "three "}]})])
    assert seen.look() == (False, [])
    seen.kept.piece(DONE)
    seen.watched.ended = True
    over, told = seen.look()
    assert (over, [kind for kind, _ in told]) == (True, ["delta", "ended"])
    assert told[0][1]["changes"][-1]["value"]["complete"] is True
    assert seen.page.closed


def test_before_its_head_has_come_there_is_no_answer():
    seen = Seen()
    seen.watched.kept = None
    assert seen.look() == (False, [("answer", {"answer": None, "problem": ""})])
    assert seen.look() == (False, [])
    seen.watched.kept = seen.kept
    seen.say("One ")
    assert text(seen.look()[1][0][1]) == "One "


def test_one_that_ends_without_an_answer():
    seen = Seen()
    seen.watched.kept, seen.watched.ended = None, True
    assert [kind for kind, _ in seen.look()[1]] == ["answer", "ended"]


def test_what_was_held_back_comes_with_the_end():
    seen = Seen("Hello", " wor", "ld")
    assert text(seen.look()[1][0][1]) == "Hello "
    seen.watched.ended = True
    changes = seen.look()[1][0][1]["changes"]
    assert changes[0] == {"choice": 0, "part": 0, "append": "world"}


def test_the_end_of_one_that_was_read_already():
    seen = Seen("Hello")
    seen.look()
    seen.watched.ended = True
    over, told = seen.look()
    assert over
    assert told[0][1]["changes"][0]["append"] == "Hello"


def test_each_viewer_gets_what_it_has_not():
    seen = Seen("One ")
    seen.look()
    late = seen.join(Page())
    seen.say("two ")
    _, told = seen.look()
    assert [kind for kind, _ in told] == ["delta"]
    assert text(late.read()[0][1]) == "One two "


def test_a_viewer_that_does_not_read_gets_all_of_it_later():
    seen = Seen("One ")
    seen.look()
    seen.page.room = 0
    seen.say("two ")
    assert seen.look()[1] == []
    seen.say("three ")
    assert seen.look()[1] == []
    seen.page.room = None
    assert seen.look()[1] == [("delta", {"changes": [{"choice": 0, "part": 0, "append": "two three "}]})]


def test_heartbeats_come_into_silence():
    seen = Seen("One ")
    seen.look()
    seen.now += 15
    seen.watched.look(seen.seconds)
    assert seen.page.data == HEARTBEAT


def test_while_nobody_watches_nothing_is_read():
    seen = Seen("One ")
    seen.watched.viewers.clear()
    assert seen.look() == (False, [])
    assert seen.kept.pieces
    seen.watched.ended = True
    assert seen.look() == (True, [])
    assert seen.kept.room.taken == 0


def test_a_look_reads_no_more_than_its_part():
    seen = Seen(*["x" * 1000 + " "] * 200)
    sizes = []
    while seen.kept.pieces:
        before = seen.kept.size
        seen.look()
        sizes.append(before - seen.kept.size)
    assert len(sizes) > 2
    assert max(sizes) < AT_A_LOOK * 1.1


def test_what_takes_long_is_done_seldom():
    seen = Seen("One ")
    seen.took = MOST_SECONDS / 2
    seen.look()
    seen.took = 0.0
    seen.say("two ")
    assert seen.look()[1] == []
    seen.now += SPARED * MOST_SECONDS
    assert [kind for kind, _ in seen.look()[1]] == ["delta"]


def test_the_end_waits_for_its_turn_too():
    seen = Seen("One")
    seen.took = MOST_SECONDS / 2
    seen.look()
    seen.took, seen.watched.ended = 0.0, True
    assert seen.look() == (False, [])
    seen.now += (SPARED + 1) * MOST_SECONDS
    assert [kind for kind, _ in seen.look()[1]] == ["delta", "ended"]


def test_one_that_takes_too_long_is_shown_when_it_has_ended():
    seen = Seen("One ")
    seen.took = MOST_SECONDS * 1.1
    assert seen.look() == (False, [("answer", {"answer": None, "problem": TOO_SLOW})])
    seen.took = 0.0
    seen.say("two ")
    assert seen.kept.room.taken == 0
    seen.watched.ended = True
    seen.now += (SPARED + 2) * MOST_SECONDS
    assert seen.look() == (True, [("ended", {})])


def test_what_unpacks_to_very_much_is_not_read_to_its_end():
    head = evolve(SSE, headers=Headers((*SSE.headers.pairs, (b"Content-Encoding", b"gzip"))))
    seen = Seen()
    seen.kept.head = head
    seen.kept.piece(gzip.compress(b"".join(words("x" * (2 * MOST_READ)))))
    assert "not decodable" in str(seen.look()[1])


def test_one_that_is_too_long_says_so():
    seen = Seen("One ")
    seen.look()
    seen.kept.piece(b"x" * MOST_OF_ONE)
    assert seen.look() == (False, [("answer", {"answer": None, "problem": TOO_MUCH})])
    assert seen.look() == (False, [])
    seen.watched.ended = True
    assert seen.look() == (True, [("ended", {})])


def test_what_is_too_much_to_be_told_says_so():
    seen = Seen(*["x" * 200_000] * 5, page=(slow := Page(room=0)))
    other = seen.join(Page())
    for number in range(40):
        seen.say(*[f"{number} " * 100])
        seen.look()
    seen.watched._state = {"choices": [{"parts": [{"type": "Text", "text": "x" * MOST_TOLD}]}]}
    slow.room = None
    assert seen.look() == (False, [("answer", {"answer": None, "problem": TOO_MUCH})])
    assert seen.look() == (False, [])
    assert other.read()[-1] == ("answer", {"answer": None, "problem": TOO_MUCH})
    assert seen.kept.room.taken == 0


def test_behind_a_long_rest_the_page_loads_what_was_recorded():
    seen = Seen()
    for _ in range(MOST_BEHIND // AT_A_LOOK + 1):
        seen.kept.piece(b"x" * AT_A_LOOK)
    seen.watched.ended = True
    over, told = seen.look()
    assert (over, told[-1][0]) == (True, "ended")
    assert seen.kept.room.taken == 0


def test_what_nothing_is_shown_of():
    seen = Seen("One ", problem="no-store")
    assert seen.look() == (False, [("answer", {"answer": None, "problem": "no-store"})])
    seen.watched.ended = True
    assert seen.look() == (True, [("ended", {})])


def test_what_cannot_be_read_is_shown_as_far_as_it_came():
    seen = Seen("One ")
    seen.kept.piece(b"data: {broken\n\n")
    _, told = seen.look()
    assert text(told[0][1]) == "One "
    assert told[0][1]["problem"].startswith("not decodable")


class Broken(OpenAIChat):
    """A plugin's dialect that gives what is no answer in its inside."""

    def assembler(self, *_):
        return SimpleNamespace(feed=lambda *_: None, end=lambda: None, answer=lambda: Answer(choices=None))


def test_a_dialect_that_is_broken_ends_in_words():
    seen = Seen("One ", dialect=Broken())
    over, told = seen.look()
    assert not over
    assert told[0][1]["answer"] is None
    assert told[0][1]["problem"].startswith("not decodable")
    seen.watched.ended = True
    assert seen.look()[0]


@given(st.data())
def test_no_letter_of_a_key_and_the_same_text_in_the_end(data):
    """Whatever the pieces are and whenever the page is looked after."""
    whole = f"Take {SECRET} and go."
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    seen, state = Seen(), None
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        seen.say(whole[start:end])
        seen.watched.ended = end == len(whole) and data.draw(st.booleans())
        octets = seen.page.data
        if not seen.page.closed:
            told = seen.look()[1]
            state = shown(state, told)
        assert SECRET[13:17] not in str(octets) + str(state)
    seen.watched.ended = True
    state = state if seen.page.closed else shown(state, seen.look()[1])
    assert state["choices"][0]["parts"][0]["text"] == "Take REDACTED and go."


def shown(state, told):
    """What a page shows behind these events."""
    for kind, value in told:
        if kind == "answer":
            state = value["answer"]
        elif kind == "delta":
            state = grown(state, value["changes"])
    return state


@pytest.mark.parametrize("pieces", [1, 3])
def test_what_was_read_is_not_kept(pieces):
    seen = Seen(*["One "] * pieces)
    seen.look()
    assert (seen.kept.pieces, seen.kept.room.taken) == ([], 0)
