"""A dialect that fails, as a plugin's may, or that gives what is no answer: a problem, never an exception."""

import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Text
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.reading import AnswerReader, read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

POST = Request(b"POST", b"/v1/chat")
BODIES = {
    "events": (b"text/event-stream", b'data: {"text":"one"}\n\ndata: {"text":"two"}\n\ndata: [DONE]\n\n'),
    "lines": (b"application/x-ndjson", b'{"text":"one"}\n{"text":"two"}\n'),
    "document": (b"application/json", b'{"text":"one"}'),
    "many documents": (b"application/json", b'{"text":"one"}\n{"text":"two"}\n'),
    "words": (b"text/plain", b"one and two and more"),
}
STREAMS = ("events", "lines", "many documents")


class Failing(Dialect):
    """Raises in one place, or gives None where an answer is due."""

    name = "failing"

    def __init__(self, place, error=None):
        self.place, self.error = place, error

    def at(self, place, value):
        if place != self.place:
            return value
        if self.error is None:
            return None
        raise self.error

    def streams(self, request):
        return self.at("streams", False)

    def whole(self, document):
        return self.at("whole", Answer((Choice((Text(str(document)),)),)))

    def assembler(self):
        return self.at("assembler", Saying(self))


class Saying:
    def __init__(self, dialect):
        self.dialect, self.texts = dialect, []

    def add(self, name, data):
        text = data["text"] if isinstance(data, dict) else ""
        if text != "one":
            self.dialect.at("add", None)
        self.texts.append(text)

    def answer(self):
        return self.dialect.at("answer", Answer((Choice((Text("".join(self.texts)),)),)))


def read(kind, dialect, size):
    content_type, body = BODIES[kind]
    reader = AnswerReader(dialect, POST, ResponseHead(200, b"", Headers([(b"Content-Type", content_type)])))
    for at in range(0, len(body), size):
        reader.feed(body[at : at + size])
        reader.answer()
    reader.end()
    return reader.answer(), reader.problem


@pytest.mark.parametrize(
    "error", [KeyError("hush"), RecursionError(), AssertionError("hush"), StopIteration(1), SystemExit(0)]
)
@pytest.mark.parametrize("size", [1, 10, 1000])
@pytest.mark.parametrize(
    ("place", "kind"),
    [("streams", kind) for kind in BODIES]
    + [(place, kind) for place in ("assembler", "add", "answer") for kind in STREAMS]
    + [("whole", "document"), ("whole", "words")],
)
def test_what_a_dialect_raises_is_a_problem(place, kind, size, error):
    answer, problem = read(kind, Failing(place, error), size)
    assert problem == f"not decodable: the dialect failing failed with {type(error).__name__}"
    assert not answer.complete


@pytest.mark.parametrize("kind", ["events", "lines"])
def test_what_was_told_before_is_kept(kind):
    answer, problem = read(kind, Failing("add", ValueError()), 1000)
    assert (answer.choices[0].text, answer.complete) == ("one", False)
    assert problem


@pytest.mark.parametrize(
    ("place", "kind"), [("answer", kind) for kind in STREAMS] + [("assembler", "events"), ("whole", "document")]
)
def test_what_is_no_answer_is_a_problem(place, kind):
    answer, problem = read(kind, Failing(place), 1000)
    assert "the dialect failing failed with" in problem
    assert answer == Answer(complete=False)


def test_a_failing_dialect_by_the_short_way():
    response = Response(ResponseHead(200, b"", Headers([(b"Content-Type", BODIES["document"][0])])), Bytes(b"{}"))
    answer, problem = read_answer(Failing("whole", ValueError("hush")), POST, response)
    assert (answer, problem) == (Answer(complete=False), "not decodable: the dialect failing failed with ValueError")


@pytest.mark.parametrize("kind", BODIES)
def test_one_that_does_not_fail(kind):
    answer, problem = read(kind, Failing("nowhere"), 7)
    assert (problem, answer.complete) == ("", True)
    assert answer.choices[0].text
