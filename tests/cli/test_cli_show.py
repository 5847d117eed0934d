"""`llmproxy show`: everything that is said in a recording, for people and for programs, and nothing that steers."""

import json
import os
import re
import subprocess
import sys

import pytest

from proxy_daemon.cli.main import main

KEY = "sk-verysecret0123456789"
PATH = "/v1/chat/completions"
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
ASKED = {
    "model": "gpt-4o-mini",
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain\nand wind"},
    ],
}
MESSAGE = {"role": "assistant", "content": "Take a coat.", "reasoning_content": "It rains."}
SAID = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-mini-2024",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
}
TOLD = """\
c.yaml#0: POST https://api.openai.com/v1/chat/completions?api_key=REDACTED
  openai-chat, chat, gpt-4o-mini
  status 200 OK, complete
  recorded 2024-05-06T07:08:09+00:00
  tools: weather
  system:
    Be brief.
  user:
    [image, https://x.example/a.png]
  assistant:
    [call of weather, call_1] {"city": "Oslo"}
  tool:
    [result of the call, call_1] rain
    and wind
  answer:
    [reasoning] It rains.
    Take a coat.
  finish: stop
  answered by: gpt-4o-mini-2024
  usage: input 7, output 3, total 10
  not known: how long it took; the pieces of the answer and their times
"""


def entry(answer=SAID, *, body=ASKED, status=200, url=f"https://api.openai.com{PATH}"):
    """One interaction as vcrpy writes it."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    fields = {"content-type": ["application/json"], "authorization": [f"Bearer {KEY}"]}
    return {
        "request": {"method": "POST", "uri": url, "body": json.dumps(body), "headers": fields},
        "response": {
            "status": {"code": status, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": text},
        },
        "recorded_at": "2024-05-06T07:08:09",
    }


@pytest.fixture
def cassette(tmp_path, monkeypatch):
    """`cassette(*entries)` writes a cassette into the folder in which the commands run; gives its name."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LLMPROXY_")]:
        monkeypatch.delenv(name)

    def write(*entries, name="c.yaml"):
        (tmp_path / name).write_text(json.dumps({"interactions": entries, "version": 1}))
        return name

    return write


@pytest.fixture
def call(monkeypatch, capsysbinary):
    """`call(*words)` is (exit code, standard output, standard error) of `llmproxy show WORDS`."""

    def run(*words, command="show"):
        monkeypatch.setattr(sys, "argv", ["llmproxy", command, *words])
        code = main()
        said = capsysbinary.readouterr()
        return code, said.out.decode(), said.err.decode()

    return run


# --- for people ------------------------------------------------------------------------------------------------------


def test_everything_that_is_said(call, cassette):
    assert call(cassette(entry(url=f"https://api.openai.com{PATH}?api_key={KEY}"))) == (0, TOLD, "")


def test_secrets_by_rules_of_ones_own_are_not_shown(call, cassette, tmp_path):
    (tmp_path / "c.toml").write_text("[[redact]]\nname = 'tenant'\npattern = 'acme-[0-9]+'\n")
    name = cassette(entry({**SAID, "model": "acme-123456"}, body={**ASKED, "user": "u"}))
    assert "acme-123456" in call(name)[1]
    for form in ((), ("--json",)):
        code, said, _ = call(name, *form, "--config", "c.toml")
        assert (code, "acme-" in said) == (0, False)


def test_one_entry_or_all(call, cassette):
    name = cassette(entry(), entry(status=429, answer={"error": {"message": "slow down"}}))
    assert call(name)[1].count("POST https://") == 2
    code, said, _ = call(f"{name}#1")
    assert code == 0
    assert said.startswith("c.yaml#1: POST")
    assert "  status 429 OK, complete\n" in said
    assert "  error: slow down\n" in said
    assert said.endswith("  not to be served: status 429\n")


def test_a_file_whose_name_looks_numbered(call, cassette):
    assert call(cassette(entry(), name="c#7"))[1].startswith("c#7#0: POST")


def test_what_cannot_be_decoded_is_said_beside_what_can(call, cassette):
    said = call(cassette(entry('{"model": "m"')))[1]
    assert "  not decodable: " in said
    assert "    Be brief.\n" in said


