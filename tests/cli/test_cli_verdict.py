"""`llmproxy verdict`: what it prints of any answer, when it says no, and one line for all that goes wrong."""

import json
import sys
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import json_answer

from proxy_daemon.cli import asking
from proxy_daemon.cli.asking import address
from proxy_daemon.cli.main import main
from proxy_daemon.cli.verdict import DEFAULT, WORDS, against, is_verdict
from proxy_daemon.cli.verdict_text import COLUMNS, lines

TOKEN = "an-admin-token-of-ours"


def session(name="", reports=(), unused=0, first=(), **counts):
    zero = dict.fromkeys(("exchanges", *COLUMNS), 0)
    told = {"count": unused, "at_most": False, "first": list(first)}
    return {"session": name} | zero | counts | {"unused": told, "reports": list(reports), "reports_left_off": 0}


def verdict(*sessions, beyond=None):
    return {"sessions": list(sessions), "beyond": beyond}


MISS = {"exchange": "0" * 16, "what": "miss", "method": "POST", "path": "/v1/x", "model": "m", "text": "one\ntwo"}
GOOD = verdict(session(exchanges=2, hits=2))
BAD = verdict(session(exchanges=3, hits=2, misses=1, refused=1, reports=[MISS]))


@pytest.fixture
def call(monkeypatch, capsys):
    """`call(*words)` is (exit code, standard output, standard error)."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "verdict", *words])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def serving(upstream):
    """`serving(answer)`: a server that gives these octets or this JSON; its address, and what it was asked."""

    def start(answer):
        octets = answer if isinstance(answer, bytes) else json_answer(answer)

        def play(peer):
            peer.request()
            peer.send(octets)

        return upstream(play)

    return start


def asked(server):
    return server.requests[0][0].decode()


# --- what it prints --------------------------------------------------------------------------------------------------


def test_a_good_run(call, serving):
    server = serving(GOOD)
    code, out, err = call("--url", server.url)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "session    hits  near  misses  refused  collapsed  live  failed  unused",
        "(no name)     2     0       0        0          0     0       0       0",
    ]
    assert asked(server).startswith("GET /_llmproxy/api/verdict HTTP/1.1\r\n")
    assert "x-llmproxy-token" not in asked(server).lower()


def test_a_miss_is_told_with_its_text(call, serving):
    code, out, err = call("--url", serving(BAD).url)
    assert code == 1
    assert out.splitlines()[2:] == [
        "",
        "(no name): miss 0000000000000000 POST /v1/x m",
        "    one",
        "    two",
    ]
    assert err == "llmproxy verdict: the session without a name has miss: 1, refused: 1\n"


def test_all_that_there_can_be():
    first = [{"id": "f" * 16, "method": "POST", "path": "/p", "model": ""}]
    each = session("s", unused=9, first=first) | {"reports_left_off": 3}
    each["unused"]["at_most"] = True
    said = list(lines(verdict(each, beyond=session(exchanges=5, hits=5))))
    assert said[1].split() == ["s", *"0000000", "<=9"]
    assert said[2].split() == ["(others)", "5", *"000000", "?"]
    assert said[3:] == [
        *("", "s: 3 more, whose texts were not kept", "", "s: recordings that nobody used"),
        *(f"    {'f' * 16} POST /p", "    and 8 more"),
    ]


def test_nothing_steers_the_terminal(call, serving):
    evil = "\x1b[2J\x9b2J\u202e\r"
    hostile = dict.fromkeys(MISS, evil)
    first = [dict.fromkeys(("id", "method", "path", "model"), evil)]
    server = serving(verdict(session(evil, reports=[hostile], unused=2, first=first, misses=1)))
    for more in ([], ["--json"]):
        _, out, err = call("--url", server.url, *more)
        assert not set("\x1b\x9b\u202e\r") & set(out + err)
        assert "[2J" in out


def test_json_is_the_answer(call, serving):
    code, out, _ = call("--url", serving(BAD).url, "--json")
    assert (code, json.loads(out)) == (1, BAD)


# --- what it asks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--session", "a b&c"], "GET /_llmproxy/api/verdict?session=a+b%26c HTTP/1.1"),
        (["--session", ""], "GET /_llmproxy/api/verdict?session= HTTP/1.1"),
        (["--reset"], "DELETE /_llmproxy/api/verdict HTTP/1.1"),
        (["--reset", "--session", "s"], "DELETE /_llmproxy/api/verdict?session=s HTTP/1.1"),
    ],
)
def test_what_is_asked(call, serving, words, line):
    server = serving(GOOD | {"token": TOKEN})
    assert call("--url", server.url, *words)[0] == 0
    *first, last = [head.decode() for head, _ in server.requests]
    assert last.startswith(line + "\r\n")
    token = ["GET /_llmproxy/api/token"] if "--reset" in words else []
    assert [each.partition(" HTTP")[0] for each in first] == token
    assert (f"\r\nX-LLMProxy-Token: {TOKEN}\r\n" in last) is ("--reset" in words)


@pytest.mark.parametrize("said", [{"token": 7}, {"token": "a\r\nb"}, {"token": "\u00fc"}, {}, [], 7])
def test_a_daemon_without_a_token_is_not_asked_to_forget(call, serving, said):
    server = serving(said)
    code, _, err = call("--url", server.url, "--reset")
    assert (code, len(server.requests)) == (1, 1)
    assert "/_llmproxy/api/token tells no token" in err


def test_the_token_goes_to_the_daemon_and_no_further(call, serving, tmp_path, monkeypatch):
    elsewhere = serving(GOOD)
    moved = b"HTTP/1.1 302 Found\r\nLocation: %b/\r\nContent-Length: 2\r\n\r\n{}" % elsewhere.url.encode()
    server = serving(moved)
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "token").chmod(0o600)
    monkeypatch.setenv("http_proxy", elsewhere.url)
    code, out, err = call("--url", server.url, "--admin-token-file", str(tmp_path / "token"))
    assert (code, out) == (1, "")
    assert err == f"llmproxy verdict: {server.url} answers 302: it does not say why\n"
    assert f"x-llmproxy-token: {TOKEN}\r\n" in asked(server).replace("X-LLMProxy-Token", "x-llmproxy-token")
    assert elsewhere.requests == []


def test_a_prefix_of_a_reverse_proxy(call, serving):
    server = serving(GOOD)
    assert call("--url", f"{server.url}/tools/")[0] == 0
    assert asked(server).startswith("GET /tools/_llmproxy/api/verdict ")


# --- yes and no ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
def test_each_word(word):
    each = session("s", exchanges=1, **({} if word == "unused" else {WORDS[word]: 2}))
    each["unused"]["count"] = 2 if word == "unused" else 0
    assert against(verdict(each), None, (word,)) == [f"session 's' has {word}: 2"]
    assert against(verdict(each), None, tuple(other for other in WORDS if other != word)) == []
    assert against(verdict(each), None, ()) == []


@pytest.mark.parametrize(
    ("found", "name", "words"),
    [
        (verdict(session("s")), "s", "nothing was asked in session 's'"),
        (verdict(session(""), beyond=session(exchanges=1)), None, "more sessions than are told apart"),
    ],
)
def test_what_cannot_be_said_is_no(found, name, words):
    (reason,) = against(found, name, DEFAULT)
    assert words in reason
    assert against(found, name, ()) == []


def test_nothing_to_fail_on(call, serving):
    assert call("--url", serving(BAD).url, "--fail-on", "nothing")[0] == 0


def test_several_sessions_are_several_lines(call, serving):
    server = serving(verdict(session("a", exchanges=1, live=1), session("b", exchanges=1, live=3)))
    assert call("--url", server.url, "--fail-on", "live, near,live")[2].splitlines() == [
        "llmproxy verdict: session 'a' has live: 1",
        "llmproxy verdict: session 'b' has live: 3",
    ]


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fail-on", "misses"], "'misses' is not one of miss, unused, live, refused, failed, near, nor nothing"),
        (["--fail-on", ""], "'' is not one of"),
        (["--fail-on", "miss,"], "'' is not one of"),
        (["--fail-on", "\x1b[2J"], "\\x1b[2J"),
        (["--session", "ü"], "--session: up to 400 printable ASCII characters"),
        (["--session", "x" * 401], "--session"),
        (["--session", "a\nb"], "--session"),
        (["--admin-token-file", "/nowhere/token"], "/nowhere/token cannot be read"),
        *(
            (["--url", url], "--url: not an address")
            for url in (
                *("", "127.0.0.1:8910", "ftp://host", "http://", "http://h:99999", "http://h:x", "http://[::1"),
                *("http://u:hush@host", "http://h/?q", "http://h/#f", "http://h\r\nX: y", "http://h h/", "http://ü"),
                *("http://a..b", "http://.", f"http://{'a' * 64}.example", "http://h:0"),
            )
        ),
        (["operand"], "unrecognized arguments"),
        (["--fail"], "unrecognized arguments"),
    ],
)
def test_wrong_usage(call, words, said):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert "hush" not in err


def test_help(call):
    code, out, _ = call("--help")
    assert code == 0
    assert all(f"--{name}" in out for name in ("url", "session", "fail-on", "reset", "json", "admin-token-file"))


def test_nobody_is_there(call, upstream):
    server = upstream(lambda peer: None)
    server.close()
    code, out, err = call("--url", server.url)
    assert (code, out) == (1, "")
    assert err == f"llmproxy verdict: {server.url} does not answer: Connection refused\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
ANSWERS = {
    "nothing": (b"", "does not answer"),
    "no HTTP": (b"220 mail ready\r\n", "does not answer"),
    "broken off": (HEAD % 100 + b"{}", "broke off"),
    "a page": (HEAD % 6 + b"<html>", "answers 200, and not in JSON"),
    "deep": (HEAD % 200_000 + b"[" * 200_000, "not in JSON"),
    "no verdict": (json_answer({"sessions": 7, "beyond": None}), "is no verdict"),
    "a verdict on nothing": (json_answer({"sessions": [], "beyond": None}), "is no verdict"),
    "an error": (json_answer({"error": {"message": "no \x1b token"}}, 401), "answers 401: no \\x1b token"),
    "a plain error": (json_answer({"error": "no such page"}, 404), "answers 404: no such page"),
    "an error of nobody": (json_answer([], 500), "answers 500: it does not say why"),
    "a 100 without end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "does not answer"),
}


@pytest.mark.parametrize(("octets", "words"), ANSWERS.values(), ids=ANSWERS)
def test_another_server_is_one_line(call, serving, octets, words):
    code, out, err = call("--url", serving(octets).url)
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1


def test_an_answer_without_end_is_given_up(call, serving, monkeypatch):
    monkeypatch.setattr(asking, "MOST", 100)
    assert "longer than 100 octets" in call("--url", serving(HEAD % 5000 + b"x" * 5000).url)[2]


def test_silence_is_given_up(call, upstream, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0.05)
    hold = threading.Event()
    server = upstream(lambda peer: hold.wait(30))
    try:
        assert "nothing came for 0.05 s" in call("--url", server.url)[2]
    finally:
        hold.set()


def test_an_answer_that_drips_is_given_up(call, serving, monkeypatch):
    monkeypatch.setattr(asking, "LONGEST", -1.0)
    assert "takes too long" in call("--url", serving(GOOD).url)[2]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(session()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*session(), "sessions"]), inner),
    max_leaves=12,
)


@given(VALUES, st.sampled_from(["sessions", "beyond", *session(), "count", "first", "at_most"]))
def test_any_answer_is_printed_or_refused(value, name):
    found = verdict(session("s", reports=[MISS], first=[{"id": "x"}]))
    for place in (found, found["sessions"][0], found["sessions"][0]["unused"]):
        if name in place:
            place[name] = value
    for each in (value, found):
        if is_verdict(each):
            assert "\n".join(lines(each))
            against(each, "s", tuple(WORDS))


@given(st.text())
def test_any_address_is_read_or_refused(text):
    with suppress(ValueError):
        assert address(text).host


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "prefix"),
    [
        ("http://127.0.0.1:8910", "127.0.0.1", 8910, False, ""),
        ("https://llm.example.com", "llm.example.com", 443, True, ""),
        ("https://llm.example.com:8443/a/", "llm.example.com", 8443, True, "/a"),
        ("http://[::1]:8910/", "::1", 8910, False, ""),
        ("http://localhost", "localhost", 80, False, ""),
    ],
)
def test_addresses(url, host, port, tls, prefix):
    made = address(url, TOKEN)
    assert (made.host, made.port, made.tls, made.prefix, made.token) == (host, port, tls, prefix, TOKEN)
    assert asking._connection(made).default_port == (443 if tls else 80)
    assert TOKEN not in repr(made)


# --- what was not recorded, and where recordings stand ---------------------------------------------------------------


@pytest.mark.parametrize(("words", "code"), [([], 1), (["--fail-on", "nothing"], 0)])
def test_what_could_not_be_recorded_is_told_and_is_a_no(call, serving, words, code):
    found = GOOD | {"trouble": "recording is off: /c.yaml: \x1b[2Jfull"}
    answer = call("--url", serving(found).url, *words)
    assert (answer[0], "recording is off: /c.yaml" in answer[1], "\x1b" in answer[1] + answer[2]) == (code, True, False)
    assert ("not all was recorded" in answer[2]) is bool(code)


def test_where_nothing_is_wrong_with_recording_nothing_is_told():
    assert against(GOOD | {"trouble": ""}, None, ("miss",)) == against(GOOD, None, ("miss",)) == []
    assert list(lines(GOOD | {"trouble": ""})) == list(lines(GOOD))
    assert not is_verdict(GOOD | {"trouble": 1})


def test_an_entry_of_a_file_is_called_by_its_place():
    one = {"id": "0" * 16, "method": "POST", "path": "/v1/x", "model": "m", "place": "c.yaml#3"}
    told = list(lines(verdict(session(unused=2, first=[one, one | {"place": ""}]))))
    assert told[-2:] == ["    c.yaml#3 POST /v1/x m", f"    {'0' * 16} POST /v1/x m"]
