"""`llmproxy token`: what it prints goes into the configuration file as it is, and lets its client in."""

import sys
import tomllib

import pytest

from proxy_daemon.cli.main import main
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.tokens import Tokens
from proxy_daemon.settings.sources import load


@pytest.fixture
def call(monkeypatch, capsys):
    """`call(*words)` is (exit code, standard output, standard error) of `llmproxy token WORDS`."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "token", *words])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize("name", ["search-team", "ann.b", "0", "A_b"])
def test_the_printed_lines_let_the_printed_token_in(call, tmp_path, name):
    code, said, hint = call(name)
    token, _, table = said.partition("\n\n")
    (tmp_path / "llmproxy.toml").write_text(f'mode = "all"\n\n{table}')
    settings = load({"config": [str(tmp_path / "llmproxy.toml")]}, {"HOME": "/"})
    assert code == 0
    assert Tokens(settings.client_tokens).client(Headers([(b"X-LLMProxy-Token", token.encode())])) == name
    assert token not in table + hint


def test_each_token_is_another(call):
    assert len({call("a")[1] for _ in range(5)}) == 5


def test_the_table_is_toml(call):
    assert list(tomllib.loads(call("a")[1].partition("\n\n")[2])["client-tokens"]) == ["a"]


@pytest.mark.parametrize("words", [(), ("a", "b"), ("",), ("a b",), ('a"',), ("-a",), ("a\n",), ("x" * 65,)])
def test_wrong_usage(call, words):
    code, said, error = call(*words)
    assert (code, said) == (2, "")
    assert error.startswith("usage: llmproxy token NAME")
