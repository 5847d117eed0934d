"""`llmproxy import`: what was imported answers from a real daemon; nothing twice, no secret, nothing in silence."""

import json
import os
import sqlite3
import stat
import sys
import time
from contextlib import closing

import pytest
from interactions import ASKED, JSON, KEY, SAID, SSE, STREAM, entry, recordings
from rig import LIMIT

from proxy_daemon.cli.main import main
from proxy_daemon.core.messages import Unknown

# --- it answers ------------------------------------------------------------------------------------------------------


def test_a_daemon_without_a_network_answers_with_it(daemon, call, cassette, place):
    stream = entry(ASKED | {"stream": True}, STREAM + "data: [DONE]\n\n", kind=SSE)
    assert call(cassette(entry(), stream))[:2] == (0, ["c.yaml: read 2, imported 2"])
    proxy = daemon("--mode", "none", store=place / "s.db")
    asked = json.dumps(ASKED), {"Content-Type": JSON, "Authorization": "Bearer another"}
    status, headers, body = proxy.request("POST", "/v1/chat/completions", *asked)
    assert (status, json.loads(body), "hit" in headers["Cache-Status"]) == (200, SAID, True)
    assert "Set-Cookie" not in headers
    streamed = json.dumps(ASKED | {"stream": True}), asked[1]
    assert proxy.request("POST", "/v1/chat/completions", *streamed)[2].decode() == STREAM + "data: [DONE]\n\n"


def test_one_of_an_upstream_of_its_own_answers_where_that_is_named(daemon, call, cassette, place):
    named = "house=https://llm.example.com/api/v1"
    name = cassette(entry(url="https://llm.example.com/api/v1/chat/completions"))
    assert call(name, "--as", named)[0] == 0
    proxy = daemon("--mode", "none", "--upstream", named, store=place / "s.db")
    asked = json.dumps(ASKED), {"Content-Type": JSON}
    assert proxy.request("POST", "/v1/chat/completions", *asked)[0] == 200
    assert proxy.request("POST", "/_llmproxy/to/house/v1/chat/completions", *asked)[0] == 200
    other = daemon("--mode", "none", "--upstream", "other=https://llm.example.com/api/v1", store=place / "s.db")
    assert other.request("POST", "/v1/chat/completions", *asked)[0] == 424


def test_a_daemon_that_runs_learns_of_it_and_goes_on(daemon, call, cassette, place):
    proxy = daemon("--upstream", "demo:", store=place / "s.db")
    assert proxy.chat("before")[0] == 200
    assert call(cassette(entry()), "--as", "demo:")[:2] == (0, ["c.yaml: read 1, imported 1"])
    only = {"Content-Type": JSON, "Cache-Control": "only-if-cached"}
    deadline = time.monotonic() + LIMIT
    while (found := proxy.request("POST", "/v1/chat/completions", json.dumps(ASKED), only))[0] != 200:
        assert time.monotonic() < deadline, "the daemon never learnt of it"
    assert json.loads(found[2]) == SAID
    assert proxy.chat("before")[1]["Cache-Status"] == "llmproxy; hit"
    assert proxy.get("/_llmproxy/api/stats")["store"]["trouble"] == ""


def served(proxy, times, **headers):
    """The ids of so many answers to one request."""
    fields = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    asked = json.dumps(ASKED), fields
    return [json.loads(proxy.request("POST", "/v1/chat/completions", *asked)[2])["id"] for _ in range(times)]


def test_answers_to_one_request_are_served_in_order_then_the_last(daemon, call, cassette, place):
    first, second = SAID, SAID | {"id": "chatcmpl-2"}
    assert call(cassette(*[entry(answer=each) for each in (first, first, second)]))[0] == 0
    proxy = daemon("--mode", "none", store=place / "s.db")
    assert served(proxy, 4) == [SAID["id"], SAID["id"], "chatcmpl-2", "chatcmpl-2"]
    assert served(proxy, 1, X_LLMProxy_Session="another") == [SAID["id"]]


