"""`llmproxy list`: the exchanges of a store for people and for programs, and the place where a filter is wrong."""

import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from proxy_daemon.cli import listing, listing_text
from proxy_daemon.cli.listing_text import line, took
from proxy_daemon.cli.main import main
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.opening import connect, prepare

UPSTREAM = parse_upstream("work=https://api.example.com/v1")
JSON = Headers([(b"Content-Type", b"application/json")])
ROW = {
    "id": "0000000000000001",
    "started": 1_800_000_000.0,
    "outcome": "miss",
    "status": 200,
    "method": "POST",
    "path": "/v1/chat/completions",
    "model": "m-1",
    "duration_ms": 1234.0,
    "detail": "",
    "told": {"total": 42, "asked": "what now?", "error": ""},
}


def exchange(number, asks, says="fine", **changes):
    body = json.dumps({"model": "m-1", "messages": [{"role": "user", "content": asks}]}).encode()
    choice = {"index": 0, "message": {"role": "assistant", "content": says}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    answer = Response(ResponseHead(200, b"OK", JSON), Bytes(json.dumps({"choices": [choice], "usage": usage}).encode()))
    fields = {
        "id": number,
        "request": Request(b"POST", b"/v1/chat/completions", JSON, Bytes(body)),
        "response": answer,
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": 1_800_000_000.0,
        "model": "m-1",
        "status": 200,
        "duration": 2_000_000,
    }
    return Recording(**(fields | changes))


@pytest.fixture
def put(place):
    """`put(*recordings)` writes them into the store s.db."""
    prepare("s.db")

    def write(*recordings):
        connection = connect("s.db", 5)
        for each in recordings:
            connection.execute(insert(1), to_row(each))
        connection.close()

    return write


@pytest.fixture
def call(monkeypatch, capsys, place):
    """`call(*words)` is (exit code, lines of standard output, standard error) of `llmproxy list WORDS`."""

    def run(*words, store="s.db"):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "list", *words, "--store", store])
        code = main()
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return run


def test_a_table(put, call):
    put(exchange(1, "the first question"), exchange(2, "the second", outcome=Outcome.HIT, model="", status=0))
    code, lines, err = call()
    assert (code, err, len(lines)) == (0, "", 2)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  0000000000000002  hit        -    POST /v1/chat/completions {9}"
        r"-                               3     2\.0 s  the second",
        lines[0],
    )
    assert lines[1].endswith("the first question")
    assert "  m-1  " in lines[1]
    assert not Path("s.db.text").exists()  # nobody has searched


def test_lines_of_json(put, call):
    put(exchange(1, "one", "\u202e\x1b]0;x\x07"), exchange(2, "two"))
    code, lines, _ = call("--json")
    rows = [json.loads(each) for each in lines]
    assert code == 0
    assert [(row["id"][-1], row["told"]["asked"], row["status"], row["state"]) for row in rows] == [
        ("2", "two", 200, "ended"),
        ("1", "one", 200, "ended"),
    ]
    assert "".join(lines).isascii()


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["needle"], [2]),
        (["~said", "needle"], [2]),
        (["~u chat", "!needle"], [3, 1]),
        (["~slow >1 ~tokens 2", "--limit", "2"], [3, 2]),
        (["~bs fine"], [3, 2, 1]),
        (["~said 'stack of hay'"], [3]),
    ],
)
def test_filters(put, call, words, ids):
    put(exchange(1, "one"), exchange(2, "a Needle here"), exchange(3, "three", "a stack of hay: fine"))
    code, lines, _ = call(*words, "--json")
    assert (code, [int(json.loads(each)["id"], 16) for each in lines]) == (0, ids)


def test_nothing_is_exit_code_1(put, call):
    assert call() == (1, [], "")
    put(exchange(1, "one"))
    assert call("nothing-of-that-kind") == (1, [], "")


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        (["~c 200 ~nope x"], ("~c 200 ~nope x", "       ^^^^^")),
        (["(((", "a"], ("((( a", None)),
        (["~model '(['"], ("~model '(['", None)),
        (
            ["\N{CJK UNIFIED IDEOGRAPH-4E2D}\u202e ~nope"],
            ("\N{CJK UNIFIED IDEOGRAPH-4E2D}\\u202e ~nope", " " * 9 + "^^^^^"),
        ),
    ],
)
def test_a_wrong_filter_is_marked(put, call, words, marked):
    code, lines, err = call(*words)
    said, shown, mark = err.splitlines()
    assert (code, lines, shown) == (2, [], f"  {marked[0]}")
    assert said.startswith("llmproxy list: ")
    assert re.fullmatch(" *\\^+", mark)
    assert marked[1] is None or mark == f"  {marked[1]}"
    assert cell_len(mark) <= cell_len(shown) + 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "0"], "from 1 on"),
        (["--limit", "x"], "from 1 on"),
        (["--limit", "9" * 5000], "from 1 on"),
        (["--limit", "-1"], "from 1 on"),
        (["--what"], "unrecognized"),
    ],
)
def test_wrong_usage(put, call, words, said):
    code, lines, err = call(*words)
    assert (code, lines) == (2, [])
    assert said in err


