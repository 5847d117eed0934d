"""`llmproxy sort`: the order, and what is served stays the same."""

import pytest
from care_files import asked, put

from tests.core.cassettes.llmproxy.cassette_files import file_of

ONE, TWO = asked("rain"), asked("rain", "Snow.")
OTHER = asked(path=b"/a/chat/completions")


def test_two_who_recorded_in_another_order(llmproxy, place):
    put(place, ONE, OTHER, asked("wind"), TWO, name="a.yaml")
    put(place, asked("wind"), ONE, TWO, OTHER, name="b.yaml")
    code, lines, said = llmproxy("sort", "a.yaml", "b.yaml")
    assert (code, said) == (0, "")
    assert all("recordings have moved" in line for line in lines)
    data = (place / "a.yaml").read_bytes()
    assert data == (place / "b.yaml").read_bytes()
    assert data.startswith(file_of(OTHER))
    assert data.index(b"    Paris.\n", len(file_of(OTHER))) < data.index(b"    Snow.\n")
    assert llmproxy("sort", "a.yaml") == (0, ["a.yaml: in order"], "")


def test_check_changes_nothing(llmproxy, place):
    path = put(place, ONE, OTHER)
    before = path.read_bytes()
    assert llmproxy("sort", "--check", "c.yaml") == (1, ["c.yaml: not in order"], "")
    assert path.read_bytes() == before
    put(place, OTHER, ONE)
    assert llmproxy("sort", "--check", "c.yaml") == (0, ["c.yaml: in order"], "")


def test_comments_go_with_what_they_stand_in(llmproxy, place):
    path = put(place, ONE, OTHER)
    path.write_bytes(path.read_bytes().replace(b"---\n", b"---\n# about rain\n", 1))
    assert llmproxy("sort", "c.yaml")[0] == 0
    assert path.read_bytes().count(b"---\n", 0, path.read_bytes().index(b"# about rain")) == 2


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_a_damaged_file_is_refused(llmproxy, place, words):
    path = put(place, ONE, OTHER, more=b"---\nrequest: 1\n...\n")
    before = path.read_bytes()
    code, lines, said = llmproxy("sort", *words, "c.yaml")
    assert (code, lines) == (1, [])
    assert "request: no mapping" in said
    assert path.read_bytes() == before


def test_a_file_of_others_or_none(llmproxy, place):
    (place / "o.yaml").write_text('{"version": 1, "interactions": []}')
    put(place, OTHER, ONE)
    code, lines, said = llmproxy("sort", "o.yaml", "none.yaml", "c.yaml")
    assert (code, lines) == (1, ["c.yaml: in order"])
    assert "o.yaml" in said
    assert "none.yaml" in said


@pytest.mark.parametrize("words", [(), ("--wrong", "c"), ("--config", "none.toml", "c")])
def test_wrong_usage(llmproxy, words):
    assert llmproxy("sort", *words)[:2] == (2, [])


def test_help(llmproxy):
    code, lines, _ = llmproxy("sort", "--help")
    assert code == 0
    assert any("--check" in line for line in lines)
