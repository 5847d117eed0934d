"""Keys as promptecho 0.1.3 makes them (`match-keys = "promptecho-2"`): for suites that were recorded with it.

Invariant: the first 16 hexadecimal digits of a fingerprint are promptecho's `match_key`, but where recordings are
scoped, and where a stream is asked for: there promptecho serves a document, and SDKs break. Called by `fingerprint.py`.

Source: promptecho 0.1.3, https://pypi.org/project/promptecho/ .
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import Upstream

# What counts where nothing else is said.
DEFAULT = ("model", "messages", "system", "tools", "tool_choice", "reasoning_effort", "reasoning", "thinking")
_SYSTEM = ("system", "developer")
RAW = "__raw_body_sha256__"  # stands for a body that is no JSON object


def fingerprint(
    request: Request, upstream: Upstream | None, names: Iterable[str] | None, *, streams: bool, scope: bytes
) -> bytes:
    """32 octets. ``names``: of the members that count; None: promptecho's own choice."""
    digest = match_digest(request, upstream, DEFAULT if names is None else tuple(names))
    return sha256(b"s%b%b" % (digest, scope)).digest() if streams else _scoped(digest, scope)


def _scoped(digest: bytes, scope: bytes) -> bytes:
    return sha256(b"-%b%b" % (digest, scope)).digest() if scope else digest


def match_digest(request: Request, upstream: Upstream | None, names: Iterable[str]) -> bytes:
    """The hash of which promptecho takes the first 16 hexadecimal digits."""
    host = (_host(request) if upstream is None else upstream.host).lower()
    said = normalised(_body(request), host)
    fields = {name: said[name] for name in (*names, RAW) if name in said}
    path = (request.target if upstream is None else upstream.target(request.target)).partition(b"?")[0]
    told = {"method": request.method.decode("latin-1").upper(), "path": path.decode("latin-1"), "fields": fields}
    try:
        return sha256(canonical(told)).digest()
    except RecursionError:  # promptecho has no key for it
        return sha256(canonical({**told, "fields": {RAW: _hash_of(request)}})).digest()


def _host(request: Request) -> str:
    return request.headers.get(b"host").decode("latin-1").partition(":")[0]


def _body(request: Request) -> dict[str, Any]:
    if isinstance(request.json, dict):
        return request.json
    return {RAW: _hash_of(request)} if request.body.size else {}


def _hash_of(request: Request) -> str:
    digest = sha256()
    for part in chunks(request.body):
        digest.update(part)
    return digest.hexdigest()


def canonical(value: Any) -> bytes:
    """The text that is hashed. Raises RecursionError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _provider(host: str, body: dict[str, Any]) -> str:
    if "anthropic" in host:
        return "anthropic"
    if "openai" in host or "azure" in host:
        return "openai"
    if "system" in body:
        return "anthropic"
    if any(map(_is_system, _list(body.get("messages")))):
        return "openai"
    tools = [tool for tool in _list(body.get("tools")) if isinstance(tool, dict)]
    if any("input_schema" in tool for tool in tools):
        return "anthropic"
    return "openai" if any("function" in tool for tool in tools) else "generic"


def normalised(body: dict[str, Any], host: str) -> dict[str, Any]:
    """A body as promptecho compares and writes it. ``host``: in lower case; empty where it is not known."""
    said = dict(body)
    provider = _provider(host, body)
    if provider == "anthropic" and isinstance(said.get("system"), list):
        said["system"] = _texts(said["system"])
    if provider == "openai":
        _openai(said)
    if isinstance(said.get("messages"), list):
        said["messages"] = [_message(each) for each in said["messages"]]
    if isinstance(said.get("tools"), list):
        said["tools"] = [_tool(each) for each in said["tools"]]
    if "tool_choice" in said:
        said["tool_choice"] = _choice(said["tool_choice"])
    return said


def _openai(said: dict[str, Any]) -> None:
    """Its system messages move. One of several blocks is lost there, as in promptecho."""
    messages = _list(said.get("messages"))
    system = [_message(message).get("content", "") for message in messages if _is_system(message)]
    if any(map(_is_system, messages)) and "system" not in said:
        said["system"] = "\n".join(text for text in system if isinstance(text, str))
    said["messages"] = [message for message in messages if not _is_system(message)]
    if "max_completion_tokens" in said and "max_tokens" not in said:
        said["max_tokens"] = said.pop("max_completion_tokens")


def _texts(blocks: list[Any]) -> Any:
    """The texts of a list with any; else it is as it was."""
    texts = [block.get("text", "") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str)) if texts else blocks


def _message(message: Any) -> Any:
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return message
    blocks = [_block(block) for block in message["content"]]
    is_one = len(blocks) == 1 and isinstance(blocks[0], dict) and blocks[0].get("type") == "text"
    return {**message, "content": blocks[0].get("text") if is_one else blocks}


def _block(block: Any) -> Any:
    if isinstance(block, dict) and block.get("type") == "text" and "text" in block:
        return {"type": "text", "text": block["text"]}
    return block


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    function = tool.get("function")
    said = function if isinstance(function, dict) else tool
    schema = said.get("parameters") if said is function else tool.get("input_schema", tool.get("parameters"))
    found = {"name": said.get("name"), "description": said.get("description"), "parameters": schema}
    return {name: value for name, value in found.items() if value is not None}


def _choice(choice: Any) -> Any:
    if isinstance(choice, str):
        return {"mode": choice}
    if not isinstance(choice, dict):
        return choice
    if isinstance(function := choice.get("function"), dict):
        return {"mode": "tool", "name": function.get("name")}
    if "type" not in choice:
        return choice
    return {"mode": choice["type"], **({"name": choice["name"]} if choice.get("name") else {})}


def _is_system(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in _SYSTEM


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
