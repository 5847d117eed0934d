"""`--rewrite`: ready names and files, and one line for all that is wrong with them."""

import os

import pytest

from proxy_daemon.core.rewriting.ready import READY
from proxy_daemon.settings import SettingsError
from proxy_daemon.settings.rewriting import rules_of
from proxy_daemon.settings.sources import load

RULE = '[[rule]]\nname = "mine"\nrequest.remove = "user"\n'


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def file(content=RULE, name="r.toml"):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return file


def test_nothing_is_no_rules():
    assert rules_of(()).rules == ()


@pytest.mark.parametrize("name", list(READY))
def test_a_ready_name(name):
    found = rules_of([name]).rules
    assert tuple(rule.act for rule in found) == READY[name].rules
    assert {rule.place for rule in found} == {f"the ready {name}"}


def test_files_and_names_in_the_order_in_which_they_are_given(write):
    other = write(RULE.replace("mine", "other").replace("user", "n"), "o.toml")
    found = rules_of([other, "gpt-oss", write()]).rules
    assert [(rule.name, rule.place) for rule in found] == [
        ("other", "o.toml:1"),
        ("gpt-oss", "the ready gpt-oss"),
        ("mine", "r.toml:1"),
    ]


def test_a_file_in_the_home(write, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write()
    assert len(rules_of(["~/r.toml"]).rules) == 1


WRONG = [
    ("gptoss", "--rewrite: there is no file 'gptoss', nor ready rules: gpt-oss, gpt-oss-reasoning, thinking-tags"),
    (".", "--rewrite: . cannot be read: Is a directory"),
    ("~nobody-at-all/x", "--rewrite: ~nobody-at-all/x is in the home of somebody unknown"),
    ("a\0b", "--rewrite: 'a\\x00b' is no name of a file"),
]


@pytest.mark.parametrize(("text", "error"), WRONG)
def test_what_cannot_be_read(write, text, error):
    with pytest.raises(SettingsError) as refusal:
        rules_of([text])
    assert str(refusal.value).startswith(error)


CONTENTS = [
    (b"\xff", "--rewrite: r.toml is not TOML: it is not UTF-8"),
    ("[[rule]]\nname = 7", "--rewrite: r.toml:1: rule 1: a rule needs a name"),
    (RULE + RULE, "--rewrite: r.toml:4: rule 'mine': two rules have this name, the other at r.toml:1"),
    (RULE + RULE.replace("mine", "b"), "--rewrite: r.toml:4: rule 'b': rule 'mine' changes the field user too"),
    (" " * 5_000_000, "--rewrite: r.toml: the file has more than"),
]


@pytest.mark.parametrize(("content", "error"), CONTENTS, ids=range(len(CONTENTS)))
def test_what_is_wrong_in_a_file(write, content, error):
    with pytest.raises(SettingsError) as refusal:
        rules_of([write(content)])
    assert str(refusal.value).startswith(error)
    assert "\n" not in str(refusal.value)


def test_rules_of_two_places_that_fight():
    with pytest.raises(
        SettingsError, match="the ready gpt-oss-reasoning: rule 'gpt-oss-reasoning': rule 'gpt-oss' comes"
    ):
        rules_of(["gpt-oss", "gpt-oss-reasoning"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")
def test_a_file_that_may_not_be_read(write, tmp_path):
    (tmp_path / write()).chmod(0)
    with pytest.raises(SettingsError, match="Permission denied"):
        rules_of(["r.toml"])


LAYERS = [
    ({"rewrite": ["gpt-oss", "a.toml"]}, {}, ("gpt-oss", "a.toml")),
    ({}, {"LLMPROXY_REWRITE": "gpt-oss a.toml"}, ("gpt-oss", "a.toml")),
    ({}, {}, ()),
    ({"rewrite": ["gpt-oss"]}, {"LISTEN_PORT": "9", "UPSTREAM_HOST": "h"}, ("gpt-oss",)),
]


@pytest.mark.parametrize(("given", "environ", "expected"), LAYERS, ids=range(len(LAYERS)))
def test_the_setting(given, environ, expected):
    assert load(given, environ | {"HOME": "/h"}).rewrite == expected


def test_with_the_relays_names_it_is_a_drop_in():
    settings = load({"rewrite": ["gpt-oss"]}, {"LISTEN_ADDR": "127.0.0.1", "UPSTREAM_PORT": "1234", "HOME": "/h"})
    assert (settings.listen, settings.upstream[0].url) == (("tcp:8080:interface=127.0.0.1",), "http://127.0.0.1:1234")
    assert [rule.name for rule in rules_of(settings.rewrite).rules] == ["gpt-oss"]
