"""The writing thread: one transaction a batch, a report after its commit, and nothing that ends it."""

import queue
import sqlite3
import threading
from itertools import count

import pytest
from recordings import PATIENCE, Bad, fingerprint, recording, request, response, rows

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.store import writer as module
from proxy_daemon.store.codec import INLINE
from proxy_daemon.store.opening import prepare
from proxy_daemon.store.parts import PART
from proxy_daemon.store.retention import Retention
from proxy_daemon.store.writer import ROWS, Write, Writer


class Thread:
    """A writer whose reports a test reads. `batch` holds it inside a report, until all is queued."""

    def __init__(self, path):
        self.reports = queue.Queue()
        self.on_report = lambda report: None
        self._go = threading.Event()
        self._go.set()
        self._plugs = count(2**40)
        self.retention = Retention(2**40, 1e9, lambda: 0.0)
        self.writer = Writer(str(path), self.retention, self._report)

    def _report(self, report):
        self.on_report(report)
        self.reports.put(report)
        assert self._go.wait(PATIENCE)

    def put(self, *recordings, replace=False, run=0):
        for each in recordings:
            assert self.writer.put(Write(each, replace, 0.0, 100, run))
        self.writer.wake()

    def next(self, wanted=lambda report: report.written):
        """The next report of a batch, or the next one that is wanted."""
        while not wanted(report := self.reports.get(timeout=PATIENCE)):
            pass
        return report

    def hold(self):
        """The thread waits inside a report until `go`."""
        self._go.clear()
        self.put(recording(next(self._plugs), fingerprint=b"", replayable=False))
        self.next()

    def go(self):
        self._go.set()

    def batch(self, *recordings, **options):
        """The report of these, as one batch."""
        self.hold()
        self.put(*recordings, **options)
        self.go()
        report = self.next()
        assert [write.recording.id for write, _ in report.written] == [each.id for each in recordings]
        return report


def goods(report):
    return [good for _, good in report.written]


def there(path, *numbers):
    """Which of these exchanges are on the disk."""
    return [number for number in numbers if rows(path, "SELECT 1 FROM exchange WHERE id = ?", number)]


@pytest.fixture
def thread(path):
    prepare(str(path))
    made = Thread(path)
    yield made
    made.writer.stop()
    assert not made.writer._thread.is_alive()


@pytest.fixture
def connections(monkeypatch):
    """The connections that writers make, each as the test has changed it."""

    class Made(list):
        change = staticmethod(lambda connection: None)

    made, real = Made(), module.connect

    def connect(path, busy_seconds):
        made.append(real(path, busy_seconds))
        made.change(made[-1])
        return made[-1]

    monkeypatch.setattr(module, "connect", connect)
    return made


def test_it_is_on_the_disk_before_the_report(thread, path):
    seen = []
    thread.on_report = lambda report: seen.append(there(path, *[write.recording.id for write, _ in report.written]))
    thread.put(recording(7))
    assert goods(thread.next()) == [True]
    assert [7] in seen


@pytest.mark.parametrize(
    ("number", "expected"), [(ROWS, ["INSERT"]), (ROWS * 2, ["BEGIN", "INSERT", "INSERT", "COMMIT"])]
)
def test_what_waits_is_written_in_one_transaction(connections, thread, path, number, expected):
    thread.hold()
    begun = []
    connections[0].set_trace_callback(lambda statement: begun.append(statement.split()[0]))
    thread.put(*[recording(each) for each in range(number)])
    thread.go()
    assert goods(thread.next()) == [True] * number
    assert [word for word in begun if word in ("BEGIN", "COMMIT", "INSERT")] == expected
    assert there(path, *range(number)) == list(range(number))


@pytest.mark.parametrize("number", [1, ROWS, ROWS + 1, ROWS * 2, ROWS * 2 + 1])
@pytest.mark.parametrize("replace", [False, True])
def test_a_batch_of_any_length_is_written(thread, path, number, replace):
    report = thread.batch(*[recording(each) for each in range(number)], replace=replace)
    assert goods(report) == [True] * number
    assert there(path, *range(number)) == list(range(number))


def test_a_batch_has_a_bound(thread, monkeypatch):
    monkeypatch.setattr(module, "MAX_BATCH", 10)
    thread.hold()
    thread.put(*[recording(number) for number in range(25)])
    thread.go()
    assert [len(thread.next().written) for _ in range(3)] == [10, 10, 5]


def large(number, **changes):
    size = PART + INLINE
    sides = {"request": request(b"q" * size), "response": response(b"a" * size)}
    return recording(number, **(sides | changes))


