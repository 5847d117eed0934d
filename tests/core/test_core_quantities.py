"""Sizes and durations as people write them, read and written."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.quantities import DURATIONS, LARGEST, SIZES, duration_text, parse_duration, parse_size, size_text


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("0", 0),
        ("1", 1),
        ("12B", 12),
        ("1k", 1024),
        ("1K", 1024),
        ("1KiB", 1024),
        ("1kB", 1000),
        ("64MiB", 64 * 1024**2),
        ("64 mib", 64 * 1024**2),
        ("500k", 512_000),
        ("1.5GiB", 3 * 1024**3 // 2),
        ("2GB", 2 * 10**9),
        ("1t", 1024**4),
        (" 7 ", 7),
        ("0.5", 0),
        ("007", 7),
    ],
)
def test_sizes_are_read(text, octets):
    size = parse_size(text)
    assert size == octets
    assert isinstance(size, int)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("500ms", 0.5),
        ("2m", 120),
        ("12h", 43_200),
        ("30d", 30 * 86_400),
        ("1w", 7 * 86_400),
        ("1.5h", 5400),
        ("1 D", 86_400),
    ],
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


NEITHER = ["", " ", "-1", "+1", "1e3", "1.", ".5", "1..2", "1,5", "0x10", "nan", "inf", "one", "1_0", "1 0", "\u0661"]
NEITHER += ["1\x00", "1k1", "1 k b", "k", "9" * 30, "9" * 5000, "1" * 400 + "." + "1" * 400, "1%"]


@pytest.mark.parametrize("text", [*NEITHER, "1s", "1ms", "1kk", "1pib", "1152921504606846977k", "1KiB/s"])
def test_what_is_no_size_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="is not a size, such as 64MiB") as raised:
        parse_size(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("text", [*NEITHER, "1MiB", "1y", "1h30m", "1:30"])
def test_what_is_no_duration_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="is not a duration, such as 30d") as raised:
        parse_duration(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("unit", SIZES)
@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_each_unit_of_size_is_known_in_any_case(unit, spelled):
    assert parse_size("3" + spelled(unit)) == 3 * SIZES[unit]


@pytest.mark.parametrize("unit", DURATIONS)
@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_each_unit_of_time_is_known_in_any_case(unit, spelled):
    assert parse_duration("3" + spelled(unit)) == 3 * DURATIONS[unit]


@pytest.mark.parametrize(("text", "fits"), [(str(LARGEST), True), (f"{LARGEST // 1024}k", True), ("2097152t", False)])
def test_there_is_a_largest(text, fits):
    if fits:
        assert parse_size(text) == LARGEST
        return
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0"),
        (1, "1"),
        (1000, "1000"),
        (1024, "1KiB"),
        (1536, "1536"),
        (64 * 1024**2, "64MiB"),
        (4 * 1024**3, "4GiB"),
        (4 * 1024**4, "4096GiB"),
    ],
)
def test_sizes_are_written_short(octets, text):
    assert size_text(octets) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.5, "0.5s"),
        (0.001, "0.001s"),
        (1e-7, "0.0000001s"),
        (1, "1s"),
        (90.0, "90s"),
        (600.0, "10m"),
        (86_400.0, "1d"),
        (30 * 86_400.0, "30d"),
        (90_000.0, "25h"),
        (1_234_567.0, "1234567s"),
        (86_400.0 * 1_234_567, "1234567d"),
    ],
)
def test_durations_are_written_short_and_whole(seconds, text):
    assert duration_text(seconds) == text


@given(st.integers(0, 2**53))
def test_a_written_size_is_read_again(octets):
    assert parse_size(size_text(octets)) == octets


@given(st.one_of(st.floats(0, 1e12), st.integers(0, 10**12).map(float)))
def test_a_written_duration_is_read_again(seconds):
    assert parse_duration(duration_text(seconds)) == seconds


@given(st.text(alphabet="0123456789.kKmMgGtTiIbBsShHdDwW -+e_", max_size=10))
def test_any_text_is_a_quantity_in_bounds_or_refused(text):
    for parse in (parse_size, parse_duration):
        with suppress(ValueError):
            assert 0 <= parse(text) <= LARGEST
