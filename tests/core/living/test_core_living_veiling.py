"""What is shown of an answer that grows: never a letter of a secret, in whatever pieces it comes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import SECRET

from proxy_daemon.core.conversation import Answer, Choice, Media, Other, Reasoning, Text, ToolCall, Usage, Vector
from proxy_daemon.core.inspecting.chat import answer_told
from proxy_daemon.core.living.veiling import LONGEST, MOST_NUMBERS, settled, veiled
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import Rule, Rules

KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(["MIIEpAIBAAKCAQEA7bq1u3kz5Yg0vXo9Jm4nTfWcRs2Pd8Lh6Qe1Ui3Oa5Sy7DxG"] * 3)
    + "\n-----END RSA PRIVATE KEY-----"
)
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
# (the whole text, what of it is secret)
SECRETS = [
    (f"Your key is {SECRET} and no other.", SECRET[12:]),
    (f'{{"key":"{SECRET}","n":1}}', SECRET[12:]),
    (f"use api_key: {'q7Zk2Lm9' * 4} there", "q7Zk2Lm9"),
    (f"Authorization: Bearer {'q7Zk2Lm9' * 4}\nnext", "q7Zk2Lm9"),
    (f"token\n{JWT}\nend", "dozjgNryP4"),
    (f"keep\n{KEY}\nsecret", "MIIEp"),
    ('{"client_secret": "several words of it", "a": 1}', "several"),
]


def text_of(text, *, whole=False, kind=Text, rules=None):
    """What is shown of this text."""
    part = ToolCall("1", "f", text) if kind is ToolCall else kind(text)
    state = veiled(Answer((Choice((part,)),)), Redactor(rules or Rules()), whole=whole)
    return state["choices"][0]["parts"][0]["arguments" if kind is ToolCall else "text"]


@pytest.mark.parametrize("kind", [Text, Reasoning, ToolCall])
@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_no_letter_of_a_secret_comes_through_at_any_moment(text, secret, kind):
    for end in range(len(text) + 1):
        shown = text_of(text[:end], kind=kind)
        assert not any(secret[:size] in shown for size in range(4, len(secret) + 1)), (end, shown)
    whole = text_of(text, whole=True, kind=kind)
    assert secret not in whole
    assert "REDACTED" in whole


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_was_shown_stays(text, secret):
    """Nothing is taken back: the page only appends, but for what a placeholder swallows."""
    shown = [text_of(text[:end]) for end in range(len(text) + 1)]
    assert all(secret not in each for each in shown)
    assert text_of(text, whole=True).startswith(text[:3])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Hello", ""),
        ("Hello ", "Hello "),
        ("Hello, wor", "Hello, "),
        ("Hello, world!", "Hello, world!"),
        ("你好世界", "你好世界"),
        ("x\n-----BEGIN", "x\n"),
        ("x\n-----BEGIN RSA PRIVATE KEY-----\nMII EpA ", "x\n"),
        ("-----BEGIN " + "no key " * 50, "-----BEGIN " + "no key " * 50),
    ],
)
def test_what_may_begin_a_secret_is_held_back(text, shown):
    assert settled(text) == shown


def test_the_whole_is_shown_at_the_end():
    assert text_of("Hello", whole=True) == "Hello"


def test_what_a_persons_own_pattern_may_say_is_held_back_longer():
    rules = Rules((Rule("card", pattern=r"\d{4} \d{4} \d{4}"),))
    text = "x" + " word" * 60 + " 1234 5678 9012 "
    for end in range(len(text) + 1):
        assert "1234" not in text_of(text[:end], rules=rules)
    assert text_of(text + "word " * 60, rules=rules).startswith("x word")
    assert "REDACTED" in text_of(text, rules=rules, whole=True)
    assert text_of("x word ", rules=Rules((Rule("other", header=("x-tenant",)),))) == "x word "


def test_the_other_members_are_looked_through_too():
    key = f"a {SECRET} b"
    parts = (Media("image", key, key, 3), ToolCall(key, key, "{}"), Other(key), Vector((1.0, 2.0)), Reasoning("", key))
    choice = Choice(parts, said=key, stopped_by=key)
    answer = Answer((choice,), id=key, model=key, error=key, usage=Usage(input=1))
    for whole in (True, False):
        state = veiled(answer, Redactor(), whole=whole)
        assert SECRET not in json.dumps(state)
    assert state["usage"]["input"] == 1
    assert state["choices"][0]["parts"][3] == {"type": "Vector", "values": [1.0, 2.0]}
    assert state.keys() == {"choices", "id", "model", "created", "usage", "error", "complete"}
    assert state["choices"][0].keys() == {"parts", "finish", "said", "stopped_by"}


def test_a_long_vector_is_cut():
    [part] = veiled(Answer((Choice((Vector((0.5,) * (MOST_NUMBERS + 1)),)),)), Redactor(), whole=True)["choices"][0][
        "parts"
    ]
    assert (len(part["values"]), part["cut"]) == (MOST_NUMBERS, MOST_NUMBERS + 1)


def test_the_end_shows_what_the_page_shows_of_a_recording():
    answer = Answer((Choice((Text("Hi"), ToolCall("1", "f", "{}")), said="stop"),), usage=Usage(1, 2, 3), model="m")
    assert veiled(answer, Redactor(), whole=True) == answer_told(answer)


def test_a_lone_surrogate_can_be_sent():
    text_of("a\ud800b ", whole=True).encode()


def test_a_zero_hides_no_secret():
    assert SECRET not in text_of(f"\0 {SECRET} ", whole=True)


def test_a_long_text_is_cut_and_says_how_long_it_is():
    text = "word " * (LONGEST // 4)
    state = veiled(Answer((Choice((Text(text),)),)), Redactor(), whole=False)
    part = state["choices"][0]["parts"][0]
    assert (part["text"], part["cut"]) == (text[:LONGEST], LONGEST)
    more = veiled(Answer((Choice((Text(text + "word "),)),)), Redactor(), whole=False)
    assert more == state  # it changes in steps
    assert "cut" not in veiled(Answer((Choice((Text("a "),)),)), Redactor(), whole=False)["choices"][0]["parts"][0]


@pytest.mark.parametrize("unit", ["a", "a-", "-----BEGIN ", ' "', "eyJ", "sk-"])
def test_hostile_texts(unit):
    """A quadratic look at one of these would not end within the time that a test has."""
    text = unit * (2_000_000 // len(unit))
    assert text.startswith(text_of(text))


@settings(max_examples=60)
@given(before=st.text(max_size=20), after=st.text(max_size=20), end=st.integers(0, 200))
def test_a_key_within_any_text(before, after, end):
    text = f"{before} {SECRET} {after}"
    assert SECRET[12:20] not in text_of(text[:end])


@pytest.mark.parametrize("whole", [False, True])
def test_a_secret_across_the_end_of_what_is_shown_does_not_come_through(whole):
    """Wherever it begins; what stands behind is not looked through."""
    for at in range(LONGEST - len(SECRET) - 2, LONGEST + 2, 7):
        shown = text_of("x " * (at // 2) + SECRET + " y" * LONGEST, whole=whole)
        assert SECRET[:8] not in shown
        assert len(shown) <= LONGEST


def test_what_is_not_shown_is_not_looked_through():
    """A model that says nothing but keys would hold everybody up."""
    looked = []

    class Counting(Redactor):
        def body(self, content_type, data):
            looked.append(len(data))
            return super().body(content_type, data)

    veiled(Answer((Choice((Text("x " * 2_000_000),)),)), Counting(), whole=False)
    assert max(looked) < 2 * LONGEST
