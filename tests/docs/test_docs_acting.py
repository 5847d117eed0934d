"""docs/acting.md: its commands run as they stand there, on a daemon, and its table names requests that there are."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rig import LIMIT

from proxy_daemon.cli.acting import ACTS

PAGE = (Path(__file__).parents[2] / "docs" / "acting.md").read_text()
SAMPLES = re.findall(r"<!-- act -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
ID = "0123456789abcdef"


@pytest.fixture
def running(daemon, tmp_path):
    """A daemon with one recorded answer, `.id`; and a folder for cassettes."""
    found = daemon("--upstream", "demo:", "--cassette-dir", str(tmp_path))
    found.chat()
    found.id = found.exchanges()[0]["id"]
    return found


def run(running, line, **names):
    """What a line of the page prints."""
    for name, value in {ID: running.id, **names}.items():
        line = line.replace(name, value)
    words = [sys.executable, "-m", "proxy_daemon.cli.main", *shlex.split(line)[1:], "--url", running.url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stderr) == (0, ""), line
    return done.stdout


def said(running):
    return json.loads(running.chat()[2])["choices"][0]["message"]["content"]


def lines(word):
    """The lines of the page with this command."""
    return [line for sample in SAMPLES for line in sample.splitlines() if line.startswith(f"llmproxy {word}")]


def test_every_command_stands_in_the_page_and_no_other():
    named = {line.split()[1] for sample in SAMPLES for line in sample.splitlines()}
    assert named == {*ACTS, "verdict"}


def test_an_edit_and_its_end(running):
    first = said(running)
    (line,) = lines("edit")
    made = run(running, line).split(":")[0]
    assert said(running) == shlex.split(line)[-1] == "Paris, and nothing else."
    run(running, lines("delete EDITED")[0], EDITED=made)
    assert said(running) == first


def test_remarks_are_those_that_were_written(running):
    for word in ("mark", "comment", "pin"):
        run(running, lines(f"{word} ")[0])
    row = running.get(f"/_llmproxy/api/exchanges/{running.id}")
    assert (row["mark"], row["comment"], row["pinned"]) == ("odd", "calls the tool twice", True)
    run(running, lines("unpin")[0])
    assert running.get(f"/_llmproxy/api/exchanges/{running.id}")["pinned"] is False


def test_the_copy_stands_where_it_says(running, tmp_path):
    printed = run(running, lines("promote")[0])
    assert printed.endswith("capital.yaml#0\n")
    assert (tmp_path / "capital.yaml").exists()


def test_deleting_is_a_dry_run_first(running):
    dry, real = lines(f"delete {ID}")
    assert "nothing is changed" in run(running, dry)
    run(running, real)
    assert running.request("GET", f"/_llmproxy/api/exchanges/{running.id}")[0] == 404


def test_modes_one_after_the_other(running):
    asked, none, episodes = lines("mode")
    assert run(running, asked) == "new_episodes\n"
    run(running, none)
    assert running.chat("new")[0] == 424
    run(running, episodes)
    assert running.chat("new")[0] == 200
    run(running, lines("verdict")[0])
    assert running.get("/_llmproxy/api/verdict")["sessions"][0]["exchanges"] == 0


ROW = re.compile(r"^\| [a-z, ]+ \| `(GET`?, `PUT|GET|PUT|DELETE) (api/[^`?]+)(\?[^`]+)?`(.*?)\|", re.MULTILINE)


def test_the_table_names_requests_that_the_daemon_describes(running):
    paths = running.get("/_llmproxy/api/openapi.json")["paths"]
    rows = [(methods, path) for methods, path, *_ in ROW.findall(PAGE)]
    assert len(rows) == 7
    for methods, path in rows:
        known = {
            method.upper()
            for at in (path, f"_llmproxy/{path}")
            for method in paths.get(f"/{at}".replace("ID", "{id}"), {})
        }
        assert set(re.findall("[A-Z]+", methods)) <= known, (path, sorted(paths))


def test_the_bodies_of_the_table_are_taken(running):
    for path, body in re.findall(r"`PUT api/([^`?]+)`, as `(\{.*?\})`", PAGE):
        status, _, answer = running.change("PUT", f"/_llmproxy/api/{path.replace('ID', running.id)}", json.loads(body))
        assert status == 200, answer
