"""How the tests of OpenAI's dialects ask and listen, and answers of any kind that they can write."""

import orjson
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Declined, Finish, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.sse import SSEReader


def ask(target="/v1/chat/completions", body=b"", method=b"POST", headers=()):
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request(method, target.encode(), Headers(headers), Bytes(data))


def heard(dialect, events):
    """The answer to (name, data) of events."""
    assembler = dialect.assembler()
    for name, data in events:
        assembler.add(name, data)
    return assembler.answer()


def unnamed(*data):
    return [("", each) for each in data]


def items(stream):
    """(name, data) of a stream's octets; the blank line at the end may be missing, as recorders strip it."""
    reader = SSEReader()
    for item in [*reader.feed(stream.rstrip() + b"\n\n"), *reader.end()]:
        if item.data:
            try:
                yield item.name, orjson.loads(item.data)
            except orjson.JSONDecodeError:
                yield item.name, item.data.decode()


def spoken(dialect, rendered):
    """What is assembled from a rendered stream."""
    assert rendered.content_type.startswith(b"text/event-stream")
    return heard(dialect, items(rendered.body))


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
COUNTS = st.none() | st.integers(0, 10**9)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS).filter(lambda usage: usage != Usage())
CALLS = st.builds(ToolCall, st.uuids().map(str), NAMES, st.just('{"a": [1]}') | WORDS | st.just(""))
ENDS = {"stop": Finish.STOP, "length": Finish.LENGTH, "tool_calls": Finish.CALLS, "content_filter": Finish.FILTERED}
THOUGHTS = st.builds(Reasoning, WORDS, st.just("") | WORDS) | st.builds(Reasoning, st.just(""), WORDS)


def unlike(calls):
    return len({call.id for call in calls}) == len(calls)


@st.composite
def chat_choices(draw):
    """In the order that the API has. Thoughts without words stand alone: they would take those of the next."""
    thoughts = draw(
        st.lists(THOUGHTS, max_size=3).filter(lambda found: len(found) < 2 or all(one.text for one in found))
    )
    text = draw(st.lists(WORDS.map(Text), max_size=1))
    declined = draw(st.lists(WORDS.map(Declined), max_size=1))
    calls = draw(st.lists(CALLS, max_size=3).filter(unlike))
    said = draw(st.sampled_from(sorted(ENDS)))
    return Choice((*thoughts, *text, *declined, *calls), ENDS[said], said)


CHAT_ANSWERS = st.builds(
    Answer,
    choices=st.lists(chat_choices(), min_size=1, max_size=3).map(tuple),
    id=NAMES,
    model=NAMES,
    created=st.integers(1, 2**40),
    usage=USAGES,
)


@st.composite
def response_answers(draw):
    parts = draw(st.lists(WORDS.map(Text) | WORDS.map(Declined) | THOUGHTS | CALLS, max_size=6))
    called = any(isinstance(part, ToolCall) for part in parts)
    ends = [(Finish.CALLS if called else Finish.STOP, "completed"), (Finish.LENGTH, "max_output_tokens")]
    finish, said = draw(st.sampled_from([*ends, (Finish.FILTERED, "content_filter")]))
    choice = Choice(tuple(parts), finish, said)
    return Answer((choice,), "resp_1", draw(NAMES), draw(st.integers(0, 2**40)), draw(USAGES))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shaped(names, kinds):
    """JSON that has the API's own names in it, and anything in their places."""
    leaves = st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats() | st.sampled_from([*kinds, "", "x\ud800"])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=6),
        max_leaves=25,
    )
