"""Where settings come from: command line, environment, TOML file, and the names of a predecessor.

`load` is called by `tap.py`. Errors name the layer, the key and the choices.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy_daemon.core.cassettes import is_talk
from proxy_daemon.core.matching.counting import match_on, stamps
from proxy_daemon.core.tokens import PREFIX as TOKEN_PREFIX
from proxy_daemon.core.tokens import parse_client_tokens
from proxy_daemon.settings import OPTIONS, Settings, SettingsError, default_store, redacting

PREFIX = "LLMPROXY_"
TOKEN = TOKEN_PREFIX.decode()
# Names of that prefix that are not settings.
OTHERS = ("LLMPROXY_TRACE_", "LLMPROXY_CORPUS", "LLMPROXY_TEST_", "LLMPROXY_REQUIRE_ALL")
RELAY = {"LISTEN_ADDR": "127.0.0.1", "LISTEN_PORT": "8080", "UPSTREAM_HOST": "127.0.0.1", "UPSTREAM_PORT": "1234"}


def load(given: Mapping[str, Sequence[str]], environ: Mapping[str, str], handed_over: Sequence[str] = ()) -> Settings:
    """The settings. ``given``: the values of the command line by field name. Raises `SettingsError`.

    ``handed_over``: endpoints of sockets from the service manager, in the place of the default of `listen`.
    """
    values = {name: _parse(name, texts, "--" + name.replace("_", "-")) for name, texts in given.items()}
    _add(values, _environment(environ))
    tables: Mapping[str, Any] = {}
    if "config" in values:
        found, tables = _file(values["config"], "--config" if "config" in given else f"${PREFIX}CONFIG")
        _add(values, found)
    _add(values, _relay(environ))
    if handed_over:
        values.setdefault("listen", tuple(handed_over))
    values.setdefault("store", default_store(environ))
    if is_talk(values.get("cassette", "")):
        values.setdefault("mode", "none")  # a person writes it: there is nothing to record into it
    if ":" not in values["store"] and values["store"] != "off":
        values["store"] = str(_expanded(values["store"], "--store"))
    return Settings(**values, **tables)


def _add(values: dict[str, Any], lower: Mapping[str, Any]) -> None:
    for name, value in lower.items():
        values.setdefault(name, value)


def _parse(name: str, texts: Sequence[str], place: str) -> Any:
    option = OPTIONS[name][1]
    try:
        parsed = [option.parse(text) for text in texts]
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from error
    if name == "listen" and not parsed:
        raise SettingsError(f"{place}: needs at least one value")
    if name == "upstream":
        _check_upstreams(parsed, place)
    return tuple(parsed) if option.repeatable else parsed[-1]


def _expanded(path: str, place: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{place}: {path} is in the home of somebody unknown") from error


# --- the environment -------------------------------------------------------------------------------------------------


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for key in sorted(environ):
        if not key.startswith(PREFIX) or key.startswith(OTHERS) or not environ[key].strip():
            continue
        name = key[len(PREFIX) :].lower()
        if name not in OPTIONS:
            _complain_of_near("$" + key, name)
            continue
        texts = environ[key].split() if OPTIONS[name][1].repeatable else [environ[key]]
        values[name] = _parse(name, texts, "$" + key)
    return values


def _complain_of_near(place: str, name: str) -> None:
    """A misspelt name is an error; one that resembles none may be somebody else's."""
    near = difflib.get_close_matches(name, OPTIONS, 1, 0.75)
    if near:
        raise SettingsError(f"{place} is unknown; did you mean ${PREFIX}{near[0].upper()}?")


def _relay(environ: Mapping[str, str]) -> dict[str, Any]:
    """The four names of the OpenAI OSS relay: where one of them is set, the others have their old defaults."""
    if not any(environ.get(name) for name in RELAY):
        return {}
    given = {name: environ.get(name) or default for name, default in RELAY.items()}
    for name in ("LISTEN_PORT", "UPSTREAM_PORT"):
        if not re.fullmatch(r"[0-9]{1,5}", given[name]) or int(given[name]) > 65535:  # noqa: PLR2004  (the last port)
            raise SettingsError(f"${name}: {given[name]!r} is not a port number")
    host = given["UPSTREAM_HOST"]
    host = f"[{host}]" if ":" in host else host
    address = given["LISTEN_ADDR"].replace(":", "\\:")
    return {
        "listen": _parse("listen", [f"tcp:{given['LISTEN_PORT']}:interface={address}"], "$LISTEN_ADDR"),
        "upstream": _parse("upstream", [f"http://{host}:{given['UPSTREAM_PORT']}"], "$UPSTREAM_HOST"),
    }


