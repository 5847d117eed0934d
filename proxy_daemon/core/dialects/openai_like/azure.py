"""Azure's OpenAI service: OpenAI's APIs, where a deployment in the path may stand for the model."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from proxy_daemon.core.dialects.dialect import Question
from proxy_daemon.core.dialects.openai_like.family import OpenAIFamily
from proxy_daemon.core.messages import Request

_DEPLOYMENT = re.compile(rb"/openai/deployments/([^/]+)/")
_PATHS = re.compile(rb"/openai/|/models/(?:chat/completions|embeddings)\Z|/chat/completions\Z")
_VERSION = re.compile(rb"(?:\A|&)api-version=")


class Azure(OpenAIFamily):
    """See https://learn.microsoft.com/azure/ai-foundry/openai/reference ."""

    name = "azure"

    def recognises(self, request: Request) -> bool:
        """By the deployment; elsewhere by the version or the key that Azure asks for, as Groq has `/openai/v1/`."""
        if _DEPLOYMENT.search(request.path) is not None:
            return True
        return _is_known(request) and _PATHS.search(request.path) is not None

    def left_to_ask(self, path: bytes) -> bool | Question:
        """See `Dialect`."""
        return _DEPLOYMENT.search(path) is not None or (_PATHS.search(path) is not None and _is_known)

    def model(self, request: Request) -> str:
        """The deployment, which decides whatever the body says; else as OpenAI's."""
        found = _DEPLOYMENT.search(request.path)
        if found is None:
            return super().model(request)
        return unquote_to_bytes(found[1]).decode("utf-8", "replace")


def _is_known(request: Request) -> bool:
    """By the version or the key that Azure asks for."""
    return b"api-key" in request.headers or _VERSION.search(request.query) is not None
