"""`llmproxy export`: what comes out of a store, in which order, and what is told of what does not."""

import re
import stat
import sys
from pathlib import Path

import pytest
from exported import PLUGIN, exchange, put, raw

from proxy_daemon.cli import export_sources
from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.writers import WRITERS
from proxy_daemon.core.messages import Ending, Outcome, Request, id_text


@pytest.fixture
def export(llmproxy, place):
    """`export(*words)` is (exit code, standard output, standard error) of `llmproxy export WORDS`, with a plugin."""
    (place / "lines.py").write_text(PLUGIN)

    def run(*words, form="lines", store="s.db"):
        chosen = ("--format", form) if form else ()
        code, out, err = llmproxy("export", *words, *chosen, "--store", store, "--plugin", "lines.py")
        return code, "\n".join(out), err

    return run


def there(folder):
    """What stands in it, but for what Python makes beside a plugin that it has read."""
    return sorted(each.name for each in folder.iterdir() if each.name != "__pycache__")


def told(number, text):
    return f"{id_text(number)}:{text}"


# --- which, and in which order ---------------------------------------------------------------------------------------


def test_all_of_a_store_oldest_first(export):
    put("s.db", *[exchange(each, response=raw(b"say %d" % each)) for each in (3, 1, 2)])
    code, out, err = export()
    assert (code, out) == (0, f"<{told(1, 'say 1')},{told(2, 'say 2')},{told(3, 'say 3')}>")
    assert err == "3 exchanges written as lines to standard output\n"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["needle"], [2]),
        (["~said", "needle"], [2]),
        (["!needle"], [1, 3]),
        (["~c 200"], [1, 2, 3]),
        ([id_text(3)], [3]),
        ([id_text(3), id_text(1)], [3, 1]),
        ([id_text(3), id_text(1), id_text(3)], [3, 1]),
        ([" "], [1, 2, 3]),
    ],
)
def test_filters_and_ids(export, words, numbers):
    put("s.db", exchange(1), exchange(2, "a Needle here"), exchange(3))
    code, out, _ = export(*words)
    assert (code, [int(each, 16) for each in re.findall(r"[0-9a-f]{16}", out)]) == (0, numbers)


def test_more_than_a_page_of_ids(export, monkeypatch):
    monkeypatch.setattr(export_sources, "MOST", 3)
    monkeypatch.setattr(export_sources, "_AT_ONCE", 3)
    put("s.db", *map(exchange, range(20)))
    for words in ([], ["~c 200"]):
        _, out, _ = export(*words)
        assert [int(each, 16) for each in re.findall(r"[0-9a-f]{16}", out)] == [*range(20)]


def test_where_no_index_can_be_made_each_is_asked(export, monkeypatch):
    def fail(*_):
        raise OSError("a folder that may only be read")

    monkeypatch.setattr("proxy_daemon.store.catalogue.file.Catalogue.add", fail)
    put("s.db", exchange(1), exchange(2, "a needle"))
    code, out, err = export("needle")
    assert (code, re.findall(r"[0-9a-f]{16}", out)) == (0, [id_text(2)])
    assert err.startswith("1 exchange written")


def test_a_hit_says_what_answered_it(export):
    answer = exchange(1, "the question", response=raw(b"the answer"))
    bodiless = Request(b"POST", b"/v1/chat/completions", answer.request.headers, EMPTY)
    put("s.db", answer, exchange(2, request=bodiless, response=None, outcome=Outcome.HIT, served_from=1))
    assert export(id_text(2))[1] == f"<{told(2, 'the answer')}>"


def test_the_built_in_formats_are_read_again(export):
    put("s.db", exchange(1, "what now?"), exchange(2))
    code, out, _ = export(form="llmproxy")
    again = list(read("c.yaml", (out + "\n").encode()))
    assert code == 0
    assert [each.request.json["messages"][0]["content"] for each in again] == ["what now?", "hello"]


