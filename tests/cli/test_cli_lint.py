"""`llmproxy lint`: its lines, its exit codes, and that nothing is changed."""

import json

import pytest
from care_files import KEY, NOT_NAMED, asked, line_of, put, put_picture

from proxy_daemon.core.care.findings import KINDS
from proxy_daemon.core.care.unused import moment

DAMAGE = b"---\nrequest: 1\n...\n"


def kinds(lines):
    return [line.split(":")[2].strip() for line in lines]


def test_a_good_file(llmproxy, place):
    put(place, asked(), asked("rain"), asked("rain", "Snow."))
    before = (place / "c.yaml").stat()
    assert llmproxy("lint", "c.yaml") == (0, [], "")
    assert (place / "c.yaml").stat().st_mtime_ns == before.st_mtime_ns


def test_all_of_it_by_line(llmproxy, place):
    path = put(place, asked(), asked("rain"), asked(), more=DAMAGE)
    data = path.read_bytes().replace(b"rain?", KEY.encode() + b"?").replace(b"    Paris.\n", b"    Rome.\n", 1)
    path.write_bytes(data)
    (place / NOT_NAMED).write_bytes(b"1234")
    code, lines, said = llmproxy("lint", "c.yaml")
    assert (code, said) == (1, "")
    answer, secret = (
        line_of(data, b"text: |-\n    Rome."),
        data[: data.index(b"---\n", data.index(b"Rome."))].count(b"\n"),
    )
    assert lines[0].startswith(f"c.yaml:{answer}: answer: answer.text: not what was recorded: write `edited: true`")
    assert lines[1] == f"c.yaml:{secret + 1}: secret: the request's body, messages.0.content: Groq key (gsk_...)"
    assert lines[2] == f"c.yaml:{line_of(data, b'request: 1')}: damaged: request: no mapping"
    assert lines[3] == f"{place / NOT_NAMED}:1: orphan: 4 octets that no cassette here names"
    assert len(lines) == 4
    assert path.read_bytes() == data


def test_duplicates(llmproxy, place):
    path = put(place, asked(), asked("rain"), asked())
    second = path.read_bytes().split(b"---\n")
    line = b"---\n".join(second[:3]).count(b"\n") + 1
    assert llmproxy("lint", "c.yaml") == (
        1,
        [f"c.yaml:{line}: duplicate: the same request and the same answer as in line 2"],
        "",
    )


def test_secrets_that_stand_in_no_recording(llmproxy, place):
    path = put(place, asked())
    data = path.read_bytes().replace(b"---\n", b"---\n# " + KEY.encode() + b"\n", 1)
    path.write_bytes(data)
    code, lines, _ = llmproxy("lint", "c.yaml")
    assert (code, lines) == (1, ["c.yaml:3: secret: line 3: Groq key (gsk_...)"])


def test_a_file_beside_that_is_missing_or_changed(llmproxy, place):
    path, beside = put_picture(place)
    assert llmproxy("lint", "c.yaml") == (0, [], "")
    line = line_of(path.read_bytes(), b"file: ")
    data = beside.read_bytes()
    for change in (lambda: beside.write_bytes(data[1:]), beside.unlink):
        change()
        code, lines, _ = llmproxy("lint", "c.yaml")
        assert code == 1
        assert lines[0].startswith(f"c.yaml:{line}: missing: ")
        assert beside.name in lines[0]


def test_a_file_beside_is_looked_for_where_a_link_leads(llmproxy, place):
    (place / "real").mkdir()
    put_picture(place / "real")
    (place / "link.yaml").symlink_to("real/c.yaml")
    assert llmproxy("lint", "link.yaml") == (0, [], "")


@pytest.mark.parametrize("version", [b"2", b"0", b"77"])
def test_another_version(llmproxy, place, version):
    path = put(place, asked())
    path.write_bytes(path.read_bytes().replace(b"cassette 1", b"cassette " + version, 1))
    code, lines, _ = llmproxy("lint", "c.yaml")
    assert code == 1
    assert kinds(lines) == ["version"]
    assert lines[0].startswith("c.yaml:1: version: ")
    assert f"version {version.decode()}" in lines[0]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"words", "known format"),
        (b'{"version": 1, "interactions": []}', "no cassette of llmproxy's own"),
        (None, "No such file"),
    ],
)
def test_what_is_none_is_said_and_the_rest_is_looked_at(llmproxy, place, data, why):
    if data is not None:
        (place / "x.yaml").write_bytes(data)
    put(place, asked(), asked())
    code, lines, said = llmproxy("lint", "x.yaml", "c.yaml")
    assert (code, kinds(lines)) == (1, ["duplicate"])
    assert why in said
    assert "x.yaml" in said


def test_what_is_damaged_before_the_first_document(llmproxy, place):
    path = put(place, asked())
    path.write_bytes(path.read_bytes().replace(b"---\n", b"words\n---\n", 1))
    code, lines, _ = llmproxy("lint", "c.yaml")
    assert (code, lines) == (1, ["c.yaml:2: damaged: text before the first `---`"])


