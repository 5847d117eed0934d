"""`--cassette talk.md` means mode none, unless a mode is given anywhere."""

import pytest

from proxy_daemon.core.cassettes import is_talk
from proxy_daemon.settings.sources import load

HOME = {"HOME": "/home/ann"}


@pytest.mark.parametrize(
    "name", ["talk.md", "a/TALK.MD", "x.markdown", "talk.yaml", "md", "talk.md.yaml", "", "a.md/b"]
)
def test_which_files_are_talks(name):
    assert is_talk(name) is name.lower().endswith((".md", ".markdown"))
    mode = load({"cassette": [name]} if name else {}, HOME).mode
    assert mode == ("none" if is_talk(name) else "new_episodes")


@pytest.mark.parametrize("mode", ["once", "off", "new_episodes"])
def test_a_mode_that_is_given_rules(mode, tmp_path):
    talk = {"cassette": ["talk.md"]}
    assert load(talk | {"mode": [mode]}, HOME).mode == mode
    assert load(talk, HOME | {"LLMPROXY_MODE": mode}).mode == mode
    file = tmp_path / "l.toml"
    file.write_text(f'mode = "{mode}"')
    assert load(talk | {"config": [str(file)]}, HOME).mode == mode


def test_a_talk_may_be_named_anywhere(tmp_path):
    file = tmp_path / "l.toml"
    file.write_text('cassette = "talk.md"')
    assert load({"config": [str(file)]}, HOME).mode == "none"
    assert load({}, HOME | {"LLMPROXY_CASSETTE": "talk.md"}).mode == "none"
