"""What Ollama's API tells of its models and itself: `/api/tags`, `/api/ps`, `/api/show`, `/api/version`.

Clients ask these before they talk. See https://github.com/ollama/ollama/blob/main/docs/api.md . Called by `answer()`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from proxy_daemon.core.messages import Request
from proxy_daemon.core.model.catalogue import CONTEXT, EMBEDDING, MODELS, known
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.seeds import CREATED_TEXT

VERSION = "0.12.0"  # of Ollama's API: clients refuse older ones
_DETAILS: dict[str, Any] = {
    "parent_model": "",
    "format": "demo",
    "family": "demo",
    "families": ["demo"],
    "parameter_size": "0",
    "quantization_level": "none",
}
_TAG = ":latest"


def shown_by_ollama(request: Request) -> dict[str, Any] | None:
    """The document that the path names; None where there is none. Raises `Refused`."""
    name = request.path.rstrip(b"/").rpartition(b"/")[2]
    if name == b"show":
        return _show(request)
    if request.method not in (b"GET", b"HEAD"):
        return None
    if name == b"version":
        return {"version": VERSION}
    if name == b"ps":  # those in memory: there is nothing to load
        return {"models": []}
    return {"models": [_entry(model) for model in MODELS]} if name == b"tags" else None


def _show(request: Request) -> dict[str, Any]:
    if request.method != b"POST":
        raise Refused("/api/show takes POST.", None, 405, "method_not_supported")
    asked = request.body_field("model") or request.body_field("name")  # its older name
    if not isinstance(asked, str):
        raise Refused("'model' is missing: the name of a model.", "model")
    name = asked.removesuffix(_TAG)
    known(name)
    info = {"general.architecture": "demo", "general.basename": name, "demo.context_length": CONTEXT}
    skills = ["embedding"] if name == EMBEDDING else ["completion", "tools"]
    texts = {"license": "", "modelfile": f"FROM {name}\n", "parameters": "", "template": "{{ .Prompt }}"}
    return {**texts, "details": _DETAILS, "model_info": info, "capabilities": skills, "modified_at": CREATED_TEXT}


def _entry(name: str) -> dict[str, Any]:
    """Without a tag, so that the pace that a name stands for is kept."""
    digest = sha256(name.encode()).hexdigest()
    about = {"modified_at": CREATED_TEXT, "size": 0, "digest": digest, "details": _DETAILS}
    return {"name": name, "model": name, **about}
