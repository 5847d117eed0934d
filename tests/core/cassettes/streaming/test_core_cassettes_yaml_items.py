"""Entries of YAML lists one by one: what is cut by lines is what the whole document says, or it is not cut."""

import io
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.streaming import blocks, yaml_items
from proxy_daemon.core.cassettes.streaming.source import NotStreamed, opened


def items(data, name="interactions"):
    return list(yaml_items.items("f", opened(io.BytesIO(data)), name))


ODD = "&id|\x85|\u2028".encode()  # aliases, and what YAML 1.1 takes for line ends: within quotes they may begin a line
TEXTS = st.text(st.sampled_from("ab:-#'\"\n\r\t |>{}[]&*!%,?\u2028\x85é "), max_size=40)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(
    st.lists(VALUES, min_size=1, max_size=6),
    st.sampled_from([None, "|", ">", '"', "'"]),
    st.sampled_from([1, 4, 9]),
    st.integers(20, 100),
    st.sampled_from([yaml.SafeDumper, yaml.CSafeDumper]),
    st.sampled_from([None, False]),
)
def test_what_is_cut_at_its_entries_is_what_was_written(values, style, indent, width, dumper, flow):
    options = {"default_style": style, "indent": indent, "width": width, "allow_unicode": True}
    data = yaml.dump({"interactions": values, "version": 1}, Dumper=dumper, default_flow_style=flow, **options).encode()
    try:
        whole = yaml_items.yaml_text.load(data)["interactions"]
    except yaml_items.yaml_text.NotYaml:
        return
    try:
        assert items(data) == whole
    except NotStreamed:
        assert style or flow is None or re.search(ODD, data), "else it is a plain list"


WORDS = [
    *("- a: 1", "- b", "  c: 2", "- |", "   text", "- 'x", "- y'", '- "x', '  y"', "# c", "", "version: 1", "- [a,"),
    *("- b]", "-", "  - d", "- {e: 1}", "---", "...", "\t- z", "- &n 1", "- *n", "- ? k", " - e", "interactions:"),
    "- !!binary YQ==",
]
LINES = st.lists(st.sampled_from(WORDS), max_size=12)


@settings(max_examples=1000)
@given(LINES, st.integers(0, 2), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_lines_give_what_the_whole_gives_or_nothing_wrong(lines, indent, end):
    text = "interactions:\n" + "".join(f"{' ' * indent}{line}{end}" for line in lines)
    found, ended = [], True
    try:
        for each in yaml_items.items("f", opened(io.BytesIO(text.encode())), "interactions"):
            found.append(each)  # noqa: PERF402  (as above)
    except (NotStreamed, Unreadable):
        ended = False
    try:
        whole = yaml_items.yaml_text.load(text.encode())
    except yaml_items.yaml_text.NotYaml:
        assert not ended
        return
    listed = whole["interactions"] or []
    if ended:
        assert found == listed
    elif not isinstance(listed, list):
        assert not found
    elif text.count("interactions:") == 1:
        assert found == listed[: len(found)], "what came before counts as read"


HEADS = [
    (b"interactions:\n- a\n- b\n", ["a", "b"]),
    (b"\xef\xbb\xbf---\n# c\ninteractions:   # c\n\n# d\n- a\n-\n  b\nversion: 1\n", ["a", "b"]),
    (b"version: 1\ninteractions:\r\n  - a\r\n  - b\r\n", ["a", "b"]),
    (b"x: 'interactions'\ninteractions:\n - - a\n   - b\n - c", [["a", "b"], "c"]),
    (b"interactions:\n- a\n...\n", ["a"]),
    (b"interactions:\n- 'a\n\n  - b'\n", ["a\n- b"]),
    (b"interactions:\n- |2\n  - b\n- c\n", ["- b\n", "c"]),
]


@pytest.mark.parametrize(("data", "found"), HEADS)
def test_lists_that_are_read_in_parts(data, found):
    assert items(data) == found == yaml_items.yaml_text.load(data)["interactions"]


NOT_IN_PARTS = [
    b"interactions: [a]\n",
    b'"interactions":\n- a\n',
    b"interactions: &a\n- a\n",
    b"x:\n  interactions:\n  - a\n",
    b"%YAML 1.1\n---\ninteractions:\n- a\n",
    b"interactions:\n- a\nx: 'b\n",
    b"interactions:\n- a\n---\n- b\n",
    b"interactions:\n- &x a\n- *x\n",
    b"interactions:\n- 'a\n- b'\n",
    b'interactions:\n- "a\nb"\n',
    b"interactions:\n- [a,\n- b]\n",
    b"x: 'a\ninteractions:\n- b'\n",
    b"interactions:\n" + b" " * 17 + b"- a\n",
    b"interactions:\n  - a\n b: 1\n",
]


@pytest.mark.parametrize("data", NOT_IN_PARTS)
def test_lists_that_are_not(data):
    with pytest.raises((NotStreamed, Unreadable)):
        items(data)


@pytest.mark.parametrize("second", [b"", b"-\n", b"- ~\n", b"- a\n"])
def test_a_list_that_stands_there_twice_is_refused(second):
    with pytest.raises(Unreadable, match="stands there twice"):
        items(b"interactions:\n- a\ninteractions:\n" + second)


def test_the_line_of_a_fault_is_that_of_the_file():
    with pytest.raises(NotStreamed, match=r"\(line 5\)"):
        items(b"# c\ninteractions:\n- a\n- b\n- @\n")


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
def test_it_does_not_matter_where_the_stream_is_cut(monkeypatch, step):
    monkeypatch.setattr(blocks, "_STEP", step)
    monkeypatch.setattr(yaml_items, "_HEAD", 40)
    data = b"version: 1\ninteractions:\n" + b"".join(b"  - a%d: |\n      - x\n\n  # c\n" % n for n in range(30))
    assert items(data) == yaml_items.yaml_text.load(data)["interactions"]
