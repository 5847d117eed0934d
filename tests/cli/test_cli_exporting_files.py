"""`llmproxy export --from FILES`: entries of files of any tool, one by one, without their secrets."""

import gc
import json
import sys
import weakref
from pathlib import Path

import pytest
from exported import PLUGIN, exchange
from interactions import ASKED, KEY, SAID, STREAM, entry

from proxy_daemon.cli.export_sources import Found, OfFiles, _labels, file_name
from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.writers import WRITERS, writer_named
from proxy_daemon.core.messages import Recording, Request
from proxy_daemon.core.pattern import Pattern

MANY = [entry({**ASKED, "user": f"u{number}"}) for number in range(5)]


@pytest.fixture
def export(llmproxy, place):
    """`export(*words)` is (exit code, standard output, standard error) of `llmproxy export WORDS`, with a plugin."""
    (place / "lines.py").write_text(PLUGIN)

    def run(*words, form="lines"):
        code, out, err = llmproxy("export", "--format", form, "--plugin", "lines.py", *words)
        return code, "\n".join(out), err

    return run


def users(out):
    """Of which requests there is an answer in a cassette of ours."""
    return [each.request.json["user"] for each in read("c.yaml", out.encode() + b"\n")]


# --- which entries ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--from", "c.yaml"], [0, 1, 2, 3, 4]),
        (["--from", "c.yaml#3"], [3]),
        (["--from", "c.yaml#3", "--from", "c.yaml#0"], [3, 0]),
        (["~b u2", "--from", "c.yaml"], [2]),
        (["!~b u2", "--from", "c.yaml"], [0, 1, 3, 4]),
        (["~c 200", "--from", "c.yaml#1", "c.yaml#2"], [1, 2]),
    ],
)
def test_entries_of_files_in_their_order(export, cassette, words, expected):
    cassette(*MANY)
    code, out, _ = export(*words, form="llmproxy")
    assert (code, users(out)) == (0, [f"u{number}" for number in expected])


def test_a_folder_of_files(export, cassette):
    Path("old/deep").mkdir(parents=True)
    for number, name in enumerate(("old/a.yaml", "old/deep/b.yaml", "old/out.yaml")):
        cassette(MANY[number], name=name)
    code, _, _ = export("--from", "old/", "--output", "old/out.yaml", "--force", form="llmproxy")
    assert (code, users(Path("old/out.yaml").read_text())) == (0, ["u0", "u1"])  # not from the file that it writes


def test_a_file_whose_name_looks_like_an_entry(export, cassette):
    cassette(*MANY, name="c.yaml#1")
    code, out, _ = export("--from", "c.yaml#1", form="llmproxy")
    assert (code, len(users(out))) == (0, 5)


def test_no_store_is_needed(export, cassette, place):
    cassette(*MANY)
    assert export("--from", "c.yaml", "--store", "off")[0] == 0
    assert not list(place.glob("*.db"))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("none.yaml", "No such file"),
        ("c.yaml#5", "it has no entry 5"),
        (".", "Is a directory"),
        ("text.txt", "no recording of a known format"),
        ("a\0b", "null"),
    ],
)
def test_files_that_cannot_be_read(export, cassette, place, word, said):
    (place / "text.txt").write_text("just words")
    cassette(*MANY)
    code, out, err = export("--from", word, "c.yaml#0", form="llmproxy")
    assert (code, users(out)) == (1, ["u0"])
    assert said in err
    assert err.startswith("llmproxy export: not read to its end: ")
    assert export("--from", word, "c.yaml#0", "--skip-refused", form="llmproxy")[0] == 0


def test_a_pipe_is_not_waited_for(export, place):
    import os  # noqa: PLC0415  (of this test only)

    os.mkfifo(place / "pipe")
    code, _, err = export("--from", "pipe")
    assert code == 1
    assert "no regular file" in err


def test_entries_that_are_none_are_told(export, place):
    lines = [{"type": "unknown"}, {"interactions": 3}]
    (place / "c.yaml").write_text(json.dumps({"version": 1, "interactions": [entry(), {"request": 5}, lines]}))
    code, out, err = export("--from", "c.yaml")
    assert (code, out.count("Hello!")) == (1, 1)
    assert "  c.yaml#1: " in err
    assert "  c.yaml#2: " in err


def test_connect_is_no_exchange(export, cassette):
    cassette(entry(method="CONNECT"), entry())
    code, _, err = export("--from", "c.yaml")
    assert code == 1
    assert "c.yaml#0: CONNECT asks a proxy for a tunnel" in err


def test_what_would_not_be_served_is_exported_too(export, cassette):
    cassette(entry(answer={"error": {"message": "slow down"}}, status=429))
    code, out, _ = export("--from", "c.yaml")
    assert code == 0
    assert "slow down" in out


