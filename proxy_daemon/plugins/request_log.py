"""One JSON line per exchange, for programs: to the standard output, to a file, or nowhere. Explanations have their own.

Lines are gathered and written by a thread, so that neither a slow disk nor a full pipe holds up an exchange.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import orjson

from proxy_daemon.core.messages import PROBLEMS, Exchange, id_text
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import Event, events, hookimpl
from proxy_daemon.settings import Settings, SettingsError

# In UTF-8: control characters U+0080 to U+009F, separators of lines, and what turns the direction of text.
_UNSEEN = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


class RequestLog:
    """`--log`."""

    _file: LogFile | None = None
    _to_file: Callable[[bytes], None]
    _write: Callable[[bytes], None] | None = None

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Open the log's file; where it cannot be opened, the start ends here."""
        self._lines = services.lines
        self._redactor = services.redactor
        self._take(_destination(settings.log))

    @hookimpl
    def llmproxy_reload(self, settings: Settings) -> None:
        """Open the file anew: a program that rotates logs has moved it. A raise leaves the one before."""
        self._take(_destination(settings.log))

    def _take(self, file: Any) -> None:
        """Write there from now on; None: nowhere."""
        if file is None:
            self._write = None
            return
        if self._file is None:
            self._file = LogFile(file)
            self._to_file = self._lines(self._file)
        else:
            self._file.replace(file)
        self._write = self._to_file

    @hookimpl
    @events("explained", "ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """A line at the end of an exchange, and one for its explanation."""
        if self._write is None or event.kind not in ("explained", "ended", "failed"):
            return
        if event.kind == "explained" and exchange.directives.no_store:
            return  # it quotes the prompt
        if event.kind == "explained":
            self._write(written(explained_line(exchange, event.text)))
        else:
            self._write(written(log_line(exchange, self._redactor.target(exchange.request.target))))


def log_line(exchange: Exchange, target: bytes) -> dict[str, Any]:
    """What a line says. ``target`` is redacted. Times are in milliseconds, sizes in octets."""
    line = {
        "time": datetime.fromtimestamp(exchange.started, UTC),
        "id": id_text(exchange.id),
        "client": exchange.client,
        "method": exchange.request.method.decode("latin-1"),
        "path": target.decode("latin-1"),
        "upstream": exchange.upstream.name,
        "dialect": exchange.dialect.name,
        "model": exchange.model,
        "status": exchange.status,
        "outcome": exchange.outcome,
        "ending": exchange.ending if exchange.ending is not None else "",
        "request_bytes": exchange.request_size,
        "response_bytes": exchange.response_size,
        "first_byte_ms": exchange.head_time / 1000,
        "total_ms": exchange.duration / 1000,
    }
    if exchange.client_name:
        line["client_name"] = exchange.client_name
    if exchange.served_from:
        line["served_from"] = id_text(exchange.served_from)
    if exchange.detail:
        line["detail"] = exchange.detail
    if exchange.rules:
        line["rules"] = exchange.rules
    if exchange.notes.get(PROBLEMS):
        line["problems"] = list(exchange.notes[PROBLEMS])
    return line


def explained_line(exchange: Exchange, text: str) -> dict[str, Any]:
    """How a miss differs from the nearest recording. It may come before the exchange's own line, or after it."""
    time = datetime.fromtimestamp(exchange.started, UTC)
    return {"time": time, "id": id_text(exchange.id), "kind": "explained", "explained": text.split("\n")}


def written(line: dict[str, Any]) -> bytes:
    """The line as JSON. What terminals obey and readers take for a line's end is escaped, as clients send it."""
    data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    return data if data.isascii() else _UNSEEN.sub(_escaped, data)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


class LogFile:
    """The log's file as the thread of `services.lines` sees it: another one takes its place between two writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._next: BinaryIO | None = None
        self._swap = Lock()

    def replace(self, file: BinaryIO) -> None:
        """Write to this one from the next write on. Called by the reactor's thread."""
        with self._swap:
            unused, self._next = self._next, file
        _close(unused)

    def write(self, data: bytes) -> int:
        """Called by the writing thread, as `flush`."""
        with self._swap:
            file, self._next = self._next, None
        if file is not None:
            _close(self._file)
            self._file = file
        return self._file.write(data)

    def flush(self) -> None:
        """Let others see it."""
        self._file.flush()


def _close(file: BinaryIO | None) -> None:
    """Not the standard output: it is the process's."""
    output = sys.__stdout__
    if file is None or (output is not None and file is output.buffer):
        return
    with suppress(OSError):  # what it still held could not be written; that was said when it happened
        file.close()


def _private(path: str, flags: int) -> int:
    """Only its owner may read it: addresses and the names of models are private."""
    return os.open(path, flags, 0o600)


def _destination(log: str) -> Any:
    """An open binary file, or None for no log. Raises `SettingsError`."""
    output = sys.__stdout__  # Twisted puts its own log in the place of sys.stdout
    if log == "off" or (not log and (output is None or output.isatty())):
        return None
    if log in ("", "stdout"):
        return None if output is None else output.buffer
    try:
        return open(Path(log).expanduser(), "ab", opener=_private)
    except (OSError, RuntimeError) as error:
        raise SettingsError(f"--log: {log} cannot be opened: {getattr(error, 'strerror', error)}") from error
