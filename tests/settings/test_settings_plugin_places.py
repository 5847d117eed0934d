"""Plugins as `--plugin` names them: what they are called, their code, and every way in which it can fail to load."""

import sys

import pytest

from proxy_daemon.settings.plugin_places import NotLoaded, imported, loaded, plugin_name


@pytest.mark.parametrize(
    ("place", "name"), [("a.b.c", "a.b.c"), ("mine.py", "mine"), ("/x/y/mine.py", "mine"), ("~/a.b.py", "a.b")]
)
def test_names(place, name):
    assert plugin_name(place) == name


def test_a_file_is_imported_under_a_name_of_its_own(tmp_path):
    (tmp_path / "json.py").write_text("value = __name__")
    module = imported(str(tmp_path / "json.py"))
    assert module.value == "llmproxy_plugin_json"
    assert sys.modules.pop("llmproxy_plugin_json") is module


def test_a_module_is_imported():
    assert imported("json") is sys.modules["json"]


def test_a_class_is_made():
    class Mine:
        pass

    assert isinstance(loaded("x", lambda: Mine), Mine)
    assert loaded("x", lambda: 7) == 7


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise SystemExit", "SystemExit: "),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise BaseException('two\\nlines')", "BaseException: two lines"),
        ("raise GeneratorExit", "GeneratorExit: "),
        ("(", "SyntaxError: '(' was never closed"),
    ],
)
def test_whatever_its_code_does_is_said_in_one_line(tmp_path, code, why):
    (tmp_path / "bad.py").write_text(code)
    with pytest.raises(NotLoaded) as caught:
        loaded("bad", lambda: imported(str(tmp_path / "bad.py")))
    assert str(caught.value).startswith(f"plugin 'bad' cannot be loaded: {why}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["gone.py", "no.such.module", "", ".py"])
def test_what_is_not_there(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotLoaded, match="cannot be loaded"):
        loaded("x", lambda: imported(place))


def test_who_interrupts_is_heard():
    def load():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loaded("x", load)
