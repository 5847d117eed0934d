"""The layers: which one rules, what each refuses, and that an error is one line that names the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.settings import OPTIONS, Settings, SettingsError, default_store
from proxy_daemon.settings.sources import load

HOME = {"HOME": "/home/ann"}


@pytest.fixture
def toml(tmp_path):
    """`toml(text)` writes a file and gives its path."""

    def write(text):
        path = tmp_path / "llmproxy.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def refusal(given=None, environ=None):
    """The one line with which these settings are refused."""
    with pytest.raises(SettingsError) as error:
        load(given or {}, HOME | (environ or {}))
    line = str(error.value)
    assert len(line.splitlines()) == 1
    return line


# --- which layer rules -----------------------------------------------------------------------------------------------


def test_nothing_given_is_all_defaults():
    assert load({}, HOME) == Settings(store=default_store(HOME))


LAYERS = [
    ("command line over all", "off", "none", "all", "off"),
    ("environment over file", None, "none", "all", "none"),
    ("file over default", None, None, "all", "all"),
    ("default", None, None, None, "new_episodes"),
]


@pytest.mark.parametrize(
    ("line", "environment", "file", "mode"), [case[1:] for case in LAYERS], ids=[c[0] for c in LAYERS]
)
def test_the_first_layer_that_has_it_rules(toml, line, environment, file, mode):
    given = {"config": [toml(f'mode = "{file}"' if file else "")]} | ({"mode": [line]} if line else {})
    assert load(given, HOME | ({"LLMPROXY_MODE": environment} if environment else {})).mode == mode


def test_layers_are_merged_key_by_key(toml):
    settings = load(
        {"config": [toml('fuzzy = "off"\nmode = "all"')], "max_body": ["1k"]}, {**HOME, "LLMPROXY_MODE": "none"}
    )
    assert (settings.fuzzy, settings.mode, settings.max_body) == ("off", "none", 1024)


def test_a_list_of_a_higher_layer_replaces_that_of_a_lower_one(toml):
    given = {"config": [toml('allow-host = ["a", "b"]')], "allow_host": ["c"]}
    assert load(given, HOME).allow_host == ("c",)


def test_of_an_option_given_twice_the_last_rules_unless_it_is_repeatable():
    settings = load({"mode": ["all", "none"], "listen": ["tcp:1", "tcp:2"]}, HOME)
    assert (settings.mode, settings.listen) == ("none", ("tcp:1", "tcp:2"))


@pytest.mark.parametrize(
    "name", [name for name, (_, option) in OPTIONS.items() if not option.flag and name != "config"]
)
def test_every_option_has_the_same_meaning_in_every_layer(toml, name):
    example = OPTIONS[name][1].example
    expected = getattr(load({name: [example]}, HOME), name)
    assert getattr(load({}, {**HOME, f"LLMPROXY_{name.upper()}": example}), name) == expected
    for key in (name, name.replace("_", "-")):
        assert getattr(load({"config": [toml(f'{key} = "{example}"')]}, HOME), name) == expected
    assert expected != getattr(Settings(), name)


@pytest.mark.parametrize("name", [name for name, (_, option) in OPTIONS.items() if option.flag])
@pytest.mark.parametrize("value", [True, False])
def test_flags_in_every_layer(toml, name, value):
    text = "true" if value else "false"
    assert getattr(load({}, {**HOME, f"LLMPROXY_{name.upper()}": text}), name) is value
    assert getattr(load({"config": [toml(f"{name} = {text}")]}, HOME), name) is value
    assert getattr(load({name: ["yes"]}, {**HOME, f"LLMPROXY_{name.upper()}": text}), name) is True


# --- the environment -------------------------------------------------------------------------------------------------


def test_a_repeatable_name_of_the_environment_is_split_at_spaces():
    upstreams = load({}, {**HOME, "LLMPROXY_UPSTREAM": "http://a  local=http://b/v1"}).upstream
    assert upstreams == (parse_upstream("http://a"), parse_upstream("local=http://b/v1"))


def test_the_environment_names_the_file(toml):
    assert load({}, {**HOME, "LLMPROXY_CONFIG": toml('mode = "all"')}).mode == "all"


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_an_empty_value_of_the_environment_is_none(value):
    assert load({}, {**HOME, "LLMPROXY_LISTEN": value}).listen == Settings().listen


@pytest.mark.parametrize(
    "name", ["LLMPROXY_TRACE_HOOKS", "LLMPROXY_CORPUS", "LLMPROXY_TEST_MODE", "LLMPROXY_HOME", "MODE", "llmproxy_mode"]
)
def test_names_of_others_are_left_alone(name):
    assert load({}, {**HOME, name: "nonsense"}) == load({}, HOME)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("LLMPROXY_MOD", "all", "$LLMPROXY_MOD is unknown; did you mean $LLMPROXY_MODE?"),
        (
            "LLMPROXY_STORE_MAX_BYTE",
            "1",
            "$LLMPROXY_STORE_MAX_BYTE is unknown; did you mean $LLMPROXY_STORE_MAX_BYTES?",
        ),
        ("LLMPROXY_MODE", "fast", "$LLMPROXY_MODE: 'fast' is unknown: one of off, new_episodes, none, all"),
        ("LLMPROXY_MODE", "twice", "$LLMPROXY_MODE: 'twice' is unknown"),
        ("LLMPROXY_QUIET", "maybe", "$LLMPROXY_QUIET: 'maybe' is not yes or no"),
        ("LLMPROXY_MAX_BODY", "big", "$LLMPROXY_MAX_BODY: 'big' is not a size"),
        ("LLMPROXY_UPSTREAM", "host", "$LLMPROXY_UPSTREAM: upstream 'host' must be an http or https URL"),
        (
            "LLMPROXY_UPSTREAM",
            "http://a http://b",
            "$LLMPROXY_UPSTREAM: two upstreams are called 'default'; write NAME=URL",
        ),
    ],
)
def test_a_wrong_environment(name, value, line):
    assert line in refusal(environ={name: value})


# --- the names of a predecessor --------------------------------------------------------------------------------------

RELAY = [
    ({"UPSTREAM_PORT": "11434"}, "tcp:8080:interface=127.0.0.1", "http://127.0.0.1:11434"),
    ({"LISTEN_PORT": "9000"}, "tcp:9000:interface=127.0.0.1", "http://127.0.0.1:1234"),
    ({"LISTEN_ADDR": "0.0.0.0"}, "tcp:8080:interface=0.0.0.0", "http://127.0.0.1:1234"),
    ({"UPSTREAM_HOST": "gpu.local"}, "tcp:8080:interface=127.0.0.1", "http://gpu.local:1234"),
    ({"LISTEN_ADDR": "::1", "UPSTREAM_HOST": "::1"}, r"tcp:8080:interface=\:\:1", "http://[::1]:1234"),
]


@pytest.mark.parametrize(("environ", "listen", "upstream"), RELAY)
def test_where_one_of_them_is_set_the_others_have_their_old_defaults(environ, listen, upstream):
    settings = load({}, HOME | environ)
    assert (settings.listen, settings.upstream) == ((listen,), (parse_upstream(upstream),))


@pytest.mark.parametrize("name", ["LISTEN_ADDR", "LISTEN_PORT", "UPSTREAM_HOST", "UPSTREAM_PORT"])
def test_where_they_are_empty_they_are_not_there(name):
    assert load({}, {**HOME, name: ""}) == load({}, HOME)


def test_they_rank_below_the_file(toml):
    settings = load({"config": [toml('upstream = "http://file"')]}, {**HOME, "UPSTREAM_PORT": "1"})
    assert settings.upstream == (parse_upstream("http://file"),)
    assert settings.listen == ("tcp:8080:interface=127.0.0.1",)


@pytest.mark.parametrize("name", ["LISTEN_PORT", "UPSTREAM_PORT"])
@pytest.mark.parametrize("port", ["http", "-1", "65536", "999999", "80 ", "٨٠"])
def test_a_port_that_is_none(name, port):
    assert refusal(environ={name: port}) == f"${name}: {port!r} is not a port number"


def test_an_upstream_host_that_is_none():
    assert refusal(environ={"UPSTREAM_HOST": "a b"}).startswith("$UPSTREAM_HOST: upstream 'http://a b:1234' must be")


# --- the file --------------------------------------------------------------------------------------------------------


def test_values_of_the_file_may_be_of_their_own_type(toml):
    text = """
        listen = ["tcp:1", "tcp:2"]
        upstream = "demo:"
        replay-speed = 2
        connect_timeout = 0.5
        max-body = 1024
        quiet = true
        [plugins.audit]
        file = "audit.log"
        depth = 3
    """
    settings = load({"config": [toml(text)]}, HOME)
    assert settings.listen == ("tcp:1", "tcp:2")
    assert (settings.replay_speed.factor, settings.connect_timeout, settings.max_body) == (2, 0.5, 1024)
    assert settings.quiet
    assert settings.plugin_settings == {"audit": {"file": "audit.log", "depth": 3}}


UNREADABLE = [
    ("no TOML", b"mode = ", "is not TOML: Invalid value (at "),
    ("not text", b"mode = '\xff'", "is not TOML: 'utf-8' codec"),
    ("twice", b"mode='all'\nmode='all'", "is not TOML: Cannot overwrite a value"),
    ("a number too long", b"max-body = " + b"9" * 5000, "is not TOML: Exceeds the limit"),
    ("too deep", b"a = " + b"[" * 20000, "is not TOML: it is nested too deeply"),
]


@pytest.mark.parametrize(("content", "words"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_a_file_that_is_no_toml(toml, content, words):
    path = toml(content)
    assert refusal({"config": [path]}).startswith(f"--config: {path} {words}")


def test_files_that_cannot_be_read(tmp_path):
    gone = str(tmp_path / "gone.toml")
    assert refusal({"config": [gone]}) == f"--config: {gone} cannot be read: No such file or directory"
    assert refusal({"config": [str(tmp_path)]}) == f"--config: {tmp_path} cannot be read: Is a directory"


WRONG = [
    ("mood = 'all'", "unknown key 'mood'; did you mean 'mode'?"),
    ("zzz = 1", "unknown key 'zzz'"),
    ("config = 'other.toml'", "config: a file cannot name another; use --config"),
    ("plugin_settings = 1", "unknown key 'plugin_settings'"),
    ("'' = 1", "unknown key ''"),
    ("'a\\nb' = 1", "unknown key"),
    ('"a\\nb" = 1', "unknown key 'a\\nb'"),
    ("mode = 'fast'", "mode: 'fast' is unknown: one of off, new_episodes, none, all"),
    ("mode = ['all']", "mode: must be a single value"),
    ("mode = 1979-05-27", "mode: must be a single value"),
    ("mode = {a = 1}", "mode: must be a single value"),
    ("mode = true", "mode: true is not a value of this key, see --help"),
    ("quiet = 'maybe'", "quiet: 'maybe' is not yes or no"),
    ("max-body = -1", "max-body: '-1' is not a size"),
    ("max-body = inf", "max-body: 'inf' is not a size"),
    ("max-body = 1.5e300", "max-body: '1.5e+300' is not a size"),
    ("client-timeout = nan", "client-timeout: 'nan' is not a duration"),
    ("upstream = ['http://a', 'nope']", "upstream: upstream 'nope' must be an http or https URL"),
    ("upstream = [['http://a']]", "upstream: must be a string or a list of strings"),
    ("listen = []", "listen: needs at least one value"),
    ("allow-host = ['']", "allow-host: '' is not a Host"),
    ("allow-origin = 'https://app.example.com/'", "allow-origin: 'https://app.example.com/' is not an Origin"),
    ("llmp_secret = 'a'", "a key begins as tokens do; only the hash"),
    ("[client-tokens]\nllmp_s = 'a'", "[client-tokens]: a name begins as tokens do"),
    ("plugins = 3", "plugins must be tables: [plugins.NAME]"),
    ("[plugins]\naudit = 3", "plugins must be tables: [plugins.NAME]"),
    ("max-body = 1\nmax_body = 2", "max-body is given twice"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_file_with_a_wrong_key_or_value(toml, text, words):
    path = toml(text)
    assert refusal({"config": [path]}).startswith(f"{path}: {words}")


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(sorted(OPTIONS)), st.text(max_size=8), max_size=3))
def test_whatever_a_layer_says_is_taken_or_refused_in_one_line(environ):
    names = {f"LLMPROXY_{name.upper()}": value for name, value in environ.items()}
    try:
        load({}, HOME | names)
    except SettingsError as error:
        lines = str(error).splitlines()
    else:
        lines = ["taken"]
    assert len(lines) == 1


# --- what holds across layers ----------------------------------------------------------------------------------------


def test_two_upstreams_of_one_name_are_refused():
    words = "two upstreams are called 'local'; write NAME=URL to name them"
    assert refusal({"upstream": ["local=http://a", "local=http://b"]}) == f"--upstream: {words}"


def test_a_store_in_a_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert load({"store": ["~/x.db"]}, HOME).store == "/home/ann/x.db"
    assert load({"store": ["off"]}, HOME).store == "off"
    assert load({"store": ["memory:~/x"]}, HOME).store == "memory:~/x"


def test_the_environment_is_named_where_it_names_the_file(tmp_path):
    gone = str(tmp_path / "gone.toml")
    line = f"$LLMPROXY_CONFIG: {gone} cannot be read: No such file or directory"
    assert refusal(environ={"LLMPROXY_CONFIG": gone}) == line


def test_two_upstreams_of_one_name_in_the_file(toml):
    path = toml('upstream = ["http://a", "http://b"]')
    assert refusal({"config": [path]}).startswith(f"{path}: upstream: two upstreams are called 'default'")


@pytest.mark.parametrize(("name", "place"), [("store", "--store"), ("config", "--config")])
def test_a_home_that_nobody_has(name, place):
    assert refusal({name: ["~nobody-of-this-name/x"]}).startswith(f"{place}: ~nobody-of-this-name/x")


def test_the_command_line_is_named_as_it_is_written():
    assert refusal({"store_max_bytes": ["0"]}) == "--store-max-bytes: '0' must be more than nothing"