@pytest.mark.parametrize(("given", "kept"), [((), None), (("--session", "mine"), "mine"), (("--session", ""), "")])
def test_the_session_is_the_files_name_or_what_is_said(call, cassette, given, kept):
    file = cassette(entry())
    assert call(*given, file)[0] == 0
    assert [recording.session for recording, _ in recordings()] == [str(file) if kept is None else kept]


def test_a_file_is_its_own_session(daemon, call, cassette, place):
    one, other = cassette(entry()), cassette(entry(answer=SAID | {"id": "b"}), name="other.json")
    assert call(one, other)[0] == 0
    proxy = daemon("--mode", "none", store=place / "s.db")
    assert served(proxy, 2, X_LLMProxy_Session=str(other)) == ["b", "b"]
    assert served(proxy, 2, X_LLMProxy_Session=str(one)) == [SAID["id"]] * 2


# --- what is written -------------------------------------------------------------------------------------------------


def test_no_secret_reaches_the_disk(call, cassette, place):
    token = entry(answer={"access_token": "verysecret0123456789"}, url=f"https://a.example/x?api_key={KEY}")
    assert call(cassette(entry(), token))[0] == 0
    assert all(b"verysecret" not in file.read_bytes() for file in place.glob("s.db*"))
    assert all(recording.redacted for recording, _ in recordings())
    assert stat.S_IMODE((place / "s.db").stat().st_mode) == 0o600


def test_what_is_not_known_stays_so(call, cassette):
    call(cassette(entry() | {"recorded_at": "2024-05-06T07:08:09"}, entry(answer=SAID | {"id": "x"})))
    (told, _), (untold, _) = recordings()
    assert (told.started, untold.started) == (1714979289.0, 0.0)
    assert Unknown.TIME not in told.unknown
    assert untold.unknown == {Unknown.TIME, Unknown.DURATION, Unknown.PIECES}
    assert told.imported > 1.7e9
    assert told.upstream.host == "api.openai.com"
    assert told.model == "gpt-4o-mini"


def test_the_limit_of_age_counts_from_the_import(daemon, call, cassette, place):
    call(cassette(entry()))
    proxy = daemon("--store-max-age", "1h", "--upstream", "demo:", store=place / "s.db")
    assert proxy.chat("a look of the writing thread follows")[0] == 200
    proxy.stop()
    assert [recording.imported > 0 for recording, _ in recordings()] == [True, False]


def test_nothing_comes_in_twice(call, cassette):
    name = cassette(entry(), entry(ASKED | {"n": 2}))
    assert call(name)[1] == ["c.yaml: read 2, imported 2"]
    assert call(name)[:2] == (0, ["c.yaml: read 2, imported 0, 2 imported before"])
    assert call(name, name)[1][1] == "c.yaml: read 2, imported 0, 2 imported before"
    assert call(name, "--as", "x=https://x.example")[1] == ["c.yaml: read 2, imported 2"]
    assert len(recordings()) == 4


def test_ids_are_in_the_order_of_the_file(call, cassette):
    bodies = [ASKED | {"seed": seed} for seed in range(50)]
    call(cassette(*map(entry, bodies)))
    assert [recording.request.json["seed"] for recording, _ in recordings()] == list(range(50))


def test_what_was_there_stays(daemon, call, cassette, place):
    proxy = daemon("--upstream", "demo:", store=place / "s.db")
    proxy.chat("one")
    proxy.stop()
    (before,) = recordings()
    call(cassette(entry()))
    assert recordings()[0] == before


# --- what is left out ------------------------------------------------------------------------------------------------

NOT_SERVED = [
    (entry(status=429, answer={"error": {"message": "slow"}}), "status 429"),
    (entry(status=206), "status 206"),
    (entry(ASKED | {"stream": True}, STREAM.partition("\n\n")[0] + "\n\n", kind=SSE), "the stream was broken off"),
    (entry(answer="{"), "not decodable"),
    (entry(answer="{}"), "not decodable as an answer of openai-chat (chat)"),
    (entry(answer="<html>Sign in</html>", kind="text/html"), "as an answer of"),
    (
        {"request": entry()["request"], "response": {"status": {"code": 200, "message": "OK"}, "headers": {}}},
        "not there",
    ),
]


