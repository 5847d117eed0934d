"""How far patterns look: what could take long looks at less, so that no text holds up who searches."""

import pytest

from proxy_daemon.core.filtering import And, Not, Or, Pattern, Term, parse
from proxy_daemon.core.filtering.operands import LARGEST, STEPS
from proxy_daemon.core.filtering.tree import FARTHEST


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("~b logprobs", True),
        (f"~b {'long' * 100}", True),
        ("~b 'one word|another one, or this'", True),
        ("~b [0-9]{3}-[0-9]{4}", True),
        (r"~b '\bkey\b.{0,40}secret'", False),
        ("~b '(a|b)*a(a|b){400}c'", False),
        ("!(~q | ~e ~b '(a|b)*a(a|b){40}c')", False),
    ],
)
def test_what_could_take_long_looks_less_far(text, whole):
    [pattern] = patterns(parse(text))
    assert (pattern.reach == FARTHEST) == whole
    assert pattern.reach * (0 if whole else pattern.compiled.programsize) <= STEPS
    assert pattern.reach >= STEPS // LARGEST


def test_patterns_share_how_far_they_look():
    one, two = patterns(parse("~bq '(a|b)*a(a|b){400}c' | ~bs '(a|b)*a(a|b){400}d'"))
    assert one.reach == two.reach <= STEPS // 800


def test_a_pattern_finds_nothing_behind_its_reach():
    [pattern] = patterns(parse("~b '(a|b)*a(a|b){400}c'"))
    data = b"a" * (pattern.reach - 1)
    assert pattern.found_in(data + b"c")
    assert not pattern.found_in(data + b"ac")
    assert parse("~b needle").operand.found_in(b"a" * (FARTHEST - 6) + b"needle")


def patterns(tree):
    match tree:
        case Term():
            return [tree.operand] if isinstance(tree.operand, Pattern) else []
        case Not(part):
            return patterns(part)
        case And(parts) | Or(parts):
            return [found for part in parts for found in patterns(part)]
