"""`llmproxy diff`: its operands, what it prints, its colours and exit codes."""

import json
import sys

import pytest
from attrs import evolve
from care_files import KEY, asked, put, put_picture

from proxy_daemon.cli.diff_text import MOST
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.llmproxy import HEADER

TITLE = "POST /v1/chat/completions gpt-4o"


@pytest.fixture
def two(place):
    """a.yaml and b.yaml: an answer and a question differ, and each has one that the other has not."""
    put(place, asked(), asked("rain"), asked("boats and stars", path=b"/v1/x"), name="a.yaml")
    put(place, asked(said="Lyon."), asked("snow"), asked("a song", path=b"/v2/chat/completions"), name="b.yaml")
    return place


def test_two_files(llmproxy, place):
    put(place, asked(), asked("rain"), asked("sun"), name="a.yaml")
    put(place, asked(said="Lyon."), asked("snow"), asked("sun"), name="b.yaml")
    assert llmproxy("diff", "a.yaml", "b.yaml") == (
        1,
        [
            f"a.yaml#0 -> b.yaml#0: {TITLE}",
            "  answer text",
            '    - "Paris."',
            '    + "Lyon."',
            f"a.yaml#1 -> b.yaml#1: {TITLE}",
            "  prompt messages[0].content",
            '    - "What is rain?"',
            '    + "What is snow?"',
        ],
        "",
    )


def test_what_only_one_has(llmproxy, place):
    put(place, asked(), name="a.yaml")
    put(place, asked(), asked("the price of tea", "Ten.", path=b"/v1/chat/completions"), name="b.yaml")
    new = [f"b.yaml#1: {TITLE}", "  user: What is the price of tea?", "  answer: Ten."]
    assert llmproxy("diff", "a.yaml", "b.yaml")[:2] == (1, [f"+ {line}" for line in new])
    old = [line.replace("b.yaml", "b.yaml") for line in new]
    assert llmproxy("diff", "b.yaml", "a.yaml")[:2] == (1, [f"- {line}" for line in old])


@pytest.mark.parametrize(
    ("words", "code", "first"),
    [
        (("a.yaml", "a.yaml"), 0, None),
        (("a.yaml#0", "a.yaml#0"), 0, None),
        (("a.yaml#1", "a.yaml"), 0, None),
        (("a.yaml", "a.yaml#2"), 0, None),
        (("a.yaml#0", "a.yaml#1"), 1, f"a.yaml#0 -> a.yaml#1: {TITLE}"),
        (("a.yaml#1", "b.yaml"), 1, f"a.yaml#1 -> b.yaml#1: {TITLE}"),
        (("a.yaml#2", "b.yaml#0"), 1, f"a.yaml#2 -> b.yaml#0: {TITLE}"),
        (("a.yaml#0", "empty.yaml"), 1, f"- a.yaml#0: {TITLE}"),
    ],
)
def test_operands(llmproxy, two, words, code, first):
    (two / "empty.yaml").write_bytes(HEADER)
    found, lines, said = llmproxy("diff", *words)
    assert (found, next(iter(lines), None), said) == (code, first, "")


def test_what_does_not_count_on_demand(llmproxy, place):
    put(place, asked(), name="a.yaml")
    put(place, (one := asked()), name="b.yaml")
    body = one.response.body.whole().replace(b'"total_tokens":16', b'"total_tokens":17')
    put(place, evolve(one, response=evolve(one.response, body=Bytes(body))), name="b.yaml")
    assert llmproxy("diff", "a.yaml", "b.yaml") == (0, [], "")
    assert llmproxy("diff", "--all", "a.yaml", "b.yaml")[1][1:3] == [
        "  answer usage",
        '    - "in 14, out 2, total 16"',
    ]


def test_an_exchange_of_the_store(llmproxy, place, daemon):
    one = daemon("--upstream", "demo:", "--store", str(place / "s.db"))
    ids = [one.chat(text)[1]["X-LLMProxy-Exchange"] for text in ("one", "two")]
    one.stop()
    code, lines, said = llmproxy("diff", *ids, "--store", "s.db")
    assert (code, said) == (1, "")
    assert lines[0].startswith(f"{ids[0]} -> {ids[1]}: POST ")
    assert '    - "one"' in lines
    assert llmproxy("diff", ids[0], ids[0], "--store", "s.db") == (0, [], "")
    code, lines, said = llmproxy("diff", ids[0], "0000000000000001", "--store", "s.db")
    assert (code, lines) == (1, [])
    assert "has no exchange 0000000000000001" in said


