"""The values of the API, as JSON Schema (2020-12, as OpenAPI 3.1 has it): `components/schemas` of the description.

Called by `ui/openapi.py`. Tests hold real answers against them.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {}
ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def ref(name: str) -> Schema:
    """A schema of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def words(*choices: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(choices)}


def record(needed: dict[str, Schema], **optional: Schema) -> Schema:
    """An object with these members; others may come with later versions."""
    return {"type": "object", "properties": {**needed, **optional}, "required": sorted(needed)}


def table(schema: Schema) -> Schema:
    """An object whose members all are of one kind."""
    return {"type": "object", "additionalProperties": schema}


HEADERS = listed({"type": "array", "prefixItems": [TEXT, TEXT], "minItems": 2, "maxItems": 2})
FLAGS = ("replayable", "pinned", "edited", "cut", "redacted")
TEXTS = (
    *("method", "path", "url", "upstream", "model", "outcome", "ending", "session", "client", "cassette", "detail"),
    *("mark", "comment"),
)
ROW_MEMBERS = {
    "id": ID,
    "started": NUMBER,
    **dict.fromkeys(TEXTS, TEXT),
    **dict.fromkeys(FLAGS, FLAG),
    **dict.fromkeys(("status", "request_size", "response_size"), COUNT),
    **dict.fromkeys(("duration_ms", "head_ms"), NUMBER),
    **dict.fromkeys(("rules", "unknown"), listed(TEXT)),
    "served_from": maybe(ID),
    "imported": maybe(NUMBER),
    "told": maybe(ref("Told")),
    "state": words("begun", "streaming", "ended"),
}
TOLD = record(
    {
        **dict.fromkeys(("dialect", "operation", "asked", "said", "finish", "error"), TEXT),
        "streams": FLAG,
        "messages": COUNT,
        "offered": COUNT,
        "tools": listed(TEXT),
        **dict.fromkeys(("input", "output", "total", "cached", "reasoning"), maybe(COUNT)),
    }
)
RESPONSE = record(
    {
        "status": COUNT,
        "reason": TEXT,
        "headers": HEADERS,
        "trailers": HEADERS,
        "size": COUNT,
        "pieces": listed(COUNT),
        "times_us": listed(COUNT),
    }
)
DETAIL = record(
    {**ROW_MEMBERS, "request": record({"headers": HEADERS, "size": COUNT})},
    response=RESPONSE,
    delivered=record({"status": COUNT, "headers": HEADERS, "size": maybe(COUNT), "cut": FLAG}),
)
PART = record(
    {"type": words("Text", "Reasoning", "Declined", "Media", "ToolCall", "ToolResult", "Vector", "Other")},
    text=TEXT,
    href=TEXT,
    cut={"type": "integer", "description": "how long its longest text is as a whole, where it is cut"},
)
CHOICE = record({"parts": listed(ref("Part")), "finish": TEXT, "said": TEXT, "stopped_by": TEXT})
ANSWER = record(
    {
        "choices": listed(CHOICE),
        "id": TEXT,
        "model": TEXT,
        "created": maybe(NUMBER),
        "usage": maybe(table(ANY)),
        "error": TEXT,
        "complete": FLAG,
    }
)
CHAT = record(
    {
        **dict.fromkeys(("dialect", "operation", "model", "problem"), TEXT),
        "parameters": table(ANY),
        "messages": listed(record({"role": TEXT, "parts": listed(ref("Part"))})),
        "tools": listed(record({"name": TEXT, "description": TEXT, "schema": ANY})),
        "answer": maybe(ref("Answer")),
    }
)
BODY = record(
    {
        "form": words("pretty", "raw", "hex"),
        "text": TEXT,
        "offset": COUNT,
        "next": maybe(COUNT),
        "size": COUNT,
        **dict.fromkeys(("coded", "media_type", "problem"), TEXT),
        "kind": words("json", "text", "form", "multipart", "sse", "lines", "frames", "binary", "empty"),
    }
)
STREAM = record(
    {
        "framing": TEXT,
        "total": COUNT,
        "next": maybe(COUNT),
        "events": listed(
            record({"n": COUNT, "at_us": maybe(COUNT), "size": COUNT, "name": TEXT, "data": TEXT, "words": TEXT})
        ),
        **dict.fromkeys(("first_byte_us", "first_word_us", "end_us"), maybe(COUNT)),
        "longest_gap": maybe(record({"at_us": COUNT, "us": COUNT})),
        "marks": {**listed(listed(COUNT)), "maxItems": 400},
    }
)
DIFF = record(
    {
        "with": maybe(ID),
        "score": maybe(NUMBER),
        "titles": listed(TEXT),
        "lines": listed(
            record(
                {"section": TEXT, "path": TEXT, "old": maybe(TEXT), "new": maybe(TEXT)},
                words=listed(listed(TEXT)),
            )
        ),
        "cut": FLAG,
        "problem": TEXT,
    }
)
REMARK = {"mark": TEXT, "comment": TEXT, "pinned": FLAG}
MODE = record({"mode": TEXT, "configured": TEXT})

SCHEMAS: dict[str, Schema] = {
    "Error": record(
        {"error": {"description": "words, or the shape of the API that was called", "type": ["string", "object"]}},
        at={"type": "integer", "description": "of a filter: the character where it is wrong"},
        length={"type": "integer", "description": "of a filter: how many characters are"},
    ),
    "Told": {**TOLD, "description": "what its bodies tell"},
    "Row": record(ROW_MEMBERS),
    "List": record(
        {
            "exchanges": listed(ref("Row")),
            "next": {**maybe(ID), "description": "where to go on, as `before`; null: there is no more"},
            "partial": {**FLAG, "description": "the time of one call was over: go on with before=next"},
            "indexed": maybe(record({"done": COUNT, "total": COUNT})),
        }
    ),
    "ToldOf": record({"told": table(maybe(ref("Told")))}),
    "Exchange": DETAIL,
    "Part": PART,
    "Answer": ANSWER,
    "Chat": CHAT,
    "Body": BODY,
    "Stream": STREAM,
    "Diff": DIFF,
    "Copy": record({"text": TEXT}),
    "Remark": record(REMARK),
    "Mode": MODE,
    "Promoted": record({"place": TEXT, "before": FLAG}),
    "Made": record({"id": ID}),
    "Section": record({"id": ID, "answer": {"type": "object"}, "why_not": TEXT}),
    "Token": record({"token": TEXT}),
    "Health": record(
        {"status": words("ready", "degraded", "draining"), "recording": TEXT, "mode": TEXT},
        insecure=TEXT,
        settings=TEXT,
    ),
    "Numbers": table(ANY),
    "Verdict": record({"sessions": listed(table(ANY)), "beyond": maybe(table(ANY)), "trouble": TEXT}),
    "Bound": record({"mode": TEXT, "forwards": FLAG}),
    "Nothing": {"type": "object"},
}