@pytest.mark.parametrize(("store", "code"), [("none.db", 1), ("off", 2), ("text.db", 1), ("", 1)])
def test_no_store(put, call, store, code):
    Path("text.db").write_text("no store at all")
    found, lines, err = call("~e", store=store)
    assert (found in (code, 2), lines) == (True, [])
    assert err.startswith("llmproxy list: ")
    assert err.count("\n") == 1


def test_help_tells_of_filters(call):
    code, lines, _ = call("--help")
    text = "\n".join(lines)
    assert code == 0
    assert "  ~tokens " in text
    assert "llmproxy list '~c >=400 | ~e' --limit 10" in text


def test_more_than_a_page(put, call, monkeypatch):
    monkeypatch.setattr(listing, "MOST", 3)
    put(*[exchange(each, f"number {each}") for each in range(1, 12)])
    for words in ([], ["number"]):
        code, lines, _ = call(*words, "--limit", "8", "--json")
        assert (code, [int(json.loads(each)["id"], 16) for each in lines]) == (0, list(range(11, 3, -1)))
    assert len(call("number", "--limit", "500", "--json")[1]) == 11


def test_a_store_of_many_is_searched_to_its_end(put, call, monkeypatch):
    monkeypatch.setattr("proxy_daemon.store.catalogue.asking.FILL_SECONDS", 0.0)  # one exchange for each question
    put(*[exchange(each, "x") for each in range(2, 30)], exchange(1, "the needle"))
    assert [each[-10:] for each in call("needle")[1]] == ["the needle"]


def test_a_full_disk_is_told(put, call, monkeypatch):
    def fail(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("proxy_daemon.store.catalogue.file.Catalogue.add", fail)
    put(exchange(1, "x"))
    code, _, err = call("x")
    assert code == 1
    assert "disk is full; there may be more" in err


def test_how_far_it_is_stands_on_a_terminal_only(capsys, monkeypatch):
    value = {"exchanges": [], "partial": True, "next": "1", "indexed": {"done": 7, "total": 9}}
    listing.say_how_far(value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    listing.say_how_far(value)
    assert capsys.readouterr().err == "\r\x1b[Kllmproxy: 7 of 9 exchanges are indexed"
    listing.say_how_far(value | {"next": None})
    assert capsys.readouterr().err == "\r\x1b[K"


HOSTILE = "\x1b[2J\u202e\x07\r\n\x85 next\ttab"


@pytest.mark.parametrize("member", ["model", "path", "method", "detail", "asked"])
@pytest.mark.parametrize("width", [None, 40, 200])
def test_nothing_steers_a_terminal(member, width):
    row = ROW | ({"told": {"asked": HOSTILE}} if member == "asked" else {member: HOSTILE, "told": None})
    text = line(row, width)
    assert all(each.isprintable() for each in text)
    assert width is None or cell_len(text) <= width


@pytest.mark.parametrize("width", [*range(1, 30), 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    row = ROW | {"told": {"asked": "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 300}, "model": "\N{GRINNING FACE}" * 40}
    assert cell_len(line(row, width)) <= width


def test_columns_stand_below_each_other():
    long = ROW | {"path": "/x" * 100, "model": "y" * 100, "told": {"total": 10**12, "asked": "words"}}
    one, two = line(ROW, None), line(long, None)
    assert one.index("what now?") == two.index("words")
    assert two.count("…") == 3


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"told": None, "detail": "no route"}, "no route"),
        ({"told": {"asked": "", "error": "too many"}}, "too many"),
        ({"told": {"asked": "a\n\n  b"}}, "a b"),
        ({"started": 1e300}, "what now?"),
        ({"started": float("nan")}, "what now?"),
        ({"status": 0, "model": ""}, "what now?"),
    ],
)
def test_odd_rows(row, said):
    assert line(ROW | row, None).endswith(f"  {said}")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0 ms"), (999.4, "999 ms"), (1500, "1.5 s"), (61_000, "1.0 min"), (7_200_000, "2.0 h"), (1e12, "277777.8 h")],
)
def test_durations(milliseconds, text):
    assert took(milliseconds) == text
    assert listing_text.took(milliseconds) == text
