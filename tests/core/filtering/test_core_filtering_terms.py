"""Each term: what it selects, what it does not, and what it says of itself."""

import pytest
from attrs import evolve
from filter_subject import EMPTY, Plain

from proxy_daemon.core.filtering import TERMS, Comparison, Kind, Wants, explain, help_text, holds, is_light, parse
from proxy_daemon.core.filtering.terms import OUTCOMES

PLAIN = Plain()
SELECTS = {
    Kind.WORD: ["completions", "'chat.completions'", "invoice", "'It costs'", "'3 (three)'", "STRASSE", "CHAT", "''"],
    Kind.SAID: ["~said invoice", "~said 'INVOICE?'", "~said '(three)'", "~said 'strasse\\nand'", "~said ''"],
    Kind.URL: ["~u ^https://api", "~u CHAT/", "~u x=1$", "~u 'v[0-9]'", "~u ''"],
    Kind.DOMAIN: ["~d openai", "~d API.*com$"],
    Kind.METHOD: ["~m post", "~m ^P", "~m 'get|post'"],
    Kind.CODE: ["~c 200", "~c <300", "~c >=200", "~c <=200", "~c >199"],
    Kind.NO_RESPONSE: [],
    Kind.RESPONSE: ["~s"],
    Kind.ERROR: [],
    Kind.BODY: ["~b gpt-4o", "~b DONE", "~b caf\u00e9", "~b CAF\u00c9", "~b 'caf.\"'", "~b '^data: .*DONE'"],
    Kind.REQUEST_BODY: ["~bq '\"seed\": ?7'", "~bq \\d", "~bq '[\u00e9]'"],
    Kind.RESPONSE_BODY: ["~bs choices", "~bs '\\n\\ndata'", "~bs '}.*D'"],
    Kind.HEADER: ["~h curl", "~h retry-after", "~h '^user-agent: curl'", "~h 'JSON$'"],
    Kind.REQUEST_HEADER: ["~hq json", "~hq '^Content-Type: '"],
    Kind.RESPONSE_HEADER: ["~hs '^retry-after: [1-9]'", "~hs '3$'"],
    Kind.TYPE: ["~t json", "~t stream$"],
    Kind.REQUEST_TYPE: ["~tq ^application/JSON"],
    Kind.RESPONSE_TYPE: ["~ts event"],
    Kind.MODEL: ["~model gpt-4", "~model mini$"],
    Kind.DIALECT: ["~dialect openai", "~dialect ^openai-chat$"],
    Kind.OUTCOME: ["~outcome live", "~outcome Live", "~outcome 'live'"],
    Kind.TOOL: ["~tool weather", "~tool ^search$"],
    Kind.TOKENS: ["~tokens >1000", "~tokens 1199", "~tokens =1200", "~tokens <=1200"],
    Kind.SLOW: ["~slow >3", "~slow 3.4", "~slow <4", "~slow =3.5"],
    Kind.SESSION: ["~session nightly"],
    Kind.CASSETTE: ["~cassette ^login"],
    Kind.MARKED: [],
    Kind.MARKER: ["~marker ''"],
    Kind.COMMENT: ["~comment ''"],
    Kind.PINNED: [],
    Kind.EDITED: [],
    Kind.ALL: ["~all", ""],
}
LEAVES = {
    Kind.WORD: ["anthropic", "choices", "nightly", "'INVOICE? It'", "gpt"],
    Kind.SAID: ["~said completions", "~said 'invoice.'", "~said 'INVOICE?\\nIt'"],
    Kind.URL: ["~u ^api", "~u invoice"],
    Kind.DOMAIN: ["~d ^openai", "~d v1"],
    Kind.METHOD: ["~m get", "~m ^ost"],
    Kind.CODE: ["~c 201", "~c <200", "~c >200", "~c >=201"],
    Kind.NO_RESPONSE: ["~q"],
    Kind.RESPONSE: [],
    Kind.ERROR: ["~e"],
    Kind.BODY: ["~b curl", "~b 'gpt-4o.*DONE'", "~b '(?-i)GPT'"],
    Kind.REQUEST_BODY: ["~bq DONE"],
    Kind.RESPONSE_BODY: ["~bs gpt"],
    Kind.HEADER: ["~h seed", "~h '^curl'", "~h 'json.*User'"],
    Kind.REQUEST_HEADER: ["~hq retry"],
    Kind.RESPONSE_HEADER: ["~hs curl"],
    Kind.TYPE: ["~t curl", "~t xml"],
    Kind.REQUEST_TYPE: ["~tq event"],
    Kind.RESPONSE_TYPE: ["~ts json"],
    Kind.MODEL: ["~model ^mini"],
    Kind.DIALECT: ["~dialect anthropic"],
    Kind.OUTCOME: [f"~outcome {name}" for name in OUTCOMES if name != "live"],
    Kind.TOOL: ["~tool ^weather", "~tool 'weather.*search'"],
    Kind.TOKENS: ["~tokens >1200", "~tokens 1200", "~tokens =1", "~tokens <1200"],
    Kind.SLOW: ["~slow", "~slow >3.5", "~slow <=3.4"],
    Kind.SESSION: ["~session login"],
    Kind.CASSETTE: ["~cassette nightly"],
    Kind.MARKED: ["~marked"],
    Kind.MARKER: ["~marker red"],
    Kind.COMMENT: ["~comment do"],
    Kind.PINNED: ["~pinned"],
    Kind.EDITED: ["~edited"],
    Kind.ALL: [],
}


