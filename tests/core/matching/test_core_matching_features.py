"""Features: the same wherever they are made, few, and shared by requests that are alike."""

import subprocess
import sys
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from near_bases import BASES, CHAT, MESSAGES, SEARCH, WEATHER, chat
from near_mix import Words, dialect_of, request

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.matching import features as module
from proxy_daemon.core.matching.features import MOST_FEATURES, features, split, text_features
from proxy_daemon.core.matching.hashing import digest, number
from proxy_daemon.core.messages import Request

LONG = Words(1).text(Random(1), 1300)
PINNED = (
    -5103066002435969756,
    -7629600060226010437,
    -554141578144538175,
    7550780416346434811,
    -4125680799775656391,
    -6676116149684701975,
    -301620351852276054,
    4378986720099985108,
)
DIGEST = "0e52b5f187de1088"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


def made(path, body):
    """The features of a request."""
    asked = request(path, body)
    return features(asked, dialect_of(asked))


def share(one, other):
    """What part of the features of the first the second has."""
    return len(set(one) & set(other)) / len(one)


# --- the same everywhere ---------------------------------------------------------------------------------------------


def test_pinned():
    """Indexes of people depend on these: what changes them must change `VERSION`."""
    assert module.VERSION == 1
    assert made(CHAT, {"model": "m", "messages": [{"role": "user", "content": "Good day"}]}) == PINNED
    assert digest(b"a", b"b") == digest(b"ab") == bytes.fromhex(DIGEST)
    assert number(b"\xff" * 8) == -1


def test_the_same_in_another_process_with_other_hashes():
    script = (
        "from near_mix import mix, dialect_of\nfrom proxy_daemon.core.matching.features import features\n"
        "print([features(each, dialect_of(each)) for each in mix(12)])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_remembered_texts_have_the_same_features():
    module._kept.clear()
    first = text_features(LONG)
    assert text_features(LONG) == first
    module._kept.clear()
    assert text_features(LONG) == first


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    module._kept.clear()
    for count in range(10):
        text_features(f"text {count % 5}")
    assert len(module._kept) == 3


def test_texts_that_are_used_stay_remembered(monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 2)
    module._kept.clear()
    for text in ("one", "two", "one", "three"):
        text_features(text)
    assert list(module._kept) == [digest(b"one"), digest(b"three")]


# --- few, and whole numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_few_and_distinct(base):
    found = made(base.path, base.around(base.text))
    assert 5 < len(found) <= MOST_FEATURES
    assert len(set(found)) == len(found)
    assert all(-(2**63) <= each < 2**63 for each in found)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": f"{n} {LONG[n:]}"} for n in range(500)]},
        {"messages": [{"role": "user", "content": "a b " * 300_000}]},
        {"messages": [{"role": "user", "content": "a\n" * 300_000}]},
        {"messages": [[]] * 50_000},
        {"tools": [{"name": str(n)} for n in range(5000)]},
        {str(n): n for n in range(50_000)},
        {"messages": "x" * 1_000_000},
        {"a": {"a": {"a": {"a": {"tools": [1], "messages": [2]}}}}},
    ],
    ids=["messages", "words", "lines", "lists", "tools", "parameters", "one word", "deep"],
)
def test_of_hostile_requests_too(body):
    assert 1 < len(made(CHAT, body)) <= MOST_FEATURES


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"null", b"{", b'{"a":1,"a":2}', b"[" * 100_000])
def test_what_is_no_object_has_path_and_content(body):
    asked = Request(b"POST", b"/v1/x", body=Bytes(body))
    found = features(asked, GENERIC)
    assert 2 <= len(found) <= 4
    other = Request(b"POST", b"/v1/x", body=Bytes(body + b" x"))
    assert found != features(other, GENERIC)


def test_deeper_than_json_is_written():
    asked = Request(b"POST", b"/", body=Bytes(b'{"messages":' + b"[" * 500 + b"]" * 500 + b"}"))
    assert len(features(asked, GENERIC)) >= 2


@given(values, st.sampled_from([*BUILT_IN, GENERIC]))
def test_any_value(value, dialect):
    try:
        body = orjson.dumps({"messages": value, "tools": value, "system": value, "x": value})
    except (TypeError, orjson.JSONEncodeError):
        return
    found = features(Request(b"POST", b"/v1/chat/completions", body=Bytes(body)), dialect)
    assert len(set(found)) == len(found) <= MOST_FEATURES


# --- shared by what is alike -----------------------------------------------------------------------------------------


def test_a_typo_in_a_long_text_changes_few():
    typo = LONG[:4000] + "x" + LONG[4000:]
    assert share(text_features(LONG), text_features(typo)) >= 0.9
    assert share(made(CHAT, chat(LONG)), made(CHAT, chat(typo))) >= 0.8


def test_an_edited_line_shares_some():
    one = made(CHAT, chat("What is the capital of France?"))
    assert 0.5 < share(one, made(CHAT, chat("What is the capitol of France?"))) < 1
    assert share(one, made(CHAT, chat("List all primes below fifty"))) < 0.4


def test_a_longer_conversation_keeps_those_of_the_shorter():
    turns = [{"role": "user", "content": f"turn {n}: {LONG[n * 50 : n * 50 + 200]}"} for n in range(9)]
    one, other = made(CHAT, {"messages": turns[:8]}), made(CHAT, {"messages": turns})
    assert share(one, other) >= 0.2
    assert share(one, made(CHAT, chat("Other"))) < 0.1


def test_ids_and_cache_marks_do_not_count():
    def asked(call, mark):
        block = {"type": "tool_use", "id": call, "name": "f", "input": {"x": 1}}
        return {"messages": [{"role": "assistant", "content": [{**block, **mark}]}], "max_tokens": 1}

    one = made(MESSAGES, asked("toolu_1", {}))
    assert one == made(MESSAGES, asked("toolu_2", {"cache_control": {"type": "ephemeral"}}))
    assert one != made(MESSAGES, {**asked("toolu_1", {}), "max_tokens": 2})


def test_volatile_members_do_not_count():
    assert made(CHAT, chat("x", user="a")) == made(CHAT, chat("x", user="b"))


def test_a_tool_is_shared_by_name_and_by_definition():
    one = made(CHAT, chat("x", tools=[WEATHER, SEARCH]))
    described = made(CHAT, chat("x", tools=[{**WEATHER, "description": "Other"}, SEARCH]))
    renamed = made(CHAT, chat("x", tools=[{**WEATHER, "name": "other"}, SEARCH]))
    assert len(set(one) - set(described)) == 1
    assert len(set(one) - set(renamed)) == 2


def test_media_are_shared_whatever_is_said_about_them():
    def asked(text):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 100}}
        return chat([{"type": "text", "text": text}, image])

    assert len(set(made(CHAT, asked("What is this?"))) & set(made(CHAT, asked("Who drew it?")))) >= 3


def test_the_last_message_comes_first_as_it_tells_most():
    found = made(CHAT, {"messages": [{"role": "user", "content": text} for text in ("one", "two")]})
    assert found[0] == made(CHAT, chat("two"))[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("The CAT, sat!", ["the", "cat", "sat"]),
        ("naïve Straße", ["naïve", "straße"]),
        ("東京へ go", ["東", "京", "へ", "go"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("a_b-c 3.5", ["a_b", "c", "3", "5"]),
        ("\ud800 x", ["x"]),
    ],
)
def test_words(text, words):
    assert [word.decode() for word in split(text)] == words
