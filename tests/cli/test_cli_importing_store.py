"""`llmproxy import` and the store: beside a daemon that writes, locked, barred, failing half way, scoped by key."""

import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from interactions import ASKED, JSON, SAID, entry, recordings

from proxy_daemon.cli import import_reader
from proxy_daemon.cli.importing import SCOPED
from proxy_daemon.store import access, imports, opening, writer
from proxy_daemon.store.access import StoreError

CHATS = "/v1/chat/completions"


def numbered(count):
    return [entry(ASKED | {"seed": seed}) for seed in range(count)]


# --- beside a daemon -------------------------------------------------------------------------------------------------


def test_a_daemon_and_an_import_write_at_the_same_time(daemon, cassette, place):
    """Two processes on one file: all of both is there, and neither had any trouble."""
    proxy = daemon("--upstream", "demo:", store=place / "s.db")
    name, count = cassette(*numbered(200)), 40
    answers = []

    def chat(name):
        answers.extend(proxy.chat(f"{name} asks question {number}")[0] for number in range(count))

    clients = [threading.Thread(target=chat, args=(name,)) for name in ("ann", "ben")]
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "import", name, "--store", "s.db", "--as", "demo:"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as importing:
        for client in clients:
            client.start()
        said = importing.communicate()[0]
        for client in clients:
            client.join()
    assert (said, importing.returncode) == ("c.yaml: read 200, imported 200\n", 0)
    assert answers == [200] * 2 * count
    proxy.settle()
    assert proxy.get("/_llmproxy/api/stats")["store"]["trouble"] == ""
    proxy.stop()
    kept = recordings()
    assert len(kept) == 200 + 2 * count
    assert len({each.id for each, _ in kept}) == len(kept)
    assert [each.request.json["seed"] for each, _ in kept if each.imported] == list(range(200))


def test_a_daemon_that_scopes_by_key_serves_them_to_clients_without_one(daemon, call, cassette, place, monkeypatch):
    monkeypatch.setenv("LLMPROXY_REPLAY_SCOPE", "key")
    assert call(cassette(entry())) == (0, ["c.yaml: read 1, imported 1"], f"llmproxy: {SCOPED}\n")
    proxy = daemon("--mode", "none", "--replay-scope", "key", store=place / "s.db")
    asked = "POST", CHATS, json.dumps(ASKED)
    status, _, body = proxy.request(*asked, {"Content-Type": JSON})
    assert (status, json.loads(body)) == (200, SAID)
    for fields in ({"Authorization": "Bearer mine"}, {"X-Api-Key": "mine"}):
        assert proxy.request(*asked, {"Content-Type": JSON} | fields)[0] == 424


def test_one_that_does_not_gets_no_note(call, cassette, monkeypatch):
    monkeypatch.setenv("LLMPROXY_REPLAY_SCOPE", "all")
    assert call(cassette(entry()))[2] == ""


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a lock."""
    for room in (access, opening, imports, writer):
        monkeypatch.setattr(room, "BUSY_SECONDS", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_store_that_somebody_has_locked_is_named(call, cassette):
    assert call(cassette(entry(), name="first.yaml"))[0] == 0
    names = cassette(*numbered(2), name="a.yaml"), cassette(entry(ASKED | {"n": 2}), name="b.yaml")
    with closing(sqlite3.connect("s.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, lines, error = call(*names)
    assert (code, lines) == (1, ["a.yaml: read 1, imported 0; stopped at #0", "b.yaml: not read"])
    assert error == (
        "llmproxy: the store s.db takes nothing: database is locked; "
        "wait until nobody else writes to it, then import again\n"
    )
    assert call(*names)[:2] == (0, ["a.yaml: read 2, imported 2", "b.yaml: read 1, imported 1"])


@pytest.mark.usefixtures("impatient")
def test_a_lock_on_all_of_it_is_told_too(call, cassette):
    cassette(entry())
    with closing(sqlite3.connect("s.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN EXCLUSIVE")
        code, lines, error = call("c.yaml")
    assert (code, lines) == (1, [])
    assert error.startswith("llmproxy: the store s.db cannot be used: ")


def test_what_was_done_before_the_store_failed_is_told(call, cassette, monkeypatch):
    begun = imports.Imports._begun

    def failing(self, recording):
        if recording.request.json.get("seed") == 2:
            raise StoreError("the store s.db takes nothing: database or disk is full")
        return begun(self, recording)

    monkeypatch.setattr(import_reader, "MOST", 1)
    monkeypatch.setattr(imports.Imports, "_begun", failing)
    cassette(entry(), name="good.yaml")
    cassette({"kind": "ws", "data": "x"}, *numbered(5), name="bad.yaml")
    code, lines, error = call("good.yaml", "bad.yaml", "good.yaml", "x\x1b.yaml")
    assert (code, error) == (1, "llmproxy: the store s.db takes nothing: database or disk is full\n")
    assert lines[0] == "good.yaml: read 1, imported 1"
    assert lines[1] == "bad.yaml: read 4, imported 2, 1 skipped; stopped at #3"
    assert lines[2].startswith("  bad.yaml#0: skipped: ")
    assert lines[3:] == ["good.yaml: not read", "x\\x1b.yaml: not read"]
    assert len(recordings()) == 3


@pytest.mark.parametrize("column", ["facts", "response_head"])
def test_a_store_that_fails_while_it_is_read_is_named(call, cassette, column):
    """What was imported before is looked up in it: where it is opened, and for each recording."""
    name = cassette(entry())
    assert call(name)[0] == 0
    with closing(sqlite3.connect("s.db")) as other, other:
        other.execute(f"ALTER TABLE exchange RENAME COLUMN {column} TO another")
    code, _, error = call(name)
    assert code == 1
    assert error.startswith(f"llmproxy: the store s.db cannot be read: no such column: {column}")


def test_a_store_that_may_only_be_read_is_said(call, cassette, monkeypatch):
    """Permissions do not hold for root: here the file system says so. See tests/store/test_store_access.py."""
    assert call(cassette(entry()))[0] == 0
    monkeypatch.setattr(opening, "can_write", lambda path: False)
    code, lines, error = call("c.yaml")
    assert (code, lines) == (1, [])
    assert error == "llmproxy: the store s.db may only be read, and imports are written; name another with --store\n"
