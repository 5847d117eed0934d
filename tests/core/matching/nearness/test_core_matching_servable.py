"""What `--fuzzy serve` may serve: natural text with small edits, and nothing else."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from near_bases import BASES, CHAT, SEARCH, WEATHER, agent, chat
from near_mix import dialect_of, request

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.nearness.dates import without_stamps
from proxy_daemon.core.matching.nearness.servable import LARGEST, servable
from proxy_daemon.core.matching.nearness.small_edits import MOST_TYPOS, SmallEdits
from proxy_daemon.core.messages import Request

TEXTS = [
    # blanks
    ("Tell me  a joke", "Tell me a joke", ""),
    (" Tell me\na joke\n", "Tell me a joke", ""),
    ("Tell me a joke\r\n", "Tell me a joke", ""),
    ("in active service", "inactive service", "words were added or left out"),
    ("- one\n- two", "- one - two", "its lines differ"),
    ("if x:\n  y\nz", "if x:\ny\nz", "its lines differ"),
    ("a,\nb,\nc", "a, b,\nc", "its lines differ"),
    ("Run `ls  -l`", "Run `ls -l`", "code or a quotation differs"),
    ("```\nx = 1\n```", "```\nx  = 1\n```", "code or a quotation differs"),
    ("请 解释 光合作用", "请解释光合作用", ""),
    ("使用 Python 编程", "使用Python编程", ""),
    ("请解释光合作用", "请解释化合作用", "a word differs"),
    ("서울의 날씨를 알려줘", "서울의 날씨를 알려조", "a word differs"),
    # the last full stop
    ("Tell me a joke.", "Tell me a joke", ""),
    ("You did it.", "You did it?", "punctuation differs"),
    ("Wait...", "Wait..", "punctuation differs"),
    ("Well. Go on", "Well Go on", "punctuation differs"),
    ("eats, shoots and leaves", "eats shoots and leaves", "punctuation differs"),
    # typos
    ("explain the diagram", "explian the diagram", ""),
    ("explain the diagram", "explain the diagramm", ""),
    ("Explain the diagram", "Explian the diagram", ""),
    ("Stop. Explain it", "Stop. Explian it", ""),
    ("explain it", "xeplain it", "a word differs"),
    ("tell me of cats", "tell me of bats", "a word differs"),
    ("tell me of cars", "tell me of cats", "a word differs"),
    ("ask Johnson now", "ask Johnston now", "a name may differ"),
    ("the employer pays", "the employee pays", "a word differs"),
    ("list the files", "list the filess", "a word differs"),
    ("list the record", "list the records", "a word differs"),
    ("the women waits", "the woman waits", "a word differs"),
    ("the analyses say", "the analysis say", "a word differs"),
    ("take these apples", "take those apples", "a word differs"),
    ("they prescribe it", "they proscribe it", "a word differs"),
    ("eat three now", "eat there now", "a number differs"),
    ("see chapter xviii of it", "see chapter xxiii of it", "a number differs"),
    ("tiene sesenta gatos", "tiene setenta gatos", "a number differs"),
    ("el cuatro de mayo", "el cuarto de mayo", "a number differs"),
    ("a macroeconomics text", "a microeconomics text", "a word differs"),
    ("mix the nitrate in", "mix the nitrite in", "a word differs"),
    ("rename color to colour there", "rename colour to colour there", "a word differs"),
    ("one\t\tthree", "one\tthree", "its lines differ"),
    ("the fourth one", "the forth one", "a number differs"),
    ("say hello there", "say HELLO there", "capital letters differ"),
    ("read file_names now", "read file_nmaes now", "a word differs"),
    ("see /home/user/notes", "see /home/user/noets", "a word differs"),
    ('say "hello there" now', 'say "helo there" now', "code or a quotation differs"),
    ("Proofread: the brown foxes", "Proofread: the brwon foxes", "a typo in a text that is about letters"),
    ("How many letters has banana", "How many letters has bannana", "a typo in a text that is about letters"),
    ("почему небо голубое", "почему небо голубоее", ""),
    # negations and their like
    ("do it with salt", "do it without salt", "a negation differs"),
    ("do it without salt", "do it withot salt", "a negation differs"),
    ("you must do it", "you must not do it", "a negation differs"),
    ("you can do it", "you can't do it", "a negation differs"),
    ("you can\u2019t do it", "you can do it", "a negation differs"),
    ("it isn't so", "it is so", "a negation differs"),
    ("never say it", "ever say it", "a negation differs"),
    ("eine Katze", "keine Katze", "a negation differs"),
    ("it is legal now", "it is illegal now", "a word differs"),
    ("a useful thing", "a useless thing", "a word differs"),
    # digits
    ("take 5 of them", "take 6 of them", "a number differs"),
    ("take 5 of them", "take of them", "a number differs"),
    ("take \u0665 of them", "take \u0666 of them", "a number differs"),
    ("version 1.5", "version 15", "a number differs"),
    ("in 2024-01-02 it", "in 2024-01-03 it", "a number differs"),
    ("the year 2024 was", "the year 2025 was", "a number differs"),
    # words
    ("tell me a good joke", "tell me a joke", "words were added or left out"),
    ("dogs chase cats", "cats chase dogs", "a word differs"),
    ("a\u200bb words", "ab words", "a word differs"),
    ("a \u202eb", "a b", "a word differs"),
    ("", "x", "words were added or left out"),
    ("— x", "* x", "punctuation differs"),
]
STAMPS = [
    ("Today is 2025-01-31.", "Today is #."),
    ("Today is Friday, January 31, 2025 and", "Today is # and"),
    ("today's date: 31 January 2025", "today's date: #"),
    ("Today\u2019s date is 31/01/2025", "Today\u2019s date is #"),
    ("Current date and time: 2025-01-31T10:15:00Z", "Current date and time: #"),
    ("current time is 10:15 pm", "current time is #"),
    ('{"current_date": "2025-01-31"}', '{"current_date": "#"}'),
    ("<current_date>2025-01-31</current_date>", "<current_date>#</current_date>"),
    ("Heute ist Freitag, der 31. Januar 2025", "Heute ist #"),
    ("今天是2025年1月31日\uff0c", "今天是#\uff0c"),
    ("Today is Friday", "Today is #"),
    ("today 10:15", None),
    ("Meet me today at 2025-01-31", None),
    ("born on 2025-01-31", None),
    ("as of 2025-01-31", None),
    ("Date: 2025-01-31", None),
    ("today is 2025-01-311", None),
    ("today is 2025-01-31.5", None),
    ("yesterday is 2025-01-31", None),
]
SYSTEM_STAMPS = [
    ("as of 2025-01-31 it", "as of # it"),
    ("Date: 2025-01-31", "Date: #"),
    ("it is now 10:15", "it is now #"),
]
BODIES = [
    ({"temperature": 0.5}, "temperature: only one of them has it"),
    ({"model": "other"}, "the model differs"),
    ({"stream": True}, "only one of them asks for a stream"),
    ({"user": "me", "metadata": {"a": "1"}}, ""),
    ({"tools": []}, ""),
    ({"stop": None}, ""),
    ({"n": 1}, "n: only one of them has it"),
    ({"messages": []}, "messages: 2 recorded / 0 incoming"),
]


def reason(old, new, path=CHAT):
    """Why the one may not stand for the other, of bodies."""
    incoming = request(path, new)
    return servable(request(path, old), incoming, dialect_of(incoming))


# --- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new", "why"), TEXTS)
def test_texts_in_both_directions(old, new, why):
    assert SmallEdits().refused(old, new, system=False) == why
    assert bool(SmallEdits().refused(new, old, system=False)) is bool(why)
    assert reason(chat(old), chat(new)) == (f"messages[0].content: {why}" if why else "")


@pytest.mark.parametrize(("text", "without"), STAMPS)
def test_stamps(text, without):
    assert without_stamps(text, system=False).replace("\ue000", "#") == (text if without is None else without)


@pytest.mark.parametrize(("text", "without"), SYSTEM_STAMPS)
def test_stamps_of_instructions(text, without):
    assert without_stamps(text, system=True).replace("\ue000", "#") == without
    assert without_stamps(text, system=False) == text


def test_nobody_writes_a_stamp_by_its_mark():
    assert SmallEdits().refused("Today is 2025-01-31", "Today is \ue000", system=True) != ""


def test_a_date_behind_as_of_is_what_a_question_is_about():
    old, new = "Sales as of 2025-01-31?", "Sales as of 2025-02-28?"
    assert reason(chat(old), chat(new)) == "messages[0].content: a number differs"
    assert reason(chat("x", old), chat("x", new)) == ""
    assert reason({"system": old, "messages": []}, {"system": new, "messages": []}, b"/v1/messages") == ""


def test_typos_are_counted_over_all_texts():
    old = {"model": "m", "messages": [{"role": "user", "content": "describe it"}] * (MOST_TYPOS + 1)}
    new = {"model": "m", "messages": [{"role": "user", "content": "descrribe it"}] * (MOST_TYPOS + 1)}
    assert reason(old, new) == f"messages[{MOST_TYPOS}].content: more than {MOST_TYPOS} typos"
    assert reason({**old, "messages": old["messages"][1:]}, {**new, "messages": new["messages"][1:]}) == ""


# --- all else --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("more", "why"), BODIES)
def test_members(more, why):
    assert reason(chat("x", "y"), {**chat("x", "y"), **more}) == why


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            lambda m: m[2]["tool_calls"][0]["function"].update(arguments='{"pattern": "retry"}'),
            "messages[2].tool_calls[0]",
        ),
        (lambda m: m[2]["tool_calls"][0].update(id="call_2"), "messages[2].tool_calls[0].id"),
        (lambda m: m[3].update(content="src/net/client.py:41:  def retry(call, times=3):"), "messages[3].content"),
        (lambda m: m[1].update(role="system"), "messages[1].role"),
        (lambda m: m[1].update(name="anna"), "messages[1].name"),
        (lambda m: m[1].update(content=[{"type": "text", "text": m[1]["content"]}]), "messages[1].content"),
    ],
    ids=["arguments", "id", "result", "role", "name", "block"],
)
def test_calls_results_and_roles(change, path):
    new = orjson.loads(orjson.dumps(agent("Where is it?")))
    change(new["messages"])
    assert reason(agent("Where is it?"), new).startswith(path)


@pytest.mark.parametrize("kind", ["thinking", "tool_result", "image", "document", "made up"])
def test_blocks_that_are_data(kind):
    old, new = ({"messages": [{"content": [{"type": kind, "text": text}]}]} for text in ("explain", "explian"))
    assert "not what a person wrote" in reason(old, new)


@pytest.mark.parametrize(
    "tools", [[WEATHER], [SEARCH, WEATHER], [{**WEATHER, "description": "Current wether of a city"}, SEARCH]]
)
def test_tools(tools):
    assert reason(chat("x", tools=[WEATHER, SEARCH]), chat("x", tools=tools)).startswith("tools")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"x":1}', b'{"x":1.0}'),
        (b'{"x":1}', b'{"x":true}'),
        (b'{"x":1}', b'{"x":"1"}'),
        (b'{"x":123456789012345678901}', b'{"x":123456789012345678902}'),
        (b'{"x":1,"x":1}', b'{"x":1}'),
        (b'{"x":NaN}', b'{"x": NaN}'),
        (b"[1]", b"[2]"),
        (b"abc", b"abd"),
        (b"\xff", b"\xfe"),
        (b"[" * 5000, b"[" * 5001),
        (b'{"a":' * 900 + b"1" + b"}" * 900, b'{"a":' * 900 + b"2" + b"}" * 900),
        (b'"' + b"x" * LARGEST + b'"', b"1"),
    ],
)
def test_octets(old, new):
    for dialect in (GENERIC, BUILT_IN[-1]):
        assert servable(Request(b"POST", b"/", body=Bytes(old)), Request(b"POST", b"/", body=Bytes(new)), dialect) != ""


def test_the_order_of_keys_does_not_count():
    old, new = (Request(b"POST", b"/", body=Bytes(body)) for body in (b'{"a":1,"b":[2]}', b'{ "b":[2], "a":1}'))
    assert servable(old, new, GENERIC) == ""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (Request(b"POST", b"/a"), Request(b"PUT", b"/a"), "the method differs"),
        (Request(b"POST", b"/a"), Request(b"POST", b"/b"), "the path or the query differs"),
        (Request(b"POST", b"/a?x=1"), Request(b"POST", b"/a?x=2"), "the path or the query differs"),
    ],
)
def test_heads(old, new, why):
    assert servable(old, new, GENERIC) == why


def test_header_fields_that_decide():
    old = request(CHAT, chat("x"))
    new = Request(old.method, old.target, Headers([(b"OpenAI-Beta", b"y")]), old.body)
    assert servable(old, new, dialect_of(old)) == "the header field openai-beta differs"


@pytest.mark.parametrize("path", [b"/v1/embeddings", b"/v1/moderations", b"/v1/audio/speech", b"/v1/files"])
def test_only_where_words_are_answered(path):
    assert "not what a person wrote" in reason({"input": "explain"}, {"input": "explian"}, path)
    assert reason({"model": "m", "prompt": "explain"}, {"model": "m", "prompt": "explian"}, b"/v1/completions") == ""


@given(st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_any_texts(old, new, system):
    why = SmallEdits().refused(old, new, system=system)
    assert bool(SmallEdits().refused(new, old, system=system)) is bool(why)
    if not why:
        assert [sign for sign in old if sign.isdecimal()] == [sign for sign in new if sign.isdecimal()]


@pytest.mark.parametrize(
    "text", ["`" * 99_999, '"' * 99_999, "“" * 99_999, "«" * 99_999, "today is " * 20_000, " , " * 50_000]
)
def test_hostile_texts_end(text):
    assert SmallEdits().refused(text, text + " x", system=True) != ""


@pytest.mark.parametrize("base", BASES[:6], ids=lambda base: base.name)
def test_the_reason_is_harmless(base):
    why = reason({**base.around(base.text), "\x1b[31m": 1}, base.around(base.text), base.path)
    assert why.isprintable()
