"""Each setting by itself: what it takes, what it refuses and in which words, and its default as `--help` writes it."""

import math
import re

import pytest

from proxy_daemon.core.matching.sequence import Repeat
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.speed import AT_ONCE, Speed
from proxy_daemon.settings import OPTIONS, Option, Settings, default_store, default_text

DEFAULTS = {
    "listen": ("tcp:8910:interface=127.0.0.1",),
    "upstream": (),
    "store_max_bytes": 4 * 2**30,
    "store_max_age": 30 * 86400,
    "record_max_body": 64 * 2**20,
    "max_body": 512 * 2**20,
    "mode": "new_episodes",
    "replay_max_age": math.inf,
    "repeat": Repeat(),
    "replay_speed": AT_ONCE,
    "fuzzy": "diff",
    "on_error_response": "skip",
    "on_client_abort": "cancel",
    "allow_host": (),
    "allow_origin": (),
}

TAKEN = [
    ("mode", "off", "off"),
    ("mode", "none", "none"),
    ("mode", "all", "all"),
    ("replay_scope", "key", "key"),
    ("replay_speed", "20tps", Speed(0, 20)),
    ("replay_speed", "2.5", Speed(2.5, 0)),
    ("replay_max_age", "12h", 43200),
    ("repeat", "exhaust", Repeat("exhaust")),
    ("repeat", "random:7", Repeat("random", 7)),
    ("store_max_bytes", "500MiB", 500 * 2**20),
    ("store_max_bytes", "1", 1),
    ("store_max_bytes", "1.5k", 1536),
    ("store_max_bytes", "1kB", 1000),
    ("connect_timeout", "500ms", 0.5),
    ("client_timeout", "3650d", 3650 * 86400),
    ("upstream_connections", "1", 1),
    ("upstream_connections", "1000000", 1_000_000),
    ("quiet", "ON", True),
    ("quiet", "no", False),
    ("store", "off", "off"),
    ("fuzzy", "serve", "serve"),
    ("fuzzy", "serve-none", "serve-none"),
    ("fuzzy_threshold", "0.975", 0.975),
    ("fuzzy_threshold", "1", 1.0),
    ("fuzzy_threshold", "0", 0.0),
]

REFUSED = [
    ("mode", "never", "'never' is unknown"),
    ("mode", "", "'' is unknown: one of off, new_episodes, none, all"),
    ("mode", "None", "'None' is unknown: one of"),
    ("fuzzy", "on", "'on' is unknown: one of off, diff, serve, serve-none"),
    ("fuzzy_threshold", "1.01", "'1.01' is not a number from 0 to 1"),
    ("fuzzy_threshold", "-0.1", "is not a number from 0 to 1"),
    ("fuzzy_threshold", "nan", "is not a number from 0 to 1"),
    ("fuzzy_threshold", "0_1", "is not a number from 0 to 1"),
    ("fuzzy_threshold", "97%", "is not a number from 0 to 1"),
    ("replay_scope", "none", "one of key, all"),
    ("repeat", "random", "'random' is unknown: one of sequence, exhaust, cycle, first, last, or random:SEED"),
    ("on_error_response", "drop", "one of skip, record, refuse"),
    ("on_client_abort", "skip", "one of cancel, drain"),
    ("replay_speed", "fast", "'fast' is not a speed: 0 is at once"),
    ("replay_speed", "-1", "is not a speed"),
    ("replay_speed", "nan", "is not a speed"),
    ("replay_speed", "inf", "is not a speed"),
    ("replay_speed", "0tps", "is not a speed"),
    ("replay_speed", "1.2.3tps", "is not a speed"),
    ("store_max_bytes", "0", "'0' must be more than nothing"),
    ("store_max_bytes", "0.5", "'0.5' must be more than nothing"),
    ("store_max_bytes", "-1", "'-1' is not a size, such as"),
    ("store_max_bytes", "4 gigs", "is not a size, such as 64MiB"),
    ("store_max_bytes", "1e9", "is not a size"),
    ("store_max_bytes", "٣", "is not a size"),
    ("store_max_bytes", "9" * 400, "is not a size"),
    ("store_max_age", "0", "'0' must be more than nothing and less than ten years"),
    ("store_max_age", "11000d", "less than ten years"),
    ("store_max_age", "soon", "'soon' is not a duration, such as 30d"),
    ("connect_timeout", "-3s", "is not a duration"),
    ("connect_timeout", "inf", "is not a duration"),
    ("upstream_connections", "0", "'0' is not a whole number from 1 to 1000000"),
    ("upstream_connections", "1000001", "is not a whole number"),
    ("upstream_connections", "1.5", "is not a whole number"),
    ("upstream_connections", "+5", "is not a whole number"),
    ("upstream_connections", "٣", "is not a whole number"),
    ("quiet", "maybe", "'maybe' is not yes or no"),
    ("quiet", "", "'' is not yes or no"),
    ("log", "", "'' must not be empty"),
    ("log", "a\nb", "'a\\nb' must not be empty or hold control characters"),
    ("store", "a\0b", "control characters"),
    ("upstream", "api.openai.com", "must be an http or https URL with a host; for example https://"),
    ("upstream", "ftp://host", "must be an http or https URL"),
    ("upstream", "http://", "must be an http or https URL with a host"),
    ("upstream", "http://host:port", "is not a URL"),
    ("upstream", "http://host:99999", "is not a URL"),
    ("upstream", "http://[::1", "is not a URL"),
    ("upstream", "http://me:secret@host", "must not hold credentials"),
    ("upstream", "http://host/?key=1", "must not hold credentials, a query or a fragment"),
    ("upstream", "http://host/#x", "must not hold credentials, a query or a fragment"),
    ("upstream", "http://höst", "must be plain ASCII"),
    ("upstream", "http://host/a b", "must be plain ASCII without spaces"),
    ("upstream", "", "must be an http or https URL"),
    ("upstream", "local=", "must be an http or https URL"),
]


