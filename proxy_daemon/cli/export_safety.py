"""What is exported holds no secret that a recording made now would not hold.

Invariant: the rules of today's settings hold, also for what was recorded before there were any; what cannot be shown
to be free of secrets is left out, and told. Called by `exporting.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import evolve, frozen

from proxy_daemon.cli.export_sources import LeftOut
from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.bodies import EMPTY, Body
from proxy_daemon.core.conversation import Declined, Message, Part, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.core.inspecting.opened import in_memory
from proxy_daemon.core.messages import Delivered, Recording, Response
from proxy_daemon.core.numbered import NumberedRequests, numbered
from proxy_daemon.core.pattern import Pattern, Said
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import is_coded, redacted_response, withholds_request
from proxy_daemon.core.secret_leftovers import REFUSE, Left, leftovers

REQUEST = "its request's body may hold a secret, and cannot be altered"
ANSWER = "its answer's body may hold a secret, and cannot be altered"
LEFT = "it looks like a secret, and cannot be altered: {}"
_T = TypeVar("_T")


@frozen
class Safety:
    """``policy``: `--on-secret`. ``numbers``: whether secrets become numbered placeholders, as cassettes hold them."""

    redactor: Redactor
    policy: str
    numbers: bool = False

    def safe(self, recording: Recording) -> tuple[Recording, list[Left]]:
        """Without secrets, and where something is left that looks like one. Raises `LeftOut`, and OSError."""
        clean = self._clean(_at_hand(recording))
        left = leftovers(clean, self.policy)
        if left and self.policy == REFUSE:
            raise LeftOut(LEFT.format("; ".join(sorted({f"{_part(each.where)}: {each.what}" for each in left}))))
        return clean, left

    def _clean(self, recording: Recording) -> Recording:
        made = numbered(recording, self.redactor.rules) if self.numbers else self._redacted(recording)
        _check_bodies(recording, made)
        pattern = made.pattern and self._pattern(made.pattern)
        return made if pattern == made.pattern else evolve(made, pattern=pattern, redacted=True)

    def _redacted(self, recording: Recording) -> Recording:
        before = (recording.request, recording.response, recording.delivered, recording.detail)
        request, response, delivered, detail = before
        if (request.body.whole() is None or is_coded(request.headers, request.body)) and withholds_request(
            self.redactor, request
        ):
            raise LeftOut(REQUEST)
        request = self.redactor.request(request)
        response = response and redacted_response(self.redactor, response)
        delivered = delivered and self._delivered(delivered)
        detail = self.redactor.text(detail)
        after = (request, response, delivered, detail)
        if all(one is other for one, other in zip(after, before, strict=True)):
            return recording
        return evolve(recording, request=request, response=response, delivered=delivered, detail=detail, redacted=True)

    def _delivered(self, delivered: Delivered) -> Delivered:
        came = Response(delivered.head, delivered.body or EMPTY)
        safe = redacted_response(self.redactor, came)
        if safe is came:
            return delivered
        body = None if delivered.body is None else safe.body
        return Delivered(safe.head, body, delivered.cut or _is_lost(came.body, safe.body))

    def _pattern(self, pattern: Pattern) -> Pattern:
        """What it asks for is written too."""
        text = self.redactor.text
        return evolve(
            pattern,
            path=text(pattern.path),
            query=tuple((name, self._value(name, value)) for name, value in pattern.query),
            body=self.redactor.body(b"application/json", pattern.body),
            said=pattern.said and self._said(pattern.said),
        )

    def _value(self, name: str, value: str) -> str:
        """Of a parameter: its name may tell that it is a secret."""
        before = f"/?{name}=".encode("utf-8", "surrogatepass")
        safe = self.redactor.target(before + value.encode("utf-8", "surrogatepass"))
        return safe.removeprefix(before).decode("utf-8", "surrogatepass") if safe.startswith(before) else value

    def _said(self, said: Said) -> Said:
        return evolve(
            said,
            messages=tuple(map(self._message, said.messages)),
            parameters=tuple((name, self.redactor.text(value)) for name, value in said.parameters),
        )

    def _message(self, message: Message) -> Message:
        return evolve(message, parts=tuple(map(self._texts, message.parts)))

    def _texts(self, part: Part) -> Part:
        """Its texts, whatever kind of part it is."""
        if isinstance(part, ToolCall):
            return evolve(part, arguments=self.redactor.text(part.arguments))
        if isinstance(part, Text | Reasoning | Declined | ToolResult):
            return evolve(part, text=self.redactor.text(part.text))
        return part


@frozen
class Adopted:
    """Entries of files as they would come into a store: what an import does."""

    adopter: Adopter
    numbers: bool = False

    @classmethod
    def of(cls, adopter: Adopter, *, numbers: bool) -> Adopted:
        """``numbers``: as `Safety` has it."""
        redactor = NumberedRequests(adopter.redactor.rules) if numbers else adopter.redactor
        return cls(evolve(adopter, redactor=redactor), numbers)

    def __call__(self, entry: Recording) -> Recording:
        """Raises `LeftOut`."""
        entry = numbered(entry, self.adopter.redactor.rules) if self.numbers else entry
        made, _ = self._asked(lambda: self.adopter.adopt(entry))
        _check_bodies(entry, made)
        return made

    def _asked(self, question: Callable[[], _T]) -> _T:
        try:
            return question()
        except NotOurs as error:
            raise LeftOut(str(error)) from None
        except (Exception, SystemExit) as error:
            raise LeftOut(f"a dialect failed: {type(error).__name__}") from error


def _at_hand(recording: Recording) -> Recording:
    """Bodies that can be altered at all come into memory. Raises OSError."""
    request, response = recording.request, recording.response
    if response is not None:
        response = evolve(response, body=in_memory(response.body))
    return evolve(recording, request=evolve(request, body=in_memory(request.body)), response=response)


def _check_bodies(before: Recording, after: Recording) -> None:
    """Raises `LeftOut` where one of them was taken away."""
    if _is_lost(before.request.body, after.request.body):
        raise LeftOut(REQUEST)
    if before.response is None or after.response is None:
        return
    if _is_lost(before.response.body, after.response.body):
        raise LeftOut(ANSWER)


def _is_lost(before: Body, after: Body) -> bool:
    return before.size > 0 and after.size == 0


def _part(where: str) -> str:
    """Without the place in it."""
    return where.rpartition(" at ")[0] or where
