"""Files that are put in a file's place: whole, one at a time, and without what crashes left beside them."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from proxy_daemon.store.cassette.disk import whole_file


def test_what_a_crash_has_left_beside_a_file_is_taken_away_with_the_next(tmp_path):
    """Of processes that are no more; what another one that lives is about to write stays."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, living = int(gone.stdout), os.getppid()
    names = [f".c.yaml.{dead}.new", f".c.yaml.{living}.new", f".d.yaml.{dead}.new", ".c.yaml.x.new", ".cxyaml.1.new"]
    for name in (*names, f".c.yaml.{'9' * 30}.new", f".c.yaml.{'9' * 9}.new"):
        (tmp_path / name).write_bytes(b"half")
    os.close(whole_file(str(tmp_path / "c.yaml"), b"whole"))
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([*names[1:], f".c.yaml.{'9' * 30}.new", "c.yaml"])
    assert (tmp_path / "c.yaml").read_bytes() == b"whole"


def test_two_threads_that_put_one_file_there_do_not_meet(tmp_path):
    path, data = str(tmp_path / "same.bin"), b"x" * 100_000
    with ThreadPoolExecutor(4) as pool:
        for descriptor in pool.map(lambda _: whole_file(path, data), range(40)):
            os.close(descriptor)
    assert [(each.name, each.read_bytes() == data) for each in tmp_path.iterdir()] == [("same.bin", True)]
