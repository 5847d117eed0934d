"""The daemon's store as the child reads it: ids in order, requests whole, answers left alone, nothing written."""

from pathlib import Path

import pytest
from stores import CHAT, OTHER, STEP, recording

from proxy_daemon.core.messages import JSON_LIMIT
from proxy_daemon.store.access import StoreError
from proxy_daemon.work.recorded import Recorded


@pytest.fixture
def reader(store):
    store.put(*(recording(number, f"text {number}") for number in range(1, 6)))
    store.put(recording(6, replayable=False))
    reader = Recorded(store.path)
    yield reader
    reader.close()


def test_ids_of_recordings_come_in_order(reader):
    assert reader.after(0, 3) == [STEP, 2 * STEP, 3 * STEP]
    assert reader.after(3 * STEP, 10) == [4 * STEP, 5 * STEP]
    assert sorted(reader.all()) == [number * STEP for number in range(1, 6)]
    assert reader.newest() == 6 * STEP


def test_an_empty_store_has_none(store):
    reader = Recorded(store.path)
    assert (reader.after(-1, 5), reader.all(), reader.newest(), reader.get(1)) == ([], [], -1, None)
    reader.close()


def test_what_cannot_be_served_is_not_there(reader):
    assert reader.get(6 * STEP) is None
    assert not reader.holds(6 * STEP)
    assert reader.holds(STEP)


def test_a_recording_has_its_request_and_not_its_answer(store, reader):
    store.put(recording(9, "the question", upstream=OTHER))
    found = reader.get(9 * STEP)
    assert b"the question" in found.request.body.whole()
    assert (found.request.path, found.upstream, found.response.head.status) == (CHAT, OTHER, 200)
    assert found.response.body.whole() == b""


@pytest.mark.parametrize(("size", "in_memory"), [(100_000, True), (JSON_LIMIT + 1, False)])
def test_a_large_request_is_read_as_far_as_it_can_be_compared(store, reader, size, in_memory):
    data = b"x" * size
    store.put(recording(9, data=data))
    for side, start in [(0, at) for at in range(0, size, 1 << 20)]:
        part = data[start : start + (1 << 20)]
        store.connection.execute("INSERT INTO body_part VALUES (?, ?, ?, ?)", (9 * STEP, side, start, part))
    body = reader.get(9 * STEP).request.body
    assert body.size == size
    assert (body.whole() == data) is in_memory


def test_a_body_whose_parts_are_lost_is_an_error_of_the_store(store, reader):
    store.put(recording(9, data=b"x" * 100_000))
    with pytest.raises(StoreError, match="lost octets"):
        reader.get(9 * STEP)


def test_a_row_that_somebody_has_edited_is_left_out(store, reader):
    store.connection.execute("UPDATE exchange SET facts = x'00' WHERE id = ?", (STEP,))
    assert reader.get(STEP) is None
    assert reader.get(2 * STEP) is not None


def test_what_others_write_shows_in_the_version(store, reader):
    before = reader.version()
    assert reader.version() == before
    store.put(recording(9))
    assert reader.version() != before
    assert reader.after(5 * STEP, 5) == [9 * STEP]


@pytest.mark.parametrize("ids", [2**63, -(2**70)])
def test_ids_that_no_store_holds_are_an_error_of_one_line(reader, ids):
    with pytest.raises(StoreError, match="cannot be read"):
        reader.get(ids)


def test_the_key_is_the_stores(store, reader):
    assert reader.key == store.key


def test_nothing_is_written(store, reader):
    before = Path(store.path).read_bytes()
    reader.all()
    reader.get(STEP)
    with pytest.raises(StoreError):
        reader._rows("DELETE FROM exchange", ())
    assert Path(store.path).read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(84)])
def test_what_is_no_store_is_refused_in_one_line(tmp_path, data):
    (tmp_path / "x.db").write_bytes(data)
    with pytest.raises(StoreError) as refused:
        Recorded(str(tmp_path / "x.db"))
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]
