"""mitmproxy 11.0.2 itself: the same filters select the same exchanges; where they do not, it is on purpose and listed.

It stands in a folder of its own (`make .sdk/mitmproxy`): no other test sees it.
"""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from filter_subject import EMPTY

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.filtering import FilterError, explain, holds, parse
from proxy_daemon.core.filtering.recorded import decoded
from proxy_daemon.core.headers import Headers

FOLDER = Path(__file__).parents[3] / ".sdk" / "mitmproxy"
PROGRAM = str(Path(__file__).with_name("mitmproxy_program.py"))
LIMIT = 120

pytestmark = pytest.mark.more


def flow(url, method="POST", status=200, **more):
    fields = {
        "asked_fields": [("content-type", "application/json")],
        "told_fields": [("content-type", "application/json")],
    }
    rest = {"asked": b"{}", "told": b"{}", "error": "", "mark": "", "comment": ""}
    return {"url": url, "method": method, "status": status} | fields | rest | more


OPENAI = "https://api.openai.com/v1/chat/completions"
PACKED = [("content-type", "application/json"), ("content-encoding", "gzip")]
SSE = [("Content-Type", "text/event-stream")]
FLOWS = [
    flow(OPENAI, asked=b'{"model":"gpt-4o"}', told=b'{"choices":\n["Rome"]}'),
    flow(
        OPENAI,
        asked='{"city":"Zürich"}'.encode(),
        told_fields=SSE,
        told=b"data: 1\n\n",
    ),
    flow(OPENAI + "?x=1", status=429, told_fields=[("retry-after", "3"), ("x-ratelimit-remaining", "0")]),
    flow("https://api.anthropic.com/v1/messages", told_fields=PACKED, told=gzip.compress(b'{"content":"Paris"}')),
    flow("http://127.0.0.1:8080/api/tags", "GET", asked=b"", asked_fields=[("user-agent", "curl/8.5")]),
    flow("http://localhost/v1/models", "GET", status=404, mark=":red:", comment="to do"),
    flow("https://api.openai.com/v1/files", "DELETE", status=0, error="connection lost"),
    flow("https://example.com/a&b|c!d?q='", "PUT", told=b"\x89PNG\xff\x00needle", comment="done\nto do"),
    flow("https://example.com/x", "PUT", 500, asked=b"a.b a\\b axb 'quoted' \"twice\"", told=b"first\nsecond"),
]
ATOMS = [
    *("~q", "~s", "~e", "~all", "~marked", "chat", "v1/m", "^https", "x$", "a&b", "a|b", "c!d", "'/v1/(chat|files)'"),
    *("~u openai", "~u OPENAI", "~u 'v1/.*s$'", "~u \\d+", "~d openai", "~d ^api", "~d 127", "~m post", "~m 'GET|PUT'"),
    *("~c 200", "~c 429", "~c 404", "~b Rome", "~b 'choices.*Rome'", "~bq gpt-4o", "~bq Rome", "~bs Paris"),
    *("~bs needle", "~bq a\\\\b"),
    *("~bs 'first.second'", "~b Zürich", "~b 'Z.+rich'", '~bq "a\\\\.b"', '~bq "\\"twice"', "~bq '\\'quoted\\''"),
    *("~h json", "~h curl", "~hq ^user-agent:", "~hs 'retry-after: [1-9]'", "~hs '^x-rate.*: 0'", "~hq retry"),
    *("~t json", "~t event", "~tq json", "~ts stream", "~comment do", "~comment done", "~marker red", "~u ''", "''"),
    *("~b 'e\\nd'", "~bs '\\n'", "~b\nRome", "~m 'P'  ", "~u !d", "~u |c", "~u &b"),
]  # fmt: skip
JOINS = [
    *("{a} {b}", "{a} & {b}", "{a} | {b}", "!{a}", "! {a} & {b}", "!{a} | !{b}", "!!{a}", "({a} )"),
    *("{a} {b} | {c}", "{a} | {b} {c}", "{a} & {b} | {c}", "{a} | {b} & {c}", "!( {a} | {b} )", "{a} {b} & {c}"),
    *("{a} | {b} {c} | {a}", "( {a} | {b} ) & {c}"),
]  # fmt: skip


def combined():
    for at, a in enumerate(ATOMS):
        b, c = ATOMS[(at * 7 + 3) % len(ATOMS)], ATOMS[(at * 5 + 11) % len(ATOMS)]
        yield from (join.format(a=a, b=b, c=c) for join in JOINS)


