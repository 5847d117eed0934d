"""What stands before the messages: keys that mean something, parameters, and what is wrong with them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Usage
from proxy_daemon.core.talk.front_matter import front_of, python_value
from proxy_daemon.core.talk.wrong import Wrong


def front(*lines, dumped=False):
    return front_of(lines, 1, dumped=dumped)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("model: gpt-4o", "model", "gpt-4o"),
        ("model: {{*}}", "model", "{{*}}"),
        ("model: gpt-4{{*}}", "model", "gpt-4{{*}}"),
        ("model: 4.1", "model", "4.1"),
        ("api: openai", "api", "openai-chat"),
        ("api: claude", "api", "anthropic"),
        ("api: bedrock", "api", "bedrock"),
        ("path: /v1/messages?beta=true", "path", "/v1/messages?beta=true"),
        ("status: 429", "status", 429),
        ("headers: {retry-after: 2}", "headers", ((b"retry-after", b"2"),)),
        ("pace: 20 words/s", "pace", 0.05),
        ("pace: 50 ms", "pace", 0.05),
        ("pace: 0.5 s", "pace", 0.5),
        ("match: last", "tail", True),
        ("answers: last", "last", True),
        ("finish: length", "finish", ("length",)),
        ("finish: [stop, length]", "finish", ("stop", "length")),
        ("usage: in 14, out 2", "usage", Usage(14, 2)),
        ("usage: in 1, cache written 2, thoughts 3", "usage", Usage(1, cache_written=2, reasoning=3)),
        ("answered by: gpt-4o-2024", "answered_by", "gpt-4o-2024"),
        ("temperature: 0.5", "parameters", {"temperature": 0.5}),
        ("models: [a, b]", "parameters", {"models": ["a", "b"]}),
        ("parameters: {modell: a}", "parameters", {"modell": "a"}),
        ("tools: [{type: function}]", "parameters", {"tools": [{"type": "function"}]}),
        ("parameters: {usage: {include: true}}", "parameters", {"usage": {"include": True}}),
        ("parameters: '{\"a\": 1}'", "parameters", {"a": 1}),
        ("", "parameters", {}),
    ],
)
def test_keys(line, name, value):
    assert getattr(front(line), name) == (pytest.approx(value) if name == "pace" else value)


@pytest.mark.parametrize(
    ("lines", "at", "reason"),
    [
        (["model: m", "status: 700"], 3, "status: a number from 200"),
        (["status: true"], 2, "status: a number"),
        (["pace: fast"], 2, "pace: no pace such as"),
        (["pace: 0 ms"], 2, "pace: no pace"),
        (["pace: 999999999 s"], 2, "pace: slower"),
        (["match: first"], 2, "match: the one word"),
        (["answers: all"], 2, "answers: the one word"),
        (["usage: 14"], 2, "usage: no numbers such as"),
        (["path: v1/chat"], 2, "path: a path begins"),
        (["headers: 2"], 2, "headers: names and values"),
        (['headers: {"a b": 2}'], 2, "headers: what no field"),
        (['headers: {a: "x\\r\\ny: z"}'], 2, "headers: what no field"),
        (["headers: {content-length: 5}"], 2, "headers: a field of the framing"),
        (["model: [a]"], 2, "model: a text is wanted"),
        (["parameters: 3"], 2, "parameters: names and values"),
        (["parameters: '{'"], 2, "parameters: no JSON"),
        (["- a"], 1, "no mapping"),
        (["x", "y"], 1, "no mapping"),
        (["x: 1", "modell: gpt-5"], 3, "'model:' is meant; a parameter of that name stands under 'parameters:'"),
        (["Status: 429"], 2, "'status:' is meant"),
        (["stauts: 429"], 2, "'status:' is meant"),
        (["answered_by: m"], 2, "'answered by:' is meant"),
        (["Retry-After: 2"], 2, "'headers: {retry-after: 2}' is meant"),
        (["model: a", "model: b"], 1, "no YAML: a key stands twice"),
        (["a: &a [x, x]", "b: [*a, *a]"], 2, "no YAML"),
        (["a: 1", 'b: "'], 3, "no YAML"),
        (["a: [1", "b: 2"], 3, "no YAML"),
        (["a: " + "[" * 500], 2, "no YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(lines, at, reason):
    with pytest.raises(Wrong, match=reason) as caught:
        front(*lines)
    assert abs(caught.value.line - at) <= 1 if "YAML" in reason else caught.value.line == at


def test_python_is_read_where_rechat_wrote_it():
    found = front(
        "model: gpt-4o: the best",
        "tools: [{'type': 'function', 'strict': True, 'x': None, 'd': \"it's\"}]",
        "stop: None",
        "temperature: 0.5",
        "n: 1",
        "note: plain words",
        dumped=True,
    )
    assert found.model == "gpt-4o: the best"
    assert found.parameters == {
        "tools": [{"type": "function", "strict": True, "x": None, "d": "it's"}],
        "temperature": 0.5,
        "n": 1,
        "note": "plain words",
    }


def test_names_of_requests_mean_nothing_else_in_a_dump():
    assert front("usage: all", "model: m", dumped=True).parameters == {"usage": "all"}


@pytest.mark.parametrize("text", ["[", "(" * 9000, "[" * 1_000_001, "{1: 2}", "[1j]", "'x'", "{'a': {1, 2}}"])
def test_what_is_no_value_is_named(text):
    with pytest.raises(ValueError, match=r"value|quotes"):
        python_value(text)


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=30), max_size=5))
def test_any_lines_are_front_matter_or_wrong(lines):
    for dumped in (False, True):
        with suppress(Wrong):
            front(*lines, dumped=dumped)