def test_each_kind_stands_in_each_table():
    assert set(TERMS) == set(SELECTS) == set(LEAVES) == set(Kind)
    assert all(SELECTS[kind] or LEAVES[kind] for kind in Kind)


@pytest.mark.parametrize("text", [text for kind in SELECTS for text in SELECTS[kind]])
def test_selects(text):
    assert holds(parse(text), PLAIN)


@pytest.mark.parametrize("text", [text for kind in LEAVES for text in LEAVES[kind]])
def test_leaves(text):
    assert not holds(parse(text), PLAIN)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("~q", {"has_response": False}),
        ("~e", {"error": "it broke off"}),
        ("~marked", {"mark": "red"}),
        ("~marker ^RED$", {"mark": "red"}),
        ("~comment '^to.do'", {"comment": "to\ndo"}),
        ("~pinned", {"pinned": True}),
        ("~edited", {"edited": True}),
        ("~slow", {"seconds": 10.1}),
        *[(f"~outcome {name}", {"outcome": name}) for name in OUTCOMES if name != "live"],
    ],
)
def test_what_changes_the_answer(text, changes):
    tree = parse(text)
    assert not holds(tree, PLAIN)
    assert holds(tree, evolve(PLAIN, **changes))


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_not_known_is_selected_by_little(kind):
    """Patterns find only the empty text; no comparison holds; negated, all do."""
    texts = [text for text in SELECTS[kind] if not text.endswith("''") and kind is not Kind.ALL]
    texts += [f"~{kind} {operator}0" for operator in ("<=", "=", ">=") if TERMS[kind].wants is Wants.AMOUNT]
    for text in texts:
        assert not holds(parse(text), EMPTY), text
        assert holds(parse(f"!({text})"), EMPTY), text


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [("<", 1, 0, 0), ("<=", 1, 1, 0), ("=", 0, 1, 0), (">=", 0, 1, 1), (">", 0, 0, 1)],
)
def test_comparisons(operator, below, equal, above):
    comparison = Comparison(operator, 2.5)
    assert [comparison.holds(value) for value in (2, 2.5, 3, None)] == [*map(bool, (below, equal, above)), False]


@pytest.mark.parametrize("spec", TERMS.values(), ids=lambda spec: spec.kind or "word")
def test_the_table(spec):
    """Each example is a filter of that term alone, in its plain form or nearly; the help fits a line."""
    tree = parse(spec.example)
    assert tree.kind is spec.kind
    assert parse(explain(tree)) == tree
    assert bool(spec.shown) == (spec.wants is not Wants.NOTHING)
    assert len(spec.help) < 80
    assert is_light(tree) != spec.heavy


def test_help():
    lines = help_text().splitlines()
    assert len(lines) == len(TERMS) + 5
    assert all(len(line) <= 100 for line in lines)
    for kind in Kind:
        assert any(line.split()[0] == (f"~{kind}" if kind else "WORD") for line in lines)
    assert "~c [OP]N" in help_text()
    assert "binds closer than |" in help_text()


def test_heavy_terms():
    heavy = {kind for kind, spec in TERMS.items() if spec.heavy}
    assert heavy == {Kind(name) for name in ("b", "bq", "bs", "h", "hq", "hs")}
    assert is_light(parse("a | !(~c 200 & ~t json)"))
    assert not is_light(parse("a | !(~c 200 & ~b json)"))