def test_a_folder_names_files_by_their_entries(export, cassette):
    cassette(*MANY[:2])
    Path("other").mkdir()
    Path("other/c.yaml").write_text(Path("c.yaml").read_text())
    assert export("--from", "c.yaml", "--output", "out/")[0] == 0
    assert sorted(each.name for each in Path("out").iterdir()) == ["c-0.txt", "c-1.txt"]
    assert export("--from", "c.yaml", "other/c.yaml#1", "--output", "two/")[0] == 0
    assert sorted(each.name for each in Path("two").iterdir()) == ["c-1-0.txt", "c-1-1.txt", "c-2-1.txt"]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["a.yaml"], ["a"]),
        (["x/a.yaml", "y/a.json"], ["a-1", "a-2"]),
        (["../../.hidden.har"], ["hidden"]),
        (["s p\u202ea ce.har#3"], ["s_p_a_ce"]),
        (["x" * 300], ["x" * 80]),
        ([".."], ["file"]),
    ],
)
def test_names_of_files_make_names(names, labels):
    assert _labels(names) == labels


@pytest.mark.parametrize(
    ("started", "name"), [(1e300, "n"), (float("nan"), "n"), (0.0, "n"), (1.5, "19700101-000001-n")]
)
def test_times_make_names(started, name):
    assert file_name(Found("p", "n", lambda: exchange(1)), exchange(1, started=started)) == name


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", WRITERS)
def test_no_format_gets_a_secret(export, cassette, form):
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": f"my key is {KEY}"}],
        "api_key": "verysecret-0123456789",
    }
    cassette(entry(asked, url=f"https://api.openai.com/v1/chat/completions?key={KEY}"))
    code, _, err = export("--from", "c.yaml", "--output", "out/", form=form)
    written = b"".join(each.read_bytes() for each in Path("out").iterdir())
    assert (code, bool(written)) == (0, True), err
    assert b"verysecret" not in written
    assert b"Hello" in written or form in ("curl", "python", "asgi-replay")  # a request only, or base64


def test_rules_of_ones_own_hold_in_patterns_too(export, place):
    (place / "llmproxy.toml").write_text('[[redact]]\nname = "ticket"\npattern = "TICKET-[0-9]+"\n')
    ours = writer_named("llmproxy")
    asked = b'{"model": "m", "say": "TICKET-4711"}'
    pattern = Pattern(path="/TICKET-1", query=(("q", "TICKET-2"),), body=asked)
    one = exchange(1, pattern=pattern, request=Request(b"POST", b"/v1/TICKET-3", body=Bytes(asked)))
    (place / "c.yaml").write_bytes(ours.head + ours.entry(one).text)
    code, out, err = export("--from", "c.yaml", "--config", "llmproxy.toml", form="llmproxy")
    assert code == 0, err
    assert "pattern" in out
    assert "TICKET-" not in out


def test_secrets_are_numbered_in_our_cassettes_only(export, cassette):
    cassette(entry({**ASKED, "user": KEY}))
    assert "<API_KEY_1>" in export("--from", "c.yaml", form="llmproxy")[1]
    assert "_1>" not in export("--from", "c.yaml", form="har")[1]


# --- all formats -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [name for name in WRITERS if not writer_named(name).single and name != "jsonl"])
def test_what_is_exported_is_read_again(export, cassette, form):
    cassette(entry(), entry({**ASKED, "stream": True}, f"{STREAM}data: [DONE]\n\n", kind="text/event-stream"))
    suffix = writer_named(form).suffix
    code, _, err = export("--from", "c.yaml", "--output", f"out{suffix}", form=form)
    again = list(read(f"out{suffix}", Path(f"out{suffix}").read_bytes()))
    assert code == 0, err
    assert len(again) == 2
    assert all(isinstance(each, Recording) for each in again)
    said = b"".join(chunks(again[0].response.body))
    assert json.loads(said)["choices"][0]["message"]["content"] == SAID["choices"][0]["message"]["content"]


# --- memory ----------------------------------------------------------------------------------------------------------


def test_one_entry_is_held_at_a_time(place):
    """What a reader gives is let go before the next is asked for."""
    seen, alive = [], []

    class Counting:
        name = "counting"

        def recognises(self, file, data):
            return True

        def read(self, file, data):
            for number in range(10):
                one = exchange(number)
                seen.append(weakref.ref(one))
                yield one
                del one
                alive.append(sum(each() is not None for each in seen))

    (place / "f").write_text("x")
    for found in OfFiles(["f"], [Counting()], lambda entry: entry):
        assert found.load().request.method == b"POST"
        del found
    gc.collect()
    assert alive == [0] * 10, sys.getrefcount(seen)
