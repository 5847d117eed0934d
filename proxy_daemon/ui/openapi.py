"""The description of the API: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), served at `api/openapi.json`.

Invariant: each page below `/_llmproxy/api/` that is built in, and `health`, stands here with all its methods, and no
other; a test compares both. Called by `ui/pages.py`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from proxy_daemon import __version__
from proxy_daemon.core.modes import NAMES as MODES
from proxy_daemon.ui.schemas import ID, REMARK, SCHEMAS, TEXT, Schema, record, ref, words

VERSION = "3.1.0"
JSON = "application/json"
STREAM = "text/event-stream"
OCTETS = "application/octet-stream"
NUMBER: Schema = {"type": "integer"}
ONE = "/api/exchanges/{id}"
TOKEN_FIELD = "X-LLMProxy-Token"  # noqa: S105  (the name of a field)
ABOUT = (
    "What llmproxy has seen, and what may be done to it. All pages answer this machine, and with the admin token other"
    f" machines. What is no GET needs the field {TOKEN_FIELD}, with what `api/token` tells or the admin token. Errors"
    " have the member `error`."
)


@cache
def description() -> dict[str, Any]:
    """The whole document. Not to be changed."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in (*_exchanges(), *_views(), *_bodies(), *_acts(), *_streams(), *_others()):
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": VERSION,
        "info": {"title": "llmproxy", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/_llmproxy"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": TOKEN_FIELD}},
        },
    }


Described = tuple[str, str, dict[str, Any]]


def _get(path: str, summary: str, schema: str, *parameters: dict[str, Any], media: str = JSON) -> Described:
    return path, "get", _operation(path, summary, schema, parameters, media)


def _change(
    path: str, method: str, summary: str, schema: str, *parameters: dict[str, Any], body: Schema | None = None
) -> Described:
    operation = _operation(path, summary, schema, parameters, JSON) | {"security": [{"token": []}]}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return path, method, operation


def _operation(path: str, summary: str, schema: str, given: tuple[dict[str, Any], ...], media: str) -> dict[str, Any]:
    content = {"schema": ref(schema)} if media == JSON else {}
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "done", "content": {media: content}},
            "default": {"description": "why not", "content": {JSON: {"schema": ref("Error")}}},
        },
    }
    segments = [_in_path(name) for name in ("id", "n") if f"{{{name}}}" in path]
    return operation | ({"parameters": [*segments, *given]} if segments or given else {})


def _in_path(name: str) -> dict[str, Any]:
    what = {"id": ("an exchange: 16 hexadecimal digits", ID), "n": ("a number", {"type": "integer", "minimum": 0})}
    words_, schema = what[name]
    return {"name": name, "in": "path", "required": True, "description": words_, "schema": schema}


