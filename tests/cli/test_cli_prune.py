"""`llmproxy prune`: what goes and what stays, and that without `--yes` nothing does."""

import os

import pytest
from care_files import NOT_NAMED, asked, put, put_picture

from proxy_daemon.core.cassettes.llmproxy import HEADER
from proxy_daemon.store.cassette import locking
from tests.core.cassettes.llmproxy.cassette_files import file_of

DAMAGE = b"---\nrequest: 1\n...\n"


def state(place):
    return {each.name: each.read_bytes() for each in place.iterdir()}


def test_duplicates_go_and_the_rest_is_as_it_was(llmproxy, place):
    rain = asked("rain")
    path = put(place, asked(), rain, asked(), rain, asked("rain", "Snow."))
    before = state(place)
    code, lines, said = llmproxy("prune", "--duplicates", "c.yaml")
    assert (code, said) == (0, "")
    assert [line.split(":")[2] for line in lines[:1]] == [" duplicate"]
    assert lines[1:] == ["c.yaml: would remove 1 of 5 recordings", "nothing is changed: --yes does it"]
    assert state(place) == before
    code, again, _ = llmproxy("prune", "--duplicates", "--yes", "c.yaml")
    assert (code, again) == (0, [lines[0], "c.yaml: removed 1 of 5 recordings"])
    assert path.read_bytes() == file_of(asked(), rain, rain, asked("rain", "Snow."))
    assert llmproxy("prune", "--duplicates", "--yes", "c.yaml")[1] == ["c.yaml: removed 0 of 4 recordings"]


def test_damage_goes_only_where_it_is_said(llmproxy, place):
    path = put(place, asked(), asked(), more=DAMAGE)
    assert llmproxy("prune", "--duplicates", "--yes", "c.yaml")[0] == 0
    assert path.read_bytes() == file_of(asked()) + DAMAGE
    assert llmproxy("prune", "--damaged", "--yes", "c.yaml")[0] == 0
    assert path.read_bytes() == file_of(asked())


def test_an_answer_that_somebody_has_changed_stays(llmproxy, place):
    path = put(place, asked())
    path.write_bytes(path.read_bytes().replace(b"    Paris.\n", b"    Rome.\n"))
    before = state(place)
    code, lines, _ = llmproxy("prune", "--damaged", "--duplicates", "--yes", "c.yaml")
    assert (code, lines) == (0, ["c.yaml: removed 0 of 1 recordings"])
    assert state(place) == before


def test_what_is_pinned_stays(llmproxy, place):
    put(place, asked(), asked(pinned=True))
    before = state(place)
    assert llmproxy("prune", "--duplicates", "--yes", "c.yaml")[1] == ["c.yaml: removed 0 of 2 recordings"]
    assert state(place) == before


def test_orphans(llmproxy, place):
    _, beside = put_picture(place)
    (place / NOT_NAMED).write_bytes(b"1234")
    before = state(place)
    code, lines, _ = llmproxy("prune", "--orphans", "c.yaml")
    assert code == 0
    assert lines[1] == f"{place / NOT_NAMED}: would remove it: 4 octets that no cassette here names"
    assert state(place) == before
    assert llmproxy("prune", "--orphans", "--yes", "c.yaml")[0] == 0
    assert sorted(state(place)) == sorted(["c.yaml", beside.name])


def test_what_becomes_an_orphan_goes_too(llmproxy, place):
    path, beside = put_picture(place)
    path.write_bytes(path.read_bytes().replace(b"request:\n", b"request: 1\nmore:\n"))
    dry = llmproxy("prune", "--damaged", "--orphans", "c.yaml")[1]
    assert any(f"{beside}: would remove it" in line for line in dry)
    assert beside.exists()
    assert llmproxy("prune", "--damaged", "--orphans", "--yes", "c.yaml")[0] == 0
    assert state(place) == {"c.yaml": HEADER}


def test_what_another_cassette_of_the_directory_names_stays(llmproxy, place):
    _, beside = put_picture(place)
    put_picture(place, "other.yaml")
    put(place, asked())
    assert llmproxy("prune", "--orphans", "--yes", "c.yaml")[0] == 0
    assert beside.exists()


def test_several_files_and_one_that_is_none(llmproxy, place):
    put(place, asked(), asked(), name="a.yaml")
    (place / "b.yaml").write_text("words")
    put(place, asked(), asked())
    code, _, said = llmproxy("prune", "--duplicates", "--yes", "a.yaml", "b.yaml", "none.yaml", "c.yaml")
    assert code == 1
    assert "b.yaml" in said
    assert "none.yaml" in said
    assert (place / "a.yaml").read_bytes() == (place / "c.yaml").read_bytes() == file_of(asked())


def test_a_cassette_that_somebody_writes(llmproxy, place, monkeypatch):
    monkeypatch.setattr(locking, "BUSY_SECONDS", 0.0)
    path = put(place, asked(), asked())
    (place / NOT_NAMED).write_bytes(b"")
    before = state(place)
    with locking.locked(str(path)):
        code, _, said = llmproxy("prune", "--duplicates", "--orphans", "--yes", "c.yaml")
    assert code == 1
    assert said.count("locked") == 2
    assert state(place) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes all")
def test_a_file_that_cannot_be_written(llmproxy, place):
    path = put(place, asked(), asked())
    path.chmod(0o400)
    code, _, said = llmproxy("prune", "--duplicates", "--yes", "c.yaml")
    assert code == 1
    assert "cannot be written" in said


@pytest.mark.parametrize("words", [(), ("c.yaml",), ("--yes", "c.yaml"), ("--duplicates",), ("--everything", "c.yaml")])
def test_wrong_usage(llmproxy, place, words):
    put(place, asked(), asked())
    before = state(place)
    assert llmproxy("prune", *words)[:2] == (2, [])
    assert state(place) == before


def test_help(llmproxy):
    code, lines, _ = llmproxy("prune", "--help")
    assert code == 0
    assert any("--duplicates --orphans --yes" in line for line in lines)
