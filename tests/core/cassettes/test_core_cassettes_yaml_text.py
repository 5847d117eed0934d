"""YAML of recordings: plain values, foreign tags without harm, hostile texts refused with a reason."""

import base64
import math
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import yaml_text
from proxy_daemon.core.cassettes.yaml_text import DEPTH, NotYaml, load

PLAIN = [
    (b"", None),
    (b"# only a remark", None),
    (b"--- text", "text"),
    (b"a: 1\nb: -2\nc: +3\nd: 0", {"a": 1, "b": -2, "c": 3, "d": 0}),
    (b"[1.5, 1.0e-05, -2., .5]", [1.5, 1e-05, -2.0, 0.5]),
    (b"[~, null, Null, NULL]", [None, None, None, None]),
    (b"a:\nb: ''", {"a": None, "b": ""}),
    (b"[true, True, yes, ON, false, No, off]", [True, True, True, True, False, False, False]),
    (b"['1', \"true\", 'null', '~']", ["1", "true", "null", "~"]),
    (
        b"[1e5, 0x1F, 017, 1_000, 1:30, 1.2.3, '-', +, .]",
        ["1e5", "0x1F", "017", "1_000", "1:30", "1.2.3", "-", "+", "."],
    ),
    (b"[2026-08-02, 2026-08-02 22:27:05]", ["2026-08-02", "2026-08-02 22:27:05"]),
    (b"[.inf, -.INF]", [math.inf, -math.inf]),
    (b"a: |\n  one\n  two\nb: >-\n  one\n  two", {"a": "one\ntwo\n", "b": "one two"}),
    (b"{200: a, true: b, ~: c, 1.5: d}", {"200": "a", "true": "b", "null": "c", "1.5": "d"}),
    (b"{1: a, 0: b}", {"1": "a", "0": "b"}),
    (b"{a: 1, a: 2}", {"a": 2}),
    (b"a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    (b"a: &x text\nb: *x", {"a": "text", "b": "text"}),
    (b"a: &x 1\nb: &x [*x]\nc: *x", {"a": 1, "b": [1], "c": [1]}),
    (b"\xef\xbb\xbfa: b", {"a": "b"}),
    (b"a: {'<<': text}", {"a": {"<<": "text"}}),
    ("ä: '\U0001f600'".encode(), {"ä": "\U0001f600"}),
    (b"9" * 4001, "9" * 4001),
]
TAGS = [
    (b"? !!python/object/apply:multidict._multidict.istr\n- Accept\n: - x", {"Accept": ["x"]}),
    (b"? !!python/object/new:multidict._multidict.istr\n- Accept\n: - x", {"Accept": ["x"]}),
    (b"? !!python/object/new:multidict._multidict.istr\n  args: [Accept]\n: - x", {"Accept": ["x"]}),
    (b"!!python/object/apply:__builtin__.frozenset [[!!python/tuple [a, b]]]", [["a", "b"]]),
    (b"!!python/tuple [a, [b]]", ["a", ["b"]]),
    (b"!!python/unicode 'text'", "text"),
    (b"!!python/str '12'", "12"),
    (b"!!str 12", "12"),
    (b"[!!int '12', !!float '1.5', !!null '', !!bool 'true']", [12, 1.5, None, True]),
    (b"!!binary 'aGk='", b"hi"),
    (b"!!binary |\n  aG\n  k=", b"hi"),
    (b"!binary |-\n  aGk=", b"hi"),
    (b"!binary ''", b""),
    (b"? !binary 'aGk='\n: 1", {"hi": 1}),
    (b"!ruby/object:Foo {a: 1}", {"a": 1}),
    (b"!ruby/regexp '/x/'", "/x/"),
    (b"!<tag:example.com,2000:x> [1]", [1]),
    (b"!!set {a, b}", {"a": None, "b": None}),
    (b"! 12", 12),
]
# What would run, import or build something under an unsafe loader.
DANGEROUS = [
    (b"!!python/object/apply:os.system ['touch /tmp/never']", "touch /tmp/never"),
    (b"!!python/object/new:subprocess.Popen [[touch, /tmp/never]]", ["touch", "/tmp/never"]),
    (b"!!python/name:os.system ''", ""),
    (b"!!python/module:os ''", ""),
    (b"!!python/object:os.X {a: 1}", {"a": 1}),
    (b"!!python/object/apply:os.system {args: [x], state: {a: b}}", "x"),
    (b"!ruby/object:Gem::Installer {i: x}", {"i": "x"}),
    (b"!!timestamp '2026-01-01'", "2026-01-01"),
]
BOMB = (
    b"a: &a ["
    + b"x, " * 9
    + b"x]\n"
    + b"".join(b"%c: &%c [%b]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 10)) for n in range(9))
)
HOSTILE = [
    (b"[" * 10_000, "nested deeper than 200 levels"),
    (b"{a: " * 10_000, "nested deeper than 200 levels"),
    (b"- " * 10_000, "nested deeper than 200 levels"),
    (b"? " * 10_000, "nested deeper than 200 levels"),
    (b"\n".join(b" " * n + b"a:" for n in range(300)), "nested deeper than 200 levels"),
    (BOMB, "octets when its aliases are followed"),
    (b"a: &a " + b"x" * 1_000_000 + b"\nb: [" + b"*a," * 400 + b"]", "octets when its aliases are followed"),
    (b"&a [*a]", "an alias of nothing, or of what it stands in (line 1)"),
    (b"\n- *b", "an alias of nothing, or of what it stands in (line 2)"),
    (b"? [a, b]\n: 1", "a list or mapping as a mapping's key"),
    (b"? {a: b}\n: 1", "a list or mapping as a mapping's key"),
    (b"a: &a {x: 1}\nb:\n  <<: *a", "merge keys (<<) are not read"),
    (b"%TAG ! tag:example.com,2000:\n--- !x 1", "%TAG directives are not read"),
    (b"".join(b"%%TAG !a%d! x\n" % n for n in range(2000)) + b"--- 1", "too many %TAG directives"),
    (b"--- 1\n--- 2", "more than one document"),
    (b"\xff\xfea\x00", "not UTF-8"),
    (b"\xfe\xff\x00a", "not UTF-8"),
    (b"a: caf\xe9", "not UTF-8"),
    (b"a: \x01", "characters that YAML does not allow"),
    (b"a: '\\", "while scanning a quoted scalar|found unexpected end of stream"),
    (b'"\\ud800"', "invalid Unicode character"),
    (b"a: [1", "did not find expected"),
    (b"a: b: c", "mapping values are not allowed"),
    (b"\t- a", "cannot start any token"),
    (b"!!binary 'a'", "octets that are not base64 (line 1)"),
    (b"!!binary 'aG*k='", "octets that are not base64 (line 1)"),
    ("!!binary 'ä'".encode(), "octets that are not base64 (line 1)"),
]


@pytest.mark.parametrize(("text", "value"), PLAIN + TAGS + DANGEROUS)
def test_a_text_is_read_to_plain_values(text, value):
    assert load(text) == value


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_types_are_those_of_json(text, value):
    assert repr(load(text)) == repr(value)


@pytest.mark.parametrize(("text", "reason"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused_with_its_reason(text, reason):
    with pytest.raises(NotYaml) as error:
        load(text)
    assert any(one in str(error.value) for one in reason.split("|")), str(error.value)


def test_nothing_of_the_text_stands_in_the_reason():
    texts = (b"key: 'SECRET", b"*SECRET", b"!!binary '%SECRET'", b"a: SECRET: b", b"? [SECRET]\n: 1", b"SECRET: \x01")
    for text in texts:
        with pytest.raises(NotYaml) as error:
            load(text)
        assert "SECRET" not in str(error.value)
        assert error.value.__cause__ is None


def test_the_deepest_that_is_allowed_is_read():
    value = load(b"[" * DEPTH + b"]" * DEPTH)
    for _ in range(DEPTH - 1):
        (value,) = value
    assert value == []
    with pytest.raises(NotYaml):
        load(b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1))


def test_what_aliases_share_is_counted_each_time(monkeypatch):
    monkeypatch.setattr(yaml_text, "MOST", 1000)
    once = b"a: &a " + b"x" * 200
    assert load(once)["a"] == "x" * 200
    with pytest.raises(NotYaml, match="aliases"):
        load(once + b"\nb: [*a, *a, *a]")


def test_many_small_values_are_counted_too(monkeypatch):
    monkeypatch.setattr(yaml_text, "MOST", 10_000)
    assert len(load(b"[" + b"1," * 100 + b"]")) == 100
    with pytest.raises(NotYaml, match="more than 10000 octets"):
        load(b"[" + b"1," * 1000 + b"]")


def test_a_large_text_is_not_even_looked_at(monkeypatch):
    monkeypatch.setattr(yaml_text, "MOST", 10)
    with pytest.raises(NotYaml, match="larger than 10 octets"):
        load(b"[" * 11)


# Without U+0085: PyYAML writes it as it is, and reads a blank there itself.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x85")
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(CHARACTERS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(CHARACTERS), inner),
    max_leaves=12,
)


def has_merge_key(value):
    if isinstance(value, dict):
        return "<<" in value or any(map(has_merge_key, value.values()))
    return isinstance(value, list) and any(map(has_merge_key, value))


@given(VALUES.filter(lambda value: not has_merge_key(value)), st.sampled_from((None, True, False)), st.booleans())
def test_what_pyyaml_writes_is_read_back(value, flow, unicode):
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=unicode, sort_keys=False)
    assert load(text.encode()) == value


@given(st.binary(max_size=300))
def test_octets_are_read_back(data):
    assert load(yaml.safe_dump({"a": data}).encode()) == {"a": data}
    assert load(b"!binary '" + base64.b64encode(data) + b"'") == data


@given(st.binary(max_size=200) | st.text("[]{}:,-?&*!|>'\"%@` \n\tab1~<#.=", max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_refused(data):
    with suppress(NotYaml):
        load(data)


STRICT = [
    (b"a: 1\nb:\n  c: 1\n  c: 2\n", "a key stands twice in the mapping that begins here", 3),
    (b"a: &x 1\nb: *x\n", "an alias: none are read here", 2),
    (b"a: !!str 1\n", "a tag: none are read here but !!binary", 1),
    (b"a: 1\nb: !x [1]\n", "a tag: none are read here but !!binary", 2),
    (b"a: 1\nb: !x {c: 1}\n", "a tag: none are read here but !!binary", 2),
]


@pytest.mark.parametrize(("data", "reason", "line"), STRICT, ids=range(len(STRICT)))
def test_a_format_of_our_own_is_read_strictly(data, reason, line):
    load(data)
    with pytest.raises(NotYaml) as error:
        load(data, strict=True)
    assert (error.value.reason, error.value.line) == (reason, line)
    assert str(error.value) == f"{reason} (line {line})"


def test_octets_are_read_strictly_too():
    assert load(b"a: !!binary /w==\nb: &x 1\n", strict=True) == {"a": b"\xff", "b": 1}
