"""Writing a cassette anew with what is chosen of it."""

import pytest
from cassettes import HEADER, Wall, answered, answers_in, key, recorded

from proxy_daemon.core.ids import Ids
from proxy_daemon.store.cassette.care import looked_through, pruned, rewritten
from proxy_daemon.store.cassette.cassette import CassetteError, Reading
from proxy_daemon.store.cassette.locking import locked

READING = Reading(Ids(Wall()), "none")
AUDIO = bytes(range(256)) * 400


@pytest.fixture
def three(played, path):
    one = played()
    one.put(recorded("a", "one"), recorded("b", "two"), recorded("a", "three"))
    one.cassette.close()
    return path


def is_of(question):
    return lambda document: document.entry is not None and document.entry.recording.fingerprint == key(question)


def test_what_is_pruned_is_gone_and_the_rest_is_as_it_was(three):
    header, *documents = three.read_text().split("---\n")
    done = pruned(str(three), READING, is_of("a"))
    assert (done.kept, done.dropped, done.written) == (1, 2, True)
    assert three.read_text() == header + "---\n" + documents[1]
    assert (answers_in(three, "a"), answers_in(three, "b")) == ([], ["two"])


def test_where_nothing_changes_nothing_is_written(three):
    before = three.stat()
    done = pruned(str(three), READING, lambda _: False)
    assert (done.kept, done.dropped, done.written) == (3, 0, False)
    assert three.stat().st_mtime_ns == before.st_mtime_ns


def test_documents_can_be_put_in_another_order(three):
    done = rewritten(str(three), READING, lambda documents: sorted(documents, key=lambda one: one.text))
    assert (done.kept, done.dropped) == (3, 0)
    assert three.read_bytes().split(b"---\n")[1:] == sorted(three.read_bytes().split(b"---\n")[1:])
    assert sorted(answers_in(three, "a")) == ["one", "three"]


def test_a_daemon_that_has_it_open_follows(three, played):
    one = played()
    pruned(str(three), READING, is_of("a"))
    one.put(recorded("c", "new"))
    assert (one.answers("a"), one.answers("b"), answers_in(three, "c")) == ([], ["two"], ["new"])


def test_all_can_go(three):
    assert pruned(str(three), READING, lambda _: True).kept == 0
    assert three.read_bytes() == HEADER


def test_a_damaged_file_is_refused_or_its_damage_can_be_chosen(three):
    three.write_text(three.read_text().replace("method: POST", "method: [", 1))
    before = three.read_bytes()
    with pytest.raises(CassetteError, match=f"{three}:"):
        pruned(str(three), READING, is_of("b"))
    assert three.read_bytes() == before
    tolerant = Reading(Ids(Wall()), "none", tolerate_damage=True)
    pruned(str(three), tolerant, is_of("b"))
    assert b"method: [" in three.read_bytes()
    pruned(str(three), tolerant, lambda one: one.damaged is not None)
    assert answers_in(three, "a") == ["three"]


def test_files_beside_that_nobody_names_any_more_are_told(three, played, path):
    audio = answered(AUDIO, ((b"Content-Type", b"audio/mpeg"),))
    played().put(recorded("x", response=audio), recorded("y", response=audio))
    beside = next(each for each in path.parent.iterdir() if each != path)
    assert pruned(str(path), READING, is_of("x")).beside == []
    assert pruned(str(path), READING, is_of("y")).beside == [beside.name]
    assert beside.exists()


@pytest.mark.parametrize("choose", [lambda found: [found[0], found[0]], lambda found: ["something"]])
def test_only_documents_of_the_file_each_once(three, choose):
    before = three.read_bytes()
    with pytest.raises(ValueError, match="each once"):
        rewritten(str(three), READING, choose)
    assert three.read_bytes() == before


def test_what_is_not_there_or_of_another_tool_or_locked_is_refused(three, tmp_path, monkeypatch):
    with pytest.raises(CassetteError, match="nowhere"):
        pruned(str(tmp_path / "nowhere.yaml"), READING, lambda _: False)
    (tmp_path / "vcr.yaml").write_text("interactions: []\nversion: 1\n")
    with pytest.raises(CassetteError, match="another tool"):
        pruned(str(tmp_path / "vcr.yaml"), READING, lambda _: True)
    monkeypatch.setattr("proxy_daemon.store.cassette.locking.BUSY_SECONDS", 0.01)
    with locked(str(three)), pytest.raises(CassetteError, match="another process"):
        pruned(str(three), READING, lambda _: True)


def test_looking_through_changes_nothing(three):
    three.write_text(
        three.read_text().replace("method: POST", "method: [", 1).replace("---\n", "stray\n---\n", 1)[:-40]
    )
    before = three.read_bytes()
    looked = looked_through(str(three), READING)
    assert [one.damaged is None for one in looked.documents] == [False, True, False]
    assert [one.reason for one in looked.stray] == ["text before the first `---`"]
    assert b"".join(one.text for one in looked.documents) == before[before.index(b"---\n") :]
    assert (looked.text, three.read_bytes()) == (before, before)
    assert [one.name for one in three.parent.iterdir()] == [three.name]


@pytest.mark.parametrize("data", [None, b"words", b'{"version": 1, "interactions": []}'])
def test_what_is_no_cassette_of_ours_is_not_looked_through(path, data):
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with pytest.raises(CassetteError, match=str(path)):
        looked_through(str(path), READING)
