"""`llmproxy import` into a cassette, as a dry run, of folders, interrupted: what comes in, and what is told."""

import json
import sys
from pathlib import Path

import pytest
from interactions import ASKED, JSON, KEY, SAID, entry, recordings

from proxy_daemon.cli import import_files, import_reader, import_result
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.cassette import index
from proxy_daemon.store.imports import Imports

NEW = "new.yaml"


def inside(name=NEW):
    """What a cassette of ours holds."""
    return list(read(name, Path(name).read_bytes()))


def there():
    return sorted(each.name for each in Path().iterdir())


def numbered(count, **more):
    return [entry(ASKED | {"seed": seed}, **more) for seed in range(count)]


# --- into a cassette -------------------------------------------------------------------------------------------------


def test_it_becomes_a_cassette_that_answers(daemon, call, cassette, place):
    assert call(cassette(*numbered(3)), "--into", NEW)[:2] == (0, ["c.yaml: read 3, imported 3"])
    assert [each.request.json["seed"] for each in inside()] == [0, 1, 2]
    assert there() == ["c.yaml", NEW], "no store is made"
    proxy = daemon("--mode", "none", "--cassette", str(place / NEW))
    asked = json.dumps(ASKED | {"seed": 1}), {"Content-Type": JSON}
    status, _, body = proxy.request("POST", "/v1/chat/completions", *asked)
    assert (status, json.loads(body)) == (200, SAID)


def test_its_secrets_are_numbered_placeholders(call, cassette):
    call(cassette(entry(url=f"https://a.example/x?api_key={KEY}")), "--into", NEW)
    text = Path(NEW).read_text()
    assert KEY not in text
    assert "verysecret" not in text
    assert "Bearer <API_KEY_1>" in text
    assert inside()[0].redacted


def test_nothing_comes_in_twice(call, cassette):
    name = cassette(entry(), entry(), entry(answer=SAID | {"id": "other"}))
    assert call(name, "--into", NEW)[1] == ["c.yaml: read 3, imported 3"]
    before = Path(NEW).read_bytes()
    assert call(name, name, "--into", NEW)[1] == ["c.yaml: read 3, imported 0, 3 imported before"] * 2
    assert Path(NEW).read_bytes() == before
    more = cassette(*[entry()] * 3, name="more.yaml")
    assert call(more, more, "--into", NEW)[1] == [
        "more.yaml: read 3, imported 1, 2 imported before",
        "more.yaml: read 3, imported 0, 3 imported before",
    ]
    assert Path(NEW).read_bytes().startswith(before)


def test_nothing_comes_in_twice_however_many_answers_a_request_has(call, cassette, monkeypatch):
    monkeypatch.setattr(index, "MOST_CANDIDATES", 2)
    monkeypatch.setattr(index, "MOST_PATTERNS", 2)
    many = [entry(answer=SAID | {"id": f"{number % 3}"}) for number in range(7)]
    other = [entry(url=f"https://a.example/<ANY>/{number}") for number in range(5)]
    name = cassette(*many, *other)
    assert call(name, "--into", NEW)[1] == ["c.yaml: read 12, imported 12"]
    for _ in range(2):
        assert call(name, name, "--into", NEW)[1] == ["c.yaml: read 12, imported 0, 12 imported before"] * 2
    more = cassette(*many, *many, name="more.yaml")
    assert call(more, "--into", NEW)[1] == ["more.yaml: read 14, imported 7, 7 imported before"]


def test_a_dry_run_counts_what_its_files_share_once(call, cassette):
    name = cassette(entry(), entry())
    counted = call(name, name, "--into", NEW, "--dry-run")[1]
    assert counted == ["c.yaml: read 2, would import 2", "c.yaml: read 2, would import 0, 2 imported before"]


def test_what_is_not_served_is_skipped(call, cassette):
    code, lines, _ = call(cassette(entry(status=500), entry(), {"kind": "ws"}), "--into", NEW)
    assert (code, lines[0]) == (1, "c.yaml: read 3, imported 1, 2 skipped")
    assert lines[1] == "  c.yaml#0: skipped: a cassette holds only what is served: status 500"


