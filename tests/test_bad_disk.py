"""A disk that is full, a store that cannot be written or is damaged: traffic goes on and says so, or the start ends.

The full disk is a limit on the size of the daemon's files, set from outside while it runs: SQLite and the log see a
write that fails, as they would on a full disk, and it works without a file system of its own.
"""

import json
import resource
import sqlite3
import subprocess
import sys
import time

import pytest
from rig import LIMIT, SSE_HEAD, answering, chunk, json_answer

GOOD = json_answer({"ok": True})


def limit_files(proxy, octets):
    """No file of the daemon grows beyond this; `RLIM_INFINITY` for any size."""
    resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


def until_health(proxy, status):
    """Ask until the daemon says that it is so; all that it says."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        health = proxy.get("/_llmproxy/health")
        if health["status"] == status:
            return health
    raise AssertionError(f"not {status} in time: {health}")


def said(proxy, words):
    """How often the daemon's own log has a line with these words."""
    return sum(words in line for line in tuple(proxy.said))


class TestFullDisk:
    def test_traffic_goes_on_and_health_and_log_say_it(self, daemon, upstream):
        server = upstream(answering(GOOD))
        proxy = daemon("--upstream", server.url, "--log", "off")
        assert proxy.get("/_llmproxy/health") == {"status": "ready", "recording": "on", "mode": "new_episodes"}
        limit_files(proxy, 1)
        for number in range(5):
            status, headers, body = proxy.chat(f"lost {number}")
            assert (status, json.loads(body)) == (200, {"ok": True})
            assert headers["Cache-Status"] == "llmproxy; fwd=miss"
        assert "recording is off" in until_health(proxy, "degraded")["recording"]
        assert proxy.chat("lost 0")[1]["Cache-Status"] == "llmproxy; fwd=miss"  # nothing half written answers
        proxy.stop()
        proxy.reader.join(LIMIT)
        assert said(proxy, b"recording is off") == 1  # once, not for each exchange

    def test_streams_and_large_bodies_go_on(self, daemon, upstream):
        large = b"x" * 3_000_000
        parts = [SSE_HEAD, *[chunk(large) for _ in range(3)], chunk(b"")]
        proxy = daemon("--upstream", upstream(answering(*parts)).url, "--log", "off")
        limit_files(proxy, 1)
        status, _, body = proxy.chat()
        assert status == 200
        assert body == large * 3

    def test_when_there_is_room_again_recording_goes_on(self, daemon, upstream):
        proxy = daemon("--upstream", upstream(answering(GOOD)).url, "--log", "off")
        limit_files(proxy, 1)
        proxy.chat("lost")
        until_health(proxy, "degraded")
        limit_files(proxy, resource.RLIM_INFINITY)
        while proxy.get("/_llmproxy/health")["status"] != "ready":
            assert proxy.chat("found")[0] == 200  # the next write after a while is the one that works
        assert proxy.chat("found")[1]["Cache-Status"] == "llmproxy; hit"
        proxy.stop()
        proxy.reader.join(LIMIT)
        assert said(proxy, b"recording works again") == 1

    def test_what_was_recorded_before_is_still_served(self, daemon, upstream):
        server = upstream(answering(GOOD))
        proxy = daemon("--upstream", server.url, "--log", "off")
        proxy.chat("before")
        limit_files(proxy, 1)
        proxy.chat("lost")
        until_health(proxy, "degraded")
        assert proxy.chat("before")[1]["Cache-Status"] == "llmproxy; hit"
        proxy.kill()
        again = daemon("--upstream", server.url, "--mode", "none")
        assert [again.chat(text)[0] for text in ("before", "lost")] == [200, 424]

    def test_the_log_of_requests_may_be_full_too(self, daemon, upstream):
        proxy = daemon("--upstream", upstream(answering(GOOD)).url)
        proxy.chat("one")
        limit_files(proxy, 1)
        assert [proxy.chat(f"more {number}")[0] for number in range(3)] == [200] * 3


def test_a_store_that_another_program_holds(daemon, upstream):
    proxy = daemon("--upstream", upstream(answering(GOOD)).url)
    holder = sqlite3.connect(proxy.store, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    status, _, body = proxy.chat("held")
    assert (status, json.loads(body)) == (200, {"ok": True})
    assert "locked" in until_health(proxy, "degraded")["recording"]
    holder.execute("ROLLBACK")
    holder.close()
    while proxy.get("/_llmproxy/health")["status"] != "ready":
        assert proxy.chat("later")[0] == 200


def written(daemon, upstream):
    """The file of a store with one recording, and its upstream."""
    server = upstream(answering(GOOD))
    proxy = daemon("--upstream", server.url)
    proxy.chat("before")
    proxy.stop()
    return proxy.store, server


def test_a_store_that_can_only_be_read(daemon, upstream):
    """SQLite takes a file whose format was written by a later version for one that it may only read."""
    path, server = written(daemon, upstream)
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\3")
    proxy = daemon("--upstream", server.url)
    assert proxy.chat("before")[1]["Cache-Status"] == "llmproxy; hit"
    assert [proxy.chat("lost")[1]["Cache-Status"] for _ in range(2)] == ["llmproxy; fwd=miss"] * 2
    assert "recording is off" in until_health(proxy, "degraded")["recording"]


def cut(data):
    return data[: len(data) // 2]


def overwritten(data):
    return b"\xff" * 4096 + data[4096:]


def another(data):
    return b"This is a letter to my aunt, and no store.\n" * 100


def first_page_zeroed(data):
    return data[:100] + bytes(16 * 1024 - 100) + data[16 * 1024 :]


@pytest.mark.parametrize("damage", [cut, overwritten, another, first_page_zeroed])
def test_a_damaged_store_ends_the_start_and_stays_untouched(daemon, upstream, damage):
    path, server = written(daemon, upstream)
    path.write_bytes(damage(path.read_bytes()))
    before = path.read_bytes()
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", "tcp:0:interface=127.0.0.1"]
    command += ["--store", str(path), "--log", "off", "--upstream", server.url]
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("llmproxy: ")]
    assert len(lines) == 1
    assert str(path) in lines[0]
    assert "--store" in lines[0]
    assert path.read_bytes() == before
