"""10,000 edits of bodies and events that real clients and APIs wrote: octets around the span stay, the rest is meant.

Python's own parser judges, with numbers by their text. Needs the corpus, see tests/corpus.py.
"""

import json
import os
import random
import re
from collections import Counter

import corpus
import pytest

from proxy_daemon.core import splice
from proxy_daemon.core.splice import Add, NotJSON, Remove, Replace

EDITS = 10_000
LARGEST = 200_000  # octets of a text; there are few larger ones
NEW = ["x", "", 'q"\\\n', "\u00e9\U0001f600", 0, -1.5e300, True, None, [], {}, {"a": [1, {"b": "c"}]}]


class Number(str):
    """A number by its text."""

    __slots__ = ()


EXACT = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)


def parsed(text):
    """The value that ``text`` says; None where it says none, or none of a kind that can be edited within."""
    try:
        value = EXACT.decode(text.decode().removeprefix("\ufeff"))
    except ValueError:
        return None
    return value if isinstance(value, dict | list) and value else None


def data_of(event):
    lines = [line.partition(b":") for line in re.split(rb"\r\n|\r|\n", event)]
    return b"\n".join(value.removeprefix(b" ") for name, _, value in lines if name == b"data")


def events_of(body):
    """Each with its blank line; those without data are left out."""
    return [event for event in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", body) if data_of(event)]


@pytest.fixture(scope="module")
def texts():
    """(text, its value, the event that holds it, or None) of all that is JSON, no text twice."""
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    bodies = {body for one in corpus.interactions() for body in (one.request.body.data, one.response.body.data)}
    pairs = dict.fromkeys(bodies)
    pairs |= {data_of(event): event for body in bodies if b"data:" in body for event in events_of(body)}
    found = [(text, parsed(text), event) for text, event in sorted(pairs.items()) if len(text) < LARGEST]
    return [one for one in found if one[1] is not None]


def some_path(value, chance):
    """One of its paths, not the empty one."""
    path = []
    while isinstance(value, dict | list) and value and (not path or chance.random() < 0.85):
        step = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        path.append(step)
        value = value[step]
    return tuple(path)


def at(value, path):
    for step in path:
        value = value[step]
    return value


def as_edited(value, edit):
    """What the value must be: made anew along the path only."""
    *way, last = edit.path
    root = inner = value.copy()
    for step in way:
        inner[step] = inner[step].copy()
        inner = inner[step]
    if isinstance(edit, Remove):
        del inner[last]
    elif isinstance(edit, Add) and isinstance(inner, list):
        inner.insert(last, EXACT.decode(edit.value.decode()))
    else:
        inner[last] = EXACT.decode(edit.value.decode())
    return root


def some_edit(value, chance):
    path, new = some_path(value, chance), chance.choice(NEW)
    kind = chance.choice([Replace, Replace, Remove, Add])
    if kind is Add and isinstance(path[-1], str):
        path = (*path[:-1], chance.choice([path[-1], "llmproxy\u00e9"]))
    return Remove(path) if kind is Remove else kind(path, new)


def test_ten_thousand_edits_change_what_is_meant_and_nothing_else(texts):
    assert len(texts) > 5000
    chance, kinds = random.Random(7), Counter()  # the same edits each time
    pools = [[one for one in texts if one[2]], [one for one in texts if not one[2]]]  # events, and whole bodies
    for number in range(EDITS):
        text, value, event = chance.choice(pools[number % 2])
        edit = some_edit(value, chance)
        result = splice.edited(text, [edit])
        assert parsed(result) == (as_edited(value, edit) or None)
        check_octets(text, edit, result)
        if event:
            check_event(event, text, edit, result)
        kinds[type(edit).__name__, "event" if event else "body"] += 1
    assert len(kinds) == 6
    print(f"edits of {len(texts)} texts: {dict(kinds)}")


def check_octets(text, edit, result):
    """What stands before and behind the edit stands there still."""
    span = splice.find(text, edit.path)
    if isinstance(edit, Replace) or (isinstance(edit, Add) and span and isinstance(edit.path[-1], str)):
        assert EXACT.decode(span.of(text).decode()) == at(EXACT.decode(text.decode()), edit.path)
        assert result == text[: span.start] + edit.value + text[span.end :]
        return
    home = splice.find(text, edit.path[:-1])
    assert result[: home.start] == text[: home.start]
    assert result[len(result) - (len(text) - home.end) :] == text[home.end :]
    if isinstance(edit, Add):
        put = splice.find(result, edit.path)
        assert put.of(result) == edit.value
        assert is_shorter_by_one_piece(result, text)
        return
    assert is_shorter_by_one_piece(text, result)


def is_shorter_by_one_piece(text, result):
    """Whether ``result`` is ``text`` without one run of octets."""
    same = next((at for at, pair in enumerate(zip(text, result, strict=False)) if pair[0] != pair[1]), len(result))
    return text.endswith(result[same:])


def check_event(event, text, edit, result):
    edited = splice.edited_event(event, [edit])
    assert data_of(edited) == result
    if b"\n" not in text:
        begin = event.index(text)
        assert edited == event[:begin] + result + event[begin + len(text) :]


def test_every_text_is_read_or_refused_as_pythons_parser_does(texts):
    cut = Counter()
    for text, _, _ in texts[::5]:
        assert splice.find(text, ()).of(text) == text.strip(b" \t\r\n")
        for bad in (text.rstrip()[:-1], text + b"]", text.replace(b'":', b'";', 1)):
            if bad != text:
                with pytest.raises(NotJSON):
                    splice.find(bad, ("model",))
                cut[True] += 1
    assert cut[True] > 1000


def test_the_model_of_every_request_can_be_replaced(texts):
    named = [(text, value) for text, value, event in texts if isinstance(value, dict) and "model" in value]
    assert len(named) > 1000
    for text, value in named:
        assert parsed(splice.replace(text, ("model",), "llmproxy/else")) == value | {"model": "llmproxy/else"}
        assert splice.find(text, ("llmproxy",)) is None
