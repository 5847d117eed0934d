"""OpenAI's images: made from words, or edited (a form with files, or JSON), whole or as a stream with drafts.

Images are written as URLs or in base64, a stream without drafts.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Media, Message, Part, Text, Usage
from proxy_daemon.core.dialects import forms
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, Piece, Rendered
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, objects_at, text_at, without_none
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.json_writing import event, events
from proxy_daemon.core.dialects.media import alone, in_base64, only, subtype_of
from proxy_daemon.core.dialects.openai.told import event_problem, problem_in, usage_document, usage_of
from proxy_daemon.core.dialects.said import check_whole, text_of
from proxy_daemon.core.messages import Request


class OpenAIImages(Dialect):
    """See https://platform.openai.com/docs/api-reference/images , and `images-streaming` there."""

    name = "openai-images"
    maker = "openai"
    paths = re.compile(rb"(?<!/usage)/images(?:/(?:generations|edits|variations))?/*\Z")
    operations = re.compile(rb"/(?P<image>images(?:/(?:generations|edits|variations))?)$")
    volatile = ("user",)
    terminal = (b"event: image_generation.completed\n", b"event: image_edit.completed\n", *Dialect.terminal)

    def model(self, request: Request) -> str:
        """From JSON or from the form."""
        return forms.field(request, "model")

    def streams(self, request: Request) -> bool:
        """Where the request says so."""
        return forms.flag(request, "stream") is True

    def conversation(self, request: Request) -> Conversation:
        """The prompt, and the images that it is about."""
        prompt = forms.field(request, "prompt")
        given = (*forms.files(request, "image"), *_references(request.json))
        parts: tuple[Part, ...] = ((Text(prompt),) if prompt else ()) + given
        return Conversation((Message("user", parts),) if parts else ())

    def whole(self, document: Any) -> Answer:
        """Each image is a choice; the prompt as the API has changed it stands behind the image."""
        kind = text_at(document, "output_format")
        error = problem_in(document)
        return Answer(
            choices=tuple(_choice(each, kind) for each in objects_at(document, "data")),
            id=text_at(document, "id"),
            model=text_at(document, "model"),
            created=count_at(document, "created"),
            usage=usage_of(member(document, "usage")),
            error=error,
            complete=not error,
        )

    def assembler(self) -> ImageAssembler:
        """For a stream with drafts."""
        return ImageAssembler()

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document, or a stream, which holds octets and no URLs."""
        check_whole(answer)
        if self.streams(request):
            return events(_completed(answer, b"/edits" in request.path))
        data = [_datum(choice) for choice in answer.choices]
        about = without_none(output_format=_format(answer.choices), usage=_usage(answer))
        named = without_none(id=answer.id or None, model=answer.model or None)
        return written_document({"created": answer.created or 0, "data": data, **about, **named})


class ImageAssembler:
    """See `Assembler`. Drafts are passed over: the last event has the whole image."""

    def __init__(self) -> None:
        self._choices: list[Choice] = []
        self._created: int | None = None
        self._usage: Usage | None = None
        self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._error = self._error or event_problem(name, data)
        kind = text_at(data, "type") or name
        if kind in ("image_generation.completed", "image_edit.completed"):
            self._choices.append(_choice(data, text_at(data, "output_format")))
            self._created = count_at(data, "created_at")
            self._usage = usage_of(member(data, "usage"))

    def answer(self) -> Answer:
        """See `Assembler`."""
        return Answer(
            choices=tuple(self._choices),
            created=self._created,
            usage=self._usage,
            error=self._error,
            complete=bool(self._choices) and not self._error,
        )


def _choice(datum: dict[str, Any], kind: str) -> Choice:
    data, source = text_at(datum, "b64_json"), text_at(datum, "url")
    image = Media("image", f"image/{kind}" if kind else "", source, len(data) if data else None)
    revised = text_at(datum, "revised_prompt")
    return Choice((image, Text(revised)) if revised else (image,), Finish.STOP)


def _references(body: Any) -> tuple[Media, ...]:
    """Images that JSON names: `images` of the edits, `image` of xAI's, `input_references` of OpenRouter's."""
    found = [*objects_at(body, "images"), *objects_at(body, "input_references"), object_at(body, "image")]
    return tuple(reference(each) for each in found if each)


def reference(image: dict[str, Any]) -> Media:
    """An image that JSON names, or holds in a data URL (RFC 2397)."""
    url = text_at(image, "url", "image_url", "file_id") or text_at(member(image, "image_url"), "url")
    if url.startswith("data:"):
        return Media("image", url[5:].partition(";")[0][:100], size=len(url.partition(",")[2]))
    return Media("image", source=url)


def _datum(choice: Choice) -> dict[str, Any]:
    image = only(choice, "image")
    revised = text_of(choice, others=(Media,)) or None
    data = in_base64(image) if image.data or not image.source else None
    return without_none(b64_json=data, url=image.source or None, revised_prompt=revised)


def _format(choices: tuple[Choice, ...]) -> str | None:
    """It is told once for all images."""
    found = {subtype_of(only(choice, "image")) for choice in choices}
    if len(found) > 1:
        raise CannotRender("images of one answer have one format")
    return next(iter(found), "") or None


def _usage(answer: Answer) -> dict[str, Any] | None:
    return usage_document(answer.usage, "input", "output") if answer.usage else None


def _completed(answer: Answer, is_edit: bool) -> list[Piece]:
    """One event for each image; the last has the usage of all."""
    if not answer.choices:
        raise CannotRender("a stream of images ends with an image")
    kind = f"image_{'edit' if is_edit else 'generation'}.completed"
    told = [{"type": kind, "created_at": answer.created or 0, **_streamed(choice)} for choice in answer.choices]
    told[-1] |= without_none(usage=_usage(answer))
    return [event(each, kind, spoken=True) for each in told]


def _streamed(choice: Choice) -> dict[str, Any]:
    image = alone(choice, "image")
    if image.source:
        raise CannotRender("a stream of images has no URLs")
    return without_none(b64_json=in_base64(image), output_format=subtype_of(image) or None)
