"""What is found in a cassette's documents, and what is fine."""

import pytest
from attrs import evolve
from care_documents import Piece, asked, documents, documents_of, with_damage

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.care.findings import DUPLICATE, KINDS, Finding, findings, told_of
from proxy_daemon.core.cassettes.llmproxy import HEADER, Damaged
from proxy_daemon.core.cassettes.llmproxy.checking import ADVICE
from proxy_daemon.core.messages import Unknown
from proxy_daemon.core.pattern import Pattern
from tests.core.cassettes.llmproxy.cassette_files import file_of


def places(found, kind=DUPLICATE):
    return [one.document for one in found if one.kind == kind]


@pytest.mark.parametrize(
    ("recordings", "doubled"),
    [
        ([], []),
        ([asked()], []),
        ([asked(), asked()], [1]),
        ([asked(), asked(), asked()], [1, 2]),
        ([asked(), asked("rain"), asked(), asked("rain")], [2, 3]),
        ([asked(number=1), asked(number=2)], [1]),  # what a server makes anew does not count
        ([asked(), asked(said="Rome.")], []),  # they answer in turn
        ([asked(), asked(), asked(said="Rome.")], []),  # a poll: wait, wait, done
        ([asked(), asked(path=b"/v1/x")], []),
        ([asked(), asked(status=201)], []),
        ([asked(), asked(pattern=Pattern(path="*"))], []),
        ([asked(), asked(written=True)], []),
        ([asked(), asked(replayable=False)], []),
    ],
)
def test_duplicates(recordings, doubled):
    found = findings(documents(*recordings))
    assert places(found) == doubled
    assert len(found) == len(doubled)


def test_a_duplicate_says_of_which():
    first, second = documents(asked(), asked())
    assert findings([first, second]) == [
        Finding(second.entry.line, DUPLICATE, "the same request and the same answer as in line 2", 1)
    ]


def test_of_unknown_requests_nothing_is_known():
    lost = asked(unknown=frozenset((Unknown.REQUEST,)))
    pieces = [Piece(evolve(one.entry, recording=evolve(lost, fingerprint=b"")), None) for one in documents(lost, lost)]
    assert findings(pieces) == []


def test_damage_and_the_rest_by_line():
    pieces = with_damage(asked(), asked())
    assert [(one.kind, one.document) for one in findings(pieces)] == [("damaged", 0), ("duplicate", 2)]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("no YAML: x", "damaged"),
        (f"answer.text: {ADVICE}", "answer"),
        ("request.file: the file beside the cassette cannot be read: x.png: No such file", "missing"),
        ("request.file: the file beside the cassette is not the one that was written: x was changed", "missing"),
    ],
)
def test_the_kind_of_what_is_damaged(reason, kind):
    assert told_of(Damaged(0, 1, 7, reason), 3) == Finding(7, kind, reason, 3)


def test_an_answer_that_was_changed():
    data = file_of(asked(), asked("rain")).replace(b"    Paris.\n", b"    Rome.\n", 1)
    (found,) = findings(documents_of(data))
    assert (found.kind, found.document) == ("answer", 0)
    assert data.split(b"\n")[found.line - 1].strip().startswith(b"text:")


def test_a_sealed_answer_is_looked_at_too():
    """Its seal is right: only a look at what was recorded shows that it was made up."""
    (piece,) = documents(asked())
    other = asked(said="Rome.").response
    entry = evolve(piece.entry, recording=evolve(piece.entry.recording, response=other))
    assert entry.sealed
    assert [one.kind for one in findings([Piece(entry, None)])] == ["answer"]


def test_what_is_edited_is_fine():
    data = file_of(asked()).replace(b"    Paris.\n", b"    Rome.\n").replace(b"request:\n", b"edited: true\nrequest:\n")
    assert findings(documents_of(data)) == []


def test_unused():
    pieces = documents(asked(), asked("rain"))
    (found,) = findings(pieces, unused=[1])
    assert found == Finding(pieces[1].entry.line, "unused", "nobody asked for it: POST /v1/chat/completions gpt-4o", 1)
    with pytest.raises(ValueError, match="nobody can say"):
        findings(with_damage(), unused=[0])


def test_a_body_that_is_gone_is_no_duplicate():
    class Gone(Bytes):
        def read(self, offset, size):
            raise OSError("gone")

        def whole(self):
            return None

    pieces = documents(asked(), asked())
    response = evolve(asked().response, body=Gone(b"12345"))
    gone = evolve(pieces[1].entry, sealed=False, recording=evolve(pieces[1].entry.recording, response=response))
    assert findings([pieces[0], Piece(gone, None)]) == []


def test_an_empty_file():
    assert findings(documents_of(HEADER)) == []
    assert set(KINDS) == {"damaged", "missing", "answer", "version", "duplicate", "unused", "orphan", "secret"}
