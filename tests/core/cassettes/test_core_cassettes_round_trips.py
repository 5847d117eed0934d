"""Every recording of the corpus, exported in each format that is read, and imported again: equal but for what is told.

docs/formats.md lists for each format what it cannot say, and in which facts the copy differs then. A difference of
which the writer has not told for that very recording is a fault; so is a word, a count or a fact of the page that is
not so.
"""

import sys
from collections import Counter, defaultdict

import pytest
import recorded
import round_trips
from formats_page import rows

from proxy_daemon.core.cassettes.foreign_text import LEFT_OUT
from proxy_daemon.core.cassettes.writers import WRITERS, writer_named

READ = ("llmproxy", "markdown", "vcrpy", "har", "mitmproxy", "promptecho", "asgi-replay")


@pytest.fixture(scope="module", autouse=True)
def corpus():
    recorded.needed()


def cannot_say(name):
    """{word: (facts in which the copy differs then, recordings of the corpus that have it)} on the page."""
    told = [row for row in rows("losses") if row["format"] == name]
    return {row["cannot say"]: (facts(row["what differs then"]), row["in the corpus"]) for row in told}


def facts(cell):
    return set(filter(None, cell.split(", ")))


def left_out(name):
    """{why: recordings of the corpus} on the page."""
    return {row["left out, since"]: row["in the corpus"] for row in rows("left out") if row["format"] == name}


def not_told(page, copied):
    """In which facts the copy differs though the writer has told of nothing that explains it."""
    told = set[str]().union(*(page[word][0] for word in copied.entry.losses if word in page))
    return [what for what in copied.differs if what not in told]


@pytest.mark.parametrize("name", READ)
def test_the_copy_differs_in_what_is_told_and_in_nothing_else(name):
    page, told, gone = cannot_say(name), Counter(), Counter()
    wrong, seen = defaultdict(list), defaultdict(set)
    for copied in round_trips.copies(writer_named(name)):
        if copied.copy is None:
            gone[copied.entry.left_out] += 1
            continue
        told.update(copied.entry.losses)
        for what in not_told(page, copied):
            wrong[what].append((copied.place, copied.entry.losses))
        for word in copied.entry.losses:
            seen[word].update(copied.differs)
    assert {what: (len(places), places[:3]) for what, places in wrong.items()} == {}
    assert told == {word: count for word, (_, count) in page.items() if count}
    assert {word: found - seen[word] for word, (found, count) in page.items() if count and found - seen[word]} == {}
    assert gone == left_out(name)


@pytest.mark.parametrize("name", sorted(set(WRITERS) - set(READ)))
def test_what_is_not_read_again_tells_what_it_leaves_out(name):
    """Each entry is a text, or a reason; and the page has the counts."""
    told, gone, writer = Counter(), Counter(), writer_named(name)
    for _, recordings in round_trips.adopted():
        for recording in recordings:
            entry = writer.entry(recording)
            assert entry.text or entry.losses[0].startswith(LEFT_OUT)
            (told if entry.text else gone).update(entry.losses if entry.text else [entry.left_out])
    assert told == {word: count for word, (_, count) in cannot_say(name).items() if count}
    assert gone == left_out(name)


@pytest.mark.parametrize("name", WRITERS)
def test_the_page_has_all_that_a_writer_may_tell(name):
    writer = writer_named(name)
    assert set(sys.modules[type(writer).__module__].LOSSES) <= set(cannot_say(name))


def test_all_facts_of_the_page_are_such():
    known = {*round_trips.FACTS, *round_trips.MEANINGS, round_trips.MORE, round_trips.LESS}
    assert {fact for name in READ for found, _ in cannot_say(name).values() for fact in found} <= known
