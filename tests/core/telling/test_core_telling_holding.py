"""Words pass, secrets do not, however the text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.telling.holding import Holding, for_screens

KEY = "sk-ant-api03-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
WORD = "aB3dE5fG7hJ9kL1mN2pQ4rS6"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{'Ab3+' * 16}\n" * 6 + "-----END RSA PRIVATE KEY-----"
SECRETS = [
    ("a key", f"take {KEY} and go", [KEY]),
    ("a key at the end", f"take {KEY}", [KEY]),
    ("behind a word on another line", f"Authorization: Bearer\n {WORD} then", [WORD]),
    ("a member", '{"api_key": "one two three", "b": 1}\n', ["one two three", "two"]),
    ("a private key", f"it is\n{PEM}\nafter it", ["Ab3+"]),
    ("a private key without an end", PEM.rpartition("-----END")[0], ["Ab3+"]),
    ("two private keys", f"{PEM}\n{PEM}\n", ["Ab3+"]),
    ("behind a zero", f"\0 take {KEY} and go", [KEY]),
    ("behind a form", f"a=b&c {KEY} d", [KEY]),
    ("behind other letters", f"鍵は{KEY}です", [KEY]),
]  # fmt: skip


def passed(pieces, rules=None):
    holding = Holding(Redactor(rules) if rules else Redactor())
    return [*[holding.add(piece) for piece in pieces], holding.end()]


@pytest.mark.parametrize(("text", "secrets"), [case[1:] for case in SECRETS], ids=[case[0] for case in SECRETS])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 19, 64, 1000])
def test_a_secret_does_not_pass_however_it_is_cut(text, secrets, size):
    shown = "".join(passed(text[at : at + size] for at in range(0, len(text), size)))
    assert "REDACTED" in shown
    assert not [secret for secret in secrets if secret in shown]
    assert not any(secret[:16] in shown for secret in secrets if len(secret) > 16)


@given(st.text(st.sampled_from("ab \n.,é語=:-"), max_size=200), st.integers(1, 20))
def test_a_text_without_secrets_passes_whole(text, size):
    assert "".join(passed(text[at : at + size] for at in range(0, len(text), size))) == text


@given(st.text(max_size=100))
def test_any_text_passes(text):
    shown = "".join(passed(text))
    assert len(shown) == len(text) or "REDACTED" in shown or any("\ud800" <= each <= "\udfff" for each in text)


def test_a_text_is_looked_through_as_what_stands_in_json():
    text = "password=correct horse & so on\n--x\ndata: 1"
    assert "".join(passed(text)) == "".join(passed([text])) == text


def test_words_pass_as_they_come():
    holding = Holding(Redactor())
    assert [holding.add(piece) for piece in ("One", " tw", "o thr", "ee\nfo")] == ["", "One ", "two ", "three\n"]
    assert holding.end() == "fo"


def test_words_without_spaces_pass_too():
    holding = Holding(Redactor())
    assert holding.add("語") == "語"
    assert holding.add("語a") == "語"
    assert holding.end() == "a"


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ("acme [0-9]{6}", ["one two\n", "three four"]),
        (r"acme\s[0-9]{6}", ["", "one two\nthree four"]),
        ("a[^b]c", ["", "one two\nthree four"]),
        ("(?s)a.b", ["", "one two\nthree four"]),
    ],
)
def test_under_patterns_of_ones_own_lines_pass_or_all_at_once(pattern, passes):
    assert passed(["one two\nthree four"], Rules((Rule("own", pattern=pattern),))) == passes


@pytest.mark.parametrize("size", [1, 5, 100])
def test_what_patterns_of_ones_own_find_does_not_pass(size):
    rules = Rules((Rule("own", pattern="acme [0-9]{6}"), Rule("two", pattern=r"over\nlines")))
    text = "an acme 123456 here\nand over\nlines"
    shown = "".join(passed((text[at : at + size] for at in range(0, len(text), size)), rules))
    assert shown == "an REDACTED here\nand REDACTED"


def test_on_a_screen_keys_are_secret_also_where_they_may_be_recorded():
    recorded = Redactor(Rules(by_shape=False))
    assert Holding(recorded).add(f"{KEY}\n") == f"{KEY}\n"
    assert Holding(for_screens(recorded)).add(f"{KEY}\n") == "REDACTED\n"


def test_what_is_held_long_is_not_looked_at_each_time(monkeypatch):
    looked = []
    holding = Holding(Redactor())
    original = holding._cut
    monkeypatch.setattr(holding, "_cut", lambda held: looked.append(len(held)) or original(held))
    for _ in range(20_000):
        holding.add("x")
    assert sum(looked) < 20 * 20_000
    assert holding.end() == "x" * 20_000
