"""docs/filters.md: its table is the code's, each filter on it can be read, and what is wrong is said as it says."""

import json
import re
from pathlib import Path

import pytest

from proxy_daemon.core.filtering import TERMS, FilterError, explain, parse
from proxy_daemon.core.filtering.explaining import SIGNS, written
from proxy_daemon.core.filtering.parsing import DEEPEST, LONGEST, MOST_TERMS
from proxy_daemon.core.filtering.recorded import MOST_DECODED
from proxy_daemon.core.filtering.terms import OUTCOMES

PAGE = (Path(__file__).parents[2] / "docs" / "filters.md").read_text()


def table(section):
    """The rows of the first table below a heading, as lists of cells."""
    part = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line.strip("|")) for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in rows[1:] if "---" not in row[0]]


def code(cell):
    assert cell[0] == cell[-1] == "`"
    return cell[1:-1]


BY_TASK = [code(filter_) for _, filter_ in table("By task")]
BLOCKS = [line for block in re.findall(r"```filter\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_there_are_examples():
    assert len(BY_TASK) >= 15
    assert len(BLOCKS) >= 7
    assert len(NOT_HERE) == 10
    used = {name for text in BY_TASK for name in re.findall(r"~([a-z]+)", text)}
    assert len(used) >= 15


@pytest.mark.parametrize("text", BY_TASK + BLOCKS)
def test_each_example_is_a_filter(text):
    assert parse(explain(parse(text))) == parse(text)


def test_the_table_has_all_terms():
    rows = [[code(term), words, code(example)] for term, words, example in table("Terms")]
    assert rows == [[written(spec), spec.help, spec.example] for spec in TERMS.values()]


def test_the_signs():
    rows = [code(sign) for sign, _ in table("Joined")]
    assert len(rows) == len(SIGNS)
    assert [explain(parse(text)) for text in rows[:4]] == ["!a", "a & b", "a | b", "a & b"]
    assert "`a b \\| c` is `a & (b \\| c)`" in PAGE
    assert explain(parse("a b | c")) == "a & (b | c)"


@pytest.mark.parametrize(("cell", "words"), table("What is wrong is marked"))
def test_what_is_said_to_a_wrong_one(cell, words):
    with pytest.raises(FilterError) as caught:
        parse(code(cell))
    assert caught.value.message == words


def test_the_answer_of_the_api():
    told = json.loads(re.search(r'`(\{"error".*?\})`', PAGE)[1])
    with pytest.raises(FilterError) as caught:
        parse("~c abc")
    assert told == {"error": caught.value.message, "at": caught.value.at, "length": caught.value.length}


def test_the_limits():
    assert f"at most {LONGEST} characters, {MOST_TERMS} terms, and {DEEPEST} parentheses" in PAGE
    assert f"the first {MOST_DECODED >> 20} MiB of each" in PAGE
    parse("~b '.{0,100}'")
    with pytest.raises(FilterError, match="too large together"):
        parse("~b '.{0,100}' ~b '.{0,100}'")


NOT_HERE = re.findall(r"`(~[a-z]+)`", PAGE.partition("RE2 has not), and not")[2].partition("\n- ")[0])


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_is_not_here(name):
    with pytest.raises(FilterError, match="there is no ~"):
        parse(f"{name} x")


def test_outcomes_are_named():
    assert all(name in PAGE for name in OUTCOMES)