DIALECT = """
import re
from proxy_daemon.core.conversation import Conversation, Message, Text
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.hookspecs import hookimpl

class Shout(OpenAIChat):
    name, paths, operations = "shout", re.compile(rb"/shout$"), re.compile(rb"/(?P<chat>shout)$")

    def conversation(self, request):
        return Conversation((Message("user", (Text("as the plugin read it"),)),))

@hookimpl
def llmproxy_dialects():
    return [Shout()]
"""


def test_dialects_of_plugins_read_what_is_said(export, place):
    (place / "shout.py").write_text(DIALECT)
    one = exchange(1)
    put("s.db", exchange(1, request=Request(b"POST", b"/v1/shout", one.request.headers, one.request.body)))
    code, out, err = export("--plugin", "shout.py", form="jsonl")
    assert (code, "as the plugin read it" in out) == (0, True), err


# --- what is left out, or lost ---------------------------------------------------------------------------------------


def test_what_is_left_out_is_told(export):
    gone = exchange(2, response=None, ending=Ending.FAILED, status=502)
    put("s.db", exchange(1, response=raw(b"x")), gone)
    code, out, err = export()
    assert (code, out) == (1, f"<{told(1, 'x')}>")
    assert err.splitlines() == [
        "1 exchange written as lines to standard output, 1 left out",
        "left out:",
        f"  {id_text(2)}: it has no answer",
    ]
    assert export("--skip-refused")[:2] == (0, out)


def test_many_of_one_reason_are_summarised(export):
    put("s.db", exchange(99), *[exchange(each, response=None) for each in range(12)])
    _, _, err = export()
    assert err.count(": it has no answer") == 6
    assert "  and 7 more: it has no answer\n" in err


def test_losses_are_counted(export):
    fields = [(b"X-Loss", b"the colour"), (b"X-Loss", b"the \x1b[2J smell")]
    put("s.db", exchange(1, fields=fields), exchange(2, fields=fields[:1]), exchange(3))
    code, _, err = export()
    assert code == 0
    assert err.splitlines()[1:] == [
        "cannot be said in lines:",
        "  the colour: 2 of them",
        "  the \\x1b[2J smell: 1 of them",
    ]


@pytest.mark.parametrize(
    ("kind", "said"),
    [(b"os", "cannot be read: gone"), (b"exit", "failed with SystemExit"), (b"key", "failed with KeyError")],
)
def test_a_format_that_raises_loses_one_exchange(export, kind, said):
    put("s.db", exchange(1, fields=[(b"X-Raise", kind)]), exchange(2, response=raw(b"x")))
    code, out, err = export()
    assert (code, out) == (1, f"<{told(2, 'x')}>")
    assert said in err
    assert "secret" not in err


@pytest.mark.parametrize(
    "given",
    ["None", "'text'", "WrittenEntry('text')", "WrittenEntry(b'x', (3,))", "WrittenEntry(b'x', (), {'a': 'b'})"],
)
def test_a_format_that_gives_no_entry_loses_it(export, place, given):
    (place / "odd.py").write_text(
        PLUGIN.replace('"lines"', '"odd"').replace("        losses, files", f"        return {given}\n#")
    )
    put("s.db", exchange(1))
    code, out, err = export("--plugin", "odd.py", form="odd")
    assert (code, out) == (1, "")
    assert f"{id_text(1)}: the format gave what is no entry" in err


@pytest.mark.parametrize(("part", "other"), [('b"<>"', '"<>"'), ('".txt"', "None")])
def test_a_format_with_parts_of_other_types_is_refused(export, place, part, other):
    (place / "odd.py").write_text(PLUGIN.replace('"lines"', '"odd"').replace(part, other))
    put("s.db", exchange(1))
    code, out, err = export("--plugin", "odd.py", form="odd")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "the format odd is none" in err


