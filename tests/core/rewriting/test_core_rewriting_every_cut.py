"""Both harmony patterns, cut at every pair of places over deltas, say the same as the JSON answer; for all APIs."""

import itertools

import orjson
import pytest
from edited import (
    APIS,
    CLOSE,
    HEAD,
    MOVE,
    OPEN,
    THINK,
    answer_in,
    asked,
    cut_at,
    edited,
    editor,
    event,
    pieces,
    rendered,
    run,
)

from proxy_daemon.core.conversation import Reasoning
from proxy_daemon.core.rewriting.rules import Pair

TEXT = f"a{OPEN}b c{CLOSE}d"
MEANT = "a<think>b c</think>d"
FEW = range(0, len(TEXT), 7)
HAVE_NO_PLACE = ["completions", "cohere 1", "tgi"]


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


@pytest.mark.parametrize("api", ["chat", "responses", "anthropic", "ollama", "bedrock", "cohere"])
def test_every_pair_of_cuts_moves_what_the_json_answer_moves(api, monkeypatch):
    """The shorter text around shorter marks has fewer pairs, and each kind of them."""
    text, rules = "a<think>b c</think>d", (Pair("tags", "<think>", "</think>", moves=True),)
    request = asked(api)
    for places in itertools.combinations(range(1, len(text)), 2):
        cut_at(monkeypatch, api, *places)
        head, octets = rendered(request, text)
        out = edited(rules, request, head, octets)
        assert parts_of(answer_in(request, head, out)) == ("ad", "b c"), places


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_choices_that_take_turns_are_each_as_if_alone(api):
    def said(index, text):
        words = {"text": text} if api == "completions" else {"delta": {"content": text}}
        return event(choices=[{"index": index, **words}])

    def texts_of(out):
        told = [orjson.loads(line[6:])["choices"][0] for line in out.splitlines() if line]
        texts = ["", ""]
        for each in told:
            texts[each["index"]] += each.get("text") or each.get("delta", {}).get("content") or ""
        return texts

    for size in range(1, len(TEXT) + 1):
        cut = pieces(TEXT, *range(size, len(TEXT), size))
        turns = [said(index, piece) for piece in cut for index in (0, 1)]
        assert texts_of(edited(THINK, asked(api), HEAD, b"".join(turns))) == [MEANT, MEANT], size


@pytest.mark.parametrize("api", APIS)
def test_pieces_of_each_size_give_what_the_json_answer_says(api, monkeypatch):
    request, meant = asked(api), by_document(THINK, api)
    assert meant == (MEANT, "")
    for size in range(1, len(TEXT) + 1):
        cut_at(monkeypatch, api, *range(size, len(TEXT), size))
        head, octets = rendered(request, TEXT)
        assert parts_of(answer_in(request, head, edited(THINK, request, head, octets))) == meant, size


@pytest.mark.parametrize("api", [api for api in APIS if api not in HAVE_NO_PLACE])
def test_moved_text_becomes_a_thought_wherever_it_is_cut(api, monkeypatch):
    assert by_document(MOVE, api) == ("ad", "b c")
    request = asked(api)
    for places in itertools.combinations(FEW, 2):
        cut_at(monkeypatch, api, *places)
        head, octets = rendered(request, TEXT)
        out = edited(MOVE, request, head, octets)
        assert parts_of(answer_in(request, head, out)) == ("ad", "b c"), places


@pytest.mark.parametrize("api", HAVE_NO_PLACE)
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
