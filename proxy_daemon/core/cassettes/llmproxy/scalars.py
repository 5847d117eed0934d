"""Texts and octets as scalars of YAML: plain, quoted, or a literal block, whichever reads best and is exact.

Invariant: `yaml_text.load` gives the same text back, also after a tool has stripped blanks at the ends of lines. Called
by `tree.py` and by those who write a document.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache

# Words with a blank between, of which none ends in a colon or begins with a number sign.
_PLAIN = re.compile(r"(?:[^\W\d]|[/$<])[\w!-~]*+(?<!:)(?: [\w!\"$-~][\w!-~]*+(?<!:))*+\Z")
_LONGEST_PLAIN = 500
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "<<"))
_LONGEST_WORD = 5
_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]*\Z", re.ASCII)
# What YAML takes for a line end or forbids, and what turns the direction of writing: a reviewer would see something
# else than what is there. Of ASCII it is found faster by what may be there.
_HIDDEN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
_NOT_LITERAL = re.compile(f"[{_HIDDEN}]")
_NOT_PRINTED = re.compile(f"[\\t\\n{_HIDDEN}]")
_ESCAPED = re.compile(f'[\\t\\n"\\\\{_HIDDEN}]')
_SHOWN = bytes(range(32, 127)) + b"\t\n"
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\", "\0": "\\0", "\x1b": "\\e"}
_LINE = 76  # characters of base64
_BMP = 0xFFFF
_BYTE = 0xFF
_FEW = 8  # of that many characters one may need an escape in what is shown as text


@lru_cache(maxsize=4096)
def key(text: str) -> str:
    """A mapping's key."""
    if _KEY.match(text) and not _is_word(text):
        return text
    return f'"{_escaped(text)}"'


def scalar(text: str, indent: str, *, block: bool = False) -> str:
    """What stands behind `key:` or `-`, its blank or line end first.

    ``indent``: of the lines of a block, two more than that of the key or dash. ``block``: a literal block also for a
    single line, where it can be one.
    """
    if "\n" in text or (block and text):
        return _lines(text, indent)
    if len(text) <= _LONGEST_PLAIN and _PLAIN.match(text) and not _is_word(text):
        return " " + text
    if not text.isprintable() and _NOT_PRINTED.search(text):
        return f' "{_escaped(text)}"'
    if '"' in text or "\\" in text:
        return " '" + text.replace("'", "''") + "'"
    return f' "{text}"'


def octets(data: bytes, indent: str) -> str:
    """The same of octets: text where they are UTF-8, else `!!binary`."""
    try:
        return scalar(data.decode(), indent)
    except UnicodeDecodeError:
        return f' !!binary "{base64.b64encode(data).decode()}"'


def binary(data: bytes, indent: str) -> str:
    """Octets in base64, as a literal block."""
    text = base64.b64encode(data).decode()
    return " |-" + "".join([f"\n{indent}{text[at : at + _LINE]}" for at in range(0, len(text), _LINE)])


def is_readable(data: bytes) -> bool:
    """Whether it is text for people, in UTF-8: nearly all of its characters can be shown."""
    return (len(data) - len(data.translate(None, _CONTROLS))) * _FEW <= len(data)


def _is_literal(text: str) -> bool:
    """Whether a literal block can hold it, and none of its lines ends in blanks, which editors strip."""
    hidden = text.encode().translate(None, _SHOWN) if text.isascii() else _NOT_LITERAL.search(text)
    return not hidden and " \n" not in text and "\t\n" not in text and not text.endswith((" ", "\t"))


def _is_word(text: str) -> bool:
    return len(text) <= _LONGEST_WORD and text.lower() in _WORDS


def _lines(text: str, indent: str) -> str:
    if not _is_literal(text) or not text.strip("\n"):
        return _quoted_lines(text, indent)
    style = "|2" if text[0] in " \t\n" else "|"
    style += "" if text.endswith("\n") else "-"
    style += "+" if text.endswith("\n\n") else ""
    # Empty lines have no indentation: it would be blanks at the end of a line.
    return f" {style}" + "".join(
        [f"\n{indent}{line}" if line else "\n" for line in text.removesuffix("\n").split("\n")]
    )


def _quoted_lines(text: str, indent: str) -> str:
    """In double quotes, a line for each line, whose ends are escaped: nothing at an end can be stripped."""
    lines = text.split("\n")
    parts = [_escaped(line) + "\\n" for line in lines[:-1]]
    parts += [_escaped(lines[-1])] if lines[-1] else []
    parts[1:] = ["\\" + part if part[0] == " " else part for part in parts[1:]]
    return ' "' + f"\\\n{indent}".join(parts) + '"'


def _escaped(text: str) -> str:
    return _ESCAPED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"