@pytest.mark.parametrize("suffix", ["/../../x", "\0", "/x", "\x1b"])
def test_a_suffix_leads_nowhere(export, place, suffix):
    (place / "odd.py").write_text(PLUGIN.replace('"lines"', '"odd"').replace('".txt"', repr(suffix)))
    put("s.db", exchange(1))
    before = sorted(place.parent.iterdir())
    assert export("--plugin", "odd.py", "--output", "made/", form="odd")[0] == 1
    assert not (place / "made").exists()
    assert sorted(place.parent.iterdir()) == before


def test_an_id_that_is_not_there(export):
    put("s.db", exchange(1))
    code, out, err = export(id_text(7))
    assert (code, out) == (1, "")
    assert f"{id_text(7)}: it is gone, or was never there" in err


@pytest.mark.parametrize(("words", "code", "out"), [((), 1, ""), (("--skip-refused",), 0, "<>")])
def test_nothing_to_export(export, words, code, out):
    put("s.db")
    assert export("~c 500", *words)[:2] == (code, out)
    assert export("~c 500", *words, "--output", "o.txt")[0] == code
    assert Path("o.txt").exists() == bool(out)


def test_a_damaged_row_is_left_out(export, place):
    import sqlite3  # noqa: PLC0415  (of this test only)

    put("s.db", exchange(1, response=raw(b"x")), exchange(2))
    with sqlite3.connect("s.db") as connection:
        connection.execute("UPDATE exchange SET facts = '{' WHERE id = 2")
    connection.close()
    code, out, err = export()
    assert (code, out) == (1, f"<{told(1, 'x')}>")
    assert f"{id_text(2)}: the store is damaged there" in err


