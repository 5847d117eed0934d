"""The entries of a YAML document that lists them, one by one: `interactions:` and what is indented below it.

Invariant: what comes is what the whole document says, or `NotStreamed`. An entry begins at a line of exactly the
list's indentation: all that continues another value is indented deeper, except within quotes and brackets that are
still open, and then the part is no YAML by itself. Called by `entries.py`.

Source: https://yaml.org/spec/1.1/, sections 4.2.2 and 9.2; libyaml does not look at the indentation within quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from attrs import frozen

from proxy_daemon.core.cassettes import Unreadable, yaml_text
from proxy_daemon.core.cassettes.streaming.blocks import blocks
from proxy_daemon.core.cassettes.streaming.source import NotStreamed

_HEAD = 1024 * 1024  # octets before the list, and behind it
_DEEPEST = 16  # columns
_MARK = "the entries of this list, 7c1d0e55"  # what no entry of another list of that name is
_HERE = b"- %b\n" % _MARK.encode()
# The key with nothing behind it in its line, comments and blank lines, and the first entry.
_LIST = rb"(?m)^(?:\xef\xbb\xbf)?%b[ \t]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*+(?=( *)-[ \t\r\n])"


@frozen
class _Frame:
    """What stands around the list. ``head``: all up to its first entry; ``first``: what was read from there on."""

    head: bytes
    first: bytes
    indent: int


def items(file: str, source: BinaryIO, name: str) -> Iterator[Any]:
    """The entries of the list ``name`` at the top of the document, as `yaml_text.load` gives them.

    Raises `NotStreamed`, also after some entries, `Unreadable` for a list that stands there twice, and what reading
    raises.
    """
    frame = _frame(source, name)
    here = b" " * frame.indent + _HERE
    _check_frame(file, frame.head + here, name)
    line = frame.head.count(b"\n")
    is_item = re.compile(rb" {%d}-(?:[ \t\r\n]|\Z)" % frame.indent)
    mark = re.compile(rb"\n(?= {0,%d}[^ \t\r\n#])" % frame.indent)
    tail = bytearray()
    for block in blocks(source, frame.first, mark, frame.indent + 2):
        if tail or not is_item.match(block):
            tail += block
            if len(tail) > _HEAD:
                raise NotStreamed(f"more than {_HEAD} octets behind the list of {name!r}")
            continue
        yield from _loaded(block, line)
        line += block.count(b"\n")
    _check_frame(file, frame.head + here + bytes(tail), name)


def _frame(source: BinaryIO, name: str) -> _Frame:
    begin = source.read(_HEAD)
    found = re.search(_LIST % name.encode(), begin)
    if found is None or len(found[1]) > _DEEPEST or re.search(rb"(?m)^%", begin[: found.end()]):
        raise NotStreamed(f"no plain list of {name!r} near its beginning")
    return _Frame(begin[: found.end()], begin[found.end() :], len(found[1]))


def _check_frame(file: str, text: bytes, name: str) -> None:
    """Whether the document is well with one entry in the place of all."""
    try:
        found = yaml_text.load(text)
    except yaml_text.NotYaml as error:
        raise NotStreamed(error.reason) from None
    if not isinstance(found, dict) or name not in found:
        raise NotStreamed(f"no list of {name!r} at the top")
    if found[name] != [_MARK]:
        raise Unreadable(file, f"{name!r} stands there twice")


def _loaded(block: bytes, line: int) -> list[Any]:
    """The one entry of a block; more, where line ends are not what they seem."""
    try:
        found = yaml_text.load(block)
    except yaml_text.NotYaml as error:
        place = f" (line {line + error.line})" if error.line else ""
        raise NotStreamed(f"{error.reason}{place}") from None
    if not isinstance(found, list):
        raise NotStreamed("an entry that is none")
    return found
