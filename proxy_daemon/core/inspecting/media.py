"""The octets of an image, a sound or a document of an exchange, and the type under which a page may show them.

Invariant: the type is one of a safe list, by the octets' own first signs, whatever the exchange says: what could run a
script (SVG, HTML, PDF) is a download. Source of the signs: WHATWG MIME Sniffing, section 6.

Called by `work/viewing.py`.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from proxy_daemon.core.inspecting.inline import inline, media_of
from proxy_daemon.core.inspecting.opened import Opened

UNKNOWN = "application/octet-stream"
LARGEST = 8 * 1024 * 1024  # octets
_SIGNS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"RIFF....WEBPVP8", "image/webp"),
        (rb"....ftyp(?:avif|avis)", "image/avif"),
        (rb"RIFF....WAVE", "audio/wav"),
        (rb"ID3|\xff[\xfb\xf3\xf2\xfa]", "audio/mpeg"),
        (rb"OggS\x00", "audio/ogg"),
        (rb"fLaC", "audio/flac"),
        (rb"....ftyp(?:M4A |mp42|isom|iso2|dash)", "audio/mp4"),
        (rb"\xff[\xf1\xf9\xf0\xf8]", "audio/aac"),
    )
)
_RATE, _WIDTH = 24_000, 2  # of OpenAI's "pcm16": 24 kHz, 16 bits, one channel, little end first


def sniffed(octets: bytes) -> str:
    """A type of the safe list, or that of what is not shown."""
    return next((kind for pattern, kind in _SIGNS if pattern.match(octets)), UNKNOWN)


def media_view(read: Opened, number: object) -> dict[str, Any] | None:
    """{"type", "size", "data": base64} of the inline medium of that number; None where there is none.

    Raises ValueError where it is no number.
    """
    if type(number) is not int or number < 0:
        raise ValueError("a medium's number is a whole number from 0 on")
    found = media_of(read)
    octets = found[number] if number < len(found) else None
    if octets is None or len(octets) > LARGEST:
        return None
    kind = sniffed(octets)
    if kind == UNKNOWN and _is_pcm(read, number):
        octets, kind = wave(octets), "audio/wav"
    return {"type": kind, "size": len(octets), "data": base64.b64encode(octets).decode("ascii")}


def _is_pcm(read: Opened, number: int) -> bool:
    """Whether it is a sound of the answer that was asked for as bare samples."""
    asked = sum(1 for _ in inline(read.conversation))
    told = [*inline(read.conversation), *inline(read.answer)]
    if number < asked or told[number].kind != "audio":
        return False
    sound = read.recording.request.body_field("audio")
    form = sound.get("format") if isinstance(sound, dict) else read.recording.request.body_field("response_format")
    return form in ("pcm16", "pcm")


def wave(samples: bytes) -> bytes:
    """Samples of OpenAI's "pcm16" with the head that browsers need to play them (RIFF, WAVE format 1)."""
    size = len(samples)
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = (1).to_bytes(2, "little") + (1).to_bytes(2, "little") + _RATE.to_bytes(4, "little")
    form += (_RATE * _WIDTH).to_bytes(4, "little") + _WIDTH.to_bytes(2, "little") + (8 * _WIDTH).to_bytes(2, "little")
    return head + form + b"data" + size.to_bytes(4, "little") + samples