def _query(name: str, schema: Schema, about: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": about, "schema": schema}


def _exchanges() -> tuple[Described, ...]:
    return (
        _get(
            "/api/exchanges",
            "Exchanges, newest first",
            "List",
            _query("limit", NUMBER, "how many, at most 500"),
            _query("before", ID, "older than this one"),
            _query("after", ID, "newer than this one"),
            _query("q", TEXT, "a filter: docs/inspecting.md"),
        ),
        _get(
            "/api/told",
            "What the bodies of several exchanges tell, by their ids",
            "ToldOf",
            _query("ids", TEXT, "ids with commas between them, at most 500", required=True),
        ),
        _get(ONE, "One exchange: all but what is in its bodies", "Exchange"),
    )


def _views() -> tuple[Described, ...]:
    paging = (
        _query("form", words("pretty", "raw", "hex"), "how it is written"),
        _query("offset", NUMBER, "characters before; of hex: octets"),
        _query("limit", NUMBER, "how much at once"),
    )
    sides = [_get(f"{ONE}/{side}", f"The body of the {side}, for people", "Body", *paging) for side in SIDES]
    return (
        _get(f"{ONE}/chat", "The exchange as a conversation", "Chat"),
        *sides,
        _get(
            f"{ONE}/stream",
            "The answer as it came: events with their times",
            "Stream",
            _query("offset", NUMBER, "events before"),
            _query("limit", NUMBER, "how many at once"),
        ),
        _get(
            f"{ONE}/diff",
            "What differs from another exchange",
            "Diff",
            _query("with", TEXT, "nearest (the nearest recording), previous (the turn before it), or an id"),
            _query("all", words("0", "1"), "1: what is equal too"),
        ),
        _get(
            f"{ONE}/copy",
            "The request as a command or a program",
            "Copy",
            _query("as", words("curl", "python", "javascript"), "in which language"),
        ),
    )


SIDES = ("request", "response", "delivered")


def _bodies() -> tuple[Described, ...]:
    bodies = [
        _get(f"{ONE}/{side}/body", f"The octets of the {side}, as they were on the wire", "", media=OCTETS)
        for side in SIDES
    ]
    return (*bodies, _get(f"{ONE}/media/{{n}}", "An image or a sound of the conversation", "", media="*/*"))


def _acts() -> tuple[Described, ...]:
    remark = {**record({}, **REMARK), "additionalProperties": False}
    answer = {"type": "object", "description": "the member `answer` of a cassette's document: docs/cassettes.md"}
    return (
        _get(f"{ONE}/answer", "What an edit of the answer begins with", "Section"),
        _change(f"{ONE}/answer", "put", "Serve another answer from now on", "Made", body=answer),
        _change(f"{ONE}/remark", "put", "Note something of it: what is not named stays", "Remark", body=remark),
        _change(ONE, "delete", "Delete it", "Nothing", _query("force", words("0", "1"), "1: also where it is pinned")),
        _change(
            f"{ONE}/cassette",
            "put",
            "Copy it into a cassette",
            "Promoted",
            _query("name", TEXT, "of the cassette", required=True),
        ),
        _get("/api/mode", "The mode that holds now", "Mode"),
        _change(
            "/api/mode",
            "put",
            "Another mode, from the next exchange on",
            "Mode",
            body={**record({"mode": words(*MODES)}), "additionalProperties": False},
        ),
    )


def _streams() -> tuple[Described, ...]:
    return (
        _get(
            "/api/events",
            "What happens, as server-sent events: exchanges, explained, changed, mode, reset",
            "",
            _query("last", TEXT, "go on behind this event; as Last-Event-ID"),
            media=STREAM,
        ),
        _get(
            "/api/live/{id}",
            "An answer that grows, as server-sent events: answer, delta, ended",
            "",
            media=STREAM,
        ),
    )


def _others() -> tuple[Described, ...]:
    session = _query("session", TEXT, "of this session only; empty: the one without a name")
    more = (session, _query("cassette", TEXT, "of this cassette"), _query("unused", NUMBER, "how many are listed"))
    name = _query("name", TEXT, "by which requests name it", required=True)
    bind = ("mode", "repeat", "match_on", "on_error_response")
    file = _query("file", TEXT, "an absolute path", required=True)
    return (
        _get("/health", "Whether all works; 503 while the daemon stops", "Health"),
        _get("/api/stats", "Numbers", "Numbers"),
        _get("/api/token", "What the field X-LLMProxy-Token needs", "Token"),
        _get("/api/openapi.json", "This description", "Nothing"),
        _get("/api/verdict", "What came from recordings, and what did not", "Verdict", *more),
        _change("/api/verdict", "delete", "The same, and forget it", "Verdict", *more),
        _get("/api/cassettes", "The open cassettes", "Numbers"),
        _change(
            "/api/cassettes",
            "put",
            "Open a file as a cassette",
            "Bound",
            name,
            file,
            *(_query(each, TEXT, "see docs/cassettes.md") for each in bind),
        ),
        _change("/api/cassettes", "delete", "Close one", "Nothing", name),
    )
