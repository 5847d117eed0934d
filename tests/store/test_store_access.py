"""Stores that may only be read: served as they are, nothing recorded, nothing made beside them, and told once.

Permissions do not hold for root, so the tests become somebody else for a moment.
"""

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from recordings import Opened, find, fingerprint, octets, plain, recording, response, rows

from proxy_daemon.store import access
from proxy_daemon.store.codec import INLINE
from proxy_daemon.store.opening import SCHEMA, StoreError, connect, prepare

NOBODY = 65534


@contextmanager
def somebody():
    """As root: as a user for whom permissions hold. The process keeps what it has opened."""
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def path():
    """In a folder that everybody reaches; pytest's own are their owner's alone."""
    try:
        with somebody():
            folder = Path(tempfile.mkdtemp())
    except OSError as error:
        pytest.skip(f"this root can become nobody else: {error}")
    yield folder / "llmproxy.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


LARGE = recording(2, response=response(b"a" * INLINE * 5))


def fill(path):
    """Two exchanges, by a daemon that has ended."""
    with somebody():
        each = Opened(path)
        assert each.put(recording(1), LARGE) == [True, True]
        each.store.close()


def bar(path, file=0o444, folder=0o555):
    path.chmod(file)
    path.parent.chmod(folder)


BARS = {"the file": (0o444, 0o755), "its folder": (0o644, 0o555), "both": (0o444, 0o555)}
barred = pytest.mark.parametrize("modes", BARS.values(), ids=BARS)


def line(path):
    return f"recording is off: the store {path} may only be read"


@contextmanager
def reading(path, **options):
    """The store, opened by somebody, with all that it tells in `said`."""
    with somebody():
        each = Opened(path, **options)
        each.said = []
        each.store.on_trouble = each.said.append
        yield each
        each.store.close()


@barred
def test_it_is_served_and_stays_as_it_is(path, modes):
    fill(path)
    bar(path, *modes)
    before = octets(path)
    with reading(path) as each:
        assert plain(find(each.store, fingerprint(1))) == plain(recording(1))
        assert plain(each.store.get(2)) == plain(LARGE)
        assert [found.id for found in each.store.page(9)] == [2, 1]
    assert octets(path) == before
    assert list(path.parent.iterdir()) == [path]


@barred
def test_nothing_is_recorded_and_that_is_told_at_the_start_only(path, modes):
    fill(path)
    bar(path, *modes)
    with reading(path) as each:
        for number in (3, 4, 5):
            assert each.store.put(recording(number), replace=True).result is False
            each.store.note(recording(number))
            each.store.sweep()
        stats = each.store.stats()
        assert (each.store.trouble, each.said) == (line(path), [])
        assert (stats["failed"], stats["written"], stats["waiting"], stats["trouble"]) == (6, 0, 0, line(path))
        assert find(each.store, fingerprint(3)) is None


def test_the_limits_rest_and_no_thread_tries_to_keep_them(path):
    fill(path)
    bar(path)
    with reading(path, max_bytes=1, max_age=0, wall=lambda: 1e10) as each:
        assert "llmproxy-store" not in [thread.name for thread in threading.enumerate()]
        each.store.sweep()
        assert find(each.store, fingerprint(1)).id == 1
        assert each.said == []


def test_what_cannot_be_read_is_told_behind_it(path):
    fill(path)
    rows(path, "UPDATE exchange SET facts = x'7b' WHERE id = 1")
    bar(path)
    with reading(path) as each:
        for number in (3, 4):
            assert find(each.store, fingerprint(1)) is None
            assert each.store.put(recording(number)).result is False
        assert each.said == [each.store.trouble]
        assert each.store.trouble.startswith(f"{line(path)}; exchange 0000000000000001 in the store cannot be read: ")


@barred
def test_once_it_may_be_written_again_it_is(path, modes):
    """Files that a reader leaves beside a barred store would bar it for good."""
    fill(path)
    bar(path, *modes)
    with reading(path):
        pass
    bar(path, 0o644, 0o755)
    with reading(path) as each:
        assert each.store.trouble == ""
        assert each.put(recording(3)) == [True]


BESIDE = {"the file": (0o444, 0o644), "what is beside it": (0o644, 0o444), "all": (0o444, 0o444)}


