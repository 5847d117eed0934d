"""etc/llmproxy.toml against the settings: each is there, explained in the same words, with its true default."""

import re
from pathlib import Path

import pytest

from proxy_daemon.settings import OPTIONS, SettingsError
from proxy_daemon.settings.sources import load

FILE = (Path(__file__).parents[1] / "etc" / "llmproxy.toml").read_text()
DEFAULT = re.compile(r"^# (?=[a-z-]+ = )", re.MULTILINE)
EXAMPLE = re.compile(r"^#   (?=[a-z-]+ = |\[)", re.MULTILINE)
# Their default is no value at all, so it cannot be written.
WITHOUT_VALUE = {
    "upstream-proxy",
    "upstream-ca",
    "replay-scope",
    "replay-max-age",
    "cassette",
    "cassette-dir",
    "log",
    "max-spool",
    "admin-token-file",
}
OF_TABLES = {"teams", "search-team", "path", "on", "name", "pattern", "header", "json"}
KEYS = {name.replace("_", "-") for name in OPTIONS} - {"config"}  # a file does not name another


def keys(pattern, text=FILE):
    return re.findall(rf"(?m){pattern.pattern}([a-z-]+) = ", text)


@pytest.fixture
def read(tmp_path):
    """The settings of a file with this text, for a user without any environment but a home."""

    def settings(text):
        file = tmp_path / "llmproxy.toml"
        file.write_text(text)
        return load({"config": [str(file)]}, {"HOME": str(Path.home())})

    return settings


def plain(settings):
    return {name: getattr(settings, name) for name in OPTIONS if name != "config"}


def test_as_it_is_it_changes_nothing(read):
    assert plain(read(FILE)) == plain(read(""))


def test_uncommented_it_is_the_defaults(read):
    settings = read(DEFAULT.sub("", FILE))
    assert plain(settings) == plain(read(""))
    assert settings.plugin_settings == {}


def test_every_setting_is_there_once():
    assert sorted([*keys(DEFAULT), *WITHOUT_VALUE]) == sorted(KEYS)


def test_a_setting_without_a_default_has_an_example():
    assert WITHOUT_VALUE <= set(keys(EXAMPLE)) <= KEYS | OF_TABLES


@pytest.mark.parametrize("name", sorted(KEYS))
def test_it_is_explained_in_the_words_of_the_help(name):
    option = OPTIONS[name.replace("-", "_")][1]
    block = next(block for block in FILE.split("\n\n") if re.search(rf"(?m)^# +{name} = ", block))
    assert " ".join(line.removeprefix("# ") for line in block.splitlines()).startswith(option.help)


def test_the_examples_can_be_read(read):
    text = EXAMPLE.sub("", FILE)
    settings = read(text)
    assert settings.plugin_settings == {"my-rules": {"teams": ["search", "billing"]}}
    assert list(settings.client_tokens) == ["search-team"]
    assert [each.path for each in settings.match_paths] == ["/v1/embeddings"]
    assert {stamp.name for stamp in settings.stamps} == {"claude-code", "build-number"}
    changed = {key for key in KEYS if plain(settings)[key.replace("-", "_")] != plain(read(""))[key.replace("-", "_")]}
    assert changed == set(keys(EXAMPLE)) - OF_TABLES


def test_a_misspelt_key_is_told_as_the_file_says(read):
    with pytest.raises(SettingsError, match="did you mean 'max-body'"):
        read('max-boddy = "1k"')