def test_a_tail_that_a_crash_left_is_told_and_stays(llmproxy, place):
    path = put(place, asked(), asked("rain"))
    path.write_bytes(path.read_bytes()[:-60])
    before = path.read_bytes()
    code, lines, _ = llmproxy("lint", "c.yaml")
    assert (code, kinds(lines)) == (1, ["damaged"])
    assert path.read_bytes() == before
    assert [each.name for each in place.iterdir()] == ["c.yaml"]


@pytest.mark.parametrize(("ignored", "left"), [("duplicate", ["damaged"]), ("damaged,orphan", ["duplicate"])])
def test_kinds_can_be_ignored(llmproxy, place, ignored, left):
    put(place, asked(), asked(), more=DAMAGE)
    code, lines, _ = llmproxy("lint", "--ignore", ignored, "c.yaml")
    assert (code, kinds(lines)) == (1, left)
    assert llmproxy("lint", "--ignore", ",".join(KINDS), "c.yaml")[:2] == (0, [])


@pytest.mark.parametrize(
    "words",
    [(), ("--ignore", "everything", "c"), ("--wrong", "c"), ("--cassette", "x", "c"), ("--used-by", "http://a b", "c")],
)
def test_wrong_usage(llmproxy, words):
    code, lines, said = llmproxy("lint", *words)
    assert (code, lines) == (2, [])
    assert said


def test_help_names_every_kind(llmproxy):
    code, lines, _ = llmproxy("lint", "--help")
    assert code == 0
    assert all(any(line.split()[:1] == [kind] for line in lines) for kind in KINDS)


def test_a_name_that_steers_the_terminal(llmproxy, place):
    put(place, asked(), asked(), name="a\x1b[2J.yaml")
    assert "\x1b" not in "".join(llmproxy("lint", "a\x1b[2J.yaml")[1])


# --- what nobody asked for -------------------------------------------------------------------------------------------


def listed(one):
    path, started = one.request.target.decode(), moment(one.started)
    return {"id": "1", "method": "POST", "path": path, "model": "gpt-4o", "recorded": started}


def put_verdict(place, *unused, exchanges=1, **changes):
    names = ("hits", "near", "misses", "refused", "collapsed", "live", "failed")
    told = {"count": len(unused), "at_most": False, "first": [listed(one) for one in unused]} | changes
    session = {"session": "", "exchanges": exchanges, **dict.fromkeys(names, 0), "unused": told}
    session |= {"reports": [], "reports_left_off": 0}
    (place / "v.json").write_text(json.dumps({"sessions": [session], "beyond": None}))
    return "v.json"


def test_unused_by_the_verdict_in_a_file(llmproxy, place):
    used, unused = asked(started=1.0), asked("rain", started=2.0)
    path = put(place, used, unused)
    line = path.read_bytes().rpartition(b"---\n")[0].count(b"\n") + 1
    code, lines, said = llmproxy("lint", "--used-by", put_verdict(place, unused), "c.yaml")
    assert (code, said) == (1, "")
    assert lines == [f"c.yaml:{line}: unused: nobody asked for it: POST /v1/chat/completions gpt-4o"]


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (
            lambda place: put_verdict(place, asked(started=9.0)),
            "1 recordings that the verdict calls unused are in none",
        ),
        (lambda place: put_verdict(place, asked(started=1.0)), "are like others that were used"),
        (lambda place: put_verdict(place, count=3), "3 recordings are unused that the verdict does not list"),
        (lambda place: put_verdict(place, exchanges=0), "nothing was asked"),
        (lambda place: put_verdict(place, at_most=True), "does not know all"),
        (lambda _: "none.json", "none.json"),
        (lambda _: "c.yaml", "no JSON"),
        (lambda place: (place / "v.json").write_text("{}") and "v.json", "no verdict"),
        (lambda _: "http://127.0.0.1:1", "does not answer"),
    ],
)
def test_a_verdict_that_does_not_say_it(llmproxy, place, verdict, why):
    put(place, asked(started=1.0), asked(said="Rome.", started=1.0))
    code, lines, said = llmproxy("lint", "--used-by", verdict(place), "c.yaml")
    assert (code, lines) == (1, [])
    assert why in said


def test_unused_by_a_daemon(llmproxy, place, daemon):
    file = place / "c.yaml"
    one = daemon("--upstream", "demo:", "--cassette", str(file), "--mode", "once")
    for text in ("one", "two", "three"):
        one.chat(text)
    one.stop()
    again = daemon("--upstream", "demo:", "--cassette", str(file), "--mode", "none")
    again.chat("two")
    code, lines, said = llmproxy("lint", "--used-by", again.url, "c.yaml")
    assert (code, kinds(lines), said) == (1, ["unused", "unused"], "")
    assert llmproxy("prune", "--used-by", again.url, "--yes", "c.yaml")[0] == 0
    again.stop()
    assert [word in file.read_text() for word in ("content: one\n", "content: two\n", "content: three\n")] == [
        False,
        True,
        False,
    ]
