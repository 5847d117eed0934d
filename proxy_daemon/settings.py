"""Every setting, once: option, environment name, TOML key, default, help and example all come from `Settings`.

Layers, the first that has it rules: command line, environment (`LLMPROXY_<NAME>`), TOML file (`--config`), the names of
a predecessor (`settings_sources.py`), default. Read by `tap.py`; an error is one line (`SettingsError`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, field, fields, frozen

from proxy_daemon.core.modes import MODES
from proxy_daemon.core.proxying import Proxy, parse_proxy
from proxy_daemon.core.quantities import duration_text, parse_duration, parse_size, size_text
from proxy_daemon.core.speed import AT_ONCE, Speed, parse_speed
from proxy_daemon.core.upstreams import Upstream, parse_named_file, parse_upstream

NEVER = math.inf
MOST = 1_000_000  # of anything that is counted


class SettingsError(Exception):
    """One line that names the layer, the key and what to do."""


@frozen
class Option:
    """What is known of a setting besides its default. ``shown``: the default in words, where its text is not enough."""

    help: str
    example: str
    parse: Callable[[str], Any]
    group: str
    repeatable: bool = False
    flag: bool = False
    shown: str = ""
    reload: bool = False  # a reload (SIGHUP) takes its new value over


def _choice(*names: str, **refused: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text in refused:
            raise ValueError(f"{text!r}: {refused[text]}")
        if text not in names:
            raise ValueError(f"{text!r} is unknown: one of {', '.join(names)}")
        return text

    return parse


def _count(text: str) -> int:
    # Python refuses to read a number of thousands of digits, with a sentence of its own.
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MOST)) or not 0 < int(text) <= MOST:
        raise ValueError(f"{text!r} is not a whole number from 1 to {MOST}")
    return int(text)


def _seconds(text: str) -> float:
    seconds = parse_duration(text)
    if not 0 < seconds <= 10 * 365 * 86400:
        raise ValueError(f"{text!r} must be more than nothing and less than ten years")
    return seconds


def _count_or_any(text: str) -> float:
    return math.inf if text == "0" else _count(text)


def _seconds_or_never(text: str) -> float:
    return NEVER if parse_duration(text) == 0 else _seconds(text)


def _bytes(text: str) -> int:
    size = parse_size(text)
    if size < 1:
        raise ValueError(f"{text!r} must be more than nothing")
    return size


def _text(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} must not be empty or hold control characters")
    return text


def _flag(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in values:
        raise ValueError(f"{text!r} is not yes or no")
    return values[text.lower()]


def _option(default: Any, help_text: str, example: str, parse: Callable[[str], Any], group: str, **more: Any) -> Any:
    return field(default=default, metadata={"option": Option(help_text, example, parse, group, **more)})


_NEEDS_CASSETTE = "it belongs to cassettes, which this version does not have; for the store, use none or new_episodes"
_ONLY_DIFF = "this version explains near misses and does not serve them; use diff"
_WAY, _KEEP, _REPLAY, _LIMITS, _SAY, _MORE = (
    "Where from, where to",
    "Recording",
    "Replaying",
    "Limits",
    "Saying what happens",
    "Access and plugins",
)


@frozen(slots=False)
class Settings:
    """All settings of a daemon. Sizes in octets, durations in seconds."""

    listen: tuple[str, ...] = _option(
        ("tcp:8910:interface=127.0.0.1",),
        "where to listen: a Twisted endpoint; repeatable",
        "tcp:8080",
        _text,
        _WAY,
        repeatable=True,
    )
    upstream: tuple[Upstream, ...] = _option(
        (),
        "base URL to forward to; NAME=URL for more, reached at /_llmproxy/to/NAME/; demo: is the built-in model",
        "https://api.openai.com/v1",
        parse_upstream,
        _WAY,
        repeatable=True,
        shown="the API's own, by what the request looks like",
    )
    upstream_proxy: Proxy | None = _option(
        None,
        "the HTTP proxy on the way to upstreams, or off; NO_PROXY lists hosts that are reached without",
        "http://proxy.example:3128",
        parse_proxy,
        _WAY,
        shown="HTTPS_PROXY, http_proxy or ALL_PROXY of the environment",
    )
    upstream_ca: str = _option(
        "",
        "a PEM file with authorities to trust besides the system's",
        "/etc/ssl/our-authority.pem",
        _text,
        _WAY,
        shown="none",
    )
    upstream_cert: tuple[tuple[str, str], ...] = _option(
        (),
        "a PEM file with our certificate and its key for an upstream that asks for one; repeatable",
        "gateway=client.pem",
        parse_named_file,
        _WAY,
        repeatable=True,
        shown="none",
    )
    insecure_upstream: tuple[str, ...] = _option(
        (),
        "an upstream whose certificate is not checked: whoever stands between can read and change all; repeatable",
        "lab",
        _text,
        _WAY,
        repeatable=True,
        shown="none",
    )
    upstream_key: tuple[tuple[str, str], ...] = _option(
        (),
        "a file with the key that goes to an upstream in place of the client's; only its owner may read it; repeatable",
        "openai=/etc/llmproxy/openai.key",
        parse_named_file,
        _WAY,
        repeatable=True,
        shown="$CREDENTIALS_DIRECTORY/NAME-key, where that is there",
    )
    store: str = _option(
        "",
        "the SQLite file that holds exchanges and recordings; off for none",
        "./llmproxy.db",
        _text,
        _KEEP,
        shown="$XDG_STATE_HOME/llmproxy/llmproxy.db",
    )
    store_max_bytes: int = _option(
        4 * 1024**3, "the store's size; the oldest exchanges go first", "500MiB", _bytes, _KEEP
    )
    store_max_age: float = _option(30 * 86400.0, "how long exchanges are kept", "7d", _seconds, _KEEP)
    record_max_body: int = _option(
        64 * 1024**2,
        "a longer body is cut in the record and not replayed; the client still gets all of it",
        "8MiB",
        _bytes,
        _KEEP,
    )
    on_error_response: str = _option(
        "skip",
        "4xx and 5xx answers: skip (never replayed), record (replayed), refuse (the client gets a 424)",
        "record",
        _choice("skip", "record", "refuse"),
        _KEEP,
    )
    on_client_abort: str = _option(
        "cancel",
        "when the client leaves: cancel the request, or drain the answer and record it",
        "drain",
        _choice("cancel", "drain"),
        _KEEP,
    )
    drain_max_seconds: float = _option(60.0, "how long an answer is drained", "2m", _seconds, _KEEP)
    drain_max_bytes: int = _option(16 * 1024**2, "how much of an answer is drained", "1MiB", _bytes, _KEEP)
    mode: str = _option(
        "new_episodes",
        "off: forward only; new_episodes: replay what is recorded, else forward and record; none: replay or refuse; "
        "all: forward and record anew",
        "none",
        _choice(*MODES, once=_NEEDS_CASSETTE),
        _REPLAY,
    )
    replay_scope: str = _option(
        "",
        "all: anybody's recording answers; key: only one made with the same credential",
        "key",
        _choice("key", "all"),
        _REPLAY,
        shown="all on loopback without client tokens, else key",
    )
    replay_max_age: float = _option(
        NEVER,
        "older recordings do not answer, except in mode none",
        "12h",
        _seconds,
        _REPLAY,
        shown="no limit",
        reload=True,
    )
    replay_speed: Speed = _option(
        AT_ONCE,
        "0: at once; 1: as recorded; 2: twice as fast; 20tps: 20 pieces a second",
        "20tps",
        parse_speed,
        _REPLAY,
        shown="0",
        reload=True,
    )
    fuzzy: str = _option(
        "diff",
        "on a refused miss: diff says how the nearest recording differs, off does not",
        "off",
        _choice("off", "diff", serve=_ONLY_DIFF),
        _REPLAY,
    )
    max_body: int = _option(512 * 1024**2, "a longer request body is answered 413", "32MiB", _bytes, _LIMITS)
    max_head: int = _option(
        256 * 1024, "a longer head of a request is answered 431, or 414 for its first line", "64KiB", _bytes, _LIMITS
    )
    max_connections: int = _option(
        4096, "connections of clients in all; one more is answered 503", "500", _count, _LIMITS
    )
    max_connections_per_client: float = _option(
        1024,
        "connections of one client on another machine, then 503; 0: no limit, as for clients on this machine",
        "100",
        _count_or_any,
        _LIMITS,
    )
    max_spool: int = _option(
        0,
        "disk that all bodies under way may take; beyond it a request is answered 507, and a record is cut",
        "20GiB",
        _bytes,
        _LIMITS,
        shown="4GiB, or half of what is free at the start",
    )
    connect_timeout: float = _option(
        10.0, "how long a connection to an upstream may take, TLS included", "3s", _seconds, _LIMITS
    )
    first_byte_timeout: float = _option(
        600.0,
        "the longest silence of an upstream, before its first byte and between two; then 504",
        "2m",
        _seconds,
        _LIMITS,
    )
    upstream_connections: int = _option(2048, "connections to one upstream; more requests wait", "100", _count, _LIMITS)
    queue_timeout: float = _option(
        60.0,
        "how long a request waits where an upstream has all its connections in use; then 503",
        "10s",
        _seconds,
        _LIMITS,
    )
    upstream_idle: float = _option(
        30.0, "how long a kept-alive connection to an upstream may rest", "10s", _seconds, _LIMITS
    )
    client_timeout: float = _option(
        60.0,
        "how long an idle client connection is kept, and the longest silence within a request; then 408",
        "5m",
        _seconds,
        _LIMITS,
    )
    head_timeout: float = _option(
        30.0, "how long the head of a request may take, however it comes; then 408", "10s", _seconds, _LIMITS
    )
    stall_timeout: float = _option(
        300.0, "how long a client may take nothing of its answer; then it is broken off", "30m", _seconds, _LIMITS
    )
    request_timeout: float = _option(
        3600.0,
        "how long an exchange may take in all; then 504, or the answer is broken off; 0: no limit",
        "10m",
        _seconds_or_never,
        _LIMITS,
    )
    grace: float = _option(
        30.0, "at a stop, how long answers that are under way may take; the rest is broken off", "5m", _seconds, _LIMITS
    )
    log: str = _option(
        "",
        "one JSON line per exchange: stdout, off, or a file",
        "requests.log",
        _text,
        _SAY,
        shown="stdout when that is not a terminal",
        reload=True,
    )
    quiet: bool = _option(False, "no line per exchange on the terminal", "", _flag, _SAY, flag=True)
    verbose: bool = _option(False, "more of each exchange on the terminal", "", _flag, _SAY, flag=True)
    allow_host: tuple[str, ...] = _option(
        (),
        "a Host that requests may name besides loopback ones and the address itself; repeatable",
        "llm.example.com",
        _text,
        _MORE,
        repeatable=True,
        shown="none",
        reload=True,
    )
    allow_origin: tuple[str, ...] = _option(
        (),
        "an Origin whose pages may ask besides those of loopback names; repeatable",
        "https://app.example.com",
        _text,
        _MORE,
        repeatable=True,
        shown="none",
        reload=True,
    )
    admin_token_file: str = _option(
        "",
        "a file that holds the token with which other machines may see /_llmproxy/; only its owner may read it",
        "/etc/llmproxy/admin-token",
        _text,
        _MORE,
        shown="$CREDENTIALS_DIRECTORY/admin-token, where that is there",
        reload=True,
    )
    plugin: tuple[str, ...] = _option(
        (), "a plugin: a module or a .py file; repeatable", "my_rules.py", _text, _MORE, repeatable=True, shown="none"
    )
    block_plugin: tuple[str, ...] = _option(
        (), "a plugin to leave out, by name; repeatable", "console", _text, _MORE, repeatable=True, shown="none"
    )
    config: str = _option(
        "",
        "a TOML file with any of these, [client-tokens] and [plugins.NAME] tables",
        "llmproxy.toml",
        _text,
        _MORE,
        shown="none",
    )
    plugin_settings: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    client_tokens: Mapping[str, bytes] | None = None  # digests by name; None where clients need no token


OPTIONS: dict[str, tuple[Attribute[Any], Option]] = {
    each.name: (each, each.metadata["option"]) for each in fields(Settings) if "option" in each.metadata
}


def default_text(name: str) -> str:
    """The default of a setting, as a person would write it."""
    attribute, option = OPTIONS[name]
    default: Any = attribute.default
    if option.shown or option.flag:
        return option.shown or "no"
    if option.parse is _bytes:
        return size_text(default)
    if option.parse in (_seconds, _seconds_or_never):
        return duration_text(default)
    return " ".join(default) if option.repeatable else str(default)


def default_store(environ: Mapping[str, str]) -> str:
    """The store's place by the XDG base directory specification."""
    state = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".local" / "state")
    return str(Path(state) / "llmproxy" / "llmproxy.db")
