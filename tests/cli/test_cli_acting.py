"""`llmproxy mark, edit, delete` and the others: what they ask of a daemon, what they print, and when they say no."""

import json
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.cli import acting, editing
from proxy_daemon.cli.asking import NoAnswer
from proxy_daemon.cli.editing import _section, _with_text, _written, placed
from proxy_daemon.cli.main import ACTS, main

ID = "0123456789abcdef"
PAGE = f"/_llmproxy/api/exchanges/{ID}"
ANSWER = {"model": "m-1", "text": "Hello.", "finish": "stop", "usage": "in 3, out 2, total 5"}
NOTED = {"mark": "", "comment": "", "pinned": False}


class Daemon:
    """Plays one. ``answers``: by (method, path), a value or what is raised; ``asked``: what it got."""

    def __init__(self):
        self.answers, self.asked = {}, []

    def ask(self, daemon, method, path, parameters, body=None):
        self.asked.append((method, path, dict(parameters), body))
        found = self.answers.get((method, path), {})
        if isinstance(found, Exception):
            raise found
        return found

    @property
    def changes(self):
        return [each for each in self.asked if each[0] != "GET"]


@pytest.fixture
def daemon(monkeypatch):
    """What the commands ask."""
    found = Daemon()
    for module in (acting, editing):
        monkeypatch.setattr(module, "ask", found.ask)
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    found.answers["GET", f"{PAGE}/answer"] = {"id": ID, "answer": ANSWER, "why_not": ""}
    found.answers["PUT", f"{PAGE}/answer"] = {"id": "f" * 16}
    return found


