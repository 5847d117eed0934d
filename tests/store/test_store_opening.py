"""Opening: a new file, ours, an older one, and all that is refused with one line and stays untouched."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from recordings import octets, rows

from proxy_daemon.store import opening
from proxy_daemon.store.opening import SCHEMA, StoreError, connect, prepare


def refused(path, **options):
    """The line with which it is refused; the file must stay as it was."""
    before = octets(path)
    with pytest.raises(StoreError) as caught:
        prepare(str(path), **options)
    assert octets(path) == before
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


def filled(path, numbers=300):
    """A store with exchanges and parts, over many pages."""
    prepare(str(path))
    connection = connect(str(path), 1.0)
    for number in range(numbers):
        values = (number, b"x" * 5000)
        connection.execute(
            "INSERT INTO exchange VALUES (?, 1, NULL, 0, 0, ?, '', 0, x'', x'', 0, x'', NULL, 0, NULL, NULL, '')",
            values,
        )
    connection.close()


def overwrite(path, offset, data):
    with path.open("r+b") as file:
        file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
        file.write(data)


def test_a_new_store_is_its_owners_alone(tmp_path):
    path = tmp_path / "a" / "b" / "new.db"
    assert len(prepare(str(path)).key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_writeahead_file_is_its_owners_too(path):
    prepare(str(path))
    connection = connect(str(path), 1.0)
    connection.execute("DELETE FROM meta")
    assert stat.S_IMODE(path.with_name(f"{path.name}-wal").stat().st_mode) == 0o600
    connection.close()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("page_size", opening.PAGE), ("auto_vacuum", 2), ("user_version", 3)]
)
def test_the_layout_of_a_new_store(path, pragma, value):
    prepare(str(path))
    assert rows(path, f"PRAGMA {pragma}") == [(value,)]


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    prepare(str(path))
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_the_key_stays_and_each_store_has_its_own(tmp_path):
    first, other = (prepare(str(tmp_path / name)).key for name in ("first", "other"))
    assert prepare(str(tmp_path / "first")).key == first != other


def test_opening_again_loses_nothing(path):
    filled(path, 3)
    prepare(str(path))
    assert rows(path, "SELECT count(*) FROM exchange") == [(3,)]


@pytest.fixture
def schema(tmp_path):
    """Schema files of a later version."""
    place = tmp_path / "schema"
    place.mkdir()
    for name in ("0001.sql", "0002.sql", "0003.sql"):
        (place / name).write_text((SCHEMA / name).read_text())
    (place / "0004.sql").write_text("ALTER TABLE exchange ADD COLUMN two TEXT;\nCREATE TABLE second (a);")
    (place / "0005.sql").write_text("INSERT INTO second VALUES (3);")
    (place / "notes.txt").write_text("no SQL")
    return place


def test_an_older_store_is_brought_up_to_date(path, schema):
    filled(path, 3)
    made = prepare(str(path))
    assert prepare(str(path), schema) == made
    assert rows(path, "PRAGMA user_version") == [(5,)]
    assert rows(path, "SELECT count(*), max(two), (SELECT a FROM second) FROM exchange") == [(3, None, 3)]
    prepare(str(path), schema)
    assert rows(path, "SELECT * FROM second") == [(3,)], "each file runs once"


def test_an_upgrade_that_fails_leaves_the_version_before_it(path, schema):
    filled(path, 3)
    (schema / "0005.sql").write_text("CREATE TABLE third (a);\nINSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreError, match="nowhere"):
        prepare(str(path), schema)
    assert rows(path, "PRAGMA user_version") == [(4,)]
    assert rows(path, "SELECT name FROM sqlite_master WHERE name IN ('second', 'third')") == [("second",)]
    (schema / "0005.sql").write_text("CREATE TABLE third (a);")
    prepare(str(path), schema)
    assert rows(path, "PRAGMA user_version") == [(5,)]


def test_a_newer_store_is_refused(path, schema):
    prepare(str(path), schema)
    line = refused(path)
    assert "newer llmproxy (schema 5)" in line
    assert "upgrade" in line


@pytest.mark.parametrize("version", [-1, 0, 1])
def test_a_database_of_something_else_is_refused(path, version):
    connection = sqlite3.connect(path)
    connection.executescript(f"CREATE TABLE music (a); PRAGMA user_version = {version}")
    connection.close()
    line = refused(path)
    assert "something else" in line
    assert "--store" in line


NO_STORES = {
    "text": b"Dear diary,\n" * 500,
    "short": b"x",
    "a SQLite header alone": b"SQLite format 3\0",
    "a header and rubbish": b"SQLite format 3\0" + bytes(range(256)) * 100,
    "zeros": bytes(40_000),
}


@pytest.mark.parametrize("data", NO_STORES.values(), ids=NO_STORES)
def test_a_file_that_is_no_sqlite_is_refused(path, data):
    path.write_bytes(data)
    line = refused(path)
    assert "damaged" in line
    assert "--store" in line


DAMAGE = {
    "its first octets": lambda path: overwrite(path, 0, b"rubbish"),
    "its page size": lambda path: overwrite(path, 16, b"\0\3"),
    "its first page": lambda path: overwrite(path, 100, b"\xff" * 16000),
    "all but its first page": lambda path: overwrite(
        path, opening.PAGE, b"\xff" * (path.stat().st_size - opening.PAGE)
    ),
    "its last page": lambda path: overwrite(path, -opening.PAGE, b"\xff" * opening.PAGE),
    "cut short": lambda path: os.truncate(path, path.stat().st_size - opening.PAGE),
    "cut inside a page": lambda path: os.truncate(path, path.stat().st_size - 5),
    "cut to its first page": lambda path: os.truncate(path, opening.PAGE),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_store_is_refused(path, damage):
    filled(path)
    damage(path)
    line = refused(path)
    assert "damaged" in line
    assert "--store" in line


def test_a_damaged_store_stays_untouched_when_its_daemon_was_killed(path, tmp_path):
    """What was not yet moved from the write-ahead file must not be moved into a damaged one."""
    filled(path)
    connection = connect(str(path), 1.0)
    connection.execute("DELETE FROM exchange WHERE id = 5")
    killed = tmp_path / "killed"
    killed.mkdir()
    for end in ("", "-wal"):
        (killed / f"a.db{end}").write_bytes((path.parent / f"{path.name}{end}").read_bytes())
    connection.close()
    left = killed / "a.db"
    overwrite(left, opening.PAGE, b"\xff" * (left.stat().st_size - opening.PAGE))
    assert "damaged" in refused(left)


def test_what_a_killed_daemon_has_committed_is_there(path, tmp_path):
    filled(path, 3)
    connection = connect(str(path), 1.0)
    connection.execute("DELETE FROM exchange WHERE id = 1")
    left = tmp_path / "left.db"
    for end in ("", "-wal"):
        (tmp_path / f"left.db{end}").write_bytes((tmp_path / f"{path.name}{end}").read_bytes())
    connection.close()
    prepare(str(left))
    assert rows(left, "SELECT id FROM exchange") == [(0,), (2,)]


@pytest.mark.parametrize("value", ["'text'", "x''", "x'00'", "5", "zeroblob(31)"])
def test_an_edited_key_is_refused(path, value):
    prepare(str(path))
    rows(path, f"UPDATE meta SET value = {value}")
    assert "key" in refused(path)


def test_a_lost_table_is_refused(path):
    prepare(str(path))
    rows(path, "DROP TABLE exchange")
    assert "something else" in refused(path)


def place_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    return tmp_path / "file" / "a.db"


def place_is_a_folder(tmp_path):
    (tmp_path / "a.db").mkdir()
    return tmp_path / "a.db"


def place_is_a_broken_link(tmp_path):
    (tmp_path / "a.db").symlink_to(tmp_path / "nowhere" / "b.db")
    return tmp_path / "a.db"


@pytest.mark.parametrize("make", [place_is_a_file, place_is_a_folder, place_is_a_broken_link])
def test_a_place_where_no_file_can_be_is_named(tmp_path, make):
    path = make(tmp_path)
    with pytest.raises(StoreError, match=r"^the store .*a\.db cannot be used: .+; name another with --store$"):
        prepare(str(path))


def test_a_store_that_another_program_holds_is_refused(path, monkeypatch):
    prepare(str(path))
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("DELETE FROM meta")
    assert "locked" in refused(path)
    other.close()


def test_two_daemons_may_make_one_store_at_once(path, monkeypatch):
    """The other one lays it out between our look and our upgrade."""
    real = opening._run

    def late(connection, number, script):
        monkeypatch.setattr(opening, "_run", real)
        keys.append(prepare(str(path)))
        real(connection, number, script)

    keys = []
    monkeypatch.setattr(opening, "_run", late)
    keys.append(prepare(str(path)))
    assert keys[0] == keys[1]


def test_daemons_that_upgrade_one_store_at_once(tmp_path):
    """Real processes: each statement of the upgrade runs once, and nothing that was there is lost."""
    old = tmp_path / "schema"
    old.mkdir()
    (old / "0001.sql").write_text((SCHEMA / "0001.sql").read_text())
    store = str(tmp_path / "old.db")
    prepare(store, old)
    with closing(sqlite3.connect(store)) as connection, connection:
        row = (1, 1, b"f" * 32, 1, 0, b"/", "m", 200, b"{}", b"POST / \r\n", 0, b"", None, 0, None, None)
        connection.executemany(
            f"INSERT INTO exchange VALUES ({', '.join('?' * len(row))})", [(n, *row[1:]) for n in range(500)]
        )
    program = f"from proxy_daemon.store.opening import prepare; print(prepare({store!r}).key.hex())"
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(4)]
    keys = {one.communicate(timeout=60)[0] for one in running}
    assert [one.returncode for one in running] == [0] * 4
    assert len(keys) == 1
    assert rows(Path(store), "PRAGMA user_version") == [(3,)]
    assert rows(Path(store), "SELECT count(*), max(session) FROM exchange") == [(500, "")]


KILLED = """
import os, signal, sqlite3, sys
from proxy_daemon.store import opening
done = 0
def complete(statement, complete=sqlite3.complete_statement):
    global done
    done += complete(statement)
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return complete(statement)
sqlite3.complete_statement = complete
opening.prepare(sys.argv[1])
"""


@pytest.mark.parametrize("statement", [1, 2, 4])
def test_a_daemon_that_was_killed_in_the_middle_of_an_upgrade(tmp_path, statement):
    older = tmp_path / "schema"
    older.mkdir()
    for name in ("0001.sql", "0002.sql"):
        (older / name).write_text((SCHEMA / name).read_text())
    path = str(tmp_path / "s.db")
    key = prepare(path, older).key
    killed = subprocess.run([sys.executable, "-c", KILLED, path, str(statement)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert not connection.execute("SELECT name FROM sqlite_master WHERE name IN ('remark', 'displaced')").fetchall()
    assert prepare(path).key == key
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] >= 3
        assert connection.execute("SELECT count(*) FROM remark").fetchone() == (0,)
