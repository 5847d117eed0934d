"""An item that differs from the one before in its text alone says what reading it would say; all others are read."""

import orjson
import pytest
from edited import THINK, asked, editor, run
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting import stream
from proxy_daemon.core.rewriting.channels.spot import Spot
from proxy_daemon.core.rewriting.looking import parsed
from proxy_daemon.core.rewriting.mould import _TRIES, Mould, recast
from proxy_daemon.core.rewriting.said import Said

PATH = ("choices", 0, "delta", "content")
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


def spot(text, **more):
    return Spot((0, "content"), PATH, "content", text, thought=(*PATH[:-1], "reasoning_content"), **more)


def data_of(text, **more):
    return orjson.dumps({"id": 1, "choices": [{"index": 0, "delta": {"content": text, **more}}]})


def event_of(text, **more):
    return b"data: " + data_of(text, **more) + b"\n\n"


def learned(text="one", **more):
    mould = Mould()
    mould.learn(event_of(text), data_of(text), spot(text, **more))
    return mould


@given(TEXTS, TEXTS)
def test_the_text_of_the_next_is_found(first, second):
    found, place = learned(first).fits(event_of(second))
    assert found == spot(second)
    assert orjson.loads(event_of(second)[slice(*place)]) == second


@pytest.mark.parametrize(
    "raw",
    [
        event_of(""),
        event_of(None),
        event_of("x", role="assistant"),
        event_of("x").replace(b'"id":1', b'"id":2'),
        event_of("x").replace(b"\n\n", b"\r\n\r\n"),
        event_of("x").replace(b'"x"', b'"x","content":"y"'),
        event_of("x").replace(b'"x"', b'"x'),
        event_of("x").replace(b'"x"', b'"x\ny"'),
        event_of("x").replace(b'"x"', b'"\\q"'),
        event_of("x").replace(b'"x"', b'"\xff"'),
        event_of("x").replace(b'"x"', b'""x"'),
        b"data: [DONE]\n\n",
        b"",
    ],
)
def test_others_are_read(raw):
    assert learned().fits(raw) is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"x":{"content":"one"},"choices":[{"delta":{"content":"one"}}]}',
        b'{"choices":[{"delta":{"content":"one","content":"one"}}]}',
        b'{"choices":[{"delta":{"content" :"one"}}]}',
        b'{"choices":[{"delta":{"content":"two"}}]}',
        b"[]",
        b"no JSON",
    ],
)
def test_what_is_not_proved_is_not_learned(data):
    mould = Mould()
    mould.learn(data, data, spot("one"))
    assert mould.fits(data) is None


@pytest.mark.parametrize("more", [{"so_far": True}, {"raw": True}])
def test_texts_of_other_kinds_are_not_learned(more):
    assert learned(**more).fits(event_of("two")) is None


def test_after_some_tries_without_use_no_more_is_learned():
    mould = learned()
    for at in range(_TRIES):
        mould.learn(event_of("x", at=at), data_of("x", at=at), spot("x"))
    assert mould.fits(event_of("y", at=_TRIES - 1)) is None
    assert mould.fits(event_of("y", at=_TRIES - 2)) is not None  # which gives it new tries
    mould.learn(event_of("x", at=100), data_of("x", at=100), spot("x"))
    assert mould.fits(event_of("y", at=100)) is not None


@given(TEXTS, TEXTS, st.booleans())
def test_another_text_is_written_in_its_place(old, new, moved):
    raw, mould = event_of(old), learned()
    found, place = mould.fits(raw)
    item = orjson.loads(recast(raw, place, found, [Said(new, moved)])[6:])
    delta = item["choices"][0]["delta"]
    assert delta == ({"content": None, "reasoning_content": new} if moved else {"content": new})


@pytest.mark.parametrize("said", [[Said("a"), Said("b", moved=True)]])
def test_what_takes_two_events_is_left_to_others(said):
    found, place = learned().fits(event_of("two"))
    assert recast(event_of("two"), place, found, said) is None


def test_a_stream_of_events_alike_is_read_once(monkeypatch):
    seen = []
    monkeypatch.setattr(stream, "parsed", lambda data: seen.append(data) or parsed(data))
    octets = b"".join(event_of(text) for text in ("a <", "b <", "c <", "d <"))
    assert run(editor(THINK, asked("chat")), octets, [len(octets) // 2]) == octets
    assert len(seen) == 1
