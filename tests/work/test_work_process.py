"""The child as a process: it starts without Twisted, answers, outlives Ctrl-C, and ends with its questions."""

import resource
import signal
import subprocess
import sys

import pytest
from stores import CHAT, STEP, UPSTREAM, body, recording

from proxy_daemon.core.work_frames import Frames, packed
from proxy_daemon.work.__main__ import MOST_MEMORY

HEAD = {"name": "near", "method": "POST", "target": CHAT.decode(), "headers": [], "upstream": UPSTREAM.url, "shown": 5}
LIMIT = 30
SLOW = """
import sys
from proxy_daemon.work import __main__, serving
def hang(*_):
    while True:
        pass
serving.LONGEST_SECONDS = 1
serving.nearest = serving.CatchingUp.step = hang
sys.exit(__main__.main())
"""


@pytest.fixture
def child(store):
    store.put(recording(1, "one text"))
    command = [sys.executable, "-m", "proxy_daemon.work", store.path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate(timeout=LIMIT)


def ask(child, head, octets=b""):
    child.stdin.write(packed(head, octets))
    child.stdin.flush()
    frames = Frames()
    while True:
        for answer, _ in frames.feed(child.stdout.read1(65536)):
            return answer


def test_it_answers_outlives_an_interrupt_and_ends_with_its_questions(child):
    assert ask(child, HEAD, body("one text"))["id"] == STEP
    child.send_signal(signal.SIGINT)
    assert ask(child, HEAD | {"number": 5}, body("one text"))["number"] == 5
    assert child.communicate(timeout=LIMIT) == (b"", b"")
    assert child.returncode == 0


def test_it_may_not_take_all_memory(child):
    ask(child, HEAD, body("one text"))
    soft = resource.prlimit(child.pid, resource.RLIMIT_DATA)[0]
    assert 0 < soft <= MOST_MEMORY


@pytest.mark.parametrize("asked", [True, False], ids=["a question", "between two"])
def test_what_takes_too_long_is_ended_by_the_system_even_when_the_daemon_is_gone(store, tmp_path, asked):
    store.put(recording(1, "one text"))
    (tmp_path / "slow.py").write_text(SLOW)
    command = [sys.executable, str(tmp_path / "slow.py"), store.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if asked:
            process.stdin.write(packed(HEAD, body("one text")))
            process.stdin.flush()
        process.stdin.close()
        assert process.wait(LIMIT) in ((-signal.SIGALRM,) if asked else (-signal.SIGALRM, 0))


def test_nonsense_is_one_line_and_a_code(child):
    said = child.communicate(b"\xff" * 100, timeout=LIMIT)[1]
    assert child.returncode == 1
    assert said.count(b"\n") == 1
    assert b"the head of a frame" in said


def test_a_store_that_is_none_is_one_line_and_a_code(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no store")
    done = subprocess.run(
        [sys.executable, "-m", "proxy_daemon.work", str(tmp_path / "x.db")],
        capture_output=True,
        check=False,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"x.db" in done.stderr


def test_it_knows_nothing_of_twisted():
    code = "import sys, proxy_daemon.work.serving; print([name for name in sys.modules if name.startswith('twisted')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=LIMIT)
    assert done.stdout.strip() == b"[]"