# --- the file --------------------------------------------------------------------------------------------------------


def _file(path: str, place: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """(settings, those that are tables) of a TOML file. ``place``: what named it."""
    try:
        with _expanded(path, place).open("rb") as file:
            text = file.read().decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{place}: {path} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise SettingsError(f"{place}: {path} is not TOML: it is nested too deeply") from error
    except ValueError as error:  # its syntax, its text's coding, or a number of thousands of digits
        raise SettingsError(f"{place}: {path} is not TOML: {error}") from error
    tables = {
        "plugin_settings": _plugin_tables(path, table.pop("plugins", {})),
        "client_tokens": _client_tokens(path, table.pop("client-tokens", None)),
        **_matching(path, table),
        **_redacting(path, table, text),
    }
    names = [_key(path, key) for key in table]
    for key, name in zip(table, names, strict=True):
        if names.count(name) > 1:
            raise SettingsError(f"{path}: {key} is given twice, with dashes and with underscores")
    return {name: _toml(path, key, table[key]) for key, name in zip(table, names, strict=True)}, tables


def _plugin_tables(path: str, tables: Any) -> Mapping[str, Any]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise SettingsError(f"{path}: plugins must be tables: [plugins.NAME]")
    return tables


def _matching(path: str, table: dict[str, Any]) -> Mapping[str, Any]:
    """The `[[match]]` and `[[volatile]]` tables. Names of rules under the key `volatile` stay in ``table``."""
    named = table.get("volatile", [])
    made = [each for each in named if isinstance(each, dict)] if isinstance(named, list) else []
    if made and not (names := [each for each in named if not isinstance(each, dict)]):
        del table["volatile"]
    elif made:
        table["volatile"] = names
    try:
        paths = match_on.parse_tables(table.pop("match", []))
        return {"match_paths": paths, "stamps": stamps.parse_tables(made)}
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error


def _redacting(path: str, table: dict[str, Any], text: str) -> Mapping[str, Any]:
    """The `[[redact]]` tables."""
    try:
        return {"redact": redacting.rules_of(table.pop("redact", None), text, path)}
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _client_tokens(path: str, table: Any) -> Mapping[str, bytes] | None:
    """None where there is no table; an empty one lets nobody in, which is what remains when the last is revoked."""
    if table is None:
        return None
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: client-tokens must be a table: [client-tokens]")
    try:
        return parse_client_tokens(table)
    except ValueError as error:
        raise SettingsError(f"{path}: [client-tokens]: {error}") from error


def _key(path: str, key: str) -> str:
    name = key.replace("-", "_")
    if name == "config":
        raise SettingsError(f"{path}: config: a file cannot name another; use --config")
    if name in OPTIONS:
        return name
    if key.startswith(TOKEN):
        raise SettingsError(f"{path}: a key begins as tokens do; only the hash of a token belongs into this file")
    near = difflib.get_close_matches(name, OPTIONS, 1)
    raise SettingsError(
        f"{path}: unknown key {key!r}" + (f"; did you mean {near[0].replace('_', '-')!r}?" if near else "")
    )


def _toml(path: str, key: str, value: Any) -> Any:
    name = key.replace("-", "_")
    values: Iterable[Any] = value if isinstance(value, list) and OPTIONS[name][1].repeatable else [value]
    return _parse(name, [_toml_text(path, key, each) for each in values], f"{path}: {key}")


def _toml_text(path: str, key: str, value: Any) -> str:
    option = OPTIONS[key.replace("-", "_")][1]
    if isinstance(value, bool):
        if not option.flag:
            raise SettingsError(f"{path}: {key}: {str(value).lower()} is not a value of this key, see --help")
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    raise SettingsError(
        f"{path}: {key}: must be a {'string or a list of strings' if option.repeatable else 'single value'}"
    )


def _check_upstreams(upstreams: Sequence[Any], place: str) -> None:
    names = [upstream.name for upstream in upstreams]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{place}: two upstreams are called {name!r}; write NAME=URL to name them")
