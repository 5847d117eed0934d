"""How the tests of the smaller dialects ask and listen, and answers of any kind that these can write."""

from hypothesis import strategies as st
from openai_saying import CALLS, JSON, NAMES, WORDS, ask, heard, shaped, unlike

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Reasoning, Text, Usage, Vector
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Response, ResponseHead
from proxy_daemon.core.wire.multipart import form_part, write_multipart

__all__ = ["CALLS", "JSON", "NAMES", "WORDS", "ask", "heard", "shaped", "unlike"]
COUNTS = st.integers(0, 10**9)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
VECTORS = st.lists(NUMBERS, min_size=1, max_size=5).map(lambda values: Vector(tuple(values)))
USAGES = st.none() | st.builds(Usage, input=COUNTS, output=COUNTS)
BOUNDARY = b"xYzZy"


def again(dialect, answer, request):
    """What is read of ``answer`` as the dialect writes it, by way of its octets."""
    rendered = dialect.render(answer, request)
    head = ResponseHead(200, b"", Headers([(b"Content-Type", rendered.content_type)]))
    found, problem = read_answer(dialect, request, Response(head, Bytes(rendered.body)))
    assert problem == ""
    return found


def form(target, *fields):
    """A form's request. ``fields``: (name, octets), and for files name and type behind them."""
    body = write_multipart([form_part(*field) for field in fields], BOUNDARY)
    return ask(target, body, headers=[(b"Content-Type", b"multipart/form-data; boundary=" + BOUNDARY)])


@st.composite
def choices(draw, ends, calls=None, *, thinks=True):
    """In the order that `said.Said` gives. ``ends``: the API's words."""
    thoughts = draw(st.lists(WORDS.map(Reasoning), max_size=1)) if thinks else []
    called = draw(st.lists(calls, max_size=3).filter(unlike)) if calls is not None else []
    said = draw(st.sampled_from(sorted(ends)))
    return Choice((*thoughts, *draw(st.lists(WORDS.map(Text), max_size=1)), *called), ends[said], said)


def vectors(finish):
    return st.lists(VECTORS.map(lambda vector: Choice((vector,), finish)), min_size=1, max_size=3).map(tuple)


def answers(of, **members):
    return st.builds(Answer, choices=of, **members)