def test_an_answer_without_a_request(call, cassette, tmp_path):
    cassette()
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    (tmp_path / "a.sse").write_text(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n")
    code, said, _ = call("a.sse")
    assert code == 0
    assert said.startswith("a.sse#0: (the request is not known)\n")
    assert "  not to be served: the answer's status is not known\n" in said


# --- for programs ----------------------------------------------------------------------------------------------------


def test_json_is_a_line_for_each(call, cassette):
    code, said, _ = call("--json", cassette(entry(), entry()))
    first, second = map(json.loads, said.splitlines())
    assert (code, first["place"], second["place"]) == (0, "c.yaml#0", "c.yaml#1")
    assert first["request"] == "POST https://api.openai.com/v1/chat/completions"
    assert (first["dialect"], first["operation"], first["model"]) == ("openai-chat", "chat", "gpt-4o-mini")
    assert (first["status"], first["started"], first["problem"]) == (200, "2024-05-06T07:08:09+00:00", "")
    messages = first["conversation"]["messages"]
    assert [part["type"] for message in messages for part in message["parts"]] == [
        *("Text", "Media", "ToolCall", "ToolResult"),
    ]
    (choice,) = first["answer"]["choices"]
    assert [part["text"] for part in choice["parts"]] == ["It rains.", "Take a coat."]
    assert (choice["finish"], first["answer"]["usage"]["total"]) == ("stop", 10)
    assert first["conversation"]["tools"] == [
        {"name": "weather", "description": "", "schema": {"type": "object"}},
    ]


def test_raw_is_the_octets(call, cassette):
    text = '{"odd":   "spaces", "access_token": "t"}\n'
    assert call(cassette(entry(), entry(text)) + "#1", "--raw") == (0, text, "")


def test_no_key_is_shown(call, cassette):
    name = cassette(entry({"access_token": KEY}, url=f"https://x.example/token?key={KEY}"))
    assert all("verysecret" not in call(name, *form)[1] for form in ((), ("--json",)))


# --- of the store ----------------------------------------------------------------------------------------------------


def test_an_exchange_of_the_store(call, cassette, daemon, tmp_path):
    cassette()
    proxy = daemon("--upstream", "demo:", store=tmp_path / "s.db")
    proxy.chat("What is the capital of France?" + "x" * 100_000)
    (exchange,) = proxy.exchanges()
    code, said, _ = call(exchange["id"], "--store", "s.db")
    assert code == 0
    assert said.startswith(f"{exchange['id']}: POST ")
    assert "    What is the capital of France?xxx" in said
    assert "  answer:\n" in said
    raw = proxy.request("GET", f"/_llmproxy/api/exchanges/{exchange['id']}/response/body")[2]
    assert call(exchange["id"], "--store", "s.db", "--raw")[1].encode() == raw


def test_a_hit_is_told_by_what_answered_it(call, cassette, daemon, tmp_path):
    cassette()
    proxy = daemon("--upstream", "demo:", store=tmp_path / "s.db")
    for fields in ({}, {}, {"Cache-Control": "no-store"}):
        proxy.chat("What is the capital of France?", headers=fields)
    withheld, hit, first = (row["id"] for row in proxy.exchanges())
    said = call(hit, "--store", "s.db")[1]
    assert "    What is the capital of France?" in said
    assert "  answer:\n    Paris." in said
    assert f"not to be served: the recording {first} has answered it" in said
    assert call(hit, "--store", "s.db", "--raw") == call(first, "--store", "s.db", "--raw")
    assert "Paris" not in call(withheld, "--store", "s.db")[1]
    assert call("~said paris", "--store", "s.db", "--json", command="list")[1].count(withheld) == 0


def test_an_import_reads_the_same_from_the_store(call, cassette):
    name = cassette(entry())
    from_file = json.loads(call(name, "--json")[1])
    call(name, "--store", "s.db", command="import")
    (found,) = re.findall(r"[0-9a-f]{16}", stored_ids())
    from_store = json.loads(call(found, "--store", "s.db", "--json")[1])
    assert from_store | {"place": ""} == from_file | {"place": ""}


def stored_ids():
    """Of s.db, in hexadecimal."""
    code = "import sqlite3; [print(f'{i:016x}') for (i,) in sqlite3.connect('s.db').execute('SELECT id FROM exchange')]"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout


def test_a_store_is_only_read(call, cassette, tmp_path):
    call(cassette(entry()), "--store", "s.db", command="import")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    found = re.findall(r"[0-9a-f]{16}", stored_ids())
    (tmp_path / "s.db-wal").unlink(missing_ok=True)
    (tmp_path / "s.db-shm").unlink(missing_ok=True)
    assert call(*found, "--store", "s.db")[0] == 0
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_empty_file_does_not_become_a_store(call, cassette, tmp_path):
    cassette()
    (tmp_path / "s.db").write_bytes(b"")
    assert call("1", "--store", "s.db") == (1, "", "llmproxy: the store s.db is empty; name another with --store\n")
    assert {file.name for file in tmp_path.iterdir()} == {"c.yaml", "s.db"}
    assert (tmp_path / "s.db").stat().st_size == 0


@pytest.mark.parametrize("words", [("pipe",), ("pipe#0",), ("1", "--store", "pipe")])
def test_a_pipe_that_nobody_writes_into_is_not_waited_for(call, cassette, words):
    cassette()
    os.mkfifo("pipe")
    code, said, error = call(*words)
    assert (code, said) == (1, "")
    assert error in (
        "llmproxy: pipe: no regular file\n",
        "llmproxy: there is no store pipe; name another with --store\n",
    )


# --- what cannot be shown --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("gone.yaml",), 1, "gone.yaml: No such file or directory"),
        (("c.yaml#9",), 1, "c.yaml has no entry 9"),
        (("0123456789abcdef",), 1, "there is no store s.db"),
        (("c.yaml", "--json", "--raw"), 2, "not allowed with"),
        ((), 2, "the following arguments are required"),
        (("",), 2, "llmproxy: an empty name is neither a file nor an exchange's id"),
        (("#3",), 1, "#3: No such file or directory"),
        (("/dev/null",), 1, "/dev/null: no regular file"),
        ((".",), 1, ".: Is a directory"),
        (("c.yaml", "--plugin", "exits.py"), 2, "plugin 'exits' cannot be loaded: SystemExit: 0"),
        (("c.yaml", "--plugin", "odd.py"), 1, "c.yaml: SystemExit: 0"),
        (("c.yaml", "--plugin", "no.such"), 2, "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_said(call, cassette, tmp_path, words, code, why):
    cassette(entry())
    (tmp_path / "exits.py").write_text("raise SystemExit(0)")
    (tmp_path / "odd.py").write_text(ODD)
    found = call(*words, "--store", "s.db")
    assert found[:2] == (code, "")
    assert why in found[2]
    assert not (tmp_path / "s.db").exists()


def test_an_exchange_that_is_not_there(call, cassette):
    call(cassette(entry()), "--store", "s.db", command="import")
    code, _, error = call("1", "--store", "s.db")
    assert (code, error) == (1, "llmproxy: the store s.db has no exchange 1, and there is no such file\n")


def test_an_entry_that_is_none_is_named_and_the_others_are_shown(call, cassette):
    code, said, error = call(cassette({"kind": "ws"}, entry()))
    assert (code, error) == (1, "llmproxy: c.yaml#0: a frame of a WebSocket session\n")
    assert said.startswith("c.yaml#1: POST")


ODD = """
from proxy_daemon.hookspecs import hookimpl

class Odd:
    name = "odd"
    def recognises(self, file, data):
        raise SystemExit(0)

@hookimpl
def llmproxy_formats():
    return [Odd()]
"""
DIALECT = """
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.hookspecs import hookimpl

class Mine(Dialect):
    name = "mine"
    def recognises(self, request):
        return True
    left_to_ask = Dialect.left_to_ask
    def generates(self, request):
        raise SystemExit(0)

@hookimpl
def llmproxy_dialects():
    return [Mine()]
"""


def test_a_dialect_that_fails_is_named_and_the_rest_is_shown(call, cassette, tmp_path):
    name = cassette(entry())
    (tmp_path / "mine.py").write_text(DIALECT)
    code, said, error = call(name, "--plugin", "mine.py")
    assert (code, error) == (0, "")
    assert said.startswith("c.yaml#0: POST")
    assert "not to be served: a dialect failed: SystemExit: 0\n" in said


# --- hostile ---------------------------------------------------------------------------------------------------------

STEERING = "".join(map(chr, [*range(9), *range(11, 32), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x2028, 0xFEFF]))


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_nothing_steers_the_terminal(call, cassette, form):
    evil = f"a{STEERING}b"
    tool = {"type": "function", "function": {"name": evil}}
    body = {"model": evil, "tools": [tool], "messages": [{"role": evil, "content": evil}]}
    choice = {"message": {"content": evil, "refusal": evil, "reasoning_content": evil}, "finish_reason": evil}
    said = call(cassette(entry({"model": evil, "choices": [choice], "error": evil}, body=body)), *form)[1]
    assert not set(said) & set(STEERING)
    assert "1b" in said


def test_deep_nesting_ends_in_words(call, cassette):
    deep = "[" * 10_000 + "]" * 10_000
    told = entry()
    told["request"]["body"] = told["request"]["body"].replace('{"type": "object"}', deep)
    told["response"]["body"]["string"] = deep
    for form in ((), ("--json",)):
        code, said, error = call(cassette(told), *form)
        assert (code, error) == (0, "")
        assert "POST https://api.openai.com" in said