@pytest.mark.parametrize("content", [b'{"interactions": []}', b"hello", b"# llmproxy cassettes 1\n"])
def test_files_of_others_are_not_written(call, cassette, place, content):
    (place / NEW).write_bytes(content)
    code, lines, error = call(cassette(entry()), "--into", NEW)
    assert (code, lines) == (1, [])
    assert error == f"llmproxy: {NEW} is no cassette of llmproxy: --into adds to one of these, or makes a new file\n"
    assert (place / NEW).read_bytes() == content


def test_a_cassette_that_cannot_be_used_is_said(call, cassette, place):
    Path("folder").mkdir()
    name = cassette(entry())
    assert call(name, "--into", "folder")[::2] == (1, "llmproxy: folder: Is a directory\n")
    (place / NEW).write_text("# llmproxy cassette 1\n---\n- no\n...\n")
    code, _, error = call(name, "--into", NEW)
    assert code == 1
    assert "repair it" in error
    assert call(name, "--into", NEW, "--session", "x")[0] == 2


def test_one_that_cannot_be_written_stops_the_import(call, cassette, place):
    (place / "file").write_text("")
    code, lines, error = call(cassette(*numbered(3)), "--into", "file/new.yaml")
    assert code == 1
    assert not lines or lines[0] == "c.yaml: read 1, imported 0; stopped at #0"
    assert "file/new.yaml" in error


# --- a dry run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("into", [(), ("--into", NEW)])
def test_a_dry_run_writes_nothing(call, cassette, into):
    name = cassette(entry(), entry(ASKED | {"n": 2}), {"kind": "ws"})
    code, lines, _ = call(name, "--dry-run", *into)
    assert (code, lines[0]) == (1, "c.yaml: read 3, would import 2, 1 skipped")
    assert there() == [name]
    call(cassette(entry(), name="less.yaml"), *into, "--session", "") if not into else call("less.yaml", *into)
    before = {each: Path(each).read_bytes() for each in there()}
    assert call(name, "--dry-run", *into)[0] == 1
    assert {each: Path(each).read_bytes() for each in there()} == before


@pytest.mark.parametrize("into", [(), ("--into", NEW)])
def test_a_dry_run_knows_what_is_there(call, cassette, into):
    name = cassette(entry(), entry(ASKED | {"n": 2}))
    assert call(name, *into)[0] == 0
    assert call(name, "--dry-run", *into)[:2] == (0, ["c.yaml: read 2, would import 0, 2 imported before"])
    cassette(entry(), entry(ASKED | {"n": 2}), entry(ASKED | {"n": 3}))
    assert call(name, "--dry-run", *into)[1] == ["c.yaml: read 3, would import 1, 2 imported before"]


# --- exit codes and totals -------------------------------------------------------------------------------------------


def test_what_is_refused_may_be_skipped(call, cassette, place):
    (place / "bad").write_bytes(b"hello")
    name = cassette(entry(), {"kind": "ws"})
    assert call("bad", name)[0] == 1
    code, lines, error = call("bad", name, "--skip-refused")
    assert (code, lines[0]) == (0, "bad: read 0, imported 0; refused: no recording of a known format")
    assert lines[1:] == [
        "c.yaml: read 2, imported 0, 1 imported before, 1 skipped",
        "  c.yaml#1: skipped: a frame of a WebSocket session",
    ]
    assert error == "2 files: read 2, imported 0, 1 imported before, 1 skipped, 1 files refused\n"


def test_a_store_that_fails_is_never_skipped(call, cassette, monkeypatch):
    def failing(self, recordings):
        raise StoreError("the store s.db takes nothing: it is full")

    monkeypatch.setattr(Imports, "add_all", failing)
    assert call(cassette(entry()), "--skip-refused")[::2] == (1, "llmproxy: the store s.db takes nothing: it is full\n")


def test_of_very_many_entries_the_reasons_are_counted(call, cassette, monkeypatch):
    monkeypatch.setattr(import_result, "MOST_NOTES", 2)
    monkeypatch.setattr(import_result, "_MOST_REASONS", 1)
    broken = [entry() | {"request": 5}] * 4
    code, lines, _ = call(cassette(*broken, entry(status=500), entry(status=404), entry()))
    assert (code, lines[0]) == (1, "c.yaml: read 7, imported 3, 2 of them not to be served, 4 skipped")
    reason = lines[1].partition("#0: ")[2]
    assert reason.startswith("skipped: ")
    assert lines[1:] == [f"  c.yaml#{n}: {reason}" for n in range(2)] + [
        f"  2 more: {reason}",
        "  2 more: for other reasons",
    ]


