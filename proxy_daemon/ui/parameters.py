"""What a request to the API says in its path and query, read strictly: what is wrong is named, never guessed around.

Invariant: whatever the parameters are, what is raised is `Wrong`. Called by the pages of the API.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from proxy_daemon.core.acts import Refused
from proxy_daemon.core.messages import id_number, id_text

Answer = tuple[int, Any]
_NUMBER = re.compile(r"-?[0-9]{1,40}")
_YES = {"": False, "0": False, "1": True}
NO_EXCHANGE = "there is no such exchange"


class Wrong(Exception):
    """An answer that is an error. ``more``: what its JSON has beside the words."""

    def __init__(self, status: int, words: str, **more: Any) -> None:
        super().__init__(words)
        self.status, self.more = status, more


def answering(function: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """The same function of a `JsonPage`, with `Wrong` and `Refused` as answers."""

    async def answer(*given: Any) -> Answer:
        try:
            return await function(*given)
        except Wrong as wrong:
            return wrong.status, {"error": str(wrong), **wrong.more}
        except Refused as refused:
            return refused.status, {"error": str(refused)}

    return answer


def known(parameters: Mapping[str, str], names: Collection[str]) -> None:
    """Raises `Wrong` where there is one that the page does not have: a typing error must not mean everything."""
    for name in parameters:
        if name not in names and name != "id":
            there_are = ", ".join(names) or "none"
            raise Wrong(400, f"there is no parameter {name[:100]!r} here; there are: {there_are}")


def number(parameters: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """One that is too large or too small is the nearest that may be."""
    text = parameters.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise Wrong(400, f"{name} is a whole number")
    return min(most, max(least, int(text)))


def exchange(text: str) -> int:
    """The id in a path. What is none is the id of no exchange."""
    try:
        return id_number(text)
    except ValueError:
        raise Wrong(404, NO_EXCHANGE) from None


def optional_exchange(parameters: Mapping[str, str], name: str) -> int | None:
    """An id in the query; None where there is none."""
    if name not in parameters:
        return None
    try:
        return id_number(parameters[name])
    except ValueError:
        raise Wrong(400, f"{name} is an exchange's id: 16 hexadecimal digits") from None


def exchanges(parameters: Mapping[str, str], name: str, most: int) -> list[str]:
    """Ids with commas between them."""
    texts = parameters.get(name, "").split(",")
    if len(texts) > most:
        raise Wrong(400, f"{name} has {len(texts)} ids: at most {most} are answered at once")
    try:
        return [id_text(id_number(text)) for text in texts]
    except ValueError:
        raise Wrong(400, f"{name} is a list of exchanges' ids, with commas between them") from None


def one_of(parameters: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """One of these words; the first is the default."""
    word = parameters.get(name, words[0])
    if word not in words:
        raise Wrong(400, f"{name} is one of {', '.join(words)}")
    return word


def flag(parameters: Mapping[str, str], name: str) -> bool:
    """`1` or `0`."""
    text = parameters.get(name, "")
    if text not in _YES:
        raise Wrong(400, f"{name} is 1 or 0")
    return _YES[text]
