"""Sketches: the same wherever they are made, short, and as alike as the requests are."""

import subprocess
import sys
from itertools import pairwise
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from near_bases import BASES, CHAT, SEARCH, WEATHER, chat
from near_mix import Words, dialect_of, mix, request
from rapidfuzz.distance import Indel

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.matching.nearness import sketch as module
from proxy_daemon.core.matching.nearness.similarity import likeness
from proxy_daemon.core.matching.nearness.sketch import (
    COARSE,
    DEEPEST,
    FINE,
    MOST_WORDS,
    SMALL,
    kind,
    kind_of,
    sketch,
    terms,
)
from proxy_daemon.core.matching.nearness.subject import subject
from proxy_daemon.core.messages import Request

LONG = Words(1).text(Random(1), 1300)
PINNED = (
    "0f41cd900a0039820001b5cdaa1d07460a00681d0a000a000a000a000a00",
    1,
    (983576745, 3969900972, 237382032, 603687530, 210753097),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


def of(asked):
    return sketch(subject(asked, dialect_of(asked)), kind_of(asked, dialect_of(asked)))


def score(asked, known, most=FINE):
    """About how alike."""
    level, signs = known.within(most)
    return terms(asked, known.fixed, known.turns).score(Indel.normalized_similarity(asked.at(level), signs))


# --- the same everywhere ---------------------------------------------------------------------------------------------


def test_the_same_in_another_process_with_other_hashes():
    script = (
        "from near_mix import mix, dialect_of\nfrom test_core_matching_sketch import of\n"
        "print([(each.fixed, each.words) for each in map(of, mix(12))])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_pinned():
    """Indexes of people depend on these: what changes them must change `VERSION`."""
    found = of(request(CHAT, {"model": "m", "messages": [{"role": "user", "content": "Good day"}]}))
    assert module.VERSION == 2
    assert (found.fixed.encode("utf-16-le").hex(), found.turns, found.words) == PINNED


# --- short -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [SMALL, COARSE, FINE])
@pytest.mark.parametrize("text", ["", "one", LONG, "a " * 50_000, LONG * 30, "x" * 100_000, "\n" * 9000])
def test_no_longer_than_it_may_be(most, text):
    known = of(request(CHAT, chat(text)))
    level, signs = known.within(most)
    assert len(signs) <= most
    assert 0 <= level <= DEEPEST
    assert len(known.words) <= MOST_WORDS
    assert level == 0 or len(signs) > most // 8


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_the_fixed_part_has_its_parts(base):
    known = of(request(base.path, base.around(base.text)))
    assert known.fixed.count("\n") == 7
    assert len(known.fixed) < 700
    assert kind(known.fixed)


@given(values, values)
def test_any_body_has_one(value, other):
    for body in ({"messages": value, "tools": other, "a": value}, {"system": value, "input": other}, value):
        try:
            data = orjson.dumps(body)
        except (TypeError, ValueError):
            continue
        one = of(Request(b"POST", CHAT, body=Bytes(data)))
        assert score(one, one) == pytest.approx(1)


def test_a_hostile_name_is_cut():
    body = {"model": "m", "K" * 300_000: {f"a{number}": 0 for number in range(2000)}}
    assert sum(map(len, subject(request(CHAT, body), GENERIC).parameters)) < 1_000_000


# --- as alike as the requests ----------------------------------------------------------------------------------------


def test_about_as_alike_as_by_the_score():
    requests = mix(60)
    for one, other in pairwise(requests):
        if kind_of(one, dialect_of(one)) == kind_of(other, dialect_of(other)):
            exact = likeness(one, other, dialect_of(one)).score
            assert score(of(one), of(other)) == pytest.approx(exact, abs=0.2)


@pytest.mark.parametrize("most", [SMALL, COARSE, FINE])
def test_an_edit_of_a_long_text_changes_little(most):
    words = LONG.split()
    one = of(request(CHAT, chat(LONG)))
    for place in (0, 650, 1299):
        edited = [*words[:place], "other", *words[place + 1 :]]
        assert score(of(request(CHAT, chat(" ".join(edited)))), one, most) > 0.95


def test_each_part_counts():
    one = chat("what is the weather", "Be brief", [SEARCH, WEATHER], temperature=0)
    known = of(request(CHAT, one))
    changes = [
        {"model": "other"},
        {"temperature": 1},
        {"tools": [SEARCH]},
        {"messages": [{"role": "system", "content": "Be long"}, *one["messages"][1:]]},
        {"messages": [*one["messages"], one["messages"][-1]]},
    ]
    scores = [score(of(request(CHAT, {**one, **change})), known) for change in changes]
    assert all(0.4 < each < 1 for each in scores)
    assert score(of(request(CHAT + b"?a=b", one)), known) < 1


def test_only_one_operation_of_one_api_is_of_a_kind():
    gemini = b"/v1beta/models/%b:%b"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    one, two, three = (
        of(request(gemini % names, body))
        for names in ((b"a", b"generateContent"), (b"b", b"generateContent"), (b"a", b"embedContent"))
    )
    assert kind(one.fixed) == kind(two.fixed) != kind(three.fixed)
    assert kind(of(request(b"/own/a", body)).fixed) != kind(of(request(b"/own/b", body)).fixed)
