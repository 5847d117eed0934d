"""Files that are damaged, hostile or of another time: each says file, line and reason, and costs itself only."""

import hashlib

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.llmproxy import HEADER, INLINE, Damaged, Entry, read, written
from proxy_daemon.core.messages import Pieces
from tests.core.cassettes.llmproxy.cassette_files import damaged, entries, entry, file_of, recording

PLAIN = b"""# llmproxy cassette 1
---
request:
  method: POST
  target: /v1/chat/completions
  text: question
response:
  status: 200 OK
  headers: |
    Content-Type: text/plain
  text: answer
  pieces: 6@0.5
...
"""
GOOD = file_of(recording())
DOCUMENT = GOOD.removeprefix(HEADER)


def test_the_plain_file_is_good():
    found = entry(PLAIN).recording
    assert (found.request.body.whole(), found.response.body.whole()) == (b"question", b"answer")
    assert (list(found.response.pieces.sizes), list(found.response.pieces.times)) == ([6], [500_000])
    assert found.replayable
    assert found.status == 200


HASH = hashlib.sha256(b"x").hexdigest()
CHANGES = [
    # what of PLAIN is replaced, by what; the line, and words of the reason
    (b"...\n", b"", 12, "cut off: a document ends in a line `...`"),
    (b"  text: answer\n  pieces: 6@0.5\n...\n", b"  text: ans\n", 11, "cut off"),
    (b"  status", b"\tstatus", 8, "a tab where blanks are wanted"),
    (b"  target", b"\t  target", 5, "a tab where blanks are wanted"),
    (b"  method: POST\n", b"  method: POST\r\n", 2, "line ends of two kinds"),
    (b"  text: answer", b"<<<<<<< HEAD\n  text: answer\n=======", 11, "a merge that is not done"),
    (b"...\n", b"...\n>>>>>>> theirs\n", 14, "a merge that is not done"),
    (b"...\n", b"...\nrequest:\n", 14, "text behind a `...`"),
    (b"---\n", b"text\n---\n", 2, "text before the first `---`"),
    (b"  method: POST\n", b"  method: POST\n  method: GET\n", 4, "a key stands twice"),
    (b"request:\n", b"edited: false\nedited: false\nrequest:\n", 3, "a key stands twice"),
    (b"question", b"*a", 6, "an alias"),
    (b"question", b"!!python/object/apply:os.system [id]", 6, "a tag"),
    (b"question", b"!local text", 6, "a tag"),
    (b"question", b"!!binary '/w='", 6, "octets that are not base64"),
    (b"question", b"{{{{{{{", 8, "no YAML"),
    (b"question", b"[" * 300 + b"]" * 300, 6, "nested deeper"),
    (b"question", b'"\\q"', 6, "no YAML"),
    (b"question", b"\xff", 2, "not UTF-8"),
    (b"question", b"\x01", 2, "characters that YAML does not allow"),
    (b"question", b"12", 6, "request.text: no text: put it in quotes"),
    (b"  text: question", b"  base64: a b c", 6, "request.base64: no base64"),
    (b"  text: question", b"  base64: " + b"A" * 3 * INLINE, 6, "stand in a file beside the cassette"),
    (b"  text: question", b"  text: a\n  json: {}", 6, "a body is said once, here by json and text"),
    (b"  text: question", b"  style: compact\n  json: .nan", 7, "a value that no JSON says"),
    (b"  text: question", b"  style: pretty\n  json: {}", 6, "no style of JSON: there are compact, spaced"),
    (b"  text: question", b"  style: compact, pretty\n  json: {}", 6, "no style of JSON"),
    (b"  text: question", b"  file: /etc/passwd", 6, "no name of a file beside"),
    (b"  text: question", b"  file: ../" + b"a" * 64 + b".bin", 6, "no name of a file beside"),
    (b"  text: question", b"  file: ..", 6, "no name of a file beside"),
    (b"  text: question", b"  file: " + HASH.encode() + b".bin", 6, "cannot be read: " + HASH + ".bin: it is missing"),
    (b"  text: question", b"  txt: question", 6, "request.txt: no member of this name: there are base64, file"),
    (b"request:\n", b"requests: 1\nrequest:\n", 3, "requests: no member of this name"),
    (b"request:\n", b"request: 1\nresponse:\n", 3, "a key stands twice"),
    (b"200 OK", b"OK", 8, "response.status: no status such as 200 OK"),
    (b"200 OK", b"99999", 8, "response.status: no status"),
    (b"200 OK", b"true", 8, "response.status: no status"),
    (b"Content-Type: text/plain", b"no colon", 9, "response.headers: a line that is no header field"),
    (b"Content-Type: text/plain", b"a b: c", 9, "response.headers: a line that is no header field"),
    (b"headers: |\n    Content-Type: text/plain", b'headers: "a: b\\rc: d"', 9, "response.headers: a line that is no"),
    (
        b"headers: |\n    Content-Type: text/plain",
        b'headers: [[a, "b\\nc"]]',
        9,
        "a line end in it",
    ),
    (b"headers: |\n    Content-Type: text/plain", b"headers: [[a]]", 9, "a header field that is no pair"),
    (b"headers: |\n    Content-Type: text/plain", b"headers: 5", 9, "no lines `Name: value`"),
    (b"6@0.5", b"5@0.5", 12, "the pieces have 5 octets, the body has 6"),
    (b"text: answer", b"text: answers", 12, "the pieces have 6 octets, the body has 7"),
    (b"6@0.5", b"6@x", 12, "response.pieces: no pieces such as"),
    (b"6@0.5", b"3@0.5 3", 12, "some pieces have a time and some have none"),
    (b"6@0.5", b"[6]", 12, "response.pieces: no pieces such as"),
    (b"6@0.5", b"9999999999999999999@1", 12, "the pieces have"),
    (b"request:\n", b"recorded: yesterday\nrequest:\n", 3, "recorded: no moment such as"),
    (b"request:\n", b"recorded: 2026-11-21T10:00:00Z, head after 1.2.3 s\nrequest:\n", 3, "recorded: "),
    (b"request:\n", b"upstream: openai\nrequest:\n", 3, "upstream: no name and base URL"),
    (b"request:\n", b"upstream: [a, b]\nrequest:\n", 3, "upstream: no name and base URL"),
    (b"request:\n", b"upstream: [a, b, c, d, x, e]\nrequest:\n", 3, "upstream: no port"),
    (b"request:\n", b"ending: happily\nrequest:\n", 3, "ending: no ending: there are complete, client gone"),
    (b"request:\n", b"unknown: time, weather\nrequest:\n", 3, "unknown: there are time, duration"),
    (b"request:\n", b"pinned: 1\nrequest:\n", 3, "pinned: neither true nor false"),
    (b"request:\n", b"status: 10000\nrequest:\n", 3, "status: no status"),
    (b"request:\n", b"answer: Paris\nrequest:\n", 3, "answer: no mapping"),
    (b"request:\n", b"pattern: any\nrequest:\n", 3, "pattern: no mapping"),
    (b"request:\n", b"pattern:\n  query: [a]\nrequest:\n", 4, "pattern.query: no list of pairs"),
    (b"request:\n", b"pattern:\n  wild: a\nrequest:\n", 4, "pattern.wild: no list"),
    (b"request:\n", b"%TAG ! a\nrequest:\n", 4, "no YAML"),
    (b"---\n", b"--- text\n", 3, "no YAML"),
    (b"---\n", b"--- &a {a: *a}\n", 2, "an alias"),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), CHANGES, ids=range(len(CHANGES)))
