"""The models that the built-in model goes by, as OpenAI and as Anthropic list them."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.seeds import CREATED, CREATED_TEXT

MODELS = {
    "demo-1": "Demo: at a human pace",
    "demo-fast": "Demo: at once",
    "demo-slow": "Demo: four times slower",
    "demo-embedding": "Demo: embeddings",
}


def models(dialect: Dialect) -> dict[str, Any]:
    """All of them."""
    data = [_entry(name, dialect) for name in MODELS]
    if isinstance(dialect, Anthropic):
        return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return {"object": "list", "data": data}


def model(name: str, dialect: Dialect) -> dict[str, Any]:
    """One of them. Raises `Refused` (404) where there is none of that name."""
    if name not in MODELS:
        raise Refused(f"The model '{name[:80]}' does not exist.", "model", 404, "model_not_found")
    return _entry(name, dialect)


def _entry(name: str, dialect: Dialect) -> dict[str, Any]:
    if isinstance(dialect, Anthropic):
        shown = {"display_name": MODELS[name], "created_at": CREATED_TEXT, "lifecycle": "active"}
        return {"type": "model", "id": name, **shown}
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "llmproxy"}