def test_what_the_store_keeps_in_parts_is_compared_too(llmproxy, place, daemon):
    """Such a body is read from the file when it is needed, not when the exchange is."""
    one = daemon("--upstream", "demo:", "--store", str(place / "s.db"))
    ids = [one.chat(f"Count to {to}", stream=True)[1]["X-LLMProxy-Exchange"] for to in (199, 200, 200)]
    one.stop()
    code, lines, said = llmproxy("diff", *ids[:2], "--store", "s.db")
    assert (code, said) == (1, "")
    assert any(line.strip() == "answer text" for line in lines)
    assert llmproxy("diff", *ids[1:], "--store", "s.db") == (0, [], ""), "a hit says what its recording says"


def test_a_recording_of_another_tool(llmproxy, place, cassette):
    request = {"method": "POST", "uri": "https://api.openai.com/v1/chat/completions", "headers": {}}
    request["body"] = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "What is rain?"}]})
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}}
    cassette({"request": request, "response": response}, name="o.yaml")
    put(place, asked("rain"))
    code, lines, _ = llmproxy("diff", "c.yaml", "o.yaml")
    assert (code, lines[0]) == (1, f"c.yaml#0 -> o.yaml#0: {TITLE}")
    assert not any(line.startswith("  prompt") for line in lines)


def test_what_cannot_be_read_is_told(llmproxy, place):
    put(place, asked(), name="a.yaml")
    put(place, asked(), more=b"---\nrequest: 1\n...\n")
    for words, sign in ((("a.yaml", "c.yaml"), "c.yaml#1"), (("c.yaml", "a.yaml"), "c.yaml#1")):
        code, lines, _ = llmproxy("diff", *words)
        assert code == 1
        assert lines[0].startswith(f"{sign}: cannot be read: line ")
    code, lines, said = llmproxy("diff", "c.yaml#1", "a.yaml")
    assert (code, lines) == (1, [])
    assert "c.yaml#1" in said


def test_files_beside_are_read(llmproxy, place):
    path, beside = put_picture(place)
    assert llmproxy("diff", path, path) == (0, [], "")
    beside.unlink()
    assert beside.name in llmproxy("diff", path, path)[1][0]


def test_secrets_are_not_shown(llmproxy, place):
    put(place, asked(f"rain {KEY}"), name="a.yaml")
    put(place, asked(f"snow {KEY}"), name="b.yaml")
    code, lines, _ = llmproxy("diff", "--all", "a.yaml", "b.yaml")
    assert code == 1
    assert not any(KEY in line for line in lines)


def test_nothing_steers_the_terminal(llmproxy, place):
    put(place, asked("rain \\u001b[2J\\u202e"), name="a.yaml")
    put(
        place,
        asked("snow \\u001b[2J\\u202e", said="\\u001b[2J"),
        asked("\\u001b[2J of things that nobody had"),
        name="b.yaml",
    )
    _, lines, _ = llmproxy("diff", "--color=never", "a.yaml", "b.yaml")
    assert lines
    assert all(line.isprintable() for line in lines)


def test_many_differences_are_cut(llmproxy, place):
    def of(sign):
        members = "".join(f'"p{number}":"{sign}",' for number in range(MOST + 7))
        body = asked().request.body.whole().replace(b'{"model"', b"{" + members.encode() + b'"model"')
        return evolve(asked(), request=evolve(asked().request, body=Bytes(body)))

    put(place, of("a"), name="a.yaml")
    put(place, of("b"), name="b.yaml")
    _, lines, _ = llmproxy("diff", "a.yaml#0", "b.yaml#0")
    assert lines[-1] == "  ... and 7 more"
    assert len(lines) == 2 + 3 * MOST


@pytest.mark.parametrize(
    ("option", "environ", "terminal", "coloured"),
    [
        ("auto", {}, False, False),
        ("auto", {}, True, True),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colour(llmproxy, two, monkeypatch, option, environ, terminal, coloured):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: terminal)
    _, lines, _ = llmproxy("diff", "--color", option, "a.yaml", "b.yaml")
    assert (lines[2] == '    \x1b[31m- "Paris."\x1b[0m') is coloured
    assert ("\x1b" in "".join(lines)) is coloured


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("a.yaml",), 2),
        (("a.yaml", "b.yaml", "c.yaml"), 2),
        (("--git", "a.yaml", "b.yaml"), 2),
        (("--wrong", "a.yaml", "b.yaml"), 2),
        (("none.yaml", "b.yaml"), 1),
        (("a.yaml#9", "b.yaml"), 1),
        (("", "b.yaml"), 1),
        (("a.yaml", "nul\0"), 1),
        (("a.yaml", "."), 1),
    ],
)
def test_what_is_wrong(llmproxy, two, words, code):
    found, lines, said = llmproxy("diff", *words)
    assert (found, lines) == (code, [])
    assert said


def test_help(llmproxy):
    code, lines, _ = llmproxy("diff", "--help")
    assert code == 0
    assert "  git config diff.llmproxy.command 'llmproxy diff --git'" in lines
