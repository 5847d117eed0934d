"""JSON by lines: nothing but blanks changes, whatever the text is, and broken JSON goes on as it is."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.inspecting.pretty_json import BATCH, DEEPEST, PrettyJSON

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
BLANKS = re.compile(r"[ \t\n\r]")


def made(text, **more):
    pretty = PrettyJSON(text, **more)
    return "".join(pretty), pretty.problem


@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_it_is_as_python_indents_it(value, indent, is_ascii):
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    assert made(text) == (json.dumps(value, indent=2, ensure_ascii=is_ascii), "")


@pytest.mark.parametrize(
    "text",
    [
        "1.0e+05",
        "-0.00",
        "123456789012345678901234567890",
        "1E400",
        r'"\u0041\/\n\ud83d"',
        '"\\u00e9 é"',
        "NaN",
        "-Infinity",
        "[]",
        "{}",
        '""',
    ],
)
def test_what_is_written_stays_as_it_is_written(text):
    assert made(text) == (text, "")
    assert made(f" \r\n{text}\t") == (text, "")


def test_order_and_names_that_are_there_twice_stay():
    assert made('{"b":1,"a":2,"b":3}')[0] == '{\n  "b": 1,\n  "a": 2,\n  "b": 3\n}'


def test_blanks_within_strings_stay():
    assert made('["a  b", "c\\t d"]')[0] == '[\n  "a  b",\n  "c\\t d"\n]'


def test_a_byte_order_mark_is_left_out():
    assert made("\ufeff[1]") == ("[\n  1\n]", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cut off"),
        ("   ", "cut off"),
        ("[1", "cut off"),
        ('{"a"', "cut off"),
        ('{"a": ', "cut off"),
        ('{"a":1,}', "a name is missing"),
        ("[1 2]", "from character 3 on: a comma"),
        ('{"a" 1}', "from character 5 on: a colon"),
        ("{1:2}", "a name is missing"),
        ("[1,]", "a value is missing"),
        ("[,]", "a value is missing"),
        ("[1}", "a comma is missing"),
        ("}", "a value is missing"),
        (":", "a value is missing"),
        ('"abc', "a value is missing"),
        ('"a\nb"', "a value is missing"),
        ("tru", "a value is missing"),
        ("[1]]", "from character 3 on"),
        ("'a'", "a value is missing"),
        ("{'a': 1}", "a name is missing"),
    ],
)
def test_broken_json_goes_as_far_as_it_goes(text, problem):
    shown, found = made(text)
    assert problem in found
    assert BLANKS.sub("", shown) == BLANKS.sub("", text)


@given(values, st.integers(0, 100), st.text(max_size=3))
def test_nothing_is_lost_of_damaged_json(value, at, put_in):
    text = json.dumps(value)
    text = text[:at] + put_in + text[at:]
    shown, _ = made(text)
    assert BLANKS.sub("", shown) == BLANKS.sub("", text.removeprefix("\ufeff"))


@given(st.text(alphabet='[]{},:"\\ \n1ae\ufeff'))
def test_any_text_of_signs(text):
    shown, problem = made(text)
    assert BLANKS.sub("", shown) == BLANKS.sub("", text.removeprefix("\ufeff"))
    if not problem:
        json.loads(text.removeprefix("\ufeff"))


def test_several_values_one_behind_the_other_are_all_pretty():
    shown, problem = made('{"a":1}\n{"a":2}\n')
    assert shown == '{\n  "a": 1\n}\n{\n  "a": 2\n}'
    assert "more than one value" in problem


def test_a_thousand_lines_of_json_are_all_pretty():
    shown, problem = made('{"a":1}\n' * 1000)
    assert shown.count('  "a": 1\n') == 1000
    assert "more than one value" in problem


@pytest.mark.parametrize("depth", [10_000, 200_000])
def test_deep_nesting_is_no_recursion_and_is_not_quadratic(depth):
    text = "[" * depth + "]" * depth
    shown, problem = made(text)
    assert problem == ""
    assert len(shown) < depth * 2 * (2 * DEEPEST + 4)
    assert BLANKS.sub("", shown) == text


def test_deep_objects():
    text = '{"a":' * 10_000 + "1" + "}" * 10_000
    assert BLANKS.sub("", made(text)[0]) == text


def test_what_has_more_values_than_are_read_goes_on_as_it_is():
    shown, problem = made("[" + "1," * 10_000 + "1]", most=BATCH + 10)
    assert "4010 values and signs" in problem
    assert shown.startswith("[\n  1,\n  1")
    assert "1,1,1,1" in shown
    assert BLANKS.sub("", shown) == "[" + "1," * 10_000 + "1]"


def test_it_is_given_in_parts():
    parts = list(PrettyJSON(json.dumps(list(range(3 * BATCH)))))
    assert len(parts) > 3
    assert max(map(len, parts)) < BATCH * 12


@pytest.mark.parametrize("text", ['"' + "\\n" * 500_000 + '"', '"' + "\\" * 1_000_001, '["' + "x" * 4_000_000 + '"]'])
def test_long_strings(text):
    assert BLANKS.sub("", made(text)[0]) == text
