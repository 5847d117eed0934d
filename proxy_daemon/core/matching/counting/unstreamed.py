"""What asks for a stream in the APIs that are known: members of a body, fields of a head, words of a target.

Invariant: what is taken out says nothing else. Called by `fingerprint.py` for fingerprints in either form.

Sources: the `streams` of each dialect, and the API pages that these name.
"""

from __future__ import annotations

import re

MEMBERS = ("stream", "stream_options")
FIELDS = frozenset((b"x-dashscope-sse",))
# How a path that asks for a stream ends, and how one does that asks for the same as a document.
_ENDS = (
    (re.compile(rb":streamGenerateContent\Z", re.IGNORECASE), b":generateContent"),
    (re.compile(rb":streamRawPredict\Z", re.IGNORECASE), b":rawPredict"),
    (re.compile(rb"(?<=/)converse-stream\Z"), b"converse"),
    (re.compile(rb"(?<=/)invoke-with-response-stream\Z"), b"invoke"),
    (re.compile(rb"(?<=/)generate_stream\Z"), b"generate"),
)
_EVENTS = re.compile(rb"(?:alt|%24alt|\$alt)=sse", re.IGNORECASE)


def unstreamed(target: bytes) -> bytes:
    """The target as it is where a document is asked for; itself where it asks for no stream."""
    path, separator, query = target.partition(b"?")
    for end, other in _ENDS:
        path = end.sub(other, path)
    kept = b"&".join(each for each in query.split(b"&") if not _EVENTS.fullmatch(each))
    return path + separator + kept
