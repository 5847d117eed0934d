"""`llmproxy rewrite`: what it prints, its exit codes, and one line for all that is wrong."""

import io
import json
import sys

import pytest

from proxy_daemon.cli import rewrite
from proxy_daemon.cli.main import main

RULES = """[[rule]]
name = "alias"
when = { path = "/v1/*", header = { X-Team = "search" } }
request.model = { "gpt-4o" = "llama" }

[[rule]]
name = "back"
when = { model = "gpt-4o" }
response.set = { model = "gpt-4o" }

[[rule]]
name = "cats"
text = { replace = "cat", by = "dog" }
"""
ASKED = b'{"model":"gpt-4o","n":1.10}'
ANSWER = b'{"model":"llama","choices":[{"index":0,"message":{"content":"cat\\u001b"}}]}'
STREAM = b"".join(b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % word for word in (b"c", b"at"))


@pytest.fixture
def call(monkeypatch, capfdbinary, tmp_path):
    """`call(body, *words)` is (exit code, standard output, standard error) of `llmproxy rewrite WORDS < body`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(RULES)

    def run(body, *words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "rewrite", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
        code = main()
        said = capfdbinary.readouterr()
        return code, said.out, said.err.decode()

    return run


BODIES = [
    (ASKED, ("r.toml", "--header", "X-Team: search"), 0, b'{"model":"llama","n":1.10}'),
    (ASKED, ("r.toml",), 1, ASKED),
    (ASKED, ("r.toml", "--header", "X-Team: search", "--path", "/v2/chat"), 1, ASKED),
    (b"{}", ("r.toml", "--header", "X-Team: search", "--path", "/v1/models/gpt-4o:generateContent"), 0, b"{}"),
    (ANSWER, ("r.toml", "--answer"), 0, ANSWER.replace(b"cat", b"dog")),
    (
        ANSWER,
        ("r.toml", "--answer", "--model", "gpt-4o"),
        0,
        ANSWER.replace(b"cat", b"dog").replace(b"llama", b"gpt-4o"),
    ),
    (ANSWER, ("gpt-oss", "--answer"), 1, ANSWER),
    (ANSWER, ("r.toml", "--answer", "--dialect", "anthropic"), 1, ANSWER),
    (b"", ("r.toml",), 1, b""),
]


@pytest.mark.parametrize(("body", "words", "code", "expected"), BODIES, ids=range(len(BODIES)))
def test_what_goes_on_is_printed(call, body, words, code, expected):
    assert call(body, *words) == (code, expected, "")


def test_a_stream_is_known_by_its_first_octets(call):
    code, out, _ = call(STREAM, "r.toml", "--answer", "--stream")
    assert code == 0
    found = [json.loads(line[6:]) for line in out.decode().splitlines() if line]
    assert "".join(each["choices"][0]["delta"]["content"] for each in found) == "dog"


def test_a_request_is_explained(call):
    code, out, _ = call(ASKED, "--explain", "r.toml", "--header", "X-Team: search")
    assert (code, out.decode().splitlines()) == (
        0,
        [
            "alias (r.toml:1): 1 change",
            "  model",
            '    - "gpt-4o"',
            '    + "llama"',
            "back (r.toml:6): it is for answers",
            "cats (r.toml:11): it is for answers",
        ],
    )


def test_an_answer_is_explained(call):
    code, out, _ = call(ANSWER, "--explain", "r.toml", "gpt-oss", "--answer", "--model", "gpt-4o")
    assert (code, out.decode().splitlines()) == (
        0,
        [
            "alias (r.toml:1): its conditions do not hold",
            "back (r.toml:6): 1 change",
            "  model",
            '    - "llama"',
            '    + "gpt-4o"',
            "cats (r.toml:11): 1 change",
            "  choices.0.message.content",
            '    - "cat\\u001b"',
            '    + "dog\\u001b"',
            "gpt-oss (the ready gpt-oss): it finds nothing to change",
        ],
    )


def test_an_answer_is_explained_for_where_rules_send_its_request(call, tmp_path):
    rules = """
[[rule]]
name = "elsewhere"
when = { path = "/claude" }
request.path = { prefix = "/claude", to = "/v1/messages" }
request.remove = "a"

