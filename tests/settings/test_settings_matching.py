"""What the settings say of matching: options, environment, and the tables of a file."""

import pytest

from proxy_daemon.core.matching.counting.match_on import MatchOn
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.sources import load

ENVIRON = {"HOME": "/nowhere"}


@pytest.fixture
def read(tmp_path):
    """The settings of a file with this text."""

    def settings(text, **given):
        file = tmp_path / "llmproxy.toml"
        file.write_text(text)
        return load({"config": [str(file)], **given}, ENVIRON)

    return settings


def test_without_any_a_matcher_is_the_default():
    assert Matcher.of(Settings()).digest == Matcher.of(load({}, ENVIRON)).digest == Matcher().digest


def test_all_options_reach_the_matcher(read):
    settings = read(
        """
        match-on = ["model", "messages,-n"]
        match-keys = "promptecho-2"
        volatile = ["dates"]
        [[match]]
        path = "/v1/x"
        on = "input"
        """
    )
    matcher = Matcher.of(settings)
    assert matcher.on == MatchOn(frozenset(("model", "messages")), ("n",))
    assert [(each.path, each.on.only) for each in matcher.paths] == [("/v1/x", {"input"})]
    assert [stamp.name for stamp in matcher.stamps] == ["dates"]
    assert matcher.keys == "promptecho-2"


def test_the_environment_and_the_command_line_say_it_too():
    environ = {**ENVIRON, "LLMPROXY_MATCH_ON": "-n -top_p", "LLMPROXY_VOLATILE": "uuids codex"}
    settings = load({"match_on": ["model"]}, environ)
    assert Matcher.of(settings).on == MatchOn(frozenset(("model",)))
    assert {stamp.name for stamp in Matcher.of(settings).stamps} == {"uuids", "codex"}
    assert Matcher.of(load({}, environ)).on.dropped == ("n", "top_p")


def test_tables_come_behind_rules_that_have_a_name(read):
    text = '[[volatile]]\nname = "n"\npattern = "x"\n[[volatile]]\nname = "uuids"\n'
    assert [stamp.name for stamp in Matcher.of(read(text)).stamps] == ["n", "uuids"]
    assert [stamp.name for stamp in Matcher.of(read(text, volatile=["dates"])).stamps] == ["dates", "n", "uuids"]
    mixed = 'volatile = ["dates", {name = "n", pattern = "x"}]'
    assert [stamp.name for stamp in Matcher.of(read(mixed)).stamps] == ["dates", "n"]


REFUSED = [
    ('match-on = "+x"', r"match-on: '\+x' adds nothing that is known"),
    ('match-keys = "promptecho"', "one of llmproxy, promptecho-2"),
    ('volatile = "date"', "volatile: 'date' is unknown: one of dates, uuids"),
    ("volatile = [5]", "'5' is unknown"),
    ('[[volatile]]\nname = "n"\npattern = "(?=x)"', r"\[\[volatile\]\] 1: pattern: .*RE2"),
    ('[[match]]\npath = "x"\non = "a"', r"\[\[match\]\] 1: path must be a path"),
    ('[match]\npath = "/x"\non = "a"', r"must be tables: \[\[match\]\]"),
    ('match = "x"', "must be tables"),
    ('[volatile]\nname = "n"', "volatile: must be a string or a list of strings"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_an_error_names_the_file_and_what_to_do(read, text, said):
    with pytest.raises(SettingsError, match=rf"llmproxy\.toml: .*{said}"):
        read(text)