@pytest.mark.parametrize(("told", "why"), NOT_SERVED, ids=[case[1] for case in NOT_SERVED])
def test_what_is_not_good_is_imported_and_not_served(call, cassette, told, why):
    code, (line, note), _ = call(cassette(told))
    assert (code, line) == (0, "c.yaml: read 1, imported 1, 1 of them not to be served")
    assert note.startswith("  c.yaml#0: imported, but not to be served: ")
    assert why in note
    assert [recording.replayable for recording, _ in recordings()] == [False]


def test_errors_are_served_where_the_settings_say_so(call, cassette, monkeypatch):
    monkeypatch.setenv("LLMPROXY_ON_ERROR_RESPONSE", "record")
    assert call(cassette(entry(status=429)))[1] == ["c.yaml: read 1, imported 1"]


SKIPPED = [
    ({"kind": "ws", "data": "x"}, "a frame of a WebSocket session"),
    (entry(method="CONNECT", url="https://x.example:443"), "CONNECT asks a proxy for a tunnel"),
    (entry(url="https://x.example/_llmproxy/api/stats"), "a page of llmproxy itself"),
    (entry(url="https://x.example/_llmproxy/to/nobody/v1/chat/completions"), "No upstream is called 'nobody'"),
]


@pytest.mark.parametrize(("told", "why"), SKIPPED, ids=[case[1] for case in SKIPPED])
def test_what_cannot_be_ours_is_skipped_with_its_reason(call, cassette, told, why):
    code, (line, note), _ = call(cassette(entry(), told))
    assert (code, line) == (1, "c.yaml: read 2, imported 1, 1 skipped")
    assert note.startswith(f"  c.yaml#1: skipped: {why}")


@pytest.mark.parametrize(("content", "why"), [(b"", "an empty file"), (b"hello", "no recording of a known format")])
def test_a_file_that_nobody_reads_is_refused_and_the_others_are_read(call, cassette, place, content, why):
    (place / "bad").write_bytes(content)
    os.mkfifo("pipe")
    code, lines, _ = call("bad", "gone", ".", "pipe", "/dev/null", "", cassette(entry()))
    assert code == 1
    assert lines == [
        f"bad: read 0, imported 0; refused: {why}",
        "gone: read 0, imported 0; refused: No such file or directory",
        ".: read 0, imported 0; refused: Is a directory",
        "pipe: read 0, imported 0; refused: no regular file",
        "/dev/null: read 0, imported 0; refused: no regular file",
        "'': read 0, imported 0; refused: an empty name",
        "c.yaml: read 1, imported 1",
    ]


def test_names_and_reasons_do_not_steer_the_terminal(call, cassette, place):
    (place / "a\x1b]0;x\x07\nb").write_bytes(b"")
    assert call("a\x1b]0;x\x07\nb")[1] == ["a\\x1b]0;x\\x07\\nb: read 0, imported 0; refused: an empty file"]


def test_a_body_beyond_the_limit_is_cut_and_not_served(call, cassette, monkeypatch):
    monkeypatch.setenv("LLMPROXY_RECORD_MAX_BODY", "100")
    assert "too large to be kept" in call(cassette(entry(body={"model": "m"})))[1][1]
    ((recording, body),) = recordings()
    assert (recording.cut, recording.replayable, body) == (True, False, json.dumps(SAID).encode()[:100])


# --- wrong usage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "the following arguments are required: FILE"),
        (("f", "--nonsense"), "unrecognized arguments"),
        (("f", "--into", ""), "--into '': name a cassette"),
        (("f", "--as", "ftp://x"), "--as: upstream"),
        (("f", "--plugin", "no.such"), "plugin 'no.such' cannot be loaded"),
    ],
)
def test_wrong_usage(call, place, words, why):
    code, lines, error = call(*words)
    assert (code, lines) == (2, [])
    assert why in error
    assert not (place / "s.db").exists()