[[rule]]
name = "cats"
text = { replace = "cat", by = "dog" }
"""
    (tmp_path / "e.toml").write_text(rules)
    body = b'{"type":"message","content":[{"type":"text","text":"cat"}]}'
    code, out, err = call(body, "e.toml", "--answer", "--path", "/claude")
    assert (code, out, err) == (0, body.replace(b"cat", b"dog"), "")
    assert call(body, "e.toml", "--answer", "--path", "/other") == (1, body, "")


def test_what_would_steer_a_terminal_is_escaped(call):
    _, out, _ = call(
        b"data: \x1b[31m\n\n" + STREAM.replace(b"data: {", b"data: \xe2\x80\xae{", 1), "--explain", "r.toml", "--answer"
    )
    assert b"\x1b" not in out
    assert b"\xe2\x80\xae" not in out


def test_problems_are_said_and_the_answer_is_no(call, tmp_path):
    (tmp_path / "p.toml").write_text('[[rule]]\nname = "p"\nrequest.remove = "a"\n')
    code, out, err = call(b"no JSON", "p.toml")
    assert (code, out) == (1, b"no JSON")
    assert err.startswith("llmproxy rewrite: rule 'p': the request is left as it came: not JSON")
    code, out, err = call(b"no JSON", "p.toml", "--explain")
    assert (code, err) == (1, "")
    assert out.startswith(b"p (p.toml:1): nothing changed\n  problem: rule 'p': the request is left")


def test_a_rule_that_moves_where_there_is_no_place_for_it_is_a_problem(call):
    body = b'{"choices":[{"text":"<think>a</think>b"}]}'
    code, out, err = call(body, "thinking-tags", "--answer", "--path", "/v1/completions")
    assert (code, out) == (1, body)
    assert "has no field that text can be moved to" in err


WRONG = [
    ((), "the following arguments are required: RULES"),
    (("nothing",), "llmproxy rewrite: --rewrite: there is no file 'nothing', nor ready rules"),
    (("gpt-oss", "--path", "x"), "llmproxy rewrite: --path: begins with a slash"),
    (("gpt-oss", "--path", "/a b"), "llmproxy rewrite: --path: begins with a slash"),
    (("gpt-oss", "--method", "post"), "llmproxy rewrite: --path: begins with a slash, without blanks; --method: is in"),
    (("gpt-oss", "--header", "x"), "llmproxy rewrite: 'x' is no header field such as"),
    (("gpt-oss", "--header", "x: a\nb: c"), "llmproxy rewrite: 'x: a\\nb: c' is no header field such as"),
    (("gpt-oss", "--answer", "--answer-header", "x"), "llmproxy rewrite: 'x' is no header field such as"),
    (("gpt-oss", "--dialect", "x"), "llmproxy rewrite: --dialect: 'x' is not one of bedrock"),
    (("gpt-oss", "--status", "99"), "llmproxy rewrite: --status: a number from 200 to 599"),
    (("gpt-oss", "--sttus", "99"), "unrecognized arguments"),
]


@pytest.mark.parametrize(("words", "error"), WRONG, ids=range(len(WRONG)))
def test_wrong_usage(call, words, error):
    code, out, err = call(b"{}", *words)
    assert (code, out) == (2, b"")
    assert error in err.splitlines()[-1]


def test_too_long_an_input(call, monkeypatch):
    monkeypatch.setattr(rewrite, "MOST", 3)
    assert call(b"1234", "gpt-oss") == (2, b"", "llmproxy rewrite: the standard input has more than 3 octets\n")


def test_help_names_the_ready_rules(call):
    code, out, _ = call(b"", "--help")
    assert code == 0
    assert b"gpt-oss" in out


def test_one_change_does_not_hide_a_problem(call, tmp_path):
    rules = '[[rule]]\nname = "p"\nrequest.remove = "a"\n[[rule]]\nname = "h"\nrequest.headers.add = { X-A = "1" }\n'
    (tmp_path / "p.toml").write_text(rules)
    code, out, _ = call(b"no JSON", "p.toml", "--explain")
    assert (code, b"h (p.toml:4): 1 change" in out) == (1, True)
