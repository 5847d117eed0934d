"""How two exchanges differ: lines by meaning, of texts the words, whatever the API; and the views by their names."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspected import CHAT, MESSAGES, chat, read

from proxy_daemon.core.inspecting.differences import AROUND, LONGEST, MOST_LINES, MOST_PIECES, difference, words
from proxy_daemon.core.inspecting.views import NAMES, view
from proxy_daemon.core.matching.nearness.word_difference import MOST_WORDS, word_changes


def asked(text, **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}]} | more


def test_what_is_equal_has_no_lines():
    found = difference(read(asked("a"), chat("b")), read(asked("a"), chat("b")))
    assert found == {"titles": ["POST /v1/chat/completions m"] * 2, "lines": [], "cut": False, "problem": ""}


def test_prompts_parameters_tools_and_answers():
    tool = {"type": "function", "function": {"name": "f"}}
    old = read(asked("to Paris", temperature=0), chat("yes"))
    new = read(asked("to London", temperature=1, tools=[tool]), chat("no"))
    found = difference(old, new)
    assert {line["section"] for line in found["lines"]} == {"prompt", "parameter", "tool", "answer"}
    prompt = next(line for line in found["lines"] if line["section"] == "prompt")
    assert prompt["path"] == "messages[0].content"
    assert prompt["words"] == [["=", "to "], ["-", "Paris"], ["+", "London"]]
    parameter = next(line for line in found["lines"] if line["section"] == "parameter")
    assert (parameter["old"], parameter["new"], parameter["words"]) == ("0", "1", [])
    answer = next(line for line in found["lines"] if line["section"] == "answer")
    assert answer["words"] == [["-", "yes"], ["+", "no"]]


def test_two_apis():
    old = read(asked("same words"), chat("yes"))
    new = read(
        asked("same words", max_tokens=5),
        {"type": "message", "content": [{"type": "text", "text": "no"}]},
        path=MESSAGES,
    )
    found = difference(old, new)
    assert found["problem"] == ""
    assert {line["section"] for line in found["lines"]} >= {"request", "answer"}
    assert not [line for line in found["lines"] if "same words" in line["old"]]


def test_heads_only_where_all_is_wanted():
    old, new = read(sent=((b"X-A", b"1"),)), read(sent=((b"X-A", b"2"),))
    assert difference(old, new)["lines"] == []
    assert [line["section"] for line in difference(old, new, everything=True)["lines"]] == ["header"]


def test_so_many_lines():
    old = read({f"p{at}": 1 for at in range(2 * MOST_LINES)})
    found = difference(old, read({f"p{at}": 2 for at in range(2 * MOST_LINES)}))
    assert (len(found["lines"]), found["cut"]) == (MOST_LINES, True)


def test_an_exchange_without_an_answer_and_octets():
    found = difference(read(asked("a")), read(asked("a"), b"\0\1"))
    assert found["lines"]
    orjson.dumps(found)
    orjson.dumps(difference(read(b"\0\1"), read(b"\0\2")))


def test_what_breaks_is_a_problem():
    one = read(asked("a"), chat())

    class Broken(type(one.dialect)):
        def whole(self, document):
            raise RuntimeError("secret words")

        def conversation(self, request):
            raise RuntimeError("secret words")

    object.__setattr__(one, "dialect", Broken())
    found = difference(one, read(asked("b"), chat(), path=CHAT))
    assert "secret words" not in str(found)


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_words_are_those_of_both_texts(old, new):
    found = word_changes(old, new)
    assert "".join(text for mark, text in found if mark in "=-").split() == old.split()
    assert all(text for _, text in found)
    if old.split() == new.split() == [old] == [new]:
        assert found == [("=", old)]


@given(
    st.lists(st.sampled_from(["a", "b", "cc", "déjà"]), max_size=30),
    st.lists(st.sampled_from(["a", "b", "cc"]), max_size=30),
)
def test_of_words_with_single_blanks_both_texts_come_back(old, new):
    one, other = " ".join(old), " ".join(new)
    found = word_changes(one, other)
    assert "".join(text for mark, text in found if mark in "=-") == one
    assert "".join(text for mark, text in found if mark in "=+") == other


def test_texts_of_very_many_words_differ_between_their_ends():
    old, new = "same " + "a " * (2 * MOST_WORDS) + "end", "same " + "b " * (2 * MOST_WORDS) + "end"
    found = word_changes(old, new)
    assert [mark for mark, _ in found] == ["=", "-", "+", "="]
    assert found[0][1].startswith("same")


def test_long_texts_are_folded_where_they_are_equal_and_cut_where_not():
    same = "same words " * 1000
    found = words(same + "old" + same, same + "new" + same)
    assert [mark for mark, _ in found] == ["=", "-", "+", "="]
    assert max(len(text) for _, text in found) <= 2 * AROUND + 1
    assert found[0][1].startswith("…")
    assert found[-1][1].endswith("…")
    assert max(len(text) for _, text in words("a" * 100_000, "b" * 100_000)) == LONGEST + 1


def test_so_many_pieces():
    old = " ".join(f"{at} same" for at in range(1500))
    assert len(words(old, old.replace("1", "x"))) <= MOST_PIECES


@pytest.mark.parametrize(("old", "new"), [(1, "a"), (None, None), (["a"], ["b"]), ("a", {})])
def test_other_values_have_no_words(old, new):
    assert words(old, new) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_view_by_its_name(name):
    given_ = {"n": 0} if name == "media" else {"as": "curl"} if name == "copy" else {}
    found = view(read(said=chat()), name, given_)
    assert (found is None) is (name in ("delivered", "media"))
    orjson.dumps(found)


@pytest.mark.parametrize("name", ["response", "delivered", "stream"])
def test_views_of_an_exchange_without_an_answer(name):
    assert view(read(), name, {}) is None


@pytest.mark.parametrize("name", ["", "x", "Chat"])
def test_views_that_there_are_not(name):
    with pytest.raises(ValueError, match="no view"):
        view(read(), name, {})