# --- wrong usage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["hra", "HAR", "jsnol"])
def test_an_unknown_format_names_all_and_one_that_is_near(export, word):
    code, out, err = export(form=word)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert all(name in err for name in [*WRITERS, "lines", "single"])
    assert f"did you mean {'har' if 'h' in word.lower() else 'jsonl'}?" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["~nope x"], "~nope"),
        (["~c 200 (("], "\n  ~c 200 ((\n"),
        ([id_text(1), "--from", "x.har"], "FILE#n names an entry"),
        (["--from", ""], "'' is no file"),
        (["--what"], "unrecognized"),
        (["--on-secret", "hide"], "invalid choice"),
        (["--output", ""], "no name of a file"),
    ],
)
def test_wrong_usage(export, words, said):
    put("s.db", exchange(1))
    code, out, err = export(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_format_must_be_named(export):
    code, _, err = export(form="")
    assert code == 2
    assert "--format" in err


@pytest.mark.parametrize(("store", "code"), [("none.db", 1), ("off", 2), ("text.db", 1)])
def test_no_store(export, store, code):
    Path("text.db").write_text("no store at all")
    found, out, err = export("--output", "o.txt", store=store)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith("llmproxy export: ")
    assert not Path("o.txt").exists()


def test_help_teaches(llmproxy):
    code, lines, _ = llmproxy("export", "--help")
    text = "\n".join(lines)
    assert code == 0
    assert all(re.search(rf"(?m)^  {name} +\S", text) for name in WRITERS)
    assert "llmproxy export --format har --output all.har" in text


def test_a_dry_run_says_all_and_writes_nothing(export, place):
    put("s.db", exchange(1, fields=[(b"X-Loss", b"the colour")]), exchange(2, response=None))
    before = there(place)
    code, out, err = export("--dry-run", "--output", "new/")
    assert (code, out) == (1, "")
    assert err.startswith("1 exchange would be written as lines to new/, 1 left out\n")
    assert "the colour: 1 of them" in err
    assert there(place) == before
    assert export("--dry-run", "--skip-refused")[:2] == (0, "")


# --- secrets ---------------------------------------------------------------------------------------------------------

KEY = "sk-proj-" + "Ab3" * 16
OCTETS = b"\0\x01\x02" + KEY.encode() + b"\xff\0"


def test_rules_that_came_after_recording_hold(export, place):
    (place / "llmproxy.toml").write_text('[[redact]]\nname = "ticket"\npattern = "TICKET-[0-9]+"\n')
    put("s.db", exchange(1, "of TICKET-4711", detail="TICKET-4712", response=raw(b"it is TICKET-4713")))
    for form in ("lines", "llmproxy", "har"):
        code, out, _ = export("--config", "llmproxy.toml", form=form)
        assert code == 0
        assert "TICKET-" not in out
    assert "TICKET-4713" in export()[1]


def test_keys_that_were_recorded_are_taken_out(export):
    put(
        "s.db",
        exchange(1, response=raw(b"use " + KEY.encode())),
        exchange(2, fields=[(b"Authorization", KEY.encode())]),
    )
    for form in ("lines", "llmproxy"):
        code, out, err = export(form=form)
        assert (code, KEY in out + err) == (0, False)
    assert KEY in export("--on-secret", "record")[1]


@pytest.mark.parametrize(("policy", "code", "there"), [("redact", 0, True), ("record", 0, True), ("refuse", 1, False)])
def test_what_cannot_be_altered_is_told_or_left_out(export, policy, code, there):
    put("s.db", exchange(1, response=raw(OCTETS, b"application/octet-stream")))
    found, _, err = export("--on-secret", policy, "--output", "o.txt")
    assert (found, Path("o.txt").exists()) == (code, there)
    assert KEY not in err
    assert ("it looks like a secret, and is in the export:" in err) == there
    assert f"{id_text(1)}: " in err
    assert "the answer's body" in err


def test_a_large_body_that_may_hold_a_secret_is_left_out(export, monkeypatch):
    monkeypatch.setattr("proxy_daemon.core.inspecting.opened.JSON_LIMIT", 100_000)
    put(
        "s.db",
        exchange(1, response=raw(b"x" * 200_000 + b" " + KEY.encode())),
        exchange(2, response=raw(b"y" * 200_000)),
    )
    code, out, err = export()
    assert (code, out.count("y"), out.count("x")) == (1, 200_000, 0)
    assert f"{id_text(1)}: its answer's body may hold a secret" in err


# --- memory ----------------------------------------------------------------------------------------------------------


def test_one_recording_is_held_at_a_time(export, place):
    (place / "counting.py").write_text(
        "import weakref\n"
        + PLUGIN.replace('"lines"', '"counting"')
        .replace('"single"', '"other"')
        .replace(
            "        request, response = recording.request, recording.response\n",
            "        request, response = recording.request, recording.response\n"
            "        seen.append(weakref.ref(recording.request))\n"
            "        alive.append(sum(each() is not None for each in seen))\n",
        )
        + "\nseen, alive = [], []\n"
    )
    put("s.db", *[exchange(each, str(each), response=raw(b"%d" % each * 100_000)) for each in range(10)])
    for words in ([], ["~c 200"], ["--output", "o.txt"], ["--output", "folder/"]):
        code, _, _ = export("--plugin", "counting.py", *words, form="counting")
        counting = next(
            each for each in sys.modules.values() if str(getattr(each, "__file__", "")).endswith("/counting.py")
        )
        assert (code, set(counting.alive)) == (0, {1})


# --- the bar ---------------------------------------------------------------------------------------------------------


def test_a_bar_on_a_terminal_only(export, monkeypatch):
    put("s.db", *map(exchange, range(3)))
    assert "exporting" not in export("--output", "one.txt")[2]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, _, err = export("--output", "two.txt")
    assert code == 0
    assert "exporting" in err
    assert "3/3" in err


def test_files_are_private(export):
    put("s.db", exchange(1))
    export("--output", "o.txt")
    export("--output", "folder/")
    assert stat.S_IMODE(Path("o.txt").stat().st_mode) == 0o600
    assert stat.S_IMODE(Path("folder").stat().st_mode) == 0o700
