import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.dialects.dialect import Piece
from proxy_daemon.core.model import pace
from proxy_daemon.core.model.seeds import name_from, pick, seed_of

SPOKEN, SILENT = Piece(b"a", spoken=True), Piece(b"b")


def delays(events, model="demo-1", seed=bytes(32)):
    return [delay for delay, _ in pace.paced(events, model, seed)]


def test_the_first_waits_and_only_spoken_ones_take_time():
    assert delays([SILENT, SPOKEN, SILENT, SPOKEN]) == [0.25, 0.024, 0, 0.024]
    assert delays([]) == []


@pytest.mark.parametrize(("model", "factor"), [("demo-1", 1), ("demo-fast", 0), ("demo-slow", 4), ("any", 1)])
def test_models_differ_in_pace(model, factor):
    assert delays([SPOKEN, SPOKEN], model) == [0.25 * factor, 0.024 * factor]
    assert pace.whole(b"x", model) == ((pytest.approx(0.3 * factor), b"x"),)


@given(st.binary(min_size=32, max_size=32))
def test_the_variation_stays_near_25_a_second(seed):
    _, *rest = delays([SPOKEN] * 50, seed=seed)
    assert all(0.024 <= delay <= 0.056 for delay in rest)


def test_pieces_are_the_events():
    assert [octets for _, octets in pace.paced([SILENT, SPOKEN], "m", bytes(32))] == [b"b", b"a"]


def test_names_differ_by_seed_prefix_and_index():
    seed = seed_of(b"a")
    names = [
        name_from(seed, "call_"),
        name_from(seed, "call_", 1),
        name_from(seed, "fc_"),
        name_from(seed_of(b"b"), "call_"),
    ]
    assert len({name.rpartition("_")[2] for name in names}) == 4
    assert all(len(name.rpartition("_")[2]) == 24 for name in names)
    assert name_from(seed, "call_") == names[0]


def test_parts_of_a_seed_do_not_run_together():
    assert seed_of(b"ab", b"c") != seed_of(b"a", b"bc")


@given(st.text(), st.integers(0, 200), st.integers(1, 9))
def test_a_pick_is_below_its_size(text, choice, size):
    assert 0 <= pick(text, choice, size) < size
