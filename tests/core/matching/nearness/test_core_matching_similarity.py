"""How alike two requests are: a share of each part, the same from both sides, and 1 for equal ones only."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from near_bases import BASES, CHAT, SEARCH, TODAY, WEATHER, agent, chat, messages
from near_mix import dialect_of, request

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.matching.nearness.alignment import aligned
from proxy_daemon.core.matching.nearness.similarity import WEIGHTS, likeness
from proxy_daemon.core.matching.nearness.subject import COMPARED_SIZE, MOST_ITEMS, subject
from proxy_daemon.core.matching.nearness.text_likeness import MOST_WORDS, common_ends, split, text_likeness
from proxy_daemon.core.matching.nearness.word_difference import word_difference
from proxy_daemon.core.messages import Request

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab 1", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=9,
)
keys = st.lists(st.sampled_from("abcdef"), max_size=9)


def compared(old, new, path=CHAT):
    """The likeness of two bodies."""
    incoming = request(path, new)
    return likeness(request(path, old), incoming, dialect_of(incoming))


def parts(old, new, path=CHAT):
    """Those that are not all equal."""
    return {name: round(share, 2) for name, share in compared(old, new, path).parts if share < 1}


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "unlike"),
    [
        (chat("a b c d"), chat("a b c d"), {}),
        (chat("a b c d"), chat("a b c x"), {"messages": 0.86}),
        (chat("a", user="1"), chat("a", user="2"), {}),
        (chat("a"), {**chat("a"), "model": "x"}, {"model": 0}),
        (chat("a", temperature=1), chat("a", temperature=2), {"parameters": 0}),
        (chat("a", temperature=1, n=1), chat("a", temperature=2, n=1), {"parameters": 0.5}),
        (chat("a", x={"y": 1, "z": 2}), chat("a", x={"y": 1, "z": 3}), {"parameters": 0.5}),
        (chat("a", TODAY), chat("a"), {"system": 0}),
        (chat("a", tools=[WEATHER, SEARCH]), chat("a", tools=[SEARCH]), {"tools": 0.5}),
        (chat("a", tools=[WEATHER]), chat("a"), {"tools": 0}),
        (chat("a", n=1), chat("a", n=True), {"parameters": 0}),
        (chat("a", n=1), chat("a", n=1.0), {"parameters": 0}),
    ],
)
def test_parts(old, new, unlike):
    assert parts(old, new) == parts(new, old) == unlike
    assert (compared(old, new).score == 1) is (not unlike)


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_score_is_the_weighted_mean(name):
    found = compared(chat("a b c d", TODAY, [WEATHER]), chat("a b c x", TODAY + " Be brief.", [SEARCH], n=2))
    shares = dict(found.parts)
    mean = sum(WEIGHTS[part] * share for part, share in shares.items()) / sum(WEIGHTS[part] for part in shares)
    assert found.score == pytest.approx(mean)
    assert (name in shares) is (name != "media")


def test_what_neither_has_is_no_part():
    assert [name for name, _ in compared(chat("a"), chat("b")).parts] == ["path", "model", "messages"]


def test_paths_by_their_segments():
    one, other = Request(b"POST", b"/v1/chat"), Request(b"POST", b"/v1/chat?x=1")
    assert 0.7 < dict(likeness(one, other, GENERIC).parts)["path"] < 1
    assert likeness(one, one, GENERIC).score == 1


def test_the_example_of_the_docs():
    found = compared(chat("What is the capital of France?"), chat("What is the capitol of France?"))
    assert found.score == pytest.approx(0.926, abs=0.001)


def test_media_count_by_themselves():
    def seen(data):
        return chat([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + data * 100}}])

    assert parts(seen("QUJD"), seen("REVG")) == {"messages": 1.0, "media": 0}  # nearly 1


def test_a_message_put_in_leaves_the_others_alike():
    old = agent("Where?")
    new = {**old, "messages": [old["messages"][0], {"role": "user", "content": "New"}, *old["messages"][1:]]}
    assert parts(old, new) == {"messages": 0.75}


def test_a_message_put_in_beside_one_that_was_edited():
    old = {"messages": [{"role": "user", "content": "one two three four"}]}
    new = {"messages": [{"role": "user", "content": "other"}, {"role": "user", "content": "one two three five"}]}
    assert parts(old, new) == parts(new, old)
    assert parts(old, new)["messages"] > 0.4


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (b"/v1/messages", messages("a", "s")),
        (
            b"/v1beta/models/m:generateContent",
            {"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"a": 1}]},
        ),
        (b"/model/m/converse", {"system": [{"text": "s"}], "messages": [{"a": 1}], "toolConfig": {"tools": [{}]}}),
        (b"/v1/responses", {"instructions": "s", "input": "a"}),
        (b"/api/v1/services/aigc/text-generation/generation", {"input": {"messages": [{"role": "system"}, {"a": 1}]}}),
    ],
)
def test_messages_and_instructions_are_found_in_each_api(path, body):
    found = subject(asked := request(path, body), dialect_of(asked))
    assert (len(found.system), len(found.messages)) == (1, 1)
    assert len(found.tools) == ("toolConfig" in body)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_each_base_is_like_itself_and_less_like_another(base):
    asked = base.around(base.text)
    assert compared(asked, asked, base.path).score == 1
    assert compared(asked, chat("Something else", "Be brief"), base.path).score < 0.9


@given(values, values)
@example({"a": None}, [{"a": None}])
def test_any_values(old, new):
    for name in ("messages", "tools", "system", "x"):
        one, other = ({"model": "m", name: value} for value in (old, new))
        found = compared(one, other)
        assert found.score == compared(other, one).score
        assert all(0 <= share <= 1 for _, share in found.parts)
        assert compared(one, one).score == 1
        assert found.score < 1 or _counted(one) == _counted(other)


def _counted(body):
    """Null and empty members are as if they were not there; one message is as a list of one.

    Instructions are a message in whatever form: its own members stay as they are.
    """
    system = body.get("system")
    body = body | {"system": [system] if isinstance(system, dict) and system else system}
    stated = {name: value if isinstance(value, list) else [value] for name, value in _stated(body).items()}
    return orjson.dumps(stated, option=orjson.OPT_SORT_KEYS)


def _stated(value):
    if not isinstance(value, dict):
        return value
    return {name: inner for name in value if (inner := _stated(value[name])) is not None and inner not in ([], {})}


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_more_messages_than_are_compared_are_cut_and_said_to_be():
    old, new = ({"messages": [{"content": f"{text} {n}"} for n in range(MOST_ITEMS + 1)]} for text in "ab")
    assert compared(old, new).cut
    assert not compared(chat("a"), chat("b")).cut
    assert dict(compared(old, new).parts)["messages"] < 0.2


def test_a_body_that_is_too_large_is_equal_or_is_not():
    old, new = (Request(b"POST", b"/x", body=Bytes(sign * (COMPARED_SIZE + 1))) for sign in (b"a", b"b"))
    assert likeness(old, old, GENERIC).score == 1
    assert likeness(old, new, GENERIC).cut
    assert dict(likeness(old, new, GENERIC).parts)["parameters"] == 0


@pytest.mark.parametrize("depth", [100, 300, 900, 100_000])
def test_any_depth(depth):
    old, new = (
        Request(b"POST", b"/", body=Bytes(b'{"messages":' + b"[" * depth + sign + b"]" * depth + b"}"))
        for sign in (b"1", b"2")
    )
    assert likeness(old, new, GENERIC).score < 1
    assert likeness(old, old, GENERIC).score == 1


# --- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("", "", 1),
        ("a b", "a b", 1),
        ("a b c d", "a b c x", 0.75),
        ("a b c d", "a b c", 0.8),
        ("a b", "c d", 0),
        ("", "a", 0),
        ("a  b", "a b", 0.83),
        ("东京大阪", "东京名古", 0.5),
        ("x " * 200 + "a", "x " * 200 + "b", 1),
        ("a " + "x " * 200, "b " + "x " * 200, 1),
        ("x " * 50 + "a b " + "x " * 50, "x " * 50 + "c d " + "x " * 50, 0.98),
    ],
)
def test_texts(one, other, share):
    assert text_likeness(one, other) == text_likeness(other, one) == pytest.approx(share, abs=0.01)
    assert (text_likeness(one, other) == 1) is (one == other)


@given(st.text("ab \n", max_size=30), st.text("ab \n", max_size=30))
def test_any_two_texts(one, other):
    share = text_likeness(one, other)
    assert 0 <= share <= 1
    assert share == text_likeness(other, one)
    assert (share == 1) is (one == other)
    before, behind = common_ends(one, other)
    assert one[:before] == other[:before]
    assert one[len(one) - behind :] == other[len(other) - behind :]
    assert before + behind <= min(len(one), len(other))


def test_texts_that_are_longer_than_is_compared():
    one, other = ("".join(f"{sign}{n} " for n in range(3 * MOST_WORDS)) for sign in "ab")
    assert text_likeness(one, other) < 0.1
    assert text_likeness(one, one) == 1


def test_words_as_they_stand():
    assert split("Die Katze, 東京!") == ["Die", "Katze,", "東", "京", "!"]


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "pairs"),
    [
        ("", "", []),
        ("abc", "abc", [(0, 0), (1, 1), (2, 2)]),
        ("abc", "axbc", [(0, 0), (None, 1), (1, 2), (2, 3)]),
        ("axbc", "abc", [(0, 0), (1, None), (2, 1), (3, 2)]),
        ("abc", "xbc", [(0, 0), (1, 1), (2, 2)]),
        ("abc", "bcd", [(0, None), (1, 0), (2, 1), (None, 2)]),
        ("", "ab", [(None, 0), (None, 1)]),
        ("a", "bc", [(0, 0), (None, 1)]),
    ],
)
def test_aligned(one, other, pairs):
    assert aligned(list(one), list(other)) == pairs


@pytest.mark.parametrize("alike", [None, lambda left, right: 0.5])
@given(one=keys, other=keys)
def test_each_element_stands_once_and_in_order(alike, one, other):
    pairs = aligned(one, other, alike)
    assert [left for left, _ in pairs if left is not None] == list(range(len(one)))
    assert [right for _, right in pairs if right is not None] == list(range(len(other)))
    assert aligned(other, one, alike) == ([(b, a) for a, b in pairs])


def test_the_most_alike_go_together():
    assert aligned(["ab"], ["xx", "ac"], lambda left, right: float(right == 1)) == [(None, 0), (0, 1)]


def test_lists_that_are_too_long_go_by_position():
    one, other = [f"a{n}" for n in range(20_000)], [f"b{n}" for n in range(20_000)]
    assert aligned(one, other)[-1] == (19_999, 19_999)


# --- the words that differ -------------------------------------------------------------------------------------------

LONG = "Please tell me about the town of Paris in the spring, and how many people live there now"


@pytest.mark.parametrize(
    ("new", "shown"),
    [
        (LONG.replace("Paris", "Rome"), ("…town of [-Paris-] in the…", "…town of {+Rome+} in the…")),
        (LONG.replace(" many", ""), ("and how [-many-] people", "and how people")),
        (LONG.replace("how many", "how very many"), ("and how many", "and how {+very+} many")),
        (LONG + " in May", ("there now", "there now {+in May+}")),
        (LONG.replace("Please", "Do"), ("[-Please-] tell", "{+Do+} tell")),
    ],
)
def test_word_difference(new, shown):
    for found, wanted in zip(word_difference(LONG, new), shown, strict=True):
        assert wanted.strip("…") in found


@pytest.mark.parametrize("new", [LONG, LONG.replace(" ", "  "), "x" * 500, LONG + " " + "y" * 500])
def test_word_difference_has_nothing_to_say(new):
    assert word_difference(LONG, new) is None


def test_more_changes_are_counted():
    old, new = word_difference(LONG, LONG.replace("e", "3"))
    assert old.endswith(" more changes)")
    assert new.endswith(" more changes)")


@given(st.text("ab c", max_size=40), st.text("ab c", max_size=40))
def test_any_two_texts_are_shown_as_they_are(old, new):
    found = word_difference(old, new)
    if found is not None and "more changes" not in found[0]:
        for text, shown in zip((old, new), found, strict=True):
            plain = shown.replace("[-", "").replace("-]", "").replace("{+", "").replace("+}", "")
            assert all(part in text for part in plain.split("…"))
