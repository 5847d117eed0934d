"""A near miss in words: what is nearest, which parts are not equal, and no share that is not whole is called so."""

import pytest

from proxy_daemon.core.matching.nearness.explanation import USED_UP, explanation, percent

PARTS = (("model", 1.0), ("messages", 0.934), ("tools", 0.5))


def test_the_recording_its_parts_and_the_differences():
    assert explanation("exchange 00000000000000ff", 0.97, PARTS, ["a", "b"]) == [
        "Nearest: exchange 00000000000000ff (97% alike; messages 93%, tools 50%). It differs in:",
        "a",
        "b",
    ]


def test_equal_parts_are_not_named():
    (line,) = explanation("tests/c.yaml#3", 1.0, (("model", 1.0),), ["a"])[:1]
    assert line == "Nearest: tests/c.yaml#3 (100% alike). It differs in:"


def test_where_nothing_differs():
    assert explanation("tests/c.yaml#3", 0.99, (), []) == [f"Nearest: tests/c.yaml#3 (99% alike). {USED_UP}"]


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0%"), (0.5, "50%"), (0.29, "29%"), (0.999, "99%"), (0.9999999, "99%"), (1, "100%")]
)
def test_a_share_is_rounded_down(share, said):
    assert percent(share) == said
