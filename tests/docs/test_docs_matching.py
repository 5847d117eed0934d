"""docs/matching.md against the code: each worked example is run, each list is what the dialects say."""

import re
import tomllib

import matching_lists
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.counting import match_on, stamps
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Request

PAGE = matching_lists.PAGE.read_text()
EXAMPLES = re.findall(r"<!-- (same|different): ([a-z-]+)(?:; (\S+) (\S+))? -->\n```\w*\n(.*)\n(.*)\n```\n", PAGE)
DIALECTS = {dialect.name: dialect for dialect in BUILT_IN}


def matcher(option, value):
    if option == "match_on":
        return Matcher(on=match_on.parse_match_on(value))
    return Matcher(stamps=stamps.parse_named(value)) if option == "volatile" else Matcher()


def taken(name, line, by):
    if name == "paths":
        return by.fingerprint(Request(b"GET", line.encode()), GENERIC, None, b"")
    request = Request(b"POST", b"/v1/x", Headers([(b"Content-Type", b"application/json")]), Bytes(line.encode()))
    return by.fingerprint(request, DIALECTS[name], None, b"")


@pytest.mark.parametrize(("verdict", "name", "option", "value", "one", "other"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_as_the_page_says(verdict, name, option, value, one, other):
    by = matcher(option, value)
    assert (taken(name, one, by) == taken(name, other, by)) is (verdict == "same")
    if option:
        assert taken(name, one, Matcher()) != taken(name, other, Matcher())


def test_every_example_is_run():
    assert len(EXAMPLES) == PAGE.count("<!-- same:") + PAGE.count("<!-- different:") > 30


def test_its_lists_are_as_they_would_be_made_anew():
    assert matching_lists.rebuilt(PAGE) == PAGE, "python tests/docs/matching_lists.py renews them"


def test_its_tables_of_a_file_can_be_read():
    found = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
    assert [each.path for each in match_on.parse_tables(found[0]["match"])] == ["/v1/embeddings", "/v1/audio/*"]
    assert [each.name for each in stamps.parse_tables(found[1]["volatile"])] == ["build-number", "dates"]


def test_every_rule_that_has_a_name_is_told():
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) == list(stamps.NAMED)
