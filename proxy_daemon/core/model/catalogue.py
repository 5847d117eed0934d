"""The models that the built-in model goes by, as OpenAI, Anthropic and Google list them (Ollama: `ollama_lists.py`)."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.seeds import CREATED, CREATED_TEXT

CONTEXT = 131_072  # tokens, as many as clients that ask first may want
EMBEDDING = "demo-embedding"
MODELS = {
    "demo-1": "Demo: at a human pace",
    "demo-fast": "Demo: at once",
    "demo-slow": "Demo: four times slower",
    EMBEDDING: "Demo: embeddings",
}


def models(dialect: Dialect) -> dict[str, Any]:
    """All of them."""
    data = [_entry(name, dialect) for name in MODELS]
    if isinstance(dialect, Google):
        return {"models": data}
    if isinstance(dialect, Anthropic):
        return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return {"object": "list", "data": data}


def model(name: str, dialect: Dialect) -> dict[str, Any]:
    """One of them. Raises `Refused` (404) where there is none of that name."""
    known(name)
    return _entry(name, dialect)


def known(name: str) -> None:
    """Raise `Refused` (404) for a name that is none of a model here."""
    if name not in MODELS:
        raise Refused(f"The model '{name[:80]}' does not exist.", "model", 404, "model_not_found")


def _entry(name: str, dialect: Dialect) -> dict[str, Any]:
    if isinstance(dialect, Google):
        return _of_google(name)
    if isinstance(dialect, Anthropic):
        shown = {"display_name": MODELS[name], "created_at": CREATED_TEXT, "lifecycle": "active"}
        return {"type": "model", "id": name, **shown}
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "llmproxy"}


def _of_google(name: str) -> dict[str, Any]:
    """See https://ai.google.dev/api/models#Model ."""
    methods = ["embedContent"] if name == EMBEDDING else ["generateContent", "countTokens", "embedContent"]
    shown = {"version": "1", "displayName": MODELS[name], "description": "Part of llmproxy: no key, no network."}
    return {
        "name": f"models/{name}",
        **shown,
        "inputTokenLimit": CONTEXT,
        "outputTokenLimit": CONTEXT,
        "supportedGenerationMethods": methods,
    }
