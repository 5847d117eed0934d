"""The rules that are ready, and both patterns of gpt-oss cut at every pair of places."""

from itertools import combinations_with_replacement

import pytest
from scanned import cut, scanned

from proxy_daemon.core.rewriting.conflicts import conflicts
from proxy_daemon.core.rewriting.ready import READY, ready

OPEN = "<|channel|>analysis<|message|>"
CLOSE = "<|end|><|start|>assistant<|channel|>final<|message|>"
# (name, text, what stays, what is moved)
TOLD = [
    ("gpt-oss", f"{OPEN}two{CLOSE}four", "<think>two</think>four", ""),
    ("gpt-oss", f"{OPEN}a{CLOSE}b{OPEN}c{CLOSE}d", "<think>a</think>b<think>c</think>d", ""),
    ("gpt-oss", f"a{OPEN}b", "a<think>b", ""),
    ("gpt-oss", f"a{CLOSE}b", f"a{CLOSE}b", ""),
    ("gpt-oss", f"{OPEN}a{OPEN}b", f"<think>a{OPEN}b", ""),
    ("gpt-oss", f"{OPEN[:-1]}{OPEN}a", f"{OPEN[:-1]}<think>a", ""),
    ("gpt-oss", f"{OPEN}a{CLOSE[:-1]}", f"<think>a{CLOSE[:-1]}", ""),
    ("gpt-oss-reasoning", f"{OPEN}two{CLOSE}four", "four", "two"),
    ("gpt-oss-reasoning", f"0{OPEN}1{CLOSE}2{OPEN}3", "02", "13"),
    ("thinking-tags", "<think>\nwhy\n</think>\n\nso", "\n\nso", "\nwhy\n"),
    ("thinking-tags", "a < b <thin> </think>", "a < b <thin> </think>", ""),
]


@pytest.mark.parametrize(("name", "text", "stays", "moved"), TOLD)
def test_told_texts(name, text, stays, moved):
    rules = READY[name].rules
    assert scanned(rules, [text]) == scanned(rules, text) == (stays, moved)


@pytest.mark.parametrize("name", ["gpt-oss", "gpt-oss-reasoning"])
@pytest.mark.parametrize("before", ["", "x<|"])
def test_each_pair_of_cuts_gives_the_same(name, before):
    text = f"{before}{OPEN}two{CLOSE}four"
    whole = scanned(READY[name].rules, [text])
    assert "|>" not in "".join(whole)
    for places in combinations_with_replacement(range(len(text) + 1), 2):
        assert scanned(READY[name].rules, cut(text, *places)) == whole


def test_tags_that_one_makes_are_moved_by_the_next():
    rules = READY["gpt-oss"].rules + READY["thinking-tags"].rules
    text = f"{OPEN}two{CLOSE}four"
    assert scanned(rules, [text]) == scanned(rules, text) == ("four", "two")


@pytest.mark.parametrize("name", list(READY))
def test_each_has_a_line_of_help_and_rules_of_its_name(name):
    assert ready(name) is READY[name]
    assert READY[name].help
    assert "\n" not in READY[name].help
    assert {rule.name for rule in READY[name].rules} == {name}
    assert not conflicts(READY[name].rules)


def test_a_name_that_is_none_tells_all():
    with pytest.raises(
        ValueError, match="'gptoss' is no name of ready rules: gpt-oss, gpt-oss-reasoning, thinking-tags"
    ):
        ready("gptoss")
