"""The formats that `llmproxy export` writes, one file of code a format.

Invariant: what a format cannot say of a recording is told beside its text, never left out in silence. A file is
``head``, the entries with ``between`` between them, and ``tail``: none of them needs the others, so that a file of any
length is written in bounded memory. A format's code is loaded when it is asked for, so that a start stays quick. Called
by `cli/exporting.py`; plugins add more by `llmproxy_formats()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from proxy_daemon.core.cassettes.foreign_text import WrittenEntry
from proxy_daemon.core.messages import Recording

if TYPE_CHECKING:
    from proxy_daemon.core.dialects.dialect import Dialect


@runtime_checkable
class Writer(Protocol):
    """One format as it is written: plain attributes do."""

    @property
    def name(self) -> str:
        """What `--format` says."""

    @property
    def suffix(self) -> str:
        """Of its files, with the dot."""

    @property
    def single(self) -> bool:
        """Whether a file holds one exchange only."""

    @property
    def head(self) -> bytes:
        """What stands before the first entry."""

    @property
    def between(self) -> bytes:
        """What stands between two entries."""

    @property
    def tail(self) -> bytes:
        """What stands behind the last entry."""

    @property
    def empty(self) -> bytes:
        """A whole file without entries."""

    def entry(self, recording: Recording) -> WrittenEntry:
        """One recording as its part of a file. Raises OSError where a body cannot be read."""


class NoWriter(ValueError):
    """No format of that name is written. The message names those that are."""


# name -> (file of code in this folder, its class)
_PLACES = {
    "llmproxy": ("llmproxy_writing", "LlmproxyWriter"),
    "markdown": ("markdown_writing", "MarkdownWriter"),
    "promptecho": ("promptecho.writing", "PromptechoText"),
    "vcrpy": ("vcrpy_writing", "VcrpyWriter"),
    "har": ("har.writing", "HarWriter"),
    "mitmproxy": ("mitmproxy.writing", "MitmproxyWriter"),
    "asgi-replay": ("asgi_replay_writing", "AsgiReplayText"),
    "jsonl": ("jsonl_writing", "JsonlWriter"),
    "curl": ("copied_writing", "CurlWriter"),
    "python": ("copied_writing", "PythonWriter"),
}
_BY_DIALECTS = {"llmproxy", "markdown", "jsonl"}  # formats that are made with them
WRITERS: tuple[str, ...] = tuple(_PLACES)  # the names of those that are built in


def writer_named(name: str, added: Iterable[object] = (), dialects: Sequence[Dialect] | None = None) -> Writer:
    """``added``: what plugins give by `llmproxy_formats()`: they are asked first. Raises `NoWriter`.

    ``dialects``: by which those read that write what is said; None: the built-in ones.
    """
    others = writers_in(added)
    for each in others:
        if each.name == name:
            return each
    if name not in _PLACES:
        known = dict.fromkeys([*WRITERS, *(each.name for each in others)])
        raise NoWriter(f"no format of that name is written: there are {', '.join(known)}")
    module, what = _PLACES[name]
    made = getattr(import_module(f"proxy_daemon.core.cassettes.{module}"), what)
    return cast("Writer", made(dialects) if dialects is not None and name in _BY_DIALECTS else made())


def writers_in(added: Iterable[object]) -> Sequence[Writer]:
    """Those of what plugins give that can be written."""
    return [each for each in added if isinstance(each, Writer)]
