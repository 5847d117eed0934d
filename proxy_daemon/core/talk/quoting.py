"""How a text of any content stands in Markdown, and comes back as it was.

Invariant: `plain(quoted(text)) == text`. Three quotings, each of which Markdown shows as what is meant, mostly:
a backslash before a line that would be read as a sign of the format, a backslash before `{{*}}`, and `&#13;` for a
character that editors, git or UTF-8 would not keep. Called by the reader and the writer beside this.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from attrs import evolve

from proxy_daemon.core.conversation import Declined, Part, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.pattern import ANY_TEXT

MEDIA = ("image", "audio", "video", "file")
# Lines that the reader takes for signs within a message; and those that it takes for signs behind a message.
_SIGNS = (
    r"(?:</?(?:blockquote|details)\b|#### (?:call|result|other)(?![^ \t\n])|<!-- part -->|!\[(?:"
    + "|".join(MEDIA)
    + r")\]\()"
)
_WEAK = r"(?:#{2,3} |---|```|~~~|<!--)"
_TO_QUOTE = re.compile(rf"^(?=\\*{_SIGNS}|\\+{_WEAK})", re.MULTILINE)
_QUOTED = re.compile(rf"^\\(?=\\*(?:{_SIGNS}|{_WEAK}))", re.MULTILINE)
# What is no text in files: controls but tab and line feed, other line ends, a byte order mark, half surrogates.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]|&(?=(?:amp;)*#[0-9]{1,7};)")
_NUMBERED = re.compile(r"&(?:#([0-9]{1,7});|amp;(?=(?:amp;)*#[0-9]{1,7};))")
_LARGEST = 0x10FFFF
_KEPT = "!$&'()*+,./:;=?@^{|}"  # of a word in a heading, which ends at a blank
_NOTHING = "-"


def quoted(text: str, *, pattern: bool = True) -> str:
    """``text`` as it stands between the signs of the format. ``pattern``: `{{*}}` in it is meant as itself."""
    return _TO_QUOTE.sub(r"\\", odd_quoted(_meant(text) if pattern else text))


def read(text: str) -> str:
    r"""What was quoted, but for `\{{*}}`, which whoever compares texts undoes."""
    return odd_read(_QUOTED.sub("", text))


def literal(text: str) -> str:
    r"""`\{{*}}` as the signs themselves."""
    return text.replace("\\" + ANY_TEXT, ANY_TEXT)


def quoted_json(text: str) -> str:
    """Of a call's arguments: in JSON the backslash before `{{*}}` is written as two."""
    return quoted(_meant_json(text), pattern=False)


def literal_json(text: str) -> str:
    """The other way round."""
    return text.replace(_backslash(text) + ANY_TEXT, ANY_TEXT) if ANY_TEXT in text else text


def pattern_of(part: Part) -> Part:
    """A part that is meant as it stands, as one of a pattern."""
    return _changed(part, _meant, _meant_json)


def literal_part(part: Part) -> Part:
    """The other way round."""
    return _changed(part, literal, literal_json)


def _changed(part: Part, change: Callable[[str], str], change_json: Callable[[str], str]) -> Part:
    match part:
        case Text(text) | Reasoning(text) | Declined(text):
            return evolve(part, text=change(text))
        case ToolCall(_, name, arguments):
            return evolve(part, name=change(name), arguments=change_json(arguments))
        case ToolResult(text=text):
            return evolve(part, text=change(text))
        case _:
            return part


def _meant(text: str) -> str:
    return text.replace(ANY_TEXT, "\\" + ANY_TEXT)


def _meant_json(text: str) -> str:
    return text.replace(ANY_TEXT, _backslash(text) + ANY_TEXT) if ANY_TEXT in text else text


def _backslash(text: str) -> str:
    return "\\" if parsed(text) is None else "\\\\"


def odd_quoted(text: str) -> str:
    """With characters that files do not keep as their numbers."""
    return _ODD.sub(lambda found: "&amp;" if found[0] == "&" else f"&#{ord(found[0])};", text)


def odd_read(text: str) -> str:
    """The other way round."""
    return _NUMBERED.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return "&"
    return chr(int(found[1])) if int(found[1]) <= _LARGEST else found[0]


def word(text: str) -> str:
    """A name or an id as one word of a heading: what is no plain character stands in it as in URLs."""
    if text in ("", _NOTHING):
        return "%2D" if text else _NOTHING
    return quote(text, _KEPT, errors="surrogatepass")


def of_word(text: str) -> str:
    """The other way round."""
    try:
        return "" if text == _NOTHING else unquote(text, errors="surrogatepass")
    except UnicodeDecodeError:
        return unquote(text)