def test_a_store_that_cannot_be_used_is_said_in_one_line(call, cassette, place):
    (place / "s.db").write_bytes(b"no store" * 100)
    code, lines, error = call(cassette(entry()))
    assert (code, lines) == (1, [])
    assert error.startswith("llmproxy: the store s.db cannot be used: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("store", ["off", "memory:x"])
def test_imports_go_into_a_file(monkeypatch, capsys, cassette, store):
    monkeypatch.setattr(sys, "argv", ["llmproxy", "import", cassette(entry()), "--store", store])
    assert main() == 2
    assert "imports go into a file" in capsys.readouterr().err


# --- plugins ---------------------------------------------------------------------------------------------------------

PLUGIN = """
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.vcrpy import Vcrpy
from proxy_daemon.hookspecs import hookimpl

class Mine:
    name = "mine"
    def recognises(self, file, data):
        return data.startswith(b"MINE")
    def read(self, file, data):
        yield Skipped(0, "the title")
        yield from Vcrpy().read(file, data[4:])

@hookimpl
def llmproxy_formats():
    return [Mine()]
"""


def test_a_plugin_adds_a_format(call, cassette, place):
    (place / "mine.py").write_text(PLUGIN)
    name = cassette(entry())
    (place / name).write_text("MINE" + (place / name).read_text())
    assert call(name)[1][0].endswith("refused: no recording of a known format")
    assert call(name, "--plugin", "mine.py")[1] == [
        "c.yaml: read 2, imported 1, 1 skipped",
        "  c.yaml#0: skipped: the title",
    ]
    assert call(name, "--plugin", "mine.py", "--block-plugin", "mine")[1][0].endswith("of a known format")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise ValueError('broken')", "ValueError: broken"),
        ("return 7", "returned int"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_a_plugin_that_fails_stops_the_command(call, cassette, place, body, why):
    (place / "bad.py").write_text(PLUGIN.replace("return [Mine()]", body))
    code, _, error = call(cassette(entry()), "--plugin", "bad.py")
    assert (code, error) == (2, f"llmproxy: plugin 'bad' failed in llmproxy_formats: {why}\n")


def test_a_plugin_that_exits_does_not_end_the_command_as_if_all_were_done(call, cassette, place):
    (place / "bad.py").write_text("import sys\nsys.exit(0)")
    found = call(cassette(entry()), "--plugin", "bad.py")
    assert found == (2, [], "llmproxy: plugin 'bad' cannot be loaded: SystemExit: 0\n")


@pytest.mark.parametrize(
    ("fault", "why"), [("1 / 0", "ZeroDivisionError: division by zero"), ("raise SystemExit(0)", "SystemExit: 0")]
)
def test_a_format_that_raises_refuses_its_file_only(call, cassette, place, fault, why):
    (place / "bad.py").write_text(PLUGIN.replace('yield Skipped(0, "the title")', fault))
    (place / "x").write_text("MINE")
    code, lines, _ = call("x", cassette(entry()), "--plugin", "bad.py")
    assert (code, lines[1]) == (1, "c.yaml: read 1, imported 1")
    assert lines[0] == f"x: read 0, imported 0; refused: {why}"


# --- a store that somebody has changed -------------------------------------------------------------------------------


def test_an_import_that_somebody_has_changed_does_not_stand_in_the_way(call, cassette):
    name = cassette(entry())
    call(name)
    with closing(sqlite3.connect("s.db")) as connection, connection:
        connection.execute("UPDATE exchange SET response_head = x'00'")
    assert call(name)[1] == ["c.yaml: read 1, imported 1"]


DIALECT = """
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.hookspecs import hookimpl

class Mine(Dialect):
    name, home = "mine", "https://mine.example/v1"
    def recognises(self, request):
        return request.path == b"/v1/say"
    def streams(self, request):
        return request.body_field("please") == "stream"

@hookimpl
def llmproxy_dialects():
    return [Mine()]
"""


def test_the_dialect_of_a_plugin_tells_what_it_tells_the_daemon(daemon, call, cassette, place):
    (place / "mine.py").write_text(DIALECT)
    name = cassette(entry({"please": "stream"}, url="https://mine.example/v1/say"))
    plugin = ("--plugin", str(place / "mine.py"))
    assert call(name, *plugin)[0] == 0
    asked = "POST", "/v1/say", '{"please": "stream"}', {"Content-Type": JSON}
    assert daemon("--mode", "none", *plugin, store=place / "s.db").request(*asked)[0] == 200
    assert daemon("--mode", "none", store=place / "s.db").request(*asked)[0] == 424
