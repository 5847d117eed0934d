"""Secrets that a stream says piece by piece: a key that begins in one event and goes on in the next.

The texts of events are put together by what they belong to (the member's name, the indices beside it), looked through,
and what is found is traced back to the octets of each event. Called by `core/secret_spans.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate

from proxy_daemon.core.secret_look import Look
from proxy_daemon.core.secret_shapes import NOTHING, Found

# Members in which APIs say what a model says, as pieces.
_NAMES = (
    rb"content|text|delta|arguments|partial_json|thinking|reasoning|reasoning_content|response|refusal|generated_text"
    rb"|completion|transcript|tool_plan|input|code|message|outputText|generation"
)
_PIECE = re.compile(rb'"(%b)": ?"([^"\\]*+(?:\\.[^"\\]*+)*+)"' % _NAMES, re.DOTALL)
_TEXT = re.compile(rb'"(?:%b)": ?"([^"\\]*+(?:\\.[^"\\]*+)*+)"' % _NAMES, re.DOTALL)
_INDEX = re.compile(rb'index": ?([0-9]{1,9})')
_SECOND = re.compile(rb'index": ?[1-9]')  # several texts at once: each is put together for itself
_LINE = re.compile(rb"[^\r\n]++")
Channel = tuple[bytes, int, tuple[bytes, ...]]
Spans = list[tuple[int, int]]


def split_secrets(data: bytes, look: Look, secrets: Callable[[bytes], list[Found]]) -> list[Found]:
    """Those that stand in more than one event. ``secrets`` finds them in a text; ``look`` says whether to ask it."""
    if not (_SECOND.search(data) or look(b"".join(_TEXT.findall(data)))):
        return []
    found: list[Found] = []
    for spans in _channels(data).values():
        text = b"".join([data[start:end] for start, end in spans])
        if len(spans) > 1 and look(text):
            starts = [0, *accumulate(end - start for start, end in spans)]
            found += [part for secret in secrets(text) for part in _parts(secret, text, spans, starts)]
    return found


def _channels(data: bytes) -> dict[Channel, Spans]:
    """Where the pieces of each text stand, in order. Of several in one line, the place among them counts too."""
    channels: dict[Channel, Spans] = {}
    for line in _LINE.finditer(data):
        seen: dict[bytes, int] = {}
        indices: tuple[bytes, ...] | None = None
        for piece in _PIECE.finditer(data, *line.span()):
            indices = tuple(_INDEX.findall(data, *line.span())) if indices is None else indices
            seen[piece[1]] = at = seen.get(piece[1], 0) + 1
            channels.setdefault((piece[1], at, indices), []).append(piece.span(2))
    return channels


def _parts(secret: Found, text: bytes, spans: Spans, starts: list[int]) -> Iterator[Found]:
    """The octets of each event that are a part of it: the first becomes its word, the others go."""
    at, form, whole = bisect_right(starts, secret.start) - 1, secret.form, text[secret.start : secret.end]
    while at < len(spans) and starts[at] < secret.end:
        start = spans[at][0] + max(0, secret.start - starts[at])
        end = min(spans[at][1], spans[at][0] + secret.end - starts[at])
        if start < end:
            yield Found(start, end, secret.kind, secret.what, form, whole)
            form = NOTHING
        at += 1
