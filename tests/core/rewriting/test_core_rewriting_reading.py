"""`core/rewriting/reading.py`: the grammar of rule files, and an error with file, line and rule for all else."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting.conditions import Conditions, Glob
from proxy_daemon.core.rewriting.field_edits import FieldEdits
from proxy_daemon.core.rewriting.header_edits import HeaderEdits
from proxy_daemon.core.rewriting.paths import Models, PathExpression, Prefix
from proxy_daemon.core.rewriting.reading import LONGEST, MOST, RuleError, lines_of, read_rules
from proxy_daemon.core.rewriting.requests import RequestEdits
from proxy_daemon.core.rewriting.responses import ResponseEdits
from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace


def rule(*lines, name="mine"):
    return "\n".join(["[[rule]]", f'name = "{name}"', *lines, ""])


ACTS = [
    ('request.remove = "user"', RequestEdits(fields=FieldEdits(remove=(("user",),)))),
    (
        'request.remove = ["user", "messages.*.name"]',
        RequestEdits(fields=FieldEdits((("user",), ("messages", "*", "name")))),
    ),
    (
        "request.set = { a = 1.5, 'b.c' = [true] }",
        RequestEdits(fields=FieldEdits(set=((("a",), b"1.5"), (("b", "c"), b"[true]")))),
    ),
    ('request.default = { a = "x" }', RequestEdits(fields=FieldEdits(default=((("a",), b'"x"'),)))),
    ('request.rename = { "a.b" = "c" }', RequestEdits(fields=FieldEdits(rename=((("a", "b"), "c"),)))),
    ('request.model = { "a*" = "b" }', RequestEdits(model=Models((("a*", "b"),)))),
    ('request.headers.set = { X-A = "1" }', RequestEdits(headers=HeaderEdits(set=((b"X-A", b"1"),)))),
    ('request.headers.add = { X-A = "1" }', RequestEdits(headers=HeaderEdits(add=((b"X-A", b"1"),)))),
    ('request.headers.remove = "Authorization"', RequestEdits(headers=HeaderEdits((b"authorization",)))),
    ('request.path = { prefix = "/a", to = "/b" }', RequestEdits(path=Prefix("/a", "/b"))),
    (r"request.path = { expression = '^/a(.+)', to = '/b\1' }", RequestEdits(path=PathExpression("^/a(.+)", r"/b\1"))),
    ("response.status = 200", ResponseEdits(status=((0, 200),))),
    ("response.status = { 503 = 429, 500 = 502 }", ResponseEdits(status=((503, 429), (500, 502)))),
    ('response.set = { model = "m" }', ResponseEdits(fields=FieldEdits(set=((("model",), b'"m"'),)))),
    ('response.headers.remove = ["Server"]', ResponseEdits(headers=HeaderEdits((b"server",)))),
    ('text = { replace = "a", by = "b" }', Replace("mine", "a", "b")),
    (
        'text = { replace = "a", by = "", fields = ["content", "arguments"] }',
        Replace("mine", "a", "", ("content", "arguments")),
    ),
    ("text = { expression = 'a+', by = '', longest = 9 }", Expression("mine", "a+", "", 9)),
    ('text = { open = "<a>", close = "</a>", moves = true }', Pair("mine", "<a>", "</a>", moves=True)),
    ('text = { open = "<a>", close = "</a>", open-by = "(", close-by = ")" }', Pair("mine", "<a>", "</a>", "(", ")")),
]


@pytest.mark.parametrize(("line", "act"), ACTS, ids=range(len(ACTS)))
def test_what_a_rule_does(line, act):
    (found,) = read_rules(rule(line), "r.toml")
    assert (found.name, found.when, found.act, found.place) == ("mine", Conditions(), act, "r.toml:1")


WHEN = [
    ("{}", Conditions()),
    ('{ path = "/v1/*" }', Conditions(path=(Glob("/v1/*"),))),
    ('{ method = ["GET", "POST"], upstream = "a" }', Conditions(method=("GET", "POST"), upstream=("a",))),
    (
        '{ model = ["a*", "b"], dialect = "openai-chat" }',
        Conditions(model=(Glob("a*"), Glob("b")), dialect=("openai-chat",)),
    ),
    ('{ header = { X-Team = "a*" } }', Conditions(header=((b"x-team", (Glob("a*"),)),))),
    ('{ dialect = "of-a-plugin" }', Conditions(dialect=("of-a-plugin",))),
]


@pytest.mark.parametrize(("text", "when"), WHEN, ids=range(len(WHEN)))
def test_when(text, when):
    (found,) = read_rules(rule(f"when = {text}", 'request.remove = "a"'), "r.toml")
    assert found.when == when


def test_rules_keep_their_order_and_lines():
    text = (
        "# a comment\n\n"
        + rule('request.remove = "a"', name="z")
        + "\n  [[ rule ]] # here\nname = 'b'\nresponse.status = 200\n"
    )
    assert [(each.name, each.place) for each in read_rules(text, "f")] == [("z", "f:3"), ("b", "f:7")]


OK = 'request.remove = "a"'
WRONG = [
    ("", "f: there is no rule: each begins with a line [[rule]]"),
    ("rule = 7", "f: there is no rule: each begins with a line [[rule]]"),
    ("x = 1", "f: unknown key 'x': there are rule; each rule is a table of its own: [[rule]]"),
    ("[[rules]]", "f: unknown key 'rules', did you mean 'rule': there are rule; each rule is"),
    ("[[rule]\n", "f:1: it is not TOML"),
    ("\n\na = ", "f:3: it is not TOML: Invalid value (at end of document)"),
    (rule(OK) + "a = 1\na = 2", "f:5: it is not TOML"),
    ("a = " + "[" * 5000, "f: it is not TOML: it is nested too deeply"),
    ("[[rule]]\n" + OK, "f:1: rule 1: a rule needs a name: up to 100 printable characters"),
    ("[[rule]]\nname = 7", "f:1: rule 1: a rule needs a name"),
    ("rule = [7]", "f:1: rule 1: a rule is a table: [[rule]]"),
    (rule(), "f:1: rule 'mine': a rule has exactly one of request, response, text; this one has none"),
    (rule(OK, "response.status = 200"), "this one has request and response"),
    (rule(OK, "whn = {}"), "f:1: rule 'mine': unknown key 'whn', did you mean 'when': there are name, when,"),
    (rule("request = 7"), "f:1: rule 'mine': request: must be a table with some of set, remove, rename"),
    (rule("request = {}"), "request: must be a table with some of"),
    (rule("request.sett = {a = 1}"), "request: unknown key 'sett', did you mean 'set': there are set, remove, rename"),
    (rule("request.status = 200"), "request: unknown key 'status'"),
    (rule('request.key = "/k"'), "use --upstream-key NAME=FILE"),
    (rule("request.remove = []"), "request.remove: must be a text, or a list of texts"),
    (rule("request.remove = [7]"), "request.remove: must be a text, or a list of texts"),
    (rule('request.remove = "a..b"'), "request.remove: 'a..b' is no path"),
    (rule('request.remove = ["a", "a"]'), "request: a is changed twice in one rule"),
    (rule('request.remove = "a"', "request.set = {a = 1}"), "request: a is changed twice in one rule"),
    (rule("request.set = {a = inf}"), "request.set.a: is no value that JSON can hold"),
    (rule("request.set = {a = 1979-05-27}"), "request.set.a: is no value that JSON can hold"),
    (rule("request.set = 1"), "request.set: must be a table"),
    (rule("request.default = {'a.*' = 1}"), "request.default: 'a.*' must end in a name"),
    (rule("request.rename = {'a.0' = 'b'}"), "request.rename: 'a.0' must end in a name"),
    (rule("request.rename = {a = 'a'}"), "request.rename: a needs another name"),
    (rule("request.rename = {a = 7}"), "request.rename.a: must be a text"),
    (rule('request.model = {"a" = ""}'), "request.model: gives names for names"),
    (rule('request.headers = {set = {Host = "x"}}'), "request.headers: 'Host' says how the message is sent"),
    (rule('request.headers.remove = "Connection"'), "'Connection' says how the message is sent"),
    (rule('request.headers.set = {Authorization = "Bearer x"}'), "'Authorization' holds a key: use --upstream-key"),
    (rule('request.headers.set = {X-A = "a\\nb"}'), "'X-A': its value has a line break"),
    (rule("request.headers.set = {X-A = 1}"), "request.headers.set.X-A: must be a text"),
    (rule('request.headers.del = "a"'), "request.headers: unknown key 'del'"),
    (rule('request.path = {to = "/a"}'), "request.path: needs to, and prefix or expression"),
    (rule('request.path = {prefix = "/a", expression = "a", to = "/a"}'), "needs to, and prefix or expression"),
    (rule('request.path = {prefix = "a", to = "/a"}'), "request.path: its new path is none that can be sent"),
    (rule('request.path = {expression = "(", to = "/a"}'), "request.path: pattern: '(' is none that RE2 reads"),
    (rule('request.path = {expression = "a*", to = "/a"}'), "matches the empty text"),
    (rule("request.path = {expression = 'a', to = '\\1'}"), "names a group that the pattern does not have"),
    (rule("response.status = 700"), "response.status: a status from 200 to 599"),
    (rule("response.status = 304"), "response.status: a status from 200 to 599"),
    (rule("response.status = true"), "response.status: a status from 200 to 599"),
    (rule('response.status = {"x" = 200}'), "response.status: a status from 200 to 599"),
    (rule('response.path = "a"'), "response: unknown key 'path'"),
    (rule("text = {}"), "text: must be a table"),
    (rule('text = {by = "a"}'), "text: needs one of replace, expression, or open and close"),
    (rule('text = {replace = "a"}'), "text: by is missing"),
    (rule('text = {replace = "", by = "b"}'), "find is empty"),
    (rule('text = {replace = "a", by = "b", longest = 3}'), "text: longest does not go with replace"),
    (rule('text = {replace = "a", by = 7}'), "text.by: must be a text"),
    (rule('text = {expression = "a*", by = "b", longest = 3}'), "matches the empty text"),
    (rule('text = {expression = "a", by = "b"}'), "text: longest says how many characters"),
    (rule('text = {expression = "a", by = "b", longest = 99999}'), "longest must say how many"),
    (rule('text = {expression = "(a", by = "b", longest = 9}'), "is none that RE2 reads"),
    (rule("text = {expression = '(?:a{999}){999}', by = 'b', longest = 9}"), "is none that RE2 reads"),
    (rule('text = {open = "a"}'), "text: close is missing"),
    (rule('text = {open = "a", close = "b", moves = 1}'), "text: moves is true or false"),
    (rule('text = {open = "a", close = "b", moves = true, open-by = "x"}'), "moves makes open and close vanish"),
    (rule('text = {replace = "a", by = "b", fields = "prompt"}'), "field 'prompt' is unknown"),
    (rule("when = 7", OK), "when: must be a table"),
    (rule("when = {modell = 'a'}", OK), "when: unknown key 'modell', did you mean 'model'"),
    (rule("when = {path = 'v1'}", OK), "when.path: 'v1' is no path"),
    (rule("when = {path = '/v1?a=b'}", OK), "when.path: '/v1?a=b' is no path"),
    (rule("when = {method = 'post'}", OK), "when.method: 'post' is no method such as POST"),
    (rule("when = {model = []}", OK), "when.model: must be a text"),
    (rule("when = {header = {'a b' = 'x'}}", OK), "when.header: 'a b' is not the name of a header field"),
    (
        rule("when = {dialect = 'openai-chatt'}", OK),
        "when.dialect: there is no 'openai-chatt', did you mean 'openai-chat'",
    ),
    (rule(OK) * (MOST + 1), f"f: there are {MOST + 1} rules"),
    (" " * (LONGEST + 1), "f: the file has more than"),
]


@pytest.mark.parametrize(("text", "error"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_named(text, error):
    with pytest.raises(RuleError) as refusal:
        read_rules(text, "f")
    assert error in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).count("rule 'mine'") <= 1


def test_the_line_of_a_later_rule_is_named():
    with pytest.raises(RuleError, match=r"^f:5: rule 'two': request: unknown key"):
        read_rules(rule(OK) + "\n" + rule("request.x = 1", name="two"), "f")


LONG = [
    rule(f"request.remove = '{'a' * 5000}..'"),
    rule(name="a" * 9999),
    f"{'a' * 9999} = 1",
    rule(f'request = {{ "{"a" * 5000}\\n" = 1 }}'),
    '[[rule]]\n"a\\nb" = 1\nname = "x"',
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_an_error_is_one_line_however_long_what_it_quotes_is(text):
    with pytest.raises(RuleError) as refusal:
        read_rules(text, "f")
    assert len(str(refusal.value)) < 1200
    assert len(str(refusal.value).splitlines()) == 1


LINES = [
    ("[[rule]]\n[[rule]]\n", 2, [1, 2]),
    ('x = """\n[[rule]]\n"""\n[[rule]]\n', 1, [4]),
    ("x = '''\n[[rule]]\n'''\n[[rule]]\n", 1, [4]),
    ('# """\n[[rule]]\n# """\n', 1, [2]),
    ('x = "\\"" # it\'s\n[["rule"]]\n', 1, [2]),
    ("x = [\n[['rule']]\n]\n[[rule]]", 1, [1]),  # what looks alike leaves the first line, and never another rule's
    ("rule = [{}]", 1, [1]),
    ("\r\n[[rule]]\r\n", 1, [2]),
]


@pytest.mark.parametrize(("text", "count", "lines"), LINES, ids=range(len(LINES)))
def test_lines(text, count, lines):
    assert lines_of(text, count) == lines


@given(
    st.lists(st.sampled_from(["[[rule]]", '"""', "'''", "'", '"', "#", "\n", "\\", "a", " "]), max_size=30).map("".join)
)
def test_lines_of_any_text(text):
    assert len(lines_of(text, 3)) == 3
    try:
        table = tomllib.loads(text)
    except ValueError:
        return
    count = len(table.get("rule", []))
    lines = lines_of(text, count)
    assert all("rule" in text.split("\n")[line - 1] for line in lines)


def test_hostile_text_takes_no_time():
    for part in ('"""', "'", '"\\', "[[rule]]", "'''a", "#\n"):
        lines_of(part * 100_000, 1)


@given(st.text(max_size=200) | st.text("[]rule=\n\"'{}. ", max_size=60))
def test_whatever_a_file_says_the_error_is_one_of_ours(text):
    try:
        found = read_rules(text, "f")
    except RuleError:
        return
    assert all(rule.place.startswith("f:") for rule in found)
