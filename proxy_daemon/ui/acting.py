"""What people do to exchanges and to the mode, by the API: each page hands over to `Services.acts`.

Invariant: nothing is done for a body or a parameter that is not understood wholly. Mounted by `ui/pages.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import asdict, frozen

from proxy_daemon.core.acts import Acts
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.ui.parameters import Answer, Wrong, answering, exchange, flag, known

KINDS = {"mark": (str, "a text"), "comment": (str, "a text"), "pinned": (bool, "true or false")}


@frozen
class Acting:
    """The pages that change something."""

    services: Services

    def pages(self) -> dict[str, JsonPage]:
        """By path."""
        one = "api/exchanges/{id}"
        return {
            f"{one}/answer": JsonPage({"GET": answering(self.section), "PUT": answering(self.edit)}, takes_body=True),
            f"{one}/remark": JsonPage({"PUT": answering(self.remark)}, takes_body=True),
            f"{one}/cassette": JsonPage({"PUT": answering(self.promote)}),
            "api/mode": JsonPage({"GET": answering(self.mode), "PUT": answering(self.set_mode)}, takes_body=True),
        }

    @property
    def _acts(self) -> Acts:
        if self.services.acts is None:
            raise Wrong(501, "nothing can be done to what this llmproxy keeps")
        return self.services.acts

    async def section(self, parameters: Mapping[str, str]) -> Answer:
        """GET: what an edit begins with."""
        known(parameters, ())
        return 200, await self._acts.section(exchange(parameters["id"]))

    async def edit(self, parameters: Mapping[str, str], body: Any) -> Answer:
        """PUT: another answer for a recording."""
        known(parameters, ())
        number = await self._acts.edit(exchange(parameters["id"]), body)
        return 200, {"id": f"{number:016x}"}

    async def remark(self, parameters: Mapping[str, str], body: Any) -> Answer:
        """PUT: mark, comment, pinned; what is not named stays."""
        known(parameters, ())
        given = members(body, KINDS)
        for name, value in given.items():
            kind, words = KINDS[name]
            if type(value) is not kind:
                raise Wrong(400, f"{name} is {words}")
        return 200, asdict(await self._acts.remark(exchange(parameters["id"]), **given))

    async def delete(self, parameters: Mapping[str, str]) -> Answer:
        """DELETE: with all that it holds."""
        known(parameters, ("force",))
        force = flag(parameters, "force")
        await self._acts.delete(exchange(parameters["id"]), force=force)
        return 200, {}

    async def promote(self, parameters: Mapping[str, str]) -> Answer:
        """PUT: into a cassette."""
        known(parameters, ("name",))
        if not parameters.get("name"):
            raise Wrong(400, "name is the name of a cassette")
        return 200, asdict(await self._acts.promote(exchange(parameters["id"]), parameters["name"]))

    async def mode(self, parameters: Mapping[str, str]) -> Answer:
        """GET: what holds, and what is configured."""
        known(parameters, ())
        return 200, asdict(self._acts.mode())

    async def set_mode(self, parameters: Mapping[str, str], body: Any) -> Answer:
        """PUT: another one."""
        known(parameters, ())
        given = members(body, ("mode",))
        if type(given.get("mode")) is not str:
            raise Wrong(400, "mode is a text")
        return 200, asdict(await self._acts.set_mode(given["mode"]))


def members(body: Any, names: Collection[str]) -> dict[str, Any]:
    """Of a JSON object with no others. Raises `Wrong`."""
    if not isinstance(body, dict):
        raise Wrong(400, f"the body is an object with {', '.join(names)}")
    for name in body:
        if name not in names:
            raise Wrong(400, f"there is no member {name[:100]!r}; there are: {', '.join(names)}")
    return body