def test_what_is_wrong_is_said_with_its_line(old, new, line, reason):
    assert PLAIN.count(old)
    (found,) = [each for each in entries(PLAIN.replace(old, new, 1)) if isinstance(each, Damaged)]
    assert reason in found.reason
    assert found.line == line


@pytest.mark.parametrize(("old", "new", "line", "reason"), CHANGES[:60], ids=range(60))
def test_a_damaged_document_costs_itself_only(old, new, line, reason):
    broken = PLAIN.removeprefix(HEADER).replace(old, new, 1)
    found = entries(HEADER + DOCUMENT + broken + DOCUMENT)
    good = [each.recording.request for each in found if isinstance(each, Entry)]
    assert good.count(recording().request) == 2
    assert any(isinstance(each, Damaged) and each.line >= DOCUMENT.count(b"\n") for each in found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"# llmproxy cassette 2\n", "written by a newer llmproxy: cassettes of version 2, this reads 1"),
        (b"# llmproxy cassette 0\n", "cassettes have no version 0"),
        (b"interactions: []\n", "its line 1 is not `# llmproxy cassette 1`"),
        (b"<<<<<<< HEAD\n# llmproxy cassette 1\n", "a merge that is not done"),
        (b"\xff\xfe#\0 \0", "its line 1 is not"),
        (DOCUMENT, "its line 1 is not"),
    ],
    ids=range(6),
)
def test_a_file_that_is_none_of_ours_says_so(data, reason):
    with pytest.raises(Unreadable, match=r"c\.yaml: ") as error:
        entries(data)
    assert reason in error.value.reason