def option(name: str) -> Option:
    return OPTIONS[name][1]


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_is_the_one_of_the_design(name):
    assert getattr(Settings(), name) == DEFAULTS[name]


@pytest.mark.parametrize(("name", "text", "value"), TAKEN)
def test_taken(name, text, value):
    assert option(name).parse(text) == value


@pytest.mark.parametrize(("name", "text", "words"), REFUSED)
def test_refused_in_one_line_that_says_what(name, text, words):
    with pytest.raises(ValueError, match=re.escape(words)) as refusal:
        option(name).parse(text)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_number_of_thousands_of_digits_is_refused_like_any_other():
    with pytest.raises(ValueError, match="is not a whole number from 1 to 1000000"):
        option("upstream_connections").parse("9" * 5000)


def test_every_mode_can_be_chosen_and_is_explained():
    for mode in MODES:
        assert option("mode").parse(mode) == mode
        assert f"{mode}: " in option("mode").help


@pytest.mark.parametrize("name", OPTIONS)
def test_every_example_is_a_value_and_not_the_default(name):
    attribute, found = OPTIONS[name]
    if found.flag:
        assert found.example == ""
    else:
        value = found.parse(found.example)
        assert ((value,) if found.repeatable else value) != attribute.default


@pytest.mark.parametrize("name", [name for name in OPTIONS if not option(name).shown])
def test_every_default_reads_back_as_itself(name):
    attribute, found = OPTIONS[name]
    values = [found.parse(text) for text in default_text(name).split(" ")]
    assert (tuple(values) if found.repeatable else values[0]) == attribute.default


def test_settings_without_a_value_of_their_own_have_their_default_in_words():
    for name, (attribute, found) in OPTIONS.items():
        if attribute.default in ("", (), math.inf):
            assert found.shown, name


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/ann"}, "/state/llmproxy/llmproxy.db"),
        ({"HOME": "/home/ann"}, "/home/ann/.local/state/llmproxy/llmproxy.db"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/ann"}, "/home/ann/.local/state/llmproxy/llmproxy.db"),
    ],
)
def test_where_the_store_is(environ, place):
    assert default_store(environ) == place


def test_without_a_home_the_store_is_in_that_of_the_account():
    assert "~" not in default_store({})
