"""`llmproxy scan`: files with and without secrets, its lines and exit codes."""

import json
import sys

import pytest

from proxy_daemon.cli.main import main
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.llmproxy import HEADER, written

KEY = "gsk_" + "a1B2c3D4e5" * 5


@pytest.fixture
def scan(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "scan", *arguments])
        code = main()
        out = capsys.readouterr()
        return code, out.out.splitlines(), out.err

    return run


def cassette(key):
    interaction = {
        "request": {
            "method": "POST",
            "uri": "https://api.openai.com/v1/chat/completions",
            "headers": {"content-type": ["application/json"]},
            "body": json.dumps({"messages": [{"role": "user", "content": f"use {key}"}]}),
        },
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
    }
    return json.dumps({"version": 1, "interactions": [interaction, interaction]})


def test_a_clean_file(scan, tmp_path):
    (tmp_path / "a.txt").write_text("words\nand sk-test\n")
    assert scan("a.txt") == (0, [], "")


def test_a_text_by_line(scan, tmp_path):
    (tmp_path / "a.txt").write_text(f"words\nand {KEY}\n")
    assert scan("a.txt") == (1, ["a.txt: line 2: Groq key (gsk_...)"], "")


def test_a_cassette_by_entry(scan, tmp_path):
    (tmp_path / "a.yaml").write_text(cassette(KEY))
    (tmp_path / "b.yaml").write_text(cassette("words"))
    code, lines, _ = scan("a.yaml", "b.yaml")
    assert code == 1
    assert lines == [f"a.yaml#{at}: the request's body, messages.0.content: Groq key (gsk_...)" for at in (0, 1)]


def ours(tmp_path, key):
    """A cassette of ours, into which somebody has put a key; its first entry has a placeholder."""
    one = next(iter(read("a.yaml", cassette("<API_KEY_1>").encode())))
    text = HEADER + written(one).text + written(one).text.replace(b"<API_KEY_1>", key.encode())
    (tmp_path / "o.yaml").write_bytes(text)


def test_a_cassette_of_ours_by_entry(scan, tmp_path):
    ours(tmp_path, "words")
    assert scan("o.yaml") == (0, [], "")
    ours(tmp_path, KEY)
    code, lines, _ = scan("o.yaml")
    assert (code, lines) == (1, ["o.yaml#1: the request's body, messages.0.content: Groq key (gsk_...)"])


def test_a_damaged_cassette_is_a_text(scan, tmp_path):
    (tmp_path / "a.yaml").write_text(cassette(KEY)[:-5])
    code, lines, _ = scan("a.yaml")
    assert code == 1
    assert lines[0] == "a.yaml: line 1: Groq key (gsk_...)"


def test_rules_of_the_settings_count(scan, tmp_path):
    (tmp_path / "c.toml").write_text("[[redact]]\nname = 'tenant'\npattern = 'acme-[0-9]+'\n")
    (tmp_path / "a.txt").write_text("of acme-123456\n")
    assert scan("a.txt")[0] == 0
    assert scan("--config", "c.toml", "a.txt") == (1, ["a.txt: line 1: the rule tenant (acme...)"], "")


def test_a_file_that_cannot_be_read(scan, tmp_path):
    (tmp_path / "a.txt").write_text(KEY)
    code, lines, said = scan("missing", "a.txt")
    assert code == 1
    assert len(lines) == 1
    assert "missing" in said


@pytest.mark.parametrize("arguments", [(), ("--wrong", "a"), ("--config", "none.toml", "a")])
def test_wrong_usage(scan, arguments):
    assert scan(*arguments)[0] == 2


def test_help(scan):
    code, lines, _ = scan("--help")
    assert code == 0
    assert any("FILE" in line for line in lines)


def test_a_name_that_steers_the_terminal(scan, tmp_path):
    (tmp_path / "a\x1b[2J.txt").write_text(KEY)
    assert "\x1b" not in "".join(scan("a\x1b[2J.txt")[1])
