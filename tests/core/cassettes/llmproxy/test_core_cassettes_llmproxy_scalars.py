"""Scalars and values in YAML: each comes back equal, from our reader and from PyYAML's own, and reads well."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import yaml_text
from proxy_daemon.core.cassettes.llmproxy.scalars import binary, key, octets, scalar
from proxy_daemon.core.cassettes.llmproxy.tree import NotInYaml, Prose, block
from tests.core.cassettes.llmproxy.drawn_recordings import json_values, texts
from tests.core.cassettes.llmproxy.drawn_recordings import octets as drawn_octets

LOOKS = [
    ("Paris", " Paris"),
    ("What is it? It's C#, isn't it", " What is it? It's C#, isn't it"),
    ("https://api.openai.com/v1", " https://api.openai.com/v1"),
    ("", ' ""'),
    ("yes", ' "yes"'),
    ("Null", ' "Null"'),
    ("<<", ' "<<"'),
    ("<API_KEY_1>", " <API_KEY_1>"),
    ("12", ' "12"'),
    ("a: b", ' "a: b"'),
    ("a #b", ' "a #b"'),
    ("a:", ' "a:"'),
    (" a", ' " a"'),
    ("- a", ' "- a"'),
    ('{"city": "Paris"}', ' \'{"city": "Paris"}\''),
    ("it's \\", " it's \\"),
    ("'\\", " '''\\'"),
    ("tab\there", ' "tab\\there"'),
    ("\x1b[0m", ' "\\e[0m"'),
    ("a\nb", " |-\n    a\n    b"),
    ("a\nb\n", " |\n    a\n    b"),
    ("a\n\nb\n\n", " |+\n    a\n\n    b\n"),
    ("\na", " |2-\n\n    a"),
    (" a\nb", " |2-\n     a\n    b"),
    ("a \nb", ' "a \\n\\\n    b"'),
    ("a\r\n b", ' "a\\r\\n\\\n    \\ b"'),
    ("\n\n", ' "\\n\\\n    \\n"'),
    ("a\n\u202eb", ' "a\\n\\\n    \\u202eb"'),
    ("zwj \U0001f469\u200d\U0001f4bb\n", " |\n    zwj \U0001f469\u200d\U0001f4bb"),
]


@pytest.mark.parametrize(("text", "look"), LOOKS, ids=range(len(LOOKS)))
def test_a_text_looks_like_this(text, look):
    assert scalar(text, "    ") == look


@pytest.mark.parametrize(("text", "look"), [("a", " |-\n  a"), ("a ", ' "a "'), ("", ' ""')])
def test_a_text_of_one_line_can_be_a_block(text, look):
    assert scalar(text, "  ", block=True) == look


def both(document):
    """What our reader and PyYAML's say of it, which is the same."""
    found = yaml_text.load(document.encode(), strict=True)
    assert yaml.load(document, yaml.CSafeLoader) == found
    return found


@given(texts, st.booleans())
def test_a_text_comes_back(text, is_block):
    look = scalar(text, "    ", block=is_block)
    assert both(f"a:\n  b:{look}\n  c:\n  -{look}\n") == {"a": {"b": text, "c": [text]}}


@given(texts.filter(lambda text: "<<" not in text), texts)
def test_a_text_comes_back_after_editors_have_stripped_blanks(name, text):
    document = f"{key(name)}:{scalar(text, '  ')}\nend: 1\n"
    stripped = "".join(line.rstrip(" \t") + "\n" for line in document.split("\n"))
    assert yaml_text.load(stripped.encode(), strict=True) == {name: text, "end": 1}


@given(drawn_octets)
def test_octets_come_back(data):
    found = both(f"a:{octets(data, '  ')}\n")["a"]
    assert (found if isinstance(found, bytes) else found.encode()) == data


def test_base64_stands_in_lines():
    assert binary(b"\xff" * 60, "  ") == " |-\n  " + "/" * 76 + "\n  ////"


@given(json_values)
@example({"a": [[1, 2], [{"b": [[]]}]], "n": 1, "1": {}})
@example([1, 2.5, 3, 4, 5, 6, 7, 8])
@example({"a": {"b": [{"c": 1, "d": [{"e": "x\ny"}, "z\n"]}]}})
def test_a_value_comes_back_or_is_refused(value):
    try:
        look = block(value, "  ")
    except NotInYaml:
        return
    assert same(yaml_text.load(f"a:{look}\nb: 1\n".encode(), strict=True), {"a": value, "b": 1})


def same(one, other):
    """1 is not 1.0, nor true, and the order of members counts."""
    return repr(one) == repr(other)


@pytest.mark.parametrize(
    ("value", "look"),
    [
        ({}, " {}"),
        ([], " []"),
        ({"a": None, "b": True, "c": 1e-07, "d": 1.0}, "\n  a: null\n  b: true\n  c: 1.0e-07\n  d: 1.0"),
        ({"a": [{"b": 1, "c": []}, "x"]}, "\n  a:\n  - b: 1\n    c: []\n  - x"),
        ([1, 2, 3, 4, 5, 6, 7, 8.5], " [1, 2, 3, 4, 5, 6, 7, 8.5]"),
        ({"text": Prose("Paris.")}, "\n  text: |-\n    Paris."),
        ({"true": 1, "a b": 2}, '\n  "true": 1\n  "a b": 2'),
    ],
    ids=range(7),
)
def test_a_value_looks_like_this(value, look):
    assert block(value, "  ") == look


def deep(levels, kind):
    value = []
    for _ in range(levels):
        value = [value] if kind == "list" else {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [{"<<": 1}, {"a" * 300: 1}, float("nan"), float("inf"), deep(500, "list"), deep(500, "mapping"), object(), b"x"],
    ids=range(8),
)
def test_what_would_not_come_back_is_refused(value):
    with pytest.raises(NotInYaml):
        block(value, "  ")