# What mitmproxy refuses: both do, or we understand it.
BOTH_REFUSE = [
    "~u",
    "~c",
    "~c abc",
    "~c -1",
    "~x a",
    "~ALL",
    "(a",
    "a)",
    "()",
    "'abc",
    "~u ~q",
    "~u [",
    "foo~b",
    "~u (a|b)",
    "~ c 200",
]
OURS_MORE = [
    "",
    "(a b) c",
    "!(a b)",
    "~c200",
    "~q~s",
    "~q&~s",
    "(~q)",
    "~q|~s",
    "~q(~s)",
    "~u'a'",
    "~c >=400",
    "'[x'",
    "'a\nb'",
]
# What only mitmproxy reads, and what we say to it.
REFUSED = {
    "a & | b": "stands between two terms",
    "&": "stands between two terms",
    "!": "a term is missing",
    "~c 200a": "wants a status code",
    "~b 'a(?=b)'": "no look-around",
    "~b '(a)\\\\1'": "no back-references",
    "~a": "there is no ~a",
    "~http": "there is no ~http",
    "~src 127": "there is no ~src",
    "~dst 127": "there is no ~dst",
    "~meta x": "there is no ~meta",
    "~replay": "there is no ~replay",
    "~websocket": "there is no ~websocket",
}
# What both read, and select by differently: (filter, what mitmproxy 11 does with it).
DIFFERENT = [
    ("~b rome", "letters' case counts there for all but URL, host and method; not in newer versions"),
    ("~t JSON", "the same"),
    ("~h CURL", "the same"),
    ("~bq '\\d'", "in quotes it drops the backslash: this is the letter d"),
    ("C++", "a possessive quantifier of Python; no regular expression of RE2, and so the text itself"),
    ("~hs '3$'", "a line ends in CR there"),
    ("~e ~c 500", "only what broke off is an error"),
]


def asked(filters):
    """What mitmproxy says."""
    if not FOLDER.is_dir():
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), "not installed: make .sdk/mitmproxy"
        pytest.skip("not installed: make .sdk/mitmproxy")
    flows = [each | {side: base64.b64encode(each[side]).decode() for side in ("asked", "told")} for each in FLOWS]
    done = subprocess.run(
        [sys.executable, PROGRAM],
        input=json.dumps({"flows": flows, "filters": filters}),
        env=os.environ | {"PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def subject(told):
    """The same exchange for us."""
    fields = [
        Headers([(name.encode(), value.encode()) for name, value in told[each]])
        for each in ("asked_fields", "told_fields")
    ]
    lines = [tuple(b"%b: %b" % pair for pair in each.pairs) for each in fields]
    has_response = bool(told["status"])
    return evolve(
        EMPTY,
        url=told["url"],
        method=told["method"],
        status=told["status"],
        host=urlsplit(told["url"]).hostname,
        request_lines=lines[0],
        response_lines=lines[1] if has_response else (),
        request_types=tuple(fields[0].all(b"content-type")),
        response_types=tuple(fields[1].all(b"content-type")) if has_response else (),
        request_body=decoded(fields[0], Bytes(told["asked"])),
        response_body=decoded(fields[1], Bytes(told["told"])) if has_response else b"",
        has_response=has_response,
        error=told["error"] or ("status" if told["status"] >= 500 else ""),
        mark=told["mark"],
        comment=told["comment"],
    )


SUBJECTS = [subject(each) for each in FLOWS]


def ours(text):
    """What we say; None where it is no filter."""
    try:
        tree = parse(text)
    except FilterError:
        return None
    return [holds(tree, each) for each in SUBJECTS]


def test_the_same_filters_select_the_same():
    # ~e is a wider question here: see DIFFERENT.
    filters = [*ATOMS, *(text for text in combined() if "~e" not in text)]
    theirs = dict(zip(filters, asked(filters), strict=True))
    theirs["~e"] = ours("~e")
    assert {text: ours(text) for text in theirs} == theirs
    assert len({tuple(selected) for selected in theirs.values()}) > 60  # they do select


def test_the_plain_form_is_a_filter_of_mitmproxy():
    """But for a space that it wants between a term without an operand and a parenthesis."""
    filters = [text for text in combined() if "~e" not in text]
    theirs = asked([re.sub(r"(~[a-z]+)\)", r"\1 )", explain(parse(text))) for text in filters])
    assert dict(zip(filters, theirs, strict=True)) == {text: ours(text) for text in filters}


def test_what_mitmproxy_refuses():
    assert asked(BOTH_REFUSE + OURS_MORE) == [None] * len(BOTH_REFUSE + OURS_MORE)
    assert [text for text in BOTH_REFUSE if ours(text) is not None] == []
    assert [text for text in OURS_MORE if ours(text) is None] == []


def test_what_only_mitmproxy_reads():
    assert [text for text, theirs in zip(REFUSED, asked(list(REFUSED)), strict=True) if theirs is None] == []
    for text, reason in REFUSED.items():
        with pytest.raises(FilterError, match=reason):
            parse(text)


def test_what_differs_on_purpose():
    for (text, why), theirs in zip(DIFFERENT, asked([text for text, _ in DIFFERENT]), strict=True):
        assert theirs != ours(text), (text, why)
