"""Views of an exchange without a child process: for stores that it cannot read, such as a plugin's.

In a thread: a large body makes those wait who want a view too, and nobody else. What needs an index there is not.
Called by `ui/views.py`. What it needs is imported when it is needed: few stores are such, and the start is to be quick.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.messages import Recording
from proxy_daemon.core.services import Services
from proxy_daemon.ui.parameters import NO_EXCHANGE, Answer

NO_INDEX = "which recording that is, is not known in this store: name an exchange by its id"
Head = dict[str, Any]


def viewed_here(services: Services, head: Head) -> Answer:
    """As the child process answers the question `view`. Raises nothing."""
    recording = _got(services, head["id"])
    if recording is None:
        return 404, {"error": NO_EXCHANGE}
    try:
        found = _diff(services, recording, head) if head["what"] == "diff" else _view(services, recording, head)
    except ValueError as error:
        return 400, {"error": str(error)}
    except OSError as error:
        return 503, {"error": str(error)}
    if found is None:
        return 404, {"error": f"the exchange has no {head['what']} of that kind"}
    return 200, found


def _got(services: Services, text: str) -> Recording | None:
    from proxy_daemon.core.inspecting.answered import answered  # noqa: PLC0415  (see above)

    recording = services.store.get(int(text, 16))
    return None if recording is None else answered(recording, services.store.get)


def _view(services: Services, recording: Recording, head: Head) -> Head | None:
    from proxy_daemon.core.inspecting.opened import opened  # noqa: PLC0415  (see above)
    from proxy_daemon.core.inspecting.views import view  # noqa: PLC0415  (only without a child: a quick start)

    return view(opened(recording, rules=services.redactor.rules.for_showing), head["what"], head)


def _diff(services: Services, recording: Recording, head: Head) -> Head:
    from proxy_daemon.core.inspecting.differences import difference  # noqa: PLC0415  (see above)
    from proxy_daemon.core.inspecting.opened import opened  # noqa: PLC0415  (as above)

    nothing: Head = {"with": None, "score": None, "titles": [], "lines": [], "cut": False}
    if head["with"] in ("nearest", "previous"):
        return nothing | {"problem": NO_INDEX}
    other = _got(services, head["with"])
    if other is None:
        return nothing | {"problem": NO_EXCHANGE}
    rules = services.redactor.rules.for_showing
    found = difference(opened(other, rules=rules), opened(recording, rules=rules), everything=head["all"])
    return nothing | found | {"with": head["with"]}
