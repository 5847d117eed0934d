"""A SIGKILL at any call of the operating system leaves the old file or the new one, never half."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cassettes import recorded, text
from test_store_cassette_foreign_written import ASGI_REPLAY, PROMPTECHO, Played

HERE = Path(__file__).parent
PLACES = [HERE, HERE.parent, HERE.parents[2]]
MOST = 25  # calls that one write takes


def served(form, path, options):
    """What is served afterwards."""
    one = Played(form, path, "none", increment=bool(options))
    assert not one.cassette.left_out
    found = [text(one.cassette.get(row[1])) for row in one.cassette.replayable(9)]
    one.cassette.close()
    return sorted(found)


def killed(form, folder, name, options):
    command = [sys.executable, str(HERE / "foreign_killed.py"), form, str(folder), name, *options]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PLACES))}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    return [line == "True" for line in done.stdout.split()]


@pytest.mark.parametrize(
    ("form", "name", "options"),
    [(PROMPTECHO, "c.yaml", []), (ASGI_REPLAY, "log.json", []), (ASGI_REPLAY, "log.json", ["--increment"])],
)
def test_the_old_file_or_the_new_one(tmp_path, form, name, options):
    for number in range(1, MOST + 1):
        one = Played(form, tmp_path / str(number) / name, increment=bool(options))
        one.put(recorded("a", "1"))
        one.cassette.close()
    was_killed = killed(form, tmp_path, name, options)
    found = [served(form, tmp_path / str(number) / name, options) for number in range(1, MOST + 1)]
    assert all(one in (["1"], ["1", "2" * 9999]) for one in found)
    assert found[0] == ["1"]
    assert was_killed[0]
    assert not was_killed[-1]
    assert found[-1] == ["1", "2" * 9999]
