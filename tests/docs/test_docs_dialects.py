"""docs/dialects.md against the code: its table is what the dialects do, and its sample is a dialect that works."""

import re
from pathlib import Path

import dialect_plugin
import dialects_table
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

ROOT = Path(__file__).parents[2]
PAGE = dialects_table.PAGE.read_text()
ASKED = Request(b"POST", b"/parrot/say", body=Bytes(b'{"model": "p-1", "say": "who is there"}'))
(PARROT,) = dialect_plugin.llmproxy_dialects()


def test_the_table_is_as_it_would_be_made_anew():
    assert dialects_table.rebuilt(PAGE) == PAGE, "python tests/docs/dialects_table.py renews it"


def test_every_dialect_has_its_row():
    assert list(dialects_table.EXAMPLES) == [dialect.name for dialect in BUILT_IN]
    assert re.findall(r"^\| \[([a-z0-9-]+)\]", PAGE, re.MULTILINE) == list(dialects_table.EXAMPLES)


def test_no_cell_breaks_the_table():
    for dialect in BUILT_IN:
        for cell in dialects_table.row(dialect):
            assert cell
            assert "|" not in cell
            assert cell.isprintable()


def test_the_sample_is_the_one_that_is_run_here():
    ((path, text),) = re.findall(r"<!-- sample: (\S+) -->\n```python\n(.*?)```\n", PAGE, re.DOTALL)
    assert text == (ROOT / path).read_text()
    assert Path(dialect_plugin.__file__) == ROOT / path


def test_the_sample_is_recognised_and_says_what_is_asked():
    assert recognise(ASKED, [PARROT, *BUILT_IN]) is PARROT
    assert PARROT.model(ASKED) == "p-1"
    assert PARROT.generates(ASKED)
    assert PARROT.conversation(ASKED).messages[0].text == "who is there"
    assert recognise(Request(b"POST", b"/v1/chat/completions"), [PARROT, *BUILT_IN]).name == "openai-chat"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_sample_reads_what_it_renders(text):
    answer = Answer((Choice((Text(text),), Finish.STOP),))
    rendered = PARROT.render(answer, ASKED)
    assert PARROT.ends_with_terminal(rendered.body)
    assert heard(rendered.content_type, rendered.body) == (answer, "")
    assert not heard(rendered.content_type, rendered.pieces[0].octets + b'{"wor')[0].complete


def heard(content_type, octets):
    head = ResponseHead(200, b"", Headers([(b"content-type", content_type)]))
    return read_answer(PARROT, ASKED, Response(head, Bytes(octets)))


@pytest.mark.parametrize("line", [b"[]", b"7", b'{"word": 7}', b'{"word": null, "over": 1}', b'"over"', b"\xff"])
def test_the_sample_takes_what_anybody_wrote(line):
    answer, _ = heard(b"application/x-ndjson", b'{"word": "hi"}\n' + line + b"\n")
    assert (answer.text, answer.complete) == ("hi", False)