def test_a_large_body_stands_in_parts(thread, path):
    assert goods(thread.batch(recording(1), large(2), recording(3))) == [True] * 3
    parts = rows(path, "SELECT exchange, side, start, length(data) FROM body_part ORDER BY side, start")
    assert parts == [(2, 0, 0, PART), (2, 0, PART, INLINE), (2, 1, 0, PART), (2, 1, PART, INLINE)]
    assert rows(path, "SELECT request_body, response_body FROM exchange WHERE id = 2") == [(None, None)]


class Cut(Bad):
    """Its second part is missing."""

    def read(self, offset, size):
        return b"x" * size if offset == 0 else b""


def with_body(body):
    return {"request": Request(b"POST", b"/", Headers(), body)}


BAD = {
    "its id is taken": {"id": 1},
    "its id is too large": {"id": 2**63},
    "its model is no text": {"model": "\udcff"},
    "its client is no text": {"client": "\udcff"},
    "its model is of no known type": {"model": object()},
    "it has no request": {"request": None},
    "its body is lost": with_body(Bad(OSError("gone"))),
    "its body is broken": with_body(Bad(RuntimeError("a plugin's body"))),
    "its body is out of memory": with_body(Bad(MemoryError())),
    "its large body is lost": with_body(Bad(OSError("gone"), size=INLINE + 1)),
    "its large body is cut": with_body(Cut(None, size=PART * 2)),
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_bad_one_is_lost_alone(thread, path, changes):
    assert goods(thread.batch(recording(1))) == [True]
    bad = recording(**({"number": 5, "fingerprint": b"", "replayable": False} | changes))
    report = thread.batch(recording(2), bad, large(3))
    assert goods(report) == [True, False, True]
    assert "not recorded" in report.trouble
    assert there(path, 1, 2, 3, 5) == [1, 2, 3]
    assert rows(path, "SELECT DISTINCT exchange FROM body_part") == [(3,)], "a part of it is left"
    report = thread.batch(bad)
    assert (goods(report), "not recorded" in report.trouble) == ([False], True)
    report = thread.batch(recording(6))
    assert (goods(report), report.trouble) == ([True], ""), "it holds up nobody"


def replayable(path):
    return [row[0] for row in rows(path, "SELECT id FROM exchange WHERE replayable ORDER BY id")]


def test_replacing_ends_older_answers_but_not_pinned_ones(thread, path):
    same = {"fingerprint": fingerprint("same")}
    thread.batch(recording(1, **same), recording(2, pinned=True, **same), recording(3))
    thread.batch(recording(4, **same), replace=True)
    assert replayable(path) == [2, 3, 4]


def test_of_one_batch_the_last_that_replaces_stays(thread, path):
    same = {"fingerprint": fingerprint("same")}
    thread.batch(*[recording(number, **same) for number in (3, 1, 2)], replace=True)
    assert replayable(path) == [2]


def test_a_run_replaces_what_its_session_had_before_it(thread, path):
    same = {"fingerprint": fingerprint("same")}
    thread.batch(recording(1, session="s", **same), recording(2, session="t", **same), recording(3, **same))
    thread.batch(*[recording(each, session="s", **same) for each in (11, 12, 13)], replace=True, run=10)
    assert replayable(path) == [2, 3, 11, 12, 13]
    thread.batch(recording(14, **same), replace=True, run=10)
    assert replayable(path) == [2, 11, 12, 13, 14], "no session is one, too"


def test_replacing_without_a_fingerprint_replaces_nothing(thread, path):
    thread.batch(recording(1, fingerprint=b""), recording(2, fingerprint=b""), replace=True)
    assert replayable(path) == [1, 2]


def test_the_thread_survives_whoever_gets_its_reports(thread):
    def fail(report):
        thread.reports.put(report)
        raise RuntimeError("the reactor is gone")

    thread.on_report = fail
    thread.put(recording(1))
    assert goods(thread.next()) == [True]
    thread.on_report = lambda report: None
    thread.put(recording(2))
    assert goods(thread.next()) == [True]


def test_limits_that_cannot_be_kept_are_told_and_end_nothing(path, monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(Retention, "enforce", lambda self, connection: 1 // 0)
    prepare(str(path))
    thread = Thread(path)
    assert "limits" in thread.next(lambda report: report.trouble).trouble
    report = thread.batch(recording(1))
    assert goods(report) == [True], "it is committed all the same"
    assert "limits" in report.trouble
    monkeypatch.setattr(Retention, "enforce", lambda self, connection: [])
    while thread.batch(recording(next(thread._plugs))).trouble:
        pass
    thread.writer.stop()


def test_what_is_too_old_goes_without_traffic(path, monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    prepare(str(path))
    thread = Thread(path)
    thread.batch(recording(1, started=1000.0))
    thread.retention.max_age, thread.retention.wall = 50, lambda: 1051.0
    assert thread.next(lambda report: report.dropped).dropped == [fingerprint(1)]
    assert there(path, 1) == []
    thread.writer.stop()


def small(connection):
    connection.execute("PRAGMA max_page_count = 1")


def read_only(connection):
    connection.execute("PRAGMA query_only = 1")


DISKS = {
    "full": (small, "PRAGMA max_page_count = 1000000", "full"),
    "read-only": (read_only, "PRAGMA query_only = 0", "readonly"),
}


@pytest.mark.parametrize(("change", "repair", "word"), DISKS.values(), ids=DISKS)
def test_a_disk_that_fails_is_told_and_tried_again(path, connections, monkeypatch, change, repair, word):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    connections.change = change
    prepare(str(path))
    thread = Thread(path)
    for number in (2, 20):
        report = thread.batch(*[large(100 + each) for each in range(number)])
        assert goods(report) == [False] * number
        assert report.trouble.startswith("recording is off: ")
        assert word in report.trouble
    connections[0].execute(repair)
    report = thread.batch(recording(1), large(2))
    assert (goods(report), report.trouble) == ([True, True], "")
    assert rows(path, "SELECT DISTINCT exchange FROM body_part") == [(2,)]
    thread.writer.stop()


def test_a_disk_that_fails_is_left_alone_for_a_while(path, connections, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 1e9)
    connections.change = read_only
    prepare(str(path))
    thread = Thread(path)
    thread.batch(recording(1))
    asked = []
    connections[0].set_trace_callback(asked.append)
    report = thread.batch(recording(2))
    assert (goods(report), "recording is off" in report.trouble, asked) == ([False], True, [])
    thread.writer.stop()


def test_a_disk_that_fails_within_a_batch_fails_the_rest_of_it(thread, monkeypatch):
    """A bad one makes the thread write one by one; then the disk is full."""

    def fail(self, batch):
        numbers = [write.recording.id for write in batch]
        if len(numbers) > 1 or numbers == [2]:
            raise ValueError("a bad one")
        if numbers >= [3]:
            raise sqlite3.OperationalError("database or disk is full")

    thread.hold()
    monkeypatch.setattr(Writer, "_transaction", fail)
    thread.put(*[recording(number) for number in (1, 2, 3, 4)])
    thread.go()
    report = thread.next()
    assert goods(report) == [True, False, False, False]
    assert report.trouble == "recording is off: database or disk is full"


def test_a_file_that_lost_its_tables_is_told(thread, path):
    rows(path, "DROP TABLE exchange")
    report = thread.batch(recording(1))
    assert (goods(report), "no such table" in report.trouble) == ([False], True)


def test_a_file_that_cannot_be_opened_is_told(tmp_path):
    thread = Thread(tmp_path / "nowhere" / "a.db")
    thread.put(recording(1))
    report = thread.next()
    assert (goods(report), "unable to open" in report.trouble) == ([False], True)
    thread.writer.stop()


def test_stopping_writes_what_waits_and_then_takes_no_more(thread, path):
    thread.hold()
    thread.put(*[recording(number) for number in range(5)])
    thread.writer._stopping = True
    assert not thread.writer.put(Write(recording(9), False, 0.0, 1))
    thread.go()
    thread.writer.stop()
    assert there(path, *range(10)) == list(range(5))
    assert thread.writer.waiting == 0


def test_what_waits_has_a_bound_and_room_comes_back(thread, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 1000)
    thread.hold()
    taken = [thread.writer.put(Write(recording(number), False, 0.0, 400)) for number in range(3)]
    assert (taken, thread.writer.waiting) == ([True, True, False], 2)
    thread.go()
    thread.writer.wake()
    thread.next()
    assert thread.writer.put(Write(recording(8), False, 0.0, 1000))


def test_who_comes_while_the_thread_lies_down_is_not_forgotten(thread, monkeypatch):
    """Between its last look at the queue and its rest: without a second look it would rest for good."""
    monkeypatch.setattr(module, "REST_SECONDS", PATIENCE * 10)
    real = thread.writer._wake

    class Late:
        set, wait, late = real.set, real.wait, [recording(5)]

        def clear(self):
            if self.late:
                thread.put(self.late.pop())
            real.clear()

    monkeypatch.setattr(thread.writer, "_wake", Late())
    thread.put(recording(4))
    assert goods(thread.next()) == [True]
    assert goods(thread.next()) == [True]