@pytest.mark.parametrize(("file", "beside"), BESIDE.values(), ids=BESIDE)
def test_what_a_running_daemon_writes_is_served(path, file, beside):
    with somebody():
        other = Opened(path)
        other.put(recording(1))
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).chmod(beside)
    bar(path, file)
    with reading(path) as each:
        assert (each.store.trouble, find(each.store, fingerprint(1)).id) == (line(path), 1)
        other.put(recording(2))
        each.store.sweep()
        assert find(each.store, fingerprint(2)).id == 2
    other.store.close()


def test_a_file_without_a_writeahead_file_needs_its_folder_too(path):
    """Whoever turns that off has a store that can be opened to write, but each write makes a file beside it."""
    fill(path)
    with somebody():
        rows(path, "PRAGMA journal_mode = DELETE")
    bar(path, 0o644)
    with reading(path) as each:
        assert (each.store.trouble, find(each.store, fingerprint(1)).id) == (line(path), 1)


# --- what is refused -------------------------------------------------------------------------------------------------


def refused(path, *schema):
    """The line; the file stays as it was."""
    before = octets(path)
    with somebody(), pytest.raises(StoreError) as caught:
        prepare(str(path), *schema)
    assert octets(path) == before
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert "--store" in str(caught.value)
    return str(caught.value)


def leave_waiting(path):
    """As a killed daemon leaves it in a copy: an exchange that stands in the write-ahead file alone."""
    made = path.with_name("made.db")
    prepare(str(made))
    connection = connect(str(made), 1.0)
    connection.execute("INSERT INTO meta VALUES ('late', x'00')")
    for end in ("", "-wal"):
        shutil.copy(f"{made}{end}", f"{path}{end}")
    connection.close()


def test_one_whose_newest_part_cannot_be_read_is_refused(path):
    leave_waiting(path)
    bar(path)
    said = refused(path)
    assert f"{path}-wal" in said
    assert "start llmproxy on it once" in said


def test_a_link_hides_no_newest_part(path):
    leave_waiting(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    bar(path)
    assert f"{path}-wal" in refused(link)


@barred
def test_an_older_schema_is_refused(path, modes):
    fill(path)
    schema = path.parent / "schema"
    schema.mkdir()
    for name in ("0001.sql", "0002.sql", "0003.sql"):
        (schema / name).write_text((SCHEMA / name).read_text())
    (schema / "0004.sql").write_text("CREATE TABLE second (a);")
    bar(path, *modes)
    said = refused(path, schema)
    assert "was written by an older llmproxy (schema 3) and is only read" in said
    assert "start llmproxy on it once where it can be written" in said


@barred
@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_a_file_that_is_no_store_is_refused(path, modes, size):
    path.write_bytes(b"\0" * size)
    path.chmod(0o444)  # also where it is its folder that is barred: an empty file that may be written becomes a store
    path.parent.chmod(modes[1])
    refused(path)


@barred
def test_a_damaged_store_is_refused(path, modes):
    fill(path)
    data = path.read_bytes()
    path.write_bytes(data[:16_384] + b"\xff" * (len(data) - 16_384))
    bar(path, *modes)
    assert "damaged" in refused(path)


def test_no_store_in_a_barred_folder_is_refused(path):
    path.parent.chmod(0o555)
    with somebody(), pytest.raises(StoreError, match=r"llmproxy\.db cannot be used: Permission denied; name another"):
        prepare(str(path))


# --- for every user, root too ----------------------------------------------------------------------------------------


def test_a_store_on_a_read_only_file_system(opened, tmp_path, monkeypatch):
    at = tmp_path / "root.db"
    made = opened(at=at)
    made.put(recording(1))
    made.store.close()
    monkeypatch.setattr(access, "_opens_to_write", lambda path: False)
    each = opened(at=at)
    assert (each.store.trouble, each.store.key) == (line(at), made.store.key)
    assert each.put(recording(2)) == [False]
    assert find(each.store, fingerprint(1)).id == 1


def test_a_store_that_another_daemon_is_writing_can_be_written(tmp_path, monkeypatch):
    at = str(tmp_path / "busy.db")
    prepare(at)
    monkeypatch.setattr(access, "BUSY_SECONDS", 0.0)
    other = connect(at, 1.0)
    other.execute("BEGIN IMMEDIATE")
    assert prepare(at).trouble == ""
    other.close()
