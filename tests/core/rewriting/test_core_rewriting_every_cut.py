"""Both harmony patterns, cut at every pair of places over deltas, say the same as the JSON answer; for all APIs."""

import itertools

import pytest
from edited import APIS, CLOSE, MOVE, OPEN, THINK, answer_in, asked, cut_at, edited, editor, rendered, run

from proxy_daemon.core.conversation import Reasoning

TEXT = f"a{OPEN}b c{CLOSE}d"
MEANT = "a<think>b c</think>d"
FEW = range(0, len(TEXT), 7)


def parts_of(answer):
    (choice,) = answer.choices
    return choice.text, "".join(part.text for part in choice.parts if isinstance(part, Reasoning))


def by_document(rules, api):
    request = asked(api, streams=False)
    head, octets = rendered(request, TEXT)
    return parts_of(answer_in(request, head, edited(rules, request, head, octets)))


@pytest.mark.parametrize("api", ["chat", "completions", "responses", "anthropic", "ollama"])
def test_every_pair_of_cuts_gives_what_the_json_answer_says(api, monkeypatch):
    assert by_document(THINK, api) == (MEANT, "")
    request = asked(api)
    for places in itertools.combinations(range(1, len(TEXT)), 2):
        cut_at(monkeypatch, api, *places)
        head, octets = rendered(request, TEXT)
        out = edited(THINK, request, head, octets)
        assert answer_in(request, head, out).text == MEANT, places


@pytest.mark.parametrize("api", APIS)
def test_pieces_of_each_size_give_what_the_json_answer_says(api, monkeypatch):
    request, meant = asked(api), by_document(THINK, api)
    assert meant == (MEANT, "")
    for size in range(1, len(TEXT) + 1):
        cut_at(monkeypatch, api, *range(size, len(TEXT), size))
        head, octets = rendered(request, TEXT)
        assert parts_of(answer_in(request, head, edited(THINK, request, head, octets))) == meant, size


@pytest.mark.parametrize("api", ["chat", "ollama", "ollama generate", "google", "google array", "dashscope"])
def test_moved_text_becomes_a_thought_wherever_it_is_cut(api, monkeypatch):
    assert by_document(MOVE, api) == ("ad", "b c")
    request = asked(api)
    for places in itertools.combinations(FEW, 2):
        cut_at(monkeypatch, api, *places)
        head, octets = rendered(request, TEXT)
        out = edited(MOVE, request, head, octets)
        assert parts_of(answer_in(request, head, out)) == ("ad", "b c"), places


@pytest.mark.parametrize("api", ["completions", "responses", "anthropic", "bedrock", "cohere", "cohere 1", "tgi"])
def test_where_there_is_no_place_for_thoughts_the_text_stays_and_a_problem_says_so(api):
    request = asked(api)
    head, octets = rendered(request, TEXT)
    edits = editor(MOVE, request, head)
    assert run(edits, octets) == octets
    assert "'moving' does nothing" in edits.problems[0]


@pytest.mark.parametrize("api", ["chat", "responses", "anthropic", "ollama", "google array", "bedrock", "dashscope"])
def test_repeats_of_a_text_say_what_the_pieces_say(api, monkeypatch):
    request = asked(api)
    cut_at(monkeypatch, api, *range(1, len(TEXT)))
    head, octets = rendered(request, TEXT)
    out = edited(THINK, request, head, octets)
    assert b"analysis" not in out