@pytest.mark.parametrize("data", [b"", HEADER, HEADER + b"\n# a remark\n\n", HEADER.strip(), b"\xef\xbb\xbf" + HEADER])
def test_a_file_without_documents_has_no_entries(data):
    assert entries(data) == []


@pytest.mark.parametrize("size", range(1, len(HEADER) - 1))
def test_a_first_line_that_was_cut_off_is_damaged(size):
    found = entries(HEADER[:size])
    assert found == [Damaged(0, size, 1, "cut off: its first line is not whole")]


def test_wherever_a_file_is_cut_off_only_the_last_document_is_lost():
    data = GOOD + DOCUMENT
    for size in range(len(GOOD), len(data)):
        found = entries(data[:size])
        assert isinstance(found[0], Entry)
        lasts = found[1:]
        is_whole = data[:size].rpartition(b"\n")[2].startswith(b"...") or size == len(data)
        assert [type(each) for each in lasts] == [] if size == len(GOOD) else [Entry if is_whole else Damaged]


def test_remarks_between_documents_belong_to_none():
    found = entries(HEADER + b"# one\n" + DOCUMENT + b"\n# two\n\n" + DOCUMENT + b"# three")
    assert [isinstance(each, Entry) for each in found] == [True, True]
    assert [each.end - each.start for each in found] == [len(DOCUMENT)] * 2


def test_a_file_beside_that_was_changed_is_an_error():
    document = written(recording(answer=b"\xff" * (INLINE + 1)))
    (name,) = document.beside
    _, reason = damaged(HEADER + document.text, {name: b"other"})
    assert f"is not the one that was written: {name} was changed" in reason


def test_a_file_beside_that_cannot_be_opened_is_an_error():
    def refuse(name):
        raise PermissionError(13, "Permission denied", name)

    data = HEADER + written(recording(answer=b"\xff" * (INLINE + 1))).text
    (found,) = read("c.yaml", data, refuse)
    assert found.reason.endswith("Permission denied")


def test_an_answer_that_was_cut_when_it_was_recorded_has_the_pieces_that_came():
    found = recording()
    pieces = Pieces(type(Pieces().sizes)("Q", [99999]), type(Pieces().times)("Q", [1]))
    found = evolve(found, cut=True, response=evolve(found.response, pieces=pieces))
    assert entry(file_of(found)).recording.response.pieces == pieces


BOMB = b"&a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + n, 98 + n, 97 + n, 97 + n) for n in range(20))


@pytest.mark.parametrize(
    "text",
    [
        b"a: " + BOMB,
        b"? [a]\n: b\n",
        b"<<: {a: 1}\n",
        b"- a\n",
        b"text\n",
        b"",
        b"~\n",
        b"'" * 9999 + b"\n",
        b"? " * 999,
    ],
    ids=range(9),
)
def test_documents_of_any_shape_are_damaged_and_no_more(text):
    damaged(HEADER + b"---\n" + text + b"...\n")


@given(st.binary(max_size=200))
def test_any_octets_in_a_document_are_read_or_refused(noise):
    for each in entries(HEADER + b"---\n" + noise + b"\n...\n" + DOCUMENT):
        assert isinstance(each, Entry | Damaged)


@given(st.integers(0, len(PLAIN) - 1), st.binary(max_size=4), st.integers(0, 8))
def test_any_change_to_a_file_is_read_or_refused(at, noise, lost):
    try:
        found = entries(PLAIN[:at] + noise + PLAIN[at + lost :])
    except Unreadable:
        return
    assert all(isinstance(each, Entry | Damaged) for each in found)
