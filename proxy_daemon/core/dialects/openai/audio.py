"""OpenAI's sounds: speech (octets, or events with base64), and transcriptions and translations of a form's file.

Transcripts come as JSON, as bare text, as subtitles, or as events. What is written has no times: none is made up.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Media, Message, Operation, Part, Text
from proxy_daemon.core.dialects import forms
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import member, text_at, without_none
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.json_writing import event, events
from proxy_daemon.core.dialects.media import alone, octets_of
from proxy_daemon.core.dialects.openai.subtitles import as_srt, as_vtt, as_words, spoken_in
from proxy_daemon.core.dialects.openai.told import event_problem, problem_in, usage_document, usage_of
from proxy_daemon.core.dialects.said import check_whole, text_of
from proxy_daemon.core.messages import Request

_PLAIN = {"text": as_words, "srt": as_srt, "vtt": as_vtt}
# What `response_format` asks for, mp3 where it asks for nothing.
_FORMATS = ("opus", "aac", "flac", "wav", "pcm")
_AT_ONCE = 24_576  # octets in an event: half a second of raw sound; divisible by 3, so that only the last is padded


class OpenAIAudio(Dialect):
    """See https://platform.openai.com/docs/api-reference/audio ."""

    name = "openai-audio"
    maker = "openai"
    paths = re.compile(rb"/audio/(?:speech|transcriptions|translations)/*\Z")
    operations = re.compile(rb"/audio/(?:(?P<speech>speech)|(?P<transcription>transcriptions|translations))$")
    volatile = ()
    terminal = (
        b'"type":"speech.audio.done"',
        b'"type": "speech.audio.done"',
        b'"type":"transcript.text.done"',
        b'"type": "transcript.text.done"',
        *Dialect.terminal,
    )

    def model(self, request: Request) -> str:
        """From JSON or from the form."""
        return forms.field(request, "model")

    def streams(self, request: Request) -> bool:
        """Speech where its `stream_format` is "sse", transcripts where `stream` is true."""
        return forms.flag(request, "stream") is True or forms.field(request, "stream_format") == "sse"

    def conversation(self, request: Request) -> Conversation:
        """What is to be said and how, or what is to be heard."""
        how = forms.field(request, "instructions") or forms.field(request, "prompt")
        text = forms.field(request, "input")
        parts: tuple[Part, ...] = ((Text(text),) if text else ()) + forms.files(request, "audio")
        system = (Message("system", (Text(how),)),) if how else ()
        return Conversation(system + ((Message("user", parts),) if parts else ()))

    def whole(self, document: Any) -> Answer:
        """A transcript: an object, or a text, which may be subtitles."""
        if isinstance(document, str):
            return Answer((Choice((Text(spoken_in(document)),), Finish.STOP),))
        error = problem_in(document)
        text = document.get("text") if isinstance(document, dict) else None
        choices = (Choice((Text(text),), Finish.STOP),) if isinstance(text, str) else ()
        if sound := text_at(document, "audio_data"):  # Mistral's speech
            choices = (Choice((Media("audio", size=len(sound)),), Finish.STOP),)
        return Answer(choices, usage=usage_of(member(document, "usage")), error=error, complete=not error)

    def assembler(self) -> SoundAssembler:
        """For the events of either."""
        return SoundAssembler()

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A transcript in the format asked for; speech as octets, or as events with them. Raises `CannotRender`."""
        check_whole(answer)
        if len(answer.choices) != 1:
            raise CannotRender(f"one transcript or one sound is needed, and there are {len(answer.choices)}")
        if self.operation(request) is Operation.SPEECH:
            return _speech(answer, forms.field(request, "response_format"), streams=self.streams(request))
        return self._transcript(answer, request)

    def _transcript(self, answer: Answer, request: Request) -> Rendered:
        text = text_of(answer.choices[0])
        if self.streams(request):
            return events(_events(text, answer))
        form = forms.field(request, "response_format")
        if form in _PLAIN:
            return Rendered(b"text/plain; charset=utf-8", (Piece(_PLAIN[form](text).encode("utf-8", "replace")),))
        return written_document(
            without_none(
                text=text,
                usage=_usage(answer),
                **_verbose(form, b"/translations" in request.path),
            )
        )


class SoundAssembler:
    """See `Assembler`. The last event of a transcript has all of its text; a sound is known by its size alone."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._size = 0
        self._done: dict[str, Any] | None = None
        self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        kind = text_at(data, "type") or name
        self._error = self._error or event_problem(name, data)
        if kind == "transcript.text.delta":
            self._texts.append(text_at(data, "delta"))
        elif kind == "speech.audio.delta":
            self._size += len(text_at(data, "audio"))
        elif kind in ("transcript.text.done", "speech.audio.done") and isinstance(data, dict):
            self._done = data

    def answer(self) -> Answer:
        """See `Assembler`."""
        text = text_at(self._done, "text") or "".join(self._texts)
        part = Media("audio", size=self._size) if self._size else Text(text)
        begun = bool(text or self._size or self._done is not None)
        finish = Finish.UNKNOWN if self._done is None else Finish.STOP
        return Answer(
            choices=(Choice((part,), finish),) if begun else (),
            usage=usage_of(member(self._done, "usage")),
            error=self._error,
            complete=self._done is not None and not self._error,
        )


def _usage(answer: Answer) -> dict[str, Any] | None:
    return usage_document(answer.usage, "input", "output") if answer.usage else None


def _verbose(form: str, translates: bool) -> dict[str, Any]:
    """What `verbose_json` and `diarized_json` have besides: no times and no speakers are known."""
    task: dict[str, Any] = {"task": "translate" if translates else "transcribe", "duration": 0.0, "segments": []}
    return {"verbose_json": {**task, "language": ""}, "diarized_json": task}.get(form, {})


def _events(text: str, answer: Answer) -> list[Piece]:
    deltas = [event({"type": "transcript.text.delta", "delta": word}, spoken=True) for word in words(text)]
    return [*deltas, event(without_none(type="transcript.text.done", text=text, usage=_usage(answer)))]


def _speech(answer: Answer, form: str, *, streams: bool) -> Rendered:
    """Octets under their type, else under the one that is asked for; or events, which tell no type."""
    sound = alone(answer.choices[0], "audio")
    octets = octets_of(sound)
    if streams:
        return events(_sounds(octets, answer))
    kind = sound.media_type or f"audio/{form if form in _FORMATS else 'mpeg'}"
    return Rendered(kind.encode(), (Piece(octets, spoken=True),))


def _sounds(octets: bytes, answer: Answer) -> list[Piece]:
    cuts = [octets[at : at + _AT_ONCE] for at in range(0, len(octets), _AT_ONCE)]
    deltas = [{"type": "speech.audio.delta", "audio": b64encode(cut).decode()} for cut in cuts]
    done = without_none(type="speech.audio.done", usage=_usage(answer))
    return [*(event(delta, spoken=True) for delta in deltas), event(done)]
