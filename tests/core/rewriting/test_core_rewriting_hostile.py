"""Hostile texts: twice the text is at most twice the work. Counted, not timed."""

import sys

import pytest
from attrs import evolve, frozen
from scanned import cut

from proxy_daemon.core.rewriting import needle
from proxy_daemon.core.rewriting.ready import READY
from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace
from proxy_daemon.core.rewriting.scanner import scanner

GPT = READY["gpt-oss"].rules[0]
LONG = Replace("r", "a" * 200 + "b", "-")
# (rule, what is repeated, size of a piece; 0: all in one)
TEXTS = [
    (rule, unit, size)
    for rule, unit in [
        (GPT, "<|"),
        (GPT, "<"),
        (GPT, GPT.open[:-1]),
        (GPT, GPT.open),
        (GPT, GPT.close[:-1]),
        (GPT, GPT.open + GPT.close),
        (LONG, "a"),
        (LONG, "a" * 199 + "c"),
        (LONG, LONG.find),
        (Pair("p", "ab" * 100 + "c", "ba" * 100 + "c"), "ab"),
    ]
    for size in (0, 1, 7, 150)
]


def _lines(rule, unit, size, total):
    """How many lines the search takes for a text of so many characters."""
    text = (unit * total)[:total]
    pieces = cut(text, *range(size, total, size)) if size else [text]
    used, count = scanner([rule]), 0

    def count_line(frame, event, _argument):
        nonlocal count
        count += event == "line"
        return count_line

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: count_line if frame.f_code.co_filename == needle.__file__ else None)
    try:
        for piece in pieces:
            used.feed(piece)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(("rule", "unit", "size"), TEXTS, ids=[f"{at // 4}-{each[2]}" for at, each in enumerate(TEXTS)])
def test_plain_rules_take_work_by_the_size(rule, unit, size):
    small, large = _lines(rule, unit, size, 3_000), _lines(rule, unit, size, 6_000)
    assert large <= 2.1 * small + 500
    assert large <= 20 * 6_000


@frozen
class _Counting:
    """A pattern that tells how many octets RE2 was asked to look at."""

    pattern: object
    looked: list

    def _asked(self, octets, start, end):
        self.looked.append((len(octets) if end is None else end) - start)
        return octets, start, len(octets) if end is None else end

    def search(self, octets, start=0, end=None):
        return self.pattern.search(*self._asked(octets, start, end))

    def match(self, octets, start=0, end=None):
        return self.pattern.match(*self._asked(octets, start, end))


def _looked(pattern, longest, text, size):
    rule, looked = Expression("e", pattern, "-", longest), []
    counted = {name: _Counting(getattr(rule.compiled, name), looked) for name in ("whole", "bare", "ahead")}
    object.__setattr__(rule, "compiled", evolve(rule.compiled, **counted))
    used = scanner([rule])
    for piece in cut(text, *range(size, len(text), size)) if size else [text]:
        used.feed(piece)
    used.end()
    return sum(looked)


# (pattern, longest, what is repeated)
PATTERNS = [
    ("a.*b", 50, "a"),
    ("a.*b", 50, "a" * 60 + "b"),
    ("a.*b", 300, "a" * 400 + "b"),
    ("a(?:.*b)?", 50, "a"),
    ("<x>.*?</x>", 60, "<x>"),
    ("(?:a|aa)+$", 50, "a"),
    ("x", 1, "y"),
    ("(a*)*b", 50, "a"),
]


@pytest.mark.parametrize("size", [0, 1, 100])
@pytest.mark.parametrize(("pattern", "longest", "unit"), PATTERNS)
def test_expressions_look_at_no_more_than_some_windows_a_character(pattern, longest, unit, size):
    small = _looked(pattern, longest, (unit * 4_000)[:4_000], size)
    large = _looked(pattern, longest, (unit * 8_000)[:8_000], size)
    assert large <= 2.1 * small + 10_000
    assert large <= 8_000 * 4 * max(512, 2 * longest)


def test_a_megabyte_without_a_match_is_looked_at_a_few_times():
    assert _looked("secret-[a-z]{3}", 20, "the quick brown fox " * 50_000, 0) < 3_000_000