@pytest.fixture
def call(monkeypatch, capsys):
    """`call(*words)` is (exit code, standard output, standard error)."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", *words])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# --- remarks ---------------------------------------------------------------------------------------------------------

REMARKS = {
    "a mark": (("mark", ID, " odd "), {"mark": "odd"}, NOTED | {"mark": "odd"}, f"{ID}: marked odd\n"),
    "no mark": (("mark", ID, ""), {"mark": ""}, NOTED, f"{ID}: not marked any more\n"),
    "a comment": (("comment", ID, "a\nb"), {"comment": "a\nb"}, NOTED | {"comment": "x"}, f"{ID}: commented\n"),
    "no comment": (("comment", ID, ""), {"comment": ""}, NOTED, f"{ID}: no comment any more\n"),
    "a pin": (("pin", ID), {"pinned": True}, NOTED, f"{ID}: pinned: limits of size and age pass it by\n"),
    "no pin": (("unpin", ID), {"pinned": False}, NOTED, f"{ID}: not pinned any more\n"),
}


@pytest.mark.parametrize(("words", "body", "answer", "printed"), REMARKS.values(), ids=REMARKS)
def test_remarks(daemon, call, words, body, answer, printed):
    daemon.answers["PUT", f"{PAGE}/remark"] = answer
    assert call(*words) == (0, printed, "")
    assert daemon.asked == [("PUT", f"{PAGE}/remark", {}, body)]


def test_short_ids_are_ids(daemon, call):
    daemon.answers["PUT", "/_llmproxy/api/exchanges/00000000000000ab/remark"] = NOTED | {"mark": "x"}
    assert call("mark", "AB", "x")[0] == 0


WRONG = {
    "no id": ("mark", "xyz", "a"),
    "a path": ("pin", "../mode"),
    "a long mark": ("mark", ID, "x" * 17),
    "an escape": ("comment", ID, "\x1b[2J"),
    "no mark at all": ("mark", ID),
    "two ways to edit": ("edit", ID, "--text", "a", "--file", "b"),
    "no editor": ("edit", ID),
    "a file that is not there": ("edit", ID, "--file", "/nowhere/at/all"),
    "no cassette": ("promote", ID),
    "a wrong address": ("mode", "--url", "ftp://x"),
    "an id among others": ("delete", ID, "x", "--yes"),
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_wrong_usage_changes_nothing(daemon, call, words):
    code, out, err = call(*words)
    assert (code, out, daemon.changes) == (2, "", [])
    assert err
    assert "\x1b" not in err


REFUSALS = {
    "mark": ("PUT", "/remark", (ID, "x")),
    "comment": ("PUT", "/remark", (ID, "x")),
    "pin": ("PUT", "/remark", (ID,)),
    "unpin": ("PUT", "/remark", (ID,)),
    "delete": ("DELETE", "", (ID, "--yes")),
    "edit": ("PUT", "/answer", (ID, "--text", "x")),
    "promote": ("PUT", "/cassette", (ID, "--into", "a")),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_the_daemon_refuses_is_no(daemon, call, name):
    method, path, words = REFUSALS[name]
    daemon.answers[method, PAGE + path] = NoAnswer("http://127.0.0.1:8910 answers 404: there is no exchange \x1b[2J")
    code, out, err = call(name, *words)
    assert (code, out) == (1, "")
    assert err.startswith(f"llmproxy {name}: http://127.0.0.1:8910 answers 404: there is no exchange")
    assert "\x1b" not in err


@pytest.mark.parametrize("name", [*REFUSALS, "mode"])
@pytest.mark.parametrize("answer", [None, [], {"id": 5}, "x", {"mode": 1}])
def test_an_answer_of_something_else_is_no(daemon, call, name, answer):
    if name == "delete":
        return
    method, path, words = REFUSALS.get(name, ("GET", "", ()))
    daemon.answers[method, PAGE + path if words else "/_llmproxy/api/mode"] = answer
    assert call(name, *words)[0] == 1


@pytest.mark.parametrize("name", ACTS)
def test_help_teaches(call, name):
    code, out, _ = call(name, "--help")
    assert code == 0
    assert f"llmproxy {name}" in out
    assert "for example:" in out
    assert "exit codes: 0 fine" in out
    assert max(map(len, out.splitlines())) <= 120


def test_the_table_is_what_the_command_knows():
    assert set(acting.ACTS) == set(ACTS)


# --- deleting --------------------------------------------------------------------------------------------------------


def test_deleting_is_a_dry_run_first(daemon, call):
    row = {
        "started": 1_795_255_200.5,
        "status": 200,
        "method": "POST",
        "path": "/v1/x\x1b[2J",
        "model": "m",
        "mark": "odd",
    }
    daemon.answers["GET", PAGE] = row | {"pinned": True, "edited": False}
    code, out, err = call("delete", ID)
    assert (code, err, daemon.changes) == (0, "", [])
    assert out.splitlines()[-1] == "nothing is changed: --yes does it"
    assert out.startswith(f"{ID}: would go: 2026-11-21 10:00:00 200 POST /v1/x")
    assert "(pinned, mark)" in out
    assert "\x1b" not in out
    assert call("delete", ID, "--yes")[:2] == (0, f"{ID}: deleted\n")
    assert call("delete", ID, "--yes", "--force")[0] == 0
    assert daemon.changes == [("DELETE", PAGE, {}, None), ("DELETE", PAGE, {"force": "1"}, None)]


def test_one_that_cannot_be_deleted_stops_no_other(daemon, call):
    daemon.answers["DELETE", PAGE] = NoAnswer("it is pinned")
    code, out, err = call("delete", ID, "a", "--yes")
    assert (code, out, err) == (1, "a: deleted\n", "llmproxy delete: it is pinned\n")


# --- the mode and cassettes ------------------------------------------------------------------------------------------


def test_the_mode(daemon, call):
    daemon.answers["GET", "/_llmproxy/api/mode"] = {"mode": "none", "configured": "none"}
    daemon.answers["PUT", "/_llmproxy/api/mode"] = {"mode": "all", "configured": "none"}
    assert call("mode") == (0, "none\n", "")
    assert call("mode", "all") == (0, "all (until it starts again: then none)\n", "")
    assert daemon.changes == [("PUT", "/_llmproxy/api/mode", {}, {"mode": "all"})]


def test_promoting(daemon, call):
    daemon.answers["PUT", f"{PAGE}/cassette"] = {"place": "a.yaml#0", "before": False}
    assert call("promote", ID, "--into", "a") == (0, "a.yaml#0\n", "")
    daemon.answers["PUT", f"{PAGE}/cassette"] = {"place": "a.yaml#0", "before": True}
    assert call("promote", ID, "--into", "a") == (0, "a.yaml#0: it stands there already\n", "")
    assert daemon.asked[0] == ("PUT", f"{PAGE}/cassette", {"name": "a"}, None)


# --- edits -----------------------------------------------------------------------------------------------------------


def sent(daemon):
    """What it got as the new answer."""
    ((method, path, _, body),) = daemon.changes
    assert (method, path) == ("PUT", f"{PAGE}/answer")
    return body


def test_a_text_in_the_place_of_the_old_one(daemon, call):
    assert call("edit", ID, "--text", "Bye.") == (0, f"{'f' * 16}: is served in the place of {ID}\n", "")
    assert sent(daemon) == ANSWER | {"text": "Bye."}


def test_the_same_text_changes_nothing(daemon, call):
    assert call("edit", ID, "--text", "Hello.") == (0, f"{ID}: nothing is changed\n", "")
    assert daemon.changes == []


def test_a_text_takes_calls_of_tools_away():
    before = {"parts": [{"call": "look", "arguments": "{}"}], "finish": "tool_calls", "model": "m"}
    assert _with_text(before, "No.") == {"text": "No.", "finish": "stop", "model": "m"}
    with pytest.raises(ValueError, match="several choices"):
        _with_text({"choices": []}, "x")


def test_one_that_cannot_be_edited_is_told_before_anything_is_written(daemon, call):
    daemon.answers["GET", f"{PAGE}/answer"] = {"id": ID, "answer": {}, "why_not": "its answer is an error (status 500)"}
    assert call("edit", ID, "--text", "x") == (1, "", "llmproxy edit: its answer is an error (status 500)\n")
    assert daemon.changes == []


FILES = {
    "yaml": "text: |-\n  One.\n  Two.\n",
    "as in a cassette": "answer:\n  text: |-\n    One.\n    Two.\n",
    "json": json.dumps({"text": "One.\nTwo."}),
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file(daemon, call, tmp_path, text):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    assert call("edit", ID, "--file", str(file))[0] == 0
    assert sent(daemon) == {"text": "One.\nTwo."}


@pytest.mark.parametrize("text", ["text: *a", "a: b: c", "text: 'x", "text: a\ntext: b", "\x00"])
def test_a_file_that_is_no_yaml(daemon, call, tmp_path, text):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    code, _, err = call("edit", ID, "--file", str(file))
    assert (code, daemon.changes) == (2, [])
    assert f"--file: {file}" in err


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """`editor(program)`: $EDITOR runs it with the file as `file`, a `Path`; what it was like stands in `seen`."""

    def use(program):
        script = tmp_path / "editor.py"
        keep = f"open({str(tmp_path / 'seen')!r}, 'a').write(str(file) + chr(10))\n"
        script.write_text(f"import sys, pathlib\nfile = pathlib.Path(sys.argv[-1])\n{keep}{program}\n")
        monkeypatch.setenv("EDITOR", f"'{sys.executable}' '{script}'")

    return use


def seen(tmp_path):
    """The files that were edited, one a time."""
    return [Path(line) for line in (tmp_path / "seen").read_text().splitlines()]


def test_in_an_editor(daemon, call, editor, tmp_path):
    editor("file.write_text(file.read_text().replace('Hello.', 'Bye.\\n    Now.'))")
    code, out, err = call("edit", ID)
    assert (code, err) == (0, "")
    assert out == f"{'f' * 16}: is served in the place of {ID}\n"
    assert sent(daemon) == ANSWER | {"text": "Bye.\nNow."}
    assert not seen(tmp_path)[0].parent.exists(), "it is gone afterwards"


def test_nobody_else_can_read_what_is_edited(daemon, call, editor, tmp_path):
    editor(f"open({str(tmp_path / 'bits')!r}, 'w').write(oct(file.parent.stat().st_mode))")
    assert call("edit", ID)[:2] == (0, f"{ID}: nothing is changed\n")
    assert stat.S_IMODE(int((tmp_path / "bits").read_text(), 8)) == 0o700
    assert daemon.changes == []


def test_a_wrong_answer_is_told_with_its_line_and_stays(daemon, call, editor, tmp_path):
    editor("file.write_text(file.read_text().replace('finish: stop', 'finish: 5'))")
    daemon.answers["PUT", f"{PAGE}/answer"] = NoAnswer("http://127.0.0.1:8910 answers 400: answer.finish: no text")
    code, out, err = call("edit", ID)
    (file,) = seen(tmp_path)
    line = next(at for at, each in enumerate(file.read_text().splitlines(), 1) if "finish" in each)
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == f"llmproxy edit: line {line}: answer.finish: no text"
    assert err.splitlines()[1].endswith(f"what was written is in {file}")
    assert "finish: 5" in file.read_text()


def test_on_a_terminal_it_can_be_edited_again(daemon, call, editor, tmp_path, monkeypatch):
    editor("text = file.read_text(); file.write_text('answer: [' if 'Hello' in text else 'answer: {text: Better.}')")
    lines = iter(["\n", "n\n"])
    monkeypatch.setattr(
        sys, "stdin", type("Terminal", (), {"isatty": lambda self: True, "readline": lambda self: next(lines)})()
    )
    code, _, err = call("edit", ID)
    assert code == 0
    assert sent(daemon) == {"text": "Better."}
    assert err.count("edit it again? [Y/n]") == 1
    assert len(seen(tmp_path)) == 2


def test_who_does_not_go_on_keeps_what_was_written(daemon, call, editor, tmp_path, monkeypatch):
    editor("file.write_text('answer: [')")
    monkeypatch.setattr(
        sys, "stdin", type("Terminal", (), {"isatty": lambda self: True, "readline": lambda self: "no\n"})()
    )
    assert call("edit", ID)[0] == 1
    assert (seen(tmp_path)[0].read_text(), daemon.changes) == ("answer: [", [])


EDITORS = {
    "one that fails": (f"'{sys.executable}' -c 'raise SystemExit(3)'", 1, "ended with 3"),
    "one that is not there": ("/nowhere/at/all", 1, "cannot be used"),
    "an open quote": ("'vi", 2, "set $VISUAL or $EDITOR"),
    "none": ("", 2, "set $VISUAL or $EDITOR"),
}


@pytest.mark.parametrize(("command", "code", "words"), EDITORS.values(), ids=EDITORS)
def test_editors_that_do_not_work(daemon, call, monkeypatch, command, code, words):
    monkeypatch.setenv("VISUAL", command)
    found, _, err = call("edit", ID)
    assert (found, words in err, daemon.changes) == (code, True, [])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": st.text(max_size=20),
            "text": st.text(),
            "finish": st.sampled_from(["stop", "length"]),
            "parts": st.lists(st.fixed_dictionaries({"text": st.text()}), max_size=3),
        },
    )
)
def test_what_an_editor_shows_comes_back_as_it_is(before):
    try:
        data = _written(before, ID)
    except NoAnswer:
        return
    shown = _section(data)
    assert shown == before or any("\ud800" <= sign <= "\udfff" for sign in json.dumps(before, ensure_ascii=False))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("answer.text: no text", "line 3: answer.text: no text"),
        ("it is busy", "it is busy"),
        ("answer: x", "line 2: answer: x"),
    ],
)
def test_places(reason, told):
    assert placed(reason, b"# head\nanswer:\n  text: 5\n") == told
