"""`core/rewriting/header_edits.py` and `paths.py`: header fields, paths and model names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import HOP_BY_HOP, Headers
from proxy_daemon.core.injection import REPLACED
from proxy_daemon.core.rewriting.header_edits import HeaderEdits, checked_name, no_key
from proxy_daemon.core.rewriting.paths import LONGEST_PATH, Models, NoPath, PathExpression, Prefix, with_model

FIELDS = ((b"Host", b"h"), (b"X-A", b"1"), (b"x-a", b"2"), (b"X-B", b"3"))
EDITED = [
    ({}, FIELDS),
    ({"remove": [b"X-a"]}, (FIELDS[0], FIELDS[3])),
    ({"remove": [b"x-c"]}, FIELDS),
    ({"set": [(b"X-A", b"9")]}, (FIELDS[0], (b"X-A", b"9"), FIELDS[3])),
    ({"set": [(b"x-b", b"3")]}, FIELDS),
    ({"set": [(b"x-c", b"4")]}, (*FIELDS, (b"x-c", b"4"))),
    ({"add": [(b"X-A", b"9")]}, (*FIELDS, (b"X-A", b"9"))),
    (
        {"remove": [b"x-a"], "set": [(b"X-A", b"0")], "add": [(b"x-b", b"")]},
        (FIELDS[0], FIELDS[3], (b"X-A", b"0"), (b"x-b", b"")),
    ),
]


@pytest.mark.parametrize(("given", "expected"), EDITED, ids=range(len(EDITED)))
def test_fields(given, expected):
    before = Headers(FIELDS)
    after = HeaderEdits(**given).edited(before)
    assert after.pairs == expected
    assert (after is before) == (expected == FIELDS)


@pytest.mark.parametrize(
    "name", [*sorted(HOP_BY_HOP), b"Host", b"CONTENT-LENGTH", b"content-encoding", b"expect", b"X-LLMProxy-Session"]
)
@pytest.mark.parametrize("kind", ["remove", "set", "add"])
def test_what_no_rule_may_touch(name, kind):
    with pytest.raises(ValueError, match="no rule may"):
        HeaderEdits(**{kind: [name] if kind == "remove" else [(name, b"x")]})


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r\nb", b"\xc3\xa4"])
def test_no_name(name):
    with pytest.raises(ValueError, match="is not the name of a header field"):
        checked_name(name)


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"\0", b" a", b"a ", b"\x7f"])
def test_no_value(value):
    with pytest.raises(ValueError, match="line break, a control character or a space"):
        HeaderEdits(set=[(b"x", value)])


@pytest.mark.parametrize("name", [*sorted(REPLACED), b"Authorization"])
def test_a_key_has_a_place_of_its_own(name):
    with pytest.raises(ValueError, match="--upstream-key NAME=FILE"):
        no_key(name)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_whatever_is_given_no_line_breaks_come_out(name, value):
    try:
        found = HeaderEdits(set=[(name, value)]).edited(Headers())
    except ValueError:
        return
    assert not set(b"\r\n\0") & set(b"".join(found.pairs[0]))


# --- paths -----------------------------------------------------------------------------------------------------------

PATHS = [
    (Prefix("/old", "/new"), b"/old/x", b"/new/x"),
    (Prefix("/old/", "/new/"), b"/old/x", b"/new/x"),
    (Prefix("/old", "/new"), b"/old", b"/new"),
    (Prefix("/old", "/new"), b"/older", b"/older"),
    (Prefix("/old", "/"), b"/old/x", b"/x"),
    (Prefix("/old", "/"), b"/old", b"/"),
    (Prefix("/", "/api"), b"/x", b"/api/x"),
    (PathExpression("^/v2/(.*)$", r"/v1/\1"), b"/v2/chat", b"/v1/chat"),
    (PathExpression("^/v2/", "/v1/"), b"/v1/v2/", b"/v1/v2/"),
    (PathExpression("o+", "0"), b"/foo/boo", b"/f0/boo"),
    (PathExpression("(?P<a>[0-9]+)", r"<\g<a>>"), b"/x7", b"/x<7>"),
]


@pytest.mark.parametrize(("edit", "before", "after"), PATHS, ids=range(len(PATHS)))
def test_a_path(edit, before, after):
    assert edit.mapped(before) == after


@pytest.mark.parametrize(
    ("pattern", "to"),
    [
        ("^/a", ""),
        ("^/a", "x"),
        ("^/a", "/b c"),
        ("^/a", "/?x"),
        ("^/a", "/#"),
        ("^/a", "/\n"),
        ("^/a", "//h"),
        ("^/a", "/ä"),
    ],
)
def test_a_path_that_cannot_be_sent(pattern, to):
    with pytest.raises(NoPath):
        PathExpression(pattern, to).mapped(b"/a")


@pytest.mark.parametrize(
    "path", [b"/x../admin", b"/x%2e%2E/admin", b"/x./a", b"/x..", b"/x..;a/b", b"/x..%2fadmin", b"/x\\..\\a"]
)
@pytest.mark.parametrize("edit", [PathExpression("^/x(.*)$", r"/v1/\1"), PathExpression("^/x", "/")])
def test_a_path_that_would_lead_elsewhere(edit, path):
    with pytest.raises(NoPath, match="may lead elsewhere"):
        edit.mapped(path)


def test_dots_that_lead_nowhere_else():
    assert PathExpression("^/x(.*)$", r"/v1/\1").mapped(b"/x.../a..b/.c") == b"/v1/.../a..b/.c"


def test_a_path_that_grows_is_bounded():
    with pytest.raises(NoPath):
        PathExpression("^/(.*)$", r"/\1\1\1\1").mapped(b"/" + b"a" * (LONGEST_PATH // 2))


@pytest.mark.parametrize("pattern", ["", "a*", "(", "(a", r"\1", "^", "a{1000}{1000}"])
def test_an_expression_that_is_refused(pattern):
    with pytest.raises(ValueError, match="pattern"):
        PathExpression(pattern, "x")


MODELS = Models((("gpt-*", "any"), ("gpt-4o", "llama"), ("same", "same"), ("*-mini", "small")))


@pytest.mark.parametrize(
    ("model", "new"),
    [("gpt-4o", "llama"), ("gpt-4o-mini", "any"), ("o4-mini", "small"), ("same", ""), ("x", ""), ("any", "")],
)
def test_names_for_names(model, new):
    assert MODELS.named(model) == new


@pytest.mark.parametrize(
    ("path", "model", "new", "expected"),
    [
        (b"/v1beta/models/g-1:generateContent", "g-1", "g-2", b"/v1beta/models/g-2:generateContent"),
        (b"/v1/projects/p/locations/l/publishers/google/models/g-1:x", "g-1", "g-2",
         b"/v1/projects/p/locations/l/publishers/google/models/g-2:x"),
        (b"/model/a.b-v1%3A0/invoke", "a.b-v1:0", "c.d-v2:0", b"/model/c.d-v2%3A0/invoke"),
        (b"/model/a.b-v1:0/invoke", "a.b-v1:0", "c", b"/model/c/invoke"),
        (b"/openai/deployments/mine/chat/completions", "mine", "a/b", b"/openai/deployments/a%2Fb/chat/completions"),
        (b"/v1/models/o/n/predictions", "o/n", "x/y", b"/v1/models/x/y/predictions"),
        (b"/v1/models/other", "g-1", "g-2", b"/v1/models/other"),
        (b"/g-1/chat", "g-1", "g-2", b"/g-1/chat"),
    ],
)  # fmt: skip
def test_a_model_in_a_path(path, model, new, expected):
    assert with_model(path, model, new) == expected


def test_a_path_of_nothing_but_ends():
    assert with_model(b"/models/" + b":" * 200_000, "m", "n") == b"/models/" + b":" * 200_000
    assert with_model(b"/models/" * 30_000, "m" * 100, "n") == b"/models/" * 30_000