def test_one_file_has_no_totals(call, cassette):
    assert call(cassette(entry()))[2] == ""


@pytest.mark.parametrize(("most", "largest"), [(1, 1 << 20), (2, 1 << 20), (64, 1), (64, 1 << 20)])
def test_the_size_of_batches_changes_nothing(call, cassette, monkeypatch, most, largest):
    monkeypatch.setattr(import_reader, "MOST", most)
    monkeypatch.setattr(import_reader, "LARGEST", largest)
    entries = [*numbered(3), {"kind": "ws"}, entry(status=500), *numbered(2)]
    code, lines, _ = call(cassette(*entries))
    assert (code, lines[0]) == (1, "c.yaml: read 7, imported 6, 1 of them not to be served, 1 skipped")
    assert [line.split(":")[0] for line in lines[1:]] == ["  c.yaml#3", "  c.yaml#4"]
    found = [recording.request.json.get("seed") for recording, _ in recordings()]
    assert found == [0, 1, 2, None, 0, 1]


# --- folders ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(place, cassette):
    (place / "all" / "b").mkdir(parents=True)
    (place / "all" / ".git").mkdir()
    cassette(entry(), name="all/b/z.yaml")
    cassette(entry(ASKED | {"n": 2}), name="all/c.yaml")
    cassette(entry(), name="all/.git/x.yaml")
    cassette(entry(ASKED | {"n": 3}), name="outside.yaml")
    (place / "all" / "link.yaml").symlink_to("../outside.yaml")
    (place / "all" / "within.yaml").symlink_to("c.yaml")
    return "all/"


def test_a_folder_is_what_is_in_it(call, folder):
    code, lines, error = call(folder)
    assert (code, lines) == (0, [f"all/{name}: read 1, imported 1" for name in ("c.yaml", "within.yaml", "b/z.yaml")])
    assert error == "3 files: read 3, imported 3\n"


def test_other_files_in_it_are_named(call, folder, place):
    (place / "all" / "README").write_text("about")
    code, lines, _ = call(folder)
    assert (code, lines[0]) == (1, "all/README: read 0, imported 0; refused: no recording of a known format")


def test_a_link_that_leads_round_in_circles_is_told(call, folder, place):
    (place / "all" / "round.yaml").symlink_to("round.yaml")
    code, lines, _ = call(folder)
    assert (code, len(lines)) == (1, 4)
    assert "all/round.yaml: read 0, imported 0; refused: Too many levels of symbolic links" in lines


def test_what_is_written_is_not_read(call, folder):
    call(folder, "--into", "all/a.yaml")
    assert call(folder, "--into", "all/a.yaml")[1][0].startswith("all/c.yaml: ")


def test_a_folder_without_a_slash_is_refused(call, folder):
    assert call("all")[1] == ["all: read 0, imported 0; refused: Is a directory"]
    assert call("gone/")[1] == ["gone/: read 0, imported 0; refused: No such file or directory"]


# --- Ctrl-C, and the bar ---------------------------------------------------------------------------------------------


def test_an_interrupt_keeps_what_is_in_and_says_how_far_it_came(call, cassette, monkeypatch):
    begun = Imports._begun

    def interrupted(self, recording):
        if recording.request.json.get("seed") == 3:
            raise KeyboardInterrupt
        return begun(self, recording)

    monkeypatch.setattr(import_reader, "MOST", 2)
    monkeypatch.setattr(Imports, "_begun", interrupted)
    code, lines, _ = call(cassette(*numbered(6)), "other.yaml")
    assert (code, lines) == (
        130,
        ["c.yaml: read 2, imported 2; interrupted: all before #2 is in", "other.yaml: not read"],
    )
    assert len(recordings()) >= 2
    monkeypatch.undo()


def test_a_bar_shows_how_far_it_is_on_a_terminal_only(call, cassette, monkeypatch):
    name = cassette(*numbered(3))
    assert call(name)[2] == ""
    told, size = [], Path(name).stat().st_size
    monkeypatch.setattr("rich.progress.Progress.update", lambda self, task, completed: told.append(completed))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    with import_files.progress(name) as tell, Path(name).open("rb") as source:
        for octets in (1, size):
            source.seek(octets)
            tell(source)
    assert told == [1, size]
