"""The nearest by sketches is the nearest by likeness: over stores as agents, services and people fill them."""

from collections import Counter
from contextlib import closing
from random import Random

import pytest
from attrs import evolve
from near_mix import asked, dialect_of, mix, near, request

from proxy_daemon.core.matching.nearness.similarity import WEIGHTS, likeness_of
from proxy_daemon.core.matching.nearness.sketch import kind_of, sketch
from proxy_daemon.core.matching.nearness.subject import subject
from proxy_daemon.store.made_anew import TEMPORARY
from proxy_daemon.work.index import opened
from proxy_daemon.work.nearest import CANDIDATES, COMPARED

WANTED = 0.95


class Known:
    """A store: its recordings as they are compared, and the index of them."""

    def __init__(self, size):
        self.requests = mix(size)
        self.kinds = [kind_of(each, dialect_of(each)) for each in self.requests]
        self.subjects = [subject(each, dialect_of(each)) for each in self.requests]
        self.index = opened(TEMPORARY, b"k" * 32, 1)
        self.index.add(list(enumerate(map(sketch, self.subjects, self.kinds))))

    def found(self, parts, kind):
        """The best score of those that the index names."""
        places = self.index.nearest(sketch(parts, kind), CANDIDATES)[:COMPARED]
        return max(likeness_of(self.subjects[place], parts).score for place in places)

    def best(self, parts, kind):
        """The best score of all: those are left out of which even equal messages would make no better one."""
        highest = []
        fixed = {}
        for place, each in enumerate(self.subjects):
            if self.kinds[place] == kind:
                key = each.model, tuple(each.parameters.items()), each.system, each.tools, each.media
                if str(key) not in fixed:
                    fixed[str(key)] = likeness_of(evolve(each, messages=()), evolve(parts, messages=())).parts
                known = fixed[str(key)]
                turns = len(each.messages), len(parts.messages)
                like = sum(WEIGHTS[name] * share for name, share in known) + 8 * min(turns) / max(turns)
                highest.append((like / (sum(WEIGHTS[name] for name, _ in known) + 8), place))
        best = 0.0
        for most, place in sorted(highest, reverse=True):
            if most < best:
                break
            best = max(best, likeness_of(self.subjects[place], parts).score)
        return best


def recall(size, count):
    """By kind of question, the share of those whose best of the shortlist is as good as the best of all."""
    known, right, all_of = Known(size), Counter(), Counter()
    with closing(known.index):
        for kind, incoming in asked(known.requests, count):
            parts, of = subject(incoming, dialect_of(incoming)), kind_of(incoming, dialect_of(incoming))
            all_of[kind] += 1
            right[kind] += known.found(parts, of) >= known.best(parts, of)
    return {kind: right[kind] / all_of[kind] for kind in all_of} | {"all": right.total() / all_of.total()}


def test_the_nearest_is_in_the_shortlist():
    assert recall(1_000, 40)["all"] >= WANTED


@pytest.mark.more
def test_the_nearest_of_ten_thousand_is_in_the_shortlist():
    found = recall(10_000, 240)
    print(found)
    assert found["all"] >= WANTED
    assert min(found["edit"], found["turn"]) >= WANTED


def test_a_store_is_the_same_in_each_process():
    assert [each.body.data for each in mix(20)] == [each.body.data for each in mix(20)]
    assert len({each.body.data for each in mix(50)}) > 40


def test_near_ones_differ():
    random = Random(2)
    assert all(near(each, random).body.data != each.body.data for each in mix(100, seed=3))


def test_a_request_of_ours_is_recognised():
    assert dialect_of(request(b"/v1/messages", {"max_tokens": 1})).name == "anthropic"
