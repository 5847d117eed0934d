"""Asks the child process and makes of what it says an answer of the API.

Invariant: trouble of the child is a 503 with its words, and what it says wrongly is one too. Called by the pages.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.services import Services
from proxy_daemon.ui.parameters import Answer, Wrong


async def asked(services: Services, question: str, head: dict[str, Any]) -> Answer:
    """Status and value. Raises `Wrong`."""
    assert services.work is not None
    answer = await services.work.call(question, head)
    if "trouble" in answer:
        raise Wrong(503, str(answer["trouble"]))
    status, value = answer.get("status"), answer.get("value")
    if type(status) is not int or not isinstance(value, dict):
        raise Wrong(503, "the child process gave an answer that is none")
    return status, value
