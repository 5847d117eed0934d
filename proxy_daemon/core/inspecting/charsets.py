"""Octets as text, by the charset that is stated or seen: part by part, and never with an exception.

Called by `bodies.py`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

REPLACED = "�"
_CHARSET = re.compile(rb";\s*charset\s*=\s*\"?([A-Za-z0-9_.:+-]{1,40})", re.IGNORECASE)
# Python's own, which are no charsets of anybody's text, or can be slow.
_NO_CHARSETS = frozenset(("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7", "mbcs"))
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # without a mark, as browsers read them
_CONTROLS = bytes({*range(0x20)} - {0x07, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_MOST_CONTROLS = 0.02  # of the octets of a text


class Decoded:
    """Text of octets. ``charset``: which; ``problem``: what was replaced, once all was read."""

    def __init__(self, content_type: bytes, first: bytes) -> None:
        self.problem = ""
        stated = _stated(content_type)
        unmarked = _UNMARKED.get(stated or "", stated or "utf-8")
        self.charset = next((name for mark, name in _MARKS if first.startswith(mark)), unmarked)
        if stated is None:
            self.problem = "the charset that is stated is not known; read as UTF-8"

    def parts(self, octets: Iterable[bytes]) -> Iterator[str]:
        """The text, part by part."""
        decoder = codecs.getincrementaldecoder(self.charset)(errors="replace")
        for part in octets:
            yield self._noted(decoder.decode(part), part)
        yield self._noted(decoder.decode(b"", final=True), b"")

    def _noted(self, text: str, octets: bytes) -> str:
        # One that stands in the octets themselves was not put there by us.
        if not self.problem and REPLACED in text and text.count(REPLACED) > octets.count(REPLACED.encode()):
            self.problem = (
                f"not all of it is {self.charset.removesuffix('-sig').upper()}: the rest is shown as {REPLACED}"
            )
        return text


def _stated(content_type: bytes) -> str | None:
    """The charset by Python's name; empty where none is stated, None where nobody knows it."""
    found = _CHARSET.search(content_type)
    if found is None:
        return ""
    try:
        info = codecs.lookup(found[1].decode("ascii"))
    except (LookupError, ValueError):
        return None
    is_text = getattr(info, "_is_text_encoding", True) and info.name.replace("-", "_") not in _NO_CHARSETS
    return info.name if is_text and info.incrementaldecoder is not None else None


def is_text(first: bytes, content_type: bytes = b"") -> bool:
    """Whether these first octets of a body are text, whatever its type says."""
    if any(first.startswith(mark) for mark, _ in _MARKS):
        return True
    if (_stated(content_type) or "").startswith(("utf-16", "utf-32")):
        return True
    if b"\0" in first or len(first) - len(first.translate(None, _CONTROLS)) > len(first) * _MOST_CONTROLS:
        return False
    text = first.decode("utf-8", "replace")
    return text.count(REPLACED) <= max(1, len(text) // 10) or bool(_stated(content_type)) or first[:1] in b"{["
