"""The speed of a replay, as people write it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.speed import AT_ONCE, Speed, parse_speed


@pytest.mark.parametrize(
    ("text", "factor", "events_per_second"),
    [
        ("0", 0, 0),
        ("0.0", 0, 0),
        ("1", 1, 0),
        ("2.5", 2.5, 0),
        (".5", 0.5, 0),
        ("1e3", 1000, 0),
        ("20tps", 0, 20),
        ("0.5tps", 0, 0.5),
    ],
)
def test_speeds_are_read(text, factor, events_per_second):
    assert parse_speed(text) == Speed(factor, events_per_second)


NO_NUMBER = ["", " ", "-1", "-0.1", "nan", "inf", "-inf", "1e999", "fast", "1x", "1,5", "0x1", "1 2", "\x00", "1/2"]
NO_RATE = [
    "tps",
    "0tps",
    "0.0tps",
    "-1tps",
    "1..2tps",
    ".tps",
    "1e3tps",
    "20TPS",
    "20 tps",
    "20tps\n",
    "inftps",
    "tps2",
]
TOO_MUCH = ["9" * 400, "9" * 400 + "tps"]


@pytest.mark.parametrize("text", [*NO_NUMBER, *NO_RATE, *TOO_MUCH])
def test_what_is_no_speed_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="is not a speed: 0 is at once, 1 as recorded") as raised:
        parse_speed(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    ("speed", "at_once"),
    [
        (AT_ONCE, True),
        (parse_speed("0"), True),
        (Speed(1.0), False),
        (Speed(0.0, 20.0), False),
    ],
)
def test_only_nought_is_at_once(speed, at_once):
    assert speed.at_once is at_once


@given(st.floats(0, 1e9), st.sampled_from(["", "tps"]))
def test_a_number_comes_back(number, unit):
    text = f"{number:f}"
    if unit and not float(text):
        return
    speed = parse_speed(text + unit)
    assert (speed.events_per_second if unit else speed.factor) == float(text)


@given(st.text(alphabet="0123456789.tps-+einfa_ ", max_size=10))
def test_any_text_is_a_usable_speed_or_refused(text):
    try:
        speed = parse_speed(text)
    except ValueError:
        return
    for number in (speed.factor, speed.events_per_second):
        assert math.isfinite(number)
        assert number >= 0
