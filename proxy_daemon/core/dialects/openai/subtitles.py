"""The words of subtitles, SubRip and WebVTT (https://www.w3.org/TR/webvtt1/), and a transcript as one subtitle.

A transcript that was not recorded as subtitles has no times: it is written as one cue of no length.
"""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import CannotRender

_TIMES = re.compile(r"(?:\d+:)?\d\d:\d\d[.,]\d{3} --> (?:\d+:)?\d\d:\d\d[.,]\d{3}")
_BEGINS = re.compile(r"\ufeff?(?:WEBVTT\b|\s*\d+\r?\n(?:\d+:)?\d\d:\d\d,\d{3} --> )")


def spoken_in(text: str) -> str:
    """The words of subtitles, cue by cue with a blank between; of any other text: itself without its last line end."""
    if not _BEGINS.match(text):
        return text.removesuffix("\n")
    cues = re.split(r"(?:\r?\n){2,}", text)
    return " ".join(words for cue in cues if (words := _words(cue)) is not None)


def _words(cue: str) -> str | None:
    """What stands below the line with the times; None where there is no such line: a header or a note."""
    lines = cue.splitlines()
    at = next((at for at, line in enumerate(lines) if _TIMES.match(line)), None)
    return None if at is None else "\n".join(lines[at + 1 :])


def as_words(text: str) -> str:
    """A text and a line end. Raises `CannotRender` where it would be taken for subtitles."""
    if _BEGINS.match(text):
        raise CannotRender("a text that looks like subtitles")
    return text + "\n"


def as_srt(text: str) -> str:
    """SubRip. Raises `CannotRender` where the text holds what would end the cue."""
    return f"1\n00:00:00,000 --> 00:00:00,000\n{_as_cue(text)}\n\n"


def as_vtt(text: str) -> str:
    """WebVTT. Raises `CannotRender`."""
    return f"WEBVTT\n\n00:00:00.000 --> 00:00:00.000\n{_as_cue(text)}\n\n"


def _as_cue(text: str) -> str:
    lines = text.splitlines()
    if "-->" in text or not all(lines) or text != "\n".join(lines):
        raise CannotRender("a subtitle has no empty lines and no arrows")
    return text
