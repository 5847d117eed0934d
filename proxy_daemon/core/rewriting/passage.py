"""What the rules do to one exchange on its way: to its request, to the head of its answer, to the answer's body.

Invariant: `fired` names each rule that changed something, once, and `problems` says what could not be changed and why.
Called in this order, `request`, `head`, `transform`, by the plugin that rewrites and by `llmproxy rewrite`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Request, Response, ResponseHead
from proxy_daemon.core.rewriting.channels import channels_for
from proxy_daemon.core.rewriting.editor import AnswerEditor, editor_for
from proxy_daemon.core.rewriting.packed import MARK
from proxy_daemon.core.rewriting.requests import RequestEdits
from proxy_daemon.core.rewriting.responses import FieldsOfAnswer, ResponseEdits, fields_of
from proxy_daemon.core.rewriting.ruleset import NOTHING, Chosen, RuleSet

MOST_PROBLEMS = 10  # of one exchange that are said
_NO_REQUEST = Request(b"", b"")
_CODED = (b"content-encoding",)
_DIGESTS = (b"content-md5", b"content-digest", b"repr-digest", b"digest")  # of octets that may change


def passage_of(rules: RuleSet, request: Request, dialect: Dialect, upstream: str) -> Passage | None:
    """The passage of a request, by the rules that are for it; None where none is."""
    chosen, changes_request = rules.judged(request, dialect, upstream)
    if chosen is NOTHING:
        return None
    passage = Passage(chosen, dialect, request)
    passage.changes_request = changes_request
    return passage


class Passage:
    """One exchange. ``fired``: names of rules, of which each goes to ``tell`` too; ``problems``: sentences.

    ``changes_request``: where no rule may change the request, `request` need not be called.
    """

    def __init__(self, chosen: Chosen, dialect: Dialect, request: Request = _NO_REQUEST) -> None:
        self._chosen = chosen
        self._dialect = dialect
        self._request = request
        self.changes_request = True
        self._shapes: tuple[Response | None, bool] | None = None  # what was asked last, and said
        self.fired: list[str] = []
        self.problems: list[str] = []
        self.tell: Callable[[str], object] = lambda name: None
        self.transform: Rewritten | None = None  # of the answer's body, once `head` was called; None: it passes

    def request(self, request: Request) -> Request:
        """The request that goes on; the same object where nothing changes."""
        asked = request
        for rule in self._chosen.requests:
            assert isinstance(rule.act, RequestEdits)
            before = request
            request, problems = rule.act.applied(request, self._dialect)
            self._say(*(f"rule {rule.name!r}: the request is {problem}" for problem in problems))
            if request is not before:
                self.fire(rule.name)
        if request.path != asked.path:
            self._dialect = _dialect_at(request, self._dialect)
        self._request = request
        return request

    def shapes(self, answer: Response | None = None) -> bool:
        """Whether a rule may change the answer: where none may, it takes its shortest way.

        ``answer``: the whole of it, where it is there already: then its octets are looked at.
        """
        if self._shapes is None or self._shapes[0] is not answer:
            self._shapes = answer, self._is_shaped(answer)
        return self._shapes[1]

    def _is_shaped(self, answer: Response | None) -> bool:
        chosen = self._chosen
        if chosen.responses or not chosen.texts:
            return bool(chosen.responses)
        if answer is not None and b"content-encoding" not in answer.head.headers:
            octets = answer.body.whole()
            looks = chosen.looks
            if octets is not None and looks is not None and MARK not in octets and looks.leave_alone(octets):
                return False
        return channels_for(self._dialect, self._request) is not None

    def head(self, head: ResponseHead) -> ResponseHead:
        """The head that goes on; the same object where nothing changes. Finds out what edits the body."""
        texts = editor_for(self._chosen.texts, self._dialect, self._request, head) if self._chosen.texts else None
        plain = _uncoded(head) if texts is not None and texts.uncodes else head
        fields = self._fields(plain)
        if texts is not None or fields is not None:
            self.transform = Rewritten(self, [each for each in (texts, fields) if each is not None])
            plain = _without(_uncoded(plain) if fields is not None and fields.uncodes else plain, _DIGESTS)
        return self._headed(plain)

    def _headed(self, head: ResponseHead) -> ResponseHead:
        for rule in self._chosen.responses:
            assert isinstance(rule.act, ResponseEdits)
            before, head = head, rule.act.head(head)
            if head is not before:
                self.fire(rule.name)
        return head

    def _fields(self, head: ResponseHead) -> FieldsOfAnswer | None:
        edits = [
            (rule.name, rule.act.fields)
            for rule in self._chosen.responses
            if isinstance(rule.act, ResponseEdits) and rule.act.fields is not None
        ]
        streams = bool(edits) and self._dialect.streams(self._request)
        return fields_of(edits, self._request, head, streams=streams, say=self._say)

    def fire(self, *names: str) -> None:
        """These rules changed something."""
        for name in names:
            if name not in self.fired:
                self.fired.append(name)
                self.tell(name)

    def _say(self, *problems: str) -> None:
        left = MOST_PROBLEMS - len(self.problems)
        self.problems += [problem for problem in problems if problem not in self.problems][:left]

    def gather(self) -> None:
        """Take over what the body's editors know: at the end of the body, and where it has none, when it is known."""
        if self.transform is None:
            return
        if not self.transform.ended:
            self.transform.broken_off()
            return
        for editor in self.transform.editors:
            self.fire(*editor.fired)
            if isinstance(editor, AnswerEditor):
                self._say(*editor.problems)


class Rewritten:
    """What edits the body of one answer. A `Transform`."""

    def __init__(self, passage: Passage, editors: Sequence[AnswerEditor | FieldsOfAnswer]) -> None:
        self._passage = passage
        self.editors = editors
        self.ended = False

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        for editor in self.editors:
            data = editor.piece(data)
        if len(self.editors) == 1:
            self._straighten(self.editors[0])
        return data

    def _straighten(self, editor: AnswerEditor | FieldsOfAnswer) -> None:
        """Each call that is left out counts in each event."""
        straight = editor.straight if isinstance(editor, AnswerEditor) else editor.piece
        if straight is not None:
            self.piece = straight  # type: ignore[method-assign, assignment]

    def end(self) -> bytes:
        """See `Transform`."""
        data = b""
        for editor in self.editors:
            data = (editor.piece(data) if data else b"") + editor.end()
        self.ended = True
        self._passage.gather()
        return data

    def broken_off(self) -> None:
        """What was held back goes nowhere, but what fired is known now."""
        self.end()


def _dialect_at(request: Request, before: Dialect) -> Dialect:
    """Whose API the new path is: as before, where that one knows it; the generic one knows all and nothing."""
    known = type(before) is not type(GENERIC) and before.recognises(request)
    return before if known else recognise(request, BUILT_IN)


def _uncoded(head: ResponseHead) -> ResponseHead:
    return _without(head, _CODED)


def _without(head: ResponseHead, names: Sequence[bytes]) -> ResponseHead:
    headers = head.headers.without(names)
    return head if headers is head.headers else evolve(head, headers=headers)
