"""The labelled pairs of real requests (corpus/near_misses.json): what is the same, what never is, what we decided."""

import json
import os
from collections import Counter

import corpus
import pytest

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.cassettes.formats import read

# The labels "policy": whether the two are served for each other, and why. docs/matching.md says the same at length.
DECISIONS = {
    "stream": (False, "an answer comes as it was asked for"),
    "text-whitespace only": (False, "what a person wrote counts to the blank"),
    "explicit-default-vs-absent": (False, "what the default is, only the server knows, and it changes"),
    "explicit-default-vs-absent + prefixed-id": (False, "as above"),
    "explicit-default-vs-absent + id-or-status-vs-absent + prefixed-id": (False, "as above: `strict` is a default"),
    "null-or-empty-vs-absent": (True, "what says nothing is as what is not there"),
    "id-or-status-vs-absent": (True, "an item's own id and status repeat what the item says"),
    "cache_control": (True, "marks of the cache decide the price, not the answer"),
    "coding-agent: same step, other client version": (False, "other prompts, tools and reminders; see --volatile"),
}


@pytest.fixture(scope="module")
def pairs():
    """(id, label, category, one fingerprint, the other), by the readers and the rules that `llmproxy import` has."""
    if why := corpus.missing():
        if os.environ.get("LLMPROXY_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    labelled = json.loads((corpus.HOME / "near_misses.json").read_text())["pairs"]
    files = {pair[side]["file"] for pair in labelled for side in "ab"}
    entries = {name: list(read(name, (corpus.HOME / name).read_bytes())) for name in files}

    def taken(place):
        return Adopter().adopt(entries[place["file"]][place["index"]])[0].fingerprint

    return [(pair["id"], pair["label"], pair["category"], taken(pair["a"]), taken(pair["b"])) for pair in labelled]


def test_all_pairs_are_there(pairs):
    labels = Counter(label for _, label, *_ in pairs)
    assert labels == {"same": 31, "different": 64, "policy": 33}
    assert all(len(one) == len(other) == 32 for *_, one, other in pairs)


def test_no_pair_that_differs_is_taken_for_one(pairs):
    assert [number for number, label, _, one, other in pairs if label == "different" and one == other] == []


def test_every_pair_that_is_the_same_matches(pairs):
    assert [number for number, label, _, one, other in pairs if label == "same" and one != other] == []


def test_every_kind_of_policy_is_decided(pairs):
    assert {category for _, label, category, *_ in pairs if label == "policy"} == set(DECISIONS)


@pytest.mark.parametrize("category", DECISIONS)
def test_a_policy_is_kept(pairs, category):
    same = [one == other for _, label, kind, one, other in pairs if label == "policy" and kind == category]
    assert set(same) == {DECISIONS[category][0]}, DECISIONS[category][1]
