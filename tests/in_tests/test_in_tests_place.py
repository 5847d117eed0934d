"""Where the cassette of a test lies: readable names, safe ones, another for another test."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.in_tests.place import LONGEST, file_of_pytest_recording, file_of_test, safe

FILE = Path("/p/tests/test_chat.py")


@pytest.mark.parametrize(
    ("names", "parameters", "said"),
    [
        (["test_a"], "", "test_a"),
        (["TestA", "TestB", "test_a"], "", "TestA.TestB.test_a"),
        (["test_a"], "gpt-4o", "test_a-gpt-4o"),
        (["test_a"], "x/../y", "test_a-x_.._y-b5e1efaf"),
        (["test_a"], "x y", "test_a-x_y-7da00886"),
        (["test_a"], "x?y", "test_a-x_y-d06dcff1"),
        (["test_é"], "", "test__-8dddbc18"),
        ([".."], "", "-5ec1f7e7"),
    ],
)
def test_names(names, parameters, said):
    assert file_of_test(FILE, names, parameters) == Path(f"/p/tests/cassettes/test_chat/{said}.yaml")


@pytest.mark.parametrize(
    ("names", "parameters", "said"),
    [
        (["test_a"], "", "test_a"),
        (["TestA", "TestB", "test_a"], "", "TestB.test_a"),
        (["test_a"], "gpt-4o", "test_a[gpt-4o]"),
        (["test_a"], "x y, é", "test_a[x y, é]"),
        (["test_a"], """<a>?%*:|"'/\\[]""", "test_a[-a----------[]]"),
    ],
)
def test_names_as_pytest_recording_has_them(names, parameters, said):
    assert file_of_pytest_recording(FILE, names, parameters) == Path(f"/p/tests/cassettes/test_chat/{said}.yaml")


def test_a_long_name_is_cut_and_stays_its_own():
    long = [safe("x" * LONGEST + more) for more in ("", "a", "b")]
    assert len(set(long)) == 3
    assert max(map(len, long)) < LONGEST + 10


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_name_is_one_part_of_a_path_and_its_own(one, other):
    said = safe(one)
    assert said.isascii()
    assert not set(said) & set('/\\:*?"<>| \0\n')
    assert said not in ("", ".", "..") or not one
    assert (said == safe(other)) == (one == other)
