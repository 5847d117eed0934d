"""Where recordings stand in their file, as people and `llmproxy show` say it: `FILE#n`."""

import pytest
from cassettes import key, recorded, said
from test_store_cassette_foreign import TWO

from proxy_daemon.core.services import InFile


def places(one, *questions):
    ids = [each.id for question in questions for each in one.cassette.candidates(key(question))]
    found = one.cassette.places(frozenset(ids))
    return [found.get(number) for number in ids]


@pytest.fixture
def filled(played):
    one = played()
    one.put(*[recorded(each) for each in "abc"])
    one.cassette.close()


def test_by_its_number_from_0(played, path, filled):
    one = played("none")
    assert isinstance(one.cassette, InFile)
    assert places(one, *"cab") == [f"{path}#2", f"{path}#0", f"{path}#1"]
    assert one.cassette.places(frozenset([5])) == {}


def test_below_the_working_directory_by_the_shorter_path(played, path, filled, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert places(played("none"), "b") == ["test.yaml#1"]


def test_damaged_ones_count(played, path, filled):
    path.write_bytes(path.read_bytes().replace(b"method: POST", b"methot: POST", 1))
    assert places(played("none", tolerate_damage=True), *"bc") == [f"{path}#1", f"{path}#2"]


def test_what_was_replaced_does_not_count(played, path):
    first = played()
    first.put(*[recorded(each) for each in "aabc"])
    first.cassette.close()
    one = played("all")
    one.anew(recorded("a", response=said("other")))
    assert places(one, *"bc") == [f"{path}#1", f"{path}#2"]
    one.cassette.close()
    assert places(played("none"), *"abc") == [f"{path}#0", f"{path}#1", f"{path}#2"]


def test_of_another_tool_s_file_what_is_left_out_counts(played, path):
    path.write_text(TWO.replace("POST", "CONNECT", 1) + "version: 1\n")
    assert places(played("none"), "hello") == [f"{path}#1"]
