"""Over the recorded traffic of others: each exchange is indexed, told of, and found by what stands in it."""

import os
import random

import corpus
import orjson
import pytest
from catalogued import STEP, Store, Ticks, chat

from proxy_daemon.core.messages import id_text
from proxy_daemon.store.catalogue.asking import MOST, Asked, Asking
from proxy_daemon.store.catalogue.reading import entry

EACH = 7  # of the interactions, one of so many
TRIED = 60  # texts that are looked for
LENGTHS = (2, 3, 5, 12, 40)

pytestmark = [
    pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing()),
]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """(questions to a store with many of them, what a catalogue keeps of each)"""
    store = Store(tmp_path_factory.mktemp("corpus") / "s.db")
    entries = []
    for number, each in enumerate(corpus.interactions()):
        if number % EACH == 0:
            changes = {"request": each.request, "response": each.response, "status": each.response.head.status}
            recording = chat(number + 1, **changes)
            store.put(recording)
            entries.append(entry(recording, None))
    asking = Asking(store.path, Ticks())
    assert asking.listing(Asked(q="~all"))["indexed"]["done"] == len(entries) > 200
    yield asking, entries
    asking.close()
    store.close()


def found(asking, q):
    """Ids of all that a filter finds."""
    ids, before = [], 0
    while before is not None:
        value = asking.listing(Asked(q=q, limit=MOST, before=before))
        ids += [int(row["id"], 16) for row in value["exchanges"]]
        before = None if value["next"] is None else int(value["next"], 16)
    return ids


def test_each_can_be_read_and_told_of(indexed):
    asking, entries = indexed
    assert all(each.readable for each in entries)
    told = asking.told([each.id for each in entries][:MOST])["told"]
    for each in entries[:MOST]:
        assert told[id_text(each.id)] == orjson.loads(each.told)
    assert len({each["dialect"] for each in told.values()}) > 5


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("length", LENGTHS)
def test_a_piece_of_what_is_said_finds_all_that_say_it(indexed, length):
    asking, entries = indexed
    chance = random.Random(length)
    passages = [passage for each in entries for passage in each.said if len(passage) >= length]
    tried = 0
    while tried < TRIED // len(LENGTHS):
        passage = chance.choice(passages)
        at = chance.randrange(len(passage) - length + 1)
        piece = passage[at : at + length]
        if piece.strip() != piece or not piece.isprintable():
            continue
        tried += 1
        wanted = [each.id for each in entries if any(piece in passage for passage in each.said)]
        assert found(asking, f"~said {quoted(piece)}") == sorted(wanted, reverse=True)


def test_the_turn_before_is_one_of_the_same_conversation(indexed):
    asking, entries = indexed
    by_id = {each.id: each for each in entries}
    pairs = [(each.id, asking.previous(each.id)) for each in entries if each.chain is not None]
    turns = [(by_id[one], by_id[other]) for one, other in pairs if other is not None]
    assert turns
    for one, other in turns:
        assert other.id < one.id
        assert orjson.loads(other.told)["messages"] < orjson.loads(one.told)["messages"]
    assert min(by_id) >= STEP
