"""OpenAI's moderations: for each input, which categories it falls under.

A result is a choice: `Other` parts name the categories that are flagged, and `said` is "flagged" or "clear".
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Message, Other, Part, Text
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, Rendered
from proxy_daemon.core.dialects.json_shapes import object_at, objects, objects_at, text_at
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.openai.images import reference
from proxy_daemon.core.dialects.openai.told import problem_in
from proxy_daemon.core.dialects.said import check_whole
from proxy_daemon.core.messages import Request

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
FLAGGED, CLEAR = "flagged", "clear"


class OpenAIModerations(Dialect):
    """See https://platform.openai.com/docs/api-reference/moderations ."""

    name = "openai-moderations"
    maker = "openai"
    paths = re.compile(rb"(?<!/usage)/moderations/*\Z")
    operations = re.compile(rb"/(?P<moderation>moderations)$")
    terminal = ()
    volatile = ()

    def streams(self, request: Request) -> bool:
        """Never."""
        return False

    def conversation(self, request: Request) -> Conversation:
        """A text, texts, or one message of texts and images."""
        given = request.body_field("input")
        texts = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        messages = [Message("user", (Text(text),)) for text in texts if isinstance(text, str)]
        parts = tuple(_part(each) for each in objects(given))
        return Conversation((*messages, *([Message("user", parts)] if parts else [])))

    def whole(self, document: Any) -> Answer:
        """See the API's "moderation object"."""
        error = problem_in(document)
        return Answer(
            choices=tuple(_choice(each) for each in objects_at(document, "results")),
            id=text_at(document, "id"),
            model=text_at(document, "model"),
            error=error,
            complete=not error,
        )

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document. Scores are one and nought, as an answer has none."""
        check_whole(answer)
        results = [_result(choice) for choice in answer.choices]
        return written_document({"id": answer.id, "model": answer.model, "results": results})


def _part(given: dict[str, Any]) -> Part:
    return reference(given) if given.get("type") == "image_url" else Text(text_at(given, "text"))


def _choice(result: dict[str, Any]) -> Choice:
    flagged = [name for name, is_flagged in object_at(result, "categories").items() if is_flagged is True]
    said = FLAGGED if result.get("flagged") is True else CLEAR
    return Choice(tuple(Other(name) for name in flagged), Finish.STOP, said)


def _result(choice: Choice) -> dict[str, Any]:
    names = [part.kind for part in choice.parts if isinstance(part, Other)]
    if len(names) != len(choice.parts):
        raise CannotRender("a moderation names categories only")
    clear = {name: False for name in CATEGORIES if name not in names}
    categories = {**dict.fromkeys(names, True), **clear}
    scores = {name: float(is_flagged) for name, is_flagged in categories.items()}
    types = {name: ["text"] if is_flagged else [] for name, is_flagged in categories.items()}
    return {
        "flagged": choice.said == FLAGGED or (bool(names) and not choice.said),
        "categories": categories,
        "category_scores": scores,
        "category_applied_input_types": types,
    }
