"""Every setting, once: option, environment name, TOML key, default, help and example all come from `Settings`.

Layers, the first that has it rules: command line, environment (`LLMPROXY_<NAME>`), TOML file (`--config`), the names of
a predecessor (`sources.py`), default. Read by `tap.py`; an error is one line (`SettingsError`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, field, fields, frozen

from proxy_daemon.core.access import parse_allowed_host, parse_allowed_origin
from proxy_daemon.core.matching.counting.match_on import MatchOn, PathMatch
from proxy_daemon.core.matching.counting.stamps import Stamp
from proxy_daemon.core.matching.sequence import Repeat
from proxy_daemon.core.proxying import Proxy, parse_proxy
from proxy_daemon.core.quantities import duration_text, size_text
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.speed import Speed
from proxy_daemon.core.upstreams import Upstream, parse_named_file, parse_upstream
from proxy_daemon.settings import redacting, replaying
from proxy_daemon.settings.values import (
    Option,
    choice,
    option,
    parse_bytes,
    parse_count,
    parse_count_or_any,
    parse_flag,
    parse_seconds,
    parse_seconds_or_never,
    parse_text,
)


class SettingsError(Exception):
    """One line that names the layer, the key and what to do."""


_WAY, _KEEP, _REWRITE, _LIMITS, _SAY, _MORE = (
    "Where from, where to",
    "Recording",
    "Rewriting",
    "Limits",
    "Saying what happens",
    "Access and plugins",
)


@frozen(slots=False)
class Settings:
    """All settings of a daemon. Sizes in octets, durations in seconds."""

    listen: tuple[str, ...] = option(
        ("tcp:8910:interface=127.0.0.1",),
        "where to listen: a Twisted endpoint; repeatable",
        "tcp:8080",
        parse_text,
        _WAY,
        repeatable=True,
    )
    upstream: tuple[Upstream, ...] = option(
        (),
        "base URL to forward to; NAME=URL for more, reached at /_llmproxy/to/NAME/; demo: is the built-in model",
        "https://api.openai.com/v1",
        parse_upstream,
        _WAY,
        repeatable=True,
        shown="the API's own, by what the request looks like",
    )
    upstream_proxy: Proxy | None = option(
        None,
        "the HTTP proxy on the way to upstreams, or off; NO_PROXY lists hosts that are reached without",
        "http://proxy.example:3128",
        parse_proxy,
        _WAY,
        shown="HTTPS_PROXY, http_proxy or ALL_PROXY of the environment",
    )
    upstream_ca: str = option(
        "",
        "a PEM file with authorities to trust besides the system's",
        "/etc/ssl/our-authority.pem",
        parse_text,
        _WAY,
        shown="none",
    )
    upstream_cert: tuple[tuple[str, str], ...] = option(
        (),
        "a PEM file with our certificate and its key for an upstream that asks for one; repeatable",
        "gateway=client.pem",
        parse_named_file,
        _WAY,
        repeatable=True,
        shown="none",
    )
    insecure_upstream: tuple[str, ...] = option(
        (),
        "an upstream whose certificate is not checked: whoever stands between can read and change all; repeatable",
        "lab",
        parse_text,
        _WAY,
        repeatable=True,
        shown="none",
    )
    upstream_key: tuple[tuple[str, str], ...] = option(
        (),
        "a file with the key that goes to an upstream in place of the client's; only its owner may read it; repeatable",
        "openai=/etc/llmproxy/openai.key",
        parse_named_file,
        _WAY,
        repeatable=True,
        shown="$CREDENTIALS_DIRECTORY/NAME-key, where that is there",
    )
    store: str = option(
        "",
        "the SQLite file that holds exchanges and recordings; off for none",
        "./llmproxy.db",
        parse_text,
        _KEEP,
        shown="$XDG_STATE_HOME/llmproxy/llmproxy.db",
    )
    store_max_bytes: int = option(
        4 * 1024**3, "the store's size; the oldest exchanges go first", "500MiB", parse_bytes, _KEEP
    )
    store_max_age: float = option(30 * 86400.0, "how long exchanges are kept", "7d", parse_seconds, _KEEP)
    record_max_body: int = option(
        64 * 1024**2,
        "a longer body is cut in the record and not replayed; the client still gets all of it",
        "8MiB",
        parse_bytes,
        _KEEP,
    )
    on_error_response: str = option(
        "skip",
        "4xx and 5xx answers: skip (never replayed), record (replayed), refuse (the client gets a 424)",
        "record",
        choice("skip", "record", "refuse"),
        _KEEP,
    )
    on_broken_stream: str = option(
        "skip",
        "streams that tell of an error, or lack their last event: skip (never replayed), record (replayed)",
        "record",
        choice("skip", "record"),
        _KEEP,
    )
    on_secret: str = redacting.on_secret(_KEEP)
    on_client_abort: str = option(
        "cancel",
        "when the client leaves: cancel the request, or drain the answer and record it",
        "drain",
        choice("cancel", "drain"),
        _KEEP,
    )
    drain_max_seconds: float = option(60.0, "how long an answer is drained", "2m", parse_seconds, _KEEP)
    drain_max_bytes: int = option(16 * 1024**2, "how much of an answer is drained", "1MiB", parse_bytes, _KEEP)
    mode: str = replaying.mode
    replay_scope: str = replaying.replay_scope
    replay_max_age: float = replaying.replay_max_age
    repeat: Repeat = replaying.repeat
    replay_speed: Speed = replaying.replay_speed
    match_on: tuple[MatchOn, ...] = replaying.match_on
    match_keys: str = replaying.match_keys
    volatile: tuple[tuple[Stamp, ...], ...] = replaying.volatile
    fuzzy: str = replaying.fuzzy
    fuzzy_threshold: float = replaying.fuzzy_threshold
    cassette: str = replaying.cassette
    cassette_dir: str = replaying.cassette_dir
    cassette_format: str = replaying.cassette_format
    increment: bool = replaying.increment
    tolerate_damage: bool = replaying.tolerate_damage
    force: bool = replaying.force
    rewrite: tuple[str, ...] = option(
        (),
        "change requests and answers by rule: gpt-oss, gpt-oss-reasoning, thinking-tags, or a file; repeatable",
        "gpt-oss",
        parse_text,
        _REWRITE,
        repeatable=True,
        shown="none",
        reload=True,
    )
    max_body: int = option(512 * 1024**2, "a longer request body is answered 413", "32MiB", parse_bytes, _LIMITS)
    max_head: int = option(
        256 * 1024,
        "a longer head of a request is answered 431, or 414 for its first line",
        "64KiB",
        parse_bytes,
        _LIMITS,
    )
    max_connections: int = option(
        4096, "connections of clients in all; one more is answered 503", "500", parse_count, _LIMITS
    )
    max_connections_per_client: float = option(
        1024,
        "connections of one client on another machine, then 503; 0: no limit, as for clients on this machine",
        "100",
        parse_count_or_any,
        _LIMITS,
    )
    max_spool: int = option(
        0,
        "disk that all bodies under way may take; beyond it a request is answered 507, and a record is cut",
        "20GiB",
        parse_bytes,
        _LIMITS,
        shown="4GiB, or half of what is free at the start",
    )
    connect_timeout: float = option(
        10.0, "how long a connection to an upstream may take, TLS included", "3s", parse_seconds, _LIMITS
    )
    first_byte_timeout: float = option(
        600.0,
        "the longest silence of an upstream, before its first byte and between two; then 504",
        "2m",
        parse_seconds,
        _LIMITS,
    )
    upstream_connections: int = option(
        2048, "connections to one upstream; more requests wait", "100", parse_count, _LIMITS
    )
    queue_timeout: float = option(
        60.0,
        "how long a request waits where an upstream has all its connections in use; then 503",
        "10s",
        parse_seconds,
        _LIMITS,
    )
    upstream_idle: float = option(
        30.0, "how long a kept-alive connection to an upstream may rest", "10s", parse_seconds, _LIMITS
    )
    client_timeout: float = option(
        60.0,
        "how long an idle client connection is kept, and the longest silence within a request; then 408",
        "5m",
        parse_seconds,
        _LIMITS,
    )
    head_timeout: float = option(
        30.0, "how long the head of a request may take, however it comes; then 408", "10s", parse_seconds, _LIMITS
    )
    stall_timeout: float = option(
        300.0, "how long a client may take nothing of its answer; then it is broken off", "30m", parse_seconds, _LIMITS
    )
    request_timeout: float = option(
        3600.0,
        "how long an exchange may take in all; then 504, or the answer is broken off; 0: no limit",
        "10m",
        parse_seconds_or_never,
        _LIMITS,
    )
    grace: float = option(
        30.0,
        "at a stop, how long answers that are under way may take; the rest is broken off",
        "5m",
        parse_seconds,
        _LIMITS,
    )
    log: str = option(
        "",
        "one JSON line per exchange: stdout, off, or a file",
        "requests.log",
        parse_text,
        _SAY,
        shown="stdout when that is not a terminal",
        reload=True,
    )
    quiet: bool = option(False, "exchanges are not shown on the terminal", "", parse_flag, _SAY, flag=True)
    verbose: bool = option(
        False, "heads of requests and answers, and rules, on the terminal too", "", parse_flag, _SAY, flag=True
    )
    allow_host: tuple[str, ...] = option(
        (),
        "a Host that requests may name besides loopback ones and the address itself; repeatable",
        "llm.example.com",
        parse_allowed_host,
        _MORE,
        repeatable=True,
        shown="none",
        reload=True,
    )
    allow_origin: tuple[str, ...] = option(
        (),
        "an Origin whose pages may ask besides those of loopback names; repeatable",
        "https://app.example.com",
        parse_allowed_origin,
        _MORE,
        repeatable=True,
        shown="none",
        reload=True,
    )
    admin_token_file: str = option(
        "",
        "a file that holds the token with which other machines may see /_llmproxy/; only its owner may read it",
        "/etc/llmproxy/admin-token",
        parse_text,
        _MORE,
        shown="$CREDENTIALS_DIRECTORY/admin-token, where that is there",
        reload=True,
    )
    plugin: tuple[str, ...] = option(
        (),
        "a plugin: a module or a .py file; repeatable",
        "my_rules.py",
        parse_text,
        _MORE,
        repeatable=True,
        shown="none",
    )
    block_plugin: tuple[str, ...] = option(
        (), "a plugin to leave out, by name; repeatable", "console", parse_text, _MORE, repeatable=True, shown="none"
    )
    config: str = option(
        "",
        "a TOML file with any of these, [client-tokens] and [plugins.NAME] tables",
        "llmproxy.toml",
        parse_text,
        _MORE,
        shown="none",
    )
    plugin_settings: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    client_tokens: Mapping[str, bytes] | None = None  # digests by name; None where clients need no token
    match_paths: tuple[PathMatch, ...] = ()  # the [[match]] tables
    stamps: tuple[Stamp, ...] = ()  # the [[volatile]] tables
    redact: Rules = NO_RULES  # the [[redact]] tables


OPTIONS: dict[str, tuple[Attribute[Any], Option]] = {
    each.name: (each, each.metadata["option"]) for each in fields(Settings) if "option" in each.metadata
}


def default_text(name: str) -> str:
    """The default of a setting, as a person would write it."""
    attribute, known = OPTIONS[name]
    default: Any = attribute.default
    if known.shown or known.flag:
        return known.shown or "no"
    if known.parse is parse_bytes:
        return size_text(default)
    if known.parse in (parse_seconds, parse_seconds_or_never):
        return duration_text(default)
    return " ".join(default) if known.repeatable else str(default)


def default_store(environ: Mapping[str, str]) -> str:
    """The store's place by the XDG base directory specification."""
    state = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".local" / "state")
    return str(Path(state) / "llmproxy" / "llmproxy.db")
