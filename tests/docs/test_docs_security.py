"""docs/security.md: what it names as proof is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE)))


def promises():
    """The numbered paragraphs."""
    part = PAGE.partition("## The promises")[2].partition("\n## ")[0]
    return re.split(r"(?m)^\d+\. ", part)[1:]


def test_each_promise_has_its_proof():
    assert len(promises()) >= 10
    assert all("Proof:" in " ".join(promise.split()) for promise in promises())


@pytest.mark.parametrize("path", TESTS)
def test_a_named_test_is_there(path):
    assert "def test_" in (ROOT / path).read_text()


def test_the_named_commands_are_there():
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= set(targets)
    source = "".join(path.read_text() for path in (ROOT / "benchmarks").glob("*.py"))
    cases = set(re.findall(r'"([a-z-]+)": \w+[,}]', source))
    assert {"flood", "slow-reader", "soak"} <= cases


def test_it_says_how_to_report_a_hole():
    assert "privately" in PAGE.partition("## Report a hole")[2]
